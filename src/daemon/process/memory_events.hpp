// Kills for want of memory that no exit of a process that we know tells of: the kernel has killed some other process of a unit.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/subsystem.hpp"

#include <memory>

namespace mi::daemon {

class MemoryEvents final : public Subsystem {
public:
    MemoryEvents(Context& context, Resources& resources) : context_(context), resources_(resources) {}

    // Listens from now on, if it does not yet and there is something to listen to: that begins with the first cgroup.
    void listen();

    [[nodiscard]] Instant next_deadline() const override { return look_again_; }
    void due(Instant now) override;

private:
    void look(bool waited);

    Context& context_;
    Resources& resources_;
    std::unique_ptr<loop::Watch> watch_;
    Instant look_again_ = never; // what happens until then is seen then
};

} // namespace mi::daemon
