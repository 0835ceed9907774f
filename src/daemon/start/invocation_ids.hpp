// INVOCATION_ID of a run: 128 random bits in hexadecimal. They are taken from a pool, as a thousand starts need no thousand system
// calls for them.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace mi::daemon {

class InvocationIds {
public:
    [[nodiscard]] std::string next();

private:
    void fill();
    std::array<unsigned char, 4096> random_{};
    std::size_t left_ = 0;
};

} // namespace mi::daemon
