// Which directories go with which unit.
#include "daemon/process/owned_directories.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace mi::daemon {
namespace {

OwnedDirectories of(std::initializer_list<std::vector<std::string>> directories) {
    OwnedDirectories own;
    for (const std::vector<std::string>& components : directories)
        own.runtime.push_back({.base = "/nowhere/run", .components = components});
    return own;
}

std::string names(const OwnedDirectories& own) {
    std::vector<std::string> paths;
    for (const os::Directory& directory : own.runtime)
        paths.push_back(directory.path().substr(13));
    std::ranges::sort(paths);
    std::string all;
    for (const std::string& path : paths)
        all += (all.empty() ? "" : " ") + path;
    return all;
}

} // namespace

TEST_CASE("a directory that another unit uses, too, is left to that one") {
    OwnedDirectories one = of({{"a"}, {"mine"}}), two = of({{"a"}, {"b"}});
    one.leave_to(two);
    CHECK(names(one) == "mine");
    CHECK(names(two) == "a b");
}

TEST_CASE("one inside another's is left to that one, and one around another's as well") {
    OwnedDirectories inner = of({{"a", "b", "c"}}), outer = of({{"a"}});
    OwnedDirectories leaving = of({{"a", "b"}});
    leaving.leave_to(outer);
    CHECK(names(leaving).empty());
    CHECK(names(outer) == "a a/b");
    outer.leave_to(inner);
    CHECK(names(outer).empty());
    CHECK(names(inner) == "a a/b a/b/c");
}

TEST_CASE("a name that begins like another's is no directory of its") {
    OwnedDirectories one = of({{"app"}}), two = of({{"apple"}, {"ap"}, {"x", "app"}});
    one.leave_to(two);
    CHECK(names(one) == "app");
    CHECK(names(two) == "ap apple x/app");
}

} // namespace mi::daemon
