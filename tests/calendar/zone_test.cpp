// Time zones from rules and from files: what is read from them, and what damage does.
#include "calendar/zone.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using mi::calendar::Zone;

namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t spring_2026 = 1774746000, autumn_2026 = 1792890000; // when Europe's clocks change, 01:00 UTC

// A number as zone files have it.
std::string bytes(std::int64_t value, int size) {
    std::string text;
    for (int i = size - 1; i >= 0; --i)
        text += static_cast<char>(value >> (8 * i) & 0xff);
    return text;
}

struct Change {
    std::int64_t at;
    std::int32_t offset;
};

// A block of a zone file: one type for each change and one before them all.
std::string block(char version, int width, std::int32_t first, const std::vector<Change>& changes) {
    const auto count = static_cast<std::int64_t>(changes.size());
    std::string text = "TZif" + std::string(1, version) + std::string(15, '\0');
    for (std::int64_t number : {std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, count, count + 1, std::int64_t{4}})
        text += bytes(number, 4);
    for (const Change& change : changes)
        text += bytes(change.at, width);
    for (std::int64_t i = 1; i <= count; ++i)
        text += static_cast<char>(i);
    text += bytes(first, 4) + std::string(2, '\0');
    for (const Change& change : changes)
        text += bytes(change.offset, 4) + std::string(2, '\0');
    return text + std::string("ABC\0", 4);
}
std::string file(std::int32_t first, const std::vector<Change>& changes, const std::string& foot) {
    return block('2', 4, 0, {}) + block('2', 8, first, changes) + "\n" + foot + "\n";
}

Zone rule(std::string_view text) {
    auto zone = Zone::from_rule(text);
    REQUIRE(zone);
    return *zone;
}

} // namespace

TEST_CASE("a zone that nobody described is UTC") {
    CHECK(Zone().period(0).offset == 0);
    CHECK(Zone().period(autumn_2026).offset == 0);
}

TEST_CASE("a rule without summer time is one offset for ever") {
    CHECK(rule("UTC0").period(0).offset == 0);
    CHECK(rule("JST-9").period(autumn_2026).offset == 9 * hour);
    CHECK(rule("<+0545>-5:45").period(0).offset == 5 * hour + 45 * 60);
    CHECK(rule("<-03>3").period(0).offset == -3 * hour);
}

TEST_CASE("a rule with summer time says when the clocks change") {
    Zone berlin = rule("CET-1CEST,M3.5.0,M10.5.0/3");
    CHECK(berlin.period(spring_2026 - 1).offset == hour);
    CHECK(berlin.period(spring_2026 - 1).end == spring_2026);
    CHECK(berlin.period(spring_2026).offset == 2 * hour);
    CHECK(berlin.period(spring_2026).begin == spring_2026);
    CHECK(berlin.period(spring_2026).end == autumn_2026);
    CHECK(berlin.period(autumn_2026).offset == hour);
    CHECK(berlin.period(0).offset == hour); // the rule alone knows no history
    Zone auckland = rule("NZST-12NZDT,M9.5.0,M4.1.0/3");
    CHECK(auckland.period(1767225600).offset == 13 * hour); // January
    CHECK(auckland.period(1782864000).offset == 12 * hour); // July
    Zone lord_howe = rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    CHECK(lord_howe.period(1767225600).offset == 11 * hour);
    CHECK(lord_howe.period(1782864000).offset == 10 * hour + hour / 2);
    Zone dublin = rule("IST-1GMT0,M10.5.0,M3.5.0/1"); // its winter is the exception
    CHECK(dublin.period(spring_2026 - 1).offset == 0);
    CHECK(dublin.period(spring_2026).offset == hour);
    CHECK(rule("EST5EDT").period(1782864000).offset == -4 * hour); // rules nobody wrote are America's
}

