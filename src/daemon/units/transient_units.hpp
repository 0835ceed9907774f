// Units that exist only as long as they run: made by a call, kept in a file of the run directory (so that everything that reads
// units finds them too), gone when they have come to rest. One that failed stays until somebody has seen to it.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/units/unit_files.hpp"

#include <expected>
#include <string>
#include <vector>

namespace mi::daemon {

class TransientUnits final : public Subsystem {
public:
    TransientUnits(Context& context, UnitFiles& files) : context_(context), files_(files) {}

    // A unit of `text`; the words say why there is none.
    [[nodiscard]] std::expected<core::UnitId, std::string> make(const std::string& name, const std::string& text);
    [[nodiscard]] bool is_transient(const core::Unit& unit) const;
    // The end of a turn, when those that wait for a unit's end have been answered: units that have come to it go. True: the engine
    // was told something.
    bool forget_ended();
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

private:
    [[nodiscard]] std::string file_of(const std::string& name) const;
    [[nodiscard]] std::string why_name_is_taken(const std::string& name) const;

    Context& context_;
    UnitFiles& files_;
    std::vector<core::UnitId> ended_; // in this turn, perhaps
};

} // namespace mi::daemon
