// Timer units: [timer] of the service that they run.
#include "config/syntax.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"
#include "core/calendar.hpp"

namespace mi::convert {

namespace {

constexpr Table here = Table::timer;

class Timers {
public:
    explicit Timers(Draft& draft) : draft_(draft) {}

    void run() {
        for (const Part& part : draft_.parts)
            if (part.kind == Part::Kind::timer)
                take(part);
        if (!calendar_.empty())
            draft_.sheet.set(here, "calendar", array(calendar_));
        const bool repeats = !calendar_.empty() || every_;
        if (persistent_ != nullptr && repeats)
            draft_.sheet.set(here, "persistent", "true");
        else
            say(persistent_, Weight::note, "what is counted from the boot is not missed while the machine is off");
        if (jitter_ != nullptr)
            jitter();
        if (seen_ && draft_.accepts)
            draft_.fault = "its timer cannot start a process for a connection";
        else if (seen_ && !repeats && !draft_.sheet.has(here, "after-boot"))
            draft_.fault = "there is no time in its timer that can be converted";
    }

private:
    void say(const Assignment* of, Weight weight, std::string_view why) {
        if (of != nullptr)
            draft_.say(*of, here, weight, why);
    }

    void take(const Part& part) {
        seen_ = true;
        draft_.sheet.open(here);
        for (const Assignment* each : draft_.all(part, "Timer", "OnCalendar"))
            if (auto text = draft_.text(*each, here)) {
                if (auto parsed = core::parse_calendar(*text))
                    calendar_.push_back(std::move(*text));
                else
                    say(each, Weight::lost,
                        "it is no calendar expression that is understood: " + parsed.error().message);
            }
        monotonic(part, "OnBootSec", "after-boot", "");
        monotonic(part, "OnStartupSec", "after-boot", "");
        monotonic(part, "OnActiveSec", "after-boot",
                  "it counts from the boot, and not from when the timer was started");
        monotonic(part, "OnUnitActiveSec", "every", "");
        monotonic(part, "OnUnitInactiveSec", "every", "it counts from the start of the last run, and not from its end");
        if (const Assignment* delay = draft_.last(part, "Timer", "RandomizedDelaySec"))
            jitter_ = delay;
        if (const Assignment* of = draft_.last(part, "Timer", "Persistent");
            of != nullptr && draft_.truth(*of, here) == true)
            persistent_ = of;
        if (const Assignment* accuracy = draft_.last(part, "Timer", "AccuracySec"))
            say(accuracy, Weight::note, "it runs at the time itself");
        if (const Assignment* again = draft_.last(part, "Timer", "RemainAfterElapse"))
            say(again, Weight::note, "a timer stays armed as long as there are times to come");
        (void)draft_.last(part, "Timer", "Unit"); // the one that this is part of
    }

    // False: it has been told why not.
    bool span(const Assignment& of, std::string_view ours) {
        std::optional<Time> time = time_span(of.value);
        if (!time || time->infinite)
            return say(&of, Weight::lost, "it is no span of time"), false;
        // Less is none at all, or too often.
        const Span least = ours == "every" ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1);
        const Span span = std::max(time->span, least);
        if (ours == "every")
            every_ = span;
        draft_.sheet.set_text(here, ours, config::duration_text(span));
        return true;
    }

    void jitter() {
        std::optional<Time> time = time_span(jitter_->value);
        if (!time || time->infinite)
            return say(jitter_, Weight::lost, "it is no span of time");
        if (every_ && time->span >= *every_)
            return say(jitter_, Weight::lost, "a run cannot be put off beyond the next one");
        if (time->span != Span{0})
            draft_.sheet.set_text(here, "jitter", config::duration_text(time->span));
    }

    void monotonic(const Part& part, std::string_view theirs, std::string_view ours, std::string differs) {
        for (const Assignment* each : draft_.all(part, "Timer", theirs)) {
            if (draft_.sheet.has(here, ours))
                say(each, Weight::lost, "`" + std::string(ours) + "` is there once");
            else if (span(*each, ours) && !differs.empty())
                say(each, Weight::near, differs);
        }
    }

    Draft& draft_;
    std::vector<std::string> calendar_;
    std::optional<Span> every_;
    const Assignment* jitter_ = nullptr;
    const Assignment* persistent_ = nullptr;
    bool seen_ = false;
};

} // namespace

void convert_timers(Draft& draft) { Timers(draft).run(); }

} // namespace mi::convert
