// From a unit to a plan: the environment, the descriptors, the identity and the limits that its process is given.
#include "config/load.hpp"
#include "daemon/start/launch.hpp"
#include "os/process/limits.hpp"
#include "os/scene.hpp"
#include "start_scene.hpp"

#include <algorithm>
#include <optional>

using namespace mi;
using namespace mi::daemon;

namespace {

// A launch of the one unit in `toml`, in surroundings that a story can arrange first.
class Pad {
public:
    explicit Pad(const std::string& toml, bool entry = false) : entry_(entry) {
        config::Loaded loaded = config::read_bundle(toml, "test.toml", {});
        for (const config::Problem& problem : loaded.problems)
            FAIL(config::brief(problem));
        REQUIRE(loaded.units.size() == 1);
        unit_ = std::move(loaded.units.front());
        settings = std::move(loaded.manager);
        surroundings.settings = &settings;
        surroundings.mode = Mode::system;
    }
    Pad(const Pad&) = delete;
    Pad& operator=(const Pad&) = delete;
    std::expected<Launch, NoStart> launch(bool main = true, const Handed& handed = {}) {
        surroundings.refresh();
        auto files = files_anyway(unit_, entry_, surroundings);
        if (!files)
            return std::unexpected(files.error());
        return prepare(unit_, unit_.service.command, main, "0123", entry_, surroundings, *files, handed);
    }
    std::string fault() {
        auto made = launch();
        return made ? "none" : made.error().words;
    }
    // "KEY=VALUE" of every variable, sorted.
    std::string environment() {
        auto made = launch();
        REQUIRE(made);
        std::vector<std::string> lines;
        for (std::size_t i = 0; i < made->plan.environment.size(); ++i)
            lines.emplace_back(made->plan.environment[i]);
        std::sort(lines.begin(), lines.end());
        std::string all;
        for (const std::string& line : lines)
            all += (all.empty() ? "" : " ") + line;
        return all;
    }
    std::optional<std::string> variable(std::string_view key) {
        auto made = launch();
        REQUIRE(made);
        for (std::size_t i = 0; i < made->plan.environment.size(); ++i)
            if (std::string_view line = made->plan.environment[i]; line.starts_with(std::string(key) + "="))
                return std::string(line.substr(key.size() + 1));
        return std::nullopt;
    }

    core::ManagerSettings settings;
    Surroundings surroundings;

private:
    core::Unit unit_;
    bool entry_;
};

const std::string service = "[units.a.service]\ncommand = ['/bin/true', 'x y']\n";
constexpr const char* path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

} // namespace

TEST_CASE("the environment is built from nothing") {
    Pad pad(service);
    pad.surroundings.environment = {"SECRET=1", "PATH=/evil", "INVOCATION_ID=ours"};
    CHECK(pad.environment() == "INVOCATION_ID=0123 MINIINIT_UNIT=a PATH=" + std::string(path));
}

TEST_CASE("LANG, defaults and the unit's own words come in this order, the last one wins") {
    Pad pad("[manager]\nlanguage = 'C.UTF-8'\n[defaults]\nenvironment = { A = 'default', B = 'default' }\n" + service +
            "[units.a.process]\nenvironment = { B = 'unit', LANG = 'de' }\n");
    CHECK(pad.variable("A") == "default");
    CHECK(pad.variable("B") == "unit");
    CHECK(pad.variable("LANG") == "de");
}

TEST_CASE("what is passed on is taken from ours by name, or all of it") {
    Pad pad(service + "[units.a.process]\npass-environment = ['A', 'GONE']\n");
    pad.surroundings.environment = {"A=1=2", "B=2", "broken"};
    CHECK(pad.variable("A") == "1=2");
    CHECK_FALSE(pad.variable("B"));
    CHECK_FALSE(pad.variable("GONE"));
}

