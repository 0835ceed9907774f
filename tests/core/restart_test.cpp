// What becomes of a service that ended: policy, backoff, limit, exit-action.
#include "core/restart.hpp"
#include "world.hpp"

using namespace mi;
using namespace mi::core;
using namespace std::chrono_literals;

namespace {

// One service `a` with these settings.
std::string service(const std::string& settings) {
    return "[units.a]\nservice = { command = '/a', " + settings + " }\n";
}

// Lets `a` run for `span`, end with code 1, and gives the time until it is tried again.
Span delay_after(World& world, std::string_view span) {
    world.pass(span);
    world.exit("a", 1);
    if (world.phase("a") != "backoff")
        return Span{0};
    Span delay = world.record("a").deadline - world.now();
    for (int i = 0; i < 1'000'000 && world.phase("a") == "backoff"; ++i)
        world.pass("100ms");
    return delay;
}

} // namespace

TEST_CASE("which ends are followed by a restart is a matter of policy") {
    struct Case {
        const char* policy;
        bool code0, code1, killed, timeout;
    };
    for (Case each : {Case{"no", false, false, false, false}, Case{"on-failure", false, true, true, true},
                      Case{"on-abnormal", false, false, true, true}, Case{"always", true, true, true, true}}) {
        CAPTURE(each.policy);
        auto restarts_after = [&](auto end) {
            World world("[units.a]\nservice = { type = 'notify', start-timeout = '1s', command = '/a', restart = '" +
                        std::string(each.policy) + "' }\n");
            world.obedient();
            world.ask("a");
            end(world);
            return world.phase("a") == "backoff";
        };
        CHECK(restarts_after([](World& world) {
                  world.ready("a");
                  world.exit("a", 0);
              }) == each.code0);
        CHECK(restarts_after([](World& world) {
                  world.ready("a");
                  world.exit("a", 1);
              }) == each.code1);
        CHECK(restarts_after([](World& world) {
                  world.ready("a");
                  world.die("a", 11);
              }) == each.killed);
        CHECK(restarts_after([](World& world) { world.pass("1s"); }) == each.timeout);
    }
}

TEST_CASE("on-abnormal looks at this end, not at an earlier one") {
    World world(service("restart = 'on-abnormal', pre-start = ['/p']"));
    world.ask("a");
    world.hook_exit("a");
    world.die("a", 11);
    CHECK(world.phase("a") == "backoff");
    world.pass("200ms");
    world.hook_exit("a", 1);
    CHECK(world.phase("a") == "failed");
}

TEST_CASE("some ends are followed by a restart, or by none, whatever the policy") {
    const auto phase_after = [](const char* lines, auto end) {
        World world(service(lines));
        world.ask("a");
        end(world);
        return world.phase("a");
    };
    const auto code = [](int number) { return [number](World& world) { world.exit("a", number); }; };
    constexpr const char* always =
        "restart = 'always', restart-prevent-exit = [2, 'SIGABRT'], restart-force-exit = [2]";
    CHECK(phase_after(always, code(1)) == "backoff");
    CHECK(phase_after(always, code(0)) == "backoff");
    CHECK(phase_after(always, code(2)) == "failed"); // prevention counts more
    CHECK(phase_after(always, [](World& world) { world.die("a", 6); }) == "failed");
    CHECK(phase_after(always, [](World& world) { world.die("a", 11); }) == "backoff");
    constexpr const char* none = "restart = 'no', restart-force-exit = [0, 7]";
    CHECK(phase_after(none, code(0)) == "backoff");
    CHECK(phase_after(none, code(7)) == "backoff");
    CHECK(phase_after(none, code(1)) == "failed");
    // The end of an earlier run decides nothing about this one.
    World world(
        service("restart = 'always', restart-prevent-exit = [7], restart-force-exit = [9], pre-start = ['/p']"));
    world.ask("a");
    world.hook_exit("a");
    world.exit("a", 9);
    world.pass("200ms");
    world.hook_exit("a", 7);
    CHECK(world.phase("a") == "backoff");
}

TEST_CASE("exits that count as success are as the unit says") {
    World world(service("success-exit = [0, 3, 'SIGUSR1']"));
    world.ask("a");
    SUBCASE("a code") { world.exit("a", 3); }
    SUBCASE("a signal") { world.die("a", 10); }
    CHECK(world.phase("a") == "down");
    CHECK(world.record("a").next == Next::rest);
    world.ask("a");
    world.exit("a", 1);
    CHECK(world.phase("a") == "backoff");
}

