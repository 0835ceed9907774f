#include "base/read_at.hpp"

#include <unistd.h>

#include <cerrno>

namespace mi {

std::size_t read_at(int file, std::uint64_t at, std::span<char> to) {
    std::size_t got = 0;
    while (got < to.size()) {
        const ssize_t count = ::pread(file, to.data() + got, to.size() - got, static_cast<off_t>(at + got));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        got += static_cast<std::size_t>(count);
    }
    return got;
}

std::string read_at(int file, std::uint64_t at, std::size_t most) {
    std::string bytes;
    bytes.resize_and_overwrite(most, [&](char* to, std::size_t size) { return read_at(file, at, {to, size}); });
    return bytes;
}

} // namespace mi
