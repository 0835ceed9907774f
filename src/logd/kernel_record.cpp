#include "logd/kernel_record.hpp"

#include "base/text.hpp"

namespace mi::logd {
namespace {

int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// The piece up to the next comma, taken off with it.
std::string_view take_piece(std::string_view& text) {
    const std::string_view piece = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), piece.size() + 1));
    return piece;
}

} // namespace

std::optional<KernelRecord> parse_kernel_record(std::string_view record) {
    const std::size_t semicolon = record.substr(0, 256).find(';');
    if (semicolon == record.npos)
        return std::nullopt;
    std::string_view head = record.substr(0, semicolon);
    const auto pri = to_number<std::uint32_t>(take_piece(head));
    const auto sequence = to_number<std::uint64_t>(take_piece(head));
    const auto micros = to_number<std::int64_t>(take_piece(head));
    if (!pri || !sequence || !micros || *micros < 0)
        return std::nullopt;
    // Who writes there may claim any facility.
    const std::uint32_t facility = *pri / 8;
    const std::string_view text = record.substr(semicolon + 1);
    return KernelRecord{*sequence, *micros, static_cast<wire::logs::Priority>(*pri % 8),
                        facility < wire::logs::facilities ? static_cast<wire::logs::Facility>(facility)
                                                          : wire::logs::facility_user,
                        text.substr(0, text.find('\n'))};
}

std::string_view unescape_kernel(std::string_view text, std::span<char> to) {
    std::size_t size = 0;
    for (std::size_t at = 0; at < text.size() && size < to.size();) {
        if (text.substr(at, 2) == "\\x" && text.size() - at >= 4)
            if (const int high = hex_digit(text[at + 2]), low = hex_digit(text[at + 3]); high >= 0 && low >= 0) {
                to[size++] = static_cast<char>(high * 16 + low);
                at += 4;
                continue;
            }
        to[size++] = text[at++];
    }
    return {to.data(), size};
}

} // namespace mi::logd
