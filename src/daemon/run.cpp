#include "daemon/run.hpp"

#include "base/directory.hpp"
#include "base/printable.hpp"
#include "daemon/builtin.hpp"
#include "daemon/caretaker.hpp"
#include "daemon/crash_report.hpp"
#include "daemon/entrypoint.hpp"
#include "daemon/last_stage.hpp"
#include "daemon/machine.hpp"
#include "daemon/manager.hpp"
#include "daemon/resume.hpp"
#include "daemon/supervisor.hpp"
#include "os/crash.hpp"
#include "os/limits.hpp"
#include "os/normalise.hpp"
#include "os/runtime.hpp"
#include "os/spawn/spawn.hpp"
#include "os/system.hpp"
#include "wire/log_format.hpp"

#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>

extern char** environ;

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

bool first_boot() {
    auto id = os::read_file("/etc/machine-id");
    return !id || id->empty() || id->starts_with("uninitialized");
}

// Nothing can be done without these two: on a machine PID 1 still must not exit.
[[noreturn]] void hopeless(const Place& place, const Fault& fault) {
    Console(place.system()).line("cannot work: " + fault.text());
    if (place.system())
        end_machine({.how = core::Ending::reboot, .state_directory = place.state_directory});
    ::_exit(70);
}

void serve_control(Supervisor& supervisor, Manager& manager, state::Snapshot* before) {
    Fd listener(before != nullptr ? before->manager.control : -1);
    ControlSettings settings;
    settings.owner = ::getuid();
    if (const std::string& group = supervisor.settings().control_group; !group.empty()) {
        if (auto id = os::Accounts().group(group))
            settings.group = *id;
        else
            supervisor.say(Priority::warning, "control-group \"" + group + "\": " + id.error().text());
    }
    auto server = ControlServer::make(supervisor.loop(), std::move(listener), manager, settings);
    if (!server) {
        supervisor.say(Priority::warning, server.error().text() + "; minictl cannot reach us");
        return;
    }
    supervisor.serve(std::move(*server));
    supervisor.set_observer(&manager);
    supervisor.mind_premises(false);
    if (before == nullptr)
        return;
    supervisor.control()->set_last_call(before->manager.last_call);
    for (auto& [fd, client] : before->clients) {
        supervisor.control()->set_last_call(client.call);
        // Who had asked nothing until the last turn has perhaps asked in the one that failed, and would wait for ever.
        if (client.call == 0 && supervisor.guard()->page().deliberate == 0) {
            const Fd hung_up(client.fd);
            continue;
        }
        const state::ClientImage waits = client;
        supervisor.control()->adopt(std::move(client));
        if (waits.call != 0)
            manager.adopt(waits);
    }
}

// Everything that is enabled, where no target says what is to run.
std::vector<std::string> enabled_units(const core::Graph& graph) {
    std::vector<std::string> names;
    for (core::UnitId id = 0; id < graph.size(); ++id)
        if (graph.unit(id).enabled && graph.unit(id).fault.empty())
            names.push_back(graph.name(id));
    return names;
}

// Whether all there is to run was broken from the start: nothing would ever end such a container.
bool nothing_to_run(const Supervisor& supervisor) {
    const core::Graph& graph = supervisor.engine().graph();
    bool invalid = false;
    for (core::UnitId id = 0; id < graph.size(); ++id) {
        if (graph.unit(id).kind == core::Kind::service && graph.unit(id).fault.empty())
            return false;
        invalid = invalid || !graph.unit(id).fault.empty();
    }
    return invalid || graph.size() == 0;
}

// One line about ourselves in the log, and one about what of the settings is only read.
void introduce(Supervisor& supervisor, const Options& options) {
    const core::ManagerSettings& settings = supervisor.settings();
    std::string_view mode = supervisor.place().mode == Mode::system ? "system"
                            : supervisor.place().mode == Mode::user ? "user"
                                                                    : "container";
    std::string line =
        wire::logs::start_text(mode) + ", " + std::to_string(supervisor.engine().graph().size()) + " units";
    if (!settings.pass_environment.empty())
        line += settings.pass_environment == std::vector<std::string>{"*"}
                    ? "; services get our environment"
                    : "; services get " + std::to_string(settings.pass_environment.size()) + " variables of ours";
    if (!options.command.empty())
        line += "; command: " + std::string(options.command.front());
    supervisor.logs().line({}, Priority::info, line);
}

