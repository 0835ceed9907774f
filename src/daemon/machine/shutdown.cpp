#include "daemon/machine/shutdown.hpp"

#include "base/join.hpp"
#include "base/unreachable.hpp"
#include "core/explain.hpp"
#include "os/mount/release.hpp"
#include "os/mount/switch_root.hpp"
#include "os/process/helper_child.hpp"
#include "os/process/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::daemon {

using core::Phase;

namespace {

constexpr Span slow = std::chrono::seconds(2); // a stop that takes longer is shown
constexpr Span collector_patience = std::chrono::seconds(5), reader_patience = std::chrono::seconds(8);
constexpr Span most_for_last_stage = std::chrono::seconds(30);
constexpr Span hurried = std::chrono::seconds(15); // what is left to somebody who does not want to wait
constexpr std::size_t most_processes = 5;          // of a unit that are named
// Who stops a container (docker stop, podman stop) kills what is left of it after 10 s.
constexpr Span container_limit = std::chrono::seconds(9);

// Of the whole way down.
Span bound_of(const core::ManagerSettings& settings, const Place& place) {
    const bool unsaid = place.mode == Mode::container && !settings.shutdown_timeout_said;
    return unsaid ? container_limit : settings.shutdown_timeout;
}

std::string_view doing(core::Ending how) {
    switch (how) {
    case core::Ending::poweroff: return "power-off";
    case core::Ending::reboot: return "reboot";
    case core::Ending::halt: return "halt";
    case core::Ending::kexec: return "kexec";
    case core::Ending::switch_root: return "switch of the root";
    case core::Ending::none:
    case core::Ending::exit: return "shutdown";
    }
    unreachable("there is no other ending");
}

} // namespace

// What of the time there is comes after the units: on a machine the last stage, elsewhere the collector.
Span Shutdown::last_part() const {
    const Span bound = bound_of(context_.settings, context_.place);
    return context_.place.system() ? std::min(bound / 2, most_for_last_stage) : std::min(bound / 6, collector_patience);
}

void Shutdown::begin(core::Ending how, int code, bool keep, std::string_view what) {
    if (how == core::Ending::exit && context_.place.system())
        how = core::Ending::poweroff;
    context_.manager_moved = true;
    if (context_.engine.halting()) {
        // Another wish on the way down: the kind can change, the way is the same.
        if (how != core::Ending::exit)
            outcome_.how = how;
        if (outcome_.how != core::Ending::switch_root) // then what was kept for that is not any more
            context_.apply({.kind = core::Event::Kind::shutdown});
        return;
    }
    outcome_ = {.how = how, .code = code};
    if (what.empty())
        what = doing(how);
    context_.say(Priority::notice, std::string(what) + " begins");
    host_.shutdown_begins(what);
    context_.apply({.kind = keep ? core::Event::Kind::leave : core::Event::Kind::shutdown});
    // The bound is that of the whole: what comes after the units has its part of it, and what time they leave.
    Span bound = bound_of(context_.settings, context_.place);
    if (grace_ && context_.place.mode == Mode::container)
        bound = bound > Span{0} ? std::max(*grace_, bound) : *grace_;
    if (bound > Span{0}) {
        outcome_.deadline = context_.now + bound;
        give_up_at_ = outcome_.deadline - last_part();
    }
    report_at_ = context_.now + slow;
    if (context_.place.system())
        thaw();
}

// Who writes to a frozen file system waits where no signal reaches it: a unit that does so could not be stopped, and the log not be
// written, until the last stage thaws it. One that hangs holds up the child only.
void Shutdown::thaw() {
    const std::vector<os::Mount> mounts = os::freezable_mounts();
    may_be_frozen_.clear();
    for (const os::Mount& mount : mounts)
        may_be_frozen_.push_back(mount.point + " (" + mount.type + ")");
    const auto child = os::start_helper("thaw", [&] {
        int first = 0;
        os::thaw(mounts, [&](const os::Mount& mount) {
            if (const auto number = &mount - mounts.data() + 1; first == 0 && number <= 255)
                first = static_cast<int>(number);
        });
        return first;
    });
    if (child)
        context_.children.expect(*child, *this);
}

void Shutdown::exited(const os::Exit& exit) {
    if (exit.kind == os::Exit::Kind::exited && exit.code > 0 &&
        static_cast<std::size_t>(exit.code) <= may_be_frozen_.size())
        context_.say(Priority::warning, "mount " + may_be_frozen_[static_cast<std::size_t>(exit.code) - 1] +
                                            " was frozen, and is thawed: what waited for it goes on");
}

void Shutdown::due(Instant now) {
    if (!context_.engine.halting())
        return;
    if (now >= give_up_at_)
        give_up();
    else if (now >= report_at_)
        report_slow_stops();
}

void Shutdown::report_slow_stops() {
    constexpr std::size_t most = 5;
    report_at_ = context_.now + slow;
    std::string names;
    std::size_t count = 0;
    for (core::UnitId id : context_.graph().ids())
        if (context_.record(id).phase == Phase::stopping && ++count <= most)
            join_to(names, context_.name(id));
    if (count > 0)
        context_.say(Priority::notice, "waiting for " + names +
                                           (count > most ? " and " + std::to_string(count - most) + " more" : "") +
                                           " to stop");
}

