#include "daemon/startup.hpp"

#include "base/printable.hpp"
#include "daemon/control/manager.hpp"
#include "daemon/control/serve_control.hpp"
#include "daemon/life.hpp"
#include "daemon/linux_kernel.hpp"
#include "daemon/machine/builtin.hpp"
#include "daemon/machine/kernel_wishes.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/parts.hpp"
#include "daemon/recovery/restore.hpp"
#include "daemon/startup_report.hpp"
#include "daemon/units/first_wanted.hpp"
#include "daemon/units/systemd_units.hpp"
#include "entry/entrypoint.hpp"
#include "os/file/init_place.hpp"
#include "os/file/remove.hpp"
#include "os/file/runtime.hpp"
#include "os/machine/kernel_line.hpp"
#include "os/machine/normalise.hpp"
#include "os/machine/system.hpp"
#include "os/spawn/spawn.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>

extern char** environ;

namespace mi::daemon {

namespace {

bool first_boot() {
    auto id = os::read_file("/etc/machine-id");
    return !id || id->empty() || id->starts_with("uninitialized");
}

// What the kernel gives its first process (1,024 and 4,096 open files) is too little for a database. The soft limit stays: a program
// that uses select(2) must not get descriptors above 1,023 unless it asks.
void let_services_open_files(std::vector<os::Limit>& limits) {
    constexpr rlim_t enough = 512 * 1024;
    auto files = std::ranges::find(limits, RLIMIT_NOFILE, &os::Limit::resource);
    if (files == limits.end()) {
        rlimit ours{};
        if (::getrlimit(RLIMIT_NOFILE, &ours) != 0)
            return;
        files = limits.insert(files, {RLIMIT_NOFILE, ours.rlim_cur, ours.rlim_max});
    }
    files->hard = std::max(files->hard, enough);
    files->at_most = true; // fs.nr_open may be less
}

// Nothing can be done without these two: on a machine PID 1 still must not exit.
[[noreturn]] void hopeless(const Place& place, const Fault& fault) {
    Console(place.system()).line("cannot work: " + fault.text());
    if (place.system())
        end_machine({.how = core::Ending::reboot, .state_directory = place.state_directory});
    ::_exit(70);
}

// Whether all there is to run was broken from the start: nothing would ever end such a container.
bool nothing_to_run(const Parts& parts) {
    const core::Graph& graph = parts.engine.graph();
    bool invalid = false;
    for (core::UnitId id : graph.ids()) {
        if (graph.unit(id).kind == core::Kind::service && graph.unit(id).fault.empty())
            return false;
        invalid = invalid || !graph.unit(id).fault.empty();
    }
    return invalid || graph.count() == 0;
}

// A unit that is to run, with whose end everything is to end, and whose file cannot be used: it would never end.
core::UnitId endless_unit(const core::Graph& graph, const std::vector<std::string>& wanted, const std::string& target) {
    const core::UnitId root = graph.find(target);
    std::vector<core::UnitId> ids;
    for (const std::string& name : wanted)
        if (const core::UnitId id = graph.find(name); id != core::no_unit)
            ids.push_back(id);
    if (root != core::no_unit)
        ids.push_back(root);
    else
        std::ranges::copy_if(graph.ids(), std::back_inserter(ids),
                             [&](core::UnitId id) { return graph.unit(id).enabled; });
    std::set<core::UnitId> seen(ids.begin(), ids.end());
    while (!ids.empty()) {
        const core::UnitId id = ids.back();
        ids.pop_back();
        const core::Unit& unit = graph.unit(id);
        if (!unit.fault.empty() && !unit.masked && unit.service.exit_action != core::ExitAction::none)
            return id;
        for (const core::Edge& edge : graph.needs(id))
            if (edge.relation != core::Relation::after && seen.insert(edge.unit).second)
                ids.push_back(edge.unit);
    }
    return core::no_unit;
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

// The steps of it, in their order. What one finds out the next ones find here.
class Startup {
public:
    Startup(const Options& options, Place place, Instant started, Result<os::CrashGuard>& guard,
            std::vector<os::Limit> limits)
        : options_(options), place_(std::move(place)), guard_(guard), limits_(std::move(limits)) {
        findings_.init_started = started;
    }
    int run();

private:
    void read_state();
    void normalise();
    [[nodiscard]] bool take_lock();
    void bring_up();
    void note_faults();
    void make_units();
    void load_units();
    void state_facts();
    void choose_target();
    int supervise(Kernel& kernel);
    void report(Parts& parts) const;
    void begin(Parts& parts) const;

    // A boot begins: with us, or in the root that we were carried over into.
    [[nodiscard]] bool boots() const { return !before_ || carried_; }

    const Options& options_;
    Place place_;
    Result<os::CrashGuard>& guard_;
    std::vector<os::Limit> limits_; // as we found them
    std::optional<Keeper> keeper_;
    std::string no_keeper_;                 // why there is none
    std::optional<state::Snapshot> before_; // what the program before us has left
    bool carried_ = false;                  // from another root: it is only that of a few services
    Fd lock_;                               // held as long as we live
    os::Inheritance inheritance_;
    KernelWishes wishes_;
    std::vector<std::string> faults_; // to be said when somebody can be told
    StartupFindings findings_;
    bool nothing_read_ = false; // there is no unit file
    std::string target_;
    bool has_target_ = false;
    std::vector<std::string> wanted_; // units that are to run whatever the target says
};

// What cannot be understood is as if it were not there: all begins anew.
void Startup::read_state() {
    if (!guard_)
        return;
    if (auto kept = Keeper::on(guard_->state()))
        keeper_ = std::move(*kept);
    else
        no_keeper_ = kept.error().text();
    if (keeper_ && options_.resume_fd >= 0)
        before_ = keeper_->read();
    carried_ = before_ && before_->manager.carried;
    if (carried_)
        leave_behind(*before_);
    if (before_)
        drop_closed(*before_);
}

// Closes what we did not open ourselves: nothing may be opened before.
void Startup::normalise() {
    os::Normality normality;
    if (guard_)
        normality.keep = guard_->descriptors();
    normality.reset_oom_score = place_.system();
    if (before_)
        std::ranges::copy(before_->descriptors(), std::back_inserter(normality.keep));
    if (!options_.command.empty() && !before_) {
        char path[PATH_MAX];
        Surroundings& surroundings = findings_.surroundings;
        const Fd here(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        surroundings.started_in = Fd(::fcntl(here.get(), F_DUPFD_CLOEXEC, 3)); // standard ones may be closed
        surroundings.started_in_path = ::getcwd(path, sizeof path) != nullptr && path[0] == '/' ? path : "";
        normality.keep.push_back(surroundings.started_in.get());
    }
    inheritance_ = os::normalise_self(normality);
    if (::geteuid() == 0 || (os::own_capabilities() & CapabilitySet{1} << CAP_SETUID) != 0)
        os::make_undumpable(); // services may have other users: see os/spawn/spawn.cpp
    if (carried_ && guard_->page().deliberate != 0)
        guard_->page().reexecs = 0; // of this root's init
    if (options_.resume_fd >= 0)
        os::close_all_on_exec(); // they were kept open for us, not for our children
}

// A user has one manager. False: there is another one, which was said. A container goes on without a place of its own.
bool Startup::take_lock() {
    if (before_ && before_->manager.lock >= 0) {
        lock_ = Fd(before_->manager.lock);
    } else if (place_.spare) {
        auto claimed = claim_place(place_);
        if (claimed) {
            lock_ = std::move(*claimed);
            return true;
        }
        faults_.push_back(claimed.error().text());
        Options usual = options_;
        usual.run_dir = os::init_directory;
        const bool takes = place_.takes_foreign_units;
        place_ = find_place(usual);
        place_.takes_foreign_units = takes;
    } else if (place_.mode == Mode::user) {
        auto claimed = claim_place(place_);
        if (!claimed) {
            const bool taken = claimed.error().code == EADDRINUSE;
            std::fprintf(stderr, "miniinit: %s%s\n", taken ? "another one runs for this user already: " : "",
                         printable(claimed.error().text()).c_str());
            return false;
        }
        lock_ = std::move(*claimed);
    }
    return true;
}

void Startup::bring_up() {
    if (place_.system()) {
        if (boots())
            faults_ = bring_up_machine();
        std::vector<std::string> words = os::kernel_line().words;
        if (words.empty())
            words = options_.kernel_words;
        wishes_ = kernel_wishes(std::move(words));
        if (boots())
            std::ranges::move(wishes_.complaints, std::back_inserter(faults_));
    } else if (!place_.first_process) {
        if (auto done = os::become_subreaper(); !done)
            faults_.push_back(done.error().text());
    }
    if (!before_) {
        clear_transient(place_);
        // Of a manager that was killed, whose services are gone or strangers now: their next run is to have fresh ones.
        (void)os::remove_tree(place_.run_directory + std::string(credentials_directory));
    }
}

void Startup::note_faults() {
    if (!place_.complaint.empty())
        faults_.push_back(place_.complaint);
    faults_.insert(faults_.end(), options_.complaints.begin(), options_.complaints.end());
    for (const Fault& fault : inheritance_.faults)
        faults_.push_back(fault.text());
    if (boots() && place_.system()) // elsewhere it would have been the end
        std::ranges::move(os::too_small_limits(), std::back_inserter(faults_));
    if (boots())
        std::ranges::move(os::dangerous_limits(), std::back_inserter(faults_));
    if (!guard_)
        faults_.push_back(guard_.error().text() + "; a crash of the init would be its end");
    if (!no_keeper_.empty())
        faults_.push_back(no_keeper_ + "; after a crash of the init nothing would be known of what runs");
    if (options_.resume_fd >= 0 && !before_)
        faults_.push_back("the state that the init before this one has left cannot be read: all begins anew");
    if (before_)
        for (const std::string& sentence : before_->dropped)
            faults_.push_back("saved state: " + sentence);
}

// Units of systemd's directories. After a crash or a re-exec they are there.
void Startup::make_units() {
    if (!boots() || wishes_.shell)
        return;
    const core::ManagerSettings settings = config::read_settings(place_.source);
    std::ranges::move(convert_at_boot(place_, settings), std::back_inserter(faults_));
}

void Startup::load_units() {
    config::Loaded loaded =
        config::load(place_.source, before_ ? names_of_units(*before_) : std::vector<std::string>{});
    nothing_read_ = loaded.units.empty();
    add_problems(faults_, loaded.problems);
    if (carried_)
        only_carried(*before_, loaded.units);
    if (place_.system())
        add_machine_units(loaded.units, loaded.manager);
    if (!options_.command.empty()) {
        core::Unit entry = entry_unit({options_.command.begin(), options_.command.end()});
        findings_.entry = entry.name;
        loaded.units.push_back(std::move(entry));
    }
    if (before_)
        complete_units(*before_, loaded.units);
    findings_.settings = std::move(loaded.manager);
    findings_.graph = core::Graph(std::move(loaded.units), before_ ? ids_of_units(*before_) : core::Graph::Names{});
    for (const std::string& problem : findings_.graph.problems())
        faults_.push_back(problem);
    for (const core::Graph::Warning& warning : findings_.graph.warnings())
        faults_.push_back(warning.text);
}

// What conditions ask about, what every process of a unit begins with, and what was said of ourselves.
void Startup::state_facts() {
    // A user's manager is wherever the user is: the machine's kernel was given its words, and it may be in a container.
    if (place_.mode == Mode::user)
        findings_.circumstances = {os::kernel_line().words, os::habitat() == os::Habitat::container, first_boot()};
    else
        findings_.circumstances = {wishes_.words, !place_.system(), first_boot()};
    Surroundings& surroundings = findings_.surroundings;
    surroundings.mode = place_.mode;
    surroundings.directories = place_.own_directories;
    if (place_.mode != Mode::user) { // where every service is the same user
        surroundings.reserved = place_.log_directories;
        surroundings.reserved.insert(surroundings.reserved.end(), {place_.run_directory, place_.state_directory});
    }
    surroundings.run_directory = place_.run_directory;
    // Known before anything has failed of it.
    const bool may_mount = (os::own_capabilities() >> CAP_SYS_ADMIN & 1) != 0;
    surroundings.refusals.mounts = surroundings.refusals.network = !may_mount;
    surroundings.nothing = place_.run_directory + "/nothing";
    surroundings.limits = before_ ? limits_found(before_->manager) : std::move(limits_);
    if (place_.system())
        let_services_open_files(surroundings.limits);
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
        surroundings.environment.emplace_back(*variable);
    findings_.guard = guard_ ? &*guard_ : nullptr;
    findings_.quiet = wishes_.quiet;
    if (place_.system())
        findings_.host = host_wish(wishes_.notify, wishes_.words);
    findings_.slot = wishes_.slot;
    findings_.log_level = wishes_.log_level >= 0
                              ? wishes_.log_level
                              : options_.log_level.value_or(log_level_number(findings_.settings.log_level).value_or(6));
    findings_.signal_rewrites = options_.rewrites;
    findings_.signal_group = options_.group;
    findings_.restart_on = options_.restart_on;
    findings_.grace = options_.grace;
}

// Without a target that somebody has asked for, units are wanted by themselves, and the main process of a container is.
void Startup::choose_target() {
    target_ = wishes_.shell              ? builtin_name
              : !options_.target.empty() ? options_.target
              : !wishes_.target.empty()  ? wishes_.target
                                         : findings_.settings.default_target;
    has_target_ = findings_.graph.find(target_) != core::no_unit;
    if (before_)
        return;
    if (!place_.system() && options_.target.empty())
        wanted_ = first_wanted(findings_.graph, target_);
    if (!findings_.entry.empty())
        wanted_.push_back(findings_.entry);
}

int Startup::run() {
    read_state();
    normalise();
    if (!take_lock())
        return 1;
    auto spawner = os::Spawner::make();
    if (!spawner)
        hopeless(place_, spawner.error());
    auto signals = os::SignalQueue::open();
    if (!signals)
        hopeless(place_, signals.error());
    bring_up();
    note_faults();
    make_units();
    load_units();
    state_facts();
    choose_target();
    LinuxKernel kernel(std::move(*spawner), std::move(*signals));
    return supervise(kernel);
}

int Startup::supervise(Kernel& kernel) {
    state::Snapshot* const before = before_ ? &*before_ : nullptr;
    findings_.place = std::move(place_);
    findings_.keeper = std::move(keeper_);
    findings_.before = before;
    findings_.renew = before != nullptr && guard_ && guard_->page().deliberate != 0;
    Parts parts(kernel, std::move(findings_));
    Manager manager(parts);
    open(parts);
    parts.lock = lock_.get();
    if (before != nullptr)
        restore(parts, *before);
    if (carried_)
        settle_in(parts);
    serve_control(parts, manager, before);
    report(parts);
    begin(parts);
    if (boots())
        parts.machine.parent_notify.tell_starting();
    Shutdown::Outcome outcome = live(parts, wanted_);
    if (outcome.how == core::Ending::switch_root)
        parts.recovery.succession.enter_new_root();
    parts.machine.parent_notify.tell_end(outcome.code);
    if (parts.place.system())
        end_machine({.how = outcome.how,
                     .code = outcome.code,
                     .deadline = outcome.deadline,
                     .watchdog = parts.machine.hardware_watchdog.timeout(),
                     .state_directory = parts.place.state_directory,
                     .end = parts.context.settings.end,
                     .in_the_way = std::move(outcome.in_the_way)});
    return outcome.code;
}

// What was found on the way is said only now: there is a log.
void Startup::report(Parts& parts) const {
    if (boots())
        introduce(parts, options_);
    if (!carried_)
        report_crash(parts, guard_ ? &*guard_ : nullptr, options_);
    for (const std::string& fault : faults_)
        parts.context.say(Priority::warning, fault);
    if (parts.place.spare && boots())
        parts.context.say(Priority::info, std::string(os::init_directory) +
                                              " cannot be made here: the control socket is " + parts.place.control);
    if (nothing_read_ && boots() && parts.place.system())
        parts.context.say(Priority::err, "there is no unit file in " + parts.place.source.directories.front() +
                                             " nor anywhere else on the search path");
}

void Startup::begin(Parts& parts) const {
    const bool usual = options_.target.empty() && wishes_.target.empty() && !wishes_.shell;
    if (boots() && (has_target_ || parts.place.system() || !options_.target.empty()))
        parts.machine.boot_result.boot(target_, usual);
    if (!before_ && parts.place.mode == Mode::container && nothing_to_run(parts)) {
        parts.context.say(Priority::err, "there is nothing to run");
        parts.machine.shutdown.begin(core::Ending::exit, 1);
    } else if (!before_ && parts.place.mode == Mode::container) {
        const core::UnitId endless = endless_unit(parts.context.graph(), wanted_, target_);
        if (endless == core::no_unit)
            return;
        parts.context.say(Priority::err, parts.context.name(endless) +
                                             " is invalid, and with its end everything is to end (exit-action)");
        parts.machine.shutdown.begin(core::Ending::exit, 1);
    }
}

} // namespace

int run_supervisor(const Options& options, Place place, Instant started, Result<os::CrashGuard>& guard,
                   std::vector<os::Limit> limits) {
    return Startup(options, std::move(place), started, guard, std::move(limits)).run();
}

} // namespace mi::daemon
