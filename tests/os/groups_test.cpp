// Finding all processes of a unit: by cgroup, and without.
#include "os/cgroup/cgroup.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/members.hpp"
#include "os/process/process.hpp"
#include "scene.hpp"

#include <algorithm>
#include <cerrno>

using namespace mi;
using namespace mi::os;

namespace {

// A tree of our own where this machine lets us have one.
struct Grove {
    std::optional<CgroupTree> tree;
    Grove() {
        if (Result<CgroupTree> opened = CgroupTree::open("miniinit-test-" + std::to_string(::getpid())))
            tree = *std::move(opened);
        else
            MESSAGE("no writable cgroup v2 here: " << opened.error().text());
    }
    Grove(const Grove&) = delete;
    Grove& operator=(const Grove&) = delete;
    ~Grove() {
        if (tree)
            CHECK(tree->remove_tree());
    }
};

Result<pid_t> pid_named_by(const std::string& path, std::optional<uid_t> owner = std::nullopt) {
    const PathQuestion question = question_for_pid_file(path);
    return pid_in(path, answer_anyway({&question, 1}).front(), owner);
}

// Its first line, then nothing more: tells that the processes it names are there.
std::string first_words(int fd, std::size_t lines) {
    std::string text;
    char letter = 0;
    while (std::ranges::count(text, '\n') < static_cast<long>(lines) && ::read(fd, &letter, 1) == 1)
        text += letter;
    return text;
}

// Starts `script` with a pipe as stdout, waits for `lines` lines of it.
pid_t start(Spawner& spawner, Plan plan, std::size_t lines, std::string* said = nullptr) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    plan.moves = {{null_device, 0}, {ends[1], 1}, {null_device, 2}};
    Blocked blocked;
    pid_t pid = spawner.spawn(plan).value();
    ::close(ends[1]);
    std::string text = first_words(ends[0], lines);
    ::close(ends[0]);
    if (said != nullptr)
        *said = text;
    return pid;
}

constexpr const char* escaping =
    "(setsid sh -c '(setsid sh -c \"echo deep; exec sleep 600\" &) ; echo mid; exec sleep 600' &)"
    "; echo top; exec sleep 600";

} // namespace

TEST_CASE("nothing forked away from a cgroup survives its kill") {
    Grove grove;
    if (!grove.tree)
        return;
    CgroupTree& tree = *grove.tree;
    CHECK(aside([&] {
        become_subreaper().value();
        Spawner spawner = *Spawner::make();
        Plan plan = shell_plan(escaping);
        plan.environment = {"PATH=/bin:/usr/bin"};
        Fd group = tree.make("we/b.1").value();
        plan.cgroup = group.get();
        pid_t top = start(spawner, plan, 3);
        bool found = tree.unit_of(top) == "we/b.1" && tree.pids("we/b.1")->size() == 3 && *tree.populated("we/b.1");
        bool busy = tree.remove("we/b.1").error().code == EBUSY;
        bool killed = tree.kill("we/b.1").has_value();
        std::vector<Exit> exits;
        bool ended = eventually([&] { return reap(exits, 10), exits.size() >= 3; });
        bool empty = eventually([&] { return !*tree.populated("we/b.1"); });
        return found && busy && killed && ended && empty && tree.remove("we/b.1") && tree.remove("we/b.1");
    }));
}

