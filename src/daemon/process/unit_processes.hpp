// The processes of units: what the engine wants done to them (effects `signal` and `sweep`), what people do to them by hand, and what
// follows when one has ended. Which process is whose is processes.hpp's.
#pragma once

#include "daemon/context.hpp"
#include "daemon/health/health.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/notify/ready_pipe.hpp"
#include "daemon/notify/sd_notify.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/start/starter.hpp"
#include "daemon/subsystem.hpp"

#include <optional>
#include <string>

namespace mi::daemon {

class UnitProcesses final : public Subsystem {
public:
    // What hears of the end of a process.
    struct Hearers {
        Notify& notify;
        ReadyPipe& ready_pipe;
        MainProcess& main_process;
        OutputFlush& output_flush;
        Activation& activation;
        Health& health;
    };
    UnitProcesses(Context& context, Processes& processes, Resources& resources, Starter& starter,
                  const Hearers& hearers)
        : context_(context), processes_(processes), resources_(resources), starter_(starter), hearers_(hearers) {}

    // By hand. A signal to the main process (or the command that runs), or to all of the unit.
    Result<> send_signal(core::UnitId unit, int number, bool all);
    Result<> set_frozen(core::UnitId unit, bool frozen);

    void exited(const os::Exit& exit) override;
    void perform(const core::Effect& effect) override;
    void run_ended(core::UnitId unit) override;
    void save_unit(core::UnitId unit, state::UnitImage& image) const override { processes_.tell(unit, image); }
    void restore_unit(core::UnitId unit, state::UnitImage& image) override {
        processes_.go_on(unit, context_.name(unit), image);
    }
    void unit_gone(core::UnitId unit) override { processes_.forget(unit); }

private:
    [[nodiscard]] std::optional<std::string> killed_for_memory(core::UnitId unit, const os::Exit& exit);

    Context& context_;
    Processes& processes_;
    Resources& resources_;
    Starter& starter_;
    Hearers hearers_;
};

} // namespace mi::daemon
