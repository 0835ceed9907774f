// Making a child that borrows our memory, on a stack of its own. Private to this room's spawn.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "os/child.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace mi::os {

// The stack of a child in our memory, with a guard below. Its lowest word is cleared by the kernel when the child has
// left our memory.
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
    // Leaves it to a child that the kernel will not let go of.
    void abandon() { base_ = nullptr; }

private:
    char* base_ = nullptr;
};

// A child on `stack`, in our memory: its pid, or -1 and errno. With `share_descriptors` it starts on our descriptor
// table. With `cgroup` (or -1) it is born there.
long clone_borrowing(const Stack& stack, ChildOrders& orders, bool share_descriptors, int cgroup);

// A child with a copy of our memory, likewise.
long clone_copying(ChildOrders& orders, int cgroup);

// True once the child has left our memory, by exec or exit. False: it has not within `patience`, and was killed; it
// never runs our code again, but the kernel will yet write to its stack's lowest word.
bool wait_until_gone(const Stack& stack, pid_t child, Span patience);

} // namespace mi::os
