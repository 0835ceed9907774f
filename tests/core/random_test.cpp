// Random units, random events, and what must be true whatever happens.
#include "calendar/timer.hpp"
#include "core/engine.hpp"
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace mi;
using namespace mi::core;

namespace {

// A world of fake processes around an engine, driven by one random generator; every violated rule is counted.
class RandomWorld {
public:
    RandomWorld(std::uint64_t seed, std::size_t units)
        : random_(seed), engine_(make_graph(units),
                                 {.parallel_starts = static_cast<std::uint32_t>(pick(3) == 0 ? 4 : 0), .seed = seed}) {
        tell({.kind = Event::Kind::start, .unit = engine_.graph().find("default")});
    }

    // A random thing happens.
    void happen() {
        now_ = now_ + std::chrono::milliseconds(pick(400));
        switch (pick(16)) {
        case 15: comes_or_goes(any_unit()); break;
        case 0: tell({.kind = Event::Kind::start, .unit = any_unit()}); break;
        case 1: tell({.kind = Event::Kind::stop, .unit = any_unit()}); break;
        case 2: tell({.kind = Event::Kind::restart, .unit = any_unit()}); break;
        case 3: tell({.kind = Event::Kind::reset, .unit = any_unit()}); break;
        case 4:
            if (pick(20) == 0)
                tell({.kind = Event::Kind::isolate, .unit = any_unit()});
            break;
        case 5:
        case 6: tell({.kind = Event::Kind::due}); break;
        case 7:
            if (UnitId id = any_unit(); armed_.contains(id))
                tell({.kind = pick(20) == 0 ? Event::Kind::overrun : Event::Kind::trigger, .unit = id});
            break;
        case 8: tell({.kind = Event::Kind::wish, .unit = any_unit()}); break;
        case 9: {
            constexpr Event::Kind says[]{Event::Kind::alive,      Event::Kind::hung,   Event::Kind::leaving,
                                         Event::Kind::watchdog,   Event::Kind::extend, Event::Kind::reloading,
                                         Event::Kind::freeze,     Event::Kind::thaw,   Event::Kind::line_matched,
                                         Event::Kind::probe_words};
            tell({.kind = says[pick(10)], .unit = any_unit(), .span = std::chrono::milliseconds(pick(3) * 300)});
            break;
        }
        default: move_a_process(); break;
        }
    }

    // Stops everything; true if it came to its end.
    bool shut_down() {
        tell({.kind = Event::Kind::shutdown});
        // A probe that was told to end is not waited for, and may be the last that is left.
        const auto is_ending = [](const auto& each) {
            return each.second.role == Role::probe && each.second.told_to_end;
        };
        for (int i = 0; i < 200'000 && (!halted_ || std::ranges::any_of(processes_, is_ending)); ++i) {
            now_ = now_ + std::chrono::milliseconds(50);
            tell({.kind = Event::Kind::due});
            move_a_process();
        }
        for (UnitId id = 0; id < engine_.graph().size(); ++id)
            if (const Record& record = engine_.record(id); active(record.phase))
                first += engine_.graph().name(id) + " is " + std::string(name(record.phase)) + " in stage " +
                         std::to_string(static_cast<int>(record.stage)) + " held by " +
                         std::to_string(engine_.counts(id).held) + "; ";
        for (const auto& [pid, process] : processes_)
            first += engine_.graph().name(process.unit) + " has a process as " + std::string(name(process.role)) + "; ";
        for (UnitId id : open_)
            first += engine_.graph().name(id) + " has open sockets; ";
        for (UnitId id : armed_)
            first += engine_.graph().name(id) + " is armed; ";
        return halted_ && processes_.empty() && open_.empty() && armed_.empty() && engine_.active_units() == 0;
    }

    int violations = 0;
    std::string first;
    [[nodiscard]] const Engine& engine() const { return engine_; }

private:
    struct Process {
        UnitId unit;
        Role role;
        bool told_to_end = false;
    };

    std::uint64_t pick(std::uint64_t below) { return random_() % below; }
    UnitId any_unit() { return static_cast<UnitId>(pick(engine_.graph().size())); }

