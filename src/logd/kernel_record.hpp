// A record of /dev/kmsg taken apart (Documentation/ABI/testing/dev-kmsg). Bytes only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "wire/log_format.hpp"

namespace mi::logd {

struct KernelRecord {
    std::uint64_t sequence = 0;
    std::int64_t micros = 0; // since boot
    wire::logs::Priority priority = wire::logs::Priority::info;
    wire::logs::Facility facility = wire::logs::facility_kern;
    std::string_view text; // with the kernel's escapes, without the dictionary that may follow
};

// Nothing where it is no record.
[[nodiscard]] std::optional<KernelRecord> parse_kernel_record(std::string_view record);

// Writes `text` without the kernel's escapes (`\xHH`) into `to`, which has room for all of it.
[[nodiscard]] std::string_view unescape_kernel(std::string_view text, std::span<char> to);

} // namespace mi::logd
