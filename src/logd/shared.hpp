// The shared memory of the estate: what the next collector has to know if this one is killed at any instruction.
// Only the layout and how to map it; who writes what, and why that is enough, is told in courier.hpp.
//
// PID 1 holds the memfd and never looks inside. Pages cost nothing until they are touched, so the rooms are generous; but to
// the kernel all up to the last one counts as a file (RLIMIT_FSIZE) and as address space (RLIMIT_AS), so the largest part, which
// is hardly ever used, comes last, and the file grows into it.
// There is no machine crash to think of (the memfd is gone then), only a process that stops between two instructions:
// stores are seen by the successor in program order, so keeping the compiler from reordering them is all that
// `publish` has to do.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/result.hpp"
#include "logd/run.hpp"
#include "wire/log_format.hpp"
#include "wire/log_numbers.hpp"

namespace mi::logd {

using wire::logs::Limits;
using wire::logs::Priority;
using wire::logs::Source;
using wire::logs::StreamId;

inline constexpr std::size_t input_room = 64 * 1024;                // moved out of a service's pipe at once
inline constexpr std::size_t carry_room = wire::logs::longest_text; // of an unfinished line
inline constexpr std::size_t most_slots = 2048;                     // streams with an unfinished line at the same time
inline constexpr std::size_t ring_room = 4 * 1024 * 1024;           // lines held before any directory is writable
inline constexpr std::int32_t over_rate = -1;                       // in place of an errno
inline constexpr std::size_t most_matches = 256;
inline constexpr std::size_t overlap = 1024;    // of the pieces of a long line, for who looks for something in it
inline constexpr std::size_t most_losses = 512; // units with losses not yet told in their logs

inline constexpr std::size_t most_datagrams = 32;       // received at once
inline constexpr std::size_t datagram_room = 64 * 1024; // of one; what is longer is cut

// What is being done right now; each value names what is left to do. See courier.hpp.
enum class Step : std::uint32_t { idle, moving, reading, writing, storing, draining, copying };

} // namespace mi::logd

// A batch in an unknown step cannot be finished: the memory is then of no use (Mapping::open).
template <>
struct mi::wire::Numbers<mi::logd::Step> {
    using enum mi::logd::Step;
    static constexpr std::string_view name = "step";
    static constexpr Numbered<mi::logd::Step> rows[] = {{idle, 0},    {moving, 1},   {reading, 2}, {writing, 3},
                                                        {storing, 4}, {draining, 5}, {copying, 6}};
};

namespace mi::logd {

// Where a line that is being written out in pieces stands: 0 at the beginning of a line, else 1 + its priority.
using Continuing = std::uint32_t;

// How far a batch is: so much of its text is in a file for good, and this is where that leaves its line.
struct Progress {
    std::uint32_t from;
    Continuing continuing;
};

// What is in flight. At most one thing ever is.
struct Record {
    std::uint32_t step;     // the number of a Step
    std::uint32_t attempts; // how often a successor has begun to finish this

    // The batch: `head` bytes of unfinished line, then `moved` bytes from the pipe, make the text.
    StreamId stream;
    std::uint32_t source; // the number of a Source
    std::uint32_t slot;   // 1 + index of the stream's slot, 0: none
    std::uint32_t head;
    std::uint32_t moved;
    std::uint32_t take_tail; // write what is left after the last line end, too
    std::uint64_t progress;  // a Progress, as one number because it changes at once
    std::uint64_t done_to;   // of a source that is no pipe: how far it is done with once this is written

    // The write: `size` bytes go to `offset` of that file; then the progress is `progress_after`.
    std::uint32_t pending; // the fields below are valid
    std::uint64_t progress_after;
    std::uint32_t told; // 1 + index of the Loss which that write tells about, 0: none
    std::uint64_t device, inode, offset, size;
    std::uint64_t tail_after; // draining: the ring's tail once written

