// Reading at a place in a file.
#include "base/fd.hpp"
#include "base/read_at.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

using namespace mi;

TEST_CASE("bytes are read from any place in a file, as many as there are, and its position stays") {
    char path[] = "/tmp/read_at_test_XXXXXX";
    const Fd file(::mkostemp(path, O_CLOEXEC));
    REQUIRE(file);
    REQUIRE(::unlink(path) == 0);
    REQUIRE(::write(file.get(), "0123456789", 10) == 10);
    CHECK(read_at(file.get(), 2, 3) == "234");
    CHECK(read_at(file.get(), 8, 5) == "89");
    CHECK(read_at(file.get(), 10, 5).empty());
    CHECK(read_at(file.get(), 0, 0).empty());
    char some[4] = {};
    CHECK(read_at(file.get(), 4, some) == 4);
    CHECK(std::string_view(some, 4) == "4567");
    CHECK(::lseek(file.get(), 0, SEEK_CUR) == 10);
}

TEST_CASE("of what cannot be read there is nothing") {
    CHECK(read_at(-1, 0, 5).empty());
    const Fd unreadable(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    CHECK(read_at(unreadable.get(), 0, 5).empty());
}
