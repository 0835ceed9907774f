#include "daemon/life.hpp"

#include "base/join.hpp"
#include "daemon/control/control.hpp"
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
        parts.resources.share_and_count();
    parts.turn.open();
    parts.signals.open();
    if (parts.guard != nullptr) {
        parts.guard->page().limit = parts.context.settings.crash_limit;
        watch(parts.guard->wake(), [] {}); // the end of the turn sees to it
    }
    if (parts.fd_store.fd() >= 0)
        watch(parts.fd_store.fd(), [&parts] { parts.fd_store.drop_dead(); });
    parts.main_process.open();
    if (auto started = parts.before != nullptr ? parts.context.logs.go_on(*parts.before, parts.context.now, parts.renew)
                                               : parts.context.logs.start(parts.context.now);
        !started)
        parts.context.say(Priority::err, started.error().text() + "; tried again, what services write waits");
    parts.log_upkeep.adopt();
    parts.hardware_watchdog.apply_settings();
    parts.reachability.open();
    parts.buttons.open();
    parts.time_set.open();
}

Shutdown::Outcome live(Parts& parts, const std::vector<std::string>& wanted) {
    parts.context.now = parts.kernel.now();
    for (const std::string& target : wanted)
        if (core::UnitId id = parts.context.graph().find(target); id != core::no_unit)
            parts.context.apply({.kind = core::Event::Kind::wish, .unit = id});
    parts.context.engine.settle(parts.context.now);
    if (parts.before == nullptr)
        parts.activation.open_early();
    parts.turn.take();
    if (!parts.shutdown.over())
        parts.context.kernel.run();
    const Shutdown::Outcome& outcome = parts.shutdown.outcome();
    parts.background.wait(std::min(longest_removal, (outcome.deadline - parts.kernel.now()) / 8));
    return outcome;
}

void serve(Parts& parts, std::unique_ptr<ControlServer> control, Observer& observer) {
    parts.control = std::move(control);
    parts.flush.serve(parts.control.get());
    parts.store.serve(parts.control.get());
    parts.turn.serve(parts.control.get());
    parts.context.manager_moved = true;
    parts.reachability.serve(*parts.control);
    parts.context.observer = &observer;
    parts.announcer.set_hearer([&observer](const std::string& text) { observer.announced(text); });
}

void settle_in(Parts& parts) {
    std::vector<std::string> names;
    for (core::UnitId id : parts.context.graph().ids())
        if (core::active(parts.context.record(id).phase))
            names.push_back(parts.context.name(id));
    (void)parts.unit_files.reread(); // the program that began this tells its problems
    parts.context.say(Priority::notice, "carried over into this root: " + join(names));
}

} // namespace mi::daemon
