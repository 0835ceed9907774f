#include "base/fd.hpp"
#include "os/file/path_watch.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

using namespace mi::os;

namespace {

bool tells(const PathWatch& watch) {
    pollfd one{watch.fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

} // namespace

TEST_CASE("a watched file tells of itself and its directory, and of nothing beside it") {
    char place[] = "/tmp/miniinit-watch-XXXXXX";
    REQUIRE(::mkdtemp(place) != nullptr);
    const std::string directory = std::string(place) + "/d", file = directory + "/file", other = directory + "/other";
    auto make = [](const std::string& path) {
        const mi::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(fd);
    };
    REQUIRE(::mkdir(directory.c_str(), 0700) == 0);
    make(file);
    make(other);
    PathWatch watch;
    watch.watch_file(file);
    watch.watch_file(directory + "/none/file"); // there is nothing to watch
    watch.drain();
    REQUIRE(::rename(other.c_str(), (directory + "/another").c_str()) == 0);
    make(other);
    REQUIRE(::unlink(other.c_str()) == 0);
    CHECK(!tells(watch));
    SUBCASE("removed while it is open") {
        const mi::Fd open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(::unlink(file.c_str()) == 0);
        CHECK(tells(watch));
    }
    SUBCASE("renamed") { REQUIRE(::rename(file.c_str(), other.c_str()) == 0); }
    SUBCASE("replaced") { REQUIRE(::rename((directory + "/another").c_str(), file.c_str()) == 0); }
    SUBCASE("its directory is renamed") { REQUIRE(::rename(directory.c_str(), (directory + "2").c_str()) == 0); }
    CHECK(tells(watch));
    watch.drain();
    CHECK(!tells(watch));
    std::filesystem::remove_all(place);
}

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
