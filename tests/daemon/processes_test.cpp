// Whose a process is, and ending all of a unit's: real processes, found without cgroups.
#include "base/text.hpp"
#include "daemon/linux_kernel.hpp"
#include "daemon/process/processes.hpp"
#include "os/process/members.hpp"
#include "os/process/process.hpp"
#include "os/scene.hpp"

#include <algorithm>
#include <set>

using namespace mi;
using namespace mi::daemon;
using core::Effect;
using core::Role;

namespace {

constexpr const char* invocation = "00112233445566778899aabbccddeeff";

// Shell scripts as services: each in a session of its own; whatever they leave behind becomes our child.
class Scene {
public:
    Scene() { REQUIRE(os::become_subreaper()); }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene() {
        // Nothing of it stays: whatever is our child by now, and what that leaves.
        for (int i = 0; i < 100; ++i) {
            auto children = os::own_children();
            if (!children || children->empty())
                break;
            for (pid_t pid : *children) {
                ::kill(pid, SIGKILL);
                ::waitpid(pid, nullptr, 0);
            }
        }
    }
    // Runs `script` and waits for the line it says when it is ready: the numbers in it.
    std::vector<pid_t> start(const std::string& script, const char* id = invocation) {
        int raw[2];
        REQUIRE(::pipe2(raw, O_CLOEXEC) == 0);
        Fd read_end(raw[0]), write_end(raw[1]);
        std::string variable = std::string("INVOCATION_ID=") + id;
        const char* arguments[] = {"sh", "-c", script.c_str(), nullptr};
        const char* environment[] = {"PATH=/usr/bin:/bin", variable.c_str(), nullptr};
        pid_t pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            ::setsid();
            ::dup2(write_end.get(), 1);
            ::execve("/bin/sh", const_cast<char**>(arguments), const_cast<char**>(environment));
            ::_exit(127);
        }
        write_end.reset();
        std::string line;
        char letter = 0;
        while (::read(read_end.get(), &letter, 1) == 1 && letter != '\n')
            line += letter;
        std::vector<pid_t> pids{pid};
        for (std::string_view word : split(line, ' '))
            if (auto number = to_number<pid_t>(word))
                pids.push_back(*number);
        return pids;
    }
    // Waits for the end of this child and tells the processes so.
    int collect(Processes& processes, pid_t pid) {
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        processes.remove(pid);
        processes.note_end();
        return status;
    }
    // Collects whatever ends until the unit is swept.
    void until_swept(Processes& processes, core::UnitId unit) {
        for (int i = 0; i < 1000; ++i) {
            std::vector<core::UnitId> done = processes.swept();
            if (std::find(done.begin(), done.end(), unit) != done.end())
                return;
            if (pid_t pid = ::waitpid(-1, nullptr, WNOHANG); pid > 0) {
                processes.remove(pid);
                processes.note_end();
            } else {
                ::usleep(5000);
                processes.note_end(); // as the daemon's timer does, for children of others
            }
        }
        FAIL("it is never swept");
    }
};

bool lives(pid_t pid) { return os::process_exists(pid); }

} // namespace

TEST_CASE("a process we started is its unit's, and what it leaves behind too") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("sleep 1000 >/dev/null & setsid sleep 1000 >/dev/null & echo $!; wait");
    processes.add(pids[0], {1, Role::main, {}});
    CHECK(processes.belongs(pids[0], 1, "a"));
    CHECK(processes.belongs(pids[1], 1, "a")); // a session of its own, but our INVOCATION_ID
    CHECK_FALSE(processes.belongs(pids[0], 2, "b"));
    CHECK_FALSE(processes.belongs(pids[1], 2, "b"));
    CHECK_FALSE(processes.belongs(::getpid(), 1, "a"));
    CHECK(processes.invocation(1) == invocation);
    CHECK(processes.invocation(2).empty());
}