    Graph make_graph(std::size_t count) {
        std::vector<Unit> units(count);
        auto name = [](std::size_t i) { return "u" + std::to_string(i); };
        for (std::size_t i = 0; i < count; ++i) {
            Unit& unit = units[i];
            unit.name = i == 0 ? "default" : name(i);
            unit.kind = i == 0 || pick(10) == 0 ? core::Kind::target : core::Kind::service;
            unit.service.type = static_cast<ServiceType>(pick(5));
            unit.service.restart = static_cast<RestartPolicy>(pick(4));
            unit.service.kill_mode = static_cast<KillMode>(pick(3));
            unit.service.stops_last = pick(6) == 0;
            unit.service.restart_limit = static_cast<std::uint32_t>(pick(4));
            unit.service.command = {"/bin/true"};
            if (pick(4) == 0) {
                unit.service.hooks = std::make_unique<Hooks>();
                if (pick(2) == 0)
                    unit.service.hooks->pre_start = {{"/a"}, {"/b"}};
                if (pick(2) == 0)
                    unit.service.hooks->stop = {{"/c"}};
                if (pick(2) == 0)
                    unit.service.hooks->post_start = {{"/c"}};
                if (pick(2) == 0)
                    unit.service.hooks->post_stop = {{"/d"}, {"/e"}};
            }
            if (unit.kind == core::Kind::service && unit.service.type != ServiceType::oneshot && pick(4) == 0) {
                unit.health = std::make_unique<HealthCheck>();
                unit.health->probe = pick(5) == 0 ? HealthCheck::Probe::log_line : HealthCheck::Probe::command;
                unit.health->action = static_cast<HealthCheck::Action>(pick(3));
                unit.health->interval = unit.health->timeout = std::chrono::milliseconds(100 + pick(400));
                unit.health->failures = static_cast<std::uint32_t>(1 + pick(2));
            }
            if (i != 0 && pick(6) == 0) {
                unit.await = std::make_unique<Await>();
                unit.await->things.push_back({Awaited::Kind::path, "/x"});
                unit.await->on_loss = static_cast<Await::OnLoss>(pick(2));
                unit.await->timeout = std::chrono::milliseconds(pick(2) * 2000);
            }
            if (pick(8) == 0)
                unit.conditions.push_back({Condition::Kind::first_boot, false, "true"});
            if (i != 0 && unit.kind == core::Kind::service && pick(5) == 0) {
                if (pick(2) == 0)
                    unit.timer = std::make_unique<calendar::Timer>();
                if (pick(2) == 0)
                    unit.listen.push_back({.address = "/run/" + unit.name, .accept = !unit.timer && pick(2) == 0});
                if (pick(2) == 0 && !unit.listen.empty() && !unit.timer)
                    unit.service.activation = Activation::on_demand;
                unit.service.watchdog = std::chrono::milliseconds(pick(2) * 500);
            }
            if (i == 0) {
                for (std::size_t j = 1; j < count; j += 1 + pick(3))
                    unit.dependencies.push_back({Relation::want, name(j)});
                continue;
            }
            // Mostly upwards, now and then anywhere: cycles are broken, not trusted.
            for (std::size_t n = pick(4); n > 0; --n) {
                std::size_t other = pick(40) == 0 || i + 1 == count ? 1 + pick(count - 1) : i + 1 + pick(count - i - 1);
                constexpr Relation kinds[]{Relation::requirement, Relation::requirement, Relation::want,
                                           Relation::milestone,   Relation::after,       Relation::conflict,
                                           Relation::on_failure};
                Relation kind = kinds[pick(30) == 0 ? 5 + pick(2) : pick(5)];
                if (other != i)
                    unit.dependencies.push_back({kind, name(other)});
            }
        }
        return Graph(std::move(units));
    }

    void violate(const std::string& what, UnitId id) {
        if (violations++ == 0)
            first = what + " " + engine_.graph().name(id);
    }

