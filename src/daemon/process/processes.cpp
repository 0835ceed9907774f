#include "daemon/process/processes.hpp"

#include "base/scarce.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace mi::daemon {

namespace {

// Whether a process that is stopped has to be continued to act on it.
bool asks_to_end(int number) {
    return number != SIGCONT && number != SIGKILL && number != SIGSTOP && number != SIGTSTP;
}

constexpr unsigned sure_empty_looks = 3;
constexpr unsigned most_empty_looks = 50; // an unrelated storm of orphans must not hold a unit for ever

} // namespace

core::ExitStatus exit_status(const os::Exit& exit) {
    return exit.kind == os::Exit::Kind::killed ? core::ExitStatus::signal(exit.code, exit.core)
                                               : core::ExitStatus::code(exit.code);
}

void Processes::own_session(core::UnitId unit, pid_t session) {
    auto [at, fresh] = session_owners_.insert_or_assign(session, unit);
    (void)at;
    auto& sessions = runs_[unit].sessions;
    if (fresh || std::find(sessions.begin(), sessions.end(), session) == sessions.end())
        sessions.push_back(session);
}

void Processes::add(pid_t pid, const Known& known) {
    known_[pid] = known;
    moved_.push_back(pid);
    ++runs_[known.unit].known;
    own_session(known.unit, pid); // it leads a session of its own
}

void Processes::adopt_main(pid_t pid, core::UnitId unit) {
    Known known{unit, core::Role::main, {}};
    if (const Known* before = find(pid); before != nullptr && before->unit == unit)
        known.streams = before->streams; // the one we started ourselves is the main one again
    remove(pid);
    known_[pid] = known;
    moved_.push_back(pid);
    ++runs_[unit].known;
    for (pid_t id : {pid, kernel_.session_of(pid)})
        if (id > 1)
            own_session(unit, id);
}

void Processes::remove(pid_t pid) {
    auto at = known_.find(pid);
    if (at == known_.end())
        return;
    auto run = runs_.find(at->second.unit);
    if (run != runs_.end() && run->second.known > 0)
        --run->second.known;
    // A run may have any number of connections, one after the other: a session without processes is not kept.
    if (run != runs_.end() && at->second.role == core::Role::connection && !kernel_.signal_group(pid, 0)) {
        std::erase(run->second.sessions, pid);
        if (auto owner = session_owners_.find(pid); owner != session_owners_.end() && owner->second == at->second.unit)
            session_owners_.erase(owner);
    }
    known_.erase(at);
    moved_.push_back(pid);
}

const Processes::Known* Processes::find(pid_t pid) const {
    auto at = known_.find(pid);
    return at == known_.end() ? nullptr : &at->second;
}

void Processes::begin_run(core::UnitId unit, std::string invocation) {
    runs_[unit] = {.invocation = std::move(invocation), .known = runs_[unit].known};
}

void Processes::use_session(core::UnitId unit) { runs_[unit].by_session = true; }

bool Processes::uses_session(core::UnitId unit) const {
    auto at = runs_.find(unit);
    return !tree_ || (at != runs_.end() && at->second.by_session);
}

const std::string& Processes::invocation(core::UnitId unit) const {
    static const std::string none;
    auto at = runs_.find(unit);
    return at == runs_.end() ? none : at->second.invocation;
}

void Processes::end_run(core::UnitId unit, const std::string& name) {
    bool cgroup_gone = false;
    if (auto at = runs_.find(unit); at != runs_.end()) {
        cgroup_gone = at->second.cgroup_gone;
        for (pid_t session : at->second.sessions)
            if (auto owner = session_owners_.find(session); owner != session_owners_.end() && owner->second == unit)
                session_owners_.erase(owner);
        runs_.erase(at);
    }
    sweeps_.erase(unit);
    if (tree_ && !cgroup_gone)
        (void)tree_->remove(name); // EBUSY: kill-mode process left something there on purpose
}

