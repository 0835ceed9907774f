#include "daemon/process/main_process.hpp"

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "os/file/walked_file.hpp"
#include "os/process/process.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

using core::Event;
using core::Phase;

void MainProcess::open() {
    if (pid_files_.fd() >= 0)
        watch_ = context_.watch(pid_files_.fd(), [this] {
            pid_files_.drain();
            check_pid_files();
        });
}

void MainProcess::await_pid_file(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    if (!unit.process || unit.process->pid_file.empty())
        return stand_in(id);
    pid_files_.await(id, unit.process->pid_file, context_.user_of(unit));
    check_pid_files();
}

// The oldest live process of the unit but for one; 0: there is none.
pid_t MainProcess::oldest_of(core::UnitId id, pid_t but) const {
    pid_t oldest = 0;
    std::uint64_t begin = 0;
    for (pid_t pid : processes_.members(id, context_.name(id))) {
        const auto stat = context_.kernel.stat_of(pid);
        if (pid == but || !stat || stat->state == 'Z' || stat->state == 'X' || (oldest != 0 && begin <= stat->started))
            continue;
        oldest = pid;
        begin = stat->started;
    }
    return oldest;
}

void MainProcess::stand_in(core::UnitId id) {
    if (const pid_t oldest = oldest_of(id, 0); oldest != 0)
        return adopt(id, oldest);
    // It has come up, and is over already.
    context_.apply({.kind = Event::Kind::main_pid, .unit = id, .pid = core::pid_pending});
    context_.apply({.kind = Event::Kind::exited,
                    .unit = id,
                    .role = core::Role::main,
                    .pid = core::pid_pending,
                    .exit = core::ExitStatus::code(0)});
}

// Without cgroups a daemon that has a session of its own and has written its title over its environment (nginx) cannot be told from
// others. A PID file that is root's is believed of a process that descends from us, began in this run and is no other unit's.
bool MainProcess::is_stray_of(core::UnitId id, pid_t pid) const {
    static const long ticks_a_second = std::max(1L, ::sysconf(_SC_CLK_TCK));
    if (!processes_.uses_session(id) || context_.user_of(context_.unit(id)) || processes_.is_anyones(pid))
        return false;
    auto stat = context_.kernel.stat_of(pid);
    const Span asleep = boottime_now() - monotonic_now().since_boot; // not counted by our own clock
    const Span began =
        Span(std::chrono::seconds(stat ? static_cast<std::int64_t>(stat->started) + 1 : 0)) / ticks_a_second;
    if (began - asleep < context_.units[id].starting.since_boot)
        return false;
    constexpr int deepest = 4096; // also ends a cycle, which a changing /proc could show
    for (int depth = 0; stat && stat->parent > 0 && depth < deepest; ++depth) {
        if (stat->parent == ::getpid())
            return true;
        stat = context_.kernel.stat_of(stat->parent);
    }
    return false;
}

// What is against taking the process that a PID file names for one of the unit's; empty: nothing.
std::string MainProcess::doubt_about(core::UnitId id, pid_t pid) const {
    std::string names = "names process " + std::to_string(pid);
    if (!context_.kernel.exists(pid))
        return names + ", which does not exist";
    if (processes_.belongs(pid, id, context_.name(id)) || is_stray_of(id, pid))
        return {};
    if (const auto stat = context_.kernel.stat_of(pid))
        names += " (" + printable(stat->name) + ")";
    return names + ", which is none of this service's";
}

void MainProcess::check_pid_files() {
    for (auto& [id, named] : pid_files_.candidates())
        consider_pid_file(id, named);
    for (core::UnitId id : pid_files_.to_look_at(context_.now))
        ask_for_pid_file(id);
}

// One that may hang: nothing tells when it changes, so it is looked at again and again, as long as it is awaited.
void MainProcess::ask_for_pid_file(core::UnitId id) {
    static constexpr Span pause = std::chrono::milliseconds(500);
    const core::Unit& unit = context_.unit(id);
    const std::string path = unit.process->pid_file;
    inquiries_.ask({os::question_for_pid_file(path)}, PathInquiries::patience_for(context_.record(id), context_.now),
                   [this, id, path, owner = context_.user_of(unit)](PathInquiries::Answer answers) {
                       if (!context_.graph().contains(id))
                           return;
                       context_.now = context_.kernel.now();
                       pid_files_.looked(id, context_.now + (answers ? pause : PathInquiries::patience));
                       Result<pid_t> named = fault(0, "cannot look:", answers ? path : answers.error());
                       if (answers)
                           named = os::pid_in(path, answers->front(), owner);
                       consider_pid_file(id, named);
                   });
}

// A PID file is believed when it names a live process of that very service.
void MainProcess::consider_pid_file(core::UnitId id, const Result<pid_t>& named) {
    if (context_.record(id).stage != core::Stage::pid_file) {
        pid_files_.forget(id);
        return;
    }
    const core::Unit& unit = context_.unit(id);
    const bool there = PidFiles::is_there(named);
    std::string doubt = named ? doubt_about(id, *named) : named.error().text();
    if (!there)
        doubt = named.error().code == ENODATA ? "is empty" : "is not there";
    if ((named || !there) && !doubt.empty())
        doubt = unit.process->pid_file + " " + doubt;
    if (doubt.empty()) {
        pid_files_.forget(id);
        context_.units[id].from_pid_file = *named;
        adopt(id, *named);
    } else if (pid_files_.is_news(id, doubt)) {
        if (there) // or it may be on its way
            context_.log(id, Priority::warning, "its PID file is not believed: " + doubt);
        context_.apply({.kind = Event::Kind::doubted, .unit = id, .detail = doubt});
    }
}

