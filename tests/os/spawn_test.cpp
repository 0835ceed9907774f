// What a started program finds: exactly what its plan says, and the clean state for the rest.
#include "os/file/runtime.hpp"
#include "os/machine/normalise.hpp"
#include "os/process/limits.hpp"
#include "scene.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

using namespace mi;
using namespace mi::os;

TEST_CASE("a plain plan gives a clean process") {
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.arguments = {"show", "one", "two words"};
    plan.environment = {"A=1", "B=two words"};
    Run show = run(spawner, plan);
    CHECK(show["arg0"] == "show");
    CHECK(show["arg2"] == "two words");
    CHECK(show.said.count("arg3") == 0);
    CHECK(show.said.count("env") == 2);
    CHECK(show["session"] == "own");
    CHECK(show["umask"] == "0022");
    CHECK(show["fds"] == "0 1 2");
    CHECK(show["fd0"] == "/dev/null");
    CHECK(show["fd1"].starts_with("pipe:"));
    CHECK(show["SigBlk"] == "0000000000000000");
    CHECK(show["SigIgn"] == "0000000000000000");
    CHECK(show["SigCgt"] == "0000000000000000");
    CHECK(show["controlling"] == "no");
    CHECK(show.status == 0);
}

TEST_CASE("ignored and blocked signals of the maker do not reach the child") {
    CHECK(aside([] {
        ::signal(SIGPIPE, SIG_IGN);
        ::signal(SIGCHLD, SIG_IGN);
        ::signal(SIGTERM, SIG_IGN);
        ::signal(SIGRTMIN + 3, SIG_IGN);
        ::signal(SIGHUP, [](int) {});
        Spawner spawner = *Spawner::make();
        ::signal(SIGCHLD, SIG_DFL); // so that run() can collect it
        Run show = run(spawner, plan_for("os_show"));
        return show["SigIgn"] == "0000000000000000" && show["SigBlk"] == "0000000000000000" &&
               show["SigCgt"] == "0000000000000000" && show.status == 0;
    }));
}

