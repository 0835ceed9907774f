#include "sim/life.hpp"

#include "core/engine.hpp"
#include "daemon/life.hpp"
#include "daemon/parts.hpp"
#include "daemon/recovery/restore.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace mi::sim {

using namespace std::chrono_literals;
using core::Phase;
using core::UnitId;

namespace {

constexpr Span longest_shutdown = 950s;
constexpr int first_kept = 6000; // where descriptors are while no program runs

std::string name_of(unsigned unit) { return "u" + std::to_string(unit); }
std::string awaited_by(const std::string& unit) { return "/sim/awaited/" + unit; }

} // namespace

// --- units ------------------------------------------------------------------------------------------------------------

Life::Life(std::uint64_t seed, unsigned units, bool told, Totals& totals)
    : seed_(seed), count_(units), told_(told), totals_(totals), machine_(seed ^ 0x6d616368696e65, units), chance_(seed),
      memory_(::memfd_create("sim-state", MFD_CLOEXEC)) {
    faults_.has_cgroups = !chance_.one_in(4);
    if (chance_.one_in(2))
        faults_.no_process_one_in = 20 + chance_.below(200);
    if (chance_.one_in(2))
        faults_.no_program_one_in = 20 + chance_.below(200);
    if (chance_.one_in(2))
        faults_.late_one_in = 5 + chance_.below(50);
}

Life::~Life() = default;

// The same ones each time they are asked for: each program reads its units anew.
std::vector<core::Unit> Life::units() const {
    Chance chance(seed_ ^ 0x756e697473);
    std::vector<core::Unit> units;
    const bool crowded = chance.one_in(3); // with many edges
    for (unsigned i = 0; i < count_; ++i) {
        core::Unit unit;
        unit.name = name_of(i);
        unit.source = "/etc/miniinit/" + unit.name + ".toml";
        unit.digest = i + 1;
        auto depend = [&](core::Relation relation) {
            if (i > 0)
                unit.dependencies.push_back({relation, name_of(static_cast<unsigned>(chance.below(i)))});
        };
        for (std::uint64_t n = chance.below(crowded ? 4 : 2); n > 0; --n)
            depend(core::Relation::requirement);
        if (chance.one_in(3))
            depend(core::Relation::want);
        if (chance.one_in(4))
            depend(core::Relation::after);
        if (chance.one_in(20))
            depend(core::Relation::milestone);
        if (chance.one_in(100))
            depend(core::Relation::conflict);
        if (chance.one_in(30))
            depend(core::Relation::on_failure);
        if (chance.one_in(30)) // of any, so that there are rings
            unit.dependencies.push_back({chance.one_in(2) ? core::Relation::on_success : core::Relation::on_failure,
                                         name_of(static_cast<unsigned>(chance.below(count_)))});
        if (chance.one_in(15)) // of any: a whole may need its part
            unit.dependencies.push_back({chance.one_in(4) ? core::Relation::reload_with : core::Relation::part_of,
                                         name_of(static_cast<unsigned>(chance.below(count_)))});
        if (chance.one_in(8)) {
            unit.await = std::make_unique<core::Await>();
            unit.await->things.push_back({core::Awaited::Kind::path, awaited_by(unit.name)});
            unit.await->on_loss = chance.one_in(2) ? core::Await::OnLoss::stop : core::Await::OnLoss::none;
            if (chance.one_in(3))
                unit.await->timeout = 1s + std::chrono::seconds(chance.below(20));
        }
        if (chance.one_in(12)) {
            unit.kind = core::Kind::target;
            units.push_back(std::move(unit));
            continue;
        }
        core::Service& service = unit.service;
        service.command = {"/sim/" + unit.name, "main"};
        service.type = chance.one_in(5)   ? core::ServiceType::oneshot
                       : chance.one_in(4) ? core::ServiceType::notify_fd
                                          : core::ServiceType::simple;
        service.restart = service.type == core::ServiceType::oneshot || chance.one_in(4) ? core::RestartPolicy::no
                          : chance.one_in(3)                                             ? core::RestartPolicy::always
                                             : core::RestartPolicy::on_failure;
        service.start_timeout = 1s + std::chrono::seconds(chance.below(20));
        service.stop_timeout = 500ms + std::chrono::milliseconds(chance.below(5000));
        service.restart_delay = std::chrono::milliseconds(10 + chance.below(300));
        if (chance.one_in(8))
            service.kill_mode = core::KillMode::mixed;
        if (chance.one_in(6)) {
            service.hooks = std::make_unique<core::Hooks>();
            if (chance.one_in(2))
                service.hooks->pre_start = {{"/sim/" + unit.name, "pre-start"}};
            if (chance.one_in(3))
                service.hooks->post_start = {{"/sim/" + unit.name, "post-start"}};
            if (chance.one_in(3))
                service.hooks->stop = {{"/sim/" + unit.name, "stop"}};
            if (chance.one_in(3))
                service.hooks->post_stop = {{"/sim/" + unit.name, "post-stop"}};
        }
        if (service.type != core::ServiceType::oneshot && chance.one_in(10)) {
            unit.health = std::make_unique<core::HealthCheck>();
            unit.health->probe = core::HealthCheck::Probe::command;
            unit.health->command = {"/sim/" + unit.name, "probe"};
            unit.health->interval = 200ms + std::chrono::milliseconds(chance.below(5000));
            unit.health->timeout = 100ms + std::chrono::milliseconds(chance.below(400)); // a probe may take longer
            unit.health->failures = 1 + static_cast<std::uint32_t>(chance.below(3));
            unit.health->action = static_cast<core::HealthCheck::Action>(chance.below(3));
        }
        if (!chance.one_in(12)) { // pipes cost more than all the rest
            unit.process = std::make_unique<core::Process>();
            unit.process->output = unit.process->error = core::Output::null;
        }
        units.push_back(std::move(unit));
    }
    return units;
}

