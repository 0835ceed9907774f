#include "daemon/place.hpp"

#include "os/file/init_place.hpp"
#include "os/file/runtime.hpp"
#include "os/file/user_place.hpp"
#include "os/machine/system.hpp"

#include <sys/auxv.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

namespace mi::daemon {

namespace {

// This binary. Without /proc: as it was executed, which is relative only where somebody started us by hand.
std::string own_program() {
    char path[PATH_MAX];
    if (ssize_t length = ::readlink("/proc/self/exe", path, sizeof path); length > 0) {
        std::string program(path, static_cast<std::size_t>(length));
        // Replaced on disk, and then executed anew: what has its name now is to run from now on.
        if (constexpr std::string_view gone = " (deleted)"; program.ends_with(gone))
            program.resize(program.size() - gone.size());
        return program;
    }
    const char* executed = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    if (executed != nullptr && ::realpath(executed, path) != nullptr)
        return path;
    return "/sbin/miniinit";
}

// PID 1 works in `/`: what was said relative to where it was started has to be said anew.
std::string absolute(const std::string& path) {
    char here[PATH_MAX];
    if (path.empty() || path.front() == '/' || ::getcwd(here, sizeof here) == nullptr)
        return path;
    return std::string(here) + "/" + path;
}

// What `miniinit` is a part of; a directory of another name is all there is.
std::string without_our_name(const std::string& path) {
    constexpr std::string_view ours = "/miniinit";
    return path.ends_with(ours) ? path.substr(0, path.size() - ours.size()) : path;
}

} // namespace

Place find_place(const Options& options) {
    Place place;
    place.first_process = ::getpid() == 1;
    place.mode = options.mode;
    if (place.mode == Mode::automatic)
        place.mode = place.first_process && os::habitat() == os::Habitat::machine ? Mode::system : Mode::container;
    place.program = own_program();
    std::string run_directory = absolute(options.run_dir);
    if (place.mode == Mode::user) {
        os::UserPlace user = os::user_place();
        place.run_directory = run_directory.empty() ? user.run_directories.front() : run_directory;
        place.log_directories = {user.state + "/log", place.run_directory + "/log"};
        std::string state = without_our_name(user.state);
        place.own_directories = {without_our_name(place.run_directory), state, state + "/log", user.cache,
                                 user.config_home};
        place.state_directory = user.state;
        place.source = config::user_source(user.config_home, place.run_directory, ::geteuid());
        place.complaint = std::move(user.complaint);
    } else {
        // What is mounted on /run of a machine may not be there yet.
        const bool looks = run_directory.empty() && place.mode == Mode::container;
        place.run_directory = !run_directory.empty() ? run_directory
                              : looks                ? os::place_for_init()
                                                     : os::init_directory;
        place.spare = looks && place.run_directory != os::init_directory;
        place.log_directories = {"/var/log/miniinit", "/run/log/miniinit"};
        place.own_directories = {"/run", "/var/lib", "/var/log", "/var/cache", "/etc"};
        place.state_directory = "/var/lib/miniinit";
        place.source = config::system_source(place.run_directory, ::getuid());
    }
    if (!options.state_dir.empty())
        place.state_directory = absolute(options.state_dir);
    if (!options.log_dir.empty())
        place.log_directories = {absolute(options.log_dir)};
    place.control = options.control.empty() ? place.run_directory + "/control" : absolute(options.control);
    place.notify = place.run_directory + "/notify";
    if (!options.units.empty()) {
        place.source.directories.clear();
        for (const std::string& directory : options.units)
            place.source.directories.push_back(absolute(directory));
        place.source.directories_required = true;
    }
    if (!options.config.empty()) {
        place.source.config = absolute(options.config);
        place.source.config_required = true;
    } else if (!options.units.empty()) {
        place.source.config.clear();
    }
    place.source.allow_insecure = options.allow_insecure_units;
    return place;
}

Result<Fd> claim_place(const Place& place) {
    if (place.spare) {
        if (auto made = os::make_directory(place.run_directory, 0755); !made)
            return std::unexpected(made.error());
        return os::lock_run_directory(place.run_directory);
    }
    if (auto made = os::make_own_directory(place.run_directory); !made)
        return std::unexpected(made.error());
    // Logs are not for other users either. Where they cannot be kept, the run directory takes them.
    const std::string& logs = place.log_directories.front();
    (void)os::make_own_directory(logs.substr(0, logs.rfind('/')));
    return os::lock_run_directory(place.run_directory);
}

} // namespace mi::daemon