TEST_CASE("days of a rule are counted within the year, with the leap day or without") {
    // Day 59 is 29 February in a leap year and 1 March in others; J60 is 1 March in both.
    constexpr std::int64_t march_2024 = 1709251200, march_2026 = 1772323200;
    Zone counted = rule("AAA0BBB,59/0,300/0");
    CHECK(counted.period(march_2024 - 86'400).offset == hour);
    CHECK(counted.period(march_2024 - 86'401).offset == 0);
    CHECK(counted.period(march_2026).offset == hour);
    CHECK(counted.period(march_2026 - 1).offset == 0);
    Zone without = rule("AAA0BBB,J60/0,J300/0");
    CHECK(without.period(march_2024 - 1).offset == 0);
    CHECK(without.period(march_2024).offset == hour);
    CHECK(without.period(march_2026 - 1).offset == 0);
    CHECK(without.period(march_2026).offset == hour);
}

TEST_CASE("summer all year round is one offset, and a change may lie days away from its day") {
    Zone always = rule("XXX3EDT4,0/0,J365/23");
    for (std::int64_t at : {std::int64_t{1767225600}, spring_2026, autumn_2026, std::int64_t{1798761600}})
        CHECK(always.period(at).offset == -4 * hour);
    Zone nuuk = rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"); // on the Saturday before
    CHECK(nuuk.period(spring_2026 - 1).offset == -2 * hour);
    CHECK(nuuk.period(spring_2026).offset == -1 * hour);
    Zone late = rule("AAA0BBB,M1.1.0/0,M12.5.0/167"); // ends in the next year
    CHECK(late.period(1767225600 + 86'400).offset == hour);
}

TEST_CASE("what is no rule is refused") {
    for (const char* text : {"", "C", "CET", "CET-", "CET-25", "CET-1X", "CET-1CEST,", "CET-1CEST,M3.5.0", "<+01-1",
                             "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
                             "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1:60",
                             "CET-1CEST,M3.5.0,M10.5.0/3x", "/etc/passwd", "CET-99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(Zone::from_rule(text));
    }
}

TEST_CASE("a file tells the past by its table and the future by its foot") {
    auto zone = Zone::from_file(file(-hour, {{1000, 0}, {2000, hour}}, "CET-1CEST,M3.5.0,M10.5.0/3"));
    REQUIRE(zone);
    CHECK(zone->period(999).offset == -hour);
    CHECK(zone->period(999).end == 1000);
    CHECK(zone->period(1000).offset == 0);
    CHECK(zone->period(1999).end == 2000);
    CHECK(zone->period(2000).offset == hour);
    CHECK(zone->period(2000).begin == 2000);
    CHECK(zone->period(spring_2026).offset == 2 * hour);
    CHECK(zone->period(spring_2026 - 1).end == spring_2026);
    auto ended = Zone::from_file(file(0, {{1000, hour}}, ""));
    REQUIRE(ended);
    CHECK(ended->period(spring_2026).offset == hour); // no foot: as it was last
    auto old = Zone::from_file(block('\0', 4, 0, {{1000, hour}, {-5, 7}}).substr(0, 3));
    CHECK_FALSE(old);
    old = Zone::from_file(block('\0', 4, 60, {{-1000, hour}, {1000, 2 * hour}}));
    REQUIRE(old);
    CHECK(old->period(-1001).offset == 60);
    CHECK(old->period(-1000).offset == hour);
    CHECK(old->period(1000).offset == 2 * hour);
}

TEST_CASE("each stretch has the name that the rule or the file gives it") {
    CHECK(Zone().period(0).name == "UTC");
    Zone berlin = rule("CET-1CEST,M3.5.0,M10.5.0/3");
    CHECK(berlin.period(spring_2026 - 1).name == "CET");
    CHECK(berlin.period(spring_2026).name == "CEST");
    CHECK(berlin.period(autumn_2026).name == "CET");
    CHECK(rule("<+0545>-5:45").period(0).name == "+0545");
    auto filed = Zone::from_file(file(-hour, {{1000, 0}, {2000, hour}}, "CET-1CEST,M3.5.0,M10.5.0/3"));
    REQUIRE(filed);
    CHECK(filed->period(0).name == "ABC");
    CHECK(filed->period(1500).name == "ABC");
    CHECK(filed->period(spring_2026).name == "CEST");
}

TEST_CASE("what the clocks show is a moment again, also around their changes") {
    Zone berlin = rule("CET-1CEST,M3.5.0,M10.5.0/3");
    CHECK(berlin.moment_of(spring_2026 + hour - 1) == spring_2026 - 1);       // 01:59:59 in winter
    CHECK(berlin.moment_of(spring_2026 + hour + 1800) == spring_2026);        // 02:30 is left out
    CHECK(berlin.moment_of(spring_2026 + 2 * hour) == spring_2026);           // 03:00 in summer
    CHECK(berlin.moment_of(autumn_2026 + 1800 + hour) == autumn_2026 - 1800); // 02:30, the first time
    CHECK(berlin.moment_of(autumn_2026 + 2 * hour) == autumn_2026 + hour);
    CHECK(Zone().moment_of(12345) == 12345);
    for (std::int64_t at = spring_2026 - 40 * hour; at < spring_2026 + 40 * hour; at += 600)
        REQUIRE(berlin.moment_of(at + berlin.period(at).offset) == at);
}

TEST_CASE("a damaged file is refused, whatever the damage") {
    const std::string good = file(-hour, {{1000, 0}, {2000, hour}}, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (std::size_t length = 0; length < good.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(Zone::from_file(good.substr(0, length)));
    }
    CHECK_FALSE(Zone::from_file(file(0, {{2000, 0}, {1000, hour}}, ""))); // out of order
    CHECK_FALSE(Zone::from_file(file(0, {{1000, 0}, {1000, hour}}, "")));
    CHECK_FALSE(Zone::from_file(file(0, {{1000, 30 * hour}}, ""))); // no place on this Earth
    CHECK_FALSE(Zone::from_file(file(0, {}, "nonsense")));
    std::string counts = good;
    counts.replace(44 + 10 + 20, 24, std::string(24, '\xff')); // four thousand million of everything
    CHECK_FALSE(Zone::from_file(counts));
    std::mt19937 chance(1);
    for (int i = 0; i < 20'000; ++i) {
        std::string bad = good;
        for (int n = 0; n < 3; ++n)
            bad[chance() % bad.size()] = static_cast<char>(chance());
        if (auto zone = Zone::from_file(bad))
            for (std::int64_t at : {std::int64_t{0}, std::int64_t{1500}, spring_2026, INT64_MAX, INT64_MIN}) {
                Zone::Period period = zone->period(at);
                REQUIRE(period.begin <= at);
                REQUIRE(period.end >= at);
                REQUIRE(std::abs(period.offset) <= 26 * hour);
            }
    }
}
