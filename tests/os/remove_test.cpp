// What removing directories leaves alone: what is mounted below, and what somebody put in the way.
#include "os/file/remove.hpp"

#include "os/mount/mount_id.hpp"
#include "scene.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

using namespace mi;
using namespace mi::os;

namespace {

// Runs `body` in a user and a mount namespace of its own, where it is root. False also where there is no such thing to be
// had; then nothing was tested.
bool among_own_mounts(const std::function<bool()>& body) {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    return aside([&] {
        auto put = [](const char* file, const std::string& text) {
            Fd fd(::open(file, O_WRONLY | O_CLOEXEC));
            return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
        };
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !put("/proc/self/setgroups", "deny") ||
            !put("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
            !put("/proc/self/gid_map", "0 " + std::to_string(group) + " 1") ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
            return false;
        return body();
    });
}

bool can_mount() {
    return among_own_mounts([] { return true; });
}

// Whether we can be another user.
bool has_users() {
    return is_root() && aside([] { return ::setresuid(1234, 1234, 1234) == 0; });
}

void fill(const std::string& directory) {
    std::filesystem::create_directories(directory + "/sub");
    std::ofstream(directory + "/file") << "x";
    std::ofstream(directory + "/sub/file") << "x";
}

bool bind_to(const std::string& from, const std::string& to) {
    return ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

bool is_full(const std::string& directory) {
    return std::filesystem::exists(directory + "/file") && std::filesystem::exists(directory + "/sub/file");
}

} // namespace

TEST_CASE("nothing is removed in what is mounted below, be it of the same file system, and what was left is told") {
    if (!can_mount())
        return;
    Scratch scratch;
    fill(scratch / "volume");
    fill(scratch / "run");
    fill(scratch / "run/a/b");
    std::filesystem::create_directories(scratch / "run/a/b/bound");
    std::filesystem::create_directories(scratch / "run/other");
    scratch.write("run/a/on", "below");
    scratch.write("run/a/b/bound/below", "x");
    CHECK(among_own_mounts([&] {
        if (!bind_to(scratch / "volume", scratch / "run/a/b/bound") ||
            ::mount("none", (scratch / "run/other").c_str(), "tmpfs", 0, nullptr) != 0 ||
            !bind_to(scratch / "volume/file", scratch / "run/a/on"))
            return false;
        fill(scratch / "run/other");
        std::filesystem::create_directories(scratch / "plain");
        HangingMounts mounts;
        if (!something_mounted(scratch / "run", mounts) || !something_mounted(scratch / "run/a/b/bound", mounts) ||
            something_mounted(scratch / "run/a/b/bou", mounts) || something_mounted(scratch / "plain", mounts))
            return false;
        const Leftovers left = remove_tree(scratch / "run");
        std::vector<std::string> told = left.told;
        std::ranges::sort(told);
        return told == std::vector<std::string>{scratch / "run/a/b/bound: something is mounted there",
                                                scratch / "run/a/on: something is mounted there",
                                                scratch / "run/other: something is mounted there"} &&
               left.count == 3 && is_full(scratch / "run/a/b/bound") && is_full(scratch / "run/other") &&
               !std::filesystem::exists(scratch / "run/file") && !std::filesystem::exists(scratch / "run/sub") &&
               !std::filesystem::exists(scratch / "run/a/b/file");
    }));
    CHECK(is_full(scratch / "volume"));
}

TEST_CASE("a directory that is itself mounted is not emptied, and its mode stays") {
    if (!can_mount())
        return;
    Scratch scratch;
    fill(scratch / "volume");
    std::filesystem::create_directories(scratch / "run/closed");
    CHECK(among_own_mounts([&] {
        if (!bind_to(scratch / "volume", scratch / "run/closed") || ::chmod((scratch / "volume").c_str(), 0111) != 0)
            return false;
        return remove_tree(scratch / "run/closed").text() == scratch / "run/closed" + ": something is mounted there\n";
    }));
    struct stat about{};
    REQUIRE(::stat((scratch / "volume").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0111);
    ::chmod((scratch / "volume").c_str(), 0755);
    CHECK(is_full(scratch / "volume"));
}

TEST_CASE("emptying a directory does not go into another mount") {
    if (!can_mount())
        return;
    Scratch scratch;
    fill(scratch / "volume");
    fill(scratch / "root");
    std::filesystem::create_directories(scratch / "root/mnt");
    CHECK(among_own_mounts([&] {
        Fd root(::open((scratch / "root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!bind_to(scratch / "volume", scratch / "root/mnt"))
            return false;
        const Leftovers left = empty_directory(root.get());
        return left.text() == "/mnt: something is mounted there\n" && is_full(scratch / "root/mnt") &&
               !std::filesystem::exists(scratch / "root/file") && !std::filesystem::exists(scratch / "root/sub");
    }));
}

TEST_CASE("what the child could not remove, its parent reads") {
    if (!can_mount())
        return;
    Scratch scratch;
    fill(scratch / "volume");
    std::filesystem::create_directories(scratch / "one/mnt");
    for (int i = 0; i < 9; ++i)
        std::filesystem::create_directories(scratch / ("two/mnt" + std::to_string(i)));
    CHECK(among_own_mounts([&] {
        bool bound = bind_to(scratch / "volume", scratch / "one/mnt");
        for (int i = 0; i < 9; ++i)
            bound = bind_to(scratch / "volume", scratch / ("two/mnt" + std::to_string(i))) && bound;
        auto child = remove_trees_apart({scratch / "one", scratch / "two"});
        int status = -1;
        if (!bound || !child || ::waitpid(child->pid, &status, 0) != child->pid)
            return false;
        const std::string text = drain(child->left.get());
        return WEXITSTATUS(status) == 1 && text.starts_with(scratch / "one/mnt: something is mounted there\n") &&
               text.ends_with("\nand 4 more\n") && std::ranges::count(text, '\n') == 7;
    }));
    CHECK(is_full(scratch / "volume"));
}

TEST_CASE("a mount is told from another one of the same directory") {
    if (!can_mount())
        return;
    Scratch scratch;
    std::filesystem::create_directories(scratch / "a/inner");
    std::filesystem::create_directories(scratch / "b");
    CHECK(among_own_mounts([&] {
        auto of = [&](const std::string& path) {
            Fd fd(::open((scratch / path).c_str(), O_PATH | O_CLOEXEC));
            return mount_of(fd.get());
        };
        return of("a") == of("a/inner") && of("a") == of("b") && bind_to(scratch / "a", scratch / "b") && of("b") &&
               of("a") != of("b") && of("b") == of("b/inner") && of("a")->device == of("b")->device;
    }));
}

TEST_CASE("removal does not follow a directory that somebody moves away meanwhile, nor a link of a user's") {
    if (!has_users())
        return;
    Scratch scratch;
    constexpr uid_t user = 1234;
    fill(scratch / "victim");
    std::filesystem::create_directories(scratch / "theirs/sub");
    ::chown((scratch / "theirs").c_str(), user, user);
    std::filesystem::create_directory_symlink(scratch.path(), scratch / "theirs/out");
    CHECK(remove_tree(scratch / "theirs/out/victim").count == 1);
    CHECK(is_full(scratch / "victim"));
    // Somebody exchanges a directory and a link to the victim, as fast as he can, while the tree is removed.
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 50; ++i)
            std::filesystem::create_directories(scratch / ("theirs/tree/" + std::to_string(i) + "/x/y"));
        std::filesystem::create_directory_symlink(scratch / "victim", scratch / "theirs/bait");
        std::atomic<bool> over = false;
        std::thread attacker([&] {
            while (!over)
                for (int i = 0; i < 50; ++i) {
                    (void)::renameat2(AT_FDCWD, (scratch / "theirs/bait").c_str(), AT_FDCWD,
                                      (scratch / ("theirs/tree/" + std::to_string(i))).c_str(), RENAME_EXCHANGE);
                    (void)::rename((scratch / ("theirs/tree/" + std::to_string(i) + "/x")).c_str(),
                                   (scratch / "theirs/moved").c_str());
                }
        });
        (void)remove_tree(scratch / "theirs/tree");
        over = true;
        attacker.join();
        std::filesystem::remove_all(scratch / "theirs/tree");
        std::filesystem::remove_all(scratch / "theirs/bait");
        std::filesystem::remove_all(scratch / "theirs/moved");
    }
    CHECK(is_full(scratch / "victim"));
}

TEST_CASE("a user's own directories are opened for their removal, and no mode is changed through a link") {
    if (!has_users())
        return;
    Scratch scratch;
    constexpr uid_t user = 1234;
    std::filesystem::create_directories(scratch / "theirs");
    ::chown((scratch / "theirs").c_str(), user, user);
    CHECK(aside([&] {
        if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)
            return false;
        fill(scratch / "theirs/victim");
        fill(scratch / "theirs/tree/closed");
        fill(scratch / "theirs/tree/read-only/sub");
        std::filesystem::create_directory_symlink(scratch / "theirs/victim", scratch / "theirs/tree/link");
        for (auto [name, mode] : {std::pair{"tree/closed/sub", 0},
                                  {"tree/closed", 0},
                                  {"tree/read-only/sub", 0500},
                                  {"tree/read-only", 0100},
                                  {"victim", 0500}})
            if (::chmod((scratch / ("theirs/" + std::string(name))).c_str(), static_cast<mode_t>(mode)) != 0)
                return false;
        struct stat about{};
        return remove_tree(scratch / "theirs/tree").text().empty() &&
               !std::filesystem::exists(scratch / "theirs/tree") &&
               ::stat((scratch / "theirs/victim").c_str(), &about) == 0 && (about.st_mode & 0777) == 0500 &&
               is_full(scratch / "theirs/victim");
    }));
}

TEST_CASE("a name that is no line is told as one") {
    if (!can_mount())
        return;
    Scratch scratch;
    std::filesystem::create_directories(scratch / "run/a\nb\033c");
    CHECK(among_own_mounts([&] {
        return ::mount("none", (scratch / "run/a\nb\033c").c_str(), "tmpfs", 0, nullptr) == 0 &&
               remove_tree(scratch / "run").text() == scratch / "run/a?b?c" + ": something is mounted there\n";
    }));
}

TEST_CASE("what lies on a file system that may hang is not moved, not asked about and not removed by us") {
    Scratch scratch;
    HangingMounts mounts(mounts_with_foreign_proc(scratch));
    std::filesystem::create_directories(scratch / "plain");
    std::filesystem::create_symlink("/proc/self", scratch / "link");
    CHECK(set_aside("/proc", {"self", "x"}, scratch / "to", mounts).error().code == EXDEV);
    CHECK(set_aside("/", {"proc", "self"}, scratch / "to", mounts).error().code == EXDEV);
    CHECK(something_mounted("/proc/self/fd", mounts));
    CHECK(something_mounted(scratch / "link", mounts));
    CHECK_FALSE(something_mounted(scratch / "plain", mounts));
    CHECK(set_aside(scratch.path(), {"plain"}, scratch / "to", mounts));
}