// "unit web (stopping): 17 nginx ..."; empty where the unit holds nothing up: what is up or done waits for others to stop, and
// what is kept goes on.
std::string Shutdown::in_the_way(core::UnitId id) const {
    const core::Record& record = context_.record(id);
    if (record.next == core::Next::keep ||
        (record.phase != Phase::stopping && record.phase != Phase::starting && record.phase != Phase::reloading))
        return {};
    std::vector<pid_t> pids;
    if (record.main_pid > 0)
        pids.push_back(record.main_pid);
    if (processes_.cgroups() != nullptr)
        if (auto members = processes_.cgroups()->pids(context_.name(id)))
            for (pid_t pid : *members)
                if (pid != record.main_pid && pids.size() < most_processes)
                    pids.push_back(pid);
    std::string line = "unit " + context_.name(id) + " (" + std::string(core::name(record.phase)) + ")";
    for (pid_t pid : pids)
        if (auto stat = context_.kernel.stat_of(pid))
            line += (pid == pids.front() ? ": " : "; ") + os::describe(*stat);
    return line;
}

// The time there was is over.
void Shutdown::give_up() {
    give_up_at_ = never;
    if (all_down_) { // the collector does not end: its last lines are lost, the machine is not
        auto stat = context_.kernel.stat_of(context_.logs.pid());
        outcome_.in_the_way.push_back("the log collector" + (stat ? ": " + os::describe(*stat) : ""));
        finish();
        return;
    }
    for (core::UnitId id : context_.graph().ids())
        if (std::string line = in_the_way(id); !line.empty()) {
            context_.say(Priority::err, "still in the way: " + line);
            outcome_.in_the_way.push_back(std::move(line));
        }
    context_.say(Priority::err, "giving up on an orderly end");
    // On a machine the last stage does this.
    for (core::UnitId id : context_.graph().ids())
        if (const core::Record& record = context_.record(id); core::active(record.phase) && !context_.place.system())
            processes_.signal(id, context_.name(id), core::Effect::Scope::everything, SIGKILL, record.main_pid,
                              record.hook_pid);
    units_are_down();
}

void Shutdown::hurry() {
    outcome_.deadline = std::min(outcome_.deadline, context_.now + hurried);
    give_up_at_ = context_.now;
}

void Shutdown::units_are_down() {
    if (std::exchange(all_down_, true))
        return;
    report_at_ = never;
    context_.manager_moved = true;
    context_.say(Priority::notice, "all units are down");
    if (context_.logs.pid() == 0) {
        finish();
        return;
    }
    // What lies in a root that is in memory would go with it. /run comes along, and who collects there takes it from there.
    if (outcome_.how == core::Ending::switch_root && context_.place.log_directories.size() > 1 && os::root_in_memory())
        context_.logs.move_to({context_.place.log_directories.back()});
    context_.logs.finish();
    const Span left = outcome_.deadline - context_.now;
    // In a container the output is all that is left to do, and it may have a slow reader. (The collector does not wait for one that
    // does not read.)
    give_up_at_ = context_.now + (context_.place.mode == Mode::container ? std::min(reader_patience, left - left / 8)
                                                                         : std::min(collector_patience, left / 4));
}

void Shutdown::finish() {
    host_.shutdown_is_over();
    if (processes_.cgroups() != nullptr && !context_.place.system())
        (void)processes_.cgroups()->remove_tree(); // what kill-mode process left alive keeps its own
    if (context_.place.mode == Mode::user)         // its clients see that the manager is gone
        for (const std::string& socket : {context_.place.control, context_.place.notify})
            (void)::unlink(socket.c_str());
    over_ = true;
    context_.kernel.stop();
}

// A container in which all that was to run has failed has nothing left to live for, unless a trigger may still run something.
bool Shutdown::all_failed() const {
    const core::Graph& graph = context_.graph();
    return context_.engine.coming_units() == 0 && std::ranges::none_of(graph.ids(), [&](core::UnitId id) {
               const core::Record& record = context_.record(id);
               if (record.phase == Phase::waiting && record.presence == core::Presence::missing)
                   return true; // it may start at any time
               return graph.unit(id).kind == core::Kind::service &&
                      (core::active(record.phase) || record.phase == Phase::backoff || record.armed ||
                       record.asked == core::Asked::down);
           });
}

void Shutdown::unit_changed(core::UnitId id, Phase, Phase to) {
    if (to != Phase::failed || context_.record(id).phase != Phase::failed || context_.place.mode != Mode::container ||
        context_.engine.halting() || context_.unit(id).service.exit_action != core::ExitAction::none || !all_failed())
        return;
    context_.say(Priority::err, "all that was to run has failed");
    begin(core::Ending::exit, 1);
}

void Shutdown::save(state::ManagerImage& image) const {
    image.ending = outcome_.how;
    image.exit_code = outcome_.code;
    image.all_down = all_down_;
    image.give_up_at = give_up_at_.since_boot;
    image.report_at = report_at_.since_boot;
}

void Shutdown::restore(const state::ManagerImage& image) {
    outcome_ = {image.ending, image.exit_code};
    all_down_ = image.all_down;
    give_up_at_ = {image.give_up_at};
    if (give_up_at_ != never)
        outcome_.deadline = give_up_at_ + last_part();
    report_at_ = {image.report_at};
}

} // namespace mi::daemon
