#include "base/clock.hpp"
#include "ctl/text/terminal.hpp"
#include "ctl/verbs/verbs.hpp"
#include "ctl_world.hpp"

#include <csignal>

using namespace mi;
using namespace mi::test;
using core::Phase;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// The usual init: three units, of which one has failed.
std::string usual(const wire::Request& request, bool more, const std::string& logs = {}) {
    if (auto* list = std::get_if<wire::List>(&request)) {
        wire::Units first{{unit("web", Phase::up, 42)}}, second{{unit("cache", Phase::failed)}};
        second.units[0].reason = "it exited with code 1";
        if (list->failed)
            return reply(second);
        return more ? reply(first, true) + reply(second) : "";
    }
    if (auto* status = std::get_if<wire::Status>(&request)) {
        const std::string& name = status->units[0];
        if (name == "web")
            return reply(wire::Units{{unit("web", Phase::up, 42)}});
        if (name == "cache")
            return reply(wire::Units{{unit("cache", Phase::failed)}});
        if (name == "idle")
            return reply(wire::Units{{unit("idle", Phase::down)}});
        return error(wire::NoSuchUnit{name, "web"});
    }
    if (std::holds_alternative<wire::GetOverview>(request)) {
        wire::Overview overview{
            "9.9", wire::Mode::container, wire::ManagerState::degraded, 1, "default", true, 3, {"cache"}, logs};
        return reply(overview);
    }
    if (std::holds_alternative<wire::Explain>(request))
        return reply(wire::Explanation{Phase::failed, {"cache failed: it exited with code 1.", "Its file is broken."}});
    return error(wire::ShuttingDown{});
}

FakeInit::Say usual_with(const std::string& logs = {}) {
    return [logs](const wire::Request& request, bool more) { return usual(request, more, logs); };
}

wire::Progress result(const std::string& name, bool ok, Phase state, const std::string& message = {},
                      wire::JobOutcome outcome = wire::JobOutcome::reached) {
    return {{}, {{.unit = name, .ok = ok, .state = state, .message = message, .outcome = outcome}}};
}

} // namespace

TEST_CASE("list shows an aligned table, gathered from portions and sorted") {
    FakeInit init(usual_with());
    const Outcome outcome = init.ctl({"list"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "  UNIT   STATE      SINCE  PID      DESCRIPTION\n"
                         "● cache  failed                     it exited with code 1\n"
                         "● web    up                42       The web\n");
    CHECK(outcome.err.empty());
}

TEST_CASE("json output is one line with every field") {
    FakeInit init(usual_with());
    const Outcome outcome = init.ctl({"list", "--json"});
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, R"({"units":[{"name":"cache","kind":"service",)"));
    CHECK(has(outcome.out, R"("last_exit":null)"));
    CHECK(outcome.out.find('\n') == outcome.out.size() - 1);
}

TEST_CASE("status exits as LSB has it: 0 running, 1 failed, 3 not running, 4 unknown") {
    FakeInit init(usual_with());
    CHECK(init.ctl({"status", "web"}).code == 0);
    CHECK(init.ctl({"status", "cache"}).code == 1);
    CHECK(init.ctl({"status", "idle"}).code == 3);
    CHECK(init.ctl({"status", "web", "idle"}).code == 3);
    const Outcome unknown = init.ctl({"status", "wbe"});
    CHECK(unknown.code == 4);
    CHECK(has(unknown.err, "there is no unit wbe (did you mean web?)"));
    CHECK(run_ctl({"minictl", "status", "web", "--control", "/nowhere/control"}).code == 4);
}

TEST_CASE("status shows a unit's sockets and how many are connected, and list that it waits for them") {
    FakeInit init([](const wire::Request& request, bool) {
        wire::UnitStatus waiting = unit("echo", Phase::up);
        waiting.stage = core::Stage::idle;
        waiting.reason = "it listens for connections";
        waiting.sockets = {{"stream", "*:7", "echo", true, 3, 64, 1005}, {"datagram", "/run/echo", "local"}};
        return std::holds_alternative<wire::List>(request) || std::holds_alternative<wire::Status>(request)
                   ? reply(wire::Units{{waiting}})
                   : usual(request, false);
    });
    const Outcome status = init.ctl({"status", "echo"});
    CHECK(has(status.out, "stream *:7: 3 of 64 connections, 1005 in all\n"));
    CHECK(has(status.out, "datagram /run/echo as local\n"));
    CHECK(has(init.ctl({"list"}).out, "The echo (it listens for connections, at stream *:7, datagram /run/echo)\n"));
}

