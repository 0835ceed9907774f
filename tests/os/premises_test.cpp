#include "base/fd.hpp"
#include "os/premises.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

using namespace mi::os;

namespace {

bool tells(const Premises& premises) {
    pollfd one{premises.fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

} // namespace

TEST_CASE("premises tell of what goes away in a watched directory, however often that is watched") {
    char place[] = "/tmp/miniinit-premises-XXXXXX";
    REQUIRE(::mkdtemp(place) != nullptr);
    const std::string directory = place, kept = directory + "/kept", gone = directory + "/gone";
    REQUIRE(::mkdir(kept.c_str(), 0700) == 0);
    REQUIRE(::mkdir(gone.c_str(), 0700) == 0);
    Premises premises;
    premises.watch(directory);
    premises.watch(directory);
    premises.drain();
    CHECK(!tells(premises));
    REQUIRE(::rmdir(gone.c_str()) == 0);
    CHECK(tells(premises));
    premises.drain();
    CHECK(!tells(premises));

    SUBCASE("and of nothing once they have left") {
        premises.leave();
        premises.drain(); // of the end of the watch itself
        REQUIRE(::rmdir(kept.c_str()) == 0);
        CHECK(!tells(premises));
        premises.leave(); // twice is once
    }
    SUBCASE("also to the program that goes on with its descriptor") {
        Premises next{mi::Fd(::dup(premises.watches()))};
        next.watch(directory);
        CHECK(!tells(next));
        REQUIRE(::rmdir(kept.c_str()) == 0);
        CHECK(tells(next));
    }
    SUBCASE("of the directory itself, too, whose watch ends with it") {
        REQUIRE(::rmdir(kept.c_str()) == 0);
        REQUIRE(::rmdir(place) == 0);
        CHECK(tells(premises));
        premises.leave();
    }
    (void)::rmdir(kept.c_str());
    (void)::rmdir(place);
}