// What tells a process of the unit. A session whose leader we have collected is the unit's as long as no other process
// has come to its number.
os::Membership Processes::membership(core::UnitId unit) const {
    os::Membership result;
    auto run = runs_.find(unit);
    if (run == runs_.end())
        return result;
    result.invocation_id = run->second.invocation;
    for (pid_t session : run->second.sessions) {
        auto owner = session_owners_.find(session);
        if (owner != session_owners_.end() && owner->second == unit &&
            (find(session) != nullptr || !kernel_.exists(session)))
            result.sessions.push_back(session);
    }
    return result;
}

Result<std::vector<std::pair<core::UnitId, std::vector<pid_t>>>> Processes::members_by_session() const {
    std::vector<std::pair<core::UnitId, std::vector<pid_t>>> result;
    std::vector<os::Membership> services;
    for (const auto& [unit, run] : runs_)
        if (!tree_ || run.by_session) {
            result.push_back({unit, {}});
            services.push_back(membership(unit));
        }
    auto members = services.empty() ? std::vector<std::vector<pid_t>>{} : kernel_.find_members(services);
    if (!members)
        return std::unexpected(members.error());
    for (std::size_t i = 0; i < result.size(); ++i)
        result[i].second = std::move((*members)[i]);
    return result;
}

std::vector<pid_t> Processes::members(core::UnitId unit, const std::string& name) const {
    auto run = runs_.find(unit);
    if (tree_ && run != runs_.end() && !run->second.by_session)
        return tree_->pids(name).value_or(std::vector<pid_t>{});
    const os::Membership service = membership(unit);
    auto found = kernel_.find_members({&service, 1});
    return found ? std::move(found->front()) : std::vector<pid_t>{};
}

bool Processes::belongs(pid_t pid, core::UnitId unit, const std::string& name) const {
    if (const Known* known = find(pid))
        return known->unit == unit;
    if (auto lives_in = tree_ ? tree_->unit_of(pid) : std::nullopt)
        return *lives_in == name;
    // One that could not be put into the cgroup of its unit is told as without cgroups.
    auto run = runs_.find(unit);
    return run != runs_.end() && (!tree_ || run->second.by_session) && kernel_.is_member(pid, membership(unit));
}

bool Processes::is_anyones(pid_t pid) const {
    return find(pid) != nullptr || (tree_ && tree_->unit_of(pid)) ||
           std::ranges::any_of(runs_, [&](const auto& run) { return kernel_.is_member(pid, membership(run.first)); });
}

void Processes::signal(core::UnitId unit, const std::string& name, core::Effect::Scope scope, int number, pid_t main,
                       pid_t hook) {
    std::vector<pid_t> members;
    if (tree_ && scope == core::Effect::Scope::everything && number != SIGKILL)
        if (auto found = tree_->pids(name))
            members = std::move(*found);
    auto send = [&](int what) {
        // That a process is gone already is what we want of it anyway: ESRCH needs no answer.
        if (scope == core::Effect::Scope::main) {
            if (pid_t pid = main > 0 ? main : hook; pid > 0)
                (void)kernel_.send_signal(pid, what);
            return;
        }
        if (tree_) {
            if (what == SIGKILL)
                (void)tree_->kill(name);
            for (pid_t pid : members)
                (void)kernel_.send_signal(pid, what);
            // One that could not be put into a cgroup of its unit is reached all the same.
            for (pid_t pid : {main, hook})
                if (pid > 0 && std::find(members.begin(), members.end(), pid) == members.end() &&
                    (what == SIGKILL || !tree_->unit_of(pid)))
                    (void)kernel_.signal_group(pid, what);
            return;
        }
        // Each process we started leads a group of its own. Members that have left it are found by the sweep.
        for (pid_t pid : {main, hook})
            if (pid > 0 && !kernel_.signal_group(pid, what))
                (void)kernel_.send_signal(pid, what);
    };
    send(number);
    if (asks_to_end(number) && !frozen(unit))
        send(SIGCONT);
}

// --- freezing ---------------------------------------------------------------------------------------------------------

