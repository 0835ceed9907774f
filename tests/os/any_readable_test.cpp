#include "os/process/any_readable.hpp"

#include <poll.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include "os/file/runtime.hpp"

using namespace mi;
using namespace mi::os;

namespace {
bool readable(const AnyReadable& set) {
    pollfd one{set.fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}
} // namespace

TEST_CASE("a set can be read as long as there is something in one of its pipes") {
    auto set = AnyReadable::make();
    auto first = make_pipe(), second = make_pipe();
    REQUIRE(set);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(set->add(first->read.get()));
    CHECK(set->add(second->read.get()));
    CHECK_FALSE(readable(*set));
    CHECK(::write(second->write.get(), "x", 1) == 1);
    CHECK(readable(*set));
    char byte = 0;
    CHECK(::read(second->read.get(), &byte, 1) == 1); // whoever empties it
    CHECK_FALSE(readable(*set));
}

TEST_CASE("a pipe that was removed is not in it any more, though others have it open") {
    auto set = AnyReadable::make();
    auto pipe = make_pipe();
    REQUIRE(set);
    REQUIRE(pipe);
    const Fd other(::dup(pipe->read.get()));
    CHECK(set->add(pipe->read.get()));
    set->remove(pipe->read.get());
    pipe->read.reset();
    CHECK(::write(pipe->write.get(), "x", 1) == 1);
    CHECK_FALSE(readable(*set));
}
