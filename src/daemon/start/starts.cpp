// Starts that are on their way: the process is there, and whether it has become its program is not known yet. It is never waited
// for. As long as it lasts the engine has no pid for it (core::pid_pending): what ends it early is said here.
#include "daemon/supervisor.hpp"
#include "os/open_file.hpp"
#include "os/path_question.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

namespace {
// How soon, and how rarely at last, it is looked at a child that no descriptor tells of.
constexpr Span first_look = std::chrono::milliseconds(5), slowest_look = std::chrono::milliseconds(320);
} // namespace

void Supervisor::await_start(pid_t pid, const core::Effect& effect, os::Start start) {
    OnItsWay& one = on_their_way_[pid];
    one.role = effect.role;
    one.index = effect.index;
    one.start = std::move(start);
    one.look_in = first_look;
    if (one.start.report() >= 0) {
        auto watch = context_.loop.watch(one.start.report(), [this, pid] { look_at_start(pid); });
        if (watch) {
            one.watch = std::move(*watch);
            return;
        }
    }
    one.look_at = context_.now + one.look_in;
}

void Supervisor::look_at_start(pid_t pid) {
    auto at = on_their_way_.find(pid);
    if (at == on_their_way_.end())
        return;
    OnItsWay& one = at->second;
    context_.now = loop::now();
    if (one.start.decide()) {
        if (!one.given_up.empty() && !one.start.fault())
            one.watch.reset(); // it was killed: its exit has the last word
        else
            conclude_start(pid);
    } else if (!one.watch) {
        one.look_in = std::min(2 * one.look_in, slowest_look);
        one.look_at = context_.now + one.look_in;
    }
}

void Supervisor::look_at_starts() {
    std::vector<pid_t> due;
    for (const auto& [pid, one] : on_their_way_)
        if (!one.watch && !one.start.decided() && one.look_at <= context_.now)
            due.push_back(pid);
    for (pid_t pid : due)
        look_at_start(pid);
}

Instant Supervisor::next_look_at_starts() const {
    Instant next = never;
    for (const auto& [pid, one] : on_their_way_)
        if (!one.watch && !one.start.decided())
            next = std::min(next, one.look_at);
    return next;
}

// It has become its program, or has failed: the engine hears of it.
void Supervisor::conclude_start(pid_t pid) {
    auto node = on_their_way_.extract(pid);
    OnItsWay& one = node.mapped();
    one.watch.reset();
    const Processes::Known* known = processes_.find(pid);
    if (known == nullptr || known->unit == core::no_unit)
        return;
    const core::UnitId id = known->unit;
    processes_.mark(pid); // that it is on its way no longer is to be on record
    const core::Effect effect{.kind = core::Effect::Kind::spawn, .unit = id, .role = one.role, .index = one.index};
    if (!one.start.fault()) {
        if (one.role != Role::connection)
            became_its_program(id, one.role, pid);
        return;
    }
    // What is left of it ends by itself, and is nobody's.
    for (StreamId stream : known->streams)
        if (stream != 0)
            to_flush_.push_back(stream);
    processes_.remove(pid);
    const core::Unit& unit = context_.unit(id);
    os::SpawnFault why = *one.start.fault();
    if (why.about.empty() && why.step == os::Step::exec) // the program before us knew
        why.about = '"' + command_of(unit, one.role, one.index).front() + '"';
    if (one.role == Role::connection) {
        activation_.complain(id, "a connection is not served: " + why.text());
        activation_.ended(id, pid);
    } else if (!postpone(effect, unit, why)) {
        start_failed(effect, why.text(), why.code);
    }
}

// Its PID file may lie in a directory that its process has only just made.
void Supervisor::became_its_program(core::UnitId id, Role role, pid_t pid) {
    const core::Unit& unit = context_.unit(id);
    const core::Process* process = unit.process.get();
    if (role == Role::main && process != nullptr && !process->pid_file.empty() &&
        unit.service.type != core::ServiceType::forking)
        main_process_.write_pid_file(unit, pid);
    context_.engine.apply({.kind = Event::Kind::spawned, .unit = id, .role = role, .pid = pid}, context_.now);
}

