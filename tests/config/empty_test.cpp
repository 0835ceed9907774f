// Values that are empty, and given all the same: [], "", 0, false. Each is refused in words or counts as what it says; none is
// taken for a key that is not there.
#include "calendar/timer.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace mi::config {

using namespace std::chrono_literals;
using core::ManagerSettings, core::Unit;

namespace {

constexpr std::string_view empties[] = {"[]", "\"\"", "0", "\"0\"", "false", "{}"};

// What an empty value that is accepted makes of its key, of those whose default is not empty.
struct Given {
    std::string_view section, key;
    bool (*holds)(const Unit&);
};
const Given given[] = {
    {"", "refuse-manual-start", [](const Unit& u) { return !u.refuse_manual_start; }},
    {"", "refuse-manual-stop", [](const Unit& u) { return !u.refuse_manual_stop; }},
    {"", "enabled", [](const Unit& u) { return !u.enabled; }},
    {"service", "restart-delay", [](const Unit& u) { return u.service.restart_delay == 0s; }},
    {"service", "restart-delay-max",
     [](const Unit& u) { return u.service.restart_delay == 0s && u.service.restart_delay_max == 0s; }},
    {"service", "restart-prevent-exit", [](const Unit& u) { return u.service.restart_exceptions->prevent.empty(); }},
    {"service", "restart-force-exit", [](const Unit& u) { return u.service.restart_exceptions->force.empty(); }},
    {"service", "restart-limit", [](const Unit& u) { return u.service.restart_limit == 0; }},
    {"service", "start-timeout", [](const Unit& u) { return u.service.start_timeout == 0s; }},
    {"service", "stop-timeout", [](const Unit& u) { return u.service.stop_timeout == 0s; }},
    {"service", "non-blocking", [](const Unit& u) { return !u.service.non_blocking; }},
    {"service", "fd-store-max", [](const Unit& u) { return u.service.fd_store_max == 0; }},
    {"service", "watchdog", [](const Unit& u) { return u.service.watchdog == 0s; }},
    {"service", "stop-last", [](const Unit& u) { return !u.service.stops_last; }},
    {"process", "umask", [](const Unit& u) { return u.process->umask == 0u; }},
    {"process", "nice", [](const Unit& u) { return u.process->nice == 0; }},
    {"process", "oom-score-adjust", [](const Unit& u) { return u.process->oom_score_adjust == 0; }},
    {"process", "no-new-privileges", [](const Unit& u) { return !u.process->no_new_privileges; }},
    {"process", "restrict-realtime", [](const Unit& u) { return !u.process->confinement->restrictions.realtime; }},
    {"process", "restrict-suid-sgid", [](const Unit& u) { return !u.process->confinement->restrictions.suid_sgid; }},
    {"process", "lock-personality", [](const Unit& u) { return !u.process->confinement->restrictions.personality; }},
    {"process", "memory-deny-write-execute",
     [](const Unit& u) { return !u.process->confinement->restrictions.write_execute; }},
    {"process", "protect-hostname", [](const Unit& u) { return !u.process->confinement->restrictions.hostname; }},
    {"process", "ignore-sigpipe", [](const Unit& u) { return !u.process->ignore_sigpipe; }},
    {"process", "private-tmp", [](const Unit& u) { return !u.process->confinement->private_tmp; }},
    {"process", "dynamic-user", [](const Unit& u) { return !u.process->dynamic_user; }},
    {"process", "private-mounts", [](const Unit& u) { return !u.process->confinement->private_mounts; }},
    {"process", "native-system-calls", [](const Unit& u) { return !u.process->confinement->native_system_calls; }},
    {"process", "keep-runtime-directory",
     [](const Unit& u) { return !u.process->confinement->keep_runtime_directory; }},
    {"process", "private-network", [](const Unit& u) { return !u.process->confinement->private_network; }},
    {"process", "private-devices", [](const Unit& u) { return !u.process->confinement->private_devices; }},
    {"process", "protect-system",
     [](const Unit& u) { return u.process->confinement->protect_system == core::ProtectSystem::no; }},
    {"cgroup", "delegate", [](const Unit& u) { return !u.cgroup->delegate; }},
    {"listen", "mode", [](const Unit& u) { return u.listen[0].mode == 0u; }},
    {"listen", "reuse-port", [](const Unit& u) { return !u.listen[0].reuse_port; }},
    {"listen", "accept", [](const Unit& u) { return !u.listen[0].accept; }},
    {"timer", "jitter", [](const Unit& u) { return u.timer->jitter == 0s; }},
    {"timer", "persistent", [](const Unit& u) { return !u.timer->persistent; }},
    {"log", "rotate-size", [](const Unit& u) { return u.log->rotate_size == 0u; }},
    {"log", "rotate-keep", [](const Unit& u) { return u.log->rotate_keep == 0u; }},
    {"log", "compress", [](const Unit& u) { return u.log->compress == false; }},
    {"log", "rotate-age", [](const Unit& u) { return u.log->rotate_age == 0s; }},
    {"log", "rate-limit", [](const Unit& u) { return u.log->rate_limit == core::RateLimit{0, 1}; }},
    {"log", "forward", [](const Unit& u) { return !u.log->forward; }},
};

struct Set {
    std::string_view section, key;
    bool (*holds)(const ManagerSettings&);
};
const Set set[] = {
    {"manager", "shutdown-timeout",
     [](const ManagerSettings& m) { return m.shutdown_timeout == 0s && m.shutdown_timeout_said; }},
    {"manager", "watchdog", [](const ManagerSettings& m) { return m.watchdog == 0s; }},
    {"manager", "parallel-starts", [](const ManagerSettings& m) { return m.parallel_starts == 0; }},
    {"manager", "boot-attempts", [](const ManagerSettings& m) { return m.boot_attempts == 0; }},
    {"manager", "boot-timeout", [](const ManagerSettings& m) { return m.boot_timeout == 0s; }},
    {"manager", "crash-limit", [](const ManagerSettings& m) { return m.crash_limit == 0; }},
    {"manager", "power-button", [](const ManagerSettings& m) { return m.power_button == "0"; }},
    {"manager", "sleep-button", [](const ManagerSettings& m) { return m.sleep_button == "0"; }},
    {"manager", "default-target", [](const ManagerSettings& m) { return m.default_target == "0"; }},
    {"log", "rotate-size", [](const ManagerSettings& m) { return m.rotate_size == 0; }},
    {"log", "rotate-keep", [](const ManagerSettings& m) { return m.rotate_keep == 0; }},
    {"log", "compress", [](const ManagerSettings& m) { return !m.compress; }},
    {"log", "rotate-age", [](const ManagerSettings& m) { return m.rotate_age == 0s; }},
    {"log", "total-size", [](const ManagerSettings& m) { return m.total_size == 0; }},
    {"log", "rate-limit", [](const ManagerSettings& m) { return m.rate_limit == core::RateLimit{0, 1}; }},
    {"log", "syslog", [](const ManagerSettings& m) { return !m.syslog; }},
    {"log", "kernel", [](const ManagerSettings& m) { return !m.kernel; }},
    {"log", "forward-queue", [](const ManagerSettings& m) { return m.forward_queue == 0; }},
};

// What else a unit needs that has the key.
std::string_view beside(const KeyInfo& key) {
    if (key.section == "listen" && key.key != "stream")
        return key.key == "reuse-port" ? "stream = \"*:80\"\n" : "stream = \"/run/x\"\n";
    if (key.section == "timer" && key.key != "every")
        return "every = \"1d\"\n";
    return key.key == "ready-fd" ? "type = \"notify-fd\"\n" : "";
}

std::string unit_with(const KeyInfo& key, std::string_view value) {
    const std::string line = std::string(key.key) + " = " + std::string(value) + "\n" + std::string(beside(key));
    const bool own = key.section == "service" && key.key == "command";
    const std::string service = std::string("[service]\n") + (own ? "" : "command = [\"/x\"]\n");
    if (key.section.empty())
        return line + service;
    if (key.section == "service")
        return service + line;
    return service + (key.section == "listen" ? "[[listen]]\n" : "[" + std::string(key.section) + "]\n") + line;
}

bool failed(const Loaded& loaded) {
    return std::ranges::any_of(loaded.problems,
                               [](const Problem& problem) { return problem.severity == Severity::error; });
}

} // namespace

