#include "daemon/machine/boot_record.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mi;
using namespace mi::daemon;

namespace {

constexpr const char *open = "id-1 2026-11-30T10:00:00Z b\nopen\n", *good = "id-1 2026-11-30T10:00:00Z b\ngood\n",
                     *bad = "id-1 2026-11-30T10:00:00Z -\nbad: cannot reach default (it fell)\n",
                     *other = "id-1 2026-11-30T10:00:00Z b\nother\n", *end = "id-1 2026-11-30T10:05:00Z reboot\n",
                     *end_before = "id-0 2026-11-30T09:00:00Z poweroff\n";

std::string words(const char* record, const char* ending) { return last_boot_words(record, ending, "id-2"); }

} // namespace

TEST_CASE("a boot that was good and ended in order leaves nothing to be said") {
    CHECK(words(good, end).empty());
    CHECK(words(other, end).empty());
}

TEST_CASE("a boot that failed says why, and whether it ended in order") {
    CHECK(words(bad, end) == "the last boot (2026-11-30T10:00:00Z) failed: cannot reach default (it fell)");
    CHECK(words(bad, end_before) ==
          "the last boot (2026-11-30T10:00:00Z) failed: cannot reach default (it fell); and it did not end in order");
}

TEST_CASE("a boot without an end of its own did not end in order") {
    for (const char* ending : {end_before, "", "id-1", "\n"}) {
        const bool torn = std::string_view(ending) == "id-1"; // the file is replaced as a whole: so much is enough
        CHECK(words(good, ending).empty() == torn);
        CHECK((words(open, ending).find("did not get as far as to be good, and did not end in order") ==
               std::string::npos) == torn);
        CHECK((words(other, ending).find("of b) did not end in order: the power failed") == std::string::npos) == torn);
    }
}

TEST_CASE("a boot that was ended before it was good says so") {
    CHECK(words(open, end) == "the last boot (2026-11-30T10:00:00Z of b) was ended (reboot) before it was a good one");
}

TEST_CASE("a record of this boot, of none, or that is nonsense says nothing") {
    CHECK(last_boot_words(good, "", "id-1").empty()); // a soft reboot
    for (const char* nonsense : {"", "\n", " ", "x", "x y z", "\n\n\n"})
        CHECK(words(nonsense, end).empty());
}
