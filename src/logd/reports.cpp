#include "logd/reports.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mi::logd {
namespace {

constexpr std::size_t crowd = 128;
constexpr Span crowd_time = std::chrono::milliseconds(10);
constexpr Span counts_time = std::chrono::seconds(4); // from a line to its report in Counts
constexpr unsigned most_reports = 100;
constexpr Span reports_time = std::chrono::seconds(10);
constexpr Span between_progress = std::chrono::seconds(2);

} // namespace

// Ends come in crowds, when many services stop. PID 1 need not close a pipe at once, so it is woken once for many.
void Reports::tell_ended(Instant now, bool at_once) {
    if (!ended_.empty() && tell_ended_at_ == never)
        tell_ended_at_ = now + crowd_time;
    if (ended_.size() < crowd && tell_ended_at_ != never && !at_once && now < tell_ended_at_)
        return;
    tell_ended_at_ = never;
    for (std::size_t at = 0; at < ended_.size(); at += wire::logs::most_streams) {
        auto begin = ended_.begin() + static_cast<std::ptrdiff_t>(at);
        auto end = ended_.begin() + static_cast<std::ptrdiff_t>(std::min(ended_.size(), at + wire::logs::most_streams));
        init_.say(wire::logs::Ended{{begin, end}});
    }
    ended_.clear();
}

// A disk that is full by turns must not make PID 1 write about it all the time.
void Reports::tell_losses(std::vector<wire::logs::Dropped> losses, Instant now) {
    for (wire::logs::Dropped& dropped : losses) {
        if (now - losses_since_ > reports_time) {
            losses_since_ = now;
            losses_ = 0;
        }
        if (++losses_ <= most_reports)
            init_.say(std::move(dropped));
    }
}

// PID 1 is woken for them once in a while, and not at all when nothing is written.
void Reports::tell_counts(Units& units, Instant now) {
    if (!units.has_counts())
        return;
    if (tell_counts_at_ == never)
        tell_counts_at_ = now + counts_time;
    if (now < tell_counts_at_)
        return;
    tell_counts_at_ = never;
    while (units.has_counts())
        init_.say(units.take_counts());
}

void Reports::tell_progress(Instant now) {
    if (now - progress_told_ < between_progress)
        return;
    progress_told_ = now;
    init_.say(wire::logs::Pong{});
}

} // namespace mi::logd