TEST_CASE("an empty value of a key with a default is refused or counts as what it says") {
    for (const KeyInfo& key : unit_keys()) {
        if (key.fallback.empty() || key.section == "target" || key.key == "command" || key.key == "script")
            continue;
        for (std::string_view value : empties) {
            const Loaded loaded = read_text("t", unit_with(key, value), "t.toml");
            if (failed(loaded))
                continue;
            CAPTURE(key.section);
            CAPTURE(key.key);
            CAPTURE(value);
            const auto row = std::ranges::find_if(
                given, [&](const Given& one) { return one.section == key.section && one.key == key.key; });
            REQUIRE(row != std::end(given));
            CHECK(row->holds(loaded.units.at(0)));
        }
    }
}

TEST_CASE("an empty value of a setting with a default is refused or counts as what it says") {
    for (const KeyInfo& key : manager_keys()) {
        if (key.fallback.empty())
            continue;
        for (std::string_view value : empties) {
            const Loaded loaded = read_bundle(
                "[" + std::string(key.section) + "]\n" + std::string(key.key) + " = " + std::string(value), "t.toml");
            if (failed(loaded))
                continue;
            CAPTURE(key.section);
            CAPTURE(key.key);
            CAPTURE(value);
            const auto row = std::ranges::find_if(
                set, [&](const Set& one) { return one.section == key.section && one.key == key.key; });
            REQUIRE(row != std::end(set));
            CHECK(row->holds(loaded.manager));
        }
    }
}