TEST_CASE("what is passed on: by the unit's word, else by that of the defaults, else all of it in a container") {
    struct Row {
        const char* defaults;
        const char* unit;
        Mode mode;
        const char* environment; // besides PATH and what is told of itself
    };
    const Row rows[] = {
        {"", "", Mode::container, "A=1 B=2"},
        {"", "", Mode::system, ""},
        {"pass-environment = []", "", Mode::container, ""},
        {"pass-environment = ['A']", "", Mode::container, "A=1"},
        {"pass-environment = ['A']", "pass-environment = []", Mode::system, ""},
        {"pass-environment = ['A']", "pass-environment = ['B']", Mode::system, "B=2"},
        {"", "pass-environment = []", Mode::container, ""},
        {"environment = { B = 'x' }", "pass-environment = []", Mode::container, "B=x"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.defaults);
        CAPTURE(row.unit);
        Pad pad("[defaults]\n" + std::string(row.defaults) + "\n" + service + "[units.a.process]\n" + row.unit + "\n");
        pad.surroundings.mode = row.mode;
        pad.surroundings.environment = {"A=1", "B=2"};
        CHECK(pad.environment() == std::string(row.environment) + (*row.environment != 0 ? " " : "") +
                                       "INVOCATION_ID=0123 MINIINIT_UNIT=a PATH=" + core::ManagerSettings{}.path);
    }
}

TEST_CASE("a setting that says what is the default anyway counts more than what is passed on") {
    Pad pad("[manager]\nlanguage = ''\npath = '" + core::ManagerSettings{}.path + "'\n" + service);
    pad.surroundings.mode = Mode::container;
    pad.surroundings.environment = {"PATH=/passed", "LANG=de"};
    CHECK(pad.variable("PATH") == core::ManagerSettings{}.path);
    CHECK(pad.variable("LANG") == "");
}

TEST_CASE("what we tell a service of itself is not replaced by what our own maker told us") {
    std::string text = "[units.a.service]\ntype = 'notify'\ncommand = '/bin/true'\n";
    bool by_unit = false;
    SUBCASE("passed by the defaults") {}
    SUBCASE("passed by the unit") {
        text += "[units.a.process]\npass-environment = ['*']\n";
        by_unit = true;
    }
    Pad pad(text);
    if (!by_unit)
        pad.settings.pass_environment = {"*"};
    pad.surroundings.notify = "/run/miniinit/notify";
    pad.surroundings.environment = {"NOTIFY_SOCKET=/outer", "INVOCATION_ID=outer", "MINIINIT_UNIT=outer"};
    CHECK(pad.variable("NOTIFY_SOCKET") == "/run/miniinit/notify");
    CHECK(pad.variable("INVOCATION_ID") == "0123");
    CHECK(pad.variable("MINIINIT_UNIT") == "a");
}

TEST_CASE("who may speak by sd_notify is told where, and who is watched how often it has to") {
    auto told = [](const char* keys, bool main = true) {
        Pad pad(service + keys);
        pad.surroundings.notify = "/run/miniinit/notify/1";
        auto made = pad.launch(main);
        REQUIRE(made);
        std::string all;
        for (std::size_t i = 0; i < made->plan.environment.size(); ++i)
            if (std::string_view line = made->plan.environment[i];
                line.starts_with("NOTIFY_SOCKET=") || line.starts_with("WATCHDOG_"))
                all += std::string(all.empty() ? "" : " ") + std::string(line);
        return all;
    };
    CHECK(told("") == "");
    CHECK(told("type = 'notify'\n") == "NOTIFY_SOCKET=/run/miniinit/notify/1");
    CHECK(told("notify-access = 'exec'\n") == "NOTIFY_SOCKET=/run/miniinit/notify/1");
    CHECK(told("watchdog = '1500ms'\n") ==
          "NOTIFY_SOCKET=/run/miniinit/notify/1 WATCHDOG_USEC=1500000 WATCHDOG_PID=0000000000");
    // A command around it does not ping.
    CHECK(told("watchdog = '1500ms'\n", false) == "NOTIFY_SOCKET=/run/miniinit/notify/1");
}

