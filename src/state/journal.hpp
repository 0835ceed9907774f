// The memory in which the saved state survives a crash or a re-exec, as bytes: two slots, each with a base and then the
// changes since, as frames. A frame counts once its length is written, which is done last; a base counts once the
// sequence number of its slot is written. So if a write is interrupted at any point, the state before it is still
// there. snapshot.hpp defines the content of the frames.
//
// One process at a time writes the memory, and reads it again itself or through its next program image. A crash of the
// machine need not be considered, only a process that stops between two instructions.
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
    // Makes sure that these bytes of the memory can be written; false if there is not so much memory.
    using Reserve = std::function<bool(std::size_t from, std::size_t to)>;

    // The version of the format. It changes only when frames become unreadable by the rules of wire/codec.hpp and
    // snapshot.hpp. Format 1 is that of miniinit 0.1.0, which saved enumerators without explicit numbers: it is not
    // read any more.
    static constexpr unsigned format = 2;
    // The format of the journal in `memory`; 0: there is none.
    [[nodiscard]] static unsigned format_of(std::span<const char> memory);

    // An empty journal.
    Journal() = default;
    // Uses `memory` as a journal, empty or with its present content.
    static Journal make(std::span<char> memory, Reserve reserve);
    // The frames of the newest valid slot; empty if `memory` is no journal, or has an unknown format.
    static std::vector<std::string_view> read(std::span<const char> memory);

    // Appends a frame of changes. False: there is no room or no memory; then only a new base helps.
    bool append(std::string_view frame);
    // Writes `base` into the other slot, and starts from there. False: there is no room; then the old state stays.
    bool rebase(std::string_view base);
    // True if the changes have become so long that a new base is worth writing. A base costs as much as the whole
    // state: writing one after changes of four times its size keeps that cost small; beyond `much` bytes of changes,
    // memory matters more.
    [[nodiscard]] bool is_long() const {
        return used_ - base_ > std::max(base_, std::clamp(4 * base_, shortest, much));
    }
    // The part of the memory that is unused until the next base is written.
    struct Range {
        std::size_t from = 0, to = 0;
    };
    [[nodiscard]] Range idle() const;

private:
    static constexpr std::size_t shortest = 16 << 10, much = 512 << 10;

    [[nodiscard]] bool put(std::size_t slot, std::size_t at, std::string_view frame);

    std::span<char> memory_;
    Reserve reserve_;
    std::size_t slot_ = 1;            // the slot in use
    std::uint64_t sequence_ = 0;      // of slot_; 0: no slot is in use yet
    std::size_t base_ = 0, used_ = 0; // in bytes from the start of the slot: end of the base, and end of all frames
};

} // namespace mi::state
