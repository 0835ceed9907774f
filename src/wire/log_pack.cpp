#include "wire/log_pack.hpp"

#include <zstd.h>

#include "wire/log_format.hpp"

namespace mi::wire::logs {
namespace {

constexpr std::uint32_t frame_magic = 0xfd2fb528, head_magic = 0x184d2a5d, table_magic = 0x184d2a5e,
                        foot_magic = 0x8f92eab1, own_magic = 0x676f6c6d; // "mlog"
constexpr std::uint32_t first_skippable = 0x184d2a50, last_skippable = 0x184d2a5f;
constexpr std::size_t skippable_head = 8; // bytes: magic and size
constexpr std::string_view suffix = ".zst";

void add(std::string& to, std::uint64_t number, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
        to += static_cast<char>(number >> (8 * i));
}

// The most text that a frame of that size can have: each block of at most 128 KiB takes at least three bytes (RFC
// 8878). A table that claims more is damaged; believing it would produce that much text, all blanks.
bool can_hold(std::uint64_t packed, std::uint64_t text) { return text <= (packed / 3 + 1) * 128 * 1024; }

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i)
        number |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    return number;
}

} // namespace

std::string packed_name(std::string_view rotated) { return std::string(rotated) + std::string(suffix); }

std::optional<WallTime> parse_packed_name(std::string_view name) {
    if (!name.ends_with(suffix))
        return std::nullopt;
    return parse_rotated_name(name.substr(0, name.size() - suffix.size()));
}

Packer::Packer() : context_(::ZSTD_createCCtx()), bytes_(new char[ZSTD_COMPRESSBOUND(pack_frame_text)]) {
    if (context_ == nullptr)
        return;
    // The fastest level: it shrinks a log to a tenth; slower levels bring little and need more code
    // (link/zstd_unused.cpp).
    (void)::ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, 1);
    (void)::ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
}

Packer::~Packer() { ::ZSTD_freeCCtx(context_); }

std::string Packer::head(std::uint64_t inode) {
    std::string bytes;
    add(bytes, head_magic, 4);
    add(bytes, pack_head_size - skippable_head, 4);
    add(bytes, own_magic, 4);
    add(bytes, 1, 4); // version
    add(bytes, inode, 8);
    frames_.push_back({pack_head_size, 0});
    return bytes;
}

std::string_view Packer::frame(std::string_view text) {
    if (context_ == nullptr)
        return {};
    const std::size_t size =
        ::ZSTD_compress2(context_, bytes_.get(), ZSTD_COMPRESSBOUND(pack_frame_text), text.data(), text.size());
    if (::ZSTD_isError(size) != 0)
        return {};
    frames_.push_back({static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(text.size())});
    return {bytes_.get(), size};
}

std::string Packer::foot() const {
    std::string bytes;
    add(bytes, table_magic, 4);
    add(bytes, frames_.size() * 8 + pack_foot_size, 4);
    for (const Size& frame : frames_) {
        add(bytes, frame.packed, 4);
        add(bytes, frame.text, 4);
    }
    add(bytes, frames_.size(), 4);
    add(bytes, 0, 1); // no checksums in the table: each frame has its own
    add(bytes, foot_magic, 4);
    return bytes;
}

std::uint64_t inode_of_pack(std::string_view head) {
    if (head.size() < pack_head_size || number_at(head, 0, 4) != head_magic || number_at(head, 8, 4) != own_magic)
        return 0;
    return number_at(head, 16, 8);
}

std::uint64_t size_of_pack_table(std::string_view foot) {
    if (foot.size() != pack_foot_size || number_at(foot, 5, 4) != foot_magic)
        return 0;
    const std::uint64_t count = number_at(foot, 0, 4), entry = (foot[4] & 0x80) != 0 ? 12 : 8;
    const std::uint64_t size = skippable_head + count * entry + pack_foot_size;
    return size <= longest_pack_table ? size : 0;
}

std::optional<std::vector<PackFrame>> read_pack_table(std::string_view table, std::uint64_t file_size) {
    if (table.size() < skippable_head + pack_foot_size ||
        size_of_pack_table(table.substr(table.size() - pack_foot_size)) != table.size() ||
        number_at(table, 0, 4) != table_magic || number_at(table, 4, 4) != table.size() - skippable_head)
        return std::nullopt;
    const std::size_t entry = (table[table.size() - 5] & 0x80) != 0 ? 12 : 8;
    std::vector<PackFrame> frames;
    PackFrame next;
    for (std::size_t at = skippable_head; at + entry + pack_foot_size <= table.size(); at += entry) {
        next.size = static_cast<std::uint32_t>(number_at(table, at, 4));
        next.text_size = static_cast<std::uint32_t>(number_at(table, at + 4, 4));
        if (next.text_size > longest_frame_text || !can_hold(next.size, next.text_size))
            return std::nullopt;
        if (next.text_size > 0)
            frames.push_back(next);
        next.at += next.size;
        next.text_at += next.text_size;
    }
    if (next.at + table.size() != file_size)
        return std::nullopt;
    return frames;
}

std::vector<PackFrame> find_pack_frames(std::string_view file, bool& whole) {
    std::vector<PackFrame> frames;
    PackFrame next;
    whole = true;
    while (next.at < file.size()) {
        const std::string_view rest = file.substr(next.at);
        whole = false;
        if (rest.size() < skippable_head)
            break;
        const std::uint64_t magic = number_at(rest, 0, 4);
        std::uint64_t size = 0, text = 0;
        if (magic >= first_skippable && magic <= last_skippable) {
            size = skippable_head + number_at(rest, 4, 4);
        } else {
            size = magic == frame_magic ? ::ZSTD_findFrameCompressedSize(rest.data(), rest.size()) : 0;
            text = ::ZSTD_getFrameContentSize(rest.data(), rest.size());
            if (size == 0 || ::ZSTD_isError(size) != 0 || text > longest_frame_text ||
                !can_hold(size, text)) // also catches the two error values
                break;
        }
        if (size > rest.size() || size > UINT32_MAX)
            break;
        next.size = static_cast<std::uint32_t>(size);
        next.text_size = static_cast<std::uint32_t>(text);
        if (text > 0)
            frames.push_back(next);
        next.at += size;
        next.text_at += text;
        whole = true;
    }
    return frames;
}

std::optional<std::string> unpack(std::string_view frame, std::size_t text_size) {
    if (frame.size() < skippable_head || number_at(frame, 0, 4) != frame_magic || text_size > longest_frame_text)
        return std::nullopt;
    std::string text(text_size, '\0');
    if (::ZSTD_decompress(text.data(), text.size(), frame.data(), frame.size()) != text_size)
        return std::nullopt;
    return text;
}

} // namespace mi::wire::logs
