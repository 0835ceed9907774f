// Pure: text to lines.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "logd/lines.hpp"

using namespace mi;
using namespace mi::logd;

namespace {

struct Formatted {
    std::string out;
    Cut cut;
};

Formatted format(std::string_view text, Style style = {}, std::size_t room = 256 * 1024) {
    style.stamp = "2026-11-22T04:10:01.123456Z";
    std::string out(room, '\0');
    Cut cut = format_lines(text, style, out);
    out.resize(cut.written);
    return {out, cut};
}

} // namespace

TEST_CASE("whole lines are taken and an unfinished one stays") {
    auto [out, cut] = format("one\ntwo\nthr");
    CHECK(out == "2026-11-22T04:10:01.123456Z info out: one\n2026-11-22T04:10:01.123456Z info out: two\n");
    CHECK(cut.taken == 8);
    CHECK(cut.continuing == 0);
    CHECK(has_line("one\nt", false));
    CHECK_FALSE(has_line("one", false));
    CHECK(has_line("one", true));
    CHECK_FALSE(has_line("", true));
}

TEST_CASE("a prefix of sd-daemon sets the priority and goes; what only looks like one stays") {
    auto [out, cut] = format("<3>bad\n<8>eight\n<1\n<>\n<7>\n", {.source = Source::err});
    CHECK(out == "2026-11-22T04:10:01.123456Z err err: bad\n"
                 "2026-11-22T04:10:01.123456Z info err: <8>eight\n"
                 "2026-11-22T04:10:01.123456Z info err: <1\n"
                 "2026-11-22T04:10:01.123456Z info err: <>\n"
                 "2026-11-22T04:10:01.123456Z debug err: \n");
}

TEST_CASE("a line over 48 KiB is split and marked, and keeps its priority") {
    std::string text = "<4>" + std::string(100'000, 'a') + "\n<3>next\n";
    auto [out, cut] = format(text);
    CHECK(cut.taken == text.size());
    std::string_view rest = out;
    std::string joined;
    for (int i = 0; i < 3; ++i) {
        auto line = wire::logs::parse_line(rest.substr(0, rest.find('\n')));
        REQUIRE(line);
        CHECK(line->priority == Priority::warning);
        CHECK(line->unended == (i < 2));
        CHECK(line->text.size() <= wire::logs::longest_text);
        joined += line->text;
        rest.remove_prefix(rest.find('\n') + 1);
    }
    CHECK(joined == text.substr(3, 100'000));
    CHECK(rest == "2026-11-22T04:10:01.123456Z err out: next\n");
}

TEST_CASE("a line of exactly 48 KiB is whole") {
    std::string text(wire::logs::longest_text, 'b');
    CHECK_FALSE(has_line(text, false));
    auto [out, cut] = format(text + "\n");
    CHECK(cut.taken == text.size() + 1);
    CHECK(out.find("out: ") != out.npos);
    CHECK(std::count(out.begin(), out.end(), '\n') == 1);
}

TEST_CASE("a split does not cut a UTF-8 character") {
    std::string text(wire::logs::longest_text - 1, 'c');
    text += "\xe2\x82\xac"
            "and more";
    auto [out, cut] = format(text);
    CHECK(cut.taken == wire::logs::longest_text - 1);
    CHECK(cut.continuing != 0);
}

TEST_CASE("an unfinished line is taken on request, and what comes later continues it") {
    auto [out, cut] = format("<5>no end", {.take_tail = true});
    CHECK(out == "2026-11-22T04:10:01.123456Z notice out+: no end\n");
    auto later = format("<1>after all\n", {.continuing = cut.continuing});
    CHECK(later.out == "2026-11-22T04:10:01.123456Z notice out: <1>after all\n");
    CHECK(later.cut.continuing == 0);
}

TEST_CASE("lines that do not fit wait for the next call") {
    std::string text;
    for (int i = 0; i < 100; ++i)
        text += "line " + std::to_string(i) + "\n";
    std::string all;
    std::size_t at = 0;
    while (at < text.size()) {
        auto [out, cut] = format(std::string_view(text).substr(at), {}, 200);
        REQUIRE(cut.taken > 0);
        at += cut.taken;
        all += out;
    }
    CHECK(all == format(text).out);
}

TEST_CASE("lines of PID 1 are taken as long as they are of the same unit") {
    std::string text;
    for (auto [unit, words] : {std::pair{"web", "started"}, std::pair{"web", "ready"}, std::pair{"db", "failed"}})
        for (const std::string& line : wire::logs::init_lines(unit, Priority::notice, words))
            text += line;
    auto [out, cut] = format(text, {.source = Source::init, .unit = "web", .own_unit = "miniinit"});
    CHECK(out == "2026-11-22T04:10:01.123456Z notice init: started\n2026-11-22T04:10:01.123456Z notice init: ready\n");
    auto rest = format(std::string_view(text).substr(cut.taken),
                       {.source = Source::init, .unit = "db", .own_unit = "miniinit"});
    CHECK(rest.out == "2026-11-22T04:10:01.123456Z notice init: failed\n");
}
