// Compressed log files (`20261122T041001.123456Z.log.zst`), shared by who writes them (logd) and who reads them (minictl
// logs). Bytes only: no system calls.
//
// They are zstd files, in its seekable format (contrib/seekable_format of zstd): independent frames of up to
// `pack_frame_text` bytes of text, each of whole lines and with a checksum, and at the end a skippable frame that says how
// long each is. So every zstd reads them, and a moment is found in them by bisection. A skippable frame at the beginning
// says which file it was (its inode), so that who was reading that one knows where to go on.
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

// Text in one frame, at most. Any line fits.
inline constexpr std::size_t pack_frame_text = 128 * 1024;
// A frame of anybody else's file is read up to this size of its text.
inline constexpr std::size_t longest_frame_text = 64 * 1024 * 1024;
// Bytes of the frame at the beginning, and of the end of the table.
inline constexpr std::size_t pack_head_size = 24, pack_foot_size = 9;
// No table of frames is longer.
inline constexpr std::size_t longest_pack_table = 16 * 1024 * 1024;

// The name of the compressed form of a rotated file, and whether a name is one.
[[nodiscard]] std::string packed_name(std::string_view rotated);
[[nodiscard]] std::optional<WallTime> parse_packed_name(std::string_view name);

// Makes such a file, piece by piece: `head`, `frame` again and again, `foot`.
class Packer {
public:
    Packer();
    ~Packer();
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;

    [[nodiscard]] std::string head(std::uint64_t inode);
    // Text, not empty and at most pack_frame_text bytes, as a frame: valid until the next call. Empty: there is no memory.
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

// A frame that has text: where it is in the file, and where its text is in the whole of the text.
struct PackFrame {
    std::uint64_t at = 0, text_at = 0;
    std::uint32_t size = 0, text_size = 0;
};

// The inode of the head, 0: there is none.
[[nodiscard]] std::uint64_t inode_of_pack(std::string_view head);
// How many bytes at the end of a file are its table, from its last pack_foot_size bytes; 0: it has none.
[[nodiscard]] std::uint64_t size_of_pack_table(std::string_view foot);
// The frames by the table, where it is that of a file of `file_size` bytes.
[[nodiscard]] std::optional<std::vector<PackFrame>> read_pack_table(std::string_view table, std::uint64_t file_size);
// The frames of a file without a table (somebody else's, or cut off), by looking at all of it: those before the first that
// is not whole. `whole` is whether that is all.
[[nodiscard]] std::vector<PackFrame> find_pack_frames(std::string_view file, bool& whole);

// The text of a frame; nothing where it is damaged.
[[nodiscard]] std::optional<std::string> unpack(std::string_view frame, std::size_t text_size);

} // namespace mi::wire::logs
