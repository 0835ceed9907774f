// Starts that others can hold up, and whose memory they could get at: what spawn.cpp argues, tried.
#include "os/scene.hpp"
#include "os/spawn/executor_image.hpp"
#include "os/spawn/orders_text.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <chrono>

namespace mi::os {

// This program is its own executor where the image cannot be used.
__attribute__((constructor)) static void enter(int count, char** arguments, char** environment) {
    enter_executor(count, arguments, environment);
}

namespace {

constexpr uid_t nobody = 65534;

// A copy of one of our programs that nobody owns.
std::string program_of_nobody(const Scratch& scratch) {
    std::string copy = scratch.write("program", contents(program("os_exit")), 0755);
    REQUIRE(::chown(copy.c_str(), nobody, nobody) == 0);
    return copy;
}

// A process of nobody that holds a write lease on a file, so that whoever executes it waits. Let go at its end.
class Lease {
public:
    explicit Lease(const std::string& path) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        holder_ = ::fork();
        if (holder_ == 0) {
            if (::setresuid(nobody, nobody, nobody) != 0)
                ::_exit(1);
            ::signal(SIGIO, SIG_IGN);
            int file = ::open(path.c_str(), O_RDWR);
            const bool held = file >= 0 && ::fcntl(file, F_SETLEASE, F_WRLCK) == 0;
            [[maybe_unused]] ssize_t told = ::write(ready[1], held ? "y" : "n", 1);
            ::pause();
            ::_exit(0);
        }
        ::close(ready[1]);
        char answer = 'n';
        REQUIRE(::read(ready[0], &answer, 1) == 1);
        ::close(ready[0]);
        REQUIRE(answer == 'y');
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { release(); }
    void release() {
        if (holder_ <= 0)
            return;
        ::kill(holder_, SIGKILL);
        ::waitpid(std::exchange(holder_, 0), nullptr, 0);
    }

private:
    pid_t holder_ = 0;
};

std::string link_of(pid_t pid, const char* name) {
    char target[256] = "";
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    static_cast<void>(::readlink(path.c_str(), target, sizeof target - 1));
    return target;
}

// PID 1 collects whatever ends. Here, at the end, what start() has cancelled and made anew.
class Collected : public Blocked {
public:
    ~Collected() {
        while (::waitpid(-1, nullptr, 0) > 0) {
        }
    }
};

void finish(Start& start) {
    CHECK(eventually([&] { return start.decide(); }));
    ::kill(start.pid(), SIGKILL);
    ::waitpid(start.pid(), nullptr, 0);
}

} // namespace

TEST_CASE("bytes survive being made a text without a zero byte, whatever they are") {
    for (std::size_t size : {0, 1, 2, 253, 254, 255, 256, 507, 508, 509, 1000, 5000})
        for (unsigned pattern = 0; pattern < 5; ++pattern) {
            CAPTURE(size);
            CAPTURE(pattern);
            std::string bytes(size, '\0');
            for (std::size_t i = 0; i < size; ++i)
                bytes[i] = static_cast<char>(pattern == 0   ? 0
                                             : pattern == 1 ? 7
                                             : pattern == 2 ? i
                                             : pattern == 3 ? (i * 7919U >> 3) & 3U
                                                            : (i % 254 == 253 ? 0 : 255));
            std::string text(stuffed_size(size), 'x');
            text.resize(stuff(bytes.data(), size, text.data()));
            CHECK(text.find('\0') == std::string::npos);
            std::string back(size + 1, 'x');
            REQUIRE(unstuff(text.c_str(), back.data(), back.size()) == static_cast<long>(size));
            back.resize(size);
            CHECK(back == bytes);
            if (size > 0)
                CHECK(unstuff(text.c_str(), back.data(), size - 1) == -1);
        }
}

TEST_CASE("a plan is carried out in the same way in our memory, by the executor, and by our own binary as executor") {
    for (Spawner::Image image : {Spawner::Image::sealed_memory, Spawner::Image::own_binary}) {
        Spawner spawner = *Spawner::make(std::chrono::milliseconds(2), image);
        std::string before;
        for (bool apart : {false, true}) {
            CAPTURE(apart);
            Plan plan = plan_for("os_show");
            plan.arguments = {"os_show", "one", "", "three words \t\n"};
            plan.environment = {"A=1", "B="};
            plan.limits = {{RLIMIT_NOFILE, 100, 200}};
            plan.apart = apart;
            Run show = run(spawner, plan);
            CHECK(show["fds"] == "0 1 2");
            CHECK(show["session"] == "own");
            CHECK(show["SigBlk"] == "0000000000000000");
            CHECK(show["nofile"] == "100 200");
            // All but what is another's each time.
            std::string said;
            for (const auto& [key, value] : show.said)
                if (key != "pid" && key != "fd1" && key != "SigQ")
                    said += key + " " + value + "\n";
            if (apart)
                CHECK(said == before);
            before = said;
            plan.file = "/nowhere/at/all";
            SpawnFault fault = failure(spawner, plan);
            CHECK(fault.text() == "exec: No such file or directory (\"/nowhere/at/all\")");
        }
    }
}

TEST_CASE("an executor's arguments and orders do not show in the list of processes") {
    if (!is_root())
        return;
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    plan.file = program_of_nobody(scratch);
    plan.arguments = {"os_exit", "shown"};
    plan.apart = true;
    Collected collected;
    Lease lease(plan.file);
    std::expected<Start, SpawnFault> start = spawner.start(plan);
    REQUIRE(start);
    CHECK(eventually([&] { return start->where().starts_with("exec"); }));
    std::string line = contents("/proc/" + std::to_string(start->pid()) + "/cmdline");
    line.erase(line.find_last_not_of('\0') + 1);
    CHECK(line == std::string("os_exit\0shown", 13));
    lease.release();
    finish(*start);
}

TEST_CASE("whoever holds up the exec of his program holds up nobody else, and finds nothing of ours in that process") {
    if (!is_root())
        return;
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    plan.file = program_of_nobody(scratch);
    plan.user = plan.group = nobody;
    plan.groups.emplace();
    Collected collected;
    Lease lease(plan.file);
    std::expected<Start, SpawnFault> held = spawner.start(plan);
    REQUIRE(held);
    CHECK(eventually([&] { return held->where() == "exec (\"" + plan.file + "\")"; }));
    CHECK_FALSE(held->decide());
    CHECK(link_of(held->pid(), "exe") != link_of(::getpid(), "exe"));
    CHECK(contents("/proc/" + std::to_string(held->pid()) + "/maps").find("test_os") == std::string::npos);
    // Others start meanwhile.
    for (int i = 0; i < 20; ++i)
        CHECK(run(spawner, plan_for("os_exit")).status == 0);
    CHECK_FALSE(held->decide());
    lease.release();
    CHECK(eventually([&] { return held->decide(); }));
    CHECK_FALSE(held->fault());
    int status = -1;
    ::waitpid(held->pid(), &status, 0);
    CHECK(status == 0);
}

TEST_CASE("root's own program that its owner holds up does not hold us up either") {
    if (!is_root())
        return;
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    plan.file = program_of_nobody(scratch);
    Collected collected;
    Lease lease(plan.file);
    std::vector<Start> held;
    for (int i = 0; i < 10; ++i) {
        std::expected<Start, SpawnFault> start = spawner.start(plan);
        REQUIRE(start);
        CHECK_FALSE(start->decided());
        CHECK(eventually([&] { return start->where().starts_with("exec"); }));
        held.push_back(std::move(*start));
    }
    CHECK(run(spawner, plan_for("os_exit")).status == 0);
    lease.release();
    for (Start& start : held) {
        CHECK(eventually([&] { return start.decide(); }));
        CHECK_FALSE(start.fault());
        int status = -1;
        ::waitpid(start.pid(), &status, 0);
        CHECK(status == 0);
    }
}

TEST_CASE("one that is held up can be killed, and a Start that nobody wants any more leaves its memory alone") {
    if (!is_root())
        return;
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    Collected collected;
    Plan plan = plan_for("os_exit");
    plan.file = program_of_nobody(scratch);
    Lease lease(plan.file);
    for (bool apart : {false, true})
        for (bool forgotten : {false, true}) {
            plan.apart = apart;
            std::expected<Start, SpawnFault> start = spawner.start(plan);
            REQUIRE(start);
            const pid_t pid = start->pid();
            if (forgotten)
                start = std::unexpected(SpawnFault{});
            CHECK(::kill(pid, SIGKILL) == 0);
            CHECK(::waitpid(pid, nullptr, 0) == pid);
            if (!forgotten)
                CHECK(eventually([&] { return start->decide(); }));
            CHECK(run(spawner, plan_for("os_exit")).status == 0);
        }
}

TEST_CASE("a user who stops whatever of his he sees, as fast as he can, stops nothing of ours") {
    if (!is_root())
        return;
    Spawner spawner = *Spawner::make();
    Collected collected;
    Plan stopper = shell_plan("while :; do kill -STOP -1; done");
    stopper.user = stopper.group = nobody - 77; // whose other processes there are none of
    stopper.groups.emplace();
    stopper.file = program("os_stopper");
    stopper.arguments = {"os_stopper"};
    std::expected<pid_t, SpawnFault> enemy = spawner.spawn(stopper);
    REQUIRE(enemy);
    Plan plan = plan_for("os_exit");
    plan.user = plan.group = nobody - 77;
    plan.groups.emplace();
    std::vector<Start> starts;
    for (int i = 0; i < 300; ++i) {
        std::expected<Start, SpawnFault> start = spawner.start(plan);
        REQUIRE(start);
        starts.push_back(std::move(*start));
        CHECK(run(spawner, plan_for("os_exit")).status == 0); // root's own are never stopped
    }
    ::kill(*enemy, SIGKILL);
    ::waitpid(*enemy, nullptr, 0);
    for (Start& start : starts) {
        ::kill(start.pid(), SIGCONT);
        int status = -1;
        ::waitpid(start.pid(), &status, 0);
        CHECK(status == 0);
        CHECK(start.decide());
        CHECK_FALSE(start.fault());
    }
}

TEST_CASE("once we are not dumpable we stay so, whatever is started") {
    if (!is_root())
        return;
    CHECK(aside([] {
        Spawner spawner = *Spawner::make();
        make_undumpable();
        Collected collected;
        bool right = true;
        for (bool apart : {false, true})
            for (std::optional<uid_t> user : {std::optional<uid_t>{}, std::optional<uid_t>{nobody}}) {
                Plan plan = plan_for("os_exit");
                plan.apart = apart;
                plan.user = user;
                auto child = spawner.spawn(plan);
                right = right && child && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
                int status = -1;
                right = right && ::waitpid(*child, &status, 0) == *child && status == 0;
            }
        return right;
    }));
}

// As root of a user namespace and a mount namespace of its own: where one may mount, but not make devices.
static bool in_user_namespace(const std::function<bool()>& body) {
    return aside([&] {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return true; // not allowed here: then there is nothing to see
        for (const char* map : {"/proc/self/uid_map", "/proc/self/gid_map"}) {
            Fd file(::open(map, O_WRONLY | O_CLOEXEC));
            if (std::string_view(map).contains("gid")) {
                Fd refuse(::open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC));
                if (::write(refuse.get(), "deny", 4) != 4)
                    return false;
            }
            if (::write(file.get(), "0 0 1", 5) != 5)
                return false;
        }
        return body();
    });
}

