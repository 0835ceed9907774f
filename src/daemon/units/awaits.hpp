// Looks whether what `[await]` of units names is there, and tells the engine, which decides what follows (core/await.cpp). Nothing is
// open, and nothing wakes us, while no unit waits for anything.
#pragma once

#include "daemon/context.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/subsystem.hpp"
#include "os/machine/presence.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mi::daemon {

class Awaits final : public Subsystem {
public:
    Awaits(Context& context, PathInquiries& inquiries) : context_(context), inquiries_(inquiries) {}

    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void unit_gone(core::UnitId unit) override { units_.erase(unit); }
    void units_reread() override;
    void restore_unit(core::UnitId unit, state::UnitImage&) override { take(unit); }
    [[nodiscard]] Instant next_deadline() const override { return look_at_; }
    void due(Instant now) override;

private:
    void take(core::UnitId unit);
    void look();
    void look_at(core::UnitId unit);
    void answered(core::UnitId unit, std::vector<std::optional<std::string>> faults,
                  const PathInquiries::Answer& answers);
    void tell(core::UnitId unit, const std::string& missing);
    void changed();

    Context& context_;
    PathInquiries& inquiries_;
    std::set<core::UnitId> units_; // that wait for something, or are up only as long as it is there
    Instant look_at_ = never;      // also when to close what is not needed any more
    std::unique_ptr<os::Presence> presence_;
    std::unique_ptr<loop::Watch> watch_;
    std::vector<std::string> said_; // of what is not told of, the last time
};

} // namespace mi::daemon
