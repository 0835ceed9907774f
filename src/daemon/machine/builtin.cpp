#include "daemon/machine/builtin.hpp"

#include "base/text.hpp"
#include "daemon/units/boot_target.hpp"
#include "os/file/runtime.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace mi::daemon {

namespace {

// Whether sulogin could let anybody in: without a password of root's there is nothing it could ask for.
bool root_has_password() {
    for (const char* file : {"/etc/shadow", "/etc/passwd"}) {
        auto text = os::read_file(file);
        if (!text)
            continue;
        for (std::string_view line : split(*text, '\n'))
            if (line.starts_with("root:")) {
                std::string_view password = split(line, ':')[1];
                if (password != "x")
                    return !password.empty() && password.front() != '!' && password.front() != '*';
            }
    }
    return false;
}

core::Command shell_command() {
    if (root_has_password())
        for (const char* login : {"/sbin/sulogin", "/usr/sbin/sulogin"})
            if (::access(login, X_OK) == 0)
                return {login};
    for (const char* shell : {"/bin/sh", "/bin/bash", "/usr/bin/sh"})
        if (::access(shell, X_OK) == 0)
            return {shell};
    for (const char* busybox : {"/bin/busybox", "/usr/bin/busybox", "/sbin/busybox"})
        if (::access(busybox, X_OK) == 0)
            return {busybox, "sh"};
    return {"/bin/sh"}; // it will fail with a message that names it
}

} // namespace

core::Unit builtin_shell() {
    core::Unit unit;
    unit.name = builtin_name;
    unit.description = "Emergency shell on the console";
    unit.service.restart = core::RestartPolicy::always;
    unit.service.restart_limit = 0;
    unit.service.restart_delay = std::chrono::seconds(1);
    unit.service.stop_signal = 1; // SIGHUP: what a login shell ends for
    unit.service.stop_timeout = std::chrono::seconds(3);
    unit.service.command = shell_command();
    unit.process = std::make_unique<core::Process>();
    unit.process->tty = "/dev/console";
    unit.process->input = core::Input::tty;
    unit.process->output = unit.process->error = core::Output::inherit;
    unit.process->environment = {{"HOME", "/root"}, {"TERM", "linux"}};
    return unit;
}

core::Unit boot_command(const std::string& name, const core::Command& command) {
    core::Unit unit;
    unit.name = name;
    unit.description = "The [manager] setting of that name";
    unit.service.type = core::ServiceType::oneshot;
    unit.service.restart = core::RestartPolicy::no;
    unit.service.command = command;
    return unit;
}

void add_machine_units(std::vector<core::Unit>& units, const core::ManagerSettings& settings) {
    auto there = [&](const std::string& name) {
        return std::ranges::any_of(units, [&](const core::Unit& unit) {
            return unit.name == name || std::ranges::find(unit.aliases, name) != unit.aliases.end();
        });
    };
    units.push_back(builtin_shell());
    if (!there(complete_name)) {
        core::Unit complete;
        complete.name = complete_name;
        complete.kind = core::Kind::target;
        complete.description = "What counts as a good boot";
        units.push_back(std::move(complete));
    }
    if (!settings.boot_good.empty() && !there("boot-good"))
        units.push_back(boot_command("boot-good", settings.boot_good));
    if (!settings.boot_bad.empty() && !there("boot-bad"))
        units.push_back(boot_command("boot-bad", settings.boot_bad));
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
