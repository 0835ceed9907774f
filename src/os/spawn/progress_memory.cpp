#include "os/spawn/progress_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mi::os {

namespace {
constexpr std::size_t size = 4096;
constexpr std::uint32_t slots = size / 4;
} // namespace

struct ProgressSlot::Table {
    void* memory = nullptr;
    std::vector<std::uint32_t> free;
    ~Table() {
        if (memory != nullptr)
            ::munmap(memory, size);
    }
};

ProgressSlot& ProgressSlot::operator=(ProgressSlot&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(number_, other.number_);
    return *this;
}

ProgressSlot::~ProgressSlot() {
    if (table_ && number_ != 0)
        table_->free.push_back(number_); // the memory was reserved for all slots: allocates nothing
}

Report ProgressSlot::read() const {
    Report report;
    if (table_ && number_ != 0) {
        const volatile auto* at = static_cast<const std::uint16_t*>(table_->memory) + number_ * 2;
        report.step = at[0];
        report.item = at[1];
    }
    return report;
}

Result<ProgressMemory> ProgressMemory::make() {
    ProgressMemory memory;
    memory.fd_ = Fd(::memfd_create("miniinit-progress", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory.fd_ || ::ftruncate(memory.fd_.get(), size) != 0)
        return fault(errno, "make memory for progress");
    // A process that has the descriptor must not be able to shrink the memory that we have mapped.
    if (::fcntl(memory.fd_.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
        return fault(errno, "seal memory for progress");
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memory.fd_.get(), 0);
    if (mapped == MAP_FAILED)
        return fault(errno, "map memory for progress");
    memory.table_ = std::make_shared<ProgressSlot::Table>();
    memory.table_->memory = mapped;
    memory.table_->free.reserve(slots);
    for (std::uint32_t number = slots - 1; number > 0; --number) // slot 0 is for starts without a slot
        memory.table_->free.push_back(number);
    return memory;
}

ProgressSlot ProgressMemory::take() {
    ProgressSlot slot;
    if (table_->free.empty())
        return slot;
    slot.table_ = table_;
    slot.number_ = table_->free.back();
    table_->free.pop_back();
    return slot;
}

} // namespace mi::os