Result<> Processes::freeze(core::UnitId unit, const std::string& name) {
    if (uses_session(unit))
        return fault(ENOTSUP, "freeze", name);
    if (auto frozen = tree_->freeze(name, true); !frozen)
        return frozen;
    runs_[unit].frozen = true;
    return {};
}

Result<> Processes::thaw(core::UnitId unit, const std::string& name) {
    auto run = runs_.find(unit);
    if (run == runs_.end() || !std::exchange(run->second.frozen, false) || uses_session(unit))
        return {};
    return tree_->freeze(name, false);
}

bool Processes::frozen(core::UnitId unit) const {
    auto at = runs_.find(unit);
    return at != runs_.end() && at->second.frozen;
}

// --- ending all of a unit ---------------------------------------------------------------------------------------------

bool Processes::knows_process_of(core::UnitId unit) const {
    auto at = runs_.find(unit);
    return at != runs_.end() && at->second.known > 0;
}

void Processes::sweep(core::UnitId unit, const std::string& name, core::Effect::Scope scope, int number) {
    sweeps_[unit] = {.name = name, .scope = scope, .number = number, .orphans = orphans_};
    something_ended_ = true;
}

std::vector<core::UnitId> Processes::swept() {
    std::vector<core::UnitId> done;
    if (sweeps_.empty() || !std::exchange(something_ended_, false))
        return done;
    // kill-mode process: only what we started ourselves has to be gone.
    for (auto& [unit, sweep] : sweeps_)
        if (sweep.scope == core::Effect::Scope::main) {
            if (!knows_process_of(unit)) {
                done.push_back(unit);
            } else if (!std::exchange(sweep.signalled, true)) {
                for (const auto& [pid, known] : known_)
                    if (known.unit == unit)
                        (void)kernel_.send_signal(pid, sweep.number);
            }
        }
    std::vector<core::UnitId> by_session;
    for (auto& [unit, sweep] : sweeps_) {
        if (sweep.scope == core::Effect::Scope::main || (tree_ && !cgroup_swept(unit, sweep)))
            continue;
        (uses_session(unit) ? by_session : done).push_back(unit);
    }
    if (!by_session.empty())
        sweep_by_session(by_session, done);
    for (core::UnitId unit : done)
        sweeps_.erase(unit);
    return done;
}

// Whether nothing of it is in a cgroup of its own any more; what is, has been told to end. With a run that is in its
// cgroup as a whole, nothing of it is left at all then.
bool Processes::cgroup_swept(core::UnitId unit, Sweep& sweep) {
    Run& run = runs_[unit];
    bool missing = false;
    auto removed = tree_->remove(sweep.name, &missing);
    bool in_cgroup = !removed && removed.error().code == EBUSY;
    // Somebody has taken its processes out of it and removed it: where they are, their session tells.
    if (missing && !run.cgroup_gone)
        run.by_session = true;
    if (!in_cgroup && (run.by_session || !knows_process_of(unit))) {
        run.cgroup_gone = removed.has_value();
        return true;
    }
    // A kill is repeated at every look: it may have failed, for want of descriptors.
    if (std::exchange(sweep.signalled, true) && sweep.number != SIGKILL)
        return false;
    if (in_cgroup)
        signal(unit, sweep.name, sweep.scope, sweep.number, 0, 0);
    else // it could not be put there
        for (const auto& [pid, known] : known_)
            if (known.unit == unit)
                (void)kernel_.signal_group(pid, sweep.number);
    return false;
}

