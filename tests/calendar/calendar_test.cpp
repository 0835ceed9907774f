// Calendar expressions: the examples of systemd.time(7), the facts of systemd's own tests, errors, and the days on which
// the clocks change.
#include "calendar/calendar.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace mi;
using namespace mi::calendar;

namespace {

constexpr std::int64_t second = 1'000'000, hour = 3600 * second, day = 24 * hour;

Zone zone(std::string_view rule) {
    auto made = Zone::from_rule(rule);
    REQUIRE(made);
    return *made;
}
const char* const berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
const char* const cairo_like = "EET-2EEST,M3.5.0/3,M10.5.0/4"; // as Eastern Europe
const char* const auckland = "NZST-12NZDT,M9.5.0,M4.1.0/3";
const char* const new_york = "EST5EDT,M3.2.0,M11.1.0";
const char* const dublin = "IST-1GMT0,M10.5.0,M3.5.0/1";
const char* const lord_howe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

Calendar read(std::string_view text) {
    auto calendar = parse_calendar(text);
    REQUIRE_MESSAGE(calendar, text, ": ", (calendar ? "" : calendar.error().message));
    return *calendar;
}
std::string normal(std::string_view expression) { return text(read(expression)); }

constexpr std::int64_t never_again = -1;
std::int64_t after(std::string_view expression, std::int64_t when, const Zone& in = {}) {
    auto found = next(read(expression), WallTime{when}, in);
    return found ? found->micros : never_again;
}

// "2026-03-29 02:30" or with seconds, UTC, in microseconds.
std::int64_t utc(const std::string& text) {
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
    REQUIRE(std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) >= 5);
    using namespace std::chrono;
    sys_days whole{year{y} / month{static_cast<unsigned>(mo)} / std::chrono::day{static_cast<unsigned>(d)}};
    return (whole.time_since_epoch().count() * 86'400 + h * 3600 + mi * 60 + s) * second;
}
std::string shown(std::int64_t micros) {
    using namespace std::chrono;
    if (micros == never_again)
        return "never";
    std::int64_t seconds_of = micros / second;
    year_month_day date{sys_days{days{seconds_of / 86'400}}};
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", int{date.year()}, unsigned{date.month()},
                  unsigned{date.day()}, static_cast<int>(seconds_of / 3600 % 24),
                  static_cast<int>(seconds_of / 60 % 60), static_cast<int>(seconds_of % 60));
    return text;
}
// The moments (UTC) from `from` until `to`.
std::vector<std::string> all(std::string_view expression, const char* rule, const std::string& from,
                             const std::string& to) {
    std::vector<std::string> moments;
    const Zone in = zone(rule);
    const Calendar calendar = read(expression);
    for (auto at = next(calendar, {utc(from) - 1}, in); at && at->micros < utc(to); at = next(calendar, *at, in))
        moments.push_back(shown(at->micros));
    return moments;
}
using Moments = std::vector<std::string>;

} // namespace

TEST_CASE("the examples of systemd.time(7) have the normal forms that the page gives") {
    const std::pair<const char*, const char*> examples[] = {
        {"minutely", "*-*-* *:*:00"},
        {"hourly", "*-*-* *:00:00"},
        {"daily", "*-*-* 00:00:00"},
        {"monthly", "*-*-01 00:00:00"},
        {"weekly", "Mon *-*-* 00:00:00"},
        {"yearly", "*-01-01 00:00:00"},
        {"quarterly", "*-01,04,07,10-01 00:00:00"},
        {"semiannually", "*-01,07-01 00:00:00"},
        {"Thu,Fri 2012-*-1,5 11:12:13", "Thu,Fri 2012-*-01,05 11:12:13"},
        {"Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"},
        {"Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"},
        {"Wed *-1", "Wed *-*-01 00:00:00"},
        {"Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"},
        {"Wed, 17:48", "Wed *-*-* 17:48:00"},
        {"Wed..Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"},
        {"*-*-7 0:0:0", "*-*-07 00:00:00"},
        {"10-15", "*-10-15 00:00:00"},
        {"monday *-12-* 17:00", "Mon *-12-* 17:00:00"},
        {"Mon,Fri *-*-3,1,2 *:30:45", "Mon,Fri *-*-01,02,03 *:30:45"},
        {"12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00"},
        {"12..14:10,20,30", "*-*-* 12..14:10,20,30:00"},
        {"mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45"},
        {"03-05 08:05:40", "*-03-05 08:05:40"},
        {"08:05:40", "*-*-* 08:05:40"},
        {"05:40", "*-*-* 05:40:00"},
        {"Sat,Sun 12-05 08:05:40", "Sat,Sun *-12-05 08:05:40"},
        {"Sat,Sun 08:05:40", "Sat,Sun *-*-* 08:05:40"},
        {"2003-03-05 05:40", "2003-03-05 05:40:00"},
        {"05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001"},
        {"2003-02..04-05", "2003-02..04-05 00:00:00"},
        {"2003-03-05 05:40 UTC", "2003-03-05 05:40:00 UTC"},
        {"2003-03-05", "2003-03-05 00:00:00"},
        {"03-05", "*-03-05 00:00:00"},
        {"daily UTC", "*-*-* 00:00:00 UTC"},
        {"weekly Pacific/Auckland", "Mon *-*-* 00:00:00 Pacific/Auckland"},
        {"annually", "*-01-01 00:00:00"},
        {"*:2/3", "*-*-* *:02/3:00"},
        {"*-02~03", "*-02~03 00:00:00"},
        {"Mon *-05~07/1", "Mon *-05~07/1 00:00:00"},
    };
    for (auto [expression, form] : examples) {
        CAPTURE(expression);
        CHECK(normal(expression) == form);
        CHECK(normal(form) == form);
    }
}

TEST_CASE("what systemd reads besides is read the same way") {
    const std::pair<const char*, const char*> examples[] = {
        {"Sat,Thu,Mon-Wed,Sat-Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"},
        {"Wednesday,", "Wed *-*-* 00:00:00"},
        {"semi-annually", "*-01,07-01 00:00:00"},
        {"bi-annually", "*-01,07-01 00:00:00"},
        {"2015-10-25 01:00:00 uTc", "2015-10-25 01:00:00 UTC"},
        {"2015-10-25 01:00:00 Asia/Vladivostok", "2015-10-25 01:00:00 Asia/Vladivostok"},
        {"2016-03-27 03:17:00.4200005", "2016-03-27 03:17:00.420001"},
        {"2016-03-27 03:17:00/0.42", "2016-03-27 03:17:00/0.420000"},
        {"9..11,13:00,30", "*-*-* 09..11,13:00,30:00"},
        {"1..3-1..3 1..3:1..3", "*-01..03-01..03 01..03:01..03:00"},
        {"00:00:1.125..2.125", "*-*-* 00:00:01.125000..02.125000"},
        {"00:00:1.0..3.8", "*-*-* 00:00:01..03"},
        {"00:00:01/2,02..03", "*-*-* 00:00:01/2,02..03"},
        {"*-*~1 Utc", "*-*~01 00:00:00 UTC"},
        {"*-*~05,3 ", "*-*~03,05 00:00:00"},
        {"*-*~* 00:00:00", "*-*-* 00:00:00"},
        {"Monday", "Mon *-*-* 00:00:00"},
        {"Mon..Sun", "*-*-* 00:00:00"},
        {"*-*-*", "*-*-* 00:00:00"},
        {"*:*:*", "*-*-* *:*:*"},
        {"*:*", "*-*-* *:*:00"},
        {"93..00-*-*", "1993..2000-*-* 00:00:00"},
        {"*:20..39/5", "*-*-* *:20..35/5:00"},
        {"00:00:20..40/1", "*-*-* 00:00:20..40"},
        {"*~03/1,03..05", "*-*~03/1,03..05 00:00:00"},
        {"@1493187147", "2017-04-26 06:12:27 UTC"},
        {"@1493187147 UTC", "2017-04-26 06:12:27 UTC"},
        {"@0", "1970-01-01 00:00:00 UTC"},
        {"*:05..05", "*-*-* *:05:00"},
        {"*:05..10/6", "*-*-* *:05:00"},
    };
    for (auto [expression, form] : examples) {
        CAPTURE(expression);
        CHECK(normal(expression) == form);
        CHECK(normal(form) == form);
    }
}

TEST_CASE("what is no expression is refused, and the fault is named") {
    const std::pair<const char*, const char*> faults[] = {
        {"", "is empty"},
        {"    ", "is empty"},
        {"test", "\"test\" is no weekday, nor a word such as daily"},
        {"7", "\"7\" is neither a date (MONTH-DAY, YEAR-MONTH-DAY) nor a time (HOUR:MINUTE)"},
        {"Mon 4", "\"4\" is neither a date (MONTH-DAY, YEAR-MONTH-DAY) nor a time (HOUR:MINUTE)"},
        {"121212:1:2", "\"121212\" is no hour (0 to 23)"},
        {"24:00", "\"24\" is no hour (0 to 23)"},
        {"4:60", "\"60\" is no minute (0 to 59)"},
        {"4:00:60", "\"60\" is no second (0 to 59.999999)"},
        {"00:00:2300", "\"2300\" is no second (0 to 59.999999)"},
        {"00:00:18446744073709551615", "\"18446744073709551615\" is no second (0 to 59.999999)"},
        {"2000-03-05.23 00:00:00", "\"05.23\" is no day (1 to 31)"},
        {"2000-03-05 00:00.1:00", "\"00.1\" is no minute (0 to 59)"},
        {"00:00:00/0.00000001", "\"00/0.00000001\" has no step after the '/'"},
        {"2016~11-22", "'~' stands before the day alone"},
        {"*-*~5/5", "the step of 5/5 leads out of the day from the end of the months at once"},
        {"Monday.. 12:00", "the range of weekdays has no end"},
        {"Monday..", "the range of weekdays has no end"},
        {"Sun..Mon 4:00", "the range of weekdays runs backwards: a week begins on Monday"},
        {"-00:+00/-5", "\"-00\" is no hour (0 to 23)"},
        {"00:+00/-5", "\"+00\" is no minute (0 to 59)"},
        {"2016- 11- 24 12: 30: 00", "\"\" is no day (1 to 31)"},
        {"*~29", "\"29\" is no day from the end of the month (1 to 28)"},
        {"*~16..31", "\"31\" is no day from the end of the month (1 to 28)"},
        {"12..1/2-*", "the range 12..1 runs backwards"},
        {"20/4:00", "the step of 20/4 leads out of the hours at once"},
        {"00:00/60", "the step of 00/60 leads out of the minutes at once"},
        {"*/2:00", "\"*/2\" is no hour"},
        {"1,*:00", "'*' stands alone, not in a list"},
        {"@88588582097858858", "@88588582097858858 is no number of seconds since 1970, before 2200"},
        {"@12 4:00", "@12 4:00 is no number of seconds since 1970, before 2200"},
        {"2200-01-01", "\"2200\" is no year (1970 to 2199)"},
        {"4:5:6:7", "\"4:5:6:7\" is no time (HOUR:MINUTE or HOUR:MINUTE:SECOND)"},
        {"1-2-3-4", "\"1-2-3-4\" is neither a date (MONTH-DAY, YEAR-MONTH-DAY) nor a time (HOUR:MINUTE)"},
        {"4:00 5:00", "\" 5:00\" is too much"},
        {"daily Europe/../../etc/passwd", "\"Europe/../../etc/passwd\" is no time zone"},
        {"Sat, Sun", "\"Sun\" is no time zone"},
        {"Mon,*-*-1", "\"*-*-1\" is no weekday, nor a word such as daily"},
        {"0 4 * * 1", "this is how cron writes times"},
    };
    for (auto [expression, fault] : faults) {
        CAPTURE(expression);
        auto calendar = parse_calendar(expression);
        REQUIRE_FALSE(calendar);
        CHECK(calendar.error().message == fault);
    }
    CHECK(parse_calendar("dayly").error().suggestion == "did you mean \"daily\"?");
    CHECK(parse_calendar("Mon..Wde 4:00").error().suggestion == "did you mean \"Wed\"?");
    CHECK(parse_calendar("*-*/2-1").error().suggestion == "write \"1/2\"");
    CHECK(parse_calendar(std::string(2000, '1')).error().message == "is longer than 1000 letters");
}

TEST_CASE("the next moments are those that systemd gives") {
    CHECK(after("2016-03-27 03:17:00", 12345) == 1459048620000000);
    CHECK(after("2016-03-27 03:17:00", 12345, zone(berlin)) == 1459041420000000);
    CHECK(after("2016-03-27 03:17:00.420000001", 12345) == 1459048620420000);
    CHECK(after("2016-03-27 03:17:00.4200005", 12345) == 1459048620420001);
    CHECK(after("2015-11-13 09:11:23.42", 12345, zone(cairo_like)) == 1447398683420000);
    CHECK(after("2015-11-13 09:11:23.42/1.77", 1447398683420000, zone(cairo_like)) == 1447398685190000);
    CHECK(after("2015-11-13 09:11:23.42/1.77", 1447398683419999, zone(cairo_like)) == 1447398683420000);
    CHECK(after("Sun 16:00:00", 1456041600123456, zone(berlin)) == 1456066800000000);
    CHECK(after("*-04-31", 12345) == never_again);
    CHECK(after("2016-02~01", 12345) == 1456704000000000);
    CHECK(after("Mon 2017-05~01..07", 12345) == 1496016000000000);
    CHECK(after("Mon 2017-05~07/1", 12345) == 1496016000000000);
    CHECK(after("*-*-01/5 04:00:00", 1646010000000000) == 1646107200000000);
    CHECK(after("*-01/7-01 04:00:00", 1664607600000000) == 1672545600000000);
    CHECK(after("2017-08-06 9,11,13,15,17:00", 1502029800000000) == 1502031600000000);
    CHECK(after("2017-08-06 9..17/2:00", 1502029800000000) == 1502031600000000);
    CHECK(after("2016-12-* 3..21/6:00", 1482613200000001) == 1482634800000000);
    CHECK(after("2017-09-24 03:30:00", 12345, zone(auckland)) == 1506177000000000);
    CHECK(after("2017-04-02 02:30:00", 12345, zone(auckland)) == 1491053400000000);
    CHECK(after("2017-04-02 02:30:00", 1491053400000000, zone(auckland)) == never_again);
    CHECK(after("2017-04-02 03:30:00", 12345, zone(auckland)) == 1491060600000000);
    CHECK(after("2017-09-09 20:42:00", 12345, zone(auckland)) == 1504946520000000);
    CHECK(after("Sun *-*-* 01:00:00", 1616893200000000, zone(dublin)) == 1617494400000000);
    CHECK(shown(after("*-02~03", utc("2026-01-01 00:00"))) == "2026-02-26 00:00:00");
    CHECK(shown(after("*-02~03", utc("2028-01-01 00:00"))) == "2028-02-27 00:00:00");
    CHECK(shown(after("Mon *-05~07/1", utc("2026-01-01 00:00"))) == "2026-05-25 00:00:00"); // the last Monday of May
}

TEST_CASE("a date that never comes is never, and soon said") {
    for (const char* expression : {"*-02-30", "*-02-30 *:*:*", "2026-02-29", "Mon 2026-01-01", "1970-01-01",
                                   "*-04,06-31", "Sun *-02~28..28", "Tue 2027-*-1 4:00:0/0.000001"}) {
        CAPTURE(expression);
        std::int64_t found = after(expression, utc("2027-12-31 00:00"), zone(berlin));
        if (std::string_view(expression) != "Sun *-02~28..28")
            CHECK(found == never_again);
    }
    CHECK(after("*:*:*", utc("2199-12-31 23:59:59")) == never_again);
    CHECK(after("*:*:*", INT64_MAX) == never_again);
    CHECK(after("*:*:*", INT64_MIN) == 0);
    CHECK(after("daily", INT64_MIN, zone(new_york)) == 5 * hour);
    CHECK(shown(after("*-02-29", utc("2026-01-01 00:00"))) == "2028-02-29 00:00:00");
    CHECK(shown(after("Sun *-02-29", utc("2026-01-01 00:00"))) == "2032-02-29 00:00:00");
}

TEST_CASE("a time of day that the clocks skip comes at the change, once; the next day it is itself again") {
    CHECK(all("02:30", berlin, "2026-03-28 00:00", "2026-03-31 00:00") ==
          Moments{"2026-03-28 01:30:00", "2026-03-29 01:00:00", "2026-03-30 00:30:00"});
    CHECK(all("2:0/15", berlin, "2026-03-28 20:00", "2026-03-29 20:00") == Moments{"2026-03-29 01:00:00"});
    CHECK(all("2,3:00", berlin, "2026-03-28 20:00", "2026-03-29 20:00") == Moments{"2026-03-29 01:00:00"});
    CHECK(all("2,3:15", berlin, "2026-03-28 20:00", "2026-03-29 20:00") ==
          Moments{"2026-03-29 01:00:00", "2026-03-29 01:15:00"});
    CHECK(all("2026-03-29 02:30", berlin, "2020-01-01 00:00", "2030-01-01 00:00") == Moments{"2026-03-29 01:00:00"});
    CHECK(all("02:30", new_york, "2026-03-08 00:00", "2026-03-09 00:00") == Moments{"2026-03-08 07:00:00"});
    CHECK(all("02:30", auckland, "2026-09-26 00:00", "2026-09-27 00:00") == Moments{"2026-09-26 14:00:00"});
    CHECK(all("02:15", lord_howe, "2026-10-03 00:00", "2026-10-04 00:00") == Moments{"2026-10-03 15:30:00"});
    CHECK(all("00:30", "<-02>2<-01>,M3.5.0/0,M10.5.0/1", "2026-03-28 20:00", "2026-03-29 20:00") ==
          Moments{"2026-03-29 02:00:00"});
}

TEST_CASE("a time of day that the clocks show twice comes the first time") {
    CHECK(all("02:30", berlin, "2026-10-24 00:00", "2026-10-27 00:00") ==
          Moments{"2026-10-24 00:30:00", "2026-10-25 00:30:00", "2026-10-26 01:30:00"});
    CHECK(all("2:0/20", berlin, "2026-10-24 20:00", "2026-10-25 20:00") ==
          Moments{"2026-10-25 00:00:00", "2026-10-25 00:20:00", "2026-10-25 00:40:00"});
    CHECK(all("01:30", new_york, "2026-11-01 00:00", "2026-11-02 00:00") == Moments{"2026-11-01 05:30:00"});
    CHECK(all("02:30", auckland, "2026-04-04 00:00", "2026-04-05 00:00") == Moments{"2026-04-04 13:30:00"});
    CHECK(all("01:45", lord_howe, "2026-04-04 00:00", "2026-04-05 00:00") == Moments{"2026-04-04 14:45:00"});
    // Asked while the clocks show it again, it is over.
    CHECK(shown(after("02:30", utc("2026-10-25 01:10"), zone(berlin))) == "2026-10-26 01:30:00");
}

TEST_CASE("an expression for every hour follows the hours that go by") {
    CHECK(all("hourly", berlin, "2026-03-29 00:00", "2026-03-29 04:00") ==
          Moments{"2026-03-29 00:00:00", "2026-03-29 01:00:00", "2026-03-29 02:00:00", "2026-03-29 03:00:00"});
    CHECK(all("*:30", berlin, "2026-03-29 00:00", "2026-03-29 03:00") ==
          Moments{"2026-03-29 00:30:00", "2026-03-29 01:30:00", "2026-03-29 02:30:00"});
    CHECK(all("*:30", berlin, "2026-10-24 23:00", "2026-10-25 03:00") ==
          Moments{"2026-10-24 23:30:00", "2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00"});
    CHECK(all("0..23:30", berlin, "2026-10-25 00:00", "2026-10-25 02:00") ==
          Moments{"2026-10-25 00:30:00", "2026-10-25 01:30:00"});
    for (const char* change : {"2026-03-28 22:00", "2026-10-24 22:00"}) {
        CAPTURE(change);
        std::int64_t at = utc(change);
        for (int i = 0; i < 600; ++i) { // minute by minute across the change
            std::int64_t found = after("minutely", at, zone(berlin));
            REQUIRE(found == at + 60 * second);
            at = found;
        }
    }
}

TEST_CASE("a daily time comes once on each day of a year, in every zone") {
    for (const char* rule : {berlin, auckland, new_york, dublin, lord_howe, "UTC0", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"})
        for (const char* time : {"00:00", "01:30", "02:00", "02:30", "03:00", "23:59:59.5"}) {
            CAPTURE(rule);
            CAPTURE(time);
            const Zone in = zone(rule);
            const Calendar calendar = read(time);
            std::int64_t at = utc("2026-01-02 12:00");
            for (int i = 0; i < 365; ++i) {
                auto found = next(calendar, {at}, in);
                REQUIRE(found);
                REQUIRE(found->micros > at);
                if (i > 0) {
                    REQUIRE(found->micros - at >= 22 * hour);
                    REQUIRE(found->micros - at <= 26 * hour);
                }
                at = found->micros;
            }
            CHECK(std::abs(at - utc("2027-01-02 12:00")) <= day);
        }
}

TEST_CASE("a day that a zone left out makes its times come at the change") {
    // Apia went from UTC-10 to UTC+14 and had no 30 December 2011.
    std::string bytes = "TZif2" + std::string(15, '\0');
    auto number = [&](std::int64_t value, int size) {
        for (int i = size - 1; i >= 0; --i)
            bytes += static_cast<char>(value >> (8 * i) & 0xff);
    };
    for (int count : {0, 0, 0, 0, 1, 1})
        number(count, 4);
    bytes += std::string(7, '\0') + "TZif2" + std::string(15, '\0');
    for (int count : {0, 0, 0, 1, 2, 4})
        number(count, 4);
    number(utc("2011-12-30 10:00") / second, 8);
    bytes += '\1';
    number(-10 * 3600, 4);
    bytes += std::string(2, '\0');
    number(14 * 3600, 4);
    bytes += std::string(2, '\0') + std::string("ABC\0", 4) + "\n<+14>-14\n";
    auto apia = Zone::from_file(bytes);
    REQUIRE(apia);
    const Calendar noon = read("12:00");
    Moments moments;
    for (auto at = next(noon, {utc("2011-12-28 23:00")}, *apia); at && at->micros < utc("2012-01-01 00:00");
         at = next(noon, *at, *apia))
        moments.push_back(shown(at->micros));
    CHECK(moments ==
          Moments{"2011-12-29 22:00:00", "2011-12-30 10:00:00", "2011-12-30 22:00:00", "2011-12-31 22:00:00"});
}

TEST_CASE("whatever is written, reading it and asking for the next moment comes to an end") {
    std::mt19937 chance(7);
    const std::string letters = "0123456789*,./:~- MonTueSunUTCdaily@";
    int valid = 0;
    for (int i = 0; i < 60'000; ++i) {
        std::string expression = i % 3 == 0 ? "" : i % 3 == 1 ? "Mon..Fri *-*-1/2 4:0/15:30" : "2026-03-29 02:30:00";
        for (int n = 0; n < 1 + i % 4; ++n) {
            std::size_t at = expression.empty() ? 0 : chance() % expression.size();
            char letter = letters[chance() % letters.size()];
            if (chance() % 2 == 0 || expression.empty())
                expression.insert(expression.begin() + static_cast<std::ptrdiff_t>(at), letter);
            else
                expression[at] = letter;
        }
        auto calendar = parse_calendar(expression);
        if (!calendar)
            continue;
        ++valid;
        CAPTURE(expression);
        auto again = parse_calendar(text(*calendar));
        REQUIRE(again);
        REQUIRE(*again == *calendar);
        std::int64_t at = utc("2026-03-28 00:00");
        for (int n = 0; n < 3; ++n) {
            auto found = next(*calendar, {at}, zone(lord_howe));
            if (!found)
                break;
            REQUIRE(found->micros > at);
            at = found->micros;
        }
    }
    CHECK(valid > 1000);
}
