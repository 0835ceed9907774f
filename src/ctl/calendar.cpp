// What a calendar expression means: its full form and its next times, for who writes a timer.
#include "core/calendar.hpp"
#include "ctl/verbs.hpp"
#include "os/runtime.hpp"

#include <cstdlib>
#include <ctime>

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

Result<core::Zone> from_file(const std::string& path) {
    auto bytes = os::read_file(path, 64 * 1024);
    if (!bytes)
        return std::unexpected(bytes.error());
    auto zone = core::Zone::from_file(*bytes);
    if (!zone)
        return fault(0, zone.error() == "is no zone file" ? "not a zone file:" : "damaged zone file:", path);
    return *zone;
}

// The zone of that name as an init on this system would find it; "": the local one.
Result<core::Zone> zone_named(std::string name) {
    if (name.empty())
        if (const char* rule = std::getenv("TZ"); rule != nullptr && *rule != 0) {
            if (auto zone = core::Zone::from_rule(rule))
                return *zone;
            name = *rule == ':' ? rule + 1 : rule;
        }
    if (name == "UTC")
        return core::Zone();
    if (name.starts_with('/'))
        return from_file(name);
    if (!name.empty())
        return from_file("/usr/share/zoneinfo/" + name);
    auto zone = from_file("/etc/localtime");
    if (!zone && zone.error().code == ENOENT)
        return core::Zone();
    return zone;
}

std::string with_weekday(std::int64_t micros) {
    const std::time_t when = static_cast<std::time_t>(micros / 1'000'000);
    std::tm parts{};
    char text[64];
    ::localtime_r(&when, &parts);
    return {text, std::strftime(text, sizeof text, "%a %Y-%m-%d %H:%M:%S %Z", &parts)};
}

} // namespace

int verify_calendar(Context& context) {
    Meaning meaning{context.arguments.calendar, {}, {}};
    auto calendar = core::parse_calendar(meaning.expression);
    if (!calendar)
        return context.fail("\"" + harmless(meaning.expression) +
                            "\" is no calendar expression: " + harmless(calendar.error().message) +
                            (calendar.error().suggestion.empty() ? "" : " (" + calendar.error().suggestion + ")"));
    meaning.normal = core::text(*calendar);
    auto zone = zone_named(calendar->zone);
    if (!zone)
        return context.fail("there is no time zone " + harmless(calendar->zone) + " here: " + zone.error().text());
    const std::int64_t now = realtime_now();
    for (std::int64_t at = now; meaning.next.size() < shown;) {
        auto next = core::next(*calendar, {at}, *zone);
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
