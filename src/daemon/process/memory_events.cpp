#include "daemon/process/memory_events.hpp"

namespace mi::daemon {

namespace {
// A service at its memory-high has an event every 10 ms: one look a second is enough to tell of kills, as the end of a process that
// we started ourselves is looked into at once.
constexpr Span pause = std::chrono::seconds(1);
} // namespace

void MemoryEvents::listen() {
    if (watch_ != nullptr || resources_.memory_events() < 0)
        return;
    if (auto watch = context_.kernel.watch(resources_.memory_events(), [this] { look(false); }))
        watch_ = std::move(*watch);
}

void MemoryEvents::due(Instant) {
    look_again_ = never;
    watch_->want_readable(true);
    look(true);
}

// `waited`: after a pause, so that the next event may come at once.
void MemoryEvents::look(bool waited) {
    if (!resources_.memory_kill_happened()) {
        if (!waited) {
            watch_->want_readable(false);
            look_again_ = context_.kernel.now() + pause;
        }
        return;
    }
    context_.now = context_.kernel.now();
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            if (auto words = resources_.killed_for_memory(context_.unit(id), context_.now, false))
                context_.log(id, Priority::err,
                             "out of memory (" + *words + "): the kernel has killed a process of it");
}

} // namespace mi::daemon
