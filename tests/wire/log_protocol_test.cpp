// The collector's protocol and file format: round trips, truncations, limits.
#include <doctest/doctest.h>

#include "wire/log_format.hpp"
#include "wire/log_numbers.hpp"
#include "wire/log_protocol.hpp"

using namespace mi;
using namespace mi::wire::logs;

namespace {

std::vector<ToCollector> to_collector() {
    Attach attach;
    for (StreamId id = 1; id <= most_attachments; ++id)
        attach.streams.push_back({id, static_cast<Source>(id % 3), std::string(longest_unit, 'u'), {id * 7, id}});
    return {Configure{{"/var/log/miniinit", "/run/log/miniinit"},
                      {1 << 20, 3, true, 86400, 1000, 30, Priority::notice},
                      "/miniinit/",
                      {"udp://192.0.2.1:514", "tcp://[2001:db8::1]:601"},
                      12345,
                      1u << 28,
                      "/dev/console",
                      Priority::err,
                      ConsoleFormat::json,
                      true},
            Configure{},
            Attach{{{7, Source::err, "getty@tty1", {}, 4711, false}}},
            attach,
            Flush{0x1122334455667788, {1, 2, 0xffffffff}},
            Flush{1, std::vector<StreamId>(most_streams, 9)},
            TryStorage{},
            Finish{},
            Ping{7}};
}

std::vector<FromCollector> from_collector() {
    return {Hello{},
            Ended{{1, 2, 3}},
            Ended{},
            Refused{{4}},
            Flushed{42},
            StorageIs{-1, ""},
            StorageIs{1, "/run/log/miniinit"},
            Dropped{"web", 1234567890123, 28, true},
            Trouble{"it does not work"},
            Counts{{{"web", 12, 1}, {"cache", 0, 7}}},
            Pong{7}};
}

} // namespace

TEST_CASE("every message comes back as it went") {
    for (const ToCollector& message : to_collector()) {
        std::string bytes = encode(message);
        CHECK(bytes.size() <= longest_message);
        auto back = decode_to_collector(bytes);
        REQUIRE(back);
        CHECK(*back == message);
    }
    for (const FromCollector& message : from_collector()) {
        auto back = decode_from_collector(encode(message));
        REQUIRE(back);
        CHECK(*back == message);
    }
}

TEST_CASE("a message that is cut short anywhere, or longer than any may be, is a fault") {
    for (const ToCollector& message : to_collector()) {
        std::string bytes = encode(message);
        // Long ones: every cut near the ends, some in between.
        for (std::size_t size = 0; size < bytes.size(); size += size < 300 || size + 300 > bytes.size() ? 1 : 97)
            // All but the last two bytes is what an earlier version wrote.
            CHECK(decode_to_collector(bytes.substr(0, size)).has_value() ==
                  (std::holds_alternative<Configure>(message) && size + 2 == bytes.size()));
    }
    for (const FromCollector& message : from_collector()) {
        std::string bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            CHECK_FALSE(decode_from_collector(bytes.substr(0, size)));
    }
    CHECK_FALSE(decode_to_collector("\x7f"));
    CHECK_FALSE(decode_to_collector(std::string(longest_message + 1, '\0')));
}

TEST_CASE("changing any byte of a message gives a message or a fault, never worse") {
    for (const ToCollector& message : to_collector()) {
        std::string bytes = encode(message);
        for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 400); ++i)
            for (int change : {1, 0x80, 0xff}) {
                std::string other = bytes;
                other[i] = static_cast<char>(other[i] ^ change);
                auto back = decode_to_collector(other);
                if (!back)
                    continue;
                if (auto* attach = std::get_if<Attach>(&*back)) // what is unknown has no number to be sent by
                    for (Attachment& one : attach->streams)
                        if (one.source == wire::unknown<Source>)
                            one.source = Source::out;
                CHECK(encode(*back).size() <= longest_message);
            }
    }
}

TEST_CASE("lists and names beyond their limits are refused") {
    std::string flush = encode(ToCollector(Flush{1, {}}));
    flush[9] = '\xff', flush[10] = '\xff'; // the count
    CHECK_FALSE(decode_to_collector(flush + std::string(65535 * 4, '\1')));
    std::string attach = encode(ToCollector(Attach{{{1, Source::out, "", {}}}}));
    attach[8] = '\xc9'; // a unit name of 201 bytes
    CHECK_FALSE(decode_to_collector(attach.substr(0, 10) + std::string(201, 'x') + attach.substr(10)));
    attach = encode(ToCollector(Attach{{{1, Source::out, "", {}}}}));
}

TEST_CASE(
    "what a later version sends is passed over, dropped or seen to be unknown, and never taken for something else") {
    // One more source: the stream is there, and that its source is not known is to be seen.
    std::string attach = encode(ToCollector(Attach{{{1, Source::out, "web", {}}, {2, Source::err, "db", {}}}}));
    attach[7] = 77;
    auto back = decode_to_collector(attach);
    REQUIRE(back);
    CHECK(std::get<Attach>(*back).streams[0].source == wire::unknown<Source>);
    CHECK(std::get<Attach>(*back).streams[0].unit == "web");
    CHECK(std::get<Attach>(*back).streams[1].source == Source::err);
    // One more field.
    auto grown = decode_from_collector(encode(FromCollector(Flushed{7})) + "more");
    REQUIRE(grown);
    CHECK(std::get<Flushed>(*grown).token == 7);
    // One more kind of message.
    auto other = decode_from_collector("\x4dmore");
    REQUIRE_FALSE(other);
    CHECK(other.error().text().find("kind 77") != std::string::npos);
}