TEST_CASE("our maker's channels to us are not passed on to services") {
    Pad pad(service);
    pad.settings.pass_environment = {"*"};
    pad.surroundings.environment = {"NOTIFY_SOCKET=/outer", "LISTEN_FDS=1", "LISTEN_PID=1", "WATCHDOG_USEC=5", "A=1"};
    CHECK(pad.variable("A") == "1");
    for (const char* key : {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC"}) {
        CAPTURE(key);
        CHECK_FALSE(pad.variable(key));
    }
}

TEST_CASE("a path that the configuration names wins over one that is passed") {
    Pad pad("[manager]\npath = '/opt/bin:/usr/bin:/bin'\n" + service);
    pad.settings.pass_environment = {"*"};
    pad.surroundings.environment = {"PATH=/passed"};
    CHECK(pad.variable("PATH") == "/opt/bin:/usr/bin:/bin");
}

TEST_CASE("environment files are read in order, and may be missing only where that is said") {
    os::Scratch scratch;
    scratch.write("one", "# a comment\nA=1\nB='x y'\nC=\"q\"\n");
    scratch.write("two", "A=2\n");
    scratch.write("bad", "no equals\n");
    Pad good(service + "[units.a.process]\nenvironment-files = ['" + (scratch / "one") + "', '" + (scratch / "two") +
             "', '-" + (scratch / "none") + "']\nenvironment = { C = 'unit', D = 'unit' }\n");
    CHECK(good.variable("A") == "2");
    CHECK(good.variable("B") == "x y");
    CHECK(good.variable("C") == "q"); // over what the unit sets
    CHECK(good.variable("D") == "unit");
    Pad missing(service + "[units.a.process]\nenvironment-files = ['" + (scratch / "none") + "']\n");
    CHECK(missing.fault() == "environment file: open " + (scratch / "none") + ": No such file or directory");
    Pad bad(service + "[units.a.process]\nenvironment-files = ['" + (scratch / "bad") + "']\n");
    CHECK(bad.fault().starts_with("environment file " + (scratch / "bad") + ":1: "));
}

TEST_CASE("a user brings his groups and his part of the environment, and owns the log pipes") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "etc");
    scratch.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv/web:/bin/false\n");
    scratch.write("etc/group", "web:x:1001:\nlog:x:50:web\nextra:x:60:\n");
    Pad pad(service + "[units.a.process]\nuser = 'web'\nsupplementary-groups = ['extra', 'log', '70']\n");
    pad.surroundings.accounts = os::Accounts(scratch.path());
    if (::geteuid() != 0) // fchown is for root
        return;
    auto launch = pad.launch();
    REQUIRE(launch);
    CHECK(launch->plan.user == 1000);
    CHECK(launch->plan.group == 1001);
    CHECK(launch->plan.groups == std::vector<gid_t>{1001, 50, 60, 70});
    CHECK(pad.variable("HOME") == "/srv/web");
    CHECK(pad.variable("USER") == "web");
    CHECK(pad.variable("LOGNAME") == "web");
    CHECK(pad.variable("SHELL") == "/bin/false");
    struct stat about{};
    REQUIRE(::fstat(launch->out.get(), &about) == 0);
    CHECK(about.st_uid == 1000);
}

TEST_CASE("a user is made up where there is no such account, and starts at home where that is said") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "etc");
    scratch.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv/web:/bin/false\n");
    scratch.write("etc/group", "web:x:1001:\nlog:x:50:web\n");
    if (::geteuid() != 0) // fchown is for root
        return;
    const auto with = [&](Pad& pad) {
        pad.surroundings.accounts = os::Accounts(scratch.path());
        pad.surroundings.run_directory = scratch.path();
        return pad.launch();
    };
    Pad pad(service + "[units.a.process]\ndynamic-user = true\nsupplementary-groups = ['log']\ngroup = 'a'\n");
    auto launch = with(pad);
    REQUIRE(launch);
    REQUIRE(launch->plan.user);
    CHECK(*launch->plan.user >= 61184);
    CHECK(*launch->plan.user <= 65519);
    CHECK(launch->plan.group == *launch->plan.user);
    CHECK(launch->plan.groups == std::vector<gid_t>{*launch->plan.user, 50});
    CHECK(pad.variable("USER") == "a");
    CHECK(pad.variable("HOME") == "/");
    CHECK(with(pad)->plan.user == launch->plan.user);
    Pad other(service + "[units.a.process]\ndynamic-user = true\nuser = 'web'\nworking-directory = '~'\n");
    launch = with(other);
    REQUIRE(launch);
    CHECK(launch->plan.user == 1000); // there is one of that name
    CHECK(launch->plan.directory == "/srv/web");
    scratch.write("etc/passwd", "taken:x:" + std::to_string(*with(pad)->plan.user) + ":1::/:/bin/sh\n");
    Pad third(service + "[units.a.process]\ndynamic-user = true\n");
    CHECK(with(third).error().words.ends_with("which is taken: Device or resource busy"));
}

