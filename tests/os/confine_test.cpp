// What sets a process apart and needs no mounts: capabilities, system calls, processors, directories of its own, and
// their removal. What needs mounts is shown in QEMU (tests/boot/features/hardening.py).
#include "os/file/remove.hpp"
#include "os/mount/mounts.hpp"
#include "os/spawn/confine.hpp"
#include "scene.hpp"

#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>

using namespace mi;
using namespace mi::os;

namespace {

bool may(int capability) { return (own_capabilities() >> capability & 1) != 0; }

CapabilitySet bounding_set() {
    CapabilitySet set = 0;
    for (int capability = 0; capability < 64; ++capability)
        if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            set |= CapabilitySet{1} << capability;
    return set;
}

std::string hexadecimal(CapabilitySet set) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(set));
    return text;
}

std::shared_ptr<const SystemCallFilter> filter_of(const std::vector<std::string>& words, int error = 0) {
    return make_filter(call_filter(words), error);
}

// However long that takes.
std::expected<Fd, SpawnFault> make_network(Spawner& spawner) {
    auto made = spawner.make_network();
    if (!made)
        return std::unexpected(made.error());
    REQUIRE(eventually([&] { return made->decide(); }));
    if (made->fault())
        return std::unexpected(*made->fault());
    return made->take_network();
}

std::ptrdiff_t open_descriptors() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

constexpr CapabilitySet few = CapabilitySet{1} << CAP_KILL | CapabilitySet{1} << CAP_CHOWN;

} // namespace

TEST_CASE("root keeps the capabilities that it is given, in every set that matters") {
    if (!is_root() || !may(CAP_SETPCAP))
        return;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.keeping = Keeping{.bounding = few, .kept = few & own_capabilities()};
    Run show = run(spawner, plan);
    CHECK(show["CapBnd"] == hexadecimal(few & bounding_set()));
    CHECK(show["CapEff"] == show["CapBnd"]);
    CHECK(show["CapPrm"] == show["CapBnd"]);
    CHECK(show["CapInh"] == hexadecimal(0));
    CHECK(show["CapAmb"] == hexadecimal(0));
    CHECK(own_capabilities() != (few & own_capabilities())); // ours are as they were
}

TEST_CASE("another user keeps them, too, over the change and the exec; or none") {
    if (!is_root() || !may(CAP_SETPCAP) || !may(CAP_SETUID))
        return;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.user = 65534;
    plan.group = 65534;
    plan.groups = std::vector<gid_t>{};
    CapabilitySet kept = few & own_capabilities();
    plan.keeping = Keeping{.bounding = few, .kept = kept, .by_ambience = true};
    Run show = run(spawner, plan);
    CHECK(show["uid"] == "65534 65534");
    for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
        CAPTURE(set);
        CHECK(show[set] == hexadecimal(kept));
    }
    CHECK(show["CapBnd"] == hexadecimal(few & bounding_set()));
    plan.keeping = Keeping{.bounding = 0, .kept = 0, .by_ambience = true};
    show = run(spawner, plan);
    for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"})
        CHECK(show[set] == hexadecimal(0));
}

TEST_CASE("a bounding set alone takes nothing from what a user has, and gives nothing") {
    if (!is_root() || !may(CAP_SETPCAP) || !may(CAP_SETUID))
        return;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.user = 65534;
    plan.keeping = Keeping{.bounding = ~few, .by_ambience = true};
    Run show = run(spawner, plan);
    CHECK(show["CapBnd"] == hexadecimal(bounding_set() & ~few));
    CHECK(show["CapEff"] == hexadecimal(0));
}

TEST_CASE("a capability that we do not have cannot be kept, and is named") {
    if (!is_root() || !may(CAP_SETPCAP) || !may(CAP_SETUID))
        return;
    CHECK(aside([] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct sets[2]{};
        ::syscall(SYS_capget, &header, sets);
        sets[0].permitted = sets[0].effective &= ~(1U << CAP_CHOWN);
        if (::prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0) != 0 || ::syscall(SYS_capset, &header, sets) != 0)
            return false;
        Spawner spawner = *Spawner::make();
        Plan plan = plan_for("os_show");
        plan.keeping = Keeping{.bounding = few, .kept = few};
        SpawnFault told = failure(spawner, plan);
        return told.step == Step::capabilities && told.code == EPERM;
    }));
}

