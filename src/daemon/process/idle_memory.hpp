// Gives back what PID 1 needs only while something happens, a second after that.
#pragma once

#include "base/quiet_moment.hpp"
#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"

#include <utility>

namespace mi::daemon {

class IdleMemory final : public Subsystem {
public:
    explicit IdleMemory(Context& context) : context_(context) {}

    [[nodiscard]] Instant next_deadline() const override { return quiet_.next_deadline(); }
    void due(Instant now) override {
        is_ours_ = quiet_.has_come(now);
        if (is_ours_)
            context_.kernel.give_back_idle_memory();
    }
    // Every turn uses memory, but the one that gives it back is no reason for another.
    void turn_ends() override {
        if (!std::exchange(is_ours_, false))
            quiet_.busy(context_.now);
    }

private:
    Context& context_;
    QuietMoment quiet_;
    bool is_ours_ = false; // this turn
};

} // namespace mi::daemon
