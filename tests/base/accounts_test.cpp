// Lines of passwd(5) and group(5).
#include "base/accounts.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mi;

TEST_CASE("a line of passwd(5) is a name, two numbers and two paths") {
    const auto lines = passwd_lines("root:x:0:0:root:/root:/bin/bash\nbare:x:7:8\nodd:x:9:9::home:sh\n");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].name == "root");
    CHECK(lines[0].uid == 0);
    CHECK(lines[0].home == "/root");
    CHECK(lines[0].shell == "/bin/bash");
    CHECK(lines[1].uid == 7);
    CHECK(lines[1].gid == 8);
    CHECK(lines[1].home.empty());
    CHECK(lines[2].home.empty());
    CHECK(lines[2].shell.empty());
}

TEST_CASE("a line of group(5) is a name, a number and its members") {
    const auto lines = group_lines("wheel:x:10:ann,bob\nempty:x:11:\nshort:x:12\n");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].gid == 10);
    CHECK(lines[0].members == "ann,bob");
    CHECK(lines[1].members.empty());
    CHECK(lines[2].gid == 12);
}

TEST_CASE("lines of accounts that make no sense are passed over") {
    using namespace std::string_literals;
    CHECK(passwd_lines("# a:x:1:1\n:x:1:1\na:x:1\na:x:-1:1\na:x:1:4294967295\na:x::1\na\0:x:1:1\n"s).empty());
    CHECK(group_lines("# a:x:1:\n:x:1:\na:x\na:x:4294967295:\na:x:b:\n").empty());
}
