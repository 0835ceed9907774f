// Making a child that borrows our memory, on a stack of its own. Private to this room's spawn.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

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

private:
    char* base_ = nullptr;
};

// What a child does first; it does not return.
struct Errand {
    void (*enter)(void*);
    void* with;
};

// A child on `stack`, in our memory: its pid, or -1 and errno. With `share_descriptors` it starts on our descriptor
// table. With `cgroup` (or -1) it is born there.
long clone_borrowing(const Stack& stack, Errand errand, bool share_descriptors, int cgroup);

// Whether the child has left our memory, by exec or exit.
[[nodiscard]] bool is_gone(const Stack& stack);
// The same, once it has, or `patience` is over.
bool wait_until_gone(const Stack& stack, Span patience);

} // namespace mi::os
