// What the words of the kernel command line ask of us.
#include "base/text.hpp"
#include "daemon/machine/kernel_wishes.hpp"

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
    KernelWishes some = wishes("root=/dev/sda 6 0 12 rescue2 rd.md=0 singleton quietly");
    CHECK(some.target.empty());
    CHECK_FALSE(some.quiet);
    CHECK_FALSE(some.shell);
    CHECK(some.words.size() == 8);
    CHECK(some.complaints.empty());
}

TEST_CASE("a word of ours that means nothing is said, with the nearest one") {
    const auto complaint = [](std::string_view line) {
        const KernelWishes some = wishes(line);
        CHECK(some.words.size() == 1);
        return some.complaints.size() == 1 ? some.complaints.front() : "";
    };
    CHECK(complaint("miniinit.nosuch=1") == "kernel command line: \"miniinit.nosuch=1\" means nothing to miniinit");
    CHECK(complaint("miniinit.targt=x").ends_with("(did you mean miniinit.target?)"));
    CHECK(complaint("miniinit.log-level=banana").find("that is not a level (emerg, ") != std::string::npos);
    CHECK(complaint("miniinit.end=soon").find("that is not auto, poweroff, ") != std::string::npos);
    CHECK(complaint("miniinit.debug-exit=hello").find("that is not a port (0xf4)") != std::string::npos);
    CHECK(complaint("miniinit.shell=1").ends_with("it takes no value"));
    CHECK(complaint("miniinit.target").ends_with("it needs a value, the name of a unit"));
    CHECK(complaint("miniinit.target=").ends_with("that is not the name of a unit"));
    CHECK(complaint("miniinit.env=X").ends_with("that is not NAME=VALUE"));
    CHECK(complaint("miniinit.size=80").ends_with("that is not COLUMNSxROWS"));
}

TEST_CASE("what people know from systemd is understood, or said") {
    CHECK(wishes("systemd.unit=rescue.target").target == "rescue");
    CHECK(wishes("systemd.unit=web.service").target == "web");
    CHECK(wishes("systemd.unit=multi-user.target single").target == "rescue");
    CHECK(wishes("systemd.log_level=debug").log_level == 7);
    CHECK(wishes("systemd.unit=rescue.target systemd.log_level=debug -b").complaints.empty());
    CHECK(wishes("-b").target == "emergency");
    for (const char* word : {"systemd.mask=x.service", "systemd.unit=", "systemd.log_level=banana"})
        CHECK(wishes(word).complaints.size() == 1);
}

TEST_CASE("how the machine ends, by the new word and the first one, the last of them") {
    CHECK(wishes("miniinit.end=reboot").end == "reboot");
    CHECK(wishes("miniinit.debug-exit=0xf4").end == "isa-debug-exit:0xf4");
    CHECK(wishes("miniinit.end=halt miniinit.end=pvpanic").end == "pvpanic");
    CHECK(wishes("miniinit.end=halt miniinit.end=nothing").end == "halt");
    CHECK(wishes("ro").end.empty());
}

TEST_CASE("what the command of the kernel command line is given") {
    const KernelWishes some = wishes("miniinit.env=A=1 miniinit.env=B== miniinit.cwd=/srv miniinit.user=web:www "
                                     "miniinit.size=132x50");
    REQUIRE(some.environment.size() == 2);
    CHECK(some.environment[0] == std::pair<std::string, std::string>("A", "1"));
    CHECK(some.environment[1] == std::pair<std::string, std::string>("B", "="));
    CHECK(some.directory == "/srv");
    CHECK(some.user == "web:www");
    CHECK(some.columns == 132);
    CHECK(some.rows == 50);
}

TEST_CASE("quiet, the log level and the shell") {
    CHECK(wishes("quiet").quiet);
    CHECK(wishes("miniinit.shell").shell);
    CHECK(wishes("ro").log_level == -1);
    CHECK(wishes("miniinit.log-level=debug").log_level == 7);
    CHECK(wishes("miniinit.log-level=nonsense").log_level == -1);
}

TEST_CASE("which of several systems this is: by its own word, else by the last root=") {
    CHECK(wishes("root=/dev/sda1 ro root=/dev/sda2").slot == "/dev/sda2");
    CHECK(wishes("miniinit.slot=a root=/dev/sda2").slot == "a");
    CHECK(wishes("rootwait quiet").slot.empty());
}
