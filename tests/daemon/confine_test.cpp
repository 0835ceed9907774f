// From the keys that keep a service away from things to the plan that does it: which changes, in which order.
#include "base/unreachable.hpp"
#include "config/load.hpp"
#include "daemon/start/launch.hpp"
#include "os/scene.hpp"
#include "start_scene.hpp"

#include <linux/capability.h>

using namespace mi;
using namespace mi::daemon;

namespace {

// The launch of a service with these lines in [process].
std::expected<Launch, NoStart> launch(Surroundings& surroundings, const std::string& process,
                                      const std::string& service = "command = ['/bin/true']\n") {
    static core::ManagerSettings settings;
    surroundings.settings = &settings;
    surroundings.refresh();
    config::Loaded loaded =
        config::read_bundle("[units.a.service]\n" + service + "[units.a.process]\n" + process, "test.toml", {});
    for (const config::Problem& problem : loaded.problems)
        FAIL(config::brief(problem));
    const core::Unit& unit = loaded.units.front();
    auto files = files_anyway(unit, false, surroundings);
    if (!files)
        return std::unexpected(files.error());
    return prepare(unit, unit.service.command, true, "0123", false, surroundings, *files);
}

std::string_view word(os::MountChange::Kind kind) {
    switch (kind) {
    case os::MountChange::Kind::read_only: return "ro";
    case os::MountChange::Kind::read_write: return "rw";
    case os::MountChange::Kind::bind: return "bind";
    case os::MountChange::Kind::nothing: return "nothing";
    case os::MountChange::Kind::devices: return "devices";
    case os::MountChange::Kind::bind_read_only: return "bind-ro";
    case os::MountChange::Kind::proc: return "proc";
    }
    unreachable("there is no other kind of change");
}

// "ro:/usr rw:/srv bind:/tmp", without what this machine happens to have.
std::string changes(const Launch& made) {
    std::string all;
    if (made.plan.mounting)
        for (const os::MountChange& change : made.plan.mounting->changes) {
            std::string_view path = change.path;
            if (path.starts_with("/dev/") || path == "/sbin" || path == "/bin" || path.starts_with("/lib"))
                continue;
            all += (all.empty() ? "" : " ") + std::string(word(change.kind)) + ":" + change.path;
        }
    return all;
}

std::string changes(const std::string& process) {
    Surroundings surroundings;
    os::Scratch scratch;
    surroundings.nothing = scratch / "nothing";
    auto made = launch(surroundings, process);
    REQUIRE(made);
    return changes(*made);
}

} // namespace

TEST_CASE("without such a key the plan has none of it") {
    Surroundings surroundings;
    auto made = launch(surroundings, "umask = '0022'\n");
    REQUIRE(made);
    CHECK_FALSE(made->plan.mounting);
    CHECK_FALSE(made->plan.keeping);
    CHECK_FALSE(made->plan.filter);
    CHECK_FALSE(made->plan.scheduling);
    CHECK_FALSE(made->plan.io_priority);
    CHECK(made->plan.processors.empty());
    CHECK(made->plan.directories.empty());
    CHECK(made->plan.root.empty());
    CHECK(made->plan.network == -1);
    CHECK_FALSE(made->plan.no_new_privileges);
}

TEST_CASE("protect-system says what is read-only, strict says all but what the kernel answers by") {
    CHECK(changes("protect-system = 'yes'\n") == "ro:/boot ro:/efi ro:/usr");
    CHECK(changes("protect-system = 'full'\n") == "ro:/boot ro:/efi ro:/etc ro:/usr");
    CHECK(changes("protect-system = 'strict'\n") == "ro:/ rw:/dev rw:/proc rw:/sys");
    CHECK(changes("protect-system = 'strict'\nprivate-devices = true\n") == "ro:/ devices:/dev rw:/proc rw:/sys");
    CHECK(changes("protect-system = false\n").empty());
}

TEST_CASE("a /proc of its own is below what else is said of it, and replaces that of the machine") {
    CHECK(changes("protect-proc = 'invisible'\nread-only-paths = ['-/proc/sys']\n") == "proc:/proc ro:/proc/sys");
    CHECK(changes("proc-subset = 'pid'\nprotect-system = 'strict'\n") == "ro:/ rw:/dev proc:/proc rw:/sys");
    CHECK(changes("protect-proc = 'default'\nproc-subset = 'all'\n").empty());
    Surroundings surroundings;
    auto made = launch(surroundings, "protect-proc = 'noaccess'\nproc-subset = 'pid'\n");
    REQUIRE(made);
    const os::MountChange& change = made->plan.mounting->changes.front();
    CHECK(change.source == "noaccess");
    CHECK(change.make);
    CHECK(change.about == "protect-proc");
}

