// What we tell our own supervisor, sd_notify(3) the other way round: a user's systemd or podman, where NOTIFY_SOCKET says that
// somebody wants to know; the host of a virtual machine, where the kernel command line or a credential says so.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "os/machine/host_channel.hpp"
#include "os/socket/notify_client.hpp"

namespace mi::daemon {

class BootTarget;

// Where the host of this machine wants to hear of it.
struct HostWish {
    std::string address;        // os::host_addresses
    bool may_come_late = false; // a driver that is loaded on the way may show one
};
[[nodiscard]] HostWish host_wish(const std::string& word, const std::vector<std::string>& kernel_words);

class ParentNotify final : public Subsystem {
public:
    // `has_entry`: we have been given the main process of a container, which has our environment and speaks for itself.
    ParentNotify(Context& context, const BootTarget& target, bool has_entry, HostWish host);

    // To be called in each turn: says once that we are ready, when the boot target is there, or else all that is enabled, as far
    // as it comes up.
    void turn_ends() override;
    void tell_starting();
    void tell_stopping() { tell("STOPPING=1\nSTATUS=stopping"); }
    // The last word, once there is nothing else to do: waits for the host to take it, but not for long.
    void tell_end(int code);

    [[nodiscard]] Instant next_deadline() const override { return again_; }
    void due(Instant now) override { attempt(now); }
    void save(state::ManagerImage& image) const override { image.told_ready = told_ready_ && !host_.waiting(); }
    void restore(const state::ManagerImage& image) override { told_ready_ = image.told_ready; }

private:
    void find_host();
    void tell(const std::string& text);
    void attempt(Instant now);
    [[nodiscard]] bool ready() const;

    Context& context_;
    const BootTarget& target_;
    os::NotifyClient client_;
    HostWish wish_;
    os::HostChannel host_;
    Instant again_ = never; // the next attempt to tell the host
    Instant since_ = never; // when the first one failed
    Span pause_{0};
    bool told_ready_ = false;
};

} // namespace mi::daemon
