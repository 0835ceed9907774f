#include "daemon/builtin.hpp"

#include <unistd.h>

namespace mi::daemon {

core::Unit builtin_shell() {
    core::Unit unit;
    unit.name = "builtin-shell";
    unit.description = "Emergency shell on the console";
    unit.service.restart = core::RestartPolicy::always;
    unit.service.restart_limit = 0;
    unit.service.restart_delay = std::chrono::seconds(1);
    unit.service.stop_signal = 1; // SIGHUP: what a login shell ends for
    unit.service.stop_timeout = std::chrono::seconds(3);
    unit.service.command = {"/bin/sh"};
    for (const char* shell : {"/sbin/sulogin", "/usr/sbin/sulogin", "/bin/sh", "/bin/bash", "/bin/busybox"})
        if (::access(shell, X_OK) == 0) {
            unit.service.command = {shell};
            if (unit.service.command.front() == "/bin/busybox")
                unit.service.command.push_back("sh");
            break;
        }
    unit.process = std::make_unique<core::Process>();
    unit.process->tty = "/dev/console";
    unit.process->input = core::Input::tty;
    unit.process->output = unit.process->error = core::Output::inherit;
    unit.process->environment = {{"HOME", "/root"}, {"TERM", "linux"}};
    return unit;
}

core::Unit entry_unit(const core::Command& command) {
    core::Unit unit;
    unit.name = "command";
    unit.description = "The command this container was started with";
    unit.service.restart = core::RestartPolicy::no;
    unit.service.exit_action = core::ExitAction::shutdown;
    unit.service.command = command;
    unit.process = std::make_unique<core::Process>();
    unit.process->output = unit.process->error = core::Output::inherit;
    return unit;
}

} // namespace mi::daemon
