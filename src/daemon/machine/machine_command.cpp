#include "daemon/machine/machine_command.hpp"

#include "core/unit.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/kernel_wishes.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/notify/parent_notify.hpp"
#include "entry/entrypoint.hpp"
#include "os/machine/host_channel.hpp"
#include "os/process/accounts.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

namespace mi::daemon {

namespace {

constexpr Span first_patience = std::chrono::milliseconds(200),
               last_patience = std::chrono::seconds(2); // with the host
constexpr int cannot_run = 125;                         // our own fault and not the command's, as docker has it

// A serial line does not know how many columns somebody sees at its other end.
void set_size(const KernelWishes& wishes) {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || (size.ws_col != 0 && wishes.columns == 0))
        return; // no terminal, or one that knows
    size.ws_col = wishes.columns != 0 ? wishes.columns : 80;
    size.ws_row = wishes.rows != 0 ? wishes.rows : 24;
    (void)::ioctl(STDIN_FILENO, TIOCSWINSZ, &size);
}

// NAME, a number, or either with `:GROUP`.
Result<entry::Identity> identity_of(std::string_view text, std::string& home) {
    os::Accounts accounts;
    const std::size_t colon = text.find(':');
    auto user = accounts.user(text.substr(0, colon));
    if (!user)
        return std::unexpected(user.error());
    entry::Identity identity{.uid = user->uid, .gid = user->gid};
    if (colon != std::string_view::npos) {
        auto group = accounts.group(text.substr(colon + 1));
        if (!group)
            return std::unexpected(group.error());
        identity.gid = *group;
        identity.groups = {*group};
    } else if (auto groups = accounts.groups_of(*user)) {
        identity.groups = *std::move(groups);
    }
    home = user->home;
    return identity;
}

void set_environment(const KernelWishes& wishes, const std::string& home) {
    ::setenv("PATH", core::usual_path, 0);
    if (!home.empty())
        ::setenv("HOME", home.c_str(), 1); // the kernel's own is "/", for every user
    for (const auto& [name, value] : wishes.environment)
        ::setenv(name.c_str(), value.c_str(), 1);
}

// What the command is to find, as the words say; a fault: it cannot be had.
Result<> prepare(const KernelWishes& wishes, entry::CommandOptions& options) {
    std::string home;
    auto identity = identity_of(wishes.user.empty() ? "0" : wishes.user, home);
    if (!wishes.user.empty()) {
        if (!identity)
            return std::unexpected(identity.error());
        options.identity = std::move(*identity);
        // Or it could not open what its standard output is once more.
        (void)::fchown(STDIN_FILENO, options.identity->uid, static_cast<gid_t>(-1));
    }
    set_environment(wishes, home);
    set_size(wishes);
    if (!wishes.directory.empty() && ::chdir(wishes.directory.c_str()) != 0)
        return fault(errno, "work in", wishes.directory);
    return {};
}

} // namespace

void run_machine_command(Options options, const os::KernelLine& line, std::span<char* const> arguments) {
    const KernelWishes wishes = kernel_wishes(line.words);
    std::vector<char*> command;
    for (const std::string& word : line.command)
        command.push_back(const_cast<char*>(word.c_str()));
    command.push_back(nullptr);
    options.command = std::span(command.data(), command.size() - 1);
    int code = cannot_run;
    Result<> prepared;
    if (options.resume_fd < 0) {
        std::vector<std::string> faults = bring_up_machine();
        faults.insert(faults.end(), wishes.complaints.begin(), wishes.complaints.end());
        faults.insert(faults.end(), options.complaints.begin(), options.complaints.end());
        Console console(true);
        for (const std::string& fault : faults)
            if (!wishes.quiet)
                console.line(fault);
        prepared = prepare(wishes, options);
        if (!prepared)
            console.line("cannot run the command: " + prepared.error().text());
    }
    os::HostChannel host;
    if (auto address = os::parse_host_address(host_wish(wishes.notify, line.words).address))
        host = os::HostChannel(*std::move(address));
    if (prepared && options.resume_fd < 0) {
        host.add("READY=1\nSTATUS=running " + line.command.front());
        host.finish(first_patience); // what finds no reader until then waits for the end
    }
    (void)::setsid(); // who leads no session cannot have a terminal
    if (prepared)
        code = entry::run_entrypoint(options, arguments);
    host.add("STOPPING=1\nEXIT_STATUS=" + std::to_string(code));
    host.finish(last_patience);
    end_machine({.code = code});
}

} // namespace mi::daemon