    std::uint32_t unit_size; // of the stream's unit
    char unit[wire::logs::longest_unit];
    std::uint32_t target_size; // of the unit whose file it is; 0: the same
    char target[wire::logs::longest_unit];
    std::uint32_t file_size; // copying: name of the file that is being moved
    char file[64];
};

// An unfinished line of a stream, until the rest of it comes. A short one (a prompt) is in the slot itself, a longer
// one in the slot's place in Shared::carry, whose pages are only touched for that.
struct Slot {
    StreamId stream; // 0: free
    std::uint32_t size;
    Continuing continuing;
    std::uint32_t before; // 0, or `overlap`: so much of what of the line is written already is in the slot's place, too
    char bytes[240];
};

// Lines of a unit that could not be kept, and that its log does not tell yet.
struct Loss {
    std::uint64_t lines; // 0: the row is free
    std::int32_t code;   // the last errno; 0: memory was full; over_rate: more than its rate-limit
    std::uint32_t unit_size;
    char unit[wire::logs::longest_unit];
};

// The memory that holds lines before a directory is writable: a ring of entries between `tail` and `head`, which only
// grow.
struct Ring {
    std::uint64_t head, tail;
    alignas(4096) char bytes[ring_room];
};

// Datagrams being received, and how far they are done with: post.hpp's. The kernel writes here directly, so what it has
// taken out of the socket is here, with its length, whenever we are stopped.
struct Mailbag {
    std::uint32_t open; // there may be some
    std::uint64_t done; // so many are written, and so many bytes of the next one: see post.cpp
    mmsghdr heads[most_datagrams];
    iovec rooms[most_datagrams];
    alignas(cmsghdr) char notes[most_datagrams]
                               [CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
    alignas(4096) char bytes[most_datagrams][datagram_room];
};

struct Shared {
    std::uint64_t magic;
    std::uint64_t layout_size;
    std::int64_t clock_offset;           // CLOCK_REALTIME - CLOCK_BOOTTIME as last seen, microseconds; 0: never looked
    std::uint64_t log_device, log_inode; // of the log directory in use; 0: memory
    std::uint64_t kernel_next;           // number of the first message of the kernel that is not in files
    std::uint32_t slots_used;            // slots beyond were never used
    std::uint32_t losses_used;           // so were these rows
    // Streams of which a line has matched what was expected of them, the last ones. PID 1 may not have heard of it.
    std::uint32_t matches;
    StreamId matched[most_matches];
    std::uint64_t shown[2]; // lines that wait for the output of a container, or are lost to it with a collector
    Record record;
    alignas(4096) Slot slots[most_slots];
    alignas(4096) Loss losses[most_losses];
    alignas(4096) char input[carry_room + input_room]; // the unfinished line right-aligned in the first part
    alignas(4096) Ring ring;
    alignas(4096) Mailbag mail;
    // The end of what of a line is written, then the rest. As far as the memory has grown: see Mapping::reserve.
    alignas(4096) char carry[most_slots][overlap + carry_room];
};

// Stores `value` so that a reader who sees it sees everything stored before, and nothing stored after is seen without it.
template <typename Field, typename Value>
void publish(Field& field, Value value) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if constexpr (std::is_enum_v<Value>)
        *const_cast<volatile Field*>(&field) = wire::number_of(value);
    else
        *const_cast<volatile Field*>(&field) = static_cast<Field>(value);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The memory of an estate, mapped as long as this lives.
class Mapping {
public:
    // Maps and checks `memory`, which stays the caller's; a fresh one is initialised. A Fault where it is not an estate of this program or
    // holds values that no collector writes: a new estate is needed then.
    static Result<Mapping> open(int memory);
    Mapping(Mapping&& other) noexcept
        : memory_(other.memory_), shared_(std::exchange(other.shared_, nullptr)), mapped_(other.mapped_),
          reserved_(other.reserved_) {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(shared_, other.shared_);
        std::swap(mapped_, other.mapped_);
        std::swap(reserved_, other.reserved_);
        return *this;
    }
    ~Mapping();
    [[nodiscard]] Shared& operator*() const { return *shared_; }
    // Sees to it that the first `count` rooms of Shared::carry can be used. False: a limit does not let them.
    [[nodiscard]] bool reserve(std::uint32_t count);

private:
    Mapping(int memory, Shared* shared, std::uint32_t mapped, std::uint32_t reserved)
        : memory_(memory), shared_(shared), mapped_(mapped), reserved_(reserved) {}

    int memory_;
    Shared* shared_;
    std::uint32_t mapped_, reserved_; // rooms of Shared::carry: that there are addresses for, that are in the file
};

} // namespace mi::logd