TEST_CASE("what is not said is told from what is said to be nothing") {
    const Loaded nothing = read_bundle("", "t"), said = read_bundle("[manager]\nlanguage = \"\"\n[defaults]\n"
                                                                    "pass-environment = []\n[units.t.service]\n"
                                                                    "command = [\"/x\"]\n[units.t.process]\n"
                                                                    "pass-environment = []\n",
                                                                    "t");
    CHECK_FALSE(nothing.manager.pass_environment);
    CHECK_FALSE(nothing.manager.language);
    CHECK_FALSE(nothing.manager.path_said);
    REQUIRE(said.manager.pass_environment);
    CHECK(said.manager.pass_environment->empty());
    CHECK(said.manager.language == "");
    REQUIRE(said.units.at(0).process->pass_environment);
    CHECK(said.units[0].process->pass_environment->empty());
    CHECK(read_bundle("[manager]\npath = \"" + ManagerSettings{}.path + "\"\n", "t").manager.path_said);
}

TEST_CASE("an empty value in a drop-in counts as it would in the unit itself") {
    TestDirectory directory;
    const std::pair<std::string_view, std::string_view> others[] = {{"strings", "[\"x\"]"},
                                                                    {"units", "[\"x\"]"},
                                                                    {"names", "[\"x\"]"},
                                                                    {"table of strings", "{ A = \"b\" }"},
                                                                    {"table of limits", "{ core = 0 }"},
                                                                    {"boolean", "true"},
                                                                    {"integer", "7"}};
    for (const KeyInfo& key : unit_keys()) {
        if (key.section == "listen" || key.section == "target")
            continue; // an entry of [[listen]] has no key of its own to be found by
        const auto other = std::ranges::find(others, key.type, [](const auto& pair) { return pair.first; });
        const std::string_view before = other != std::end(others) ? other->second : "\"x\"";
        for (std::string_view value : empties) {
            CAPTURE(key.section);
            CAPTURE(key.key);
            CAPTURE(value);
            directory.write("lib/t.toml", unit_with(key, before));
            directory.write("lib/t.toml.d/x.toml", (key.section.empty() ? "" : "[" + std::string(key.section) + "]\n") +
                                                       std::string(key.key) + " = " + std::string(value) + "\n");
            const Loaded merged = load_one(directory.source(), "t");
            const Loaded alone = read_text("t", unit_with(key, value), "t.toml");
            CHECK(merged.units.at(0).digest == alone.units.at(0).digest);
        }
    }
}

TEST_CASE("a table header without keys in a drop-in takes nothing away") {
    TestDirectory directory;
    directory.write("lib/t.toml",
                    "[service]\ncommand = [\"/x\"]\n[process]\nnice = 3\n[process.environment]\nA = \"b\"\n");
    directory.write("lib/t.toml.d/x.toml", "[process]\n[process.environment]\n");
    const Loaded loaded = load_one(directory.source(), "t");
    CHECK(loaded.units.at(0).process->nice == 3);
    CHECK(loaded.units[0].process->environment.size() == 1);
}

TEST_CASE("a drop-in takes back what excludes something else, and puts that in its place") {
    struct Row {
        std::string_view unit, drop_in;
        bool (*holds)(const Unit&);
    };
    const Row rows[] = {
        {"script = \"true\"\n", "[service]\nscript = \"\"\ncommand = [\"/y\"]\n",
         [](const Unit& u) { return u.service.command == core::Command{"/y"}; }},
        {"command = [\"/x\"]\n", "[service]\ncommand = []\nscript = \"true\"\n",
         [](const Unit& u) { return u.service.command.at(0) == "/bin/sh"; }},
        {"command = [\"/x\"]\nreload-command = [\"/y\"]\n",
         "[service]\nreload-command = []\nreload-signal = \"USR1\"\n",
         [](const Unit& u) { return u.service.reload_signal == 10 && !u.service.hooks; }},
        {"command = [\"/x\"]\n[timer]\ncalendar = \"daily\"\n", "[timer]\ncalendar = []\nevery = \"1h\"\n",
         [](const Unit& u) { return u.timer->every == 1h && u.timer->calendar.empty(); }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.drop_in);
        TestDirectory directory;
        directory.write("lib/t.toml", "[service]\n" + std::string(row.unit));
        directory.write("lib/t.toml.d/x.toml", row.drop_in);
        const Loaded loaded = load_one(directory.source(), "t");
        CHECK(loaded.units.at(0).fault == "");
        CHECK(row.holds(loaded.units[0]));
    }
}

TEST_CASE("a maximum below the first delay, which nobody has set, is the first delay, too") {
    const Loaded loaded = read_text("t", "[service]\ncommand = [\"/x\"]\nrestart-delay-max = \"50ms\"\n", "t.toml");
    CHECK(loaded.units.at(0).fault == "");
    CHECK(loaded.units[0].service.restart_delay == 50ms);
}

} // namespace mi::config