void Life::begin_world() {
    if (told_)
        machine_.tell = [this](const std::string& what) { tell(what); };
    for (const core::Unit& unit : units()) {
        if (unit.await && !machine_.chance.one_in(4))
            machine_.come_and_go(awaited_by(unit.name), machine_.chance.one_in(2) ? 5s : 60s);
        Habit& habit = machine_.habits[unit.name];
        Chance& chance = machine_.chance;
        habit.oneshot = unit.service.type == core::ServiceType::oneshot;
        habit.notifies = unit.service.type == core::ServiceType::notify_fd;
        habit.fails_one_in = chance.one_in(4) ? 1 + chance.below(6) : 0;
        habit.ignores_term = chance.one_in(15);
        habit.forks = chance.one_in(15);
        habit.ready_after = chance.span(0s, chance.one_in(10) ? 25s : 2s);
        habit.lives = chance.one_in(4) ? chance.span(50ms, 60s) : Span{0};
    }
    shut_down_at_ = machine_.now() + 2s + chance_.span(0s, 60s);
    machine_.at(shut_down_at_, [] {});
    come_again(chance_.span(1ms, 5s));
}

void Life::tell(const std::string& what) const {
    if (told_)
        std::printf("%12.6f %s\n", std::chrono::duration<double>(machine_.now().since_boot).count(), what.c_str());
}

void Life::wrong(const std::string& what) const { throw Violation{what}; }

// --- programs, one after the other ------------------------------------------------------------------------------------

void Life::live() {
    begin_world();
    while (!run_program())
        ++totals_.crashes;
    check_end();
    ++totals_.lives;
    totals_.simulated += machine_.now().since_boot;
}

void Life::draw_crash() {
    // Most of them early, when much goes on; the shutdown is lived through by a program that does not crash for ever.
    faults_.crash_at = chance_.one_in(6) ? 0 : 1 + chance_.below(chance_.one_in(2) ? 300 : 3000);
    faults_.crash_at_turn = chance_.one_in(3) ? 1 + chance_.below(chance_.one_in(2) ? 30 : 500) : 0;
    if (shut_down_ && chance_.one_in(2))
        faults_.crash_at = faults_.crash_at_turn = 0;
}

void Life::keep_descriptors(std::vector<std::pair<int, int>>& kept) const {
    auto keeper = daemon::Keeper::on(memory_.get());
    std::optional<state::Snapshot> state = keeper ? keeper->read() : std::nullopt;
    if (!state)
        return;
    daemon::drop_closed(*state);
    for (int fd : state->descriptors())
        if (fd >= 0)
            if (const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, first_kept); copy >= 0)
                kept.emplace_back(fd, copy);
}

