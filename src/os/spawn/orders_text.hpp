// Encodes bytes as text without zero bytes, so that they can be an argument of a program: consistent overhead byte
// stuffing (Cheshire and Baker, 1999). Each run of at most 254 bytes without a zero is preceded by its length plus one;
// a shorter run also stands for a zero after it.
#pragma once

#include "os/spawn/call.hpp"

#include <cstddef>

namespace mi::os {

// The most bytes that the text for `count` bytes can take.
constexpr std::size_t stuffed_size(std::size_t count) { return count + count / 254 + 2; }

// Writes the text for `count` bytes to `to`, which has room for stuffed_size(count); returns its length.
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

// Decodes a text that ends with a zero byte; returns the number of bytes, or -1 if they are more than `most` or the
// text is not valid.
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