TEST_CASE("a group of its own replaces the user's, and is the only one without a user") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "etc");
    scratch.write("etc/passwd", "web:x:1000:1001::/srv/web:/bin/false\n");
    scratch.write("etc/group", "web:x:1001:\nlog:x:50:web\nextra:x:60:\n");
    Pad alone(service + "[units.a.process]\ngroup = 'extra'\n");
    alone.surroundings.accounts = os::Accounts(scratch.path());
    auto launch = alone.launch();
    REQUIRE(launch);
    CHECK_FALSE(launch->plan.user);
    CHECK(launch->plan.group == 60);
    CHECK(launch->plan.groups == std::vector<gid_t>{});
    if (::geteuid() != 0)
        return;
    Pad both(service + "[units.a.process]\nuser = 'web'\ngroup = 'extra'\n");
    both.surroundings.accounts = os::Accounts(scratch.path());
    launch = both.launch();
    REQUIRE(launch);
    CHECK(launch->plan.group == 60);
    CHECK(launch->plan.groups == std::vector<gid_t>{60, 50});
}

TEST_CASE("who and what is not there is named") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "etc");
    scratch.write("etc/passwd", "");
    scratch.write("etc/group", "");
    auto fault = [&](const std::string& process) {
        Pad pad(service + "[units.a.process]\n" + process);
        pad.surroundings.accounts = os::Accounts(scratch.path());
        return pad.fault();
    };
    CHECK(fault("user = 'nobody-here'\n") == "user \"nobody-here\": no such user");
    CHECK(fault("group = 'nobody-here'\n") == "group \"nobody-here\": no such group");
    CHECK(fault("user = '1000'\nsupplementary-groups = ['nobody-here']\n") == "group \"nobody-here\": no such group");
    CHECK(Pad("[units.a.service]\ncommand = 'no-such-program'\n").fault() ==
          "exec: find no-such-program: No such file or directory");
}

TEST_CASE("a program without a slash is looked for in the service's own PATH") {
    os::Scratch scratch;
    scratch.write("tool", "#!/bin/sh\n", 0755);
    Pad pad("[units.a.service]\ncommand = 'tool'\n[units.a.process]\nenvironment = { PATH = '" + scratch.path() +
            "' }\n");
    auto launch = pad.launch();
    REQUIRE(launch);
    CHECK(launch->plan.file == scratch / "tool");
    CHECK(launch->plan.arguments[0] == "tool");
}

TEST_CASE("by default stdin is /dev/null and each output a pipe of its own") {
    Pad pad(service);
    auto launch = pad.launch();
    REQUIRE(launch);
    REQUIRE(launch->plan.moves.size() == 3);
    CHECK(launch->plan.moves[0] == os::Move{os::null_device, 0});
    CHECK(launch->plan.moves[1].target == 1);
    CHECK(launch->plan.moves[2].target == 2);
    CHECK(launch->out);
    CHECK(launch->err);
    CHECK(launch->out.get() != launch->err.get());
    CHECK(launch->theirs.size() == 2);
    CHECK(launch->plan.session == os::Session::fresh);
    CHECK(launch->plan.umask == 022);
    CHECK(launch->plan.directory.empty());
    CHECK_FALSE(launch->plan.user);
    CHECK_FALSE(launch->plan.nice);
    CHECK(launch->plan.limits.empty());
}

TEST_CASE("outputs and inputs go where the unit says") {
    Pad pad(service + "[units.a.process]\nstdin = 'file:/in'\nstdout = 'file:/out'\nstderr = 'null'\n");
    auto launch = pad.launch();
    REQUIRE(launch);
    REQUIRE(launch->plan.opens.size() == 2);
    CHECK(launch->plan.opens[0].path == "/in");
    CHECK(launch->plan.opens[0].target == 0);
    CHECK((launch->plan.opens[0].flags & O_ACCMODE) == O_RDONLY);
    CHECK(launch->plan.opens[1].path == "/out");
    CHECK(launch->plan.opens[1].target == 1);
    CHECK((launch->plan.opens[1].flags & (O_ACCMODE | O_CREAT | O_APPEND | O_TRUNC)) ==
          (O_WRONLY | O_CREAT | O_APPEND));
    CHECK(launch->plan.moves == std::vector<os::Move>{{os::null_device, 2}});
    CHECK_FALSE(launch->out);
    CHECK_FALSE(launch->err);
}

