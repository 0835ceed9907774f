// The text of a compressed log file (wire/log_pack.hpp), read like that of a plain one: any bytes of it, without reading the
// rest. What is damaged is a line that says so, in its place; everything else stays readable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/log_pack.hpp"

namespace mi::ctl {

class PackedText {
public:
    // Of the open file called `name`; the descriptor must stay open as long as this lives.
    PackedText(int file, std::string name);

    // Bytes of text.
    [[nodiscard]] std::int64_t size() const { return size_; }
    // The inode that the file had before it was compressed; 0: it is not known.
    [[nodiscard]] std::uint64_t former_inode() const { return former_inode_; }
    // The text from `at` on, `size` bytes of it or what there is.
    std::size_t read(char* to, std::size_t size, std::int64_t at);

    // How lines begin that tell of damage; no line of a log does.
    static constexpr std::string_view damage_mark = "damaged log: ";

private:
    void look(std::uint64_t file_size);
    void look_at_all(std::uint64_t file_size);
    void load(std::size_t frame);

    int file_;
    std::string name_;
    std::vector<wire::logs::PackFrame> frames_;
    std::string note_; // a line behind all others
    std::int64_t size_ = 0;
    std::uint64_t former_inode_ = 0;
    std::size_t loaded_ = SIZE_MAX; // the frame whose text is here
    std::string text_;
};

} // namespace mi::ctl
