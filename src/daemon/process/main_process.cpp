// Which process is a service's main one, where that is not the one we started: the PID files of forking services, and main
// processes whose end the kernel tells their parent instead of us.
#include "daemon/supervisor.hpp"
#include "os/process.hpp"
#include "os/walked_file.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace mi::daemon {

using core::Event;
using core::Phase;

// Who may have written the PID file of the unit, besides root and us.
std::optional<uid_t> Supervisor::pid_file_owner(const core::Unit& unit) {
    if (!unit.process->user.empty())
        if (auto user = context_.surroundings.accounts.user(unit.process->user))
            return user->uid;
    return std::nullopt;
}

void Supervisor::await_pid_file(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    if (!unit.process || unit.process->pid_file.empty())
        return; // the reader refuses such a unit; its start-timeout would end the wait
    pid_files_.await(id, unit.process->pid_file, pid_file_owner(unit));
    check_pid_files();
}

// What is against taking the process that a PID file names for one of the unit's; empty: nothing.
std::string Supervisor::doubt_about(core::UnitId id, pid_t pid) const {
    if (!os::process_exists(pid))
        return "names process " + std::to_string(pid) + ", which does not exist";
    if (!processes_.belongs(pid, id, context_.name(id)))
        return "names process " + std::to_string(pid) + ", which is none of this service's";
    return {};
}

void Supervisor::check_pid_files() {
    for (auto& [id, named] : pid_files_.candidates())
        consider_pid_file(id, named);
    for (core::UnitId id : pid_files_.to_look_at(context_.now))
        ask_for_pid_file(id);
}

// One that may hang: nothing tells when it changes, so it is looked at again and again, as long as it is awaited.
void Supervisor::ask_for_pid_file(core::UnitId id) {
    constexpr Span pause = std::chrono::milliseconds(500);
    const core::Unit& unit = context_.unit(id);
    const std::string path = unit.process->pid_file;
    inquiries_.ask({os::question_for_pid_file(path)}, patience_for(context_.record(id)),
                   [this, name = unit.name, path, owner = pid_file_owner(unit)](PathInquiries::Answer answers) {
                       const core::UnitId now = context_.graph().find(name);
                       if (now == core::no_unit)
                           return;
                       context_.now = loop::now();
                       pid_files_.looked(now, context_.now + (answers ? pause : PathInquiries::patience));
                       Result<pid_t> named = fault(0, "cannot look:", answers ? path : answers.error());
                       if (answers)
                           named = os::pid_in(path, answers->front(), owner);
                       if (PidFiles::is_there(named))
                           consider_pid_file(now, named);
                   });
}

// A PID file is believed when it names a live process of that very service.
void Supervisor::consider_pid_file(core::UnitId id, const Result<pid_t>& named) {
    if (context_.record(id).stage != core::Stage::pid_file) {
        pid_files_.forget(id);
        return;
    }
    const core::Unit& unit = context_.unit(id);
    std::string doubt = named ? doubt_about(id, *named) : named.error().text();
    if (named && !doubt.empty())
        doubt = unit.process->pid_file + " " + doubt;
    if (doubt.empty()) {
        pid_files_.forget(id);
        context_.units[id].from_pid_file = *named;
        adopt_main(id, *named);
    } else if (pid_files_.is_news(id, doubt)) {
        context_.logs.line(unit.name, Priority::warning, "its PID file is not believed: " + doubt);
        context_.engine.apply({.kind = Event::Kind::doubted, .unit = id, .detail = doubt}, context_.now);
    }
}

// Of a service that does not write it itself.
void Supervisor::write_pid_file(const core::Unit& unit, pid_t pid) {
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

// The main process of a forking service has ended: whether it has left its part to another, and said so in its PID file.
bool Supervisor::handed_on(core::UnitId id, pid_t from) {
    const core::Unit& unit = context_.unit(id);
    const core::Record& record = context_.record(id);
    bool runs = record.phase == Phase::up || record.phase == Phase::reloading ||
                (record.phase == Phase::starting && record.stage == core::Stage::post_start);
    if (unit.service.type != core::ServiceType::forking || !runs || !unit.process || unit.process->pid_file.empty())
        return false;
    // What becomes of the service now cannot wait for a file that may hang: such a one names no heir.
    const os::PathQuestion question = os::question_for_pid_file(unit.process->pid_file);
    auto answers = os::answer_here({&question, 1}, context_.surroundings.hanging);
    if (!answers)
        return false;
    auto heir = os::pid_in(question.path, answers->front(), pid_file_owner(unit));
    if (!heir || *heir == from || !doubt_about(id, *heir).empty())
        return false;
    context_.logs.line(unit.name, Priority::info,
                       "its main process is now " + std::to_string(*heir) + ", as its PID file says");
    context_.units[id].from_pid_file = *heir;
    adopt_main(id, *heir);
    return true;
}

void Supervisor::adopt_main(core::UnitId id, pid_t pid) {
    processes_.adopt_main(pid, id);
    watch_main(id, pid);
    context_.engine.apply({.kind = Event::Kind::main_pid, .unit = id, .pid = pid}, context_.now);
}

// The end of a process is told to its parent. If that is not we, a pidfd tells it.
void Supervisor::watch_main(core::UnitId id, pid_t pid) {
    UnitRun& live = context_.units[id];
    live.main_watch.reset();
    live.main_end.reset();
    auto stat = os::process_stat(pid);
    if (!stat || stat->parent == ::getpid())
        return; // without /proc its end shows when its parent's does
    live.main_end = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!live.main_end)
        return; // it has ended and its parent knows, or the kernel (before 5.3) does not tell
    auto watch = context_.loop.watch(live.main_end.get(), [this, name = context_.name(id), pid] {
        if (core::UnitId now = context_.graph().find(name); now != core::no_unit)
            main_gone(now, pid);
    });
    if (watch)
        live.main_watch = std::move(*watch);
}

void Supervisor::main_gone(core::UnitId id, pid_t pid) {
    context_.units[id].main_watch.reset();
    context_.units[id].main_end.reset();
    // It may have become our child meanwhile: then we know how it ended.
    reap();
    notify_.hear_all(id);
    auto stat = os::process_stat(pid);
    if (context_.record(id).main_pid != pid || (stat && stat->parent == ::getpid()))
        return;
    // How it ended, its own parent knows alone.
    processes_.remove(pid);
    processes_.note_end();
    if (!handed_on(id, pid))
        context_.engine.apply({.kind = Event::Kind::exited, .unit = id, .role = core::Role::main, .pid = pid},
                              context_.now);
}

// The run is over: a PID file that its daemon has left lying names nobody, or soon somebody else.
void Supervisor::clear_pid_file(core::UnitId id) {
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
                   [path, owner = pid_file_owner(unit), ours, remove](const PathInquiries::Answer& answers) {
                       if (!answers)
                           return;
                       auto named = os::pid_in(path, answers->front(), owner);
                       if (named && (*named == ours || !os::process_exists(*named)))
                           remove();
                   });
}

} // namespace mi::daemon
