// When a timer runs: stories with two clocks that go on, are set, and sleep.
#include "calendar/schedule.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace mi;
using namespace mi::calendar;
using namespace std::chrono_literals;
using std::chrono::days;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr WallTime noon{1'795'003'200 * second}; // 2026-11-18 12:00:00 UTC
constexpr Span year = 365 * days(1);

struct Atlas final : Zones {
    std::map<std::string, Zone> known{{"", Zone()}, {"UTC", Zone()}};
    const Zone* find(const std::string& name) override {
        auto at = known.find(name);
        return at == known.end() ? nullptr : &at->second;
    }
};

// A machine with one timer. It waits as the daemon does: for the deadline of each clock, and for a step of the wall's.
class Machine {
public:
    explicit Machine(WallTime wall = noon, Span boot = 10s) : now_{boot, wall} {}

    Atlas atlas;
    void arm(Timer timer, Schedule::Past past = {}) {
        schedule_.emplace(std::move(timer), 42, past, now_, atlas);
        wake();
    }
    // Time goes by.
    void pass(Span span) {
        const Span until = now_.boot + span;
        for (;;) {
            Span wait = until - now_.boot;
            if (auto at = schedule_->boot_deadline())
                wait = std::min(wait, *at - now_.boot);
            if (auto at = schedule_->wall_deadline())
                wait = std::min<Span>(wait, std::chrono::microseconds(at->micros - now_.wall.micros));
            go(std::max(wait, Span{0}));
            if (!wake() && now_.boot >= until)
                return;
        }
    }
    // Somebody sets the wall clock.
    void set(Span by) {
        now_.wall.micros += std::chrono::duration_cast<std::chrono::microseconds>(by).count();
        schedule_->stepped(by, now_, atlas);
        wake();
    }
    // The machine sleeps: both clocks have moved when it wakes, and nothing ran meanwhile.
    void sleep(Span span) {
        go(span);
        wake();
    }
    // What has run since the last look, as times of the wall clock.
    std::string ran() {
        std::string text;
        for (const Clocks& run : runs_)
            text += (text.empty() ? "" : ", ") + shown(run.wall);
        runs_.clear();
        return text;
    }
    std::size_t runs() {
        std::size_t count = runs_.size();
        runs_.clear();
        return count;
    }
    Schedule& schedule() { return *schedule_; }
    Clocks now() const { return now_; }
    std::string next() const {
        auto at = schedule_->next(now_);
        return at ? shown(*at) : "never";
    }
    static std::string shown(WallTime at) {
        using namespace std::chrono;
        std::int64_t seconds_of = at.micros / second;
        year_month_day date{sys_days{std::chrono::days{seconds_of / 86'400}}};
        char text[40];
        std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", int{date.year()}, unsigned{date.month()},
                      unsigned{date.day()}, static_cast<int>(seconds_of / 3600 % 24),
                      static_cast<int>(seconds_of / 60 % 60), static_cast<int>(seconds_of % 60));
        return text;
    }

private:
    void go(Span span) {
        // A deadline of the wall clock is in whole microseconds.
        now_.boot += span;
        fraction_ += span;
        auto whole = std::chrono::duration_cast<std::chrono::microseconds>(fraction_);
        fraction_ -= whole;
        now_.wall.micros += whole.count();
    }
    bool wake() {
        if (!schedule_->due(now_))
            return false;
        runs_.push_back(now_);
        schedule_->elapse(now_, atlas);
        CHECK_FALSE(schedule_->due(now_)); // or it would run again at once, for ever
        return true;
    }
    Clocks now_;
    Span fraction_{0};
    std::optional<Schedule> schedule_;
    std::vector<Clocks> runs_;
};

Timer on_calendar(std::string_view expression, bool persistent = false, Span jitter = {}) {
    auto parsed = parse_calendar(expression);
    REQUIRE(parsed);
    Timer timer{.jitter = jitter, .persistent = persistent};
    timer.calendar.push_back(*parsed);
    return timer;
}
Schedule::Past last_run(WallTime at) { return {.last = at}; }
WallTime before_noon(Span span) {
    return {noon.micros - std::chrono::duration_cast<std::chrono::microseconds>(span).count()};
}

} // namespace

TEST_CASE("`every` counts from when it was armed, and then from time to time") {
    Machine machine;
    machine.arm({.every = 1h});
    machine.pass(59min);
    CHECK(machine.ran().empty());
    machine.pass(3h);
    CHECK(machine.ran() == "2026-11-18 13:00:00, 2026-11-18 14:00:00, 2026-11-18 15:00:00");
}

TEST_CASE("`after-boot` runs once, and `every` goes on from there") {
    Machine machine;
    machine.arm({.after_boot = 5min});
    machine.pass(4min);
    CHECK(machine.runs() == 0);
    machine.pass(days(30));
    CHECK(machine.runs() == 1);
    CHECK(machine.schedule().after_boot_done());
    CHECK(machine.next() == "never");
    Machine both;
    both.arm({.every = 1h, .after_boot = 5min}, {.begin = 10s});
    both.pass(3h);
    CHECK(both.ran() == "2026-11-18 12:05:00, 2026-11-18 13:05:00, 2026-11-18 14:05:00");
}

TEST_CASE("`after-boot` that has passed runs when the unit is armed, but not a second time in this boot") {
    Machine machine(noon, 3h);
    machine.arm({.after_boot = 5min});
    CHECK(machine.runs() == 1);
    machine.arm({.after_boot = 5min}, {.after_boot_done = true});
    machine.pass(days(1));
    CHECK(machine.runs() == 0);
    machine.arm({.every = 1h, .after_boot = Span{0}}, {.after_boot_done = true});
    machine.pass(90min);
    CHECK(machine.runs() == 1);
}

TEST_CASE("the wall clock does not concern `every` and `after-boot`") {
    Machine machine;
    machine.arm({.every = 1h, .after_boot = 30min}, {.begin = 10s});
    for (Span by : {-10 * year, 10 * year, Span{10 * year}, Span{-10 * year}, Span{5min}})
        machine.set(by);
    CHECK(machine.runs() == 0);
    machine.pass(3h);
    CHECK(machine.runs() == 3);
}

TEST_CASE("what was slept through makes one run") {
    Machine machine;
    machine.arm({.every = 1h});
    machine.sleep(10h + 20min);
    CHECK(machine.runs() == 1);
    machine.pass(39min);
    CHECK(machine.runs() == 0);
    machine.pass(1min);
    CHECK(machine.runs() == 1);
    Machine nightly;
    nightly.arm(on_calendar("04:00"));
    nightly.sleep(days(3) - 2h);
    CHECK(nightly.ran() == "2026-11-21 10:00:00");
    nightly.pass(days(1));
    CHECK(nightly.ran() == "2026-11-22 04:00:00");
}

TEST_CASE("a calendar's times come as they are written") {
    Machine machine;
    machine.arm(on_calendar("Mon..Fri 04:00"));
    CHECK(machine.next() == "2026-11-19 04:00:00");
    machine.pass(days(7));
    CHECK(machine.ran() == "2026-11-19 04:00:00, 2026-11-20 04:00:00, 2026-11-23 04:00:00, 2026-11-24 04:00:00, "
                           "2026-11-25 04:00:00");
    machine.arm(on_calendar("*-02-30"));
    machine.pass(days(400));
    CHECK(machine.runs() == 0);
    CHECK(machine.next() == "never");
    Timer two = on_calendar("13:00");
    two.calendar.push_back(*parse_calendar("12:30"));
    Machine several;
    several.arm(two);
    several.pass(days(1));
    CHECK(several.ran() == "2026-11-18 12:30:00, 2026-11-18 13:00:00");
}

TEST_CASE("the clock set back ten years: nothing runs because of it, and the times of then come") {
    for (bool persistent : {false, true}) {
        CAPTURE(persistent);
        Machine machine;
        machine.arm(on_calendar("04:00", persistent));
        machine.pass(days(1));
        CHECK(machine.runs() == 1);
        machine.set(-10 * year);
        CHECK(machine.runs() == 0);
        machine.pass(days(3));
        CHECK(machine.ran() == "2016-11-22 04:00:00, 2016-11-23 04:00:00, 2016-11-24 04:00:00");
    }
}

TEST_CASE("the clock set forward ten years: no storm; only what is persistent runs, once") {
    for (bool persistent : {false, true})
        for (const char* expression : {"04:00", "*:0/5", "*:*:0/10"}) {
            CAPTURE(persistent);
            CAPTURE(expression);
            Machine machine;
            machine.arm(on_calendar(expression, persistent), persistent ? last_run(noon) : Schedule::Past{});
            machine.set(10 * year);
            machine.pass(1s);
            CHECK(machine.runs() == (persistent ? 1 : 0));
            machine.pass(days(1));
            CHECK(machine.runs() == (std::string(expression) == "04:00"   ? 1
                                     : std::string(expression) == "*:0/5" ? 288
                                                                          : 8640));
        }
}

TEST_CASE("forward ten years by mistake and back again: what ran today does not run again") {
    for (bool persistent : {false, true}) {
        CAPTURE(persistent);
        Machine machine;
        machine.arm(on_calendar("04:00", persistent));
        machine.pass(days(1));
        CHECK(machine.runs() == 1);
        machine.set(-10 * year);
        machine.set(10 * year);
        machine.pass(2h);
        CHECK(machine.runs() == 0);
        machine.pass(days(1));
        CHECK(machine.runs() == 1);
    }
    // A run that was made up for in the false future is one, and the next is tonight's.
    Machine machine;
    machine.arm(on_calendar("04:00", true), last_run(before_noon(8h)));
    machine.set(10 * year);
    CHECK(machine.runs() == 1);
    machine.pass(1min);
    machine.set(-10 * year);
    CHECK(machine.runs() == 0);
    machine.pass(days(1));
    CHECK(machine.runs() == 1);
}

TEST_CASE("a clock that is put right by a little loses no run and doubles none") {
    Machine machine; // fast: NTP sets it back just after a run
    machine.arm(on_calendar("04:00"));
    machine.pass(16h + 2s);
    CHECK(machine.runs() == 1);
    machine.set(-5s);
    machine.pass(1h);
    CHECK(machine.runs() == 0);
    machine.pass(days(1));
    CHECK(machine.runs() == 1);
    Machine slow; // NTP sets it forward over the time
    slow.arm(on_calendar("04:00"));
    slow.pass(16h - 2s);
    slow.set(5s);
    CHECK(slow.runs() == 1);
    slow.pass(23h);
    CHECK(slow.runs() == 0);
    Machine hours; // somebody puts it right by two hours
    hours.arm(on_calendar("04:00"));
    hours.pass(15h);
    hours.set(2h);
    CHECK(hours.runs() == 1);
    hours.set(-2h);
    hours.pass(2h);
    CHECK(hours.runs() == 0);
}

TEST_CASE("a job of every minute goes on when the clock is set back by hours, and skips but one time when by seconds") {
    Machine machine;
    machine.arm(on_calendar("minutely"));
    machine.pass(10min);
    CHECK(machine.runs() == 10);
    machine.set(-2h);
    machine.pass(10min);
    CHECK(machine.runs() == 10);
    machine.set(-5s);
    machine.pass(2min);
    CHECK(machine.runs() == 1);
    machine.set(-100 * year);
    CHECK(machine.runs() == 0);
}

TEST_CASE("a clock in 1970 at boot and NTP's step run nothing but what was missed while the machine was off") {
    const WallTime epoch{20 * second};
    Machine plain(epoch);
    plain.arm(on_calendar("04:00"));
    plain.pass(30s);
    plain.set(Span(std::chrono::microseconds(noon.micros)));
    plain.pass(1h);
    CHECK(plain.runs() == 0);
    CHECK(plain.next() == "2026-11-19 04:00:00");

    Machine fresh(epoch); // its first boot: nothing is on record
    fresh.arm(on_calendar("04:00", true));
    fresh.pass(30s);
    fresh.set(Span(std::chrono::microseconds(noon.micros)));
    fresh.pass(1h);
    CHECK(fresh.runs() == 0);
    CHECK(fresh.schedule().last().micros >= noon.micros);

    Machine ran(epoch); // it ran last night
    ran.arm(on_calendar("04:00", true), last_run(before_noon(8h)));
    ran.pass(30s);
    ran.set(Span(std::chrono::microseconds(noon.micros)));
    ran.pass(1h);
    CHECK(ran.runs() == 0);

    Machine missed(epoch); // it did not
    missed.arm(on_calendar("04:00", true), last_run(before_noon(days(5))));
    missed.pass(30s);
    CHECK(missed.runs() == 0);
    missed.set(Span(std::chrono::microseconds(noon.micros)));
    missed.pass(1h);
    CHECK(missed.runs() == 1);
    missed.pass(days(1));
    CHECK(missed.runs() == 1);
}

TEST_CASE("a run that was missed while the machine was off is made up for once") {
    Machine machine;
    machine.arm(on_calendar("04:00", true), last_run(before_noon(days(40))));
    CHECK(machine.runs() == 1);
    machine.pass(15h);
    CHECK(machine.runs() == 0);
    machine.pass(1h);
    CHECK(machine.runs() == 1);
    Machine none;
    none.arm(on_calendar("04:00", false), last_run(before_noon(days(40))));
    CHECK(none.runs() == 0);
    Machine in_time;
    in_time.arm(on_calendar("04:00", true), last_run(before_noon(7h)));
    CHECK(in_time.runs() == 0);
    Machine every;
    every.arm({.every = days(1), .persistent = true}, last_run(before_noon(20h)));
    every.pass(3h);
    CHECK(every.runs() == 0);
    every.pass(1h);
    CHECK(every.runs() == 1);
    every.pass(days(1));
    CHECK(every.runs() == 1);
    Machine late;
    late.arm({.every = days(1), .persistent = true}, last_run(before_noon(days(20))));
    CHECK(late.runs() == 1);
}

TEST_CASE("a last run that is said to be in the future is not believed") {
    for (Span ahead : {Span{4h}, Span{10 * year}}) {
        Machine machine;
        machine.arm(on_calendar("04:00", true), last_run(before_noon(-ahead)));
        machine.pass(days(1));
        CHECK(machine.ran() == "2026-11-19 04:00:00");
    }
    Machine every;
    every.arm({.every = 1h, .persistent = true}, last_run(before_noon(-10 * year)));
    every.pass(2h);
    CHECK(every.runs() == 2);
    Machine first;
    first.arm(on_calendar("04:00", true), last_run(WallTime{0}));
    CHECK(first.runs() == 1);
}

TEST_CASE("jitter delays within its bound, the same for the same occurrence, and not all units alike") {
    const Timer timer = on_calendar("04:00", false, 1h);
    Machine machine;
    machine.arm(timer);
    std::string planned = machine.next();
    CHECK(planned >= "2026-11-19 04:00:00");
    CHECK(planned < "2026-11-19 05:00:00");
    machine.arm(timer);
    CHECK(machine.next() == planned);
    machine.pass(10h);
    machine.set(1s);
    CHECK(machine.next() == planned);
    machine.pass(days(30));
    CHECK(machine.runs() == 30);
    Atlas atlas;
    std::map<std::int64_t, int> spread;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        auto at = Schedule(timer, seed, {}, {10s, noon}, atlas).wall_deadline();
        REQUIRE(at);
        ++spread[at->micros / (600 * second)];
    }
    CHECK(spread.size() == 6);
    Machine every;
    every.arm({.every = 1h, .jitter = 59min});
    every.pass(days(10) + 1h);
    CHECK(every.runs() == 240);
    Machine made_up; // not at the very moment it was switched on
    made_up.arm(on_calendar("04:00", true, 1h), last_run(before_noon(days(2))));
    CHECK(made_up.runs() == 0);
    made_up.pass(1h);
    CHECK(made_up.runs() == 1);
}

TEST_CASE("a clock that is set while a run waits for its jitter neither loses nor doubles it") {
    Machine machine;
    machine.arm(on_calendar("12:30", false, 1h));
    const std::string planned = machine.next();
    machine.pass(30min + 1s);
    REQUIRE(machine.runs() == 0);
    machine.set(1s);
    machine.set(-1s);
    CHECK(machine.next() == planned);
    machine.pass(2h);
    CHECK(machine.ran() == planned);
}

TEST_CASE("times that are closer than their jitter share a run, and times closer than a breath do not storm") {
    Machine machine;
    machine.arm(on_calendar("minutely", false, 1h));
    machine.pass(days(1));
    std::size_t runs = machine.runs();
    CHECK(runs >= 24);
    CHECK(runs < 1440);
    Machine fine;
    fine.arm(on_calendar("*:*:0/0.001"));
    fine.pass(2s);
    runs = fine.runs();
    CHECK(runs >= 18);
    CHECK(runs <= 21);
}

TEST_CASE("days on which the clocks change have one run each, in every zone") {
    struct Case {
        const char* rule;
        std::int64_t from;    // a day before the change, midnight UTC
        std::int64_t minutes; // east of Greenwich
    };
    const char *berlin = "CET-1CEST,M3.5.0,M10.5.0/3", *new_york = "EST5EDT,M3.2.0,M11.1.0",
               *auckland = "NZST-12NZDT,M9.5.0,M4.1.0/3", *lord_howe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
    for (Case each : {Case{berlin, 1774656000, 60}, Case{berlin, 1792800000, 60}, Case{new_york, 1772841600, -300},
                      Case{new_york, 1793404800, -300}, Case{auckland, 1790380800, 720},
                      Case{auckland, 1775260800, 720}, Case{lord_howe, 1790985600, 630}})
        for (const char* time : {"00:30", "01:30", "02:00", "02:30", "03:00", "04:00"}) {
            CAPTURE(each.rule);
            CAPTURE(time);
            Machine machine(WallTime{(each.from + 43'200 - each.minutes * 60) * second}); // noon there
            machine.atlas.known[""] = *Zone::from_rule(each.rule);
            machine.arm(on_calendar(time));
            machine.pass(days(3));
            CHECK(machine.runs() == 3);
        }
}

TEST_CASE("another zone than before moves the times of the day, and a zone that nobody has runs nothing") {
    Machine machine;
    machine.arm(on_calendar("20:00"));
    CHECK(machine.next() == "2026-11-18 20:00:00");
    machine.atlas.known[""] = *Zone::from_rule("JST-9");
    machine.schedule().replan(machine.now(), machine.atlas);
    CHECK(machine.next() == "2026-11-19 11:00:00");
    Machine nowhere;
    nowhere.arm(on_calendar("daily Atlantis/Capital"));
    CHECK(nowhere.next() == "never");
    CHECK(nowhere.schedule().missing_zone() == "Atlantis/Capital");
    nowhere.atlas.known["Atlantis/Capital"] = Zone();
    nowhere.schedule().replan(nowhere.now(), nowhere.atlas);
    CHECK(nowhere.schedule().missing_zone().empty());
    CHECK(nowhere.next() == "2026-11-19 00:00:00");
}

TEST_CASE("clocks that jump about as they like lose nothing for ever and start no storm") {
    std::uint64_t chance = 1;
    auto random = [&](std::int64_t below) {
        chance = chance * 6364136223846793005 + 1442695040888963407;
        return static_cast<std::int64_t>((chance >> 33) % static_cast<std::uint64_t>(below));
    };
    for (bool persistent : {false, true}) {
        Machine machine;
        machine.arm(on_calendar("04:00", persistent));
        std::size_t steps = 0, runs = 0;
        for (int i = 0; i < 2000; ++i) {
            machine.pass(std::chrono::minutes(random(1000)));
            Span by = random(2) == 0 ? Span(std::chrono::seconds(random(20'000) - 10'000))
                                     : Span(std::chrono::hours(random(80'000) - 40'000));
            if (machine.now().wall.micros + by / 1us < 0 ||
                machine.now().wall.micros + by / 1us > 7'000'000'000 * second)
                by = -by;
            machine.set(by);
            ++steps;
        }
        runs = machine.runs();
        CHECK(runs <= 2 * steps);
        machine.pass(days(2));
        CHECK(machine.runs() >= 1);
    }
}
