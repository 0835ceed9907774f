// What is shown of others' texts, and what a terminal would obey.
#include "base/printable.hpp"
#include "base/utf8.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace mi;

namespace {

std::string utf8(char32_t point) {
    auto tail = [](char32_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
    if (point < 0x80)
        return {static_cast<char>(point)};
    if (point < 0x800)
        return {static_cast<char>(0xc0 | point >> 6), tail(point)};
    if (point < 0x10000)
        return {static_cast<char>(0xe0 | point >> 12), tail(point >> 6), tail(point)};
    return {static_cast<char>(0xf0 | point >> 18), tail(point >> 12), tail(point >> 6), tail(point)};
}

// As in the comment of is_printable, said another way.
bool obeyed(char32_t point) {
    constexpr std::u32string_view others = U"\u061c\u200b\u200e\u200f\u2028\u2029\ufeff\ufff9\ufffa\ufffb";
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || others.contains(point) ||
           (point >= 0x202a && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) ||
           (point >= 0xe0000 && point <= 0xe007f) || point % 0x10000 >= 0xfffe;
}

} // namespace

TEST_CASE("every character of Unicode is shown as it is, or as one question mark") {
    for (char32_t point = 0; point < 0x110000; ++point) {
        if (point >= 0xd800 && point < 0xe000)
            continue;
        const std::string text = utf8(point);
        if (character(text) != text.size() || code_point(text, text.size()) != point ||
            is_printable(point) == obeyed(point) || printable(text) != (obeyed(point) ? "?" : text)) {
            CAPTURE(static_cast<unsigned>(point));
            FAIL("not as it should be");
        }
    }
}

TEST_CASE("tabs stay where lines are shown, line ends only where there are several") {
    CHECK(printable("a\tb\nc\rd") == "a?b?c?d");
    CHECK(printable("a\tb\nc\rd", Keep::tabs) == "a\tb?c?d");
    CHECK(printable("a\tb\nc\rd", Keep::lines) == "a\tb\nc?d");
}

TEST_CASE("what is no UTF-8 is a question mark for each byte, and letters beside it stay") {
    CHECK(printable("\x9b[2J") == "?[2J");     // CSI as one byte
    CHECK(printable("\xc2\x9b[2J") == "?[2J"); // and in UTF-8
    CHECK(printable("\x1b[2J") == "?[2J");
    CHECK(printable("a\x80"
                    "b\x9f"
                    "c\xff") == "a?b?c?");
    CHECK(printable("\xc2") == "?"); // a lone lead byte
    CHECK(printable("\xc2[") == "?[");
    CHECK(printable("\xe2\x82") == "??"); // cut off
    CHECK(printable("\xf0\x9f\x98") == "???");
    CHECK(printable("\xc0\x9b") == "??"); // overlong: ESC in two bytes
    CHECK(printable("\xe0\x80\x9b") == "???");
    CHECK(printable("\xf0\x80\x80\x9b") == "????");
    CHECK(printable("\xed\xa0\x80") == "???");      // a surrogate
    CHECK(printable("\xf4\x90\x80\x80") == "????"); // beyond the last
    CHECK(printable("Gr\xc3\xbc\xc3\x9f"
                    "e \xe2\x82\xac \xf0\x9f\x98\x80") == "Grüße € 😀");
    CHECK(printable(std::string_view("a\0b", 3)) == "a?b");
    CHECK(printable("\u202egnp.exe\u2066") == "?gnp.exe?");
    CHECK(printable("a\u200db\u200cc") == "a\u200db\u200cc");
}

TEST_CASE("of any bytes only what is printable is left, and that is its own image") {
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random() % 12, '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(random() % 4 == 0 ? random() : 0x80 | random() % 0x80);
        const std::string shown = printable(bytes, Keep::lines);
        REQUIRE(valid_utf8(shown) == shown.size());
        REQUIRE(shown.size() <= bytes.size());
        REQUIRE(printable(shown, Keep::lines) == shown);
    }
}

TEST_CASE("appending takes no memory where there is room") {
    std::string room;
    room.reserve(64);
    const char* where = room.data();
    append_printable(room, "a\x1b\xc2\x9b € \xff");
    CHECK(room == "a?? € ?");
    CHECK(room.data() == where);
}

TEST_CASE("a text is cut between characters") {
    CHECK(cut_text("abc", 3) == "abc");
    CHECK(cut_text("abcd", 3) == "abc");
    CHECK(cut_text("ab€", 4) == "ab");
    CHECK(cut_text("ab€d", 5) == "ab€");
    CHECK(cut_text("a😀", 4) == "a");
    CHECK(cut_text("a😀b", 5) == "a😀");
    CHECK(cut_text(std::string(10, '\x80'), 4).size() == 4); // no characters at all
    CHECK(cut_text("€", 0).empty());
}

TEST_CASE("a string in quotes has the same value in JSON and TOML, and only what is printable in it") {
    auto in = [](Quoting how, std::string_view text) {
        std::string out;
        CHECK(append_quoted(out, text, how));
        CHECK(printable(out) == out);
        return out;
    };
    constexpr std::string_view text = "say \"hi\" \\ \t\n\x1b\x7f\u009b\u202e€\U000e0041";
    CHECK(in(Quoting::json, text) == R"("say \"hi\" \\ \t\n\u001b\u007f\u009b\u202e€\udb40\udc41")");
    CHECK(in(Quoting::toml, text) == R"("say \"hi\" \\ \t\n\u001b\u007f\u009b\u202e€\U000e0041")");
    std::string out;
    CHECK_FALSE(append_quoted(out,
                              "a\x9b"
                              "b",
                              Quoting::json));
    CHECK(out == "\"a\xef\xbf\xbd"
                 "b\"");
}
