#include "daemon/log/held_pipes.hpp"

#include <unistd.h>
#include <doctest/doctest.h>

#include "base/clock.hpp"
#include "daemon/linux_kernel.hpp"
#include "os/file/runtime.hpp"

using namespace mi;
using namespace mi::daemon;
using Streams = std::vector<wire::logs::StreamId>;

namespace {

struct Scene {
    os::Pipe hold(wire::logs::StreamId stream) {
        auto pipe = os::make_pipe();
        REQUIRE(pipe);
        REQUIRE(held.add(stream, pipe->read.get()));
        return std::move(*pipe);
    }
    // Until the first look at what is new has to be taken.
    HeldPipes::Found first_look() {
        while (monotonic_now() < held.next_deadline())
            ::usleep(1000);
        return held.take();
    }
    static void say(const os::Pipe& pipe) { REQUIRE(::write(pipe.write.get(), "x\n", 2) == 2); }

    LinuxKernel kernel;
    bool news = false;
    HeldPipes held{kernel, [this] {
                       news = true;
                       kernel.stop();
                   }};
};

} // namespace

TEST_CASE("a pipe in which there is something, and one in which there will be nothing, are found at once") {
    Scene scene;
    os::Pipe filled = scene.hold(1), silent = scene.hold(2), last_words = scene.hold(3), ended = scene.hold(4);
    Scene::say(filled);
    Scene::say(last_words);
    last_words.write.reset();
    ended.write.reset();
    const HeldPipes::Found found = scene.held.take();
    CHECK(found.filled == Streams{1, 3});
    CHECK(found.ended == Streams{4});
    CHECK_FALSE(scene.held.empty());
    scene.held.remove(2, silent.read.get());
    CHECK(scene.held.empty());
    CHECK(scene.held.take().filled.empty());
}

TEST_CASE("a pipe that is silent at the first look wakes PID 1 with its first byte, and once") {
    Scene scene;
    os::Pipe early = scene.hold(1), late = scene.hold(2), never_heard = scene.hold(3);
    Scene::say(early);
    CHECK(scene.first_look().filled == Streams{1});
    CHECK(scene.held.next_deadline() == never); // nothing runs while nobody speaks
    Scene::say(late);
    scene.kernel.run();
    CHECK(scene.news);
    CHECK(scene.held.take().filled == Streams{2});
    CHECK(scene.held.take().filled.empty());
    never_heard.write.reset();
    CHECK(scene.held.take().ended == Streams{3});
    CHECK(scene.held.empty());
}

TEST_CASE("a pipe that was let go is not heard of again, though others have it open") {
    Scene scene;
    os::Pipe pipe = scene.hold(1), other = scene.hold(2);
    CHECK(scene.first_look().filled.empty());
    const Fd copy(::dup(pipe.read.get()));
    scene.held.remove(1, pipe.read.get());
    Scene::say(pipe);
    CHECK(scene.held.take().filled.empty());
    CHECK_FALSE(scene.held.empty());
}

TEST_CASE("when all that were new have ended before their first look, that is due once and no more") {
    Scene scene;
    os::Pipe ended = scene.hold(1);
    ended.write.reset();
    CHECK(scene.held.take().ended == Streams{1});
    REQUIRE(scene.held.next_deadline() != never);
    CHECK(scene.first_look().ended.empty());
    CHECK(scene.held.next_deadline() == never);
}
