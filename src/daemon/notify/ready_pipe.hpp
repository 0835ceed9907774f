// Readiness by a pipe (notify-fd): a service writes a line to the descriptor that it was given when it is ready, as under s6.
#pragma once

#include "daemon/context.hpp"
#include "daemon/start/pending_starts.hpp"
#include "daemon/subsystem.hpp"

namespace mi::daemon {

class ReadyPipe final : public Subsystem {
public:
    ReadyPipe(Context& context, PendingStarts& pending_starts) : context_(context), pending_starts_(pending_starts) {}

    // `pipe`: the read end of the pipe of the run that begins.
    void listen(core::UnitId unit, Fd pipe);
    // The unit is about to be judged: what is in the pipe counts, however long it is.
    void read_all(core::UnitId unit) { read(unit, whole_pipe); }
    // The run is over.
    void close(core::UnitId unit);
    void catch_up(core::UnitId unit) override { read_all(unit); }
    void run_ended(core::UnitId unit) override { close(unit); }
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override {
        if (image.ready >= 0)
            listen(unit, Fd(image.ready));
    }
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

private:
    static constexpr int whole_pipe = 32; // reads
    void read(core::UnitId unit, int most_reads);

    Context& context_;
    PendingStarts& pending_starts_;
};

} // namespace mi::daemon
