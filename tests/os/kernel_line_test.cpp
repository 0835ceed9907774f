// What the kernel command line says to an init, and what a machine's firmware says of its end.
#include "os/machine/kernel_line.hpp"
#include "os/machine/virtual_machine.hpp"

#include <doctest/doctest.h>

#include <cstring>

using namespace mi::os;
using Words = std::vector<std::string>;

TEST_CASE("a command stands behind `--` on the kernel command line") {
    const KernelLine line = split_kernel_line("ro quiet -- /bin/echo a \"b c\" --d=\"e f\"\n");
    CHECK(line.words == Words{"ro", "quiet"});
    CHECK(line.command == Words{"/bin/echo", "a", "b c", "--d=e f"});
    CHECK(line.kernel_words == 4);
}

TEST_CASE("single quotes keep together what the kernel takes for several words") {
    CHECK(split_kernel_line("-- sh -c 'echo \"$HOME\"; exit 3'").command ==
          Words{"sh", "-c", "echo \"$HOME\"; exit 3"});
    CHECK(split_kernel_line("-- sh -c 'echo \"$HOME\"; exit 3'").kernel_words == 6);
    CHECK(split_kernel_line("-- a 'it'\"'\"'s' ''").command == Words{"a", "it's", ""});
    CHECK(split_kernel_line("-- echo it's").command == Words{"echo", "it's"});
}

TEST_CASE("without `--`, with nothing behind it, or with an old init's words there, there is no command") {
    CHECK(split_kernel_line("ro --quiet a--b").command.empty());
    CHECK(split_kernel_line("ro --quiet a--b").words == Words{"ro", "--quiet", "a--b"});
    CHECK(split_kernel_line("ro \"a -- b\"").words == Words{"ro", "a -- b"});
    CHECK(split_kernel_line("ro --").command.empty());
    CHECK(split_kernel_line("ro --").words == Words{"ro"});
    CHECK(split_kernel_line("ro -- single quiet").words == Words{"ro", "single", "quiet"});
    CHECK(split_kernel_line("ro -- single quiet").command.empty());
    CHECK(split_kernel_line("ro -- single quiet").kernel_words == 2);
    CHECK(split_kernel_line("").words.empty());
}

TEST_CASE("a second `--` is a word of the command") {
    CHECK(split_kernel_line("ro -- env -- x").command == Words{"env", "--", "x"});
}

TEST_CASE("a machine can be switched off where its firmware has S5, and registers for it if the hardware is reduced") {
    std::string fadt(276, '\0');
    CHECK(tables_power_off("DSDT....\x08_S5_\x12", fadt));
    CHECK_FALSE(tables_power_off("DSDT....\x08_S3_\x12", fadt));
    const std::uint32_t reduced = 1u << 20;
    std::memcpy(fadt.data() + 112, &reduced, sizeof reduced);
    CHECK_FALSE(tables_power_off("_S5_", fadt));
    CHECK_FALSE(tables_power_off("_S5_", std::string_view(fadt).substr(0, 244)));
    fadt[248] = 1;
    CHECK_FALSE(tables_power_off("_S5_", fadt));
    fadt[260] = 1;
    CHECK(tables_power_off("_S5_", fadt));
}
