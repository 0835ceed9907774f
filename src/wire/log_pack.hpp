// Compressed log files (`20261122T041001.123456Z.log.zst`), shared by the writer (logd) and the reader (minictl logs).
// Works on bytes only and makes no system calls.
//
// They are zstd files (RFC 8878) in zstd's seekable format (contrib/seekable_format): independent frames of at most
// `pack_frame_text` bytes of text, each with whole lines and a checksum, and at the end a skippable frame with the
// length of each. So every zstd program can read them, and a time is found by bisection. A skippable frame at the
// beginning has the inode of the original file, so that a reader of that file knows where to continue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

struct ZSTD_CCtx_s;

namespace mi::wire::logs {

// The most bytes of text in one frame. Any line fits.
inline constexpr std::size_t pack_frame_text = 128 * 1024;
// The most bytes of text to unpack from a frame that another program made.
inline constexpr std::size_t longest_frame_text = 64 * 1024 * 1024;
// Sizes in bytes of the first frame, and of the end of the table.
inline constexpr std::size_t pack_head_size = 24, pack_foot_size = 9;
// The longest possible table of frames, in bytes.
inline constexpr std::size_t longest_pack_table = 16 * 1024 * 1024;

// The name of the compressed form of a rotated file; and back: the time of the rotation in such a name.
[[nodiscard]] std::string packed_name(std::string_view rotated);
[[nodiscard]] std::optional<WallTime> parse_packed_name(std::string_view name);

// Builds such a file: `head`, then `frame` repeatedly, then `foot`.
class Packer {
public:
    Packer();
    ~Packer();
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;

    [[nodiscard]] std::string head(std::uint64_t inode);
    // Compresses text (at least one and at most pack_frame_text bytes) into a frame, valid until the next call. Empty:
    // out of memory.
    [[nodiscard]] std::string_view frame(std::string_view text);
    [[nodiscard]] std::string foot() const;

private:
    struct Size {
        std::uint32_t packed, text;
    };
    ZSTD_CCtx_s* context_;
    std::unique_ptr<char[]> bytes_;
    std::vector<Size> frames_;
};

// A frame with text: its place in the file, and the place of its text in the whole text.
struct PackFrame {
    std::uint64_t at = 0, text_at = 0;
    std::uint32_t size = 0, text_size = 0;
};

// The inode in the head; 0: there is none.
[[nodiscard]] std::uint64_t inode_of_pack(std::string_view head);
// The size in bytes of the table at the end of a file, from the file's last pack_foot_size bytes; 0: it has none.
[[nodiscard]] std::uint64_t size_of_pack_table(std::string_view foot);
// The frames in the table; nullopt if it does not fit a file of `file_size` bytes.
[[nodiscard]] std::optional<std::vector<PackFrame>> read_pack_table(std::string_view table, std::uint64_t file_size);
// The frames of a file without a table (from another program, or cut off), found by scanning it: all before the first
// damaged one. `whole`: true if there is no damaged one.
[[nodiscard]] std::vector<PackFrame> find_pack_frames(std::string_view file, bool& whole);

// The text of a frame; nullopt: it is damaged.
[[nodiscard]] std::optional<std::string> unpack(std::string_view frame, std::size_t text_size);

} // namespace mi::wire::logs
