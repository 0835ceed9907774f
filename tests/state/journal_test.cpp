// The memory that outlives us: what is read from it after any write that was cut off.
#include "state/journal.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using mi::state::Journal;

namespace {

// Memory as a memfd gives it, all zero; `limit`: how much of it can be had.
struct Memory {
    explicit Memory(std::size_t size) : bytes(size, '\0'), limit(size) {}
    std::string bytes;
    std::size_t limit;
    Journal journal() {
        return Journal::make(bytes, [this](std::size_t, std::size_t to) { return to <= limit; });
    }
    [[nodiscard]] std::vector<std::string> read() const {
        std::vector<std::string> frames;
        for (std::string_view frame : Journal::read(bytes))
            frames.emplace_back(frame);
        return frames;
    }
};

using Frames = std::vector<std::string>;

} // namespace

TEST_CASE("a journal is its base and the changes since, in order") {
    Memory memory(64 << 10);
    Journal journal = memory.journal();
    CHECK(memory.read().empty());
    CHECK_FALSE(journal.append("nothing to change yet"));
    REQUIRE(journal.rebase("base"));
    CHECK(journal.append("one"));
    CHECK(journal.append("two, longer than the first"));
    CHECK(memory.read() == Frames{"base", "one", "two, longer than the first"});
}

TEST_CASE("a new base replaces all that was before, and the slots take turns") {
    Memory memory(64 << 10);
    Journal journal = memory.journal();
    for (int round = 0; round < 5; ++round) {
        REQUIRE(journal.rebase("base " + std::to_string(round)));
        REQUIRE(journal.append("change " + std::to_string(round)));
        CHECK(memory.read() == Frames{"base " + std::to_string(round), "change " + std::to_string(round)});
    }
}

TEST_CASE("the next program reads the same, and writes on without losing it") {
    Memory memory(64 << 10);
    {
        Journal journal = memory.journal();
        REQUIRE(journal.rebase("base"));
        REQUIRE(journal.append("change"));
    }
    Journal journal = memory.journal();
    CHECK(memory.read() == Frames{"base", "change"});
    CHECK_FALSE(journal.append("before it has a base of its own"));
    CHECK(memory.read() == Frames{"base", "change"});
    REQUIRE(journal.rebase("another"));
    CHECK(memory.read() == Frames{"another"});
}

// How many bytes of changes it takes after a base of that size.
std::size_t changes_until_long(std::size_t base) {
    Memory memory(8 << 20);
    Journal journal = memory.journal();
    REQUIRE(journal.rebase(std::string(base, 'b')));
    std::size_t changes = 0;
    for (; !journal.is_long(); changes += 1'000)
        REQUIRE(journal.append(std::string(992, 'c'))); // and its head of 8
    REQUIRE(journal.rebase(std::string(base, 'b')));
    CHECK_FALSE(journal.is_long());
    return changes;
}

TEST_CASE("a journal gets long when its changes outweigh its base four times, or it and half a megabyte") {
    CHECK(changes_until_long(1'000) == 17'000); // a little is never much
    CHECK(changes_until_long(20'000) == 81'000);
    CHECK(changes_until_long(400'000) == 525'000);
    CHECK(changes_until_long(1'000'000) == 1'001'000);
}

TEST_CASE("without room a write fails and what was there stays") {
    Memory memory(64 << 10);
    Journal journal = memory.journal();
    REQUIRE(journal.rebase("base"));
    CHECK_FALSE(journal.append(std::string(64 << 10, 'x')));
    CHECK_FALSE(journal.rebase(std::string(64 << 10, 'x')));
    CHECK(memory.read() == Frames{"base"});
    memory.limit = 100; // no more memory to be had
    CHECK_FALSE(journal.rebase("new"));
    CHECK(memory.read() == Frames{"base"});
    memory.limit = memory.bytes.size();
    REQUIRE(journal.rebase("new"));
    CHECK(memory.read() == Frames{"new"});
}

// A write that stops anywhere is one whose later bytes never arrived, whatever order they were to come in.
TEST_CASE("whatever a write was cut off by, the state of before it is there, or that of after it") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 400; ++round) {
        Memory memory(32 << 10);
        Journal journal = memory.journal();
        REQUIRE(journal.rebase("base"));
        Frames before{"base"};
        for (std::uint64_t i = random() % 4; i > 0; --i) {
            before.push_back(std::string(1 + random() % 90, 'x'));
            REQUIRE(journal.append(before.back()));
        }
        const bool base = random() % 2 == 0;
        const std::string next(1 + random() % 500, 'n');
        Memory after = memory;
        Journal writer = after.journal();
        // The same journal writes into a copy, by the same steps.
        Frames expected = before;
        if (base) {
            REQUIRE(writer.rebase(next));
            expected = {next};
        } else {
            std::string copy = memory.bytes;
            REQUIRE(journal.append(next));
            after.bytes = memory.bytes;
            memory.bytes = copy;
            expected.push_back(next);
        }
        REQUIRE(after.read() == expected);
        // Any part of the changed bytes is missing.
        for (int cut = 0; cut < 20; ++cut) {
            Memory torn = after;
            std::size_t from = random() % 2 == 0 ? 0 : random() % torn.bytes.size(), changed = 0;
            for (std::size_t i = from; i < torn.bytes.size(); ++i)
                if (torn.bytes[i] != memory.bytes[i] && random() % 2 == 0) {
                    torn.bytes[i] = memory.bytes[i];
                    ++changed;
                }
            const Frames found = torn.read();
            CHECK((found == before || found == expected || (changed == 0 && found == expected)));
        }
    }
}

TEST_CASE("memory that is no journal is read as nothing, and never past its end") {
    std::mt19937_64 random(3);
    for (int round = 0; round < 2000; ++round) {
        Memory memory(16 << 10);
        Journal journal = memory.journal();
        REQUIRE(journal.rebase(std::string(random() % 300 + 1, 'b')));
        (void)journal.append("change");
        for (int i = 0; i < 8; ++i)
            memory.bytes[random() % 700] = static_cast<char>(random());
        (void)memory.read();
    }
    CHECK(Journal::read({}).empty());
    CHECK(Memory(100).read().empty());
}

TEST_CASE("a journal of another format is known as one, and nothing of it counts beside what is written after") {
    Memory memory(64 << 10);
    {
        Journal older = memory.journal();
        for (int i = 0; i < 9; ++i)
            REQUIRE(older.rebase("older " + std::to_string(i)));
    }
    CHECK(Journal::format_of(memory.bytes) == Journal::format);
    --memory.bytes[0]; // the number of the format, at the end of the magic number
    CHECK(Journal::format_of(memory.bytes) == Journal::format - 1);
    CHECK(memory.read().empty());
    Journal journal = memory.journal();
    CHECK(memory.read().empty());
    REQUIRE(journal.rebase("ours"));
    CHECK(memory.read() == Frames{"ours"});
    CHECK(Journal::format_of(std::vector<char>(64)) == 0);
}