TEST_CASE("status shows the unit's last log lines") {
    Directory logs;
    std::string text;
    for (int i = 0; i < 20; ++i)
        text += "2026-11-22T04:10:01.123456Z info out: line " + std::to_string(i) + "\033[2J\n";
    logs.write("web/current", text);
    FakeInit init(usual_with(logs.at("")));
    const Outcome outcome = init.ctl({"status", "web", "-n", "2"});
    CHECK(has(outcome.out, "web: line 19"));
    CHECK(has(outcome.out, "web: line 18"));
    CHECK_FALSE(has(outcome.out, "line 17"));
    CHECK_FALSE(has(init.ctl({"status", "web", "--lines=0"}).out, "line 19"));
}

TEST_CASE("status without a unit tells of the manager") {
    FakeInit init(usual_with());
    const Outcome outcome = init.ctl({"status"});
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, "● miniinit 9.9, container mode, PID 1\n"));
    CHECK(has(outcome.out, "state: degraded\n"));
    CHECK(has(outcome.out, "failed: cache\n"));
}

TEST_CASE("a start that succeeds is silent where nobody looks") {
    FakeInit init([](const wire::Request& request, bool more) {
        CHECK_FALSE(more);
        if (std::holds_alternative<wire::Status>(request))
            return usual(request, more); // what has no trigger is not told of
        CHECK(std::get<wire::Start>(request).units == std::vector<std::string>{"web", "cache"});
        CHECK(std::get<wire::Start>(request).wait);
        return reply(wire::Progress{{}, {{"web", true, Phase::up, ""}, {"cache", true, Phase::up, ""}}});
    });
    const Outcome outcome = init.ctl({"start", "web", "cache"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.empty());
}

TEST_CASE("a start that fails says why, and what the unit has said since") {
    Directory logs;
    logs.write("cache/current", "2026-11-22T04:10:01.123456Z err err: of a run before\n"
                                "2999-11-22T04:10:01.123456Z err err: cannot open /x\n");
    FakeInit init([&](const wire::Request& request, bool more) {
        if (std::holds_alternative<wire::Start>(request))
            return reply(
                result("cache", false, Phase::failed, "it exited with code 1", wire::JobOutcome::reload_failed));
        return usual(request, more, logs.at(""));
    });
    const Outcome outcome = init.ctl({"start", "cache"});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.err, "✗ cache is failed: it exited with code 1\n"));
    CHECK(has(outcome.err, "  Its file is broken.\n"));
    CHECK(has(outcome.err, "cache: cannot open /x\n"));
    CHECK_FALSE(has(outcome.err, "of a run before"));
    const Outcome json = init.ctl({"start", "cache", "--json"});
    CHECK(json.code == 1);
    CHECK(json.out == R"({"event":null,"results":[{"unit":"cache","ok":false,"state":"failed","message":)"
                      "\"it exited with code 1\",\"last_exit\":null,\"outcome\":\"reload_failed\","
                      "\"reason_kind\":\"none\"}]}\n");
}

TEST_CASE("each acting verb makes its call") {
    std::string seen;
    FakeInit init([&](const wire::Request& request, bool) {
        if (std::holds_alternative<wire::Signal>(request)) {
            const auto& signal = std::get<wire::Signal>(request);
            seen += signal.unit + " " + std::to_string(signal.signal) + (signal.all ? " all;" : ";");
            return reply(wire::Nothing{});
        }
        if (std::holds_alternative<wire::Reset>(request))
            return reply(wire::Nothing{});
        if (auto* target = std::get_if<wire::Target>(&request))
            seen += target->name + (target->wait ? ";" : " nowait;");
        return reply(result("x", true, Phase::up));
    });
    for (const char* verb : {"stop", "restart", "try-restart", "reload"})
        CHECK(init.ctl({verb, "x"}).code == 0);
    CHECK(init.ctl({"target", "rescue", "--no-wait"}).code == 0);
    CHECK(init.ctl({"signal", "usr1", "web", "--all"}).code == 0);
    CHECK(init.ctl({"signal", "SIGRTMIN+1", "web"}).code == 0);
    CHECK(init.ctl({"reset"}).code == 0);
    CHECK(init.ctl({"signal", "NONSENSE", "web"}).code == 2);
    CHECK(init.asked ==
          std::vector<std::string>{"Stop", "Restart", "TryRestart", "Reload", "Target", "Signal", "Signal", "Reset"});
    CHECK(seen == "rescue nowait;web 10 all;web 35;");
}

