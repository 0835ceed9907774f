// Memory that executors write the step to that they are about to do, so that a start which hangs can be told with the step
// that it hangs in. Each has a slot of four bytes.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/spawn/orders.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace mi::os {

// One executor's place; returned when it is destroyed. Without one (all are taken) the offset is that of a slot nobody reads.
class ProgressSlot {
public:
    ProgressSlot() = default;
    ProgressSlot(ProgressSlot&& other) noexcept { *this = std::move(other); }
    ProgressSlot& operator=(ProgressSlot&& other) noexcept;
    ~ProgressSlot();
    [[nodiscard]] std::uint32_t offset() const { return number_ * 4; }
    // Its content may be anything.
    [[nodiscard]] Report read() const;

private:
    friend class ProgressMemory;
    struct Table;
    std::shared_ptr<Table> table_;
    std::uint32_t number_ = 0;
};

class ProgressMemory {
public:
    static Result<ProgressMemory> make();
    // The descriptor that executors write to. The memory stays mapped.
    [[nodiscard]] Fd take_fd() { return std::move(fd_); }
    [[nodiscard]] ProgressSlot take();

private:
    Fd fd_;
    std::shared_ptr<ProgressSlot::Table> table_;
};

} // namespace mi::os
