// Waiting for PID files: heard of at once, however they are written, believed as far as they deserve.
#include "daemon/linux_kernel.hpp"
#include "daemon/process/pid_files.hpp"
#include "os/scene.hpp"

#include <map>

using namespace mi;
using namespace mi::daemon;

namespace {

// Whether inotify has something to tell within a second.
bool heard(const PidFiles& files, int milliseconds = 1000) {
    pollfd poll{files.fd(), POLLIN, 0};
    return ::poll(&poll, 1, milliseconds) == 1;
}

std::vector<pid_t> named(PidFiles& files) {
    std::vector<pid_t> pids;
    for (auto& [unit, pid] : files.candidates())
        if (pid)
            pids.push_back(*pid);
    return pids;
}

} // namespace

TEST_CASE("a PID file that is there already is a candidate at once") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(3, scratch.write("a.pid", "4711\n"), {});
    REQUIRE(files.candidates().size() == 1);
    CHECK(files.candidates()[0] == std::pair<core::UnitId, Result<pid_t>>(3, 4711));
    files.forget(3);
    CHECK(files.candidates().empty());
}

TEST_CASE("a PID file that comes late is heard of") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, scratch / "a.pid", {});
    CHECK(named(files).empty());
    SUBCASE("written") { scratch.write("a.pid", "4711\n"); }
    SUBCASE("moved into place") {
        std::string other = scratch.write("a.pid.new", "4711");
        files.drain();
        std::filesystem::rename(other, scratch / "a.pid");
    }
    CHECK(heard(files));
    files.drain();
    CHECK(named(files) == std::vector<pid_t>{4711});
}

TEST_CASE("a PID file that is kept open and locked is heard of when the number is in it") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, scratch / "a.pid", {});
    Fd file(::open((scratch / "a.pid").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    CHECK(heard(files));
    files.drain();
    CHECK(named(files).empty());
    REQUIRE(::write(file.get(), "4711\n", 5) == 5);
    CHECK(heard(files));
    files.drain();
    CHECK(named(files) == std::vector<pid_t>{4711});
}

TEST_CASE("a PID file in a directory that is made late is heard of") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, scratch / "one/two/a.pid", {});
    std::filesystem::create_directory(scratch / "one");
    CHECK(heard(files));
    files.drain();
    std::filesystem::create_directory(scratch / "one/two");
    CHECK(heard(files));
    files.drain();
    scratch.write("one/two/a.pid", "4711\n");
    CHECK(heard(files));
    CHECK(named(files) == std::vector<pid_t>{4711});
}

TEST_CASE("what is no PID file, or one that others could have planted, is no candidate") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, scratch.write("empty", ""), {});
    files.await(2, scratch.write("words", "hello\n"), {});
    files.await(3, scratch.write("init", "1\n"), {});
    files.await(4, scratch.write("negative", "-4711\n"), {});
    files.await(5, scratch.write("open", "4711\n", 0666), {});
    scratch.write("real", "4711\n");
    std::filesystem::create_symlink(scratch / "real", scratch / "link");
    files.await(6, scratch / "link", {});
    files.await(7, scratch.path(), {});
    ::mkfifo((scratch / "fifo").c_str(), 0600);
    files.await(8, scratch / "fifo", {});
    files.await(9, scratch / "missing", {});
    files.await(10, scratch / "real/below-a-file", {});
    CHECK(named(files).empty());
    // One that is not there, or empty, may yet come to be what it should; of the others it can be said why not.
    std::map<core::UnitId, std::string> doubts;
    for (auto& [unit, pid] : files.candidates())
        if (PidFiles::is_there(pid))
            doubts[unit] = pid.error().text();
    CHECK(doubts.size() == 7);
    const auto no_id = [&](const char* name, const char* why) {
        return "find no process id in " + (scratch / name) + ": it says " + why;
    };
    CHECK(doubts[2] == no_id("words", "\"hello\", and that is no number of a process"));
    CHECK(doubts[3] == no_id("init", "\"1\", and that is the init"));
    CHECK(doubts[4] == no_id("negative", "\"-4711\", and that is no number of a process"));
    CHECK(doubts[5] == "refuse PID file that anyone can write: " + (scratch / "open") + " (mode 0666)");
    CHECK(doubts[6] == "refuse PID file that is a symbolic link: " + (scratch / "link"));
    CHECK(doubts[7].starts_with("refuse PID file that is no regular file"));
    CHECK(doubts[8].starts_with("refuse PID file that is no regular file"));
}

TEST_CASE("what is held against a PID file is news once") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, scratch / "a.pid", {});
    CHECK(files.is_news(1, "it is a link"));
    CHECK_FALSE(files.is_news(1, "it is a link"));
    CHECK(files.is_news(1, "it is a pipe"));
    CHECK_FALSE(files.is_news(2, "nobody waits for it"));
    files.await(1, scratch / "a.pid", {});
    CHECK(files.is_news(1, "it is a pipe"));
}

TEST_CASE("a PID file that is given to the service's user late, or made safe late, is heard of") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    std::string path = scratch.write("a.pid", "4711\n", 0666);
    files.await(1, path, {});
    CHECK(named(files).empty());
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    CHECK(heard(files));
    CHECK(named(files) == std::vector<pid_t>{4711});
}

TEST_CASE("a PID file in a directory that is removed and made anew is heard of") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    std::filesystem::create_directory(scratch / "run");
    files.await(1, scratch / "run/a.pid", {});
    std::filesystem::remove(scratch / "run");
    CHECK(heard(files));
    files.drain();
    std::filesystem::create_directory(scratch / "run");
    CHECK(heard(files));
    files.drain();
    scratch.write("run/a.pid", "4711\n");
    CHECK(heard(files));
    CHECK(named(files) == std::vector<pid_t>{4711});
}

TEST_CASE("the service's own user may have written it, another may not") {
    if (::geteuid() != 0)
        return;
    os::Scratch scratch;
    std::string path = scratch.write("a.pid", "4711\n");
    REQUIRE(::chown(path.c_str(), 1000, 1000) == 0);
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, path, {});
    CHECK(named(files).empty());
    const std::string why = files.candidates().at(0).second.error().text();
    CHECK(why.starts_with("refuse PID file of another user: " + path +
                          " belongs to user 1000, and process 4711, which it "));
    files.await(1, path, 1001);
    CHECK(named(files).empty());
    files.await(1, path, 1000);
    CHECK(named(files) == std::vector<pid_t>{4711});
}

TEST_CASE("nobody is woken up for a directory that nobody waits for any more") {
    os::Scratch scratch;
    os::HangingMounts mounts;
    LinuxKernel kernel;
    PidFiles files(kernel, mounts);
    files.await(1, scratch / "a.pid", {});
    files.forget(1);
    scratch.write("b", "x");
    CHECK_FALSE(heard(files, 100));
}