TEST_CASE("a refusal exits with 4, and says in JSON what it is") {
    FakeInit init(
        [](const wire::Request&, bool) { return error(wire::PermissionDenied{"org.miniinit.Manager.Stop"}); });
    const Outcome outcome = init.ctl({"stop", "web"});
    CHECK(outcome.code == 4);
    CHECK(has(outcome.err, "not allowed"));
    CHECK(has(init.ctl({"stop", "web", "--json"}).out,
              R"({"error":"org.miniinit.Manager.PermissionDenied","message":"not)"));
}

TEST_CASE("what there is no process for exits with 3") {
    FakeInit init([](const wire::Request&, bool) { return error(wire::NotRunning{"web", Phase::down}); });
    const Outcome outcome = init.ctl({"signal", "USR1", "web"});
    CHECK(outcome.code == 3);
    CHECK(has(outcome.err, "web is not running, it is down"));
    CHECK(init.ctl({"reload", "web"}).code == 3);
}

TEST_CASE("where no init listens, that is said, and what to do") {
    const Outcome outcome = run_ctl({"minictl", "--control", "/nowhere/control", "list"});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.err, "no init is listening at /nowhere/control"));
    CHECK(has(outcome.err, "--user"));
}

TEST_CASE("the socket is found by option, environment and user") {
    FakeInit init(usual_with());
    CHECK(run_ctl({"minictl", "status", "web"}, [&] { ::setenv("MINIINIT_CONTROL", init.path().c_str(), 1); }).code ==
          0);
    std::filesystem::create_directory(init.directory.at("miniinit"));
    std::filesystem::create_symlink(init.path(), init.directory.at("miniinit/control"));
    CHECK(run_ctl({"minictl", "--user", "status", "web"}, [&] {
              ::setenv("XDG_RUNTIME_DIR", init.directory.at("").c_str(), 1);
          }).code == 0);
    CHECK(run_ctl({"minictl", "list", "--control", init.path()}).code == 0);
}

TEST_CASE("an init that goes in the middle of a call is a failure, not a hang") {
    FakeInit init([](const wire::Request&, bool) { return ""; });
    const Outcome outcome = init.ctl({"explain", "web"});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.err, "closed the connection"));
}

TEST_CASE("an init of another version is not misunderstood") {
    FakeInit init([](const wire::Request&, bool) {
        return std::string(R"({"error":"org.varlink.service.MethodNotFound",)"
                           R"("parameters":{"method":"x"}})") +
               '\0';
    });
    CHECK(has(init.ctl({"probe"}).err, "of another version"));
    FakeInit nonsense([](const wire::Request&, bool) { return std::string("hello") + '\0'; });
    CHECK(has(nonsense.ctl({"probe"}).err, "cannot be understood"));
}

TEST_CASE("logs are looked for where the init that is named keeps them") {
    Directory logs;
    logs.write("web/current", "2026-11-22T04:10:01.123456Z info out: hello\n");
    FakeInit init(usual_with(logs.at("")));
    CHECK(has(init.ctl({"logs", "web"}).out, "hello"));
    CHECK(has(run_ctl({"minictl", "--control=" + init.path(), "logs", "-o", "cat"}).out, "hello"));
}

TEST_CASE("a tree is drawn, a unit that hangs in two places once") {
    FakeInit init([](const wire::Request& request, bool) {
        CHECK(std::get<wire::Tree>(request).reverse);
        using enum core::Relation;
        return reply(wire::Branches{{"default"},
                                    {{"default", Phase::up, {{requirement, "web"}, {want, "db"}}},
                                     {"web", Phase::up, {{requirement, "db"}}},
                                     {"db", Phase::starting, {{milestone, "fsck"}}},
                                     {"fsck", Phase::done, {}}}});
    });
    CHECK(init.ctl({"tree", "default", "--reverse"}).out == "● default\n"
                                                            "├─ ● web\n"
                                                            "│  └─ ● db starting\n"
                                                            "│     └─ ● fsck (milestones)\n"
                                                            "└─ ● db (wants) starting (above)\n");
}