    void tell(const Event& event) {
        std::vector<Effect> effects = engine_.step(event, now_);
        check();
        std::vector<Event> answers;
        for (const Effect& effect : effects)
            perform(effect, answers);
        for (const Event& answer : answers)
            tell(answer);
    }

    void check() {
        if (!engine_.consistent())
            violate("facts are not what the records give, after", 0);
        // A copy that hears of no change but those that the engine names.
        engine_.take_changes(changes_);
        copy_.resize(engine_.graph().size());
        if (changes_.all)
            copy_ = engine_.records();
        for (UnitId id : changes_.units)
            copy_[id] = engine_.record(id);
        for (UnitId id = 0; id < copy_.size(); ++id)
            if (!(copy_[id] == engine_.record(id)))
                violate("changed without saying so:", id);
    }

    Engine::Changes changes_;
    std::vector<Record> copy_;

    void perform(const Effect& effect, std::vector<Event>& answers) {
        UnitId id = effect.unit;
        switch (effect.kind) {
        case Effect::Kind::check_conditions:
            answers.push_back({.kind = pick(4) == 0   ? Event::Kind::condition_unmet
                                       : pick(8) == 0 ? Event::Kind::conditions_unknown
                                                      : Event::Kind::conditions_met,
                               .unit = id});
            break;
        case Effect::Kind::open_sockets:
            if (pick(10) == 0) {
                answers.push_back({.kind = Event::Kind::sockets_failed, .unit = id});
                break;
            }
            open_.insert(id);
            answers.push_back({.kind = Event::Kind::sockets_opened, .unit = id});
            break;
        case Effect::Kind::close_sockets:
            if (open_.erase(id) == 0)
                violate("closes sockets that are not open:", id);
            break;
        case Effect::Kind::arm: armed_.insert(id); break;
        case Effect::Kind::disarm:
            if (armed_.erase(id) == 0)
                violate("disarmed without having been armed:", id);
            break;
        case Effect::Kind::spawn: {
            if (effect.role == Role::main && triggered(engine_.graph().unit(id)) && !armed_.contains(id))
                violate("run without having been armed:", id);
            if (effect.role == Role::main && !engine_.graph().unit(id).listen.empty() && !open_.contains(id))
                violate("run without its sockets:", id);
            if (effect.role == Role::main || effect.role == Role::pre_start)
                may_start(id);
            if (pick(15) == 0) {
                answers.push_back(
                    {.kind = Event::Kind::spawn_failed, .unit = id, .role = effect.role, .lasts = pick(2) == 0});
                break;
            }
            for (const auto& [pid, process] : processes_)
                if (process.unit == id && process.role == effect.role)
                    violate("two processes for " + std::string(name(effect.role)) + " of", id);
            processes_[++last_pid_] = {id, effect.role};
            answers.push_back({.kind = Event::Kind::spawned, .unit = id, .role = effect.role, .pid = last_pid_});
            break;
        }
        case Effect::Kind::await_pid_file:
            if (pick(3) != 0) {
                processes_[++last_pid_] = {id, Role::main};
                answers.push_back({.kind = Event::Kind::main_pid, .unit = id, .pid = last_pid_});
            }
            break;
        case Effect::Kind::signal:
            if (effect.role == Role::probe) {
                for (auto& [pid, process] : processes_)
                    if (process.unit == id && process.role == Role::probe)
                        process.told_to_end = true;
                break;
            }
            if (engine_.record(id).phase == Phase::stopping && engine_.record(id).own_end == OwnEnd::none)
                may_stop(id);
            for (auto& [pid, process] : processes_)
                if (process.unit == id && (effect.number == 9 || pick(4) != 0))
                    process.told_to_end = true;
            break;
        case Effect::Kind::sweep: {
            bool left = false;
            for (auto& [pid, process] : processes_)
                if (process.unit == id) {
                    process.told_to_end = process.told_to_end || effect.number == 9 || pick(2) == 0;
                    left = true;
                }
            if (left)
                sweeping_[id] = true;
            else
                answers.push_back({.kind = Event::Kind::emptied, .unit = id});
            break;
        }
        case Effect::Kind::halt: halted_ = true; break;
        case Effect::Kind::changed:
            if (good(effect.to))
                was_good_.insert(id);
            if (effect.to == Phase::waiting && engine_.graph().unit(id).await)
                answers.push_back(
                    {.kind = absent_.contains(id) ? Event::Kind::something_missing : Event::Kind::all_there,
                     .unit = id});
            break;
        case Effect::Kind::release:
        case Effect::Kind::health:
        case Effect::Kind::conclude: break;
        }
    }

