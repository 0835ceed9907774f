// Which directories go with which unit.
#include "daemon/process/belongings.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace mi::daemon {
namespace {

Belongings of(std::initializer_list<std::vector<std::string>> directories) {
    Belongings own;
    for (const std::vector<std::string>& components : directories)
        own.runtime.push_back({.base = "/nowhere/run", .components = components});
    return own;
}

std::string names(const Belongings& own) {
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
    Belongings one = of({{"a"}, {"mine"}}), two = of({{"a"}, {"b"}});
    one.leave_to(two);
    CHECK(names(one) == "mine");
    CHECK(names(two) == "a b");
}

TEST_CASE("one inside another's is left to that one, and one around another's as well") {
    Belongings inner = of({{"a", "b", "c"}}), outer = of({{"a"}});
    Belongings leaving = of({{"a", "b"}});
    leaving.leave_to(outer);
    CHECK(names(leaving).empty());
    CHECK(names(outer) == "a a/b");
    outer.leave_to(inner);
    CHECK(names(outer).empty());
    CHECK(names(inner) == "a a/b a/b/c");
}

TEST_CASE("a name that begins like another's is no directory of its") {
    Belongings one = of({{"app"}}), two = of({{"apple"}, {"ap"}, {"x", "app"}});
    one.leave_to(two);
    CHECK(names(one) == "app");
    CHECK(names(two) == "ap apple x/app");
}

} // namespace mi::daemon
