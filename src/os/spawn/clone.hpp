// Makes a child that shares our memory, on a stack of its own. Private to this folder.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace mi::os {

// The stack of such a child, with a guard below. The kernel clears its lowest word when the child has left our memory
// (CLONE_CHILD_CLEARTID).
class Stack {
public:
    Stack() = default;
    static Result<Stack> make();
    Stack(Stack&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}
    Stack& operator=(Stack&& other) noexcept {
        std::swap(base_, other.base_);
        return *this;
    }
    ~Stack();

    [[nodiscard]] char* bottom() const;
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::uint32_t* occupied() const { return reinterpret_cast<std::uint32_t*>(bottom()); }

private:
    char* base_ = nullptr;
};

// The function that a child calls first; it does not return.
struct Errand {
    void (*enter)(void*);
    void* with;
};

// Makes a child on `stack` in our memory; returns its pid, or -1 and errno. With `share_descriptors` it shares our
// descriptor table. With `cgroup` (else -1) it starts in that cgroup.
long clone_borrowing(const Stack& stack, Errand errand, bool share_descriptors, int cgroup);

// Whether the child has left our memory, by exec or exit.
[[nodiscard]] bool is_gone(const Stack& stack);
// Waits until the child has left our memory, at most for `patience`; returns is_gone().
bool wait_until_gone(const Stack& stack, Span patience);

} // namespace mi::os
