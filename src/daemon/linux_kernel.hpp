// Linux as the turn of PID 1 sees it (kernel.hpp): each call is that of the room `os` or `loop`.
#pragma once

#include "daemon/kernel.hpp"

#include <optional>

namespace mi::daemon {

class LinuxKernel final : public Kernel {
public:
    // Without a spawner no process can be started (ENOSYS); without a queue no signal arrives. That is of use in tests only.
    LinuxKernel() = default;
    LinuxKernel(os::Spawner spawner, os::SignalQueue signals)
        : spawner_(std::move(spawner)), signals_(std::move(signals)) {}

    [[nodiscard]] Result<std::unique_ptr<loop::Watch>> watch(int fd, Callback readable,
                                                             Callback writable = {}) override;
    void set_due(Callback due) override { loop_.set_due(std::move(due)); }
    void wake_at(Instant at) override { loop_.wake_at(at); }
    void set_turn_end(Callback turn_end) override;
    void run() override { loop_.run(); }
    void stop() override { loop_.stop(); }

    [[nodiscard]] Instant now() const override;
    [[nodiscard]] WallTime wall_now() const override;
    [[nodiscard]] calendar::Clocks clocks() const override;
    [[nodiscard]] std::size_t random(std::span<unsigned char> bytes) override;

    [[nodiscard]] int signals() const override { return signals_ ? signals_->fd() : -1; }
    [[nodiscard]] Result<std::span<const signalfd_siginfo>> read_signals() override;

    [[nodiscard]] std::expected<os::Start, os::SpawnFault> start(const os::Plan& plan) override;
    [[nodiscard]] std::expected<os::Start, os::SpawnFault> make_network() override;
    [[nodiscard]] bool child_signal_waits() const override;
    [[nodiscard]] bool reap(std::vector<os::Exit>& exits, std::size_t most) override;
    void await(const std::vector<pid_t>& children, Span limit) override;
    Result<> send_signal(pid_t pid, int signal) override;
    Result<> signal_group(pid_t group, int signal) override;
    [[nodiscard]] bool exists(pid_t pid) const override;
    [[nodiscard]] Result<os::ProcessStat> stat_of(pid_t pid) const override;
    [[nodiscard]] Result<os::Disposition> signal_disposition(pid_t pid, int signal) const override;
    [[nodiscard]] pid_t session_of(pid_t pid) const override;
    void give_back_idle_memory() override { gives_back_ = true; }
    [[nodiscard]] Result<std::vector<pid_t>> own_children() const override;
    [[nodiscard]] Result<std::vector<std::vector<pid_t>>>
    find_members(std::span<const os::Membership> services) const override;
    [[nodiscard]] bool is_member(pid_t pid, const os::Membership& service) const override;
    [[nodiscard]] Result<Fd> watch_end(pid_t pid) override;

    [[nodiscard]] Result<std::unique_ptr<os::Cgroups>> open_cgroups(const std::string& name) override;
    [[nodiscard]] Result<std::unique_ptr<os::Cgroups>> go_on_with_cgroups(os::Cgroups::State state) override;

    [[nodiscard]] std::expected<os::PathAnswers, os::Untouched> answer_here(std::span<const os::PathQuestion> questions,
                                                                            os::HangingMounts& hanging) override;
    [[nodiscard]] std::unique_ptr<os::Presence> presence() override;

private:
    loop::AsioLoop loop_;
    std::optional<os::Spawner> spawner_;
    std::optional<os::SignalQueue> signals_;
    bool gives_back_ = false; // at the end of the turn: what is used after it is mapped again
};

} // namespace mi::daemon
