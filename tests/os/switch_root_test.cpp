#include "os/mount/switch_root.hpp"

#include "base/fd.hpp"
#include "os/file/remove.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace mi;
using namespace mi::os;

TEST_CASE("a new root has to be another file system's, with an init in it that can be executed") {
    char name[] = "/tmp/miniinit-root-XXXXXX";
    const std::string directory = ::mkdtemp(name);
    CHECK(check_new_root("/", "").error().text().starts_with("this is the root directory already"));
    CHECK(check_new_root(directory, "").error().text().starts_with("mount the new root file system first"));
    CHECK(check_new_root(directory + "/missing", "").error().code == ENOENT);
    // A file system that is mounted everywhere, and has no init.
    CHECK(check_new_root("/proc", "").error().text().starts_with("name the init"));
    CHECK(check_new_root("/proc/", "/version").error().code == EACCES);
    CHECK(check_new_root("/proc", "/nothing").error().code == ENOENT);
    std::filesystem::remove_all(directory);
}

TEST_CASE("the init of another root is found as it will be from there, and a script is told from a program") {
    char name[] = "/tmp/miniinit-inner-XXXXXX";
    const std::filesystem::path root = ::mkdtemp(name);
    std::filesystem::create_directories(root / "bin");
    std::filesystem::copy_file("/proc/self/exe", root / "bin/program");
    std::ofstream(root / "bin/script") << "#!/bin/sh\n";
    std::ofstream(root / "bin/empty");
    std::filesystem::create_symlink("/bin/program", root / "init");
    std::filesystem::create_symlink("/../../bin/script", root / "outward");
    auto found = open_in_root(root, "/init");
    REQUIRE(found);
    CHECK(is_binary(found->get()));
    for (const char* other : {"/bin/script", "/bin/empty", "/outward"}) {
        INFO(other);
        auto file = open_in_root(root, other);
        REQUIRE(file);
        CHECK_FALSE(is_binary(file->get()));
    }
    CHECK(open_in_root(root, "/bin/nothing").error().code == ENOENT);
    std::filesystem::remove_all(root);
}

TEST_CASE("emptying a directory takes all that is in it, and follows no link") {
    char name[] = "/tmp/miniinit-empty-XXXXXX";
    const std::filesystem::path directory = ::mkdtemp(name);
    std::filesystem::create_directories(directory / "root/a/b/c");
    std::filesystem::create_directories(directory / "outside");
    std::ofstream(directory / "root/a/b/file") << "x";
    std::ofstream(directory / "outside/file") << "x";
    std::filesystem::create_symlink(directory / "outside", directory / "root/link");
    Fd root(::open((directory / "root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(empty_directory(root.get()).count == 0);
    CHECK(std::filesystem::is_empty(directory / "root"));
    CHECK(std::filesystem::exists(directory / "outside/file"));
    std::filesystem::remove_all(directory);
}