bool Life::run_program() {
    draw_crash();
    kernel_ = std::make_unique<SimKernel>(machine_, *this, faults_);
    std::vector<std::pair<int, int>> kept;
    bool crashed = false;
    {
        auto keeper = daemon::Keeper::on(memory_.get());
        if (!keeper)
            wrong("no memory for the state: " + keeper.error().text());
        std::optional<state::Snapshot> before = keeper->read();
        if (before)
            daemon::drop_closed(*before);
        if (before && told_)
            for (const state::EffectImage& effect : before->effects)
                tell("still to be done: " + std::to_string(static_cast<int>(effect.kind)) + " to " +
                     (effect.unit == core::no_unit ? "all" : before->units.at(effect.unit).name) + ", " +
                     std::string(core::name(effect.role)));
        if (before && told_)
            for (const auto& [id, image] : before->units)
                tell(image.name + " was saved " + std::string(core::name(image.record.phase)) + " stage " +
                     std::to_string(static_cast<int>(image.record.stage)) + ", process " +
                     std::to_string(image.record.main_pid) + ", hook " + std::to_string(image.record.hook_pid));
        daemon::StartupFindings findings;
        findings.place.mode = daemon::Mode::container;
        findings.place.first_process = true;
        findings.place.run_directory = "/nonexistent/run";
        findings.place.log_directories = {"/nonexistent/log"};
        findings.place.state_directory = "/nonexistent/state";
        findings.place.program = "/sbin/miniinit";
        findings.settings.syslog = false;
        findings.settings.shutdown_timeout = seed_ % 4 == 0 ? 5s : 900s;
        findings.settings.shutdown_timeout_said = true;
        findings.graph = core::Graph(units(), before ? daemon::ids_of_units(*before) : core::Graph::Names{});
        findings.log_level = 0;
        findings.quiet = true;
        findings.keeper = std::move(*keeper);
        findings.before = before ? &*before : nullptr;
        try {
            daemon::Parts parts(*kernel_, std::move(findings));
            parts_ = &parts;
            number_.assign(parts.context.graph().size(), count_);
            for (unsigned i = 0; i < count_; ++i)
                number_[parts.context.graph().find(name_of(i))] = i;
            try {
                daemon::open(parts);
                std::vector<std::string> wanted;
                if (before) {
                    daemon::restore(parts, *before);
                    check_restored(parts);
                } else {
                    for (UnitId unit : parts.context.graph().ids())
                        wanted.push_back(parts.context.name(unit));
                }
                (void)daemon::live(parts, wanted);
            } catch (const Crash&) {
                if (kernel_->crashed_at_rest())
                    turn_ended();
                keep_descriptors(kept);
                throw;
            }
            parts_ = nullptr;
        } catch (const Crash&) {
            parts_ = nullptr;
            crashed = true;
            tell("PID 1 crashes before its call " + std::to_string(faults_.crash_at));
        }
    }
    totals_.turns += kernel_->turns();
    totals_.calls += kernel_->calls();
    for (const auto& [fd, copy] : kept) {
        if (crashed && ::dup3(copy, fd, O_CLOEXEC) < 0)
            wrong("a descriptor cannot be kept");
        ::close(copy);
    }
    if (crashed) {
        compare_ = kernel_->crashed_at_rest() && !machine_.has_zombies() && !last_.empty();
        machine_.pass(1ms); // as long as it takes
    }
    return !crashed;
}

// --- people -----------------------------------------------------------------------------------------------------------

void Life::come_again(Span after) {
    ask_at_ = machine_.now() + after;
    machine_.at(ask_at_, [] {}); // so that time does not pass it by
}

void Life::before_turn() {
    // A crash in the turn in which it was asked for may have been faster: then somebody asks again.
    const bool heard = shut_down_ && parts_->context.engine.halting();
    if (heard || machine_.now() < std::min(ask_at_, shut_down_at_))
        return;
    parts_->context.now = machine_.now();
    if (machine_.now() >= shut_down_at_) {
        shut_down_ = true;
        tell("somebody asks for the shutdown");
        parts_->machine.shutdown.begin(core::Ending::exit, 0);
    } else {
        ask();
        come_again(chance_.one_in(3) ? Span{0} : chance_.span(1ms, 10s));
    }
    parts_->turn.take();
    turn_ended();
}

void Life::ask() {
    ++totals_.commands;
    const UnitId unit = parts_->context.graph().find(name_of(static_cast<unsigned>(chance_.below(count_))));
    using Kind = core::Event::Kind;
    constexpr Kind kinds[] = {Kind::start,   Kind::wish,  Kind::stop,  Kind::stop,
                              Kind::restart, Kind::reset, Kind::reload};
    const Kind kind = kinds[chance_.below(std::size(kinds))];
    if (kind == Kind::reload && parts_->context.record(unit).phase != Phase::up)
        return; // the control socket refuses it
    tell("somebody asks (" + std::to_string(static_cast<int>(kind)) + ") of " + name_of(unit));
    parts_->context.apply({.kind = kind, .unit = unit});
}

