// Shell patterns.
#include "base/glob.hpp"

#include <doctest/doctest.h>

using namespace mi;

TEST_CASE("patterns match as in the shell") {
    CHECK(matches_pattern("getty@tty1", "getty@*"));
    CHECK(matches_pattern("abc", "a?c"));
    CHECK(matches_pattern("web2", "web[0-9]"));
    CHECK(matches_pattern("web2x", "w*[!a-q]"));
    CHECK_FALSE(matches_pattern("webx", "web[0-9]"));
    CHECK_FALSE(matches_pattern("web", "web[]"));
    CHECK(matches_pattern("we[b", "we[b"));
    CHECK(matches_pattern("abcabc", "*bc"));
    CHECK(matches_pattern("", "*"));
    CHECK(matches_pattern("web", "web"));
    CHECK_FALSE(matches_pattern("web2", "web"));
    CHECK_FALSE(matches_pattern("web", "web?"));
    CHECK_FALSE(matches_pattern("abcabd", "*bc"));
}