TEST_CASE("events are told one by one, until the init goes") {
    FakeInit init([](const wire::Request& request, bool more) {
        CHECK(more);
        CHECK(std::get<wire::Events>(request).units == std::vector<std::string>{"web"});
        wire::Event event;
        event.unit = "web";
        event.from = Phase::starting;
        event.state = Phase::up;
        event.main_pid = 42;
        wire::Event said;
        said.kind = wire::EventKind::status;
        said.unit = "web";
        said.text = "ready\a";
        return reply(wire::EventReply{event}, true) + reply(wire::EventReply{said});
    });
    const Outcome outcome = init.ctl({"events", "web"});
    CHECK(has(outcome.out, "web: starting → up, pid 42\n"));
    CHECK(has(outcome.out, "web says: ready?\n"));
    const Outcome json = init.ctl({"events", "web", "--json"});
    CHECK(std::count(json.out.begin(), json.out.end(), '\n') == 2);
    CHECK(has(json.out, R"({"kind":"state","realtime":0,"monotonic":0,"unit":"web","from":"starting","state":"up",)"));
}

TEST_CASE("wait passes the state on, and gives up in time") {
    FakeInit init([](const wire::Request& request, bool) {
        const auto& wait = std::get<wire::Wait>(request);
        return wait.state == Phase::done ? reply(wire::UnitReply{unit(wait.unit, Phase::done)})
               : wait.state == Phase::up ? error(wire::JobFailed{wait.unit, Phase::failed, "it exited with code 1"})
                                         : std::string(1, ' ');
    });
    CHECK(init.ctl({"wait", "web", "--for", "done"}).code == 0);
    const Outcome failed = init.ctl({"wait", "web"});
    CHECK(failed.code == 1);
    CHECK(has(failed.err, "web is failed: it exited with code 1"));
    CHECK(init.ctl({"wait", "web", "--for", "happy"}).code == 2);
    const Outcome late = init.ctl({"wait", "web", "--for", "down", "--timeout", "30ms"});
    CHECK(late.code == 1);
    CHECK(has(late.err, "web is not down yet"));
}

TEST_CASE("healthcheck exits 0 only when all is well") {
    FakeInit init(usual_with());
    CHECK(init.ctl({"healthcheck", "web"}).code == 0);
    CHECK(init.ctl({"healthcheck", "web", "cache"}).code == 1);
    const Outcome all = init.ctl({"healthcheck"});
    CHECK(all.code == 1);
    CHECK(all.out == "cache is failed: it exited with code 1\n");
    CHECK(init.ctl({"healthcheck", "--json"}).out ==
          "{\"healthy\":false,\"problems\":[\"cache is failed: it exited with code 1\"]}\n");
}

TEST_CASE("healthcheck counts what is tried again and again as ill") {
    bool crashing = true;
    FakeInit init([&](const wire::Request& request, bool) {
        if (!std::holds_alternative<wire::List>(request))
            return reply(wire::Overview{.version = "9.9", .state = wire::ManagerState::running});
        CHECK(std::get<wire::List>(request).failed);
        wire::Units units;
        if (crashing)
            units.units.push_back(unit("web", Phase::backoff));
        return reply(units);
    });
    const Outcome ill = init.ctl({"healthcheck"});
    CHECK(ill.code == 1);
    CHECK(ill.out == "web is backoff\n");
    crashing = false;
    CHECK(init.ctl({"healthcheck"}).code == 0);
}

TEST_CASE("list shows when a crashing service is tried again") {
    FakeInit init([](const wire::Request&, bool) {
        wire::Units units{{unit("web", Phase::backoff)}};
        units.units[0].left_ms = 1540;
        units.units[0].reason = "it ended with exit code 3";
        return reply(units);
    });
    CHECK(has(init.ctl({"list"}).out, "next try in 1.5 s: it ended with exit code 3\n"));
}

TEST_CASE("times shows the kernel's share only where there was a boot") {
    wire::Mode mode = wire::Mode::system;
    FakeInit init([&](const wire::Request& request, bool) {
        if (std::holds_alternative<wire::GetOverview>(request))
            return reply(wire::Overview{.mode = mode, .target = "default"});
        wire::Times times{.init = 1'500'000, .units_loaded = 1'512'000, .target_reached = 2'012'000, .units = {}};
        times.units = {{"web", 1'620'000, 2'000'000}, {"broken", 1'512'000, {}}};
        return reply(times);
    });
    const Outcome machine = init.ctl({"times"});
    CHECK(machine.code == 0);
    CHECK(machine.out == "kernel      1.500 s  until it executed the init\n"
                         "init        0.012 s  until the unit files were read\n"
                         "units       0.500 s  until default was reached\n\n"
                         "UNIT         BEGINS         UP       TOOK\n"
                         "broken      0.012 s          -\n"
                         "web         0.120 s    0.500 s    0.380 s\n");
    mode = wire::Mode::container;
    CHECK_FALSE(has(init.ctl({"times"}).out, "kernel"));
    CHECK(has(init.ctl({"times", "--json"}).out, R"({"init":1500000,"units_loaded":1512000,)"));
}

