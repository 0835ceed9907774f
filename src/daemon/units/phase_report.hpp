// What a change of phase leaves behind: times for the boot chart, and lines in the log for people.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"

#include <string>

namespace mi::daemon {

class PhaseReport final : public Subsystem {
public:
    // `entry`: the name of the unit that is a container's main process, or empty.
    PhaseReport(Context& context, const std::string& entry) : context_(context), entry_(entry) {}
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override;

private:
    void note_times(core::UnitId unit, core::Phase from, core::Phase to);
    void write_lines(core::UnitId unit, core::Phase to);

    Context& context_;
    const std::string& entry_;
};

} // namespace mi::daemon
