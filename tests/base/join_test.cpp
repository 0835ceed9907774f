// Joining words.
#include "base/join.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace mi;

TEST_CASE("words are joined with something between any two") {
    CHECK(join(std::vector<std::string>{}) == "");
    CHECK(join(std::vector<std::string>{"a"}) == "a");
    CHECK(join(std::vector<std::string_view>{"a", "b", "c"}, " ") == "a b c");
    CHECK(join(std::vector<std::string>{"", "b"}) == ", b");
    std::string list;
    for (const char* word : {"x", "y"})
        join_to(list, word, ":");
    CHECK(list == "x:y");
}