TEST_CASE("a tree without a target says that there is none") {
    wire::Overview overview;
    FakeInit init([&](const wire::Request& request, bool) {
        return std::holds_alternative<wire::GetOverview>(request)
                   ? reply(overview)
                   : reply(wire::Branches{{"web"}, {{"web", Phase::up, {}}}});
    });
    CHECK(init.ctl({"tree"}).out == "There is no target here. Every unit that no other needs:\n● web\n");
    CHECK(init.ctl({"tree", "web"}).out == "● web\n");
    overview.target = "default";
    CHECK(init.ctl({"tree"}).out == "● web\n");
}

TEST_CASE("an event tells of an exit once, and only of the one that led to it") {
    wire::Event event;
    event.unit = "web";
    event.last_exit = wire::Exit{core::ExitStatus::Kind::code, 3, false, false, "exit code 3"};
    FakeInit init([&](const wire::Request&, bool) { return reply(wire::EventReply{event}); });
    auto told = [&](Phase from, Phase to, const std::string& reason, int pid) {
        // What decides is the kind; the words are only shown.
        event.reason_kind = reason.starts_with("it ended") ? core::Reason::exited : core::Reason::asked;
        event.from = from;
        event.state = to;
        event.reason = reason;
        event.main_pid = pid != 0 ? std::optional<std::int32_t>(pid) : std::nullopt;
        const std::string out = init.ctl({"events"}).out;
        return out.substr(out.find(' ') + 1);
    };
    CHECK(told(Phase::up, Phase::stopping, "it ended with exit code 3", 0) ==
          "web: up → stopping (it ended with exit code 3)\n");
    CHECK(told(Phase::stopping, Phase::down, "stopped by hand", 0) ==
          "web: stopping → down, exit code 3 (stopped by hand)\n");
    CHECK(told(Phase::up, Phase::stopping, "stopped by hand", 42) == "web: up → stopping, pid 42 (stopped by hand)\n");
    CHECK(told(Phase::failed, Phase::down, "", 0) == "web: failed → down\n");
    CHECK(told(Phase::starting, Phase::up, "it ended with exit code 3", 42) == "web: starting → up, pid 42\n");
}

TEST_CASE("a start that fails through another unit shows that one's last words, and nothing twice") {
    Directory logs;
    logs.write("disk/current", "2026-11-22T04:10:01.123456Z err err: no such disk\n");
    FakeInit init([&](const wire::Request& request, bool more) {
        if (std::holds_alternative<wire::Start>(request))
            return reply(result("web", false, Phase::failed, "web is failed: it requires disk. disk is failed.",
                                wire::JobOutcome::failed));
        if (std::holds_alternative<wire::Explain>(request))
            return reply(wire::Explanation{Phase::failed,
                                           {"web is failed: it requires disk.", "disk is failed."},
                                           {{"web", Phase::failed, core::Reason::dependency_failed},
                                            {"disk", Phase::failed, core::Reason::exited}}});
        return usual(request, more, logs.at(""));
    });
    const Outcome outcome = init.ctl({"start", "web"});
    CHECK(outcome.code == 1);
    CHECK(outcome.err.starts_with("✗ web is failed: it requires disk. disk is failed.\n  | "));
    CHECK(outcome.err.ends_with("disk: no such disk\n"));
}

TEST_CASE("reload-units tells what changed and exits 1 where there are problems") {
    FakeInit init([](const wire::Request&, bool) {
        return reply(wire::Changes{{"new"}, {"web"}, {}, {"/etc/miniinit/x.toml:1:1: error: unknown key"}});
    });
    const Outcome outcome = init.ctl({"reload-units"});
    CHECK(outcome.code == 1);
    CHECK(outcome.out == "added new\nchanged web\n");
    CHECK(has(outcome.err, "unknown key"));
}

