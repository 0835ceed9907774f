// Many descriptors watched as one, by an epoll(7) set inside the caller's own: its descriptor can be read as long as any
// of them can, or has been closed at its other end. The kernel keeps the answer; nothing here is woken, or costs anything,
// for the single one.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace mi::os {

class AnyReadable {
public:
    [[nodiscard]] static Result<AnyReadable> make();
    // To be given to whoever waits. Level-triggered, and what somebody else has emptied meanwhile does not count.
    [[nodiscard]] int fd() const { return set_.get(); }
    // False where the kernel does not take it (ENOSPC, ENOMEM): it is not watched then. `key`: as ready() names it.
    bool add(int fd, std::uint64_t key = 0);
    // Before `fd` is closed: an open file that others hold, too, stays in the set otherwise, and cannot be named any more.
    void remove(int fd);
    // Appends the keys of some that can be read, or have been closed at their other end; none: there are none.
    void ready(std::vector<std::uint64_t>& keys) const;

private:
    explicit AnyReadable(Fd set) : set_(std::move(set)) {}
    Fd set_;
};

} // namespace mi::os