TEST_CASE("however many descriptors we hold, the child sees those it was given") {
    std::vector<Fd> many;
    for (int i = 0; i < 300; ++i)
        many.emplace_back(::open("/dev/zero", O_RDONLY)); // not even CLOEXEC
    SUBCASE("the spawner came first, low in the table") {}
    SUBCASE("the spawner came last, high in the table") {}
    Spawner spawner = *Spawner::make();
    CHECK(run(spawner, plan_for("os_show"))["fds"] == "0 1 2");

    SUBCASE("descriptors beyond the three land on their numbers, also where others were") {
        Fd readme(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        Plan plan = plan_for("os_show");
        plan.moves.push_back({readme.get(), 3});
        plan.moves.push_back({many[0].get(), 4});
        plan.moves.push_back({readme.get(), 9});
        Run show = run(spawner, plan);
        CHECK(show["fds"] == "0 1 2 3 4 9");
        CHECK(show["fd3"] == "/etc/passwd");
        CHECK(show["fd4"] == "/dev/zero");
        CHECK(show["fd9"] == "/etc/passwd");
    }
}

TEST_CASE("a child finds its own pid where its maker could not know it") {
    Spawner spawner = *Spawner::make();
    for (bool apart : {false, true}) {
        CAPTURE(apart);
        Plan plan = shell_plan("test $A = $$ && test $B = $$ && test $C = 7 && echo yes");
        plan.environment.set_own_pid("A");
        plan.environment.set("B", "1");
        plan.environment.set_own_pid("B");
        plan.environment.set_own_pid("C");
        plan.environment.set("C", "7");
        plan.apart = apart;
        CHECK(run(spawner, plan).output == "yes\n");
        CHECK(run(spawner, plan).output == "yes\n"); // also where another's pid stands already
    }
}

TEST_CASE("no move overwrites the source of another") {
    Scratch scratch;
    std::vector<Fd> files;
    for (int i = 0; i < 20; ++i)
        files.emplace_back(::open(scratch.write("f" + std::to_string(i), "").c_str(), O_RDONLY | O_CLOEXEC));
    Spawner spawner = *Spawner::make();
    // Targets are the very numbers of the sources, shifted by one place; first few enough for the window, then not.
    for (std::size_t count : {2U, 5U, 20U}) {
        Plan plan = plan_for("os_show");
        for (std::size_t i = 0; i < count; ++i)
            plan.moves.push_back({files[i].get(), files[(i + 1) % count].get()});
        Run show = run(spawner, plan);
        for (std::size_t i = 0; i < count; ++i)
            CHECK(show["fd" + std::to_string(files[(i + 1) % count].get())] == scratch / ("f" + std::to_string(i)));
        CHECK(show.said.count("fds") == 1);
    }
}

TEST_CASE("a descriptor passed on does not stay open with us") {
    Spawner spawner = *Spawner::make();
    for (int i = 0; i < 3; ++i)
        CHECK(run(spawner, plan_for("os_show")).status == 0); // run() reads to end of file: it came
    int before = ::dup(0);
    ::close(before);
    static_cast<void>(run(spawner, plan_for("os_show")));
    int after = ::dup(0);
    ::close(after);
    CHECK(before == after);
}

TEST_CASE("files are opened by the child, a FIFO without a peer too") {
    Scratch scratch;
    std::string input = scratch.write("in", "hello");
    std::string fifo = scratch / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    Spawner spawner = *Spawner::make();
    Plan plan = shell_plan("cat; readlink /proc/self/fd/2");
    plan.moves = {{null_device, 1}};
    plan.opens = {{input, O_RDONLY, 0, 0}, {fifo, O_WRONLY | O_CREAT | O_APPEND, 0600, 2}};
    Run cat = run(spawner, plan);
    CHECK(cat.output == "hello" + fifo + "\n");

    plan = shell_plan("echo a; echo b >&2");
    std::string log = scratch / "log";
    plan.opens = {{log, O_WRONLY | O_CREAT | O_APPEND, 0666, 2}};
    plan.umask = 0077;
    CHECK(run(spawner, plan).output == "a\n");
    CHECK(contents(log) == "b\n");
    struct stat about{};
    REQUIRE(::stat(log.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
}

TEST_CASE("umask, directory, nice, limits, OOM score, privileges and parent death are as planned") {
    Scratch scratch;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.umask = 0027;
    plan.directory = scratch.path();
    plan.nice = 5;
    plan.limits = {{RLIMIT_NOFILE, 100, 200}, {RLIMIT_CORE, 0, 0}};
    plan.oom_score = 321;
    plan.no_new_privileges = true;
    plan.parent_death_signal = SIGUSR1;
    std::string own_score = contents("/proc/self/oom_score_adj");
    Run show = run(spawner, plan);
    CHECK(show["umask"] == "0027");
    CHECK(show["cwd"] == scratch.path());
    CHECK(show["nice"] == "5");
    CHECK(show["nofile"] == "100 200");
    CHECK(show["oom"] == "321");
    CHECK(show["NoNewPrivs"] == "1");
    CHECK(show["parent-death"] == std::to_string(SIGUSR1));
    CHECK(contents("/proc/self/oom_score_adj") == own_score);
}

TEST_CASE("where the kernel refuses a limit that is to be as high as may be, ours does") {
    Spawner spawner = *Spawner::make();
    rlimit ours{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &ours) == 0);
    Plan plan = plan_for("os_show");
    plan.limits = {{RLIMIT_NOFILE, 100, rlim_t{1} << 40, true}}; // beyond fs.nr_open, for root, too
    CHECK(run(spawner, plan)["nofile"] == "100 " + std::to_string(ours.rlim_max));
    plan.limits = {{RLIMIT_NOFILE, 100, rlim_t{1} << 40, false}};
    CHECK(failure(spawner, plan).text() == "setrlimit: Operation not permitted (nofile = [100, 1099511627776])");
}

TEST_CASE("a user, a group and groups are taken on, and privileges are gone") {
    if (!is_root())
        return;
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.user = 65534;
    plan.group = 65533;
    plan.groups = std::vector<gid_t>{7, 9};
    Run show = run(spawner, plan);
    CHECK(show["uid"] == "65534 65534");
    CHECK(show["gid"] == "65533 65533");
    CHECK(show["groups"] == "7 9");
    CHECK(show["CapEff"] == "0000000000000000");
    CHECK(show["CapPrm"] == "0000000000000000");
    CHECK(::prctl(PR_GET_DUMPABLE) == 1); // nothing of it sticks to us
    CHECK(::getuid() == 0);
}

TEST_CASE("a session can be kept, with a group of its own") {
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.session = Session::group;
    Run show = run(spawner, plan);
    CHECK(show["session"] == "other");
    CHECK(show["group"] == "own");
    plan.session = Session::keep;
    show = run(spawner, plan);
    CHECK(show["group"] == "other");
}

TEST_CASE("a terminal becomes the controlling one, with its line put right") {
    Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
        return;
    char slave[64];
    REQUIRE(::ptsname_r(master.get(), slave, sizeof slave) == 0);
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("os_show");
    plan.terminal = Terminal{.path = slave, .onto = {true, false, true}};
    plan.foreground = 0;
    Run show = run(spawner, plan);
    CHECK(show["controlling"] == "yes");
    CHECK(show["foreground"] == "yes");
    CHECK(show["stdin-tty"] == "yes");
    CHECK(show["fd2"] == slave);
    CHECK(show["fds"] == "0 1 2");
}

TEST_CASE("a script without a #! line is run by the shell only where that was asked for") {
    Scratch scratch;
    std::string script = scratch.write("script", "echo \"$0 $1\"\n", 0755);
    Spawner spawner = *Spawner::make();
    Plan plan = plan_for("sh");
    plan.file = script;
    plan.arguments = {"script", "first"};
    SpawnFault refused = failure(spawner, plan);
    CHECK(refused.step == Step::exec);
    CHECK(refused.code == ENOEXEC);
    plan.shell_for_scripts = true;
    CHECK(run(spawner, plan).output == script + " first\n");
}

TEST_CASE("we normalise ourselves whatever we were started with") {
    CHECK(aside([] {
        ::umask(0777);
        ::signal(SIGPIPE, SIG_IGN);
        ::prctl(PR_SET_TIMERSLACK, 1234567);
        std::ofstream("/proc/self/coredump_filter") << "0x1";
        ::setpriority(PRIO_PROCESS, 0, 7);
        int stray = ::open("/dev/zero", O_RDONLY);
        int kept = ::open("/dev/zero", O_RDONLY);
        ::close(0);
        rlimit files{64, 20000};
        ::getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = 64;
        ::setrlimit(RLIMIT_NOFILE, &files);
        Inheritance had = normalise_self({.keep = {kept}});
        const std::vector<Limit> limits = raise_own_limits();
        bool fine = had.umask == 0777 && ::fcntl(stray, F_GETFD) < 0 && ::fcntl(kept, F_GETFD) >= 0 &&
                    std::ranges::find(had.was_open, stray) != had.was_open.end();
        ::close(kept);
        Spawner spawner = *Spawner::make();
        Plan plan = plan_for("os_show");
        plan.limits = limits;
        Run show = run(spawner, plan);
        return fine && show["fds"] == "0 1 2" && show["umask"] == "0022" && show["timer-slack"] == "50000" &&
               show["coredump"] == "00000033" && show["cwd"] == "/" && show["SigIgn"] == "0000000000000000" &&
               show["nofile"].starts_with("64 ") && (!is_root() || show["nice"] == "0");
    }));
}