TEST_CASE("poweroff, reboot, halt and shutdown go by the name they are called by") {
    std::vector<wire::Ending> seen;
    FakeInit init([&](const wire::Request& request, bool) {
        seen.push_back(std::get<wire::Shutdown>(request).how);
        return reply(wire::Schedule{});
    });
    CHECK(init.ctl({"poweroff"}).code == 0);
    for (const char* name : {"/sbin/reboot", "halt", "poweroff"})
        CHECK(run_ctl({name, "--control", init.path()}).code == 0);
    auto at_socket = [&] { ::setenv("MINIINIT_CONTROL", init.path().c_str(), 1); };
    using Words = std::vector<std::string>;
    for (const Words& words : {Words{"shutdown", "-h", "now"}, Words{"shutdown", "-r", "now"},
                               Words{"shutdown", "-h", "0"}, Words{"shutdown", "-t", "3", "-H", "now"},
                               Words{"halt", "-p"}, Words{"reboot", "-d", "-n"}, Words{"shutdown", "-P", "+0"}})
        CHECK(run_ctl(words, at_socket).code == 0);
    CHECK(run_ctl({"reboot", "-w"}, at_socket).code == 0); // would only write wtmp: nobody is asked
    CHECK(run_ctl({"shutdown", "-h", "noon"}, at_socket).code == 2);
    CHECK(run_ctl({"poweroff", "--when", "24:00"}, at_socket).code == 2);
    CHECK(run_ctl({"shutdown", "-x"}, at_socket).code == 2);
    using enum wire::Ending;
    CHECK(seen == std::vector<wire::Ending>{poweroff, reboot, halt, poweroff, poweroff, reboot, poweroff, halt,
                                            poweroff, reboot, poweroff});
}

TEST_CASE("minictl shutdown is no verb: the machine's is called by that name alone") {
    FakeInit init([](const wire::Request&, bool) { return reply(wire::Schedule{}); });
    for (std::vector<std::string> words :
         {std::vector<std::string>{"shutdown"}, {"shutdown", "-h", "now"}, {"--user", "shutdown"}}) {
        const Outcome outcome = init.ctl(words);
        CHECK(outcome.code == 2);
        CHECK(has(outcome.err, "`minictl poweroff` ends the init that is meant"));
    }
    CHECK(init.asked.empty());
    CHECK_FALSE(has(run_ctl({"minictl", "--help"}).out, "shutdown"));
    CHECK(has(run_ctl({"minictl", "help", "shutdown"}).out, "Usage: shutdown "));
}

TEST_CASE("a shutdown at a time says when it will be, what it replaces, and to whom that was told") {
    std::vector<wire::Shutdown> seen;
    FakeInit init([&](const wire::Request& request, bool) {
        const auto& asked = std::get<wire::Shutdown>(request);
        seen.push_back(asked);
        const std::int64_t at = wall_now().micros + asked.in_seconds.value_or(0) * 1'000'000;
        return reply(wire::Schedule{wire::ScheduledShutdown{asked.how, at, *asked.message, *asked.who, false},
                                    wire::ScheduledShutdown{wire::Ending::halt, at, "", "somebody\x1b[2J", false}});
    });
    auto at_socket = [&] { ::setenv("MINIINIT_CONTROL", init.path().c_str(), 1); };
    Outcome outcome = run_ctl({"shutdown", "--no-wall", "-r", "+5", "new", "kernel"}, at_socket);
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, "reboot at "));
    CHECK(has(outcome.out, ": new kernel"));
    CHECK(has(outcome.out, "It was halt at "));
    CHECK(!has(outcome.out, "\x1b[2J"));
    CHECK(init.ctl({"halt", "--when", "+60", "--message", "for the night"}).code == 0);
    CHECK(run_ctl({"shutdown", "-k", "23:30", "x"}, at_socket).code == 0);
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].in_seconds == 300);
    CHECK(seen[0].no_wall);
    CHECK(seen[0].message == "new kernel");
    CHECK(seen[1].in_seconds == 3600);
    CHECK(seen[1].message == "for the night");
    CHECK(seen[2].warn_only);
    CHECK(seen[2].at_realtime.value_or(0) > wall_now().micros);
    CHECK(init.ctl({"halt", "--when", "+5", "--force"}).code == 2);
}

TEST_CASE("shutdown -c says what it cancelled, and fails where there was nothing") {
    bool scheduled = true;
    FakeInit init([&](const wire::Request& request, bool) {
        CHECK(std::get<wire::CancelShutdown>(request).message == "not today");
        wire::Schedule answer;
        if (std::exchange(scheduled, false))
            answer.before = wire::ScheduledShutdown{};
        return reply(answer);
    });
    auto at_socket = [&] { ::setenv("MINIINIT_CONTROL", init.path().c_str(), 1); };
    CHECK(init.ctl({"poweroff", "--cancel", "--message", "not today"}).code == 0);
    Outcome outcome = run_ctl({"shutdown", "-c", "not", "today"}, at_socket);
    CHECK(outcome.code == 1);
    CHECK(has(outcome.err, "no shutdown is scheduled"));
}