TEST_CASE("a oneshot counts success likewise") {
    World world(service("type = 'oneshot', success-exit = [0, 3]"));
    world.ask("a");
    world.exit("a", 3);
    CHECK(world.phase("a") == "done");
}

TEST_CASE("what ended well by itself stays down until somebody asks, even if something wants it") {
    World world(
        "[units.a]\nservice.command = '/a'\n[units.t]\ntarget = {}\nwants = ['a']\n[units.b]\nrequires = ['a']\n");
    world.ask("t");
    world.exit("a", 0);
    world.pass("1h");
    CHECK(world.phase("a") == "down");
    CHECK(world.why("a") == "a is down: it ended by itself with exit code 0.");
    SUBCASE("it") { world.ask("a"); }
    SUBCASE("what requires it") { world.ask("b"); }
    CHECK(world.phase("a") == "up");
}

TEST_CASE("the delay doubles from the first to the last value, with a quarter of chance at the most") {
    World world(service("restart-delay = '1s', restart-delay-max = '20s', restart-limit = 0"));
    world.ask("a");
    for (Span base : {1s, 2s, 4s, 8s, 16s, 20s, 20s, 20s}) {
        Span delay = delay_after(world, "100ms");
        CHECK(delay >= base);
        CHECK(delay <= base + base / 4);
    }
    CHECK(world.record("a").restarts == 8);
    CHECK(world.record("a").tries == 8);
}

TEST_CASE("chance spreads the delays of services that ended together, and is the same for the same seed") {
    std::set<Span> delays;
    Service settings;
    settings.restart_delay = 1s;
    for (std::uint64_t chance = 0; chance < 100; ++chance) {
        Span delay = restart_delay(settings, 1, chance);
        CHECK(delay == restart_delay(settings, 1, chance));
        CHECK(delay >= 1s);
        CHECK(delay <= 1250ms);
        delays.insert(delay);
    }
    CHECK(delays.size() > 60);
}

