#include "daemon/linux_kernel.hpp"
#include "daemon/process/background_children.hpp"

#include "os/process/children.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

using namespace mi;
using namespace mi::daemon;

namespace {

// As PID 1 has it: its end is not missed between looking and waiting.
struct BlockedChildSignal {
    sigset_t before{};
    BlockedChildSignal() {
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &child, &before);
    }
    ~BlockedChildSignal() { ::sigprocmask(SIG_SETMASK, &before, nullptr); }
};

// A child that ends when the other end of the pipe is closed.
pid_t child_until_closed(const std::array<int, 2>& pipe) {
    const pid_t child = ::fork();
    if (child == 0) {
        char byte;
        ::close(pipe[1]);
        ::_exit(::read(pipe[0], &byte, 1) == 0 ? 0 : 1);
    }
    return child;
}

} // namespace

TEST_CASE("a child in the background is told of once it has ended, and belongs to nothing after that") {
    Children children;
    LinuxKernel kernel;
    BackgroundChildren background(kernel, children);
    int ended = 0;
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(0);
    REQUIRE(child > 0);
    background.add(child, [&ended] { ++ended; });
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(children.take(child) == &background);
    background.exited({.pid = child});
    background.exited({.pid = child});
    CHECK(ended == 1);
    CHECK(children.take(child) == nullptr);
    background.wait(std::chrono::hours(1)); // for nothing
}

TEST_CASE("the end waits for a child in the background, but not for ever") {
    const BlockedChildSignal blocked;
    Children children;
    LinuxKernel kernel;
    BackgroundChildren background(kernel, children);
    std::array<int, 2> pipe;
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t child = child_until_closed(pipe);
    REQUIRE(child > 0);
    background.add(child);
    background.wait(std::chrono::milliseconds(1));
    CHECK(::waitpid(child, nullptr, WNOHANG) == 0); // it is still there
    ::close(pipe[1]);
    background.wait(std::chrono::hours(1));
    CHECK(::waitpid(child, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
    ::close(pipe[0]);
}
