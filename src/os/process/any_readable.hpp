// Watches many descriptors as one, by an epoll(7) set inside the caller's own: its descriptor is readable as long as
// any of them is readable or closed at its other end. The kernel keeps track of this, so a single event costs this
// process nothing.
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
    // For the caller's own poll. Level-triggered: a descriptor that another process has drained meanwhile is not
    // reported.
    [[nodiscard]] int fd() const { return set_.get(); }
    // False if the kernel refuses (ENOSPC, ENOMEM): then `fd` is not watched. ready() returns `key`.
    bool add(int fd, std::uint64_t key = 0);
    // Call this before closing `fd`: otherwise an open file that other processes also hold stays in the set, and cannot
    // be removed any more.
    void remove(int fd);
    // Appends the keys of some descriptors that are readable, or closed at their other end; appends none if there are
    // none.
    void ready(std::vector<std::uint64_t>& keys) const;

private:
    explicit AnyReadable(Fd set) : set_(std::move(set)) {}
    Fd set_;
};

} // namespace mi::os
