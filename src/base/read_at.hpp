// Reads at an offset of a file, independent of its current position (pread(2)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mi {

// Fills the buffer from offset `at` and returns the number of bytes read. Fewer than its size: the file ends there, or
// could not be read.
std::size_t read_at(int file, std::uint64_t at, std::span<char> to);
// The same, up to `most` bytes.
[[nodiscard]] std::string read_at(int file, std::uint64_t at, std::size_t most);

} // namespace mi
