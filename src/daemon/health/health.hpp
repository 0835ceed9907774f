// The health of units, as far as it is not the engine's (core/health.cpp decides when a unit is probed, and what follows): a probe
// is ended with all that it has forked, its last words are kept for it, and who watches hears of a change. It is started as other
// processes of its unit are (start/starter.hpp).
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/subsystem.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

class Health final : public Subsystem {
public:
    Health(Context& context, Processes& processes) : context_(context), processes_(processes) {}

    // It has become healthy, or unhealthy.
    void perform(const core::Effect& effect) override;
    // Ends the probe of the unit that runs, if one does.
    void end_probe(core::UnitId unit);
    // It has ended. What it wrote to the `stream` may still be on its way: that is waited for, for a moment.
    void probe_ended(core::UnitId unit, pid_t pid, const core::ExitStatus& exit, StreamId stream);
    // The log collector has told of a line: the one that its log-line waits for, or the last one of a probe.
    void said(const std::string& unit, bool of_probe, const std::string& text);
    void unit_gone(core::UnitId unit) override;
    [[nodiscard]] Instant next_deadline() const override;
    void due(Instant now) override;

private:
    // A probe that failed, and whose last line is yet to come.
    struct Ended {
        core::UnitId unit;
        pid_t pid;
        core::ExitStatus exit;
        Instant until;
    };
    // Its line, where that came before its end.
    struct Line {
        core::UnitId unit;
        std::string text;
    };
    void line_came(core::UnitId unit, const std::string& name);
    void tell(const Ended& ended, const std::string& line);

    Context& context_;
    Processes& processes_;
    std::vector<Ended> ended_; // in the order of their ends
    std::vector<Line> lines_;
};

} // namespace mi::daemon
