// Compressed log files, as bytes.
#include <doctest/doctest.h>

#include <random>

#include "wire/log_format.hpp"
#include "wire/log_pack.hpp"

using namespace mi::wire::logs;

namespace {

struct Packed {
    std::string bytes, text;
};

Packed packed(int frames) {
    Packer packer;
    Packed made{packer.head(4711), {}};
    for (int i = 0; i < frames; ++i) {
        std::string text;
        while (text.size() < 1000u * static_cast<unsigned>(i + 1))
            text += "line " + std::to_string(text.size() * 7919) + "\n";
        made.text += text;
        made.bytes += packer.frame(text);
    }
    made.bytes += packer.foot();
    return made;
}

std::string text_of(const std::string& bytes, const std::vector<PackFrame>& frames) {
    std::string text;
    for (const PackFrame& frame : frames) {
        CHECK(frame.text_at == text.size());
        text += unpack(std::string_view(bytes).substr(frame.at, frame.size), frame.text_size).value_or("damaged");
    }
    return text;
}

} // namespace

TEST_CASE("the table of a compressed log says where each frame is, and without it they are found") {
    const Packed made = packed(5);
    CHECK(inode_of_pack(made.bytes) == 4711);
    const auto size = size_of_pack_table(std::string_view(made.bytes).substr(made.bytes.size() - pack_foot_size));
    REQUIRE(size > 0);
    const auto frames =
        read_pack_table(std::string_view(made.bytes).substr(made.bytes.size() - size), made.bytes.size());
    REQUIRE(frames);
    CHECK(frames->size() == 5);
    CHECK(text_of(made.bytes, *frames) == made.text);
    bool whole = false;
    CHECK(text_of(made.bytes, find_pack_frames(made.bytes, whole)) == made.text);
    CHECK(whole);
    CHECK(text_of(made.bytes, find_pack_frames(made.bytes.substr(0, frames->at(4).at + 10), whole)).size() ==
          frames->at(4).text_at);
    CHECK_FALSE(whole);
}

TEST_CASE("a damaged frame is noticed, and a table that does not fit its file is none") {
    const Packed made = packed(2);
    const auto size = size_of_pack_table(std::string_view(made.bytes).substr(made.bytes.size() - pack_foot_size));
    const std::string table = made.bytes.substr(made.bytes.size() - size);
    CHECK_FALSE(read_pack_table(table, made.bytes.size() + 1));
    CHECK_FALSE(read_pack_table(std::string_view(table).substr(1), made.bytes.size()));
    const PackFrame frame = read_pack_table(table, made.bytes.size())->at(1);
    for (std::uint32_t i = 0; i < frame.size; ++i) {
        std::string spoilt = made.bytes.substr(frame.at, frame.size);
        spoilt[i] = static_cast<char>(spoilt[i] ^ 4);
        const auto text = unpack(spoilt, frame.text_size);
        CHECK((!text || *text == made.text.substr(frame.text_at)));
    }
    CHECK_FALSE(unpack(made.bytes.substr(frame.at, frame.size), frame.text_size + 1));
    CHECK_FALSE(unpack({}, 5));
    std::mt19937 random(3);
    for (int round = 0; round < 2000; ++round) {
        std::string noise(random() % 200, '\0');
        for (char& byte : noise)
            byte = static_cast<char>(random());
        bool whole = false;
        (void)find_pack_frames(noise, whole);
        (void)read_pack_table(noise, noise.size());
        (void)unpack(std::string("\x28\xb5\x2f\xfd", 4) + noise, 1000);
    }
}

TEST_CASE("a table that says more than can be in a frame is none: nothing of that size is made") {
    const Packed made = packed(2);
    const auto size = size_of_pack_table(std::string_view(made.bytes).substr(made.bytes.size() - pack_foot_size));
    std::string table = made.bytes.substr(made.bytes.size() - size);
    CHECK(read_pack_table(table, made.bytes.size()));
    table[8 + 8 + 4 + 3] = 3; // the text of the first frame: 48 MiB more
    CHECK_FALSE(read_pack_table(table, made.bytes.size()));
    // As much as there can be is taken: many times the same letter.
    Packer packer;
    const std::string letters(pack_frame_text, 'a');
    std::string bytes = packer.head(1);
    bytes += packer.frame(letters);
    bytes += packer.foot();
    const auto foot = size_of_pack_table(std::string_view(bytes).substr(bytes.size() - pack_foot_size));
    const auto frames = read_pack_table(std::string_view(bytes).substr(bytes.size() - foot), bytes.size());
    REQUIRE(frames);
    CHECK(text_of(bytes, *frames) == letters);
}

TEST_CASE("names of compressed files") {
    const std::string name = rotated_name({1});
    CHECK(parse_packed_name(packed_name(name)) == mi::WallTime{1});
    CHECK_FALSE(parse_packed_name(name));
    CHECK_FALSE(parse_packed_name("notes.zst"));
    CHECK_FALSE(parse_rotated_name(packed_name(name)));
}
