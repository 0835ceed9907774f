// Finds out whether the conditions of a unit hold (effect `check_conditions`).
#pragma once

#include "daemon/context.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/units/conditions.hpp"

#include <set>

namespace mi::daemon {

class ConditionCheck final : public Subsystem {
public:
    ConditionCheck(Context& context, PathInquiries& inquiries, Circumstances circumstances)
        : context_(context), inquiries_(inquiries), circumstances_(std::move(circumstances)) {}

    void perform(const core::Effect& effect) override { check(effect.unit); }
    [[nodiscard]] const Circumstances& circumstances() const { return circumstances_; }

private:
    void check(core::UnitId unit);
    void tell_of_program(core::UnitId unit, const std::string& program);
    void answered(core::UnitId unit, std::uint64_t digest, const PathInquiries::Answer& answers);

    Context& context_;
    PathInquiries& inquiries_;
    Circumstances circumstances_;
    std::set<core::UnitId> told_; // of whose program the console knows
};

} // namespace mi::daemon
