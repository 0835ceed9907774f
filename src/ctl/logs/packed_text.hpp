// Reads the text of a compressed log file (wire/log_pack.hpp) like that of a plain one: any part of it, without reading
// the rest. A damaged frame is replaced by a line that says so; everything else stays readable.
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
    // Reads the open file called `name`; the descriptor must stay open as long as this object exists.
    PackedText(int file, std::string name);

    // Bytes of text.
    [[nodiscard]] std::int64_t size() const { return size_; }
    // The inode that the file had before it was compressed; 0: unknown.
    [[nodiscard]] std::uint64_t former_inode() const { return former_inode_; }
    // Reads at most `size` bytes of text from `at` on; returns the number.
    std::size_t read(char* to, std::size_t size, std::int64_t at);

    // The beginning of a line that reports damage; no line of a log begins so.
    static constexpr std::string_view damage_mark = "damaged log: ";

private:
    void look(std::uint64_t file_size);
    void look_at_all(std::uint64_t file_size);
    void load(std::size_t frame);

    int file_;
    std::string name_;
    std::vector<wire::logs::PackFrame> frames_;
    std::string note_; // a line after all others
    std::int64_t size_ = 0;
    std::uint64_t former_inode_ = 0;
    std::size_t loaded_ = SIZE_MAX; // the frame whose text is in memory
    std::string text_;
};

} // namespace mi::ctl
