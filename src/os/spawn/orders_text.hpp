// Bytes as text without a zero byte, so that they can be an argument of a program: consistent overhead byte stuffing (Cheshire
// and Baker, 1999). Every stretch of up to 254 bytes without a zero is led by its length plus one; one that is shorter than
// that stands for a zero after it.
#pragma once

#include "os/spawn/call.hpp"

#include <cstddef>

namespace mi::os {

// Bytes that `count` bytes take at most.
constexpr std::size_t stuffed_size(std::size_t count) { return count + count / 254 + 2; }

// Writes the text for `count` bytes; gives its length. `to` has room for stuffed_size(count).
inline std::size_t stuff(const char* from, std::size_t count, char* to) {
    std::size_t out = 1, lead = 0;
    unsigned char length = 1;
    auto close = [&] {
        to[lead] = static_cast<char>(length);
        lead = out++;
        length = 1;
    };
    for (std::size_t i = 0; i < count; ++i) {
        if (from[i] == '\0') {
            close();
            continue;
        }
        to[out++] = from[i];
        if (++length == 255)
            close();
    }
    to[lead] = static_cast<char>(length);
    return out;
}

// The bytes of a text that ends with a zero byte; gives how many, or -1 where they are more than `most` or no such text.
BARE inline long unstuff(const char* from, char* to, std::size_t most) {
    std::size_t out = 0;
    for (;;) {
        const auto length = static_cast<unsigned char>(*from);
        if (length == 0)
            return -1;
        ++from;
        for (unsigned i = 1; i < length; ++i) {
            if (*from == '\0' || out == most)
                return -1;
            to[out++] = *from++;
        }
        if (*from == '\0')
            return static_cast<long>(out);
        if (length != 255) {
            if (out == most)
                return -1;
            to[out++] = '\0';
        }
    }
}

} // namespace mi::os
