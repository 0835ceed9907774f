#include "daemon/log/collector_health.hpp"

#include <utility>

namespace mi::daemon {

using wire::logs::StreamId;

namespace {
constexpr std::size_t many_new_pipes = 512; // that are not watched yet
} // namespace

CollectorHealth::CollectorHealth(Kernel& kernel, LogStreams& streams) : kernel_(kernel), streams_(streams) {
    if (auto unread = os::AnyReadable::make())
        unread_ = std::move(*unread);
}

void CollectorHealth::forget() {
    unread_watch_.reset();
    liveness_ = {};
}

void CollectorHealth::watch(const std::vector<StreamId>& streams) {
    not_watched_yet_.insert(not_watched_yet_.end(), streams.begin(), streams.end());
    if (not_watched_yet_.size() > 2 * streams_.all().size() + many_new_pipes) // as nothing is ever quiet
        std::erase_if(not_watched_yet_, [this](StreamId one) { return streams_.find(one) == nullptr; });
}

void CollectorHealth::closing(const LogStream& stream) {
    if (stream.is_watched)
        unread_->remove(stream.pipe.get());
}

std::optional<std::uint32_t> CollectorHealth::end_turn(bool serves) {
    std::optional<std::uint32_t> ping;
    if (serves && liveness_.asks(kernel_.now()))
        ping = liveness_.number();
    if (!serves || !liveness_.wants_news() || !unread_) {
        unread_watch_.reset();
    } else if (!unread_watch_) {
        watch_new_pipes();
        auto watch = kernel_.watch(unread_->fd(), [this] {
            liveness_.has_work();
            unread_watch_.reset(); // the end of the turn asks
        });
        if (watch) // else the next turn tries
            unread_watch_ = std::move(*watch);
    }
    return ping;
}

// Only now, and not when a pipe is handed over: most services of a boot start while there is work to confirm anyway, and the pipes
// of a short command never get here.
void CollectorHealth::watch_new_pipes() {
    for (StreamId id : std::exchange(not_watched_yet_, {}))
        if (auto at = streams_.all().find(id); at != streams_.all().end() && !at->second.is_watched)
            at->second.is_watched =
                unread_->add(at->second.pipe.get()); // else that it hangs shows when it is sent something
}

} // namespace mi::daemon
