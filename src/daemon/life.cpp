#include "daemon/life.hpp"

#include "base/join.hpp"
#include "daemon/parts.hpp"

#include <algorithm>

namespace mi::daemon {

namespace {
constexpr Span longest_removal = std::chrono::seconds(2); // that the end waits for
} // namespace

void open(Parts& parts) {
    auto watch = [&parts](int fd, loop::Loop::Callback readable) {
        parts.watches.push_back(parts.context.watch(fd, std::move(readable)));
    };
    if (parts.context.place.system())
        parts.process.resources.share_and_count();
    parts.turn.open();
    parts.machine.signals.open();
    if (parts.guard != nullptr) {
        parts.guard->page().limit = parts.context.settings.crash_limit;
        watch(parts.guard->wake(), [] {}); // the end of the turn sees to it
    }
    if (parts.run.fd_store.fd() >= 0)
        watch(parts.run.fd_store.fd(), [&parts] { parts.run.fd_store.drop_dead(); });
    parts.run.main_process.open();
    if (auto started = parts.recovery.before != nullptr
                           ? parts.context.logs.go_on(*parts.recovery.before, parts.context.now, parts.recovery.renew)
                           : parts.context.logs.start(parts.context.now);
        !started)
        parts.context.say(Priority::err, started.error().text() + "; tried again, what services write waits");
    parts.log.upkeep.adopt();
    parts.machine.hardware_watchdog.apply_settings();
    parts.machine.reachability.open();
    parts.machine.buttons.open();
    parts.machine.time_set.open();
}

Shutdown::Outcome live(Parts& parts, const std::vector<std::string>& wanted) {
    parts.context.now = parts.kernel.now();
    for (const std::string& target : wanted)
        if (core::UnitId id = parts.context.graph().find(target); id != core::no_unit)
            parts.context.apply({.kind = core::Event::Kind::wish, .unit = id});
    parts.context.engine.settle(parts.context.now);
    if (parts.recovery.before == nullptr)
        parts.run.activation.open_early();
    parts.turn.take();
    if (!parts.machine.shutdown.over())
        parts.context.kernel.run();
    const Shutdown::Outcome& outcome = parts.machine.shutdown.outcome();
    parts.process.background.wait(std::min(longest_removal, (outcome.deadline - parts.kernel.now()) / 8));
    return outcome;
}

void serve(Parts& parts, std::unique_ptr<ControlServer> control, Observer& observer) {
    parts.control = std::move(control);
    parts.log.flush.serve(parts.control.get());
    parts.recovery.store.serve(parts.control.get());
    parts.turn.serve(parts.control.get());
    parts.context.manager_moved = true;
    parts.machine.reachability.serve(*parts.control);
    parts.context.observer = &observer;
    parts.log.announcer.set_hearer([&observer](const std::string& text) { observer.announced(text); });
}

void settle_in(Parts& parts) {
    std::vector<std::string> names;
    for (core::UnitId id : parts.context.graph().ids())
        if (core::active(parts.context.record(id).phase))
            names.push_back(parts.context.name(id));
    (void)parts.catalog.files.reread(); // the program that began this tells its problems
    parts.context.say(Priority::notice, "carried over into this root: " + join(names));
}

} // namespace mi::daemon
