#include "ctl/text/local_time.hpp"

#include "os/file/runtime.hpp"

#include <cerrno>
#include <cstdlib>

namespace mi::ctl {

namespace {

constexpr std::int64_t second = 1'000'000, day_seconds = 86'400;

Result<calendar::Zone> from_file(const std::string& path) {
    auto bytes = os::read_file(path, 64 * 1024);
    if (!bytes)
        return std::unexpected(bytes.error());
    auto zone = calendar::Zone::from_file(*bytes);
    if (!zone)
        return fault(0, "zone file", path + " " + std::string(zone.error()));
    return *zone;
}

const calendar::Zone& here() {
    static const calendar::Zone zone = zone_named("").value_or(calendar::Zone());
    return zone;
}

void append_two(std::string& text, std::int64_t number) {
    text += static_cast<char>('0' + number / 10 % 10);
    text += static_cast<char>('0' + number % 10);
}

} // namespace

Result<calendar::Zone> zone_named(std::string name) {
    if (name.empty())
        if (const char* rule = std::getenv("TZ"); rule != nullptr && *rule != 0) {
            if (auto zone = calendar::Zone::from_rule(rule))
                return *zone;
            name = *rule == ':' ? rule + 1 : rule;
        }
    if (name == "UTC")
        return calendar::Zone();
    if (name.starts_with('/'))
        return from_file(name);
    if (!name.empty())
        return from_file("/usr/share/zoneinfo/" + name);
    auto zone = from_file("/etc/localtime");
    if (!zone && zone.error().code == ENOENT)
        return calendar::Zone();
    return zone;
}

std::string WallClock::day() const {
    std::string text = std::to_string(static_cast<int>(date.year()));
    text += '-';
    append_two(text, static_cast<unsigned>(date.month()));
    text += '-';
    append_two(text, static_cast<unsigned>(date.day()));
    return text;
}

std::string WallClock::time() const {
    std::string text;
    append_two(text, second / 3600);
    text += ':';
    append_two(text, second / 60 % 60);
    text += ':';
    append_two(text, second % 60);
    return text;
}

std::string_view WallClock::weekday_name() const {
    return std::string_view("SunMonTueWedThuFriSat").substr(3 * weekday.c_encoding(), 3);
}

std::string_view WallClock::month_name() const {
    return std::string_view("JanFebMarAprMayJunJulAugSepOctNovDec")
        .substr(3 * (static_cast<unsigned>(date.month()) - 1), 3);
}

WallClock wall_clock(std::int64_t realtime_micros) {
    using namespace std::chrono;
    const auto at = floor<seconds>(microseconds(realtime_micros)).count();
    const calendar::Zone::Period period = here().period(at);
    const seconds wall(at + period.offset);
    const auto date = floor<days>(wall);
    return {sys_days(date), weekday(sys_days(date)), (wall - date).count(), period.name};
}

std::int64_t moment_of(std::chrono::sys_days date, std::int64_t second_of_day) {
    return here().moment_of(std::int64_t{date.time_since_epoch().count()} * day_seconds + second_of_day) * second;
}

} // namespace mi::ctl
