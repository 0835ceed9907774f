// Reading at a place in a file, whatever its position is (pread(2)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mi {

// Reads as many bytes from `at` on as fit, and gives how many there were. Fewer: the file ends there, or could not be read.
std::size_t read_at(int file, std::uint64_t at, std::span<char> to);
// The same, up to `most` bytes.
[[nodiscard]] std::string read_at(int file, std::uint64_t at, std::size_t most);

} // namespace mi
