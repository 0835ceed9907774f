// The simulated kernel: what PID 1 asks of Linux (daemon/kernel.hpp), answered by a Machine. One for each run of PID 1's program.
//
// Time goes by only when PID 1 waits, and a little with each wake-up. Of what can be read, descriptors are real, so epoll(7) is
// asked, without waiting. Calls can be refused, and any call can be the last one of this program: then Crash is thrown, and who has
// called run() plays the part of the crash handler.
#pragma once

#include "daemon/kernel.hpp"
#include "sim/machine.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace mi::sim {

// PID 1's program has crashed.
struct Crash {};
// The simulation has found something wrong.
struct Violation {
    std::string what;
};

class SimKernel final : public daemon::Kernel {
public:
    struct Faults {
        std::uint64_t no_process_one_in = 0; // clone(2) fails with EAGAIN; 0: never
        std::uint64_t no_program_one_in = 0; // execve(2) fails
        std::uint64_t late_one_in = 0;       // a start is not decided at once
        std::uint64_t crash_at = 0;          // the call before which the program crashes; 0: it does not
        std::uint64_t crash_at_turn = 0;     // the turn at the end of which it does
        bool has_cgroups = true;
    };
    // What is looked at as it happens.
    struct Watcher {
        virtual ~Watcher() = default;
        virtual void making(const os::Plan& plan) = 0;
        virtual void signalling(const Process& process, int number) = 0;
        virtual void turn_ended() = 0;
        // Before PID 1 is woken: what people ask for.
        virtual void before_turn() = 0;
        // It waits for nothing, and nothing is going to happen.
        virtual void stuck() = 0;
    };
    SimKernel(Machine& machine, Watcher& watcher, Faults faults);
    ~SimKernel() override;

    [[nodiscard]] std::uint64_t calls() const { return calls_; }
    [[nodiscard]] std::uint64_t turns() const { return turns_; }
    // Whether the crash of this program comes in one of the next calls.
    [[nodiscard]] bool crashes_soon() const {
        return faults_.crash_at_turn == turns_ + 1 || (faults_.crash_at >= calls_ && faults_.crash_at < calls_ + 100);
    }
    // It has crashed at the end of a turn, when all of it was saved.
    [[nodiscard]] bool crashed_at_rest() const { return crashed_ && at_rest_; }

    [[nodiscard]] Result<std::unique_ptr<loop::Watch>> watch(int fd, Callback readable, Callback writable) override;
    void set_due(Callback due) override { due_ = std::move(due); }
    void wake_at(Instant at) override;
    void set_turn_end(Callback turn_end) override { turn_end_ = std::move(turn_end); }
    void run() override;
    void stop() override { stopped_ = true; }

    [[nodiscard]] Instant now() const override { return machine_.now(); }
    [[nodiscard]] WallTime wall_now() const override;
    [[nodiscard]] calendar::Clocks clocks() const override;
    [[nodiscard]] std::size_t random(std::span<unsigned char> bytes) override;

    [[nodiscard]] int signals() const override { return machine_.child_signal(); }
    [[nodiscard]] Result<std::span<const signalfd_siginfo>> read_signals() override;

    [[nodiscard]] std::expected<os::Start, os::SpawnFault> start(const os::Plan& plan) override;
    [[nodiscard]] std::expected<os::Start, os::SpawnFault> make_network() override;
    [[nodiscard]] bool child_signal_waits() const override { return machine_.has_zombies(); }
    [[nodiscard]] bool reap(std::vector<os::Exit>& exits, std::size_t most) override;
    void await(const std::vector<pid_t>&, Span) override {}
    Result<> send_signal(pid_t pid, int signal) override;
    Result<> signal_group(pid_t group, int signal) override;
    void give_back_idle_memory() override {}
    [[nodiscard]] bool exists(pid_t pid) const override;
    [[nodiscard]] Result<os::ProcessStat> stat_of(pid_t pid) const override;
    [[nodiscard]] Result<os::Disposition> signal_disposition(pid_t, int) const override {
        return os::Disposition::handled;
    }
    [[nodiscard]] pid_t session_of(pid_t pid) const override;
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
    class SimWatch;
    class SimCgroups;
    // Each call begins so: it may be the last one.
    void enter();
    [[nodiscard]] bool call_back();

    Machine& machine_;
    Watcher& watcher_;
    Faults faults_;
    std::uint64_t calls_ = 0, turns_ = 0;
    bool crashed_ = false, at_rest_ = false;
    Callback due_, turn_end_;
    Instant wake_at_ = never;
    Instant asked_at_{}; // when PID 1 asked to be woken then
    bool stopped_ = false;
    Fd ready_; // epoll(7)
    std::map<int, SimWatch*> watches_;
    signalfd_siginfo signal_{};
};

} // namespace mi::sim