TEST_CASE(
    "a process without our INVOCATION_ID and in a session of its own is known by its parents, also when it has ended") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    // Two sessions away from what we started, with an empty environment; the second one is soon a zombie:
    // it ends when who could still collect it has become one that does not.
    std::vector<pid_t> pids =
        scene.start("exec 3>&1; env -i setsid sh -c 'setsid sleep 1000 >/dev/null 3>&- & a=$!; "
                    "setsid sh -c \"until read -r name </proc/\\$PPID/comm && [ \\$name = sleep ]; do :; done\" "
                    "3>&- & echo $a $! >&3; exec sleep 1000 >/dev/null 3>&-' 3>&1 & "
                    "exec >/dev/null 3>&-; wait");
    REQUIRE(pids.size() == 3);
    REQUIRE(os::eventually([&] { return !lives(pids[2]); }));
    processes.add(pids[0], {1, Role::main, {}});
    CHECK(processes.belongs(pids[1], 1, "a"));
    CHECK(processes.belongs(pids[2], 1, "a"));
    CHECK_FALSE(processes.belongs(pids[2], 2, "b"));
}

TEST_CASE("the process we started keeps its log when it becomes the main one again") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("sleep 1000 >/dev/null & echo $!; wait");
    processes.add(pids[0], {1, Role::main, {7, 8}});
    processes.adopt_main(pids[1], 1);
    processes.adopt_main(pids[0], 1);
    REQUIRE(processes.find(pids[0]) != nullptr);
    CHECK(processes.find(pids[0])->streams == std::array<wire::logs::StreamId, 2>{7, 8});
    CHECK(processes.find(pids[1])->role == Role::main);
}

TEST_CASE("with nothing left a unit is swept at once") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("echo");
    processes.add(pids[0], {1, Role::main, {}});
    scene.collect(processes, pids[0]);
    processes.sweep(1, "a", Effect::Scope::everything, SIGTERM);
    CHECK(processes.swept() == std::vector<core::UnitId>{1});
    CHECK_FALSE(processes.sweeping());
}

TEST_CASE("a sweep ends what is left, in the session and out of it, and waits until it is gone") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("sleep 1000 >/dev/null & a=$!; setsid sleep 1000 >/dev/null & echo $a $!");
    processes.add(pids[0], {1, Role::main, {}});
    scene.collect(processes, pids[0]);
    REQUIRE(lives(pids[1]));
    processes.sweep(1, "a", Effect::Scope::everything, SIGTERM);
    CHECK(processes.swept().empty());
    scene.until_swept(processes, 1);
    CHECK_FALSE(lives(pids[1]));
    CHECK_FALSE(lives(pids[2]));
}

TEST_CASE("what ignores the first word is killed by the second") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids =
        scene.start("sh -c \"trap '' TERM; echo \\$\\$; exec >/dev/null; while :; do sleep 1000; done\" &");
    processes.add(pids[0], {1, Role::main, {}});
    scene.collect(processes, pids[0]);
    processes.sweep(1, "a", Effect::Scope::everything, SIGTERM);
    CHECK(processes.swept().empty());
    processes.sweep(1, "a", Effect::Scope::everything, SIGKILL);
    scene.until_swept(processes, 1);
    CHECK_FALSE(lives(pids[1]));
}

TEST_CASE("a process of another unit is left alone") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    processes.begin_run(2, "ffeeddccbbaa99887766554433221100");
    std::vector<pid_t> one = scene.start("sleep 1000 >/dev/null & echo $!");
    std::vector<pid_t> two = scene.start("echo; exec sleep 1000", "ffeeddccbbaa99887766554433221100");
    processes.add(one[0], {1, Role::main, {}});
    processes.add(two[0], {2, Role::main, {}});
    scene.collect(processes, one[0]);
    processes.sweep(1, "a", Effect::Scope::everything, SIGKILL);
    scene.until_swept(processes, 1);
    CHECK_FALSE(lives(one[1]));
    CHECK(lives(two[0]));
}

TEST_CASE("a number that a command of one unit had and another unit's process has now is that one's") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    processes.begin_run(2, "ffeeddccbbaa99887766554433221100");
    std::vector<pid_t> pids = scene.start("echo; exec sleep 1000", "ffeeddccbbaa99887766554433221100");
    // A command of unit 1 had this number long ago; it ended, and the kernel gave the number anew.
    processes.add(pids[0], {1, Role::pre_start, {}});
    processes.remove(pids[0]);
    processes.add(pids[0], {2, Role::main, {}});
    std::vector<pid_t> one = scene.start("sleep 1000 >/dev/null & echo $!");
    processes.add(one[0], {1, Role::main, {}});
    scene.collect(processes, one[0]);
    processes.sweep(1, "a", Effect::Scope::everything, SIGKILL);
    scene.until_swept(processes, 1);
    CHECK_FALSE(lives(one[1]));
    CHECK(lives(pids[0]));
}