TEST_CASE("devices that may not be made in a user namespace are those outside, in a /dev that is read-only") {
    if (!is_root())
        return;
    CHECK(in_user_namespace([] {
        Spawner spawner = *Spawner::make();
        for (bool apart : {false, true}) {
            Plan plan =
                shell_plan("echo gone >/dev/null && test -c /dev/zero && test -e /dev/fd && "
                           "head -c 3 /dev/urandom | wc -c && ! touch /dev/mine 2>/dev/null && ls /dev | wc -l");
            plan.environment = {"PATH=/usr/bin:/bin"};
            plan.apart = apart;
            plan.mounting.emplace();
            plan.mounting->changes.push_back({.kind = MountKind::devices, .path = "/dev", .about = "private-devices"});
            Run show = run(spawner, plan);
            if (show.output != "3\n11\n") {
                ::fprintf(stderr, "%s\n", show.output.c_str());
                return false;
            }
        }
        return true;
    }));
}

TEST_CASE("a program that the mounts of its process hide is said to be hidden, not to want an interpreter") {
    if (!is_root())
        return;
    CHECK(in_user_namespace([] {
        Scratch scratch, other;
        Spawner spawner = *Spawner::make();
        Plan plan = plan_for("os_exit");
        plan.file = scratch.write("program", contents(program("os_exit")), 0755);
        const std::string script = scratch.write("script", "#!/nowhere/at/all\n", 0755);
        bool right = true;
        for (bool apart : {false, true}) {
            plan.apart = apart;
            plan.mounting.emplace();
            plan.mounting->changes.push_back(
                {.kind = MountKind::bind, .path = scratch.path(), .source = other.path(), .about = "private-tmp"});
            const SpawnFault hidden = failure(spawner, plan);
            right = right && hidden.code == ENOENT && hidden.about.find("may hide it") != std::string::npos;
            Plan without = plan_for("os_exit");
            without.file = script;
            without.apart = apart;
            const SpawnFault wanting = failure(spawner, without);
            right = right && wanting.about.find("whose interpreter is missing") != std::string::npos;
        }
        return right;
    }));
}

