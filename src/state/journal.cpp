#include "state/journal.hpp"

#include <atomic>
#include <cstring>

namespace mi::state {

namespace {

constexpr std::uint64_t magic_base = 0x74696e69696e696d; // "miniinit"
constexpr std::uint64_t magic = magic_base + Journal::format;

constexpr std::size_t head = 64;      // bytes before the slots: the magic number
constexpr std::size_t slot_head = 16; // bytes: the sequence number
constexpr std::size_t frame_head = 8; // bytes: length and checksum
constexpr std::size_t longest = 1u << 30;

std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t{7}; }
std::size_t room(std::size_t memory) { return memory < head ? 0 : ((memory - head) / 2) & ~std::size_t{4095}; }

template <typename Number>
Number load(const char* at) {
    Number number;
    std::memcpy(&number, at, sizeof number);
    return number;
}

// Writes a number after all earlier writes. A crash stops this process between two instructions, so only the compiler
// must not move writes across; the processor's order does not matter.
template <typename Number>
void publish(char* at, Number number) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    *reinterpret_cast<volatile Number*>(at) = number;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::uint32_t check_of(std::string_view bytes) {
    std::uint64_t sum = bytes.size() + 1;
    auto mix = [&](std::uint64_t word) {
        sum = (sum ^ word) * 0x9e3779b97f4a7c15;
        sum ^= sum >> 32;
    };
    for (; bytes.size() >= 8; bytes.remove_prefix(8))
        mix(load<std::uint64_t>(bytes.data()));
    std::uint64_t rest = 0;
    std::memcpy(&rest, bytes.data(), bytes.size());
    mix(rest);
    return static_cast<std::uint32_t>(sum);
}

} // namespace

Journal Journal::make(std::span<char> memory, Reserve reserve) {
    Journal journal;
    if (room(memory.size()) == 0 || !reserve(0, head))
        return journal;
    journal.memory_ = memory;
    journal.reserve_ = std::move(reserve);
    // The old content stays valid until our first base is written.
    if (load<std::uint64_t>(memory.data()) == magic) {
        for (std::size_t slot : {0u, 1u}) {
            const char* at = memory.data() + head + slot * room(memory.size());
            if (auto sequence = load<std::uint64_t>(at); sequence > journal.sequence_) {
                journal.sequence_ = sequence;
                journal.slot_ = slot;
            }
        }
    } else if (load<std::uint64_t>(memory.data()) != 0) {
        // Another format: its slots must not count beside ours.
        std::memset(memory.data(), 0, head);
        for (std::size_t slot : {0u, 1u}) {
            const std::size_t at = head + slot * room(memory.size());
            if (!journal.reserve_(at, at + slot_head))
                return {};
            std::memset(memory.data() + at, 0, slot_head);
        }
    }
    return journal;
}

bool Journal::put(std::size_t slot, std::size_t at, std::string_view frame) {
    const std::size_t end = at + frame_head + padded(frame.size());
    const std::size_t start = head + slot * room(memory_.size());
    // Write a length of zero after the frame first: it ends the list of frames.
    if (frame.size() > longest || end + frame_head > room(memory_.size()) ||
        !reserve_(start + at, start + end + frame_head))
        return false;
    char* const to = memory_.data() + start + at;
    std::memcpy(to + frame_head, frame.data(), frame.size());
    publish(memory_.data() + start + end, std::uint32_t{0});
    publish(to + 4, check_of(frame));
    publish(to, static_cast<std::uint32_t>(frame.size()));
    return true;
}

bool Journal::append(std::string_view frame) {
    if (frame.empty() || base_ == 0 || !put(slot_, used_, frame))
        return false;
    used_ += frame_head + padded(frame.size());
    return true;
}

bool Journal::rebase(std::string_view base) {
    if (memory_.empty() || base.empty())
        return false;
    const std::size_t other = 1 - slot_;
    char* const at = memory_.data() + head + other * room(memory_.size());
    const auto start = static_cast<std::size_t>(at - memory_.data());
    if (!reserve_(start, start + slot_head))
        return false;
    publish(at, std::uint64_t{0});
    if (!put(other, slot_head, base))
        return false;
    publish(at, sequence_ + 1);
    publish(memory_.data(), magic);
    ++sequence_;
    slot_ = other;
    base_ = used_ = slot_head + frame_head + padded(base.size());
    return true;
}

unsigned Journal::format_of(std::span<const char> memory) {
    if (memory.size() < head)
        return 0;
    const std::uint64_t version = load<std::uint64_t>(memory.data()) - magic_base;
    return version <= 255 ? static_cast<unsigned>(version) : 0;
}

Journal::Range Journal::idle() const {
    const std::size_t size = room(memory_.size()), from = head + (1 - slot_) * size;
    return base_ == 0 ? Range{} : Range{from + slot_head, from + size};
}

std::vector<std::string_view> Journal::read(std::span<const char> memory) {
    std::vector<std::string_view> frames;
    const std::size_t size = room(memory.size());
    if (size == 0 || load<std::uint64_t>(memory.data()) != magic)
        return frames;
    std::uint64_t newest = 0;
    for (std::size_t slot : {0u, 1u}) {
        const char* const start = memory.data() + head + slot * size;
        const auto sequence = load<std::uint64_t>(start);
        if (sequence <= newest)
            continue;
        std::vector<std::string_view> found;
        for (std::size_t at = slot_head; at + frame_head < size;) {
            const auto length = load<std::uint32_t>(start + at);
            if (length == 0 || length > size - at - frame_head)
                break;
            const std::string_view frame(start + at + frame_head, length);
            if (load<std::uint32_t>(start + at + 4) != check_of(frame))
                break;
            found.push_back(frame);
            at += frame_head + padded(length);
        }
        if (found.empty())
            continue; // the base is incomplete
        newest = sequence;
        frames = std::move(found);
    }
    return frames;
}

} // namespace mi::state