void Processes::sweep_by_session(const std::vector<core::UnitId>& units, std::vector<core::UnitId>& done) {
    // Whatever a dead process left behind has become our child. With no child that we did not start ourselves, and none of
    // those left of a unit, there is nothing of it anywhere.
    auto children = kernel_.own_children();
    std::vector<core::UnitId> uncertain;
    bool strangers = !children;
    if (children) {
        std::vector<core::UnitId> busy;
        for (pid_t pid : *children) {
            const Known* known = find(pid);
            if (known == nullptr)
                strangers = strangers || pid != own_;
            else
                busy.push_back(known->unit);
        }
        std::sort(busy.begin(), busy.end());
        for (core::UnitId unit : units)
            if (strangers || std::binary_search(busy.begin(), busy.end(), unit))
                uncertain.push_back(unit);
            else
                done.push_back(unit);
    } else {
        uncertain = units;
    }
    if (uncertain.empty())
        return;
    std::vector<os::Membership> services;
    for (core::UnitId unit : uncertain)
        services.push_back(membership(unit));
    auto members = kernel_.find_members(services);
    for (std::size_t i = 0; i < uncertain.size(); ++i) {
        core::UnitId unit = uncertain[i];
        Sweep& sweep = sweeps_[unit];
        if (!members && means_scarce(members.error().code)) {
            // Processes cannot be looked for now. Those that are known are told, and the next look tells the rest.
            for (pid_t session : services[i].sessions)
                (void)kernel_.signal_group(session, sweep.number);
            continue;
        }
        if (!members || (*members)[i].empty()) {
            // One that forks and exits all the time can be missed by a look, which the end of orphans gives away; and one
            // in the middle of an exec has no environment to be known by, but is among the children of no unit.
            unsigned looks = orphans_ != sweep.orphans ? most_empty_looks : strangers ? sure_empty_looks : 1;
            if (members && ++sweep.empty_looks < looks) {
                sweep.orphans = orphans_;
                something_ended_ = true;
            } else {
                done.push_back(unit);
            }
            continue;
        }
        sweep.orphans = orphans_;
        sweep.empty_looks = 0;
        tell_members(sweep, (*members)[i]);
    }
}

// New ones may have been forked since the last look. Each is told once to end gently, and killed at every look.
void Processes::tell_members(Sweep& sweep, const std::vector<pid_t>& members) {
    for (pid_t pid : members) {
        bool told = std::find(sweep.told.begin(), sweep.told.end(), pid) != sweep.told.end();
        if (told && sweep.number != SIGKILL)
            continue;
        if (!told)
            sweep.told.push_back(pid);
        (void)kernel_.send_signal(pid, sweep.number);
        if (asks_to_end(sweep.number))
            (void)kernel_.send_signal(pid, SIGCONT);
    }
}

// --- from one program to the next -------------------------------------------------------------------------------------

void Processes::tell(core::UnitId unit, state::UnitImage& image) const {
    if (auto at = runs_.find(unit); at != runs_.end()) {
        const Run& run = at->second;
        image.invocation = run.invocation;
        image.sessions.assign(run.sessions.begin(), run.sessions.end());
        image.by_session = run.by_session;
        image.cgroup_gone = run.cgroup_gone;
        image.frozen = run.frozen;
    }
    if (auto at = sweeps_.find(unit); at != sweeps_.end()) {
        image.sweep = at->second.scope;
        image.sweep_number = at->second.number;
        image.sweep_signalled = at->second.signalled;
    }
}

void Processes::go_on(core::UnitId unit, const std::string& name, const state::UnitImage& image) {
    if (!image.invocation.empty() || !image.sessions.empty()) {
        Run& run = runs_[unit];
        run.invocation = image.invocation;
        run.by_session = image.by_session;
        run.cgroup_gone = image.cgroup_gone;
        run.frozen = image.frozen;
        for (pid_t session : image.sessions)
            own_session(unit, session);
    }
    if (image.sweep) {
        sweep(unit, name, *image.sweep, image.sweep_number);
        sweeps_[unit].signalled = image.sweep_signalled;
    }
}

void Processes::forget(core::UnitId unit) {
    sweeps_.erase(unit);
    if (runs_.erase(unit) == 0)
        return;
    std::erase_if(session_owners_, [unit](const auto& one) { return one.second == unit; });
    for (auto& [pid, known] : known_)
        if (known.unit == unit)
            known.unit = core::no_unit;
}

} // namespace mi::daemon
