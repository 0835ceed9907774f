// Timers at the clocks of this machine: they ring, they remember, they live with what is missing or damaged.
#include "base/clock.hpp"
#include "daemon/linux_kernel.hpp"
#include "daemon/timer/timers.hpp"
#include "os/scene.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

using namespace mi;
using namespace mi::daemon;
using namespace std::chrono_literals;

namespace {

// A loop that runs until something is told often enough, and a listener that is told.
struct Bench : Timers::Listener {
    LinuxKernel loop;
    std::vector<core::UnitId> came;
    std::vector<std::string> troubles;
    std::size_t enough = 1;
    std::map<std::size_t, std::function<void()>> after; // what to do once it was told so often

    void time_has_come(core::UnitId unit) override {
        came.push_back(unit);
        if (auto next = after.find(came.size()); next != after.end())
            next->second();
        if (came.size() >= enough)
            loop.stop();
    }
    void timer_trouble(const std::string& text) override { troubles.push_back(text); }
    // Once: a loop that was stopped does not run again. Fails after a while rather than hang.
    void run(std::size_t times) {
        enough = times;
        loop.set_due([this] {
            loop.stop();
            FAIL("no timer rang");
        });
        loop.wake_at(monotonic_now() + 20s);
        loop.run();
    }
};

core::Unit unit(calendar::Timer timer, const char* name = "nightly") {
    core::Unit made;
    made.name = name;
    made.timer = std::make_unique<calendar::Timer>(std::move(timer));
    return made;
}
calendar::Timer on_calendar(std::string_view expression, bool persistent = false) {
    calendar::Timer timer{.persistent = persistent};
    timer.calendar.push_back(*calendar::parse_calendar(expression));
    return timer;
}
Timers::Settings in(const os::Scratch& scratch) {
    return {.stamp_directory = scratch / "state/timers", .zones = {.local = scratch / "localtime", .rule = {}}};
}
// Waits for the child that writes, as PID 1's reaping does.
void reap_into(Timers& timers) {
    int status = 0;
    pid_t pid = ::waitpid(-1, &status, 0);
    REQUIRE(pid > 0);
    CHECK(timers.exited(pid, WIFEXITED(status) ? WEXITSTATUS(status) : -1));
}
using os::contents;
WallTime ago(Span span) {
    return {mi::wall_now().micros - std::chrono::duration_cast<std::chrono::microseconds>(span).count()};
}

} // namespace

TEST_CASE("an armed timer is told of again and again, until it is disarmed") {
    os::Scratch scratch;
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    core::Unit often = unit({.every = 100ms}), never = unit({.every = 10h}, "never");
    timers.arm(7, often);
    timers.arm(8, never);
    CHECK(timers.told(7).next.has_value());
    bench.after[3] = [&] { timers.arm(7, often); }; // a run is over: nothing changes
    bench.after[4] = [&] {
        timers.disarm(7);
        CHECK_FALSE(timers.told(7).next.has_value());
        timers.arm(9, unit({.after_boot = Span{0}}, "boot"));
    };
    bench.run(5);
    CHECK(bench.came == std::vector<core::UnitId>{7, 7, 7, 7, 9});
    CHECK(bench.troubles.empty());
}

TEST_CASE("what is to run after boot runs once in a boot, however often it is armed") {
    os::Scratch scratch;
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    core::Unit boot = unit({.after_boot = 1ms}, "boot");
    timers.arm(1, boot);
    bench.run(1);
    timers.disarm(1);
    timers.arm(1, boot);
    CHECK_FALSE(timers.told(1).next.has_value());
}

