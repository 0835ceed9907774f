#include "os/machine/terminals.hpp"

#include <doctest/doctest.h>

#include <utmp.h>

#include <cstring>

using namespace mi::os;

namespace {

std::string entry(short type, const char* line) {
    utmp one{};
    one.ut_type = type;
    std::strncpy(one.ut_line, line, sizeof one.ut_line);
    return {reinterpret_cast<const char*>(&one), sizeof one};
}

} // namespace

TEST_CASE("terminals in use are those of utmp's user processes, each once, and never a path that leads out of /dev") {
    std::string file = entry(BOOT_TIME, "~") + entry(USER_PROCESS, "pts/0") + entry(DEAD_PROCESS, "pts/1") +
                       entry(USER_PROCESS, "tty1") + entry(USER_PROCESS, "pts/0") +
                       entry(USER_PROCESS, "../etc/passwd") + entry(USER_PROCESS, "/etc/passwd") +
                       entry(USER_PROCESS, ":0") + entry(USER_PROCESS, "");
    CHECK(terminals_in_use(file) == std::vector<std::string>{"pts/0", "tty1"});
    CHECK(terminals_in_use(file.substr(0, sizeof(utmp) + 10)).empty()); // cut in the middle of an entry
    CHECK(terminals_in_use("").empty());
}
