#include "logd/own_words.hpp"

#include <unistd.h>
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "os/file/runtime.hpp"
#include "wire/log_protocol.hpp"

using namespace mi;
using namespace mi::logd;
using wire::logs::Priority;

namespace {

struct Scene {
    Scene() : pipe(*os::make_pipe()) {}
    void say(std::string_view unit, std::string_view text) {
        for (const std::string& line : wire::logs::init_lines(unit, Priority::warning, text))
            REQUIRE(::write(pipe.write.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    }
    OwnWords::Ahead look() { return words.look(pipe.read.get(), room); }

    os::Pipe pipe;
    OwnWords words;
    std::array<char, 65536> room{};
};

} // namespace

TEST_CASE("the units that PID 1's next lines are about are known before the lines are taken") {
    Scene scene;
    CHECK(scene.look().bytes == 0);
    scene.say("web", "it ended with exit code 9");
    scene.say("database", "it ended with exit code 1");
    scene.say("web", "will be tried again");
    for (int looks = 0; looks < 3; ++looks) { // a look takes nothing
        const OwnWords::Ahead ahead = scene.look();
        CHECK(ahead.units == std::vector<std::string>{"database", "web"});
        CHECK(ahead.concern("web"));
        CHECK_FALSE(ahead.concern("we"));
        CHECK_FALSE(ahead.concern("mail"));
    }
    std::array<char, 65536> text{};
    const std::size_t bytes = scene.look().bytes;
    CHECK(::read(scene.pipe.read.get(), text.data(), text.size()) == static_cast<ssize_t>(bytes));
}

TEST_CASE("a line about no unit, and the end of a line whose beginning has been taken, concern all of them") {
    Scene scene;
    scene.say("", "the clock jumped");
    CHECK(scene.look().concern("web"));
    Scene torn;
    torn.say("web", "it ended with exit code 9");
    std::array<char, 10> beginning{};
    REQUIRE(::read(torn.pipe.read.get(), beginning.data(), beginning.size()) == 10);
    CHECK(torn.look().concern("database"));
}
