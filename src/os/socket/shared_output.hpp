// Writes to a descriptor that others may have, too, and whose reader may be slow: without waiting, and without changing anything
// for the others. O_NONBLOCK belongs to the open file description, so to set it on an inherited descriptor sets it for all who
// inherited it.
//
// - A pipe or terminal is opened anew by /proc/self/fd where that is allowed: then the description is ours.
// - A pipe that cannot be opened anew (no /proc, another user's) gets its bytes by splice(2) out of a pipe of our own, which takes
//   SPLICE_F_NONBLOCK for this one call.
// - A socket has MSG_DONTWAIT. A regular file never makes anybody wait.
// - Anything else (a terminal of another user) gets as little at a time as poll(2) promises to take.
#pragma once

#include "base/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mi::os {

class SharedOutput {
public:
    // Writes nowhere.
    SharedOutput() = default;
    // Writes to `fd`, which stays the caller's.
    explicit SharedOutput(int fd) : fd_(fd) {}
    // Writes to a description that is ours alone, and non-blocking.
    explicit SharedOutput(Fd own) : fd_(own.get()), own_(std::move(own)), way_(Way::own) {}

    struct Written {
        std::size_t bytes = 0;
        bool there = true; // false: there is no reader any more, or writing is impossible
    };
    // Writes as much of the beginning of `text` as there is room for. What is not taken comes first in the next call: it may be on its
    // way already. Lines of up to PIPE_BUF bytes stay whole beside those that others write to a pipe.
    [[nodiscard]] Written write(std::string_view text);
    // What becomes writable once there is room, -1: none. Its description may be shared.
    [[nodiscard]] int fd() const { return own_ ? own_.get() : fd_; }
    [[nodiscard]] bool is_own() const { return static_cast<bool>(own_); }

private:
    enum class Way : std::uint8_t { unknown, own, file, socket, splice, poll };

    void choose();
    [[nodiscard]] std::size_t longest() const;
    [[nodiscard]] ssize_t put(std::string_view text);
    [[nodiscard]] ssize_t put_by_pipe(std::string_view text);

    int fd_ = -1;
    Fd own_;
    Way way_ = Way::unknown;
    Fd read_, write_;              // the pipe for splice(2)
    std::size_t on_their_way_ = 0; // bytes in it
};

} // namespace mi::os
