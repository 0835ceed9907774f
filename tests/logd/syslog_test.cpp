// Pure: messages of syslog(3) taken apart, and letters.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "logd/letters.hpp"
#include "logd/syslog.hpp"

using namespace mi;
using namespace mi::logd;
using namespace std::literals;

namespace {

SyslogMessage parse(std::string_view datagram) { return parse_syslog(datagram, "box"); }

SyslogMessage as(Priority priority, int facility, std::string_view text) {
    return {priority, static_cast<wire::logs::Facility>(facility), {}, {}, text};
}

// The lines that format_letters makes of all letters in `text`.
std::string formatted(std::string_view text) {
    std::string out(1 << 20, '\0'), all;
    while (!text.empty()) {
        const LetterCut cut = format_letters(text, {.source = Source::syslog}, {1'000'000}, {9'000'000}, out);
        REQUIRE(cut.taken > 0);
        all += out.substr(0, cut.written) + "--\n";
        text.remove_prefix(cut.taken);
    }
    return all;
}

} // namespace

TEST_CASE("what glibc and musl write becomes its tag, pid and text, with priority and facility") {
    CHECK(parse("<30>Nov 22 04:10:01 cron[812]: job done") == as(Priority::info, 3, "cron[812]: job done"));
    CHECK(parse("<86>Nov  2 04:10:01 sshd: Accepted\n") == as(Priority::info, 10, "sshd: Accepted"));
    CHECK(parse("<13>Nov 22 04:10:01 root: hello\0"s) == as(Priority::notice, 1, "root: hello"));
    CHECK(parse("<191>2026-11-22T04:10:01.123456+01:00 app: x") == as(Priority::debug, 23, "app: x"));
}

TEST_CASE("a host name goes where it is ours and stays where it is another's") {
    CHECK(parse("<13>Nov 22 04:10:01 box su: hello").text == "su: hello");
    CHECK(parse("<13>Nov 22 04:10:01 bex su: hello").text == "bex su: hello");
    CHECK(parse_syslog("<13>Nov 22 04:10:01 box su: hello", "").text == "box su: hello");
}

TEST_CASE("RFC 5424 becomes tag, pid and text; structured data and a message id stay in the text") {
    CHECK(parse("<165>1 2026-11-22T04:10:01.003Z host app 8710 - - hello") ==
          SyslogMessage{Priority::notice, 20, "app", "8710", "hello"});
    CHECK(parse("<13>1 - - app - - [timeQuality tzKnown=\"1\"] hello") ==
          SyslogMessage{Priority::notice, 1, "app", "", "[timeQuality tzKnown=\"1\"] hello"});
    CHECK(parse("<13>1 - - - - ID47 [a@1 b=\"c ]\\\" d\"][e] \xef\xbb\xbfhello").text ==
          "ID47 [a@1 b=\"c ]\\\" d\"][e] \xef\xbb\xbfhello");
    CHECK(parse("<13>1 - - app - - - \xef\xbb\xbfhello").text == "hello");
    CHECK(parse("<13>1 - - app 1 - -").text.empty());
}

TEST_CASE("what only looks like RFC 5424 is a text like others") {
    for (std::string_view text : {"1 - - app - - [a b=\"c hello", "1 - - app - -x", "1 yesterday host app - - - x",
                                  "1 ", "1 -", "1 - - - -", "2 - - app - - - x"})
        CHECK(parse("<13>" + std::string(text)) == as(Priority::notice, 1, text));
}

TEST_CASE("without a valid PRI all of it is text, of user.notice") {
    for (std::string_view text : {"hello", "<>x", "<192>x", "<1234>x", "<13", "<13x>", "<a>", "<-1>", "< 1>"})
        CHECK(parse(text) == as(Priority::notice, 1, text));
    CHECK(parse("") == as(Priority::notice, 1, ""));
    CHECK(parse("\0\0\n"s) == as(Priority::notice, 1, ""));
    CHECK(parse("<13>") == as(Priority::notice, 1, ""));
    CHECK(parse("<0>Nov 22 04:10:0x su: hello") == as(Priority::emerg, 0, "Nov 22 04:10:0x su: hello"));
    CHECK(parse("<13>a\0b\xff\x1b"s).text == "a\0b\xff\x1b"s);
}

