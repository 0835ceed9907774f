// Who speaks to PID 1 besides the control socket and sd_notify(3): services on notify-fd, and the kernel of memory.
#include "daemon/supervisor.hpp"

#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

using core::Event;

// --- notify-fd --------------------------------------------------------------------------------------------------------

void Supervisor::watch_ready(core::UnitId id) {
    auto watch = context_.loop.watch(context_.units[id].ready.get(), [this, name = context_.name(id)] {
        if (core::UnitId now = context_.graph().find(name); now != core::no_unit)
            ready_pending(now, 1);
    });
    if (watch)
        context_.units[id].ready_watch = std::move(*watch);
}

void Supervisor::ready_pending(core::UnitId id, int most_reads) {
    UnitRun& live = context_.units[id];
    if (!live.ready)
        return;
    char bytes[4096];
    ssize_t got = 1;
    bool said = false;
    for (int i = 0; i < most_reads && got > 0 && !said; ++i) {
        got = ::read(live.ready.get(), bytes, sizeof bytes);
        said = got > 0 && std::find(bytes, bytes + got, '\n') != bytes + got;
    }
    if (got != 0 && !said)
        return; // EINTR, EAGAIN: it will be readable again
    if (said) {
        context_.now = loop::now();
        starter_.pending().conclude(id);
        context_.engine.apply({.kind = Event::Kind::ready, .unit = id}, context_.now);
    }
    live.ready_watch.reset();
    live.ready.reset();
    context_.engine.mark(id);
}

// --- memory -----------------------------------------------------------------------------------------------------------

void Supervisor::listen_to_memory() {
    if (resources_.memory_events() < 0)
        return;
    auto watch = context_.loop.watch(resources_.memory_events(), [this] { memory_events_pending(); });
    if (watch)
        memory_watch_ = std::move(*watch);
}

// A service at its memory-high has an event every 10 ms: one look a second is enough to tell of kills, as the end of a
// process that we started ourselves is looked into at once.
void Supervisor::memory_events_pending() {
    constexpr Span pause = std::chrono::seconds(1);
    bool waited = memory_again_ != never;
    memory_again_ = never;
    if (memory_watch_)
        memory_watch_->want_readable(true);
    if (!resources_.memory_kill_happened()) {
        if (!waited && memory_watch_) {
            memory_watch_->want_readable(false);
            memory_again_ = loop::now() + pause;
        }
        return;
    }
    context_.now = loop::now();
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            if (auto words = resources_.killed_for_memory(context_.unit(id), context_.now, false))
                context_.logs.line(context_.name(id), Priority::err,
                                   "out of memory (" + *words + "): the kernel has killed a process of it");
}

// --- timers -----------------------------------------------------------------------------------------------------------

void Supervisor::time_has_come(core::UnitId unit) {
    context_.now = loop::now();
    context_.engine.apply({.kind = Event::Kind::trigger, .unit = unit}, context_.now);
}

void Supervisor::timer_trouble(const std::string& text) { context_.say(Priority::warning, text); }

} // namespace mi::daemon