TEST_CASE("a calendar's time of every second comes by the wall clock") {
    os::Scratch scratch;
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(1, unit(on_calendar("*:*:*")));
    bench.run(1);
    std::int64_t past_second = mi::wall_now().micros % 1'000'000;
    CHECK(past_second < 900'000); // a busy machine is late, none is early
    auto next = timers.told(1).next;
    REQUIRE(next);
    CHECK(next->micros % 1'000'000 == 0);
}

TEST_CASE("a run that was missed is made up for at once, and then it is on record") {
    os::Scratch scratch;
    Bench bench;
    std::filesystem::create_directories(scratch / "state/timers");
    scratch.write("state/timers/nightly", Stamps::text({ago(48h), true}));
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(1, unit(on_calendar("daily", true)));
    REQUIRE(timers.told(1).last);
    CHECK(*timers.told(1).last < ago(47h));
    bench.run(1);
    reap_into(timers);
    auto stamp = Stamps::parse(contents(scratch / "state/timers/nightly"));
    REQUIRE(stamp);
    CHECK(stamp->ran);
    CHECK(stamp->at >= ago(60s));
    Bench again; // the next boot
    Timers next(again.loop, again, in(scratch));
    next.arm(1, unit(on_calendar("daily", true)));
    REQUIRE(next.told(1).next);
    CHECK(*next.told(1).next > mi::wall_now());
    CHECK(next.told(1).last == stamp->at);
}

TEST_CASE("a persistent timer that is new is written down as met, and not run for what was before") {
    os::Scratch scratch;
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(1, unit(on_calendar("daily", true)));
    reap_into(timers);
    auto stamp = Stamps::parse(contents(scratch / "state/timers/nightly"));
    REQUIRE(stamp);
    CHECK_FALSE(stamp->ran);
    CHECK_FALSE(timers.told(1).last.has_value());
    CHECK(*timers.told(1).next > mi::wall_now());
    CHECK(bench.troubles.empty());
}

TEST_CASE("a damaged record counts as none, and that is said; one that cannot be written is lived with") {
    for (const char* text : {"", "ran", "2026-11-22T04:00:00.000000Z", "2026-11-22T04:00:00.000000Z ran\nmore",
                             "9999-99-99T99:99:99.999999Z ran\n", "2026-11-22T04:00:00.000000Z RAN\n",
                             "2400-01-01T00:00:00.000000Z ran\n"}) {
        CAPTURE(text);
        os::Scratch scratch;
        Bench bench;
        std::filesystem::create_directories(scratch / "state/timers");
        scratch.write("state/timers/nightly", text);
        Timers timers(bench.loop, bench, in(scratch));
        timers.arm(1, unit(on_calendar("daily", true)));
        reap_into(timers);
        CHECK(*timers.told(1).next > mi::wall_now());
        CHECK(Stamps::parse(contents(scratch / "state/timers/nightly")));
        REQUIRE(bench.troubles.size() == 1);
        CHECK(bench.troubles[0].contains("no last run is to be read in"));
    }
    os::Scratch scratch;
    scratch.write("state", "not a directory");
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(1, unit({.every = 100ms, .persistent = true}));
    reap_into(timers);
    bench.run(2);
    reap_into(timers);
    REQUIRE(bench.troubles.size() == 1); // however often it fails
    CHECK(bench.troubles[0].contains("cannot store when nightly ran last"));
    CHECK_FALSE(timers.exited(1, 0));
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}

TEST_CASE("a record on a file system that may wait for a server is not read, and that is said") {
    os::Scratch scratch;
    Bench bench;
    std::filesystem::create_directories(scratch / "state/timers");
    scratch.write("state/timers/nightly", Stamps::text({ago(48h), true}));
    scratch.write("mountinfo", "20 1 0:20 / " + (scratch / "state") + " rw - nfs server:/state rw\n");
    Timers::Settings settings = in(scratch);
    settings.mountinfo = scratch / "mountinfo";
    Timers timers(bench.loop, bench, std::move(settings));
    timers.arm(1, unit(on_calendar("daily", true)));
    CHECK_FALSE(timers.told(1).last.has_value());
    REQUIRE(bench.troubles.size() == 1);
    CHECK(bench.troubles[0].contains("a server may be waited for"));
    reap_into(timers);
    CHECK(Stamps::parse(contents(scratch / "state/timers/nightly"))->ran); // and what it says is not forgotten
}

TEST_CASE("a record that comes with a mount is found then, and not overwritten by one who had not seen it") {
    os::Scratch scratch;
    Bench bench;
    scratch.write("state", "not mounted yet");
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(1, unit(on_calendar("daily", true)));
    reap_into(timers);
    CHECK(*timers.told(1).next > mi::wall_now());
    std::filesystem::remove(scratch / "state");
    std::filesystem::create_directories(scratch / "state/timers");
    const std::string record = Stamps::text({ago(72h), true});
    scratch.write("state/timers/nightly", record);
    Stamps other(scratch / "state/timers");
    other.write("nightly", {mi::wall_now(), false});
    int status = 0;
    REQUIRE(::waitpid(-1, &status, 0) > 0);
    CHECK(WEXITSTATUS(status) == EEXIST);
    CHECK(contents(scratch / "state/timers/nightly") == record);
    timers.storage_changed();
    bench.run(1); // what was missed is made up for
    reap_into(timers);
    CHECK(Stamps::parse(contents(scratch / "state/timers/nightly"))->at > ago(60s));
}

TEST_CASE("a re-read keeps what goes on, plans what changed, and forgets what has gone") {
    os::Scratch scratch;
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(0, unit({.every = 2h}, "same"));
    timers.arm(1, unit({.every = 2h}, "other"));
    timers.arm(2, unit({.every = 2h}, "gone"));
    timers.arm(3, unit({.every = 2h}, "plain"));
    auto before = timers.told(0).next;
    std::vector<core::Unit> units;
    units.push_back(unit({.every = 2h}, "same"));
    units.push_back(unit({.every = 100ms}, "other"));
    units.emplace_back().name = "plain";
    core::Graph graph(std::move(units), {{0, "same"}, {1, "other"}, {2, "gone"}, {3, "plain"}});
    timers.forget(2);
    timers.reread(graph);
    auto after = timers.told(graph.find("same")).next;
    REQUIRE(after);
    CHECK(std::abs(after->micros - before->micros) < 1'000'000);
    bench.run(2);
    CHECK(std::ranges::all_of(bench.came, [&](core::UnitId id) { return id == graph.find("other"); }));
    CHECK_FALSE(timers.told(graph.find("plain")).next);
}

TEST_CASE("another /etc/localtime is noticed at once") {
    os::Scratch scratch;
    Bench bench;
    Timers timers(bench.loop, bench, in(scratch));
    timers.arm(1, unit(on_calendar("04:00")));
    std::int64_t utc = timers.told(1).next->micros;
    // A zone file of version 2 that has nothing but its foot.
    std::string header = "TZif2" + std::string(15, '\0');
    for (char count : {0, 0, 0, 0, 1, 4})
        header += std::string(3, '\0') + count;
    std::string body = header + std::string(6, '\0') + std::string("ABC\0", 4);
    scratch.write("localtime.new", body + body + "\n<+05>-5\n");
    std::filesystem::rename(scratch / "localtime.new", scratch / "localtime");
    bench.loop.set_turn_end([&] {
        if (timers.told(1).next->micros != utc)
            bench.loop.stop();
    });
    bench.run(1);
    bench.loop.set_turn_end({});
    std::int64_t moved = (utc - timers.told(1).next->micros + 86'400'000'000) % 86'400'000'000;
    CHECK(moved == 5 * 3600 * std::int64_t{1'000'000});
}

TEST_CASE("zones come from their files, with the damage said once, and the local one is UTC where there is none") {
    os::Scratch scratch;
    std::filesystem::create_directories(scratch / "zones/Area");
    std::string header = "TZif2" + std::string(15, '\0');
    for (char count : {0, 0, 0, 0, 1, 4})
        header += std::string(3, '\0') + count;
    const std::string body = header + std::string(6, '\0') + std::string("ABC\0", 4);
    const std::string file = body + body + "\n<+05>-5\n";
    scratch.write("zones/Area/City", file);
    scratch.write("zones/Area/Broken", file.substr(0, 100));
    ZoneFiles::Places places{.local = scratch / "localtime", .databases = {scratch / "zones"}, .rule = {}};
    ZoneFiles zones(places);
    REQUIRE(zones.find("") != nullptr);
    CHECK(zones.find("")->period(0).offset == 0);
    CHECK(zones.find("UTC")->period(0).offset == 0);
    REQUIRE(zones.find("Area/City") != nullptr);
    CHECK(zones.find("Area/City")->period(0).offset == 5 * 3600);
    CHECK(zones.find("Area/Town") == nullptr);
    CHECK(zones.find("Area") == nullptr); // a directory
    CHECK(zones.find("Area/../../etc/passwd") == nullptr);
    (void)zones.take_complaints();
    CHECK(zones.find("Area/Broken") == nullptr);
    CHECK(zones.find("Area/Broken") == nullptr);
    CHECK(zones.take_complaints().size() == 1);
    zones.refresh();
    CHECK(zones.find("Area/Broken") == nullptr);
    CHECK(zones.take_complaints().empty());
    scratch.write("zones/Area/Broken", file + std::string(1, '\0'));
    zones.refresh();
    CHECK(zones.find("Area/Broken") != nullptr); // mended
    scratch.write("zones/Area/Large", std::string(100'000, 'x'));
    CHECK(zones.find("Area/Large") == nullptr);
    places.rule = "Area/City";
    ZoneFiles by_name(places);
    CHECK(by_name.find("")->period(0).offset == 5 * 3600);
    places.rule = "JST-9";
    ZoneFiles by_rule(places);
    CHECK(by_rule.find("")->period(0).offset == 9 * 3600);
    places.rule = ":" + (scratch / "zones/Area/City");
    ZoneFiles by_path(places);
    CHECK(by_path.find("")->period(0).offset == 5 * 3600);
    places.rule = "Area/Nowhere";
    ZoneFiles by_nothing(places);
    CHECK(by_nothing.find("")->period(0).offset == 0);
    CHECK(by_nothing.take_complaints().size() == 1);
}
