// What the words of the kernel command line ask of us.
#include "base/text.hpp"
#include "daemon/machine/machine.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace mi;
using namespace mi::daemon;

namespace {

KernelWishes wishes(std::string_view line) {
    std::vector<std::string> words;
    for (std::string_view word : split(line, ' '))
        words.emplace_back(word);
    return kernel_wishes(std::move(words));
}

} // namespace

TEST_CASE("the words of old and new inits name a target") {
    for (const char* word : {"single", "s", "1", "rescue"})
        CHECK(wishes(word).target == "rescue");
    CHECK(wishes("emergency").target == "emergency");
    for (const char* word : {"2", "3", "4", "5"})
        CHECK(wishes(word).target == std::string("runlevel") + word);
    CHECK(wishes("miniinit.target=graphical").target == "graphical");
    CHECK(wishes("root=/dev/sda ro").target.empty());
}

TEST_CASE("the last word on the target wins") {
    CHECK(wishes("3 single").target == "rescue");
    CHECK(wishes("single miniinit.target=x").target == "x");
}

TEST_CASE("unknown words are ignored, and kept for conditions") {
    KernelWishes some = wishes("root=/dev/sda 6 0 12 rescue2 miniinit.foo=1 singleton quietly");
    CHECK(some.target.empty());
    CHECK_FALSE(some.quiet);
    CHECK_FALSE(some.shell);
    CHECK(some.words.size() == 8);
}

TEST_CASE("quiet, the log level and the shell") {
    CHECK(wishes("quiet").quiet);
    CHECK(wishes("miniinit.shell").shell);
    CHECK(wishes("ro").log_level == -1);
    CHECK(wishes("miniinit.log-level=debug").log_level == 7);
    CHECK(wishes("miniinit.log-level=nonsense").log_level == -1);
}
