// Randomness of a simulated life: everything that is drawn comes from one seed, so that a life can be lived again.
#pragma once

#include "base/time.hpp"

#include <cstdint>

namespace mi::sim {

// SplitMix64: small, fast, and good enough to draw from.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // 0 to `end` - 1.
    std::uint64_t below(std::uint64_t end) { return next() % end; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    // Many short ones and few long ones, `least` to `most`.
    Span span(Span least, Span most) {
        const auto width = static_cast<std::uint64_t>((most - least).count());
        const std::uint64_t a = below(width + 1), b = below(width + 1), c = below(width + 1);
        return least + Span(static_cast<Span::rep>(a < b ? (a < c ? a : c) : (b < c ? b : c)));
    }

private:
    std::uint64_t state_;
};

} // namespace mi::sim