TEST_CASE("paths are shown elsewhere, and a mount namespace can be had without any change") {
    CHECK(changes("bind-paths = ['/a:/b', '-/c']\nbind-read-only-paths = ['/d']\n") == "bind:/b bind:/c bind-ro:/d");
    Surroundings surroundings;
    auto made = launch(surroundings, "private-mounts = true\n");
    REQUIRE(made);
    REQUIRE(made->plan.mounting);
    CHECK(made->plan.mounting->changes.empty());
}

TEST_CASE("calls of other architectures are denied, also where nothing else is") {
    Surroundings surroundings;
    auto made = launch(surroundings, "native-system-calls = true\n");
    REQUIRE(made);
    CHECK(made->plan.filter);
}

TEST_CASE("what lies deeper is laid over what is above it, and what is hidden comes last") {
    CHECK(changes("read-write-paths = ['/no/a/b']\nread-only-paths = ['/no/a/b/c', '/no/a']\n"
                  "inaccessible-paths = ['/no']\n") == "ro:/no/a rw:/no/a/b ro:/no/a/b/c nothing:/no");
    CHECK(changes("protect-system = 'full'\nread-write-paths = ['/etc']\n") ==
          "ro:/boot ro:/efi ro:/etc rw:/etc ro:/usr");
    CHECK(changes("read-write-paths = ['/no']\nread-only-paths = ['/no']\n") == "rw:/no ro:/no");
}

TEST_CASE("paths are followed to where they lead before they are put in order") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "real");
    std::filesystem::create_directory_symlink(scratch / "real", scratch / "link");
    CHECK(changes("read-only-paths = ['" + (scratch / "link/x") + "']\n") == "ro:" + (scratch / "real/x"));
    std::filesystem::create_directory_symlink("/", scratch / "root");
    Surroundings surroundings;
    surroundings.nothing = scratch / "nothing";
    auto made = launch(surroundings, "inaccessible-paths = ['" + (scratch / "root") + "']\n");
    REQUIRE_FALSE(made);
    CHECK(made.error().words == "inaccessible-paths \"" + (scratch / "root") + "\": that is the root directory");
}

TEST_CASE("a private /tmp is a directory of the run, in which nobody else can look") {
    Surroundings surroundings;
    auto made = launch(surroundings, "private-tmp = true\nuser = '1000'\n");
    if (::geteuid() != 0)
        return;
    REQUIRE(made);
    REQUIRE(made->plan.mounting);
    const os::MountChange& change = made->plan.mounting->changes.front();
    CHECK(change.path == "/tmp");
    CHECK(change.source == "/tmp/miniinit-a-0123/tmp");
    CHECK(change.about == "private-tmp");
    const os::Directory& directory = made->plan.directories.front();
    CHECK(directory.path() == change.source);
    CHECK(directory.parents_mode == 0700);
    CHECK(directory.mode == 01777);
    CHECK(directory.owner == 0);
    CHECK(directory.ours);
    CHECK(made->temporary.front() == "/tmp/miniinit-a-0123");
}

TEST_CASE("directories of its own are its user's, and stand in its environment") {
    Surroundings surroundings;
    auto made = launch(surroundings, "user = '1000'\nruntime-directory = ['a', 'b/c']\nstate-directory = 's'\n"
                                     "logs-directory = 'l'\n");
    if (::geteuid() != 0)
        return;
    REQUIRE(made);
    CHECK(made->plan.environment.get("RUNTIME_DIRECTORY") == "/run/a:/run/b/c");
    CHECK(made->plan.environment.get("STATE_DIRECTORY") == "/var/lib/s");
    CHECK(made->plan.environment.get("LOGS_DIRECTORY") == "/var/log/l");
    REQUIRE(made->plan.directories.size() == 4);
    for (const os::Directory& directory : made->plan.directories) {
        CHECK(directory.owner == 1000);
        CHECK(directory.group == 1000);
        CHECK_FALSE(directory.make_base);
    }
    CHECK(made->runtime.size() == 2);
    CHECK(made->temporary.empty());
    CHECK_FALSE(made->plan.mounting); // they need none

    made = launch(surroundings, "user = '1000'\ncache-directory = 'c'\nconfiguration-directory = 'e'\n"
                                "runtime-directory = 'a'\nkeep-runtime-directory = true\n");
    REQUIRE(made);
    CHECK(made->plan.environment.get("CACHE_DIRECTORY") == "/var/cache/c");
    CHECK(made->plan.environment.get("CONFIGURATION_DIRECTORY") == "/etc/e");
    CHECK(made->runtime.empty()); // it stays
    REQUIRE(made->plan.directories.size() == 3);
    CHECK(made->plan.directories[1].owner == 1000);
    CHECK(made->plan.directories[2].owner == 0);
    CHECK(made->plan.directories[2].keep_owner);
    made = launch(surroundings, "cache-directory = 'c'\nconfiguration-directory = 'e'\nprotect-system = 'strict'\n");
    REQUIRE(made);
    CHECK(changes(*made) == "ro:/ rw:/dev rw:/proc rw:/sys bind:/var/cache/c"); // its configuration it only reads

    surroundings.mode = Mode::user;
    surroundings.directories = {"/x/run", "/x/state", "/x/state/log"};
    made = launch(surroundings, "state-directory = 's'\nlogs-directory = 'l'\nprotect-system = 'strict'\n");
    REQUIRE(made);
    CHECK(made->plan.environment.get("LOGS_DIRECTORY") == "/x/state/log/l");
    CHECK(made->plan.directories.front().make_base);
    CHECK(changes(*made) == "ro:/ rw:/dev rw:/proc rw:/sys bind:/x/state/log/l bind:/x/state/s");
}

