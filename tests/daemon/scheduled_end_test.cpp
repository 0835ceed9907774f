#include "daemon/machine/scheduled_end.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace mi;
using namespace mi::daemon;
using namespace std::chrono;

TEST_CASE("people are told more and more often as the end comes nearer, and at the end itself") {
    std::vector<std::int64_t> told;
    for (Span left = hours(2); left > Span{0};) {
        left = next_warning(left);
        told.push_back(duration_cast<minutes>(left).count());
    }
    CHECK(told == std::vector<std::int64_t>{60, 30, 15, 10, 5, 2, 1, 0});
}

TEST_CASE("what is left is said in words") {
    CHECK(time_left(hours(2) + minutes(5)) == "in 2 hours 5 minutes");
    CHECK(time_left(hours(1)) == "in 1 hour");
    CHECK(time_left(minutes(5) - milliseconds(3)) == "in 5 minutes");
    CHECK(time_left(minutes(1)) == "in 1 minute");
    CHECK(time_left(seconds(20)) == "in 20 seconds");
    CHECK(time_left(Span{0}) == "now");
    CHECK(time_left(seconds(-20)) == "now");
}

TEST_CASE("people see the message first, then what is going to happen") {
    ScheduledEnd end{.how = wire::Ending::reboot, .message = "new kernel", .who = "root on pts/0"};
    CHECK(warning(end, minutes(5)) == "new kernel\nThe system is going down for reboot in 5 minutes!");
    CHECK(log_line(end, minutes(5)) == "reboot in 5 minutes, asked for by root on pts/0: new kernel");
    end.message.clear();
    CHECK(warning(end, Span{0}) == "The system is going down for reboot now!");
}

TEST_CASE("nothing that a message says controls a terminal, and letters of other languages stay") {
    const std::string hostile = "a\x1b[2Jb\x9b"
                                "31mc\xc2\x9b"
                                "2Jd\te\x7f"
                                "f\rg";
    const std::string text = broadcast("eve\x1b]0;x\a", "host",
                                       hostile + "\nGr\xc3\xbc\xc3\x9f"
                                                 "e, \xe2\x82\xac");
    auto controls = [](char letter) {
        return static_cast<unsigned char>(letter) < 0x20 && letter != '\r' && letter != '\n' && letter != '\t';
    };
    CHECK(std::ranges::count_if(text, controls) == 1); // our own bell
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("\xc2\x9b") == std::string::npos);
    CHECK(text.find("b\x9b") == std::string::npos);
    CHECK(text.find("\r\n\r\na?[2Jb?31mc?2Jd\te?f?g\r\nGr") != std::string::npos);
    CHECK(text.find("Gr\xc3\xbc\xc3\x9f"
                    "e, \xe2\x82\xac") != std::string::npos);
    CHECK(broadcast("x", "y", std::string(100'000, 'z')).size() < 4096);
}
