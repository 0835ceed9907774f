// Numbers, pieces and nearness of words.
#include "base/count.hpp"
#include "base/text.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace mi;

TEST_CASE("a number is the whole text or nothing") {
    CHECK(to_number<int>("42") == 42);
    CHECK(to_number<int>("-42") == -42);
    CHECK(to_number<unsigned>("ff", 16) == 255u);
    CHECK(to_number<std::uint64_t>("18446744073709551615") == UINT64_MAX);
    for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "1.0", "--1"}) {
        CAPTURE(text);
        CHECK_FALSE(to_number<int>(text));
    }
    CHECK_FALSE(to_number<unsigned>("-1"));
    CHECK_FALSE(to_number<std::uint8_t>("256"));
    CHECK_FALSE(to_number<std::uint64_t>("18446744073709551616"));
}

TEST_CASE("splitting gives one piece more than there are separators") {
    CHECK(split("a:b:c", ':') == std::vector<std::string_view>{"a", "b", "c"});
    CHECK(split("", ':') == std::vector<std::string_view>{""});
    CHECK(split("::", ':') == std::vector<std::string_view>{"", "", ""});
    CHECK(split("abc", ':') == std::vector<std::string_view>{"abc"});
}

TEST_CASE("trimming takes blanks from the ends only") {
    CHECK(trim(" \t a b\r\n") == "a b");
    CHECK(trim(" \n ") == "");
    CHECK(trim("") == "");
    CHECK(trim("x") == "x");
}

TEST_CASE("the distance of words counts inserted, dropped, changed and swapped letters") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("restart", "restart") == 0);
    CHECK(edit_distance("restart", "restrat") == 1);
    CHECK(edit_distance("restart", "restar") == 1);
    CHECK(edit_distance("restart", "rrestart") == 1);
    CHECK(edit_distance("restart", "rastart") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("", "abc") == 3);
    for (auto [a, b] : {std::pair("command", "comand"), {"type", "typ"}, {"a", "bcd"}})
        CHECK(edit_distance(a, b) == edit_distance(b, a));
    std::string longest(65, 'x'), other(64, 'x');
    CHECK(edit_distance(longest, other) == 65); // too long to be a slip
    CHECK(edit_distance(other, other.substr(1)) == 1);
}

TEST_CASE("the nearest word is suggested if it is near enough to be a slip of the pen") {
    std::vector<std::string_view> words{"command", "restart", "restart-delay", "type"};
    CHECK(nearest("comand", words) == "command");
    CHECK(nearest("restrt", words) == "restart");
    CHECK(nearest("restart_delay", words) == "restart-delay");
    CHECK(nearest("tpye", words) == "type");
    CHECK(nearest("banana", words).empty());
    CHECK(nearest("x", words).empty());
    CHECK(nearest("", words).empty());
    CHECK(nearest("type", {}).empty());
}

TEST_CASE("a size is told to one decimal") {
    CHECK(size_text(0) == "0");
    CHECK(size_text(1023) == "1023");
    CHECK(size_text(64u << 20) == "64M");
    CHECK(size_text(1536) == "1.5K");
    CHECK(size_text((1u << 30) + (1u << 29)) == "1.5G");
    CHECK(size_text(~std::uint64_t{0}) == "15.9E");
}

TEST_CASE("one of a kind is not counted as many") {
    CHECK(counted(0, "unit") == "0 units");
    CHECK(counted(1, "unit") == "1 unit");
    CHECK(counted(2u, "process", "processes") == "2 processes");
    CHECK(counted(std::size_t{1}, "byte is", "bytes are") == "1 byte is");
}