// What is wrong with each file, but of one that is no text at all not every line of it.
void add_problems(std::vector<std::string>& faults, const std::vector<config::Problem>& problems) {
    constexpr std::size_t most = 10;
    std::size_t same = 0;
    for (std::size_t i = 0; i < problems.size(); ++i) {
        same = i > 0 && problems[i].file == problems[i - 1].file ? same + 1 : 0;
        const bool last = i + 1 == problems.size() || problems[i + 1].file != problems[i].file;
        if (same < most)
            faults.push_back(config::brief(problems[i]));
        else if (last)
            faults.push_back(std::to_string(same + 1 - most) + " more in " + problems[i].file +
                             "; `minictl verify` names them all");
    }
}

// What became of the image before us, if there was one.
void report_crash(Supervisor& supervisor, const os::CrashGuard* guard, const Options& options) {
    if (guard == nullptr || options.resume_fd < 0)
        return;
    if (guard->page().deliberate != 0)
        supervisor.say(Priority::info, "executed anew");
    else
        for (const std::string& line : crash_report(guard->page(), loop::now()))
            supervisor.say(Priority::alert, line);
}

// What the first of us found.
std::vector<os::Limit> limits_found(const state::ManagerImage& manager) {
    std::vector<os::Limit> limits;
    for (const state::LimitImage& limit : manager.limits)
        limits.push_back({limit.resource, limit.soft, limit.hard});
    if (limits.empty() && manager.limit_raised) // a program that knew of no other
        limits.push_back({RLIMIT_NOFILE, manager.limit_soft, manager.limit_hard});
    return limits;
}

