#include "daemon/control/list_reply.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace mi;
using namespace mi::daemon;

namespace {

// A list of the numbers below `count`.
ListReply numbers(int count) {
    return {R"({"parameters":{"numbers":[)", [count, next = 0](std::string& to) mutable {
                if (next == count)
                    return false;
                to += std::to_string(next++);
                return true;
            }};
}

// All of it, in as many steps as it takes.
std::string whole(ListReply list, bool more, Instant until = never) {
    std::string text;
    while (list.append(text, more, until)) {
    }
    std::ranges::replace(text, '\0', '\n');
    return text;
}

} // namespace

TEST_CASE("without `more` a list is one reply, in whatever steps it is made") {
    CHECK(whole(numbers(3), false) == "{\"parameters\":{\"numbers\":[0,1,2]}}\n");
    CHECK(whole(numbers(3), false, Instant{}) == "{\"parameters\":{\"numbers\":[0,1,2]}}\n");
    CHECK(whole(numbers(0), false) == "{\"parameters\":{\"numbers\":[]}}\n");
}

TEST_CASE("with `more` each step is a reply, and the last one says that it is the last") {
    CHECK(whole(numbers(2), true) == "{\"parameters\":{\"numbers\":[0,1]}}\n");
    CHECK(whole(numbers(2), true, Instant{}) == "{\"parameters\":{\"numbers\":[0]},\"continues\":true}\n"
                                                "{\"parameters\":{\"numbers\":[1]},\"continues\":true}\n"
                                                "{\"parameters\":{\"numbers\":[]}}\n");
}

TEST_CASE("a step of a long list ends at a portion") {
    ListReply list = numbers(100'000);
    std::string text;
    CHECK(list.append(text, true, never));
    CHECK(text.size() >= 8 << 10);
    CHECK(text.size() < 9 << 10);
}
