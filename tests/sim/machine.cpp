#include "sim/machine.hpp"

#include "base/text.hpp"
#include "os/spawn/orders.hpp"
#include "sim/collector.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace mi::sim {

using namespace std::chrono_literals;

namespace {
constexpr pid_t first_pid = 100, least_pids = 100;

unsigned number_of(std::string_view unit) { return to_number<unsigned>(unit.substr(1)).value_or(0); }
} // namespace

Machine::Machine(std::uint64_t seed, unsigned units)
    : chance(seed), pids_(least_pids + static_cast<pid_t>(4 * units)),
      child_signal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), changes_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Machine::~Machine() = default;

void Machine::go_on(Instant until) {
    if (next() > until) {
        now_ = std::max(now_, until);
        return;
    }
    auto first = agenda_.extract(agenda_.begin());
    now_ = std::max(now_, first.key());
    first.mapped()();
}

void Machine::come_and_go(const std::string& path, Span longest) {
    if (missing.erase(path) == 0) {
        missing[path] = now_;
        tell(path + " goes");
    } else {
        tell(path + " comes");
    }
    const std::uint64_t one = 1;
    (void)!::write(changes_.get(), &one, sizeof one);
    at(now_ + chance.span(1ms, longest), [this, path, longest] { come_and_go(path, longest); });
}

// --- processes --------------------------------------------------------------------------------------------------------

pid_t Machine::free_pid() {
    do
        last_pid_ = first_pid + (last_pid_ + 1 - first_pid) % pids_;
    while (processes_.contains(last_pid_) || sessions_.contains(last_pid_));
    return last_pid_;
}

Process& Machine::add(std::unique_ptr<Process> process) {
    process->pid = free_pid();
    process->serial = ++made_;
    if (process->session == 0)
        process->session = process->pid;
    ++sessions_[process->session];
    return *processes_.emplace(process->pid, std::move(process)).first->second;
}

pid_t Machine::make(const os::Plan& plan, const std::string& cgroup) {
    Process& process = *find(make_only(plan, cgroup));
    begin_program(process);
    return process.pid;
}

pid_t Machine::make_only(const os::Plan& plan, const std::string& cgroup) {
    auto process = std::make_unique<Process>();
    process->parent = init;
    process->cgroup = cgroup;
    if (plan.arguments[0] == "miniinit-logd") {
        process->role = "collector";
    } else {
        process->unit = plan.environment.get("MINIINIT_UNIT");
        process->role = plan.arguments[1];
        process->number = number_of(process->unit);
    }
    const bool notifies = process->role == "main" && habits[process->unit].notifies;
    for (const os::Move& move : plan.moves) {
        if (move.source == os::null_device)
            continue;
        Fd copy(::fcntl(move.source, F_DUPFD_CLOEXEC, 3000));
        if (notifies && move.target == 3)
            process->ready = std::move(copy);
        else
            process->held.insert_or_assign(move.target, std::move(copy));
    }
    Process& made = add(std::move(process));
    if (made.role == "main") {
        mains_.resize(std::max<std::size_t>(mains_.size(), made.number + 1));
        mains_[made.number] = &made;
    }
    return made.pid;
}

void Machine::erase(pid_t pid) {
    auto at = processes_.find(pid);
    const Process& process = *at->second;
    if (auto session = sessions_.find(process.session); --session->second == 0)
        sessions_.erase(session);
    if (main_of(process.number) == &process)
        mains_[process.number] = nullptr;
    processes_.erase(at);
}

// What is planned for a process is for that one, and not for another that has its number later.
void Machine::after(const Process& process, Span span, void (Machine::*what)(Process&)) {
    at(now_ + span, [this, pid = process.pid, serial = process.serial, what] {
        if (Process* still = find(pid); still != nullptr && still->serial == serial && !still->zombie)
            (this->*what)(*still);
    });
}

void Machine::begin_program(Process& process) {
    process.report.reset(); // close-on-exec
    if (process.role == "collector") {
        collector_ = std::make_unique<Collector>(*this, process);
        return;
    }
    live(process, habits[process.unit]);
}

void Machine::live(Process& process, const Habit& habit) {
    if (process.role != "main") {
        after(process, chance.span(100us, 300ms), &Machine::end_by_itself);
        return;
    }
    process.ignores_term = habit.ignores_term;
    if (habit.forks && chance.one_in(2)) {
        auto child = std::make_unique<Process>();
        child->parent = process.pid;
        child->session = process.session;
        child->unit = process.unit;
        child->number = process.number;
        child->role = "child";
        child->cgroup = process.cgroup;
        child->ignores_term = chance.one_in(3);
        Process& made = add(std::move(child));
        after(made, chance.span(1ms, 60s), &Machine::end_by_itself);
    }
    if (habit.notifies && !chance.one_in(40)) // or never
        after(process, habit.ready_after, &Machine::become_ready);
    if (!habit.notifies)
        process.is_ready = true;
    if (habit.oneshot)
        after(process, chance.span(100us, 500ms), &Machine::end_by_itself);
    else if (habit.lives > Span{0})
        after(process, chance.span(1ms, habit.lives), &Machine::end_by_itself);
}

