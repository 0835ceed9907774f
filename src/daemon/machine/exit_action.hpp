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
        // A command that could not be started has the exit codes that shells give that.
        const core::Record& record = context_.record(effect.unit);
        const bool not_started = context_.name(effect.unit) == entry_ && (record.reason == core::Reason::spawn_failed ||
                                                                          record.reason == core::Reason::start_timeout);
        shutdown_.begin(effect.ending, not_started ? starter_.entry_failure() : effect.number);
    }

private:
    Context& context_;
    Shutdown& shutdown_;
    const Starter& starter_;
    const std::string& entry_;
};

} // namespace mi::daemon