int run_supervisor(const Options& options, Place place, Instant started, Result<os::CrashGuard>& guard,
                   std::vector<os::Limit> limits) {
    os::Normality normality;
    if (guard)
        normality.keep = guard->descriptors();
    normality.reset_oom_score = place.system();
    normality.leave_directory = options.command.empty();
    // What the program before us has left us. Where that cannot be understood there is nothing to do but to begin anew.
    std::optional<Keeper> keeper;
    std::optional<state::Snapshot> before;
    std::string no_keeper;
    if (guard) {
        if (auto kept = Keeper::on(guard->state()))
            keeper = std::move(*kept);
        else
            no_keeper = kept.error().text();
        if (keeper && options.resume_fd >= 0)
            before = keeper->read();
    }
    // Carried over into another root, it is only that of a few services, and a boot begins.
    const bool carried = before && before->manager.carried;
    if (carried)
        leave_behind(*before);
    const bool boots = !before || carried;
    if (before) {
        drop_closed(*before);
        const std::vector<int> ours = before->descriptors();
        normality.keep.insert(normality.keep.end(), ours.begin(), ours.end());
    }
    os::Inheritance inheritance = os::normalise_self(normality); // closes what we did not open ourselves: comes first
    if (::geteuid() == 0 || (os::own_capabilities() & CapabilitySet{1} << CAP_SETUID) != 0)
        os::make_undumpable(); // services may have other users: see os/spawn/spawn.cpp
    if (carried && guard->page().deliberate != 0)
        guard->page().reexecs = 0; // of this root's init
    if (options.resume_fd >= 0)
        os::close_all_on_exec(); // they were kept open for us, not for our children
    Fd lock;                     // held as long as we live
    if (before && before->manager.lock >= 0) {
        lock = Fd(before->manager.lock);
    } else if (place.mode == Mode::user) {
        auto claimed = claim_place(place);
        if (!claimed) {
            const bool taken = claimed.error().code == EADDRINUSE;
            std::fprintf(stderr, "miniinit: %s%s\n", taken ? "another one runs for this user already: " : "",
                         printable(claimed.error().text()).c_str());
            return 1;
        }
        lock = std::move(*claimed);
    }
    auto spawner = os::Spawner::make();
    if (!spawner)
        hopeless(place, spawner.error());
    auto signals = os::SignalQueue::open();
    if (!signals)
        hopeless(place, signals.error());

    Supervisor::Beginning beginning;
    std::vector<std::string> faults;
    KernelWishes wishes;
    if (place.system()) {
        if (boots)
            faults = bring_up_machine();
        std::vector<std::string> words = os::kernel_command_line();
        if (words.empty())
            words = options.kernel_words;
        wishes = kernel_wishes(std::move(words));
    } else if (!place.first_process) {
        if (auto done = os::become_subreaper(); !done)
            faults.push_back(done.error().text());
    }
    if (!place.complaint.empty())
        faults.push_back(place.complaint);
    faults.insert(faults.end(), options.complaints.begin(), options.complaints.end());
    for (const Fault& fault : inheritance.faults)
        faults.push_back(fault.text());
    if (boots && place.system()) // elsewhere it would have been the end
        std::ranges::move(os::too_small_limits(), std::back_inserter(faults));
    if (boots)
        std::ranges::move(os::dangerous_limits(), std::back_inserter(faults));

    if (!guard)
        faults.push_back(guard.error().text() + "; a crash of the init would be its end");
    if (!before)
        clear_transient(place);
    if (!no_keeper.empty())
        faults.push_back(no_keeper + "; after a crash of the init nothing would be known of what runs");
    if (options.resume_fd >= 0 && !before)
        faults.push_back("the state that the init before this one has left cannot be read: all begins anew");
    if (before)
        for (const std::string& sentence : before->dropped)
            faults.push_back("saved state: " + sentence);
    config::Loaded loaded = config::load(place.source, before ? names_of_units(*before) : std::vector<std::string>{});
    bool nothing_read = loaded.units.empty();
    add_problems(faults, loaded.problems);
    if (carried)
        only_carried(*before, loaded.units);
    if (place.system())
        loaded.units.push_back(builtin_shell());
    if (!options.command.empty()) {
        core::Unit entry = entry_unit({options.command.begin(), options.command.end()});
        beginning.entry = entry.name;
        loaded.units.push_back(std::move(entry));
    }
    if (before)
        complete_units(*before, loaded.units);
    if (place.mode == Mode::container && loaded.manager.pass_environment.empty())
        loaded.manager.pass_environment = {"*"};

    beginning.settings = std::move(loaded.manager);
    beginning.guard = guard ? &*guard : nullptr;
    beginning.debug_faults = options.debug_faults || wishes.debug_faults;
    beginning.graph = core::Graph(std::move(loaded.units));
    for (const std::string& problem : beginning.graph.problems())
        faults.push_back(problem);
    // A user's manager is wherever the user is: the machine's kernel was given its words, and it may be in a container.
    if (place.mode == Mode::user)
        beginning.circumstances = {os::kernel_command_line(), os::habitat() == os::Habitat::container, first_boot()};
    else
        beginning.circumstances = {wishes.words, !place.system(), first_boot()};
    beginning.surroundings.mode = place.mode;
    beginning.surroundings.directories = place.own_directories;
    if (place.mode != Mode::user) { // where every service is the same user
        beginning.surroundings.reserved = place.log_directories;
        beginning.surroundings.reserved.insert(beginning.surroundings.reserved.end(),
                                               {place.run_directory, place.state_directory});
    }
    beginning.surroundings.nothing = place.run_directory + "/nothing";
    beginning.surroundings.limits = before ? limits_found(before->manager) : std::move(limits);
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
        beginning.surroundings.environment.emplace_back(*variable);
    beginning.init_started = started;
    beginning.quiet = wishes.quiet;
    beginning.log_level = wishes.log_level >= 0
                              ? wishes.log_level
                              : options.log_level.value_or(log_level_number(beginning.settings.log_level).value_or(6));
    beginning.rewrites = options.rewrites;
    beginning.signal_group = options.group;
    beginning.grace = options.grace;

    std::string target = !options.target.empty()  ? options.target
                         : !wishes.target.empty() ? wishes.target
                                                  : beginning.settings.default_target;
    if (wishes.shell)
        target = builtin_name;
    bool has_target = beginning.graph.find(target) != core::no_unit;
    std::vector<std::string> wanted;
    if (!has_target && !place.system() && options.target.empty())
        wanted = enabled_units(beginning.graph);
    if (!beginning.entry.empty())
        wanted.push_back(beginning.entry);
    beginning.place = std::move(place);
    beginning.keeper = std::move(keeper);
    beginning.before = before ? &*before : nullptr;
    beginning.renew = before && guard && guard->page().deliberate != 0;

    loop::Loop loop;
    Supervisor supervisor(loop, *spawner, *signals, std::move(beginning));
    Manager manager(supervisor);
    supervisor.open();
    supervisor.hold_lock(lock.get());
    if (before)
        supervisor.take_over(*before);
    if (carried)
        supervisor.settle_in();
    serve_control(supervisor, manager, before ? &*before : nullptr);
    if (boots)
        introduce(supervisor, options);
    if (!carried)
        report_crash(supervisor, guard ? &*guard : nullptr, options);
    for (const std::string& fault : faults)
        supervisor.say(Priority::warning, fault);
    if (nothing_read && boots && supervisor.place().system())
        supervisor.say(Priority::err, "there is no unit file in " + supervisor.place().source.directories.front() +
                                          " nor anywhere else on the search path");
    const bool usual = options.target.empty() && wishes.target.empty() && !wishes.shell;
    if (boots && (has_target || supervisor.place().system() || !options.target.empty()))
        supervisor.boot(target, usual);
    if (!before && supervisor.place().mode == Mode::container && nothing_to_run(supervisor)) {
        supervisor.say(Priority::err, "there is nothing to run");
        supervisor.begin_ending(core::Ending::exit, 1);
    }
    if (before)
        wanted.clear();
    Outcome outcome = supervisor.run(wanted);
    if (outcome.how == core::Ending::switch_root)
        supervisor.enter_new_root();
    if (supervisor.place().system())
        end_machine({.how = outcome.how,
                     .code = outcome.code,
                     .deadline = outcome.deadline,
                     .watchdog = supervisor.watchdog().timeout(),
                     .state_directory = supervisor.place().state_directory,
                     .in_the_way = std::move(outcome.in_the_way)});
    return outcome.code;
}

} // namespace