TEST_CASE("a filter lets through what it allows; the rest fails, or ends the process") {
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.no_new_privileges = true;
    plan.filter = filter_of({"@system-service"});
    Run show = run(spawner, plan);
    CHECK(show.status == 0);
    CHECK(show["NoNewPrivs"] == "1");

    plan.filter = filter_of({"@system-service", "!umask"});
    show = run(spawner, plan);
    CHECK(WIFSIGNALED(show.status));
    CHECK(WTERMSIG(show.status) == SIGSYS);

    plan.filter = filter_of({"!umask"});
    show = run(spawner, plan);
    CHECK(WTERMSIG(show.status) == SIGSYS);

    plan.filter = filter_of({"!getpriority"}, EPERM);
    show = run(spawner, plan);
    CHECK(show["nice"] == "-1");
    CHECK(show.status == 0);
}

TEST_CASE("a filter without no-new-privileges is refused to who may not administer") {
    if (!is_root() || !may(CAP_SETUID))
        return;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.user = 65534;
    plan.filter = filter_of({"@system-service"});
    SpawnFault told = failure(spawner, plan);
    CHECK(told.step == Step::filter);
    CHECK(told.text() == "seccomp: Permission denied (system-call-filter)");
}

TEST_CASE("processors, scheduling and I/O priority are as planned, and ours are not touched") {
    Spawner spawner = *Spawner::make();
    cpu_set_t ours;
    REQUIRE(::sched_getaffinity(0, sizeof ours, &ours) == 0);
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &ours))
        --last;
    Plan plan = shell_plan("sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status; "
                           "cut -d' ' -f41 /proc/self/stat");
    plan.processors.assign(static_cast<std::size_t>(last) / 64 + 1, 0);
    plan.processors.back() = 1UL << last % 64;
    plan.scheduling = Scheduling{SCHED_BATCH, 0};
    CHECK(run(spawner, plan).output == std::to_string(last) + "\n" + std::to_string(SCHED_BATCH) + "\n");
    cpu_set_t after;
    REQUIRE(::sched_getaffinity(0, sizeof after, &after) == 0);
    CHECK(CPU_EQUAL(&ours, &after));
    CHECK(::sched_getscheduler(0) == SCHED_OTHER);

    plan.processors.assign(16, 0);
    plan.processors.back() = 1UL << 63; // a machine of 1,024 processors
    SpawnFault told = failure(spawner, plan);
    CHECK(told.text() == "sched_setaffinity: Invalid argument");
    plan.processors.clear();
    plan.scheduling = Scheduling{SCHED_FIFO, 1000};
    CHECK(failure(spawner, plan).text() == "sched_setscheduler: Invalid argument");
    plan.scheduling.reset();
    plan.io_priority = 7 << 13;
    CHECK(failure(spawner, plan).text() == "ioprio_set: Invalid argument");
    plan.io_priority = 3 << 13;
    CHECK(run(spawner, plan).status == 0);
}

TEST_CASE("directories of its own are made for their owner, whatever the umask, and found again") {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    uid_t owner = is_root() ? 65534 : ::geteuid();
    gid_t group = is_root() ? 65534 : ::getegid();
    Plan plan = shell_plan("umask");
    plan.umask = 0077;
    plan.directories = {{.base = scratch.path(), .components = {"a", "b"}, .owner = owner, .group = group},
                        {.base = scratch / "made/base",
                         .components = {"t"},
                         .mode = 01777,
                         .owner = ::geteuid(),
                         .group = ::getegid(),
                         .make_base = true}};
    for (int i = 0; i < 2; ++i) {
        CHECK(run(spawner, plan).output == "0077\n");
        struct stat about{};
        REQUIRE(::stat((scratch / "a").c_str(), &about) == 0);
        CHECK(about.st_uid == ::geteuid());
        CHECK((about.st_mode & 07777) == 0755);
        REQUIRE(::stat((scratch / "a/b").c_str(), &about) == 0);
        CHECK(about.st_uid == owner);
        CHECK(about.st_gid == group);
        REQUIRE(::stat((scratch / "made/base/t").c_str(), &about) == 0);
        CHECK((about.st_mode & 07777) == 01777);
    }
}