TEST_CASE("times of a shutdown: minutes, with or without +, or the next time that the clock shows it") {
    const std::int64_t now = 1'795'000'000'000'000;
    CHECK(ctl::end_time_of("now", now) == ctl::EndTime{});
    CHECK(ctl::end_time_of("+0", now) == ctl::EndTime{});
    CHECK(ctl::end_time_of("+5", now) == ctl::EndTime{.in_seconds = 300});
    CHECK(ctl::end_time_of("90", now) == ctl::EndTime{.in_seconds = 5400});
    for (const char* text : {"", "+", "-5", "+5m", "5:5:5", "24:00", "12:60", ":30", "12:", "tomorrow", "+99999999"})
        CHECK_MESSAGE(!ctl::end_time_of(text, now), text);
    const auto seconds = static_cast<time_t>(now / 1'000'000);
    tm here{};
    ::localtime_r(&seconds, &here);
    for (int hour : {0, here.tm_hour, 23}) {
        auto time = ctl::end_time_of(std::to_string(hour) + ":30", now);
        REQUIRE(time);
        const std::int64_t ahead = *time->at_realtime - now;
        CHECK(ahead > 0);
        CHECK(ahead <= 25 * 3600 * std::int64_t{1'000'000});
        const auto at = static_cast<time_t>(*time->at_realtime / 1'000'000);
        tm then{};
        ::localtime_r(&at, &then);
        CHECK(then.tm_hour == hour);
        CHECK(then.tm_min == 30);
    }
}

TEST_CASE("what is not understood exits with 2 and says what would be") {
    CHECK(has(run_ctl({"minictl", "strat"}).err, "did you mean start?"));
    for (std::vector<std::string> words : {std::vector<std::string>{"minictl"},
                                           {"minictl", "strat"},
                                           {"minictl", "start"},
                                           {"minictl", "list", "--nonsense"},
                                           {"minictl", "top", "web"},
                                           {"minictl", "status", "-n"},
                                           {"minictl", "status", "-n", "many"},
                                           {"minictl", "wait", "x", "--timeout", "soon"},
                                           {"minictl", "list", "-n", "3"}}) {
        const Outcome outcome = run_ctl(words);
        CHECK_MESSAGE(outcome.code == 2, words.back());
        CHECK_MESSAGE(!outcome.err.empty(), words.back());
        CHECK_MESSAGE(outcome.out.empty(), words.back());
    }
}

TEST_CASE("every verb has help with an example") {
    const Outcome overview = run_ctl({"minictl", "--help"});
    CHECK(overview.code == 0);
    for (const char* choice : {"--control PATH", "--user", "$MINIINIT_CONTROL"})
        CHECK_MESSAGE(has(overview.out, choice), choice);
    CHECK(has(run_ctl({"minictl", "signal", "--help"}).out, "every process of the unit"));
    CHECK(has(run_ctl({"minictl", "list", "--help"}).out, "also what is down"));
    for (const char* verb : {"list",    "status",       "tree",   "explain",  "show",   "cat",     "events",
                             "probe",   "version",      "times",  "start",    "stop",   "restart", "try-restart",
                             "reload",  "signal",       "reset",  "wait",     "target", "logs",    "enable",
                             "disable", "reload-units", "verify", "poweroff", "reboot", "halt",    "healthcheck"}) {
        CHECK_MESSAGE(has(overview.out, "\n  " + std::string(verb) + " "), verb);
        const Outcome help = run_ctl({"minictl", verb, "--help"});
        CHECK_MESSAGE(help.code == 0, verb);
        CHECK_MESSAGE(has(help.out, "\nExample:\n  minictl " + std::string(verb)), verb);
        CHECK_MESSAGE(run_ctl({"minictl", "help", verb}).out == help.out, verb);
    }
}