// --- what must hold ---------------------------------------------------------------------------------------------------

// Whether the machine shows the unit to be up: its process is there and has said so, or it has done its work.
bool Life::is_up(UnitId id) const {
    const core::Unit& unit = parts_->context.unit(id);
    if (unit.kind == core::Kind::target) {
        for (const core::Edge& edge : parts_->context.graph().needs(id))
            if (edge.relation == core::Relation::requirement && !is_up(edge.unit) &&
                parts_->context.record(edge.unit).next != core::Next::again) // it stays up while a oneshot runs again
                return false;
        return true;
    }
    if (unit.service.type == core::ServiceType::oneshot)
        return machine_.done.contains(number_[id]);
    const Process* main = machine_.main_of(number_[id]);
    return main != nullptr && main->is_ready;
}

void Life::making(const os::Plan& plan) {
    ++totals_.starts;
    tell("PID 1 makes a process: " + std::string(plan.environment.get("MINIINIT_UNIT")) + " " +
         std::string(plan.arguments[1]));
    const std::string unit(plan.environment.get("MINIINIT_UNIT"));
    const std::string role(plan.arguments[1]);
    const UnitId id = parts_->context.graph().find(unit);
    if (const Process* other = machine_.main_of(number_[id]); role == "main" && other != nullptr && !other->zombie)
        wrong(unit + " is started while its process " + std::to_string(other->pid) + " runs");
    if (role == "probe")
        for (const auto& [pid, process] : machine_.processes())
            if (process->unit == unit && process->role == role && !process->zombie)
                wrong(unit + " is probed while its probe " + std::to_string(pid) + " runs");
    if (role == "main")
        machine_.done.erase(number_[id]);
    if (role != "main" && role != "pre-start")
        return;
    // What was decided in an earlier turn, or by an earlier program, may be overtaken: then it is stopped at once.
    if (parts_->context.record(id).since < machine_.now())
        return;
    if (parts_->context.unit(id).await && machine_.missing.contains(awaited_by(unit)))
        wrong(unit + " is started without what it awaits");
    for (const core::Edge& edge : parts_->context.graph().needs(id))
        if (edge.relation == core::Relation::requirement && !is_up(edge.unit))
            wrong(unit + " is started before " + parts_->context.name(edge.unit) + ", which it requires, is up");
}

void Life::signalling(const Process& process, int number) {
    tell("PID 1 sends signal " + std::to_string(number) + " to process " + std::to_string(process.pid) + " of " +
         process.unit + " (" + process.role + ")");
    if (process.role == "collector" || process.role == "probe" || number == SIGCONT || number == SIGHUP ||
        process.zombie)
        return;
    const UnitId id = parts_->context.graph().find(process.unit);
    const core::Record& record = parts_->context.record(id);
    const bool in_order = !parts_->context.engine.halting(); // else its time may be over
    if (in_order && (record.phase == Phase::up || record.phase == Phase::done || record.phase == Phase::down))
        wrong(process.unit + " is " + std::string(core::name(record.phase)) + ", and its process " +
              std::to_string(process.pid) + " (" + process.role + ") is sent signal " + std::to_string(number));
    if (number != SIGTERM || process.role != "main" || record.own_end != core::OwnEnd::none)
        return;
    for (const core::Edge& edge : parts_->context.graph().needed_by(id))
        if (edge.relation == core::Relation::requirement)
            if (const Process* user = machine_.main_of(number_[edge.unit]); user != nullptr && !user->zombie)
                wrong(process.unit + " is told to end while " + user->unit + ", which requires it, runs");
}

void Life::turn_ended() {
    check_processes();
    check_time();
    remember();
}

void Life::remember() {
    if (!told_ && !kernel_->crashes_soon())
        return;
    const daemon::Parts& parts = *parts_;
    last_.resize(parts.context.graph().size());
    last_halting_ = parts.context.engine.halting();
    for (UnitId unit : parts.context.graph().ids()) {
        const core::Record& record = parts.context.record(unit);
        if (told_ && record.phase != last_[unit].phase)
            tell(parts.context.name(unit) + ": " + std::string(core::name(last_[unit].phase)) + " -> " +
                 std::string(core::name(record.phase)) + ", process " + std::to_string(record.main_pid));
        last_[unit] = record;
    }
}