// Whether this program could go on with the state in the descriptor; if not, stderr tells why.
static int check_snapshot(int memory) {
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

int run(int argc, char** argv) {
    Instant started = loop::now();
    os::outlive_limits(); // until signals are read from a queue
    bool machine = ::getpid() == 1 && os::habitat() == os::Habitat::machine;
    if (machine && argc >= 3 && std::string_view(argv[1]) == "--last-stage")
        last_stage(argc, argv);
    auto options = parse_options(argc, argv, machine);
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
    const bool entrypoint = options->resume_fd >= 0 ? is_entrypoint_state(options->resume_fd) : !has_units(*options);
    if (container && !options->command.empty() && entrypoint)
        return run_entrypoint(*options, {argv, static_cast<std::size_t>(argc)});
    std::vector<os::Limit> limits = os::raise_own_limits();
    if (options->check_fd >= 0 && !machine)
        return check_snapshot(options->check_fd);
    // From here on nothing that goes wrong is our end. What it needs of the image before us is in the state.
    // A machine goes on as it can; who starts a container or a manager of a user is told, and has to see to it.
    if (options->resume_fd < 0 && !machine)
        if (const std::vector<std::string> sentences = os::too_small_limits(); !sentences.empty()) {
            for (const std::string& sentence : sentences)
                std::fprintf(stderr, "miniinit: cannot work: %s\n", sentence.c_str());
            return 70;
        }
    auto guard = options->no_state
                     ? Result<os::CrashGuard>(fault(0, "keep no state, as told"))
                     : os::CrashGuard::arm(Fd(options->resume_fd), {argv, static_cast<std::size_t>(argc)});
    if (!guard && options->resume_fd >= 0)
        guard = os::CrashGuard::arm(Fd(), {argv, static_cast<std::size_t>(argc)});
    Place place = find_place(*options);
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
