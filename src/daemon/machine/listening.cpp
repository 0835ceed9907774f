// What the kernel tells of memory.
#include "daemon/supervisor.hpp"

#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

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

} // namespace mi::daemon
