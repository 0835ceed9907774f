// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace mi {

// Owns one descriptor, or none (-1). Moves, never copies.
class Fd {
public:
    Fd() = default;
    explicit Fd(int raw) : raw_(raw) {}
    Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        Fd old(std::exchange(raw_, std::exchange(other.raw_, -1)));
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    [[nodiscard]] int get() const { return raw_; }
    explicit operator bool() const { return raw_ >= 0; }
    // Gives the descriptor away: the caller closes it.
    [[nodiscard]] int release() { return std::exchange(raw_, -1); }
    // Linux closes the descriptor even if close(2) reports EINTR or EIO, so a retry would be wrong.
    void reset() {
        if (raw_ >= 0)
            ::close(std::exchange(raw_, -1));
    }

private:
    int raw_ = -1;
};

} // namespace mi
