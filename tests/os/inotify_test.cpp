#include "os/file/inotify.hpp"

#include "scene.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace mi::os;

namespace {

std::vector<std::string> names_told(Inotify& inotify) {
    std::vector<std::string> names;
    inotify.read_all([&](const Inotify::Event& event) { names.emplace_back(event.name); });
    return names;
}

} // namespace

TEST_CASE("events have the number of their watch and the name of the entry, and are told once") {
    const Scratch place;
    Inotify inotify;
    const int watch = inotify.add(place.path().c_str(), IN_CREATE);
    REQUIRE(watch >= 0);
    CHECK(names_told(inotify).empty());
    for (const char* name : {"/one", "/a longer name"})
        REQUIRE(::mkdir((place.path() + name).c_str(), 0700) == 0);
    std::vector<std::string> names;
    inotify.read_all([&](const Inotify::Event& event) {
        CHECK(event.watch == watch);
        CHECK((event.mask & IN_CREATE) != 0);
        names.emplace_back(event.name);
    });
    CHECK(names == std::vector<std::string>{"one", "a longer name"});
    CHECK(names_told(inotify).empty());
    inotify.remove(watch);
    inotify.drain(); // the kernel confirms the end of the watch
    REQUIRE(::mkdir((place.path() + "/two").c_str(), 0700) == 0);
    CHECK(names_told(inotify).empty());
}

TEST_CASE("a directory is watched by its descriptor, whatever its path leads to by then") {
    const Scratch place;
    const std::string path = place.path() + "/d", moved = place.path() + "/moved";
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    const mi::Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(::rename(path.c_str(), moved.c_str()) == 0);
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    Inotify inotify;
    const auto watch = inotify.add_directory(directory.get(), IN_CREATE);
    REQUIRE(watch);
    REQUIRE(::mkdir((path + "/elsewhere").c_str(), 0700) == 0);
    REQUIRE(::mkdir((moved + "/here").c_str(), 0700) == 0);
    CHECK(names_told(inotify) == std::vector<std::string>{"here"});
    CHECK_FALSE(inotify.add_directory(-1, IN_CREATE));
}
