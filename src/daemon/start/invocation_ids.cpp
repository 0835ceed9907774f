#include "daemon/start/invocation_ids.hpp"

#include <cstdint>
#include <string_view>

namespace mi::daemon {

namespace {
constexpr std::size_t bytes = 16; // of an id
} // namespace

void InvocationIds::fill() {
    const std::size_t got = kernel_.random(random_);
    if (got >= bytes) {
        left_ = got;
        return;
    }
    // Early in a boot the kernel may have no randomness to give. The id has to be unique, not secret.
    auto mixed = static_cast<std::uint64_t>(kernel_.now().since_boot.count());
    for (unsigned char& byte : random_) {
        mixed = mixed * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<unsigned char>(mixed >> 56);
    }
    left_ = random_.size();
}

std::string InvocationIds::next() {
    constexpr std::string_view digits = "0123456789abcdef";
    if (left_ < bytes)
        fill();
    std::string id;
    for (std::size_t i = 0; i < bytes; ++i) {
        const unsigned char byte = random_[--left_];
        id += digits[byte >> 4];
        id += digits[byte & 15];
    }
    return id;
}

} // namespace mi::daemon