TEST_CASE("a link in the way of such a directory is not followed, nor what another has prepared") {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    std::filesystem::create_directory(scratch / "other");
    std::filesystem::create_directory_symlink(scratch / "other", scratch / "link");
    Plan plan = shell_plan("true");
    plan.directories = {{.base = scratch.path(), .components = {"link"}, .owner = ::geteuid(), .group = ::getegid()}};
    CHECK(failure(spawner, plan).text() == "make directory: Not a directory (\"" + (scratch / "link") + "\")");
    plan.directories[0].components = {"link", "deep"};
    CHECK(failure(spawner, plan).step == Step::own_directory);
    CHECK_FALSE(std::filesystem::exists(scratch / "other/deep"));
    if (!is_root())
        return;
    REQUIRE(::chown((scratch / "other").c_str(), 65534, 65534) == 0);
    plan.directories = {{.base = scratch.path(), .components = {"other", "tmp"}, .owner = 0, .ours = true}};
    CHECK(failure(spawner, plan).code == EPERM);
}

TEST_CASE("a tree of any depth is removed, and no link in it is followed") {
    Scratch scratch;
    std::filesystem::create_directories(scratch / "keep/inner");
    std::filesystem::create_directory(scratch / "doomed");
    int at = ::open((scratch / "doomed").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; depth < 2000; ++depth) {
        REQUIRE(::mkdirat(at, "d", 0700) == 0);
        ::close(::openat(at, "file", O_CREAT | O_WRONLY, 0600));
        static_cast<void>(::symlinkat((scratch / "keep").c_str(), at, "link"));
        int below = ::openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ::close(at);
        at = below;
    }
    ::close(at);
    std::filesystem::create_directories(scratch / "doomed/closed/inner");
    ::chmod((scratch / "doomed/closed/inner").c_str(), 0);
    ::chmod((scratch / "doomed/closed").c_str(), 0);
    CHECK(remove_tree(scratch / "doomed").text().empty());
    CHECK_FALSE(std::filesystem::exists(scratch / "doomed"));
    CHECK(std::filesystem::exists(scratch / "keep/inner"));
    CHECK(remove_tree(scratch / "doomed").count == 0); // it is not there: all is well

    std::filesystem::create_directory_symlink(scratch / "keep", scratch / "to");
    CHECK(remove_tree(scratch / "to").count == 0);
    CHECK(std::filesystem::exists(scratch / "keep/inner"));
}

TEST_CASE("trees are removed by a child, and set aside without following a link") {
    Scratch scratch;
    std::filesystem::create_directories(scratch / "one/deep");
    std::filesystem::create_directories(scratch / "two");
    auto child = remove_trees_apart({scratch / "one", scratch / "two"});
    REQUIRE(child);
    int status = -1;
    CHECK(::waitpid(child->pid, &status, 0) == child->pid);
    CHECK(drain(child->left.get()).empty());
    CHECK(status == 0);
    CHECK_FALSE(std::filesystem::exists(scratch / "one"));
    CHECK_FALSE(std::filesystem::exists(scratch / "two"));

    std::filesystem::create_directories(scratch / "run/a/b");
    std::filesystem::create_directories(scratch / "other/b");
    HangingMounts mounts;
    CHECK(set_aside(scratch / "run", {"a", "b"}, scratch / "gone", mounts));
    CHECK(std::filesystem::exists(scratch / "gone"));
    std::filesystem::remove(scratch / "run/a");
    std::filesystem::create_directory_symlink(scratch / "other", scratch / "run/a");
    CHECK_FALSE(set_aside(scratch / "run", {"a", "b"}, scratch / "gone2", mounts));
    CHECK(std::filesystem::exists(scratch / "other/b"));
    CHECK(set_aside(scratch / "run", {"none"}, scratch / "gone3", mounts).error().code == ENOENT);
}

TEST_CASE("where a path really leads is found as a process in another root would find it") {
    Scratch scratch;
    std::filesystem::create_directories(scratch / "jail/usr/bin");
    std::filesystem::create_symlink("/usr/bin", scratch / "jail/bin");
    std::filesystem::create_symlink("../../../../etc", scratch / "jail/usr/up");
    std::filesystem::create_symlink("loop", scratch / "loop");
    scratch.write("jail/usr/bin/tool", "#!/bin/sh\n", 0755);
    HangingMounts mounts;
    CHECK(mounts.real_path("/bin/tool", scratch / "jail") == "/usr/bin/tool");
    CHECK(mounts.real_path("/usr/up/x", scratch / "jail") == "/etc/x");
    CHECK(mounts.real_path("//not/./there/", scratch / "jail") == "/not/there");
    CHECK(mounts.real_path("/", {}) == "/");
    CHECK(mounts.real_path((scratch / "jail/usr/bin/.."), {}) == scratch / "jail/usr");
    CHECK_FALSE(mounts.real_path(scratch / "loop/x", {}).empty());
}

