#include "calendar/schedule.hpp"

#include <algorithm>
#include <utility>

namespace mi::calendar {

namespace {

constexpr Span correction = std::chrono::hours(3); // a step of at most this length corrects a clock
constexpr Span breath = std::chrono::milliseconds(100);
constexpr int merged_at_once = 1000; // after merging this many times into one run, all times up to now count as handled

std::int64_t micros(Span span) { return std::chrono::duration_cast<std::chrono::microseconds>(span).count(); }
WallTime operator+(WallTime at, Span span) { return {at.micros + micros(span)}; }
Span operator-(WallTime a, WallTime b) {
    constexpr std::int64_t most = 9'000'000'000'000'000; // microseconds: 285 years, almost the range of a Span
    return std::chrono::microseconds(std::clamp(a.micros - b.micros, -most, most));
}

// A pseudo-random number that is always the same for the same value.
std::uint64_t scatter(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

} // namespace

Schedule::Schedule(Timer timer, std::uint64_t seed, const Past& past, Clocks now, Zones& zones)
    : timer_(std::move(timer)), seed_(seed), every_from_(now.boot), cursor_(now.wall),
      last_(past.last.value_or(now.wall)), new_(!past.last) {
    if (timer_.after_boot && !past.after_boot_done) {
        Span at = past.begin + *timer_.after_boot;
        after_boot_at_ = at + jitter(at.count());
        every_from_ = std::max(every_from_, at);
    }
    if (timer_.persistent) {
        cursor_ = believed(last_, now, zones);
        every_resumed_ = !new_;
        resume_every(now);
    }
    plan(now, zones);
}

void Schedule::go_on(const State& state, Clocks now, Zones& zones) {
    after_boot_at_ = timer_.after_boot ? state.after_boot_at : std::nullopt;
    every_from_ = state.every_from;
    every_resumed_ = state.every_resumed;
    new_ = state.fresh;
    cursor_ = state.cursor;
    last_ = state.last;
    not_before_ = state.not_before;
    plan(now, zones);
}

Span Schedule::jitter(std::int64_t occurrence) const {
    if (timer_.jitter <= Span{0})
        return Span{0};
    return Span(static_cast<std::int64_t>(scatter(seed_ ^ scatter(static_cast<std::uint64_t>(occurrence))) %
                                          static_cast<std::uint64_t>(timer_.jitter.count())));
}

Span Schedule::every_due() const {
    Span at = every_from_ + timer_.every;
    return at + jitter(at.count());
}

// If the last run was before this boot, the time since then counts as part of the interval.
void Schedule::resume_every(Clocks now) {
    if (every_resumed_ && timer_.every > Span{0})
        every_from_ = now.boot - std::clamp(now.wall - last_, Span{0}, timer_.every);
}

// `last`; or the present, if `last` is further in the future than a correction of the clock explains.
WallTime Schedule::believed(WallTime last, Clocks now, Zones& zones) {
    if (last <= now.wall)
        return last;
    Span explained = correction;
    if (auto following = occurrence_after(last, zones))
        explained = std::min(explained, *following - last);
    return last - now.wall < explained ? last : now.wall;
}

std::optional<WallTime> Schedule::occurrence_after(WallTime after, Zones& zones) {
    std::optional<WallTime> first;
    missing_zone_.clear();
    for (const Calendar& calendar : timer_.calendar) {
        const Zone* zone = zones.find(calendar.zone);
        if (zone == nullptr) {
            missing_zone_ = calendar.zone;
            continue;
        }
        if (auto at = calendar::next(calendar, after, *zone); at && (!first || *at < *first))
            first = at;
    }
    return first;
}

void Schedule::plan(Clocks now, Zones& zones) {
    calendar_at_.reset();
    auto occurrence = occurrence_after(cursor_, zones);
    if (!occurrence) {
        catch_up_at_.reset();
        return;
    }
    Span delay = jitter(occurrence->micros);
    if (WallTime at = *occurrence + delay; at > now.wall) {
        calendar_at_ = at;
        catch_up_at_.reset();
    } else if (!catch_up_at_) {
        catch_up_at_ = now.boot + delay; // with the jitter, so that many machines that were off do not all run at once
    }
}

std::optional<Span> Schedule::boot_deadline() const {
    std::optional<Span> first = after_boot_at_;
    if (catch_up_at_ && (!first || *catch_up_at_ < *first))
        first = catch_up_at_;
    if (timer_.every > Span{0} && (!first || every_due() < *first))
        first = every_due();
    return first ? std::optional(std::max(*first, not_before_)) : std::nullopt;
}

bool Schedule::due(Clocks now) const {
    auto boot = boot_deadline();
    return (boot && *boot <= now.boot) || (calendar_at_ && *calendar_at_ <= now.wall);
}

std::optional<WallTime> Schedule::next(Clocks now) const {
    auto boot = boot_deadline();
    std::optional<WallTime> at = calendar_at_;
    if (boot && (!at || now.wall + (*boot - now.boot) < *at))
        at = now.wall + (*boot - now.boot);
    return at;
}

void Schedule::elapse(Clocks now, Zones& zones) {
    if (after_boot_at_ && *after_boot_at_ <= now.boot)
        after_boot_at_.reset();
    if (timer_.every > Span{0} && every_due() <= now.boot) {
        // Missed times are not made up for: continue with the next one.
        every_from_ += (now.boot - every_from_) / timer_.every * timer_.every;
        every_resumed_ = false;
    }
    if (catch_up_at_ && *catch_up_at_ <= now.boot) {
        catch_up_at_.reset();
        cursor_ = std::max(cursor_, now.wall);
    } else if (calendar_at_ && *calendar_at_ <= now.wall) {
        // Times whose own delay is over, too, belong to the same run.
        cursor_ = std::max(occurrence_after(cursor_, zones).value_or(now.wall), now.wall + -timer_.jitter);
        for (int merged = 0;; ++merged) {
            auto following = occurrence_after(cursor_, zones);
            if (!following || *following + jitter(following->micros) > now.wall)
                break;
            cursor_ = merged < merged_at_once ? *following : now.wall;
        }
    }
    last_ = now.wall;
    new_ = false;
    not_before_ = now.boot + breath;
    plan(now, zones);
    if (calendar_at_)
        calendar_at_ = std::max(*calendar_at_, now.wall + breath);
}

void Schedule::stepped(Span by, Clocks now, Zones& zones) {
    const bool far = by > correction || by < -correction;
    if (timer_.persistent) {
        if (new_ && far)
            last_ = now.wall; // the timer was new when the clock was still wrong
        cursor_ = believed(last_, now, zones);
        if (far)
            resume_every(now);
    } else {
        cursor_ = by > correction ? now.wall : believed(cursor_, now, zones);
    }
    plan(now, zones);
}

} // namespace mi::calendar
