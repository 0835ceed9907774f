// Memory into which executors write the step that they are about to do, so that the report about a start that hangs can
// name the step. Each executor has a slot of four bytes.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/spawn/orders.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace mi::os {

// The slot of one executor; the destructor returns it. If all slots are taken, the offset is that of a slot that is
// never read.
class ProgressSlot {
public:
    ProgressSlot() = default;
    ProgressSlot(ProgressSlot&& other) noexcept { *this = std::move(other); }
    ProgressSlot& operator=(ProgressSlot&& other) noexcept;
    ~ProgressSlot();
    [[nodiscard]] std::uint32_t offset() const { return number_ * 4; }
    // The content may be any bytes: the executor's user may have written it.
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