pid_t Machine::make_slowly(const os::Plan& plan, const std::string& cgroup, Fd report, bool fails) {
    Process& process = *find(make_only(plan, cgroup));
    process.report = std::move(report);
    after(process, chance.span(1ms, 3s), fails ? &Machine::fail_to_begin : &Machine::begin_program);
    return process.pid;
}

void Machine::fail_to_begin(Process& process) {
    os::Report report;
    report.step = static_cast<std::uint16_t>(os::Step::exec);
    report.code = chance.one_in(2) ? ENOENT : ETXTBSY;
    (void)!::write(process.report.get(), &report, sizeof report);
    end(process.pid, os::Exit::Kind::exited, 127);
}

Process* Machine::find(pid_t pid) {
    auto at = processes_.find(pid);
    return at == processes_.end() ? nullptr : at->second.get();
}

void Machine::become_ready(Process& process) {
    process.is_ready = true;
    (void)!::write(process.ready.get(), "\n", 1);
    process.ready.reset();
}

void Machine::end_by_itself(Process& process) {
    if (process.stopped || frozen.contains(process.cgroup)) {
        after(process, 50ms, &Machine::end_by_itself);
        return;
    }
    const Habit& habit = habits[process.unit];
    const bool fails = habit.fails_one_in != 0 && chance.one_in(habit.fails_one_in);
    if (fails && chance.one_in(3))
        end(process.pid, os::Exit::Kind::killed, SIGSEGV);
    else
        end(process.pid, os::Exit::Kind::exited, fails ? 1 : 0);
}

void Machine::end(pid_t pid, os::Exit::Kind kind, int code) {
    Process* process = find(pid);
    if (process == nullptr || process->zombie)
        return;
    process->zombie = true;
    collector_has_news_ = true; // its pipes end
    tell("process " + std::to_string(pid) + " of " + process->unit + " (" + process->role + ") ends, " +
         std::to_string(code));
    process->exit = {pid, kind, code, false};
    process->ended = now_;
    if (process->role == "main" && kind == os::Exit::Kind::exited && code == 0)
        done.insert(process->number);
    process->held.clear();
    process->ready.reset();
    process->report.reset();
    if (process->role == "collector")
        collector_.reset();
    for (auto& [other, child] : processes_) // orphans are PID 1's
        if (child->parent == pid)
            child->parent = init;
    if (process->parent != init) { // its parent collects it at once
        erase(pid);
        return;
    }
    zombies_.push_back(pid);
    const std::uint64_t one = 1;
    (void)!::write(child_signal_.get(), &one, sizeof one);
}

std::optional<os::Exit> Machine::collect() {
    if (zombies_.empty())
        return std::nullopt;
    const pid_t pid = zombies_.front();
    zombies_.erase(zombies_.begin());
    const os::Exit exit = processes_.at(pid)->exit;
    erase(pid);
    return exit;
}

bool Machine::take_child_signal() {
    std::uint64_t count = 0;
    return ::read(child_signal_.get(), &count, sizeof count) == sizeof count;
}

void Machine::obey(Process& process) {
    if (process.stopped || frozen.contains(process.cgroup))
        after(process, 50ms, &Machine::obey);
    else if (chance.one_in(4))
        end(process.pid, os::Exit::Kind::exited, 0);
    else
        end(process.pid, os::Exit::Kind::killed, SIGTERM);
}

bool Machine::signal(pid_t pid, int number) {
    Process* process = find(pid);
    if (process == nullptr)
        return false;
    if (process->zombie || number == 0)
        return true;
    switch (number) {
    case SIGKILL: end(pid, os::Exit::Kind::killed, SIGKILL); break;
    case SIGTERM:
        if (!process->ignores_term)
            after(*process, chance.one_in(3) ? Span{0} : chance.span(0s, 2s), &Machine::obey);
        break;
    case SIGSTOP: process->stopped = true; break;
    case SIGCONT: process->stopped = false; break;
    default: break;
    }
    return true;
}

bool Machine::signal_group(pid_t group, int number) {
    std::vector<pid_t> members;
    for (const auto& [pid, process] : processes_)
        if (process->session == group)
            members.push_back(pid);
    for (pid_t pid : members)
        (void)signal(pid, number);
    return !members.empty();
}

std::vector<pid_t> Machine::members(std::string_view unit) const {
    std::vector<pid_t> members;
    for (const auto& [pid, process] : processes_)
        if (process->cgroup == unit && !process->zombie)
            members.push_back(pid);
    return members;
}

bool Machine::run_collector() {
    return std::exchange(collector_has_news_, false) && collector_ != nullptr && collector_->run();
}

} // namespace mi::sim
