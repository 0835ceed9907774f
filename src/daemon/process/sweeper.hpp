// Waits for the end of what units have left behind (effect `sweep`), and tells the engine. How it is found and ended is processes.hpp's.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/subsystem.hpp"

namespace mi::daemon {

class Sweeper final : public Subsystem {
public:
    Sweeper(Context& context, Processes& processes) : context_(context), processes_(processes) {}

    // Looks at the units that are being swept, if something has ended since the last look. True: the engine was told something.
    bool look();
    void children_ended() override { processes_.note_end(); }
    [[nodiscard]] Instant next_deadline() const override { return again_; }
    void due(Instant) override { processes_.note_end(); }

private:
    Context& context_;
    Processes& processes_;
    Instant not_before_{};
    Instant again_ = never;
};

} // namespace mi::daemon