TEST_CASE("capabilities that we have without being root are there for the executor's work, and gone in its program") {
    if (!is_root())
        return;
    CHECK(aside([] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct sets[2]{};
        sets[0].permitted = sets[0].effective = sets[0].inheritable =
            1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;
        if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0 ||
            ::setresgid(1000, 1000, 1000) != 0 || ::setresuid(1000, 1000, 1000) != 0 ||
            ::syscall(SYS_capset, &header, sets) != 0)
            return false;
        Spawner spawner = *Spawner::make();
        Plan plan = plan_for("os_show");
        plan.user = plan.group = nobody;
        plan.groups.emplace();
        Run show = run(spawner, plan);
        return show["uid"] == "65534 65534" && show["CapEff"] == "0000000000000000" &&
               show["CapPrm"] == "0000000000000000" && show["CapAmb"] == "0000000000000000";
    }));
}

TEST_CASE("a start that is given no time at all comes to its end all the same, with the descriptors it should have") {
    Spawner spawner = *Spawner::make(Span{0});
    for (int i = 0; i < 100; ++i) {
        Plan plan = plan_for("os_show");
        plan.apart = i % 2 == 1;
        Fd extra(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        plan.moves.push_back({extra.get(), 3});
        Run show = run(spawner, plan);
        CHECK(show["fds"] == "0 1 2 3");
        CHECK(show["fd3"] == "/etc/passwd");
    }
}

TEST_CASE("what an executor could not do is told with its step, and it is collected like any child") {
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    plan.apart = true;
    plan.directory = "/nowhere";
    Collected collected;
    std::expected<Start, SpawnFault> start = spawner.start(plan);
    REQUIRE(start);
    CHECK(eventually([&] { return start->decide(); }));
    REQUIRE(start->fault());
    CHECK(start->fault()->text() == "chdir: No such file or directory (\"/nowhere\")");
    int status = 0;
    CHECK(::waitpid(start->pid(), &status, 0) == start->pid());
    CHECK(WEXITSTATUS(status) == 127);
}

TEST_CASE("orders that are too long for the executor's arguments are refused, and long ones are not") {
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    plan.apart = true;
    plan.limits.assign(4000, Limit{RLIMIT_CORE, 0, 0}); // 96 kB
    CHECK(run(spawner, plan).status == 0);
    plan.limits.assign(18000, Limit{RLIMIT_CORE, 0, 0}); // 432 kB, in pieces
    CHECK(run(spawner, plan).status == 0);
    plan.limits.assign(40000, Limit{RLIMIT_CORE, 0, 0});
    CHECK(failure(spawner, plan).code == E2BIG);
    CHECK(run(spawner, plan_for("os_exit")).status == 0);
}

} // namespace mi::os