TEST_CASE("nested cgroups are signalled and removed with their unit") {
    Grove grove;
    if (!grove.tree)
        return;
    CgroupTree& tree = *grove.tree;
    Fd group = tree.make("nest").value();
    std::string inner = tree.path() + "/nest/a/b";
    REQUIRE(std::filesystem::create_directories(inner));
    Spawner spawner = *Spawner::make();
    Fd inside(::open(inner.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Plan plan = shell_plan("echo here; exec sleep 600");
    plan.environment = {"PATH=/bin:/usr/bin"};
    plan.cgroup = inside.get();
    pid_t child = start(spawner, plan, 1);
    CHECK(tree.unit_of(child) == "nest");
    CHECK(tree.pids("nest") == std::vector<pid_t>{child});
    CHECK(tree.usage("nest").tasks == 1);
    ::kill(child, SIGTERM);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WTERMSIG(status) == SIGTERM);
    inside.reset();
    group.reset();
    CHECK(tree.remove("nest"));
    CHECK(!std::filesystem::exists(tree.path() + "/nest"));
}

TEST_CASE("a unit's name cannot leave the tree nor meet the kernel's files") {
    for (const char* unit : {"..", ".", "", "a/../../b", "memory.max", "cgroup.procs", "getty@tty1", "a%b", "ä \n"}) {
        std::string directory = CgroupTree::escape(unit);
        CHECK(directory.find('/') == std::string::npos);
        CHECK(directory.find('.') == std::string::npos);
        CHECK(!directory.empty());
        CHECK(CgroupTree::unescape(directory) == unit);
    }
    CHECK(CgroupTree::escape("getty@tty1") == "getty@tty1");
    CHECK(!CgroupTree::unescape("%zz"));
    CHECK(!CgroupTree::unescape("abc%2"));
    CHECK(!CgroupTree::unescape("init.leaf")); // what is not a unit's
}

TEST_CASE("without cgroups, members are found by session, parent and invocation") {
    CHECK(aside([] {
        become_subreaper().value();
        Spawner spawner = *Spawner::make();
        Plan plan = shell_plan(escaping);
        plan.environment = {"PATH=/bin:/usr/bin", "INVOCATION_ID=id-one"};
        pid_t one = start(spawner, plan, 3);
        Plan bare = shell_plan(escaping);
        bare.environment = {"PATH=/bin:/usr/bin"};
        bare.environment.add("INVOCATION_ID", "id-two");
        pid_t two = start(spawner, bare, 3);
        std::vector<Membership> services{{"id-one", {}}, {"", {two}}, {"id-nobody", {}}};
        // Of the second only those in its own session are sure, and what they are parents of.
        std::vector<std::vector<pid_t>> members = find_members(services).value();
        bool found = members[0].size() == 3 && std::ranges::count(members[0], one) == 1 && members[2].empty() &&
                     std::ranges::count(members[1], two) == 1;
        services[1].invocation_id = "id-two";
        members = find_members(services).value();
        found = found && members[1].size() == 3;
        Result<std::vector<pid_t>> children = own_children();
        bool known = !children || std::ranges::count(*children, one) == 1;
        for (const auto& pids : members)
            for (pid_t pid : pids)
                ::kill(pid, SIGKILL);
        std::vector<Exit> exits;
        bool ended = eventually([&] { return reap(exits, 10), exits.size() >= 6; });
        return found && known && ended && find_members(services).value()[0].empty();
    }));
}

TEST_CASE("the stat line of a process with an awkward name is understood") {
    std::optional<ProcessStat> stat =
        parse_stat("42 (a) b (c) S 7 42 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 1\n");
    REQUIRE(stat);
    CHECK(stat->pid == 42);
    CHECK(stat->name == "a) b (c");
    CHECK(stat->parent == 7);
    CHECK(stat->session == 40);
    CHECK(stat->started == 12345);
    CHECK(stat->cpu_usec == (5 + 6 + 7 + 8) * 10'000);
    CHECK(stat->threads == 1);
    CHECK(stat->resident == static_cast<std::uint64_t>(::getpagesize()));
    CHECK(!parse_stat("42 (x) S 1"));
    CHECK(!parse_stat(""));
    CHECK(!parse_stat(") ("));
    CHECK(process_stat(::getpid())->parent == ::getppid());
    CHECK(process_exists(::getpid()));
    CHECK(!process_exists(0));
    CHECK(process_session(::getpid()) == ::getsid(0));
}

TEST_CASE(
    "what a process does with a signal is told by its status: caught, kept to be read, ignored, or none of these") {
    const auto status = [](const std::string& masks) { return "Name:\tSigCgt: no\nState:\tS (sleeping)\n" + masks; };
    const std::string lines = "SigBlk:\t0000000000000004\nSigIgn:\t0000000000001001\nSigCgt:\t8000000000000006\n";
    CHECK(parse_disposition(status(lines), 1) == Disposition::ignored);
    CHECK(parse_disposition(status(lines), 2) == Disposition::handled);
    CHECK(parse_disposition(status(lines), 3) == Disposition::handled);
    CHECK(parse_disposition(status(lines), 13) == Disposition::ignored);
    CHECK(parse_disposition(status(lines), 15) == Disposition::by_default);
    CHECK(parse_disposition(status(lines), 64) == Disposition::handled);
    CHECK(!parse_disposition(status("SigBlk:\t0\nSigIgn:\t0\n"), 1));
    CHECK(!parse_disposition(status("SigBlk:\t0\nSigIgn:\tx\nSigCgt:\t0\n"), 1));
    CHECK(!parse_disposition("", 1));
    CHECK(signal_disposition(::getpid(), SIGSTOP) == Disposition::by_default);
    CHECK(!signal_disposition(0, SIGHUP));
}

TEST_CASE("a pid file is believed only if nobody else could have written it") {
    Scratch scratch;
    CHECK(pid_named_by(scratch.write("good", "4711\n")) == 4711);
    CHECK(pid_named_by(scratch.write("bare", "4711")) == 4711);
    CHECK(pid_named_by(scratch.write("lines", " 4711 \n/usr/bin/x\n")) == 4711);
    CHECK(pid_named_by(scratch / "none").error().code == ENOENT);
    for (const char* text : {"", "\n", "1\n", "0", "-5", "12x", "99999999999999", "4711 4712\n"})
        CHECK(!pid_named_by(scratch.write("bad", text)));
    CHECK(!pid_named_by(scratch.write("long", std::string(4000, '7'))));
    CHECK(!pid_named_by(scratch.write("open", "4711\n", 0666)));
    REQUIRE(::symlink((scratch / "good").c_str(), (scratch / "link").c_str()) == 0);
    CHECK(pid_named_by(scratch / "link").error().text().starts_with("refuse PID file that is a symbolic link"));
    REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
    CHECK(!pid_named_by(scratch / "fifo"));
    CHECK(!pid_named_by(scratch.path()));
    if (is_root()) {
        std::string theirs = scratch.write("theirs", "4711\n");
        REQUIRE(::chown(theirs.c_str(), 1234, 1234) == 0);
        CHECK(!pid_named_by(theirs));
        CHECK(pid_named_by(theirs, 1234) == 4711);
    }
}

TEST_CASE("a pid file of another user is believed if it names a process of that user, as a daemon without its "
          "privileges can") {
    if (!is_root())
        return;
    Scratch scratch;
    int ends[2]; // closed by exec, and so read to its end once the child is what it is to be
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    Fd executed(ends[0]), unexecuted(ends[1]);
    pid_t daemon = ::fork();
    if (daemon == 0) {
        if (::setresuid(1234, 1234, 1234) == 0)
            ::execl("/bin/sleep", "sleep", "60", nullptr);
        ::_exit(1);
    }
    unexecuted.reset();
    char nothing;
    CHECK(::read(executed.get(), &nothing, 1) == 0);
    std::string own = scratch.write("own", std::to_string(daemon) + "\n");
    REQUIRE(::chown(own.c_str(), 1234, 1234) == 0);
    CHECK(pid_named_by(own) == daemon);
    std::string planted = scratch.write("planted", std::to_string(daemon) + "\n");
    REQUIRE(::chown(planted.c_str(), 1235, 1235) == 0);
    CHECK(!pid_named_by(planted));
    ::kill(daemon, SIGKILL);
    ::waitpid(daemon, nullptr, 0);
}

TEST_CASE("mountinfo is read with its escapes, and tells which paths may hang without touching them") {
    Scratch scratch;
    ::mkdir((scratch / "local").c_str(), 0755);
    std::string remote = scratch / "re mote";
    std::string escaped = scratch.path() + "/re\\040mote";
    std::string table = scratch.write("mountinfo", "23 1 254:0 / / rw,noatime - ext4 /dev/vda rw\n"
                                                   "40 23 0:40 / " +
                                                       escaped +
                                                       " rw shared:1 master:2 - nfs4 srv:/x rw\n"
                                                       "garbage line\n"
                                                       "41 23 0:41 /sub /ro rw - ext4 /dev/vdb ro,errors=x\n");
    std::vector<Mount> mounts = read_mounts(table).value();
    REQUIRE(mounts.size() == 3);
    CHECK(mounts[1].point == remote);
    CHECK(mounts[1].type == "nfs4");
    CHECK(mounts[2].read_only);
    CHECK(!mounts[0].read_only);

    HangingMounts hanging(table);
    CHECK(hanging.cover(remote));
    CHECK(hanging.cover(remote + "/bin/prog"));
    CHECK(hanging.cover(scratch / "local/.././re mote//x"));
    CHECK(!hanging.cover(scratch / "local"));
    CHECK(!hanging.cover("/bin/sh"));
    REQUIRE(::symlink((remote + "/prog").c_str(), (scratch / "local/link").c_str()) == 0);
    REQUIRE(::symlink("../re mote", (scratch / "local/relative").c_str()) == 0);
    REQUIRE(::symlink("circle", (scratch / "local/circle").c_str()) == 0);
    CHECK(hanging.cover(scratch / "local/link"));
    CHECK(hanging.cover(scratch / "local/relative/x"));
    CHECK(!hanging.cover(scratch / "local/circle"));
    CHECK(!HangingMounts().cover("/proc/self/exe"));
}