TEST_CASE("a root directory has in it what the service is given outside") {
    os::Scratch scratch;
    std::filesystem::create_directories(scratch / "bin");
    std::filesystem::create_symlink("tool", scratch / "bin/name");
    scratch.write("bin/tool", "#!/bin/sh\n", 0755);
    Surroundings surroundings;
    surroundings.notify = "/run/miniinit/notify";
    auto made = launch(surroundings, "root-directory = '" + scratch.path() + "'\nstate-directory = 's'\n",
                       "type = 'notify'\ncommand = ['name']\n");
    REQUIRE(made);
    CHECK(made->plan.root == scratch.path());
    CHECK(made->plan.file == "/bin/name");
    bool may_mount = (os::own_capabilities() >> CAP_SYS_ADMIN & 1) != 0;
    CHECK(changes(*made) == (may_mount ? "bind:/run/miniinit/notify bind:/var/lib/s" : "bind:/var/lib/s"));
    auto missing = launch(surroundings, "root-directory = '" + scratch.path() + "'\n", "command = ['sh']\n");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().words == "exec: find sh: No such file or directory");
}

TEST_CASE("capabilities: those that are named and that we have; the others are spoken of") {
    Surroundings surroundings;
    auto made = launch(surroundings, "capabilities = ['CAP_KILL', 'CAP_CHOWN']\n");
    REQUIRE(made);
    CapabilitySet named = CapabilitySet{1} << CAP_KILL | CapabilitySet{1} << CAP_CHOWN;
    CHECK(made->plan.keeping->bounding == named);
    CHECK(made->plan.keeping->kept == (named & os::own_capabilities()));
    CHECK(made->plan.keeping->by_ambience == (::geteuid() != 0));
    CHECK(made->warnings.empty() == ((named & ~os::own_capabilities()) == 0));
    made = launch(surroundings, "capabilities = []\nprivate-devices = true\n");
    REQUIRE(made);
    CHECK(made->plan.keeping->bounding == 0);
    CHECK(made->plan.keeping->kept == 0);
    made = launch(surroundings, "private-devices = true\n");
    REQUIRE(made);
    CHECK(made->plan.keeping->bounding == ~(CapabilitySet{1} << CAP_MKNOD | CapabilitySet{1} << CAP_SYS_RAWIO));
}

TEST_CASE("a filter forbids new privileges but to an administrator, and is made once") {
    Surroundings surroundings;
    auto made = launch(surroundings, "system-call-filter = ['@system-service']\n");
    REQUIRE(made);
    REQUIRE(made->plan.filter);
    CHECK(made->plan.no_new_privileges == ((os::own_capabilities() >> CAP_SYS_ADMIN & 1) == 0));
    auto again = launch(surroundings, "system-call-filter = ['@system-service']\ncapabilities = []\n");
    REQUIRE(again);
    CHECK(again->plan.filter == made->plan.filter);
    CHECK(again->plan.no_new_privileges);
    auto other = launch(surroundings, "system-call-filter = ['@system-service']\nsystem-call-error = 'EPERM'\n");
    REQUIRE(other);
    CHECK(other->plan.filter != made->plan.filter);
}

TEST_CASE("processors, scheduling and I/O priority arrive as the kernel takes them") {
    Surroundings surroundings;
    auto made =
        launch(surroundings, "cpu-affinity = [0, '64-65']\nscheduling = 'rr:5'\nio-priority = 'best-effort:3'\n");
    REQUIRE(made);
    CHECK(made->plan.processors == std::vector<unsigned long>{1, 3});
    CHECK(made->plan.scheduling->policy == SCHED_RR);
    CHECK(made->plan.scheduling->priority == 5);
    CHECK(made->plan.io_priority == (2 << 13 | 3));
}
