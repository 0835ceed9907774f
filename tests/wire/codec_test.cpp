#include "state/record_image.hpp"
#include "wire/codec.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace mi;
using wire::decode;
using wire::encode;

namespace {

std::string bytes_of(const auto& value) {
    std::string bytes;
    encode(bytes, value);
    return bytes;
}

state::RecordImage full_record() {
    state::RecordImage record;
    record.phase = core::Phase::backoff;
    record.asked = core::Asked::up;
    record.stage = core::Stage::post_stop;
    record.reason = core::Reason::file;
    record.hook = core::Role::post_stop;
    record.own_end = core::OwnEnd::success;
    record.next = core::Next::restart;
    record.came_up = true;
    record.hook_index = 255;
    record.main_pid = 4194304;
    record.hook_pid = -1;
    record.tries = 7;
    record.restarts = ~0u;
    record.cause = 12;
    record.since = Instant{Span(123456789012345)};
    record.last_exit = core::ExitStatus::signal(11, true);
    record.detail = std::string(300, 'x') + '\0' + "\xff";
    return record;
}

// The same struct as an older and a newer program know it.
struct Old {
    int a = 1;
    std::string b = "b";
    static void fields(auto& self, auto&& visit) { visit(self.a, self.b); }
};
struct New {
    int a = 1;
    std::string b = "b";
    std::optional<Span> c = Span(9);
    std::vector<Old> d{{5, "five"}};
    static void fields(auto& self, auto&& visit) { visit(self.a, self.b, self.c, self.d); }
};
struct Pair {
    New first;
    int second = 0;
    static void fields(auto& self, auto&& visit) { visit(self.first, self.second); }
};
struct OldPair {
    Old first;
    int second = 0;
    static void fields(auto& self, auto&& visit) { visit(self.first, self.second); }
};

} // namespace

TEST_CASE("a record comes back from its bytes as it was") {
    for (const state::RecordImage& record : {state::RecordImage{}, full_record()}) {
        state::RecordImage back;
        back.detail = "something else";
        REQUIRE(decode(bytes_of(record), back));
        CHECK(back == record);
    }
}

TEST_CASE("numbers at the ends of their range come back") {
    auto round = [](auto value) {
        decltype(value) back = 0;
        CHECK(decode(bytes_of(value), back));
        CHECK(back == value);
    };
    round(std::numeric_limits<std::int64_t>::min());
    round(std::numeric_limits<std::int64_t>::max());
    round(std::numeric_limits<std::uint64_t>::max());
    round(std::numeric_limits<std::int32_t>::min());
    round(std::uint8_t{255});
    round(std::int8_t{-128});
}

TEST_CASE("a number too great for its field is refused") {
    std::uint8_t small = 0;
    CHECK_FALSE(decode(bytes_of(std::uint32_t{256}), small));
    std::int8_t tiny = 0;
    CHECK_FALSE(decode(bytes_of(std::int32_t{-129}), tiny));
    std::uint64_t great = 0;
    CHECK_FALSE(decode(std::string(10, '\xff') + '\x01', great));
    CHECK_FALSE(decode(std::string(9, '\xff') + '\x02', great));
}

TEST_CASE("an enumerator that does not exist is refused") {
    core::Phase phase = core::Phase::down;
    CHECK(decode(std::string(1, static_cast<char>(core::Phase::invalid)), phase));
    CHECK_FALSE(decode(std::string(1, static_cast<char>(core::Phase::invalid) + 1), phase));
}

TEST_CASE("a record cut off anywhere is refused, and nothing is read past its end") {
    const std::string bytes = bytes_of(full_record());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        // A copy of exactly this size, so that the address sanitizer sees a step too far.
        const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
        state::RecordImage back;
        CHECK_FALSE(decode(std::string_view(cut.data(), cut.size()), back));
    }
}

TEST_CASE("random damage is refused or read as something, never worse") {
    const std::string bytes = bytes_of(full_record());
    std::mt19937 random(1);
    for (int round = 0; round < 20000; ++round) {
        std::string damaged = bytes;
        for (int i = 0; i < 3; ++i)
            damaged[random() % damaged.size()] = static_cast<char>(random());
        state::RecordImage back;
        if (decode(damaged, back)) {
            state::RecordImage again;
            REQUIRE(decode(bytes_of(back), again));
            CHECK(again == back);
        }
    }
}

TEST_CASE("a lie about the length of a list allocates nothing") {
    std::vector<std::uint64_t> list;
    CHECK_FALSE(decode(std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9) + "abc", list));
    CHECK(list.capacity() == 0);
}

TEST_CASE("an older reader passes over the fields it does not know") {
    Pair pair{{7, "seven", std::nullopt, {{1, "x"}, {2, "y"}}}, 42};
    OldPair old;
    REQUIRE(decode(bytes_of(pair), old));
    CHECK(old.first.a == 7);
    CHECK(old.first.b == "seven");
    CHECK(old.second == 42);
}

TEST_CASE("a newer reader defaults the fields that are missing") {
    Pair pair;
    REQUIRE(decode(bytes_of(OldPair{{7, "seven"}, 42}), pair));
    CHECK(pair.first.a == 7);
    CHECK(pair.first.b == "seven");
    CHECK(pair.first.c == Span(9));
    REQUIRE(pair.first.d.size() == 1);
    CHECK(pair.first.d[0].b == "five");
    CHECK(pair.second == 42);
}

TEST_CASE("bytes after the value are refused") {
    state::RecordImage back;
    CHECK_FALSE(decode(bytes_of(state::RecordImage{}) + "x", back));
}
