// Turns a plan into the orders for its child: one block without pointers.
#pragma once

#include "os/spawn/orders.hpp"
#include "os/spawn/plan.hpp"

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::os {

// Reused for every start, so that a start allocates nothing once the memory is large enough.
class OrdersBuilder {
public:
    // Writes the content of `plan`. The caller adds descriptors: see orders() and add().
    void begin(const Plan& plan);
    [[nodiscard]] Orders& orders() { return *reinterpret_cast<Orders*>(block_.data()); }

    // Each adds an array to the block; after that, orders() may have moved.
    template <typename T>
    Array<T> add(const T* first, std::size_t count) {
        const Array<T> array{reserve(sizeof(T) * count, alignof(T)), static_cast<std::uint32_t>(count)};
        if (count != 0)
            std::memcpy(block_.data() + array.at, first, sizeof(T) * count);
        return array;
    }
    template <typename T>
    Array<T> add(const std::vector<T>& all) {
        return add(all.data(), all.size());
    }
    // Completes the block: stores its size.
    void finish() { orders().size = static_cast<std::uint32_t>(block_.size()); }
    [[nodiscard]] std::string_view bytes() const { return {block_.data(), block_.size()}; }

private:
    [[nodiscard]] std::uint32_t reserve(std::size_t bytes, std::size_t alignment);
    [[nodiscard]] Text text(std::string_view words);
    void add_files(const Plan& plan);
    void add_secrets(const Plan& plan);
    void add_confinement(const Plan& plan);
    void add_identity(const Plan& plan);

    std::vector<char> block_;
    std::vector<std::uint32_t> numbers_;
};

// Whether the plan must not be performed in PID 1's memory: see spawn.cpp.
[[nodiscard]] bool needs_executor(const Plan& plan);

} // namespace mi::os
