#include "base/fd.hpp"
#include "os/file/path_watch.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

using namespace mi::os;

namespace {

bool tells(const PathWatch& watch) {
    pollfd one{watch.fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

} // namespace

TEST_CASE("a watch tells of what goes away in a watched directory, however often that is watched") {
    char place[] = "/tmp/miniinit-watch-XXXXXX";
    REQUIRE(::mkdtemp(place) != nullptr);
    const std::string directory = place, kept = directory + "/kept", gone = directory + "/gone";
    REQUIRE(::mkdir(kept.c_str(), 0700) == 0);
    REQUIRE(::mkdir(gone.c_str(), 0700) == 0);
    PathWatch watch;
    watch.watch(directory);
    watch.watch(directory);
    watch.drain();
    CHECK(!tells(watch));
    REQUIRE(::rmdir(gone.c_str()) == 0);
    CHECK(tells(watch));
    watch.drain();
    CHECK(!tells(watch));

    SUBCASE("and of nothing once it has left") {
        watch.leave();
        watch.drain(); // of the end of the watch itself
        REQUIRE(::rmdir(kept.c_str()) == 0);
        CHECK(!tells(watch));
        watch.leave(); // twice is once
    }
    SUBCASE("also to the program that goes on with its descriptor") {
        PathWatch next{mi::Fd(::dup(watch.watches()))};
        next.watch(directory);
        CHECK(!tells(next));
        REQUIRE(::rmdir(kept.c_str()) == 0);
        CHECK(tells(next));
    }
    SUBCASE("of the directory itself, too, whose watch ends with it") {
        REQUIRE(::rmdir(kept.c_str()) == 0);
        REQUIRE(::rmdir(place) == 0);
        CHECK(tells(watch));
        watch.leave();
    }
    (void)::rmdir(kept.c_str());
    (void)::rmdir(place);
}
