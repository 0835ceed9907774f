#include "daemon/process/sweeper.hpp"

namespace mi::daemon {

namespace {
// The end of a process whose parent is not ours is not told: it is looked for.
constexpr Span pause = std::chrono::milliseconds(200);
} // namespace

bool Sweeper::look() {
    if (!processes_.has_news() || context_.now < not_before_) {
        again_ = processes_.has_news() ? not_before_ : processes_.sweeping() ? context_.now + pause : never;
        return false;
    }
    processes_.set_own(context_.logs.pid());
    const Instant began = context_.kernel.now();
    const std::vector<core::UnitId> done = processes_.swept();
    // A look costs as much as there are processes: one stop is answered at once, a thousand share their looks.
    context_.now = context_.kernel.now();
    not_before_ = context_.now + 4 * (context_.now - began);
    for (core::UnitId unit : done)
        context_.apply({.kind = core::Event::Kind::emptied, .unit = unit});
    again_ = processes_.has_news() ? not_before_ : processes_.sweeping() ? context_.now + pause : never;
    return !done.empty();
}

} // namespace mi::daemon