void Life::check_processes() const {
    for (UnitId unit = 0; unit < number_.size(); ++unit) {
        const std::int32_t known = parts_->context.record(unit).main_pid;
        const Process* main = machine_.main_of(number_[unit]);
        if (main != nullptr && !main->zombie && known != main->pid && known != core::pid_pending)
            wrong("the process " + std::to_string(main->pid) + " of " + main->unit + " runs, but PID 1 has " +
                  std::to_string(known) + " for it");
        if (known > 0 && (main == nullptr || main->pid != known))
            wrong(parts_->context.name(unit) + " has process " + std::to_string(known) + ", which does not exist");
    }
}

// Nothing takes longer than it may.
void Life::check_time() {
    constexpr Span slack = 1s;
    if (machine_.now() < look_at_)
        return;
    look_at_ = machine_.now() + 300ms;
    if (machine_.now() - machine_.oldest_end() > 5s)
        wrong("a process that has ended is not collected");
    for (UnitId unit : parts_->context.graph().ids()) {
        const core::Record& record = parts_->context.record(unit);
        const core::Service& service = parts_->context.unit(unit).service;
        const Span time = machine_.now() - record.since;
        if (auto gone = machine_.missing.find(awaited_by(parts_->context.name(unit)));
            gone != machine_.missing.end() && parts_->context.engine.counts(unit).held == 0 &&
            record.phase == Phase::up && parts_->context.unit(unit).await &&
            parts_->context.unit(unit).await->on_loss == core::Await::OnLoss::stop &&
            machine_.now() - gone->second > slack && time > slack)
            wrong(parts_->context.name(unit) + " is up without what it is to be up with only");
        if (record.phase == Phase::waiting && record.deadline < machine_.now() &&
            machine_.now() - record.deadline > slack)
            wrong(parts_->context.name(unit) + " waits for longer than its timeout");
        if (record.phase == Phase::starting && time > 4 * service.start_timeout + slack)
            wrong(parts_->context.name(unit) + " is starting for longer than its start-timeout");
        if (record.phase == Phase::stopping && time > 6 * service.stop_timeout + 2 * service.start_timeout + 10 * slack)
            wrong(parts_->context.name(unit) + " is stopping for longer than its stop-timeout");
        if (record.reason == core::Reason::exited && record.last_exit.kind == core::ExitStatus::Kind::none)
            wrong("how " + parts_->context.name(unit) + " has ended is forgotten");
        if (record.phase == Phase::failed && record.reason == core::Reason::exited &&
            service.type == core::ServiceType::oneshot && machine_.done.contains(number_[unit]))
            wrong(parts_->context.name(unit) + " has failed, though it has ended well");
        if (record.phase == Phase::backoff && record.hopeless)
            wrong(parts_->context.name(unit) + " is tried again, which cannot help");
        if (record.rounds > service.restart_limit + 1)
            wrong(parts_->context.name(unit) + " is started round a ring without end");
        if (record.phase == Phase::backoff && time > 2 * service.restart_delay_max)
            wrong(parts_->context.name(unit) + " is not tried again");
    }
    if (shut_down_ && machine_.now() > shut_down_at_ + longest_shutdown)
        wrong("the shutdown does not end");
}

void Life::stuck() {
    for (UnitId unit : parts_->context.graph().ids()) {
        const Phase phase = parts_->context.record(unit).phase;
        if (phase == Phase::starting || phase == Phase::stopping || phase == Phase::backoff)
            wrong("nothing is going to happen, but " + parts_->context.name(unit) + " is " +
                  std::string(core::name(phase)));
    }
    wrong("nothing is going to happen");
}

// What PID 1 knew at the end of a turn, it knows again. In the middle of one it may have done more than was saved.
void Life::check_restored(const daemon::Parts& parts) {
    if (!std::exchange(compare_, false))
        return;
    ++totals_.compared;
    if (parts.context.engine.halting() != last_halting_)
        wrong("the shutdown is forgotten");
    for (UnitId unit : parts.context.graph().ids()) {
        // What a unit waits for is looked at anew.
        core::Record before = last_[unit];
        if (before.phase == Phase::waiting && before.presence == core::Presence::there)
            before.presence = core::Presence::unknown;
        if (before != parts.context.record(unit))
            wrong(parts.context.name(unit) + " was " + std::string(core::name(last_[unit].phase)) +
                  " before the crash and is " + std::string(core::name(parts.context.record(unit).phase)) +
                  " after it, or something else of its record differs");
    }
}

void Life::check_end() const {
    if (seed_ % 4 == 0) // its time was short
        return;
    for (const auto& [pid, process] : machine_.processes())
        if (process->role != "collector")
            wrong("the process " + std::to_string(pid) + " of " + process->unit + " (" + process->role +
                  ") is left in the end");
}

} // namespace mi::sim
