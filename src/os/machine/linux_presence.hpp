// What is there on this machine: uevents, rtnetlink, the mount table and inotify, each of them open while somebody needs it.
#pragma once

#include "os/file/arrival_watch.hpp"
#include "os/machine/presence.hpp"

#include <optional>

namespace mi::os {

class LinuxPresence final : public Presence {
public:
    LinuxPresence();
    [[nodiscard]] int fd() const override { return all_.get(); }
    [[nodiscard]] std::vector<std::string> watch(std::span<const Awaited> things, HangingMounts& hanging) override;
    [[nodiscard]] Change take_change() override;
    [[nodiscard]] std::vector<std::optional<std::string>> look(std::span<const Awaited> things) override;

private:
    [[nodiscard]] Result<> keep(Fd& which, bool needed, Result<Fd> (*open)(), std::uint32_t events);

    Fd all_; // epoll(7)
    Fd devices_, network_, mounts_;
    Fd mount_state_; // the mount table once more, to ask whether it has changed
    std::optional<ArrivalWatch> paths_;
};

} // namespace mi::os
