// Converts timer units: [timer] of the service that the timer runs.
#include "calendar/calendar.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"

namespace mi::convert {

namespace {

constexpr Table here = Table::timer;

class TimerStep : ConversionStep {
public:
    explicit TimerStep(const UnitSource& source) : ConversionStep(source, here) {}

    StepOutput run() {
        for (const SystemdUnit& unit : source_.units)
            if (unit.kind == SystemdUnit::Kind::timer)
                take(unit);
        set_list("calendar", calendar_);
        const bool repeats = !calendar_.empty() || every_;
        for (const SystemdUnit& unit : source_.units)
            if (const Assignment& of = last(unit, "Timer", "Persistent"); is_yes(of) && repeats)
                set("persistent", "true");
            else if (is_yes(of))
                note(of, "what is counted from the boot is not missed while the machine is off");
        for (const SystemdUnit& unit : source_.units)
            jitter(last(unit, "Timer", "RandomizedDelaySec"));
        if (seen_ && source_.accepts)
            out_.fault = "its timer cannot start a process for a connection";
        else if (seen_ && !repeats && !out_.toml.has(here, "after-boot"))
            out_.fault = "there is no time in its timer that can be converted";
        return std::move(out_);
    }

private:
    void take(const SystemdUnit& unit) {
        seen_ = true;
        out_.toml.open(here);
        for (const Assignment& each : all(unit, "Timer", "OnCalendar"))
            if (auto expression = text(each)) {
                if (auto parsed = calendar::parse_calendar(*expression))
                    calendar_.push_back(std::move(*expression));
                else
                    lost(each, "it is no calendar expression that is understood: " + parsed.error().message);
            }
        for (const Row& row : rows_of("Timer"))
            if (row.form == Form::delay)
                for (std::string_view spelling : blank_separated(row.directives))
                    for (const Assignment& each : all(unit, "Timer", spelling))
                        take_delay(each, row);
    }

    void take_delay(const Assignment& of, const Row& row) {
        if (out_.toml.has(here, row.key))
            return lost(of, "`" + std::string(row.key) + "` is there once");
        const std::optional<Time> time = time_span(of.value);
        if (!time || time->infinite)
            return lost(of, "it is no span of time");
        // A shorter `every` would run the service too often. The least `after-boot` is a millisecond.
        const Span least = row.key == "every" ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1);
        const Span span = std::max(time->span, least);
        if (row.key == "every")
            every_ = span;
        set_text(row.key, config::duration_text(span));
        if (!row.why.empty())
            near(of, row.why);
    }

    void jitter(const Assignment& of) {
        const std::optional<Time> time = time_span(of.value);
        if (!time || time->infinite)
            lost(of, "it is no span of time");
        else if (every_ && time->span >= *every_)
            lost(of, "a run cannot be put off beyond the next one");
        else if (time->span != Span{0})
            set_text("jitter", config::duration_text(time->span));
    }

    std::vector<std::string> calendar_;
    std::optional<Span> every_;
    bool seen_ = false;
};

} // namespace

StepOutput convert_timers(const UnitSource& source) { return TimerStep(source).run(); }

} // namespace mi::convert