TEST_CASE("output that cannot be written is a failure") {
    FakeInit init([](const wire::Request& request, bool more) {
        if (std::holds_alternative<wire::Tree>(request))
            return reply(wire::Branches{{"web"}, {{"web", Phase::up, {}, core::Kind::service}}});
        if (std::holds_alternative<wire::Probe>(request))
            return reply(wire::Features{{{}}});
        if (std::holds_alternative<wire::BootTimes>(request)) {
            wire::Times times{.init = 1, .units_loaded = 2, .target_reached = 3, .units = {}};
            times.units.push_back({"web", 1, 2, wire::FirstStart{1, 1, 2, {}, Phase::up}});
            return reply(times);
        }
        return usual(request, more);
    });
    init.directory.write("web.toml", "[service]\ncommand = [\"/bin/true\"]\n");
    init.directory.write("log/web/current", "2026-11-22T04:10:01.123456Z info out: hello\n");
    const std::string units = init.directory.at("");
    const std::vector<std::vector<std::string>> verbs = {
        {"list"},
        {"list", "--json"},
        {"status", "web"},
        {"tree"},
        {"explain", "web"},
        {"times"},
        {"blame"},
        {"critical-chain"},
        {"graph"},
        {"plot"},
        {"probe"},
        {"version"},
        {"help"},
        {"help", "--json"},
        {"help", "list"},
        {"keys"},
        {"completion", "bash"},
        {"cat", "web", "--units", units},
        {"show", "web", "--units", units},
        {"verify", "--units", units, "--json"},
        {"verify", "--calendar", "daily"},
        {"logs", "--directory", init.directory.at("log")},
        {"list", "--help"},
    };
    for (const std::vector<std::string>& words : verbs) {
        CAPTURE(words.front());
        CAPTURE(words.back());
        if (const bool says = init.ctl(words).out != ""; !says) {
            CHECK(says);
            continue;
        }
        const Outcome full = init.ctl(words, [] { ::dup2(::open("/dev/full", O_WRONLY), 1); });
        CHECK(full.code == 1);
        CHECK(full.err == "minictl: write standard output: No space left on device\n");
        const Outcome closed = init.ctl(words, [] { ::close(1); });
        CHECK(closed.code == 1);
        CHECK(closed.err == "minictl: write standard output: Bad file descriptor\n");
        // Who reads no more has seen enough.
        const Outcome left = init.ctl(words, [] {
            int ends[2];
            (void)::pipe(ends);
            ::close(ends[0]);
            ::dup2(ends[1], 1);
            (void)::signal(SIGPIPE, SIG_IGN);
        });
        CHECK(left.err == "");
    }
}

TEST_CASE("on a terminal there are colours, progress and a result, elsewhere and with NO_COLOR no colours") {
    FakeInit init([](const wire::Request& request, bool more) {
        if (!std::holds_alternative<wire::Start>(request))
            return usual(request, more);
        if (!more)
            return reply(result("web", true, Phase::starting));
        wire::Progress progress;
        progress.event = wire::Event{};
        progress.event->unit = "database";
        progress.event->state = Phase::waiting;
        ::usleep(400'000); // long enough to be worth a line
        return reply(progress, true) + reply(result("web", true, Phase::up));
    });
    auto on_terminal = [&](std::vector<std::string> words, const char* no_colour) {
        Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(::grantpt(master.get()) == 0);
        REQUIRE(::unlockpt(master.get()) == 0);
        const std::string name = ::ptsname(master.get());
        const Outcome outcome = init.ctl(std::move(words), [&] {
            const int slave = ::open(name.c_str(), O_RDWR | O_NOCTTY);
            ::dup2(slave, 1);
            ::dup2(slave, 2);
            ::setenv("TERM", "xterm", 1);
            ::setenv("NO_COLOR", no_colour, 1);
        });
        CHECK(outcome.code == 0);
        // To the end, which is an error here: nobody has the other side any more.
        std::string text;
        char piece[4096];
        for (ssize_t got = 0; (got = ::read(master.get(), piece, sizeof piece)) > 0;)
            text.append(piece, static_cast<std::size_t>(got));
        return text;
    };
    CHECK(has(on_terminal({"list"}, ""), "\033[32mup\033[0m"));
    CHECK_FALSE(has(on_terminal({"list"}, "1"), "\033["));
    CHECK_FALSE(has(init.ctl({"list"}).out, "\033["));
    const std::string progress = on_terminal({"start", "web"}, "");
    CHECK(has(progress, "0.2 s"));
    CHECK(has(progress, "✓"));
    CHECK(has(progress, "web is "));
    CHECK_FALSE(has(on_terminal({"start", "web", "--no-wait"}, "1"), "0.2 s"));
}
