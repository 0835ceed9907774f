// The memory in which the state outlives a crash or a re-exec, as bytes: two slots, each a base and then the changes since,
// frame by frame. A frame counts once its length is written, which comes last; a base once its slot's sequence number is.
// So whatever a write was cut off by, the state of before it is there. What is in the frames is snapshot.hpp's.
//
// The memory is written by one process at a time, and read again by itself or by its next program: there is no machine crash
// to think of, only a process that stops between two instructions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace mi::state {

class Journal {
public:
    // Sees to it that those bytes of the memory can be written; false where there is not that much.
    using Reserve = std::function<bool(std::size_t from, std::size_t to)>;

    // Changed only when frames stop being readable by the rules of wire/codec.hpp and snapshot.hpp. 1 was miniinit 0.1.0,
    // whose enumerators had no numbers of their own: it is not read any more.
    static constexpr unsigned format = 2;
    // The format of what is in `memory`; 0: no journal.
    [[nodiscard]] static unsigned format_of(std::span<const char> memory);

    // Nothing in it yet.
    Journal() = default;
    // `memory` as an empty journal, or as what was left in it.
    static Journal make(std::span<char> memory, Reserve reserve);
    // Nothing where it is no journal, or of a format that is not understood.
    static std::vector<std::string_view> read(std::span<const char> memory);

    // Appends a frame of changes. False: there is no room (or no memory); then only a new base helps.
    bool append(std::string_view frame);
    // Begins anew with `base`, in the other slot. False: there is no room; then the old state is what is left.
    bool rebase(std::string_view base);
    // Whether the changes have come to take so much more than the base that it is time for a new one. Each costs the whole
    // state: four times the base between them makes it a small part of what the changes cost, until that is much memory.
    [[nodiscard]] bool is_long() const {
        return used_ - base_ > std::max(base_, std::clamp(4 * base_, shortest, much));
    }
    // The part of the memory that holds nothing until the next base is written.
    struct Range {
        std::size_t from = 0, to = 0;
    };
    [[nodiscard]] Range idle() const;

private:
    static constexpr std::size_t shortest = 16 << 10, much = 512 << 10;

    [[nodiscard]] bool put(std::size_t slot, std::size_t at, std::string_view frame);

    std::span<char> memory_;
    Reserve reserve_;
    std::size_t slot_ = 1;            // the one in use
    std::uint64_t sequence_ = 0;      // of that slot; 0: no slot is in use yet
    std::size_t base_ = 0, used_ = 0; // bytes of the slot: up to the end of the base, and of all
};

} // namespace mi::state