    void comes_or_goes(UnitId id) {
        if (!engine_.graph().unit(id).await)
            return;
        const bool comes = absent_.erase(id) != 0;
        if (!comes)
            absent_.insert(id);
        tell({.kind = comes ? Event::Kind::all_there : Event::Kind::something_missing, .unit = id});
        const Record& record = engine_.record(id);
        if (!comes && engine_.graph().unit(id).await->on_loss == Await::OnLoss::stop &&
            (record.phase == Phase::up || record.phase == Phase::done) && engine_.counts(id).held == 0 &&
            record.next != Next::keep)
            violate("goes on without what it has lost:", id);
    }

    // The properties themselves.
    void may_start(UnitId id) {
        for (const Edge& edge : engine_.graph().needs(id)) {
            const Record& other = engine_.record(edge.unit);
            if (edge.relation == Relation::requirement && !good(other))
                violate("started before what it requires is up:", id);
            if (edge.relation == Relation::milestone && !good(other.phase) && !was_good_.contains(edge.unit))
                violate("started before its milestone:", id);
        }
        for (UnitId other : engine_.graph().conflicts(id))
            if (active(engine_.record(other).phase))
                violate("started beside what it conflicts with:", id);
    }
    void may_stop(UnitId id) {
        for (const Edge& edge : engine_.graph().needed_by(id))
            if (edge.relation == Relation::requirement && active(engine_.record(edge.unit).phase))
                violate("stopped before what requires it:", id);
    }

    void move_a_process() {
        if (processes_.empty())
            return;
        auto at = processes_.lower_bound(static_cast<int>(pick(static_cast<std::uint64_t>(last_pid_) + 1)));
        if (at == processes_.end())
            at = processes_.begin();
        auto [pid, process] = *at;
        Phase phase = engine_.record(process.unit).phase;
        if (!process.told_to_end && process.role == Role::main && phase == Phase::starting && pick(2) == 0 &&
            engine_.graph().unit(process.unit).service.type != ServiceType::oneshot) {
            tell({.kind = Event::Kind::ready, .unit = process.unit});
            return;
        }
        if (!process.told_to_end && process.role == Role::main && phase == Phase::up && pick(4) != 0)
            return;
        UnitId unit = process.unit;
        Role role = process.role;
        ExitStatus exit = process.told_to_end ? ExitStatus::signal(15) : ExitStatus::code(pick(3) == 0 ? 1 : 0);
        processes_.erase(at);
        tell({.kind = Event::Kind::exited, .unit = unit, .role = role, .pid = pid, .exit = exit});
        if (sweeping_.contains(unit)) {
            for (const auto& [other, left] : processes_)
                if (left.unit == unit)
                    return;
            sweeping_.erase(unit);
            tell({.kind = Event::Kind::emptied, .unit = unit});
        }
    }

    std::mt19937_64 random_;
    Instant now_{std::chrono::seconds(1)};
    std::map<int, Process> processes_;
    std::map<UnitId, bool> sweeping_;
    std::set<UnitId> was_good_, open_, armed_, absent_;
    int last_pid_ = 0;
    bool halted_ = false;
    Engine engine_;
};

} // namespace

TEST_CASE("300 random units under 1,000 seeds keep their order, and shutdown always ends") {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        RandomWorld world(seed, 300);
        for (int i = 0; i < 250; ++i)
            world.happen();
        bool ended = world.shut_down();
        CAPTURE(seed);
        CAPTURE(world.first);
        REQUIRE(world.violations == 0);
        REQUIRE(ended);
    }
}