TEST_CASE("what nobody may look into is prepared once") {
    Scratch scratch;
    for (int i = 0; i < 2; ++i) {
        REQUIRE(prepare_nothing(scratch / "nothing"));
        struct stat about{};
        REQUIRE(::stat((scratch / "nothing/directory").c_str(), &about) == 0);
        CHECK(about.st_mode == S_IFDIR);
        REQUIRE(::stat((scratch / "nothing/file").c_str(), &about) == 0);
        CHECK(about.st_mode == S_IFREG);
    }
}

TEST_CASE("processes share a network that is made for them, and we stay in ours") {
    Spawner spawner = *Spawner::make();
    auto where = [](const char* path) {
        char target[64] = "";
        static_cast<void>(::readlink(path, target, sizeof target - 1));
        return std::string(target);
    };
    std::string ours = where("/proc/self/ns/net");
    // A start by the executor leaves nothing behind that a child in our memory could stumble over.
    Plan apart = shell_plan("exit 3");
    apart.apart = true;
    CHECK(WEXITSTATUS(run(spawner, apart).status) == 3);
    auto network = make_network(spawner);
    if (!network) {
        CHECK(network.error().text() == "unshare: Operation not permitted (private-network)");
        return;
    }
    CHECK((::fcntl(network->get(), F_GETFD) & FD_CLOEXEC) != 0);
    Plan plan = shell_plan("readlink /proc/self/ns/net");
    plan.network = network->get();
    Run first = run(spawner, plan);
    CHECK(first.output.starts_with("net:["));
    CHECK_FALSE(first.output.starts_with(ours));
    CHECK(run(spawner, plan).output.starts_with(first.output.substr(0, first.output.find('\n'))));
    CHECK(where("/proc/self/ns/net") == ours);
    CHECK(run(spawner, plan_for("os_show"))["fds"] == "0 1 2");
}

TEST_CASE("a network is not waited for, and what nobody wants any more is closed") {
    Spawner spawner = *Spawner::make(Span(0)); // no patience
    auto begun = spawner.make_network();
    if (!begun)
        return;
    if (!eventually([&] { return begun->decide(); }) || begun->fault())
        return;
    ::waitpid(begun->pid(), nullptr, 0); // ended already, where that was waited for
    CHECK(begun->take_network());
    const std::ptrdiff_t before = open_descriptors();
    for (int i = 0; i < 10; ++i) {
        auto unwanted = spawner.make_network();
        REQUIRE(unwanted);
        const pid_t child = unwanted->pid();
        *unwanted = Start();
        ::waitpid(child, nullptr, 0);
        CHECK(open_descriptors() <= before + 1); // that of the last one, until the next start
    }
    CHECK(WEXITSTATUS(run(spawner, shell_plan("exit 3")).status) == 3);
    CHECK(open_descriptors() == before);
}

TEST_CASE("without the capability to mount, the step and the key are named, and nothing has changed") {
    if (!is_root())
        return;
    CHECK(aside([] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct sets[2]{};
        ::syscall(SYS_capget, &header, sets);
        sets[0].permitted = sets[0].effective &= ~(1U << CAP_SYS_ADMIN) & ~(1U << CAP_SYS_CHROOT);
        if (::syscall(SYS_capset, &header, sets) != 0)
            return false;
        Spawner spawner = *Spawner::make();
        Plan plan = plan_for("os_show");
        plan.mounting = Mounting{.changes = {{.path = "/usr", .about = "protect-system"}}};
        bool named = failure(spawner, plan).text() == "unshare: Operation not permitted (protect-system)";
        plan.mounting.reset();
        plan.root = "/srv";
        named = named && failure(spawner, plan).text() == "change root: Operation not permitted (\"/srv\")";
        auto network = make_network(spawner);
        return named && !network && network.error().text() == "unshare: Operation not permitted (private-network)" &&
               run(spawner, plan_for("os_show")).status == 0;
    }));
}
