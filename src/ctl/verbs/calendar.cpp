// Shows the full form of a calendar expression and its next times, for writing timers.
#include "calendar/calendar.hpp"
#include "base/clock.hpp"
#include "ctl/text/local_time.hpp"
#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

namespace {

constexpr int shown = 5;

struct Meaning {
    std::string expression, normal;
    std::vector<std::int64_t> next; // microseconds since 1970
    static void fields(auto& self, auto&& visit) {
        visit("expression", self.expression);
        visit("normal", self.normal);
        visit("next", self.next);
    }
};

std::string with_weekday(std::int64_t micros) {
    const WallClock clock = wall_clock(micros);
    return std::string(clock.weekday_name()) + " " + clock.day() + " " + clock.time() + " " + std::string(clock.zone);
}

} // namespace

int verify_calendar(Context& context) {
    Meaning meaning{context.arguments.calendar, {}, {}};
    auto calendar = calendar::parse_calendar(meaning.expression);
    if (!calendar)
        return context.fail("\"" + harmless(meaning.expression) +
                            "\" is no calendar expression: " + harmless(calendar.error().message) +
                            (calendar.error().suggestion.empty() ? "" : " (" + calendar.error().suggestion + ")"));
    meaning.normal = calendar::text(*calendar);
    auto zone = zone_named(calendar->zone);
    if (!zone)
        return context.fail("there is no time zone " + harmless(calendar->zone) + " here: " + zone.error().text());
    const std::int64_t now = wall_now().micros;
    for (std::int64_t at = now; meaning.next.size() < shown;) {
        auto next = calendar::next(*calendar, {at}, *zone);
        if (!next)
            break;
        meaning.next.push_back(at = next->micros);
    }
    if (context.arguments.json)
        return context.print_json(meaning);
    std::string text = meaning.normal + "\n";
    for (std::int64_t at : meaning.next)
        text += "  " + with_weekday(at) + "  (in " + age(at - now) + ")\n";
    if (meaning.next.size() < shown)
        text += meaning.next.empty() ? "  never\n" : "  and never again\n";
    return context.print(text);
}

} // namespace mi::ctl