TEST_CASE("a terminal becomes what the unit says it becomes") {
    Pad pad(service + "[units.a.process]\ntty = '/dev/tty1'\nstdin = 'tty'\nstdout = 'inherit'\n");
    auto launch = pad.launch();
    REQUIRE(launch);
    REQUIRE(launch->plan.terminal);
    CHECK(launch->plan.terminal->path == "/dev/tty1");
    CHECK(launch->plan.terminal->onto == std::array{true, true, false});
    CHECK_FALSE(launch->out);
    CHECK(launch->err);
}

TEST_CASE("the main process of a container keeps what is ours") {
    Pad pad(service, true);
    pad.surroundings.environment = {"A=1", "PATH=/usr/bin:/bin"};
    auto launch = pad.launch();
    REQUIRE(launch);
    CHECK(launch->plan.moves.empty());
    CHECK(launch->plan.opens.empty());
    CHECK(launch->plan.session == os::Session::group);
    CHECK(pad.variable("A") == "1");
    CHECK(pad.variable("PATH") == "/usr/bin:/bin");
}

TEST_CASE("limits: ours as we found them, then the defaults, then the unit's, one of each kind") {
    Pad pad("[defaults]\nlimits = { nofile = 100, core = 0 }\n" + service +
            "[units.a.process]\nlimits = { nofile = [5, 'unlimited'] }\n");
    pad.surroundings.limits = {{RLIMIT_NOFILE, 1024, 4096}, {RLIMIT_FSIZE, 7, 7}};
    auto launch = pad.launch();
    REQUIRE(launch);
    REQUIRE(launch->plan.limits.size() == 3);
    CHECK(launch->plan.limits[0].resource == RLIMIT_NOFILE);
    CHECK(launch->plan.limits[0].soft == 5);
    CHECK(launch->plan.limits[0].hard == os::reachable({RLIMIT_NOFILE, 5, RLIM_INFINITY}).hard);
    CHECK(launch->plan.limits[0].at_most);
    CHECK(launch->plan.limits[1].resource == RLIMIT_FSIZE);
    CHECK(launch->plan.limits[1].hard == 7);
    CHECK(launch->plan.limits[2].resource == RLIMIT_CORE);
    CHECK(launch->plan.limits[2].soft == 0);
}

TEST_CASE("a notify-fd service has its pipe on the descriptor it names, the commands around it have not") {
    Pad pad("[units.a.service]\ntype = 'notify-fd'\nready-fd = 7\ncommand = '/bin/true'\n");
    auto main = pad.launch();
    REQUIRE(main);
    CHECK(main->ready);
    CHECK(main->plan.moves.back().target == 7);
    auto hook = pad.launch(false);
    REQUIRE(hook);
    CHECK_FALSE(hook->ready);
}

TEST_CASE("sockets are its descriptors from 3 on, told as sd_listen_fds(3) says") {
    Pad pad(service + "[units.a.process]\nenvironment = { LISTEN_FDS = '9', LISTEN_PID = '1' }\n");
    Handed handed{.listed = {{70, "web"}, {71, "admin"}}};
    auto launch = pad.launch(true, handed);
    REQUIRE(launch);
    CHECK(launch->plan.environment.get("LISTEN_FDS") == "2");
    CHECK(launch->plan.environment.get("LISTEN_FDNAMES") == "web:admin");
    std::vector<std::uint32_t> pids;
    launch->plan.environment.find_own_pids(pids);
    REQUIRE(pids.size() == 1);
    CHECK(launch->plan.environment[pids[0]].starts_with("LISTEN_PID="));
    CHECK(std::ranges::find(launch->plan.moves, os::Move{70, 3}) != launch->plan.moves.end());
    CHECK(std::ranges::find(launch->plan.moves, os::Move{71, 4}) != launch->plan.moves.end());
    Pad plain(service);
    CHECK_FALSE(plain.variable("LISTEN_FDS"));
    CHECK_FALSE(plain.variable("LISTEN_PID"));
}

