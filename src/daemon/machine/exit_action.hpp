// A unit has ended with which everything is to end (effect `conclude`: exit-action, or the action of a restart limit).
#pragma once

#include "daemon/context.hpp"
#include "daemon/machine/shutdown.hpp"
#include "daemon/start/starter.hpp"
#include "daemon/subsystem.hpp"

#include <string>

namespace mi::daemon {

class ExitAction final : public Subsystem {
public:
    ExitAction(Context& context, Shutdown& shutdown, const Starter& starter, const std::string& entry)
        : context_(context), shutdown_(shutdown), starter_(starter), entry_(entry) {}

    void perform(const core::Effect& effect) override {
        context_.say(Priority::info, context_.name(effect.unit) + " has ended, and with it everything is to end");
        shutdown_.begin(effect.ending, exit_code(effect.unit));
    }

private:
    // As a shell has it: 128 and the number of the signal.
    [[nodiscard]] int exit_code(core::UnitId unit) const {
        const core::Record& record = context_.record(unit);
        switch (record.last_exit.kind) {
        case core::ExitStatus::Kind::signal: return 128 + record.last_exit.number;
        case core::ExitStatus::Kind::code: return record.last_exit.number;
        case core::ExitStatus::Kind::none: break;
        }
        if (context_.name(unit) == entry_)
            return starter_.entry_failure();
        return record.phase == core::Phase::failed ? 1 : 0;
    }

    Context& context_;
    Shutdown& shutdown_;
    const Starter& starter_;
    const std::string& entry_;
};

} // namespace mi::daemon
