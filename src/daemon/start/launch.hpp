// From a unit to a plan: what one of its processes is given, decided and prepared before there is a process.
#pragma once

#include "base/fd.hpp"
#include "base/system_calls.hpp"
#include "core/unit.hpp"
#include "daemon/options.hpp"
#include "daemon/start/no_start.hpp"
#include "daemon/start/refusals.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/accounts.hpp"
#include "os/socket/listen_socket.hpp"
#include "os/spawn/plan.hpp"

#include <array>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mi::daemon {

// In our run directory: holds a directory of credentials for each unit that has some, as long as one of its runs lasts.
constexpr std::string_view credentials_directory = "/credentials";

// What a filter of system calls is made of.
struct FilterSource {
    std::vector<std::string> words;
    int error = 0;
    CallRestrictions restrictions;
    auto operator<=>(const FilterSource&) const = default;
};

// What is the same for every process we start.
struct Surroundings {
    const core::ManagerSettings* settings = nullptr;
    Mode mode = Mode::container;
    std::string notify;                   // NOTIFY_SOCKET of the run that a process is made for; empty: none
    std::vector<os::Limit> limits;        // as we found them, where ours differ: a child has to set them back
    std::vector<std::string> environment; // ours, as we were started: "KEY=VALUE"
    // The directory that we were started in, for the main process of a container: we leave it. Open until that is made for the
    // first time; its path is for another start of it.
    Fd started_in;
    std::string started_in_path;
    os::StringList base;               // what every environment begins with: see refresh
    os::StringList base_of_own_choice; // the same, where the unit says itself what is passed on
    // Works out `base` from `settings` and `environment`: to be called when they have changed.
    void refresh();
    // The variables of ours that a unit gets which says nothing about them: those of the settings; in a container, where those
    // say nothing either, all.
    [[nodiscard]] std::vector<std::string> passed_on() const;
    // What the environment of this unit's processes begins with.
    [[nodiscard]] const os::StringList& base_for(const core::Process* process) const {
        return process != nullptr && process->pass_environment ? base_of_own_choice : base;
    }
    std::array<std::string, 5> directories{"/run", "/var/lib", "/var/log", "/var/cache",
                                           "/etc"}; // Place::own_directories
    // The account that a unit's processes have, where it names one or has one made up (`dynamic-user`).
    [[nodiscard]] Result<os::User> user_of(const core::Unit& unit);
    std::vector<std::string> reserved; // directories of our own, which no service can be given
    std::string nothing;               // for os::prepare_nothing
    std::string run_directory;         // below which the credentials of services are
    // Filters of system calls that were made already, by what they were made of.
    std::map<FilterSource, std::shared_ptr<const os::SystemCallFilter>> filters;
    os::Accounts accounts;
    os::HangingMounts hanging;
    Refusals refusals;
};

// What has been found out for a start: see start_files.hpp.
using Variables = std::vector<std::pair<std::string, std::string>>;
struct StartFiles {
    Variables variables; // of the environment files, in their order: of two of one name the later one stands
    std::string program; // as seen from the root directory of the process
};

// A process ready to be made. The descriptors are ours: those of the child are dropped after the start, by destroying this.
struct Launch {
    os::Plan plan;
    Fd out, err;                        // read ends of its log pipes, where it has them
    Fd ready;                           // read end of the notify-fd pipe, where it has one
    std::vector<std::string> temporary; // directories that go when the run is over
    std::vector<os::Directory> runtime; // those that go when the unit is at rest
    std::vector<std::string> warnings;  // for its log
    std::vector<std::string> lacks;     // keys of protections that it does without: see refusals.hpp
    std::vector<Fd> theirs;             // what the plan's moves refer to
    bool privileged = false;            // a command with a '+': nothing confines it
    std::uint64_t cgroup = 0;           // that it was born in, by number (os/process/pidfd.hpp); 0: none
};

// What a process gets besides what its unit says, as descriptors of ours that stay ours.
struct Handed {
    struct Named {
        int fd = -1;
        std::string name;
    };
    std::vector<Named> listed; // its own from 3 on, as sd_listen_fds(3)
    int stream = -1;           // what "socket" means for stdin, stdout and stderr
    os::Remote remote;         // who is at its other end
};

// A log pipe of the process, whose write end becomes its descriptor `target`; gives the read end.
[[nodiscard]] std::expected<Fd, NoStart> log_pipe(Launch& launch, int target);

// Why a start fails, or the launch. `main`: the main process, as opposed to a command around it.
// `invocation`: INVOCATION_ID. With `entry` it is the main process of a container: it keeps our stdin, stdout, stderr
// and environment, and is made the terminal's foreground group. `files`: what was found out for it (start_files.hpp).
[[nodiscard]] std::expected<Launch, NoStart> prepare(const core::Unit& unit, const core::Command& command, bool main,
                                                     const std::string& invocation, bool entry,
                                                     Surroundings& surroundings, const StartFiles& files,
                                                     const Handed& handed = {});

} // namespace mi::daemon
