// The output of a process is in its log before any client hears of its end. What is answered after an exit waits behind a barrier,
// which is lifted when the collector says that it has written everything, or after a second.
#pragma once

#include "daemon/context.hpp"
#include "daemon/control/control.hpp"
#include "daemon/subsystem.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace mi::daemon {

class OutputFlush final : public Subsystem {
public:
    explicit OutputFlush(Context& context) : context_(context) {}
    // From now on there are clients.
    void serve(ControlServer* control) { control_ = control; }

    // A process has ended, and what it wrote last may still be in this pipe. 0: it had none.
    void add(StreamId stream);
    // What is answered from here on may follow from an exit whose output is not in the log yet.
    void take_barrier();
    // The end of a turn: asks the collector for what was added.
    void flush();
    // The collector has written what it was asked for.
    void flushed(std::uint64_t token);
    // There is no collector that could say so.
    void give_up();

    [[nodiscard]] Instant next_deadline() const override { return held_.empty() ? never : held_.front().until; }
    void due(Instant now) override;

private:
    struct Held {
        ControlServer::Barrier barrier;
        Instant until;
    };
    void release_first();

    Context& context_;
    ControlServer* control_ = nullptr;
    std::vector<StreamId> streams_;
    std::optional<ControlServer::Barrier> barrier_; // taken in this turn
    std::deque<Held> held_;
};

} // namespace mi::daemon
