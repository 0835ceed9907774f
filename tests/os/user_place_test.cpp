// The directories of one user, and which of them are trusted.
#include "os/file/init_place.hpp"
#include "os/file/user_place.hpp"
#include "scene.hpp"

#include <sys/stat.h>

#include <cstdlib>

using namespace mi;
using namespace mi::os;

TEST_CASE("a directory is ours where it is real, ours, and nobody else may write to it") {
    Scratch scratch;
    const std::string path = scratch / "own";
    CHECK(make_own_directory(path).has_value());
    CHECK(not_ours(path).empty());
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    ::chmod(path.c_str(), 0770);
    CHECK(not_ours(path) == "others may write to " + path);
    CHECK_FALSE(make_own_directory(path).has_value());
    ::chmod(path.c_str(), 0755);
    CHECK(not_ours(path).empty());
    REQUIRE(::symlink(path.c_str(), (scratch / "link").c_str()) == 0);
    CHECK(not_ours(scratch / "link") == (scratch / "link") + " is a link");
    scratch.write("file", "");
    CHECK(not_ours(scratch / "file") == (scratch / "file") + " is no directory");
    CHECK_FALSE(not_ours(scratch / "none").empty());
    CHECK(make_own_directory(scratch / "a/b/c").has_value());
}

TEST_CASE("the XDG variables say where, if they are absolute and the directory is ours") {
    Scratch scratch;
    ::setenv("HOME", scratch.path().c_str(), 1);
    ::unsetenv("XDG_CONFIG_HOME");
    ::setenv("XDG_STATE_HOME", "relative", 1);
    ::setenv("XDG_RUNTIME_DIR", scratch.path().c_str(), 1);
    UserPlace place = user_place();
    CHECK(place.config_home == scratch / ".config");
    CHECK(place.state == scratch / ".local/state/miniinit");
    CHECK(place.run_directories == std::vector<std::string>{scratch / "miniinit"});
    CHECK(place.complaint.empty());
    ::setenv("XDG_RUNTIME_DIR", (scratch / "none").c_str(), 1);
    place = user_place();
    CHECK(place.complaint.starts_with("XDG_RUNTIME_DIR is not used: "));
    CHECK(place.run_directories.back() == "/tmp/miniinit-" + std::to_string(::geteuid()));
}

TEST_CASE("a directory could be had where it is there for us to write, or where the nearest one above it is") {
    Scratch scratch;
    CHECK(could_have(scratch.path()));
    CHECK(could_have(scratch / "a/b/c"));
    scratch.write("file", "");
    CHECK_FALSE(could_have(scratch / "file"));
    CHECK_FALSE(could_have(scratch / "file/below"));
    for (const std::string& directory : spare_directories(4711))
        CHECK(directory.ends_with("/miniinit-init-4711"));
}

TEST_CASE("one lock for a run directory, and its holder is named") {
    Scratch scratch;
    Result<Fd> first = lock_run_directory(scratch.path());
    REQUIRE(first);
    Result<Fd> second = lock_run_directory(scratch.path());
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EADDRINUSE);
    CHECK(second.error().about.contains("process " + std::to_string(::getpid())));
    first->reset();
    CHECK(lock_run_directory(scratch.path()).has_value());
}