TEST_CASE("PID 1's lines come back as they went, one write each") {
    auto lines = init_lines("web", Priority::warning, "first\nsecond");
    REQUIRE(lines.size() == 2);
    CHECK(parse_init_line(std::string_view(lines[0]).substr(0, lines[0].size() - 1)) ==
          InitLine{"web", Priority::warning, "first"});
    CHECK(lines[1].ends_with("second\n"));
    CHECK(init_lines("", Priority::info, "x").size() == 1);
    CHECK(init_lines("web", Priority::info, "").size() == 1);
    CHECK(init_lines("web", Priority::info, "ended\n").size() == 1);
    std::string text;
    for (const std::string& line : init_lines("web", Priority::info, std::string(10'000, 'y'))) {
        CHECK(line.size() <= longest_init_write);
        CHECK(line.ends_with('\n'));
        text += parse_init_line(std::string_view(line).substr(0, line.size() - 1)).text;
    }
    CHECK(text == std::string(10'000, 'y'));
    CHECK(parse_init_line("no frame") == InitLine{"", Priority::info, "no frame"});
    CHECK(parse_init_line("<9>web\x1fx").unit.empty());
}

TEST_CASE("stamps say the time in UTC and are read back") {
    CHECK(stamp_of({0}) == "1970-01-01T00:00:00.000000Z");
    CHECK(stamp_of({1'795'320'601'123'456}) == "2026-11-22T04:10:01.123456Z");
    CHECK(stamp_of({951'782'400'000'000}) == "2000-02-29T00:00:00.000000Z");
    CHECK(stamp_of({-1}) == "1969-12-31T23:59:59.999999Z");
    for (std::int64_t at : {0LL, -1LL, 1'795'320'601'123'456LL, 253'402'300'799'999'999LL, -62'167'219'200'000'000LL})
        CHECK(parse_stamp(stamp_of({at})) == WallTime{at});
    for (const char* bad :
         {"", "2026-11-22T04:10:01.123456", "2026-13-22T04:10:01.123456Z", "2026-02-30T04:10:01.123456Z",
          "2026-11-22T24:10:01.123456Z", "2026-11-22 04:10:01.123456Z", "x026-11-22T04:10:01.123456Z"})
        CHECK_FALSE(parse_stamp(bad));
}

TEST_CASE("a line is taken apart, whatever its text") {
    auto line = parse_line("2026-11-22T04:10:01.123456Z warning err: a: b \xff");
    REQUIRE(line);
    CHECK(*line == Line{{1'795'320'601'123'456}, Priority::warning, Source::err, false, "a: b \xff"});
    line = parse_line("2026-11-22T04:10:01.123456Z info out+: ");
    REQUIRE(line);
    CHECK(line->unended);
    CHECK(line->text.empty());
    for (const char* bad : {"", "2026-11-22T04:10:01.123456Z", "2026-11-22T04:10:01.123456Z info out", "nonsense",
                            "2026-11-22T04:10:01.123456Z loud out: x", "2026-11-22T04:10:01.123456Z info log: x"})
        CHECK_FALSE(parse_line(bad));
}

TEST_CASE("a line of PID 1 that tells of its start is known from others") {
    const std::string text = start_text("system") + ", 12 units";
    Line line{.source = Source::init, .text = text};
    CHECK(text == "miniinit " MINIINIT_VERSION ", system mode, 12 units");
    CHECK(tells_of_start(line));
    line.source = Source::out; // a service may write what it likes
    CHECK_FALSE(tells_of_start(line));
    CHECK_FALSE(tells_of_start({.source = Source::init, .text = "miniinit goes on"}));
}

TEST_CASE("any unit name gives a harmless directory name, and different ones different ones") {
    CHECK(directory_name("getty@tty1") == "getty@tty1");
    CHECK(directory_name("..") == "\\x2e.");
    CHECK(directory_name("../../etc") == "\\x2e.\\x2f..\\x2fetc");
    CHECK(directory_name(".hidden") == "\\x2ehidden");
    CHECK(directory_name("") == "\\x");
    for (std::string name : {"web", "..", "a/b", "a\\x2fb", "\n", "", "ünit"})
        CHECK(unit_of_directory(directory_name(name)) == name);
    CHECK(directory_name("a/b") != directory_name("a\\x2fb"));
    CHECK(directory_name(std::string(200, '/')).size() <= 255);
    CHECK(directory_name(std::string(200, '/')) != directory_name(std::string(199, '/')));
}

TEST_CASE("rotated files sort as their times do") {
    CHECK(rotated_name({1'795'320'601'123'456}) == "20261122T041001.123456Z.log");
    CHECK(parse_rotated_name("20261122T041001.123456Z.log") == WallTime{1'795'320'601'123'456});
    CHECK_FALSE(parse_rotated_name("current"));
    CHECK_FALSE(parse_rotated_name("20261122T041001.123456Z.log.zst"));
}

TEST_CASE("priorities have names and numbers") {
    CHECK(priority_of("err") == Priority::err);
    CHECK(priority_of("error") == Priority::err);
    CHECK(priority_of("4") == Priority::warning);
    CHECK_FALSE(priority_of("8"));
    CHECK_FALSE(priority_of(""));
}

TEST_CASE("a line of PID 1's that is to be shown on the console says so") {
    for (const std::string_view unit : {"", "web", "+"}) {
        const auto lines = init_lines(unit, Priority::err, "first\nsecond", true);
        REQUIRE(lines.size() == 2);
        CHECK(parse_init_line(std::string_view(lines[0]).substr(0, lines[0].size() - 1)) ==
              InitLine{unit, Priority::err, "first", true});
        CHECK_FALSE(parse_init_line(init_lines(unit, Priority::err, "first")[0]).shown);
    }
    CHECK(parse_init_line("<4+\x1fx").unit.empty());
    CHECK(parse_init_line("<4+>").text == "<4+>");
}