TEST_CASE("no bytes at all make the parser read beyond them or give what was not there") {
    std::mt19937 random(1);
    constexpr std::string_view bits[] = {"<13>",
                                         "1 ",
                                         "- ",
                                         "[",
                                         "]",
                                         "\"",
                                         "\\",
                                         "Nov 22 04:10:01 ",
                                         "box ",
                                         "\n",
                                         "\0"sv,
                                         " ",
                                         ":",
                                         "a",
                                         "2026-11-22T04:10:01 "};
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (auto left = random() % 16; left > 0; --left)
            text += bits[random() % std::size(bits)];
        const std::string exact(text); // so that a sanitizer sees its end
        const SyslogMessage message = parse(exact);
        for (std::string_view part : {message.tag, message.pid, message.text})
            CHECK((part.empty() ||
                   (part.data() >= exact.data() && part.data() + part.size() <= exact.data() + exact.size())));
    }
}

TEST_CASE("each line of a message is a line of the log, and the further ones show that they are") {
    std::string room(64 * 1024, '\0');
    std::size_t used = 0, from = 0;
    const Letter letter{.unit = "web", .at = {2'000'000}, .priority = Priority::err, .facility = 4};
    CHECK(put_message(room, used, letter, {"app", ": ", "one\ntwo\n\nthree"}, false, from));
    CHECK(formatted({room.data(), used}) == "1970-01-01T00:00:02.000000Z err syslog.auth: app: one\n"
                                            "1970-01-01T00:00:02.000000Z err syslog.auth: \ttwo\n"
                                            "1970-01-01T00:00:02.000000Z err syslog.auth: \t\n"
                                            "1970-01-01T00:00:02.000000Z err syslog.auth: \tthree\n--\n");
}

TEST_CASE("letters of different units are written apart, with stamps that do not go back") {
    std::string room(64 * 1024, '\0');
    std::size_t used = 0;
    for (auto [unit, at] : {std::pair("a", 3), {"a", 2}, {"b", 0}, {"b", 10}}) {
        std::size_t from = 0;
        CHECK(put_message(room, used, {.unit = unit, .at = {at * 1'000'000}, .text = {}}, {"x"}, false, from));
    }
    CHECK(formatted({room.data(), used}) ==
          "1970-01-01T00:00:03.000000Z info syslog: x\n1970-01-01T00:00:03.000000Z info syslog: x\n--\n"
          "1970-01-01T00:00:01.000000Z info syslog: x\n1970-01-01T00:00:09.000000Z info syslog: x\n--\n");
}

TEST_CASE("a long message is split and marked, goes on where there is room again, and loses nothing") {
    std::string text;
    for (int i = 0; i < 9'000; ++i)
        text += std::to_string(i) + (i % 4'000 == 3'999 ? "\n" : " ");
    text += std::string(60'000, 'y');
    std::string room(64 * 1024, '\0'), joined;
    std::size_t from = 0;
    bool all = false;
    for (int rounds = 0; !all && rounds < 10; ++rounds) {
        std::size_t used = 0;
        all = put_message(room, used, {.unit = "a", .text = {}},
                          {std::string_view(text).substr(0, 5), std::string_view(text).substr(5)}, true, from);
        std::string_view rest(room.data(), used);
        while (auto read = read_letter(rest)) {
            std::string_view line = read->letter.text;
            if (line.starts_with('\t'))
                line.remove_prefix(1);
            joined += line;
            if (!read->letter.unended)
                joined += '\n';
            rest.remove_prefix(read->size);
        }
        CHECK(rest.empty());
    }
    CHECK(all);
    CHECK(joined == text); // its end is marked as cut
}

TEST_CASE("bytes that are no letters end what is read, and never lead astray") {
    std::string out(1 << 20, '\0');
    std::mt19937 random(2);
    for (int i = 0; i < 2'000; ++i) {
        std::string bytes(random() % 200, '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(random() % 4 == 0 ? random() : 0);
        std::string_view rest = bytes;
        while (!rest.empty()) {
            const LetterCut cut = format_letters(rest, {.source = Source::syslog}, {}, {}, out);
            REQUIRE(cut.taken > 0);
            rest.remove_prefix(cut.taken);
        }
    }
}
