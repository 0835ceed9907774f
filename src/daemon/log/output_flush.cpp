#include "daemon/log/output_flush.hpp"

#include <algorithm>

namespace mi::daemon {

namespace {
constexpr std::ptrdiff_t most_unflushed = 1024;
constexpr Span longest_hold = std::chrono::seconds(1);
} // namespace

void OutputFlush::add(StreamId stream) {
    if (stream != 0 && context_.logs.has_last_words(stream))
        streams_.push_back(stream);
}

void OutputFlush::take_barrier() {
    if (!streams_.empty() && control_ != nullptr && !barrier_ && control_->connections() > 0)
        barrier_ = control_->hold();
}

void OutputFlush::flush() {
    if (streams_.empty())
        return;
    if (control_ == nullptr || control_->connections() == 0) {
        // No client hears of these exits now, and a later one takes a barrier before it is answered. The oldest have long been
        // written.
        if (std::ssize(streams_) > most_unflushed)
            streams_.erase(streams_.begin(), streams_.end() - most_unflushed / 2);
        return;
    }
    take_barrier();
    const std::vector<StreamId> streams = std::exchange(streams_, {});
    const ControlServer::Barrier barrier = *std::exchange(barrier_, std::nullopt);
    for (std::size_t from = 0; from < streams.size(); from += wire::logs::most_streams) {
        const std::size_t to = std::min(streams.size(), from + wire::logs::most_streams);
        const bool last = to == streams.size();
        if (!context_.logs.flush(last ? barrier : 0, {streams.begin() + static_cast<std::ptrdiff_t>(from),
                                                      streams.begin() + static_cast<std::ptrdiff_t>(to)})) {
            control_->release(barrier);
            return;
        }
    }
    held_.push_back({barrier, context_.now + longest_hold});
}

void OutputFlush::release_first() {
    control_->release(held_.front().barrier);
    held_.pop_front();
}

void OutputFlush::flushed(std::uint64_t token) {
    while (token != 0 && !held_.empty() && held_.front().barrier <= token)
        release_first();
}

void OutputFlush::give_up() {
    while (!held_.empty())
        release_first();
}

void OutputFlush::due(Instant now) {
    while (!held_.empty() && held_.front().until <= now)
        release_first();
}

} // namespace mi::daemon
