#include "daemon/control/answers_machine.hpp"

#include "base/clock.hpp"
#include "daemon/control/answers_acting.hpp"
#include "daemon/control/overview.hpp"
#include "os/machine/shutdown.hpp"
#include "os/mount/mounts.hpp"
#include "os/mount/switch_root.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace mi::daemon {

using core::Phase;
using core::UnitId;
using EngineEvent = core::Event;

namespace {

constexpr const char* next_root = "/run/nextroot"; // of a soft reboot, if it is there

// Who asks, as people are told: as they say themselves, for only those who may act get as far as that.
std::string name_of(const Caller& caller, const std::optional<std::string>& said) {
    return said && !said->empty() ? *said : "user " + std::to_string(caller.uid);
}

} // namespace

void MachineAnswers::answer(CallId id, const Caller& caller, const wire::Shutdown& shutdown) {
    constexpr std::int64_t longest = 10 * 366 * std::int64_t{86'400}; // seconds
    const std::int64_t in = shutdown.in_seconds.value_or(0), at = shutdown.at_realtime.value_or(0);
    if (in < 0 || in > longest)
        return parts_.control->error(id, wire::InvalidParameter{"in_seconds"});
    if (at < 0 || at > parts_.kernel.wall_now().micros + longest * 1'000'000 ||
        (shutdown.in_seconds && shutdown.at_realtime))
        return parts_.control->error(id, wire::InvalidParameter{"at_realtime"});
    if ((in > 0 || at > 0) && parts_.engine.halting())
        return parts_.control->error(id, wire::ShuttingDown{});
    if (shutdown.how == wire::Ending::kexec && parts_.place.system() && !shutdown.warn_only && !os::kexec_loaded())
        return parts_.control->error(
            id, wire::NotSupported{"no kernel is loaded: `kexec -l KERNEL --initrd=FILE --reuse-cmdline` loads one"});
    ScheduledEnd end{.how = shutdown.how,
                     .by_wall = at > 0,
                     .at = at > 0 ? at : micros(parts_.kernel.now()) + in * 1'000'000,
                     .message = shutdown.message.value_or(""),
                     .who = name_of(caller, shutdown.who),
                     .no_wall = shutdown.no_wall,
                     .warn_only = shutdown.warn_only};
    auto before = told(parts_, parts_.machine.schedule.set(std::move(end)));
    parts_.control->reply(id, wire::Schedule{told(parts_, parts_.machine.schedule.pending()), std::move(before)});
}

void MachineAnswers::answer(CallId id, const Caller& caller, const wire::CancelShutdown& cancel) {
    auto before = told(parts_, parts_.machine.schedule.cancel(name_of(caller, cancel.who), cancel.message.value_or(""),
                                                              cancel.no_wall));
    parts_.control->reply(id, wire::Schedule{{}, std::move(before)});
}

void MachineAnswers::answer(CallId id, const Caller&, const wire::SwitchRoot& to) {
    if (parts_.place.mode != Mode::system)
        return parts_.control->error(id, wire::NotSupported{"only the init of a machine can do this"});
    if (parts_.engine.halting())
        return parts_.control->error(id, wire::ShuttingDown{});
    NewRoot root{to.root, to.init.value_or(""), to.soft};
    const bool hangs = os::HangingMounts().cover(root.root);
    if (to.soft && root.root.empty())
        root.root = ::access(next_root, F_OK) == 0 ? next_root : "/";
    if (to.soft && root.same() && root.init.empty()) {
        root.init = parts_.place.program;
    } else if (to.soft && !hangs) {
        if (auto made = os::make_mount_point(root.root); !made)
            return parts_.control->error(id, wire::NotSupported{made.error().text()});
    }
    // Who asks has looked for himself; where looking could mean waiting, that has to do.
    if (!(to.soft && root.same()) && (root.init.empty() || !hangs)) {
        auto init = os::check_new_root(root.root, root.init);
        if (!init)
            return parts_.control->error(id, wire::NotSupported{init.error().text()});
        root.init = *init;
    }
    waiting_.await(id, state::Goal::switch_root);
    if (std::string refused = parts_.recovery.succession.switch_root(std::move(root)); !refused.empty()) {
        waiting_.forget(id);
        parts_.control->error(id, wire::NotSupported{std::move(refused)});
    }
}

void MachineAnswers::answer(CallId id, const Caller& caller, const wire::Run& run) {
    if (parts_.engine.halting())
        return parts_.control->error(id, wire::ShuttingDown{});
    auto unit = parts_.catalog.transient.make(run.name, run.unit);
    if (!unit)
        return parts_.control->error(id, wire::InvalidUnit{run.name, unit.error()});
    apply_now(parts_, {.kind = EngineEvent::Kind::start, .unit = *unit});
    waiting_.begin(id, caller, run.to_the_end ? state::Goal::end : state::Goal::start, {*unit},
                   run.wait || run.to_the_end);
}

void MachineAnswers::answer(CallId id, const Caller&, const wire::Reexec&) {
    if (std::string refused = parts_.recovery.succession.reexec(); !refused.empty())
        return parts_.control->error(id, wire::NotSupported{std::move(refused)});
    waiting_.await(id, state::Goal::reexec); // answered by the one that comes
}

} // namespace mi::daemon
