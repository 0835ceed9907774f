// The timers of units as a subsystem: armed and disarmed by effects (`arm`, `disarm`), and a unit whose time has come is triggered.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/timer/timers.hpp"
#include "os/process/children.hpp"

namespace mi::daemon {

class UnitTimers final : public Subsystem, private Timers::Listener {
public:
    explicit UnitTimers(Context& context)
        : context_(context), timers_(context.kernel, *this, timer_settings(context.kernel, context.place)) {}

    [[nodiscard]] Timers& timers() { return timers_; }
    [[nodiscard]] const Timers& timers() const { return timers_; }
    // The main process of the unit was made, by the timer or by a request.
    void began(core::UnitId unit) {
        if (context_.unit(unit).timer)
            timers_.began(unit);
    }

    void perform(const core::Effect& effect) override {
        if (effect.kind == core::Effect::Kind::arm)
            timers_.arm(effect.unit, context_.unit(effect.unit));
        else
            timers_.disarm(effect.unit);
    }
    void exited(const os::Exit& exit) override {
        (void)timers_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code);
    }
    // Something was mounted or made writable: what was written down may be there only now.
    void unit_changed(core::UnitId unit, core::Phase, core::Phase to) override {
        if ((to == core::Phase::up || to == core::Phase::done) &&
            context_.unit(unit).service.type == core::ServiceType::oneshot)
            timers_.storage_changed();
    }
    void save_unit(core::UnitId unit, state::UnitImage& image) const override {
        if (state::TimerImage timer; context_.unit(unit).timer && timers_.tell(unit, context_.name(unit), timer))
            image.timer = std::move(timer);
    }
    void restore_unit(core::UnitId unit, state::UnitImage& image) override {
        if (image.timer)
            timers_.go_on(unit, context_.unit(unit), *image.timer);
    }
    void unit_gone(core::UnitId unit) override { timers_.forget(unit); }
    void units_reread() override { timers_.reread(context_.graph()); }

private:
    void time_has_come(core::UnitId unit) override {
        context_.now = context_.kernel.now();
        context_.apply({.kind = core::Event::Kind::trigger, .unit = unit});
    }
    void timer_trouble(const std::string& text) override { context_.say(Priority::warning, text); }
    void child_made(pid_t child) override { context_.children.expect(child, *this); }

    Context& context_;
    Timers timers_;
};

} // namespace mi::daemon