TEST_CASE("odd delays do no harm") {
    Service settings;
    settings.restart_delay = 0s;
    CHECK(restart_delay(settings, 1'000'000, 7) == 0s);
    settings.restart_delay = 10s;
    settings.restart_delay_max = 1s;
    CHECK(restart_delay(settings, 1, 7) >= 10s);
    CHECK(restart_delay(settings, 4'000'000'000u, 7) <= 12500ms);
    settings.restart_delay_max = Span::max() / 2;
    CHECK(restart_delay(settings, 4'000'000'000u, 7) > 0s);
}

TEST_CASE("without a delay the next try comes at once") {
    World world(service("restart-delay = '0s', restart-limit = 3"));
    world.ask("a");
    for (int i = 0; i < 3; ++i)
        world.exit("a", 1);
    CHECK(world.phase("a") == "up");
    world.exit("a", 1);
    CHECK(world.phase("a") == "failed");
}

TEST_CASE("after a stable run backoff and limit begin again") {
    World world(service("restart-delay = '1s', restart-delay-max = '20s', restart-limit = 3"));
    world.ask("a");
    CHECK(delay_after(world, "1s") < 1300ms);
    CHECK(delay_after(world, "1s") >= 2s);
    CHECK(delay_after(world, "19s") >= 4s); // not longer than the longest delay: not stable
    CHECK(delay_after(world, "21s") < 1300ms);
    CHECK(world.record("a").restarts == 4);
    CHECK(delay_after(world, "1s") >= 2s);
    CHECK(delay_after(world, "1s") >= 4s);
    CHECK(delay_after(world, "1s") == 0s);
    CHECK(world.phase("a") == "failed");
}

TEST_CASE("failed starts count towards the limit") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a', restart-limit = 2, restart-delay = '1s' }\n");
    world.ask("a");
    world.exit("a", 1);
    world.pass("2s");
    world.exit("a", 1);
    world.pass("3s");
    world.exit("a", 1);
    CHECK(world.phase("a") == "failed");
    CHECK(world.record("a").reason == Reason::restart_limit);
    CHECK(world.why("a") == "a is failed: it ended too often in a row, last with exit code 1.");
}

TEST_CASE("past the limit `fail` waits for somebody to start or reset it") {
    World world(service("restart-limit = 1, restart-delay = '1s'"));
    world.ask("a");
    delay_after(world, "1s");
    delay_after(world, "1s");
    CHECK(world.phase("a") == "failed");
    world.pass("10h");
    CHECK(world.phase("a") == "failed");
    SUBCASE("start") { world.ask("a"); }
    SUBCASE("reset") { world.reset("a"); }
    SUBCASE("restart") { world.restart("a"); }
    CHECK(world.phase("a") == "up");
    CHECK(delay_after(world, "1s") >= 1s); // with a whole new budget
    CHECK(world.phase("a") == "up");
}

TEST_CASE("past the limit `retry` tries once each longest delay") {
    World world(
        service("restart-limit = 1, restart-delay = '1s', restart-delay-max = '1min', restart-limit-action = 'retry'"));
    world.ask("a");
    delay_after(world, "1s");
    for (int i = 0; i < 5; ++i) {
        Span delay = delay_after(world, "1s");
        CHECK(delay >= 1min);
        CHECK(delay <= 75s);
    }
    CHECK(world.phase("a") == "up");
}

TEST_CASE("past the limit `reboot` and `shutdown` end the machine") {
    for (auto [action, ending] : {std::pair("reboot", "a:reboot"), {"shutdown", "a:exit"}}) {
        World world(
            service("restart-limit = 1, restart-delay = '1s', restart-limit-action = '" + std::string(action) + "'"));
        world.ask("a");
        delay_after(world, "1s");
        CHECK(world.concluded().empty());
        delay_after(world, "1s");
        CHECK(world.concluded() == ending);
        CHECK(world.phase("a") == "failed");
    }
}

TEST_CASE("a stop cancels a pending restart, and what is started then starts afresh") {
    World world(service("restart-delay = '1s', restart-delay-max = '20s'"));
    world.ask("a");
    delay_after(world, "1s");
    delay_after(world, "1s");
    world.exit("a", 1);
    CHECK(world.phase("a") == "backoff");
    CHECK(world.why("a") == "a is backoff: it ended with exit code 1.");
    world.stop("a");
    CHECK(world.phase("a") == "down");
    CHECK(world.engine().next_deadline() == never);
    world.pass("1h");
    CHECK(world.phase("a") == "down");
    world.ask("a");
    CHECK(delay_after(world, "1s") < 1300ms);
}

TEST_CASE("a start during backoff tries at once") {
    World world(service("restart-delay = '10s'"));
    world.ask("a");
    world.exit("a", 1);
    world.ask("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.engine().next_deadline() == never);
}

TEST_CASE("a pending restart ends with the last that needs the unit") {
    World world = World::all_up("[units.a]\nservice.command = '/a'\n[units.b]\nwants = ['a']\n", {"b"});
    world.exit("a", 1);
    world.stop("b");
    CHECK(world.phase("a") == "down");
    CHECK(world.engine().next_deadline() == never);
}

TEST_CASE("a stop by our will is no failure, whatever the exit") {
    World world(service("restart = 'always'"));
    world.ask("a");
    world.stop("a");
    world.exit("a", 42);
    CHECK(world.phase("a") == "down");
    world.pass("1h");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("exit-action ends the machine when the service ends for good, and only then") {
    for (auto [action, ending] :
         {std::pair("shutdown", "a:exit"), {"reboot", "a:reboot"}, {"poweroff", "a:poweroff"}}) {
        World world(service("restart-limit = 1, restart-delay = '1s', exit-action = '" + std::string(action) + "'"));
        world.ask("a");
        SUBCASE("stopped by hand") {
            world.stop("a");
            world.die("a", 15);
            ending = "";
        }
        SUBCASE("ended well") { world.exit("a", 0); }
        SUBCASE("failed for good") {
            delay_after(world, "1s");
            CHECK(world.concluded().empty());
            delay_after(world, "1s");
        }
        CHECK(world.concluded() == ending);
    }
}

TEST_CASE("exit-action of a oneshot follows its end, good or bad") {
    World world(service("type = 'oneshot', exit-action = 'poweroff'"));
    world.ask("a");
    int code = 0;
    SUBCASE("good") { code = 0; }
    SUBCASE("bad") { code = 7; }
    world.exit("a", code);
    CHECK(world.concluded() == "a:poweroff");
    CHECK(world.record("a").last_exit == ExitStatus::code(code));
}

TEST_CASE("a container ends with what the service ended with itself, and with 1 where it failed in another way") {
    const auto code_of = [](const std::string& settings, auto story) {
        World world(service("restart = 'no', exit-action = 'shutdown'" + (settings.empty() ? "" : ", " + settings)));
        world.ask("a");
        story(world);
        CHECK(world.concluded() == "a:exit");
        return world.exit_code();
    };
    const std::string notify = "type = 'notify', start-timeout = '5s', stop-timeout = '1s'";
    CHECK(code_of("", [](World& world) { world.exit("a", 0); }) == 0);
    CHECK(code_of("", [](World& world) { world.exit("a", 7); }) == 7);
    CHECK(code_of("", [](World& world) { world.die("a", 9); }) == 137);
    CHECK(code_of("success-exit = [0, 3]", [](World& world) { world.exit("a", 3); }) == 3);
    CHECK(code_of("success-exit = [3]", [](World& world) { world.exit("a", 0); }) == 1); // a failure is no 0
    CHECK(code_of("type = 'oneshot'", [](World& world) { world.exit("a", 0); }) == 0);
    CHECK(code_of("type = 'oneshot'", [](World& world) { world.exit("a", 4); }) == 4);
    CHECK(code_of(notify, [](World& world) { world.exit("a", 5); }) == 5);
    CHECK(code_of(notify, [](World& world) { world.exit("a", 0); }) == 1); // it never was ready
    for (const bool obeys : {true, false}) // whatever it ends with when we have given it up
        CHECK(code_of(notify, [obeys](World& world) {
                  world.pass("5s");
                  obeys ? world.exit("a", 0) : world.die("a", 15);
              }) == 1);
    CHECK(code_of("watchdog = '1s'", [](World& world) {
              world.pass("1s");
              world.die("a", 6);
          }) == 1);
    CHECK(code_of("pre-start = ['/p']", [](World& world) { world.hook_exit("a", 8); }) == 1);
}

TEST_CASE("past a restart limit the last run tells the exit code of a container") {
    World world(service("exit-action = 'shutdown', restart-limit = 1, restart-delay = '1s', type = 'notify', "
                        "start-timeout = '5s'"));
    world.ask("a");
    world.exit("a", 3);
    world.pass("2s");
    SUBCASE("by its own end") {
        world.exit("a", 4);
        CHECK(world.exit_code() == 4);
    }
    SUBCASE("by ours") {
        world.pass("5s");
        world.die("a", 15);
        CHECK(world.exit_code() == 1);
    }
    CHECK(world.concluded() == "a:exit");
}

TEST_CASE("restarts are counted and the last exit is kept") {
    World world(service("restart-delay = '1s'"));
    world.ask("a");
    world.die("a", 11);
    CHECK(world.record("a").last_exit == ExitStatus::signal(11));
    world.pass("2s");
    CHECK(world.record("a").restarts == 1);
    CHECK(world.record("a").last_exit == ExitStatus::signal(11));
}

TEST_CASE("what cannot get better by itself is not tried again") {
    World world("[units.a]\n[units.a.service]\ncommand = '/a'\nrestart = 'always'\nrestart-limit = 0\n"
                "[units.b]\non-failure = ['c']\n[units.b.service]\ncommand = '/b'\npre-start = [['/p']]\n"
                "[units.c]\nservice.command = '/c'\n");
    const std::string why = "exec \"/a\": No such file or directory";
    world.refuse_for_good("a", why);
    world.refuse_for_good("b", "user \"x\": no such user");
    world.ask("a");
    CHECK(world.why("a") == "a is failed: cannot start: " + why + ".");
    CHECK(world.record("a").restarts == 0);
    world.ask("b"); // also of a command before it; and this is an end for good
    CHECK(world.why("b") == "b is failed: pre-start failed: user \"x\": no such user.");
    CHECK(world.running() == "c");
    world.pass("1h");
    CHECK(world.phase("a") == "failed");
    world.permit("a");
    world.ask("a"); // whoever asks may have mended it
    CHECK(world.running() == "c a");
    world.exit("a", 1);
    CHECK(world.phase("a") == "backoff");
}

TEST_CASE("what may get better by itself is tried again") {
    World world("[units.a]\nservice.command = '/a'\n");
    world.refuse("a", "clone: Cannot allocate memory");
    world.ask("a");
    CHECK(world.phase("a") == "backoff");
    world.refuse_for_good("a", "exec \"/a\": No such file or directory");
    world.pass("200ms");
    CHECK(world.phase("a") == "failed");
}

TEST_CASE(
    "a timer's service that cannot start is tried at its next time, and an on-demand one not at every connection") {
    World world(
        "[units.t]\nservice.command = '/t'\ntimer.every = '1h'\n"
        "[units.d]\nservice = { command = '/d', activation = 'on-demand' }\nlisten = [{ stream = '/run/d' }]\n");
    world.refuse_for_good("t", "exec \"/t\": No such file or directory");
    world.refuse_for_good("d", "exec \"/d\": No such file or directory");
    world.ask("t");
    world.ask("d");
    CHECK(world.phase("t") == "failed");
    CHECK(world.phase("d") == "failed");
    CHECK(world.armed() == "t");
    CHECK(world.open() == "");
}
