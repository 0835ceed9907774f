// What cannot happen ends the program, and says why.
#include "base/fd.hpp"
#include "base/unreachable.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <string>

using namespace mi;

namespace {

// How a child ends that runs `body`, and what it says on stderr.
std::pair<int, std::string> run(void (*body)()) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    Fd reader(ends[0]), writer(ends[1]);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL); // doctest's own handler would speak of a test that crashed
        if (::dup2(writer.get(), STDERR_FILENO) < 0)
            ::_exit(1);
        body();
        ::_exit(0);
    }
    writer.reset();
    std::string said;
    std::array<char, 256> block{};
    for (ssize_t got = 0; (got = ::read(reader.get(), block.data(), block.size())) > 0;)
        said.append(block.data(), static_cast<std::size_t>(got));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return {status, said};
}

} // namespace

TEST_CASE("what cannot happen ends the program with SIGABRT, and stderr has the reason") {
    auto [status, said] = run([] { unreachable("a cow has no fifth leg"); });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
    CHECK(said.find("a cow has no fifth leg") != std::string::npos);
}

TEST_CASE("what must hold and holds is passed by; what does not hold ends the program") {
    auto [passed, silence] = run([] { must(true, "one is one"); });
    CHECK(passed == 0);
    CHECK(silence.empty());
    auto [status, said] = run([] { must(false, "one is two"); });
    CHECK(WIFSIGNALED(status));
    CHECK(said.find("one is two") != std::string::npos);
}
