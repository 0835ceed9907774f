// The simulated machine around PID 1: time, processes, cgroups, and a log collector. It goes on when PID 1's program crashes.
// Nothing here knows what PID 1 should do; what it does wrong is life.hpp's to find.
//
// Descriptors are real: a simulated process holds copies of those that its plan hands it, and they are closed when it ends.
#pragma once

#include "base/fd.hpp"
#include "os/process/children.hpp"
#include "os/spawn/spawn.hpp"
#include "sim/chance.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mi::sim {

// How programs of a unit behave; drawn once for each life.
struct Habit {
    bool oneshot = false;
    bool notifies = false;          // says that it is ready by a newline on its descriptor 3
    std::uint64_t fails_one_in = 0; // exits with 1; 0: never
    bool ignores_term = false;      // only SIGKILL ends it
    bool forks = false;             // leaves a child behind
    Span ready_after{0};
    Span lives{0}; // 0: until it is told to end
};

struct Process {
    pid_t pid = 0, parent = 0, session = 0;
    unsigned number = 0;    // of its unit: `u7` has 7
    std::string unit, role; // "main", "pre-start", ...; "child": what another one has forked; "collector"
    std::string cgroup;     // of which unit; empty: none
    std::map<int, Fd> held; // by the number that it knows them by
    Fd ready;
    Fd report; // while it is on its way to its program: the pipe that tells when it is
    bool is_ready = false;
    bool ignores_term = false;
    bool stopped = false;
    bool zombie = false;
    os::Exit exit{};
    Instant ended{};
    std::uint64_t serial = 0; // of all processes there ever were
};

class Collector;

class Machine {
public:
    Machine(std::uint64_t seed, unsigned units);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    Chance chance;
    std::map<std::string, Habit, std::less<>> habits;
    std::function<void(const std::string&)> tell = [](const std::string&) {};

    // --- time ---
    [[nodiscard]] Instant now() const { return now_; }
    void pass(Span span) { now_ = now_ + span; }
    // When something happens next by itself.
    [[nodiscard]] Instant next() const { return agenda_.empty() ? never : agenda_.begin()->first; }
    void at(Instant when, std::function<void()> what) { agenda_.emplace(when, std::move(what)); }
    // Goes on to `until`, or to what happens next if that is earlier, and lets it happen.
    void go_on(Instant until);

    // --- processes ---
    static constexpr pid_t init = 1;
    // A process that PID 1 has made; `cgroup`: the unit whose it is born in.
    pid_t make(const os::Plan& plan, const std::string& cgroup);
    // The same, but it has not come to its program yet: `report` is the end of the pipe that tells. It does so by and by, or
    // fails with that step.
    pid_t make_slowly(const os::Plan& plan, const std::string& cgroup, Fd report, bool fails);
    [[nodiscard]] Process* find(pid_t pid);
    // The main process of a unit, a zombie too; null: there is none.
    [[nodiscard]] const Process* main_of(unsigned unit) const { return unit < mains_.size() ? mains_[unit] : nullptr; }
    // All that are there, zombies too.
    [[nodiscard]] const std::map<pid_t, std::unique_ptr<Process>>& processes() const { return processes_; }
    // kill(2): false where there is no such process.
    bool signal(pid_t pid, int number);
    bool signal_group(pid_t group, int number);
    // Whether a child of PID 1 waits to be collected; collects one.
    [[nodiscard]] std::optional<os::Exit> collect();
    [[nodiscard]] bool has_zombies() const { return !zombies_.empty(); }
    // Since when the one that waits longest has done so; now: none does.
    [[nodiscard]] Instant oldest_end() const { return zombies_.empty() ? now_ : find_zombie().ended; }
    // Readable as long as SIGCHLD waits.
    [[nodiscard]] int child_signal() const { return child_signal_.get(); }
    bool take_child_signal();
    void end(pid_t pid, os::Exit::Kind kind, int code);

    // Units whose main process has ended well, since it was made last.
    std::set<unsigned> done;

    // --- cgroups ---
    std::set<std::string, std::less<>> cgroups;
    std::set<std::string, std::less<>> frozen;
    // Who lives in the cgroup of a unit.
    [[nodiscard]] std::vector<pid_t> members(std::string_view unit) const;

    // --- what [await] of units names ---
    std::map<std::string, Instant, std::less<>> missing; // paths that are not there, and since when
    // Readable as long as PID 1 has not heard of each change.
    [[nodiscard]] int changes() const { return changes_.get(); }
    // The path comes, or goes, again and again.
    void come_and_go(const std::string& path, Span longest);

    // --- the log collector ---
    // Lets it read what it was sent and answer; true if it had something to do.
    bool run_collector();
    // PID 1 may have sent something.
    void tell_collector() { collector_has_news_ = true; }
    [[nodiscard]] Collector* collector() { return collector_.get(); }

private:
    [[nodiscard]] const Process& find_zombie() const { return *processes_.at(zombies_.front()); }
    pid_t free_pid();
    Process& add(std::unique_ptr<Process> process);
    pid_t make_only(const os::Plan& plan, const std::string& cgroup);
    void erase(pid_t pid);
    void begin_program(Process& process);
    void fail_to_begin(Process& process);
    void live(Process& process, const Habit& habit);
    void after(const Process& process, Span span, void (Machine::*what)(Process&));
    void become_ready(Process& process);
    void end_by_itself(Process& process);
    void obey(Process& process);

    Instant now_{std::chrono::seconds(10)};
    std::multimap<Instant, std::function<void()>> agenda_;
    std::map<pid_t, std::unique_ptr<Process>> processes_;
    std::vector<Process*> mains_;        // by number of the unit
    std::vector<pid_t> zombies_;         // children of PID 1, in the order in which they ended
    std::map<pid_t, unsigned> sessions_; // with how many processes: a number in use so is no new process's
    pid_t pids_;                         // how many numbers there are: few, so that they are used again soon
    pid_t last_pid_ = 100;
    std::uint64_t made_ = 0;
    Fd child_signal_, changes_; // eventfd
    std::unique_ptr<Collector> collector_;
    bool collector_has_news_ = true;
};

} // namespace mi::sim