// Before it is acted on what a process of the unit says, or on its end: what is known of its start comes first.
void Supervisor::conclude_starts_of(core::UnitId id) {
    if (on_their_way_.empty())
        return;
    std::vector<pid_t> decided;
    for (auto& [pid, one] : on_their_way_)
        if (const Processes::Known* known = processes_.find(pid);
            known != nullptr && known->unit == id && one.given_up.empty() && one.start.decide())
            decided.push_back(pid);
    for (pid_t pid : decided)
        conclude_start(pid);
}

// The unit is to end, and its process has not even begun to run its program: there is nothing in it that could be asked to.
void Supervisor::give_up_starts_of(core::UnitId id) {
    conclude_starts_of(id);
    for (auto& [pid, one] : on_their_way_) {
        const Processes::Known* known = processes_.find(pid);
        if (known == nullptr || known->unit != id)
            continue;
        if (one.given_up.empty())
            one.given_up = one.start.where();
        (void)os::send_signal(pid, SIGKILL); // ended already is what we want of it
    }
}

// It has ended. True: before it had become its program, and that is all there is to say of it.
bool Supervisor::ended_on_its_way(pid_t pid) {
    auto at = on_their_way_.find(pid);
    if (at == on_their_way_.end())
        return false;
    OnItsWay& one = at->second;
    const bool decided = one.start.decide();
    if (one.given_up.empty() || (decided && one.start.fault())) {
        const bool failed = decided && one.start.fault();
        conclude_start(pid);
        return failed;
    }
    const std::string where = one.given_up;
    const Role role = one.role;
    on_their_way_.erase(at);
    const Processes::Known* known = processes_.find(pid);
    const core::UnitId id = known == nullptr ? core::no_unit : known->unit;
    processes_.remove(pid);
    if (id == core::no_unit)
        return true;
    if (role == Role::connection)
        activation_.ended(id, pid);
    else
        context_.engine.apply({.kind = Event::Kind::spawn_failed,
                               .unit = id,
                               .role = role,
                               .detail = "it had not come to its program yet; it stood at " + where},
                              context_.now);
    return true;
}

// The words for a start that failed, in the log and for the engine.
void Supervisor::start_failed(const core::Effect& effect, std::string why, int code) {
    const core::Unit& unit = context_.unit(effect.unit);
    if (unit.name == entry_) {
        const os::PathQuestion question{.path = unit.service.command.front()};
        const auto answers = os::answer_here({&question, 1}, context_.surroundings.hanging);
        const bool is_there = answers && answers->front().code == 0;
        context_.say(Priority::err, "cannot start \"" + unit.service.command.front() + "\": " + why);
        entry_failure_ = code == ENOENT && !is_there ? 127 : 126;
    }
    // Of the others the failure of the start tells.
    if (effect.role == Role::reload || effect.role == Role::stop || effect.role == Role::post_stop)
        context_.logs.line(unit.name, Priority::err, std::string(core::name(effect.role)) + " cannot start: " + why);
    context_.engine.apply(
        {.kind = Event::Kind::spawn_failed, .unit = effect.unit, .role = effect.role, .detail = std::move(why)},
        context_.now);
}

// --- from one program to the next -------------------------------------------------------------------------------------

// The descriptor that tells of it, and its inode; -1 where it is not on its way, or nothing tells.
std::pair<int, std::uint64_t> Supervisor::report_of(pid_t pid) const {
    auto at = on_their_way_.find(pid);
    const int fd = at == on_their_way_.end() ? -1 : at->second.start.report();
    return {fd, os::inode_of(fd)};
}

// One that was on its way when the program before us ended. True: it is so still, as far as we can know.
bool Supervisor::resume_start(pid_t pid, const core::Effect& effect, int report) {
    if (report < 0)
        return false;
    await_start(pid, effect, os::Start(pid, Fd(report)));
    return true;
}

pid_t Supervisor::pid_on_its_way(core::UnitId id, Role role) const {
    for (const auto& [pid, one] : on_their_way_)
        if (const Processes::Known* known = processes_.find(pid);
            known != nullptr && known->unit == id && one.role == role)
            return pid;
    return 0;
}

} // namespace mi::daemon
