#include "daemon/run.hpp"

#include "base/clock.hpp"
#include "base/directory.hpp"
#include "base/printable.hpp"
#include "daemon/fault_injection.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/machine/machine_command.hpp"
#include "daemon/recovery/caretaker.hpp"
#include "daemon/recovery/keeper.hpp"
#include "daemon/startup.hpp"
#include "entry/entrypoint.hpp"
#include "loop/loop.hpp"
#include "os/machine/system.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace mi::daemon {

namespace {

// Whether anybody has described services that are to run beside COMMAND. Vendor units do not count: they come with the
// package, not with an intention.
bool has_units(const Options& options) {
    if (!options.config.empty() || !options.units.empty() || ::access("/etc/miniinit.toml", F_OK) == 0)
        return true;
    const auto entries = list_directory("/etc/miniinit");
    return entries &&
           std::ranges::any_of(*entries, [](const DirectoryEntry& entry) { return entry.name.ends_with(".toml"); });
}

// Whether this program could go on with the state in the descriptor; if not, stderr tells why.
int check_snapshot(int memory) {
    auto keeper = Keeper::on(memory);
    if (keeper && keeper->read())
        return 0;
    const unsigned format = keeper ? keeper->format() : 0;
    const char* const why = format == 0 ? "the state of the running init is not understood"
                            : format < state::Journal::format
                                ? "the running init is an older one, whose state this version does not read; it "
                                  "goes on, and this version comes with the next boot (or start of the container)"
                            : format > state::Journal::format
                                ? "the running init is a later one, whose state this version does not read"
                                : "the state of the running init is damaged";
    std::fprintf(stderr, "miniinit " MINIINIT_VERSION ": %s\n", why);
    return 1;
}

// Says which resource limits are too small for us, if any are.
bool limits_suffice() {
    const std::vector<std::string> sentences = os::too_small_limits();
    for (const std::string& sentence : sentences)
        std::fprintf(stderr, "miniinit: cannot work: %s\n", sentence.c_str());
    return sentences.empty();
}

} // namespace

int run(int argc, char** argv) {
    Instant started = monotonic_now();
    os::outlive_limits(); // until signals are read from a queue
    bool machine = ::getpid() == 1 && os::habitat() == os::Habitat::machine;
    if (machine && argc >= 3 && std::string_view(argv[1]) == "--last-stage")
        last_stage(argc, argv);
    // The kernel has put what is behind `--` at the end of our arguments, where nothing tells it from its other words.
    os::KernelLine line;
    if (machine)
        line = os::kernel_line();
    auto options = parse_options(
        argc - static_cast<int>(std::min(line.kernel_words, static_cast<std::size_t>(argc - 1))), argv, machine);
    if (options && options->mode == Mode::container)
        options = parse_options(argc, argv, machine); // then they are its command
    if (!options) {
        std::fprintf(stderr, "miniinit: %s\n", printable(options.error(), Keep::lines).c_str());
        return 2;
    }
    if (options->help) {
        std::fwrite(help_text().data(), 1, help_text().size(), stdout);
        return 0;
    }
    if (options->version) {
        std::puts("miniinit " MINIINIT_VERSION);
        return 0;
    }
    bool container = options->mode == Mode::container || (options->mode == Mode::automatic && !machine);
    if (machine && options->mode != Mode::container && !line.command.empty() && options->check_fd < 0)
        run_machine_command(*std::move(options), line, {argv, static_cast<std::size_t>(argc)});
    const bool entrypoint =
        options->resume_fd >= 0 ? entry::is_entrypoint_state(options->resume_fd) : !has_units(*options);
    if (container && !options->command.empty() && entrypoint)
        return entry::run_entrypoint(*options, {argv, static_cast<std::size_t>(argc)});
    std::vector<os::Limit> limits = os::raise_own_limits();
    if (options->check_fd >= 0 && !machine)
        return check_snapshot(options->check_fd);
    // From here on nothing that goes wrong is our end. What it needs of the image before us is in the state.
    // A machine goes on as it can; who starts a container or a manager of a user is told, and has to see to it.
    if (options->resume_fd < 0 && !machine && !limits_suffice())
        return 70;
    auto guard = keeps_state() ? os::CrashGuard::arm(Fd(options->resume_fd), {argv, static_cast<std::size_t>(argc)})
                               : Result<os::CrashGuard>(fault(0, "keep no state, as told"));
    if (!guard && options->resume_fd >= 0)
        guard = os::CrashGuard::arm(Fd(), {argv, static_cast<std::size_t>(argc)});
    Place place = find_place(*options);
    place.takes_foreign_units = !container || (options->command.empty() && !has_units(*options));
    if (place.system() && !place.first_process) {
        std::fputs(
            "miniinit: not PID 1, so not the init of this machine; see miniinit --help for --container and --user\n",
            stderr);
        return 2;
    }
    if (guard && guard->page().trust != os::Trust::all)
        return take_care(*options, place, *guard);
    int code = run_supervisor(*options, std::move(place), started, guard, std::move(limits));
    return options->success_exits[static_cast<std::size_t>(code & 255)] ? 0 : code;
}

} // namespace mi::daemon