TEST_CASE("a socket or a connection is the streams that say so, and the commands around it have none") {
    Pad pad(service + "[[units.a.listen]]\nstream = '/x'\naccept = true\n");
    auto launch = pad.launch(true, {.stream = 70, .remote = {"192.0.2.1", 4711}});
    REQUIRE(launch);
    CHECK(std::ranges::find(launch->plan.moves, os::Move{70, 0}) != launch->plan.moves.end());
    CHECK(std::ranges::find(launch->plan.moves, os::Move{70, 1}) != launch->plan.moves.end());
    CHECK(launch->err);
    CHECK(launch->plan.environment.get("REMOTE_ADDR") == "192.0.2.1");
    CHECK(launch->plan.environment.get("REMOTE_PORT") == "4711");
    auto hook = pad.launch(false);
    REQUIRE(hook);
    CHECK(std::ranges::find(hook->plan.moves, os::Move{os::null_device, 0}) != hook->plan.moves.end());
    CHECK(hook->out);
    Pad wait(service + "[units.a.process]\nstdin = 'socket'\nstderr = 'socket'\n[[units.a.listen]]\nstream = '/x'\n");
    auto waiting = wait.launch(true, {.stream = 70});
    REQUIRE(waiting);
    CHECK(std::ranges::find(waiting->plan.moves, os::Move{70, 0}) != waiting->plan.moves.end());
    CHECK(std::ranges::find(waiting->plan.moves, os::Move{70, 2}) != waiting->plan.moves.end());
    CHECK(waiting->out);
    CHECK(waiting->plan.environment.get("REMOTE_ADDR").empty());
}

TEST_CASE("a ready-fd that is taken by what it is handed fails the start with words") {
    Pad pad("[units.a.service]\ntype = 'notify-fd'\nready-fd = 4\ncommand = '/bin/true'\n");
    CHECK(pad.launch(true, {.listed = {{70, "one"}}}));
    auto launch = pad.launch(true, {.listed = {{70, "one"}, {71, "two"}}});
    REQUIRE_FALSE(launch);
    CHECK(launch.error().words == "its ready-fd 4 is where it finds \"two\"");
}

TEST_CASE("what the plan says is what the process gets") {
    os::Scratch scratch;
    Pad pad("[units.a]\nservice.script = 'echo $0 $A; umask; pwd; echo oops >&2'\n[units.a.process]\n"
            "environment = { A = 'x y' }\numask = '0077'\nworking-directory = '" +
            scratch.path() + "'\n");
    auto launch = pad.launch();
    REQUIRE(launch);
    auto spawner = os::Spawner::make();
    REQUIRE(spawner);
    auto pid = spawner->spawn(launch->plan);
    REQUIRE(pid);
    launch->theirs.clear();
    auto read_all = [](const Fd& fd) {
        std::string text;
        char bytes[256];
        for (ssize_t got = 0; (got = ::read(fd.get(), bytes, sizeof bytes)) > 0;)
            text.append(bytes, static_cast<std::size_t>(got));
        return text;
    };
    CHECK(read_all(launch->out) == "a x y\n0077\n" + scratch.path() + "\n");
    CHECK(read_all(launch->err) == "oops\n");
    int status = -1;
    CHECK(::waitpid(*pid, &status, 0) == *pid);
    CHECK(status == 0);
}

TEST_CASE("secrets are read by the process: the launch knows where they are, and variables without their values") {
    Pad pad(service + "[units.a.process]\nenvironment = { B = 'plain' }\nenvironment-from = { B = '/s/b' }\n"
                      "credentials = { key = '/s/key', tls = 'tls' }\n");
    pad.surroundings.run_directory = "/run/miniinit";
    auto made = pad.launch();
    REQUIRE(made);
    CHECK(made->plan.environment.get("B").empty());
    CHECK(made->plan.environment.get("CREDENTIALS_DIRECTORY") == "/run/miniinit/credentials/a");
    REQUIRE(made->plan.environment_from.size() == 1);
    CHECK(made->plan.environment_from.front().path == "/s/b");
    REQUIRE(made->plan.credentials);
    CHECK(made->plan.credentials->above == "/run/miniinit/credentials");
    CHECK(made->plan.credentials->files.back().path == "/run/credentials/@system/tls");
    CHECK(made->temporary == std::vector<std::string>{"/run/miniinit/credentials/a"});
    CHECK(made->runtime.empty());
    CHECK_FALSE(made->plan.mounting);
}