TEST_CASE("what the process of a connection leaves in its session is found when that has ended") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    // Without our INVOCATION_ID the session is all that tells.
    std::vector<pid_t> left = scene.start("env -i sleep 1000 >/dev/null & echo $!");
    std::vector<pid_t> none = scene.start("echo");
    processes.add(left[0], {1, Role::connection, {}});
    processes.add(none[0], {1, Role::connection, {}});
    scene.collect(processes, left[0]);
    scene.collect(processes, none[0]);
    processes.sweep(1, "a", Effect::Scope::everything, SIGKILL);
    scene.until_swept(processes, 1);
    CHECK_FALSE(lives(left[1]));
}

TEST_CASE("kill-mode process: only what we started ourselves has to go") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("sleep 1000 >/dev/null & echo $!");
    processes.add(pids[0], {1, Role::main, {}});
    scene.collect(processes, pids[0]);
    processes.sweep(1, "a", Effect::Scope::main, SIGKILL);
    CHECK(processes.swept() == std::vector<core::UnitId>{1});
    CHECK(lives(pids[1]));
}

TEST_CASE("a signal to everything reaches the group, one to the main process only that") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("sleep 1000 >/dev/null & echo $!; wait");
    processes.add(pids[0], {1, Role::main, {}});
    SUBCASE("everything") {
        processes.signal(1, "a", Effect::Scope::everything, SIGTERM, pids[0], 0);
        scene.collect(processes, pids[0]);
        scene.collect(processes, pids[1]);
        CHECK_FALSE(lives(pids[1]));
    }
    SUBCASE("main") {
        processes.signal(1, "a", Effect::Scope::main, SIGTERM, pids[0], 0);
        scene.collect(processes, pids[0]);
        CHECK(lives(pids[1]));
    }
}

TEST_CASE("a stopped process is continued so that it can end") {
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("echo; exec sleep 1000");
    processes.add(pids[0], {1, Role::main, {}});
    ::kill(pids[0], SIGSTOP);
    int status = 0;
    REQUIRE(::waitpid(pids[0], &status, WUNTRACED) == pids[0]);
    REQUIRE(WIFSTOPPED(status));
    processes.signal(1, "a", Effect::Scope::everything, SIGTERM, pids[0], 0);
    CHECK(WTERMSIG(scene.collect(processes, pids[0])) == SIGTERM);
}

TEST_CASE("a process that could not be put into a cgroup of its own is signalled and waited for all the same") {
    os::Scratch scratch;
    scratch.write("cgroup.procs", "");
    auto tree = os::CgroupTree::adopt(scratch.path(), "/none"); // has no cgroup for the unit
    REQUIRE(tree);
    Scene scene;
    LinuxKernel kernel;
    Processes processes(kernel, std::make_unique<os::CgroupTree>(*std::move(tree)));
    processes.begin_run(1, invocation);
    std::vector<pid_t> pids = scene.start("echo; exec sleep 1000");
    processes.add(pids[0], {1, Role::main, {}});
    SUBCASE("signal") { processes.signal(1, "a", Effect::Scope::everything, SIGTERM, pids[0], 0); }
    SUBCASE("kill") { processes.signal(1, "a", Effect::Scope::everything, SIGKILL, pids[0], 0); }
    SUBCASE("sweep") {
        processes.sweep(1, "a", Effect::Scope::everything, SIGTERM);
        CHECK(processes.swept().empty());
    }
    for (int i = 0; i < 200 && ::waitpid(pids[0], nullptr, WNOHANG) == 0; ++i)
        ::usleep(5000);
    CHECK_FALSE(lives(pids[0]));
}

TEST_CASE("a process of a unit that is gone is nobody's") {
    LinuxKernel kernel;
    Processes processes(kernel, nullptr);
    processes.begin_run(1, "one");
    processes.begin_run(2, "two");
    processes.add(99'999'901, {1, Role::main, {}});
    processes.add(99'999'902, {2, Role::main, {}});
    processes.forget(2);
    CHECK(processes.invocation(1) == "one");
    CHECK(processes.find(99'999'901)->unit == 1);
    CHECK(processes.find(99'999'902)->unit == core::no_unit);
    CHECK(processes.invocation(2).empty());
}