void MainProcess::write_pid_file(const core::Unit& unit, pid_t pid) {
    inquiries_.ask(
        {{.kind = os::PathQuestion::Kind::write, .path = unit.process->pid_file, .text = std::to_string(pid) + "\n"}},
        context_.now + PathInquiries::patience,
        [this, name = unit.name, path = unit.process->pid_file](PathInquiries::Answer answers) {
            if (!answers)
                context_.logs.line(name, Priority::warning, "its PID file is not written: " + answers.error());
            else if (int code = answers->front().code; code == ELOOP)
                context_.logs.line(name, Priority::warning,
                                   "its PID file: " + path + " leads over a link where others than root can write");
            else if (code != 0)
                context_.logs.line(name, Priority::warning, "its PID file: " + Fault{code, "write", path}.text());
        });
}

bool MainProcess::handed_on(core::UnitId id, pid_t from) {
    const core::Unit& unit = context_.unit(id);
    const core::Record& record = context_.record(id);
    bool runs = record.phase == Phase::up || record.phase == Phase::reloading ||
                (record.phase == Phase::starting && record.stage == core::Stage::post_start);
    if (unit.service.type != core::ServiceType::forking || !runs)
        return false;
    if (!unit.process || unit.process->pid_file.empty()) {
        const pid_t next = oldest_of(id, from);
        if (next != 0)
            adopt(id, next);
        return next != 0;
    }
    // What becomes of the service now cannot wait for a file that may hang: such a one names no heir.
    const os::PathQuestion question = os::question_for_pid_file(unit.process->pid_file);
    auto answers = context_.kernel.answer_here({&question, 1}, context_.surroundings.hanging);
    if (!answers)
        return false;
    auto heir = os::pid_in(question.path, answers->front(), context_.user_of(unit));
    if (!heir || *heir == from || !doubt_about(id, *heir).empty())
        return false;
    context_.log(id, Priority::info, "its main process is now " + std::to_string(*heir) + ", as its PID file says");
    context_.units[id].from_pid_file = *heir;
    adopt(id, *heir);
    return true;
}

void MainProcess::adopt(core::UnitId id, pid_t pid) {
    processes_.adopt_main(pid, id);
    watch(id, pid);
    context_.apply({.kind = Event::Kind::main_pid, .unit = id, .pid = pid});
}

// The end of a process is told to its parent. If that is not we, a pidfd tells it.
void MainProcess::watch(core::UnitId id, pid_t pid) {
    UnitRun& live = context_.units[id];
    live.main_watch.reset();
    live.main_end.reset();
    auto stat = context_.kernel.stat_of(pid);
    if (!stat || stat->parent == ::getpid())
        return; // without /proc its end shows when its parent's does
    auto end = context_.kernel.watch_end(pid);
    if (!end)
        return; // it has ended and its parent knows, or the kernel (before 5.3) does not tell
    live.main_end = std::move(*end);
    auto watch = context_.kernel.watch(live.main_end.get(), [this, id, pid] { gone(id, pid); });
    if (watch)
        live.main_watch = std::move(*watch);
}

void MainProcess::gone(core::UnitId id, pid_t pid) {
    context_.units[id].main_watch.reset();
    context_.units[id].main_end.reset();
    // It may have become our child meanwhile: then we know how it ended.
    host_.collect();
    host_.hear(id);
    auto stat = context_.kernel.stat_of(pid);
    if (context_.record(id).main_pid != pid || (stat && stat->parent == ::getpid()))
        return;
    // How it ended, its own parent knows alone.
    processes_.remove(pid);
    processes_.note_end();
    if (!handed_on(id, pid))
        context_.apply({.kind = Event::Kind::exited, .unit = id, .role = core::Role::main, .pid = pid});
}

void MainProcess::catch_up(core::UnitId id) {
    if (pollfd end{context_.units[id].main_end.get(), POLLIN, 0}; end.fd >= 0 && ::poll(&end, 1, 0) == 1)
        gone(id, context_.record(id).main_pid);
}

void MainProcess::run_ended(core::UnitId id) {
    pid_files_.forget(id);
    context_.units[id].main_watch.reset();
    context_.units[id].main_end.reset();
    clear_pid_file(id);
}

// A PID file that its daemon has left lying names no process, or soon another one.
void MainProcess::clear_pid_file(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    pid_t ours = std::exchange(context_.units[id].from_pid_file, 0);
    if (!unit.process || unit.process->pid_file.empty())
        return;
    const std::string path = unit.process->pid_file;
    const Instant until = context_.now + PathInquiries::patience;
    auto remove = [this, path, until] {
        inquiries_.ask({{.kind = os::PathQuestion::Kind::remove, .path = path}}, until, [](const auto&) {});
    };
    if (unit.service.type != core::ServiceType::forking)
        return remove();
    inquiries_.ask({os::question_for_pid_file(path)}, until,
                   [this, path, owner = context_.user_of(unit), ours, remove](const PathInquiries::Answer& answers) {
                       if (!answers)
                           return;
                       auto named = os::pid_in(path, answers->front(), owner);
                       if (named && (*named == ours || !context_.kernel.exists(*named)))
                           remove();
                   });
}

} // namespace mi::daemon
