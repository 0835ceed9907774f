// INVOCATION_ID of a run: 128 random bits in hexadecimal. They are taken from a pool, as a thousand starts need no thousand system
// calls for them.
#pragma once

#include "daemon/kernel.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace mi::daemon {

class InvocationIds {
public:
    explicit InvocationIds(Kernel& kernel) : kernel_(kernel) {}
    [[nodiscard]] std::string next();

private:
    void fill();
    Kernel& kernel_;
    std::array<unsigned char, 4096> random_{};
    std::size_t left_ = 0;
};

} // namespace mi::daemon
