// A start that fails names its step, its errno and its object.
#include "scene.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

using namespace mi;
using namespace mi::os;

TEST_CASE("each step that fails is named with what it was done to") {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    std::string words;
    SUBCASE("exec of nothing") {
        plan.file = "/nowhere/prog";
        words = "exec: No such file or directory (\"/nowhere/prog\")";
    }
    SUBCASE("exec of what is not executable") {
        plan.file = scratch.write("text", "x", 0644);
        words = "exec: Permission denied (\"" + plan.file + "\")";
    }
    SUBCASE("exec of a script whose interpreter is missing") {
        plan.file = scratch.write("script", "#!/nowhere/interpreter\n", 0755);
        words = "exec: No such file or directory (\"" + plan.file + "\", whose interpreter is missing)";
    }
    SUBCASE("directory") {
        plan.directory = "/nowhere";
        words = "chdir: No such file or directory (\"/nowhere\")";
    }
    SUBCASE("open") {
        plan.opens = {{"/dev/null", O_RDONLY, 0, 0}, {scratch / "missing/file", O_WRONLY | O_CREAT, 0644, 1}};
        words = "open: No such file or directory (\"" + scratch.path() + "/missing/file\")";
    }
    SUBCASE("terminal") {
        plan.terminal = Terminal{.path = scratch.write("notty", "")};
        words = "take terminal: Inappropriate ioctl for device (\"" + scratch.path() + "/notty\")";
    }
    SUBCASE("terminal that is not there") {
        plan.terminal = Terminal{.path = "/dev/tty-none"};
        words = "take terminal: No such file or directory (\"/dev/tty-none\")";
    }
    SUBCASE("limits") {
        plan.limits = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 20, 10}};
        words = "setrlimit: Invalid argument (nofile = [20, 10])";
    }
    SUBCASE("oom score") {
        plan.oom_score = 5000;
        words = "set oom_score_adj: Invalid argument (5000)";
    }
    SUBCASE("descriptor") {
        plan.moves.push_back({999, 5});
        words = "dup2: Bad file descriptor";
    }
    SUBCASE("cgroup that is none") {
        plan.cgroup = ::open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
        words = "join cgroup: ";
    }
    SUBCASE("parent death") {
        plan.parent_death_signal = 1000;
        words = "set parent-death signal: Invalid argument";
    }
    CHECK(failure(spawner, plan).text().starts_with(words));
    if (plan.cgroup >= 0)
        ::close(plan.cgroup);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);         // it leaves no zombie
    CHECK(run(spawner, plan_for("os_exit")).status == 0); // and harms no later start
}

TEST_CASE("privileges that cannot be dropped fail the start") {
    if (!is_root())
        return;
    CHECK(aside([] {
        Spawner spawner = *Spawner::make();
        Plan plan = plan_for("os_exit");
        plan.user = 33;
        plan.group = 33;
        plan.groups = std::vector<gid_t>{33};
        plan.user_name = "www-data";
        if (::setresgid(1, 1, 1) != 0 || ::setresuid(1, 1, 1) != 0)
            return false;
        bool groups = failure(spawner, plan).text() == "setgroups: Operation not permitted (user \"www-data\")";
        plan.groups.reset();
        bool group = failure(spawner, plan).text() == "setgid: Operation not permitted (user \"www-data\")";
        plan.group.reset();
        bool user = failure(spawner, plan).text() == "setuid: Operation not permitted (user \"www-data\")";
        plan.user.reset();
        plan.nice = -5;
        bool nice = failure(spawner, plan).text() == "setpriority: Permission denied (-5)";
        plan.nice.reset();
        plan.session = Session::group;
        return groups && group && user && nice && run(spawner, plan).status == 0;
    }));
}

TEST_CASE("a service's directory is entered as its user") {
    if (!is_root())
        return;
    Scratch scratch;
    std::string closed = scratch / "closed";
    REQUIRE(::mkdir(closed.c_str(), 0700) == 0);
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_exit");
    plan.user = 65534;
    plan.directory = closed;
    CHECK(failure(spawner, plan).step == Step::directory);
}
