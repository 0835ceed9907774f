// What we tell whoever supervises us (a user's systemd, podman), where NOTIFY_SOCKET says that somebody wants to know: sd_notify(3)
// the other way round.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "os/socket/notify_client.hpp"

namespace mi::daemon {

class BootTarget;

class ParentNotify final : public Subsystem {
public:
    // `has_entry`: we have been given the main process of a container, which has our environment and speaks for itself.
    ParentNotify(Context& context, const BootTarget& target, bool has_entry);

    // To be called in each turn: says once that we are ready, when the boot target is there, or else all that is enabled, as far
    // as it comes up.
    void turn_ends() override;
    void tell_stopping() { client_.send("STOPPING=1\nSTATUS=stopping"); }

    void save(state::ManagerImage& image) const override { image.told_ready = told_ready_; }
    void restore(const state::ManagerImage& image) override { told_ready_ = image.told_ready; }

private:
    [[nodiscard]] bool ready() const;

    Context& context_;
    const BootTarget& target_;
    os::NotifyClient client_;
    bool told_ready_ = false;
};

} // namespace mi::daemon
