// A world around the engine for telling stories: units in the language users write, fake processes, a fake clock.
// Nothing moves by itself: a process becomes ready, ends or leaves something behind when the story says so; only
// SIGKILL works at once. What the engine asks for in the meantime can be looked at.
//
// A bare unit (no [service], no [target]) is a service of type notify, so that a story decides when it is up.
#pragma once

#include "base/signals.hpp"
#include "base/text.hpp"
#include "config/load.hpp"
#include "core/engine.hpp"
#include "core/explain.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::core {

// "100ms", "3s", "2min", "1h": as much of the durations of unit files as stories need.
inline Span duration(std::string_view text) {
    std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    auto number = to_number<std::int64_t>(text.substr(0, digits));
    REQUIRE(number);
    std::string_view unit = text.substr(digits);
    if (unit == "ms")
        return std::chrono::milliseconds(*number);
    if (unit == "s")
        return std::chrono::seconds(*number);
    if (unit == "min")
        return std::chrono::minutes(*number);
    REQUIRE(unit == "h");
    return std::chrono::hours(*number);
}

inline std::vector<Unit> units_of(std::string_view toml) {
    config::Loaded loaded = config::read_bundle(toml, "test.toml", config::Source{.bare_is_service = true});
    for (Unit& unit : loaded.units)
        if (unit.kind == Kind::service && unit.service.command == Command{"/bin/true"} && !unit.service.hooks)
            unit.service.type = ServiceType::notify;
    return std::move(loaded.units);
}

// The words of `text` in alphabetical order, for what has no order of its own.
inline std::string sorted(std::string_view text) {
    std::vector<std::string_view> words = split(text, ' ');
    std::sort(words.begin(), words.end());
    std::string line;
    for (std::string_view word : words)
        line += (line.empty() ? "" : " ") + std::string(word);
    return line;
}

class World {
public:
    explicit World(std::string_view toml, Engine::Settings settings = {}) : World(units_of(toml), settings) {}
    explicit World(std::vector<Unit> units, Engine::Settings settings = {})
        : engine_(Graph(std::move(units)), settings) {}
    // One in which every process obeys, and these units were asked for and came up, one after the other.
    [[nodiscard]] static World all_up(std::string_view toml, std::initializer_list<const char*> names) {
        World world(toml);
        world.obedient();
        for (const char* name : names) {
            world.ask(name);
            world.ready(name);
        }
        return world;
    }

    // --- what people ask ---
    void ask(const std::string& unit) { happen({.kind = Event::Kind::start, .unit = id(unit)}); }
    void wish(const std::string& unit) { happen({.kind = Event::Kind::wish, .unit = id(unit)}); }
    void stop(const std::string& unit) { happen({.kind = Event::Kind::stop, .unit = id(unit)}); }
    void restart(const std::string& unit) { happen({.kind = Event::Kind::restart, .unit = id(unit)}); }
    void reload(const std::string& unit) { happen({.kind = Event::Kind::reload, .unit = id(unit)}); }
    void reset(const std::string& unit) { happen({.kind = Event::Kind::reset, .unit = id(unit)}); }
    void isolate(const std::string& unit) { happen({.kind = Event::Kind::isolate, .unit = id(unit)}); }
    void shut_down() { happen({.kind = Event::Kind::shutdown}); }
    void leave() { happen({.kind = Event::Kind::leave}); }
    // The unit files were read again.
    void reread(std::string_view toml) {
        std::vector<std::string> names;
        for (UnitId each = 0; each < engine_.graph().size(); ++each)
            names.push_back(engine_.graph().name(each));
        for (UnitId gone : engine_.replace(units_of(toml), now_))
            CHECK(engine_.graph().find(names[gone]) == no_unit);
        for (UnitId each = 0; each < names.size(); ++each)
            CHECK(engine_.graph().name(each) == names[each]);
        follow();
    }
    void add(std::string_view toml) {
        for (Unit& unit : units_of(toml))
            engine_.add(std::move(unit), now_);
        follow();
    }

    // --- what the world does ---
    // The unit says that it is ready; a oneshot does so by ending well.
    void ready(const std::string& unit) {
        if (engine_.graph().unit(id(unit)).service.type == ServiceType::oneshot)
            exit(unit, 0);
        else
            happen({.kind = Event::Kind::ready, .unit = id(unit)});
    }
    void says(const std::string& unit, Event::Kind what, Span span = {}) {
        happen({.kind = what, .unit = id(unit), .span = span});
    }
    // A connection waits, or the time has come.
    void trigger(const std::string& unit) { happen({.kind = Event::Kind::trigger, .unit = id(unit)}); }
    // The main process ends, or the command around it that is running.
    void exit(const std::string& unit, int code = 0) { end(unit, Role::main, ExitStatus::code(code)); }
    void die(const std::string& unit, int signal) { end(unit, Role::main, ExitStatus::signal(signal)); }
    // The kernel kills it for want of memory: of what its limit, or somebody else's, left it.
    void starve(const std::string& unit, const std::string& limit, Role role = Role::main) {
        end(unit, role, {ExitStatus::Kind::signal, false, true, 9}, limit);
    }
    void hook_exit(const std::string& unit, int code = 0) {
        end(unit, engine_.record(id(unit)).hook, ExitStatus::code(code));
    }
    // The health probe of the unit that runs ends; the line that its log-line waits for has come.
    void probe_exit(const std::string& unit, int code = 0) { end(unit, Role::probe, ExitStatus::code(code)); }
    void line(const std::string& unit) { happen({.kind = Event::Kind::line_matched, .unit = id(unit)}); }
    void probe_said(const std::string& unit, const std::string& words) {
        happen({.kind = Event::Kind::probe_words, .unit = id(unit), .detail = words});
    }
    void pid_file(const std::string& unit) {
        processes_.push_back({++last_pid_, unit, Role::main});
        happen({.kind = Event::Kind::main_pid, .unit = id(unit), .pid = last_pid_});
    }
    void doubt(const std::string& unit, const std::string& words) {
        happen({.kind = Event::Kind::doubted, .unit = id(unit), .detail = words});
    }
    // A process of the unit that nobody knows; only SIGKILL ends it, or the story.
    void leave_behind(const std::string& unit) { processes_.push_back({++last_pid_, unit, Role::none}); }
    void leftovers_end(const std::string& unit) {
        std::erase_if(processes_,
                      [&](const Process& process) { return process.unit == unit && process.role == Role::none; });
        answer_sweeps();
        follow();
    }
    // Time goes by, one deadline after the other.
    void pass(std::string_view span) {
        Instant until = now_ + duration(span);
        for (Instant next = engine_.next_deadline(); next <= until; next = engine_.next_deadline()) {
            now_ = std::max(now_, next);
            happen({.kind = Event::Kind::due});
        }
        now_ = until;
    }
    // From now on every process of `unit` (or of all) ends when it is told to.
    void obedient(const std::string& unit = {}) { obedient_.insert(unit); }
    // From now on not even SIGKILL ends a process of the unit before the story says so.
    void linger(const std::string& unit) { lingering_.insert(unit); }
    // From now on conditions of the unit do not hold; the processes of the unit cannot be made.
    void unmet(const std::string& unit, const std::string& which) { unmet_[unit] = which; }
    void met(const std::string& unit) { unmet_.erase(unit), unknown_.erase(unit); }
    void unknown(const std::string& unit, const std::string& why) { unknown_[unit] = why; }
    void refuse(const std::string& unit, const std::string& why) { refused_[unit] = why; }
    // The same, and it will be so until somebody changes something.
    void refuse_for_good(const std::string& unit, const std::string& why) {
        refuse(unit, why);
        for_good_.insert(unit);
    }
    void permit(const std::string& unit) { refused_.erase(unit), for_good_.erase(unit); }
    // From now on sockets of the unit cannot be opened; from now on they can.
    void occupy(const std::string& unit, const std::string& why) { unbound_[unit] = why; }
    void vacate(const std::string& unit) { unbound_.erase(unit); }
    // What [await] of the unit names goes, or was never there; it comes.
    void lacks(const std::string& unit, const std::string& what) {
        lacking_[unit] = what;
        happen({.kind = Event::Kind::something_missing, .unit = id(unit), .detail = what});
    }
    void comes(const std::string& unit) {
        lacking_.erase(unit);
        happen({.kind = Event::Kind::all_there, .unit = id(unit)});
    }
    // From now on nobody looks whether it is there.
    void look_away() { looking_ = false; }

    // --- what can be seen ---
    // The units with a main process, in the order in which they were started.
    [[nodiscard]] std::string running() const {
        std::string names;
        for (const Process& process : processes_)
            if (process.role == Role::main)
                add_word(names, process.unit);
        return names;
    }
    // What was started since the last look: "db", or "db/pre-start" for a command around it.
    std::string spawned() { return std::exchange(spawned_, {}); }
    // Signals since the last look: "db:TERM", "db:TERM+" where all of its processes get it, "db:KILL~" for a sweep.
    std::string signals() { return std::exchange(signals_, {}); }
    std::string concluded() { return std::exchange(concluded_, {}); }
    // With which exit code the last of these is to end a container.
    [[nodiscard]] int exit_code() const { return exit_code_; }
    [[nodiscard]] std::string phase(const std::string& unit) const { return std::string(name(record(unit).phase)); }
    [[nodiscard]] const Record& record(const std::string& unit) const { return engine_.record(id(unit)); }
    [[nodiscard]] std::string why(const std::string& unit) const {
        std::string chain;
        for (const std::string& sentence : explain(engine_, id(unit)))
            add_word(chain, sentence);
        return chain;
    }
    [[nodiscard]] bool halted() const { return halted_; }
    // Units whose sockets are open, and units whose trigger is awaited, in alphabetical order.
    [[nodiscard]] std::string open() const { return words_of(open_); }
    [[nodiscard]] std::string armed() const { return words_of(armed_); }
    // How often the unit was armed.
    [[nodiscard]] int arms(const std::string& unit) const { return arms_.contains(unit) ? arms_.at(unit) : 0; }
    // The changes of phase since the last look: "db:waiting db:starting".
    std::string changes() { return std::exchange(changes_, {}); }
    [[nodiscard]] std::size_t effects() const { return effects_; }
    [[nodiscard]] Engine& engine() { return engine_; }
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] UnitId id(const std::string& unit) const {
        UnitId found = engine_.graph().find(unit);
        INFO(unit);
        REQUIRE(found != no_unit);
        return found;
    }
    // Another engine that was given these records by name, as after a restart of init.
    struct Copy {
        Engine engine;
        [[nodiscard]] std::string phase(const std::string& unit) const {
            return std::string(name(engine.record(engine.graph().find(unit)).phase));
        }
    };
    [[nodiscard]] Copy copy(std::vector<Unit> units) const {
        std::vector<std::pair<UnitId, Record>> records;
        Graph::Names names;
        for (UnitId each : engine_.graph().ids()) {
            records.emplace_back(each, engine_.record(each));
            names.emplace_back(each, engine_.graph().name(each));
        }
        Copy made{Engine(Graph(std::move(units), std::move(names)), {})};
        made.engine.restore(records, engine_.halt(), now_);
        return made;
    }

private:
    struct Process {
        int pid;
        std::string unit;
        Role role;
    };
    struct Sweep {
        Effect::Scope scope;
    };

    // Whether the world is small enough for its rules to be checked at every step.
    [[nodiscard]] bool small() const { return engine_.graph().size() < 200; }
    static std::string words_of(const std::set<std::string>& units) {
        std::string names;
        for (const std::string& unit : units)
            add_word(names, unit);
        return names;
    }
    static void add_word(std::string& to, std::string_view word) {
        if (!to.empty())
            to += ' ';
        to += word;
    }
    [[nodiscard]] bool obeys(const std::string& unit) const {
        return obedient_.contains("") || obedient_.contains(unit);
    }

    void happen(const Event& event) {
        take(engine_.step(event, now_));
        follow();
    }
    void end(const std::string& unit, Role role, ExitStatus status, const std::string& detail = {}) {
        auto at = std::find_if(processes_.begin(), processes_.end(),
                               [&](const Process& process) { return process.unit == unit && process.role == role; });
        INFO(unit, " has no process as ", name(role));
        REQUIRE(at != processes_.end());
        int pid = at->pid;
        processes_.erase(at);
        happen({.kind = Event::Kind::exited,
                .unit = id(unit),
                .role = role,
                .pid = pid,
                .exit = status,
                .detail = detail});
        answer_sweeps();
        follow();
    }

    void take(std::vector<Effect> effects) {
        if (small())
            REQUIRE(engine_.consistent());
        effects_ += effects.size();
        for (const Effect& effect : effects)
            perform(effect);
    }
    // Gives the answers that are due, and those that they lead to.
    void follow() {
        take(engine_.take_effects());
        while (!answers_.empty()) {
            Event event = std::move(answers_.front());
            answers_.pop_front();
            take(engine_.step(event, now_));
        }
    }

    void perform(const Effect& effect) {
        UnitId unit = effect.unit;
        std::string called = unit == no_unit ? std::string() : engine_.graph().name(unit);
        switch (effect.kind) {
        case Effect::Kind::check_conditions:
            if (auto at = unknown_.find(called); at != unknown_.end())
                answers_.push_back({.kind = Event::Kind::conditions_unknown, .unit = unit, .detail = at->second});
            else if (auto why = unmet_.find(called); why != unmet_.end())
                answers_.push_back({.kind = Event::Kind::condition_unmet, .unit = unit, .detail = why->second});
            else
                answers_.push_back({.kind = Event::Kind::conditions_met, .unit = unit});
            break;
        case Effect::Kind::open_sockets:
            if (auto at = unbound_.find(called); at != unbound_.end())
                answers_.push_back({.kind = Event::Kind::sockets_failed, .unit = unit, .detail = at->second});
            else {
                answers_.push_back({.kind = Event::Kind::sockets_opened, .unit = unit});
                open_.insert(called);
            }
            break;
        case Effect::Kind::close_sockets: open_.erase(called); break;
        case Effect::Kind::arm:
            armed_.insert(called);
            ++arms_[called];
            break;
        case Effect::Kind::disarm: armed_.erase(called); break;
        case Effect::Kind::spawn: spawn(effect, called); break;
        case Effect::Kind::await_pid_file: break;
        case Effect::Kind::signal: signal(effect, called); break;
        case Effect::Kind::sweep: {
            bool anything = false;
            for (const Process& process : processes_)
                anything = anything || (process.unit == called &&
                                        (effect.scope == Effect::Scope::everything || process.role != Role::none));
            if (anything)
                add_word(signals_, called + ":" + signal_name(effect.number).substr(3) + "~");
            sweeps_[called] = {effect.scope};
            end_told(called, effect.number,
                     [&](Role role) { return effect.scope == Effect::Scope::everything || role != Role::none; });
            answer_sweeps();
            break;
        }
        case Effect::Kind::changed:
            add_word(changes_, called + ":" + std::string(name(effect.to)));
            if (looking_ && effect.to == Phase::waiting && engine_.graph().unit(unit).await) {
                auto at = lacking_.find(called);
                const bool there = at == lacking_.end();
                answers_.push_back({.kind = there ? Event::Kind::all_there : Event::Kind::something_missing,
                                    .unit = unit,
                                    .detail = there ? "" : at->second});
            }
            break;
        case Effect::Kind::release: break;
        case Effect::Kind::health: add_word(changes_, called + ":" + std::string(name(record(called).health))); break;
        case Effect::Kind::conclude: {
            static constexpr const char* words[] = {"none", "poweroff", "reboot", "halt", "kexec", "exit"};
            add_word(concluded_, called + ":" + words[static_cast<int>(effect.ending)]);
            exit_code_ = effect.number;
            break;
        }
        case Effect::Kind::halt: halted_ = true; break;
        }
    }

    void spawn(const Effect& effect, const std::string& called) {
        for (const Edge& edge : engine_.graph().needs(effect.unit))
            if (edge.relation == Relation::requirement &&
                (effect.role == Role::main || effect.role == Role::pre_start)) {
                INFO(called, " is started before ", engine_.graph().name(edge.unit));
                REQUIRE(good(engine_.record(edge.unit)));
            }
        for (std::size_t i = small() ? 0 : processes_.size(); i < processes_.size(); ++i) {
            const Process& process = processes_[i];
            INFO(called, " is given a second process as ", name(effect.role));
            REQUIRE_FALSE((process.unit == called && process.role == effect.role));
        }
        if (auto at = refused_.find(effect.role == Role::probe ? called + "/probe" : called); at != refused_.end()) {
            answers_.push_back({.kind = Event::Kind::spawn_failed,
                                .unit = effect.unit,
                                .role = effect.role,
                                .detail = at->second,
                                .lasts = for_good_.contains(at->first)});
            return;
        }
        add_word(spawned_, effect.role == Role::main ? called : called + "/" + std::string(name(effect.role)));
        processes_.push_back({++last_pid_, called, effect.role});
        answers_.push_back({.kind = Event::Kind::spawned, .unit = effect.unit, .role = effect.role, .pid = last_pid_});
    }

    void signal(const Effect& effect, const std::string& called) {
        bool everything = effect.scope == Effect::Scope::everything;
        if (effect.role == Role::probe) {
            add_word(signals_, called + ":probe");
            return end_told(called, effect.number, [](Role role) { return role == Role::probe; });
        }
        add_word(signals_, called + ":" + signal_name(effect.number).substr(3) + (everything ? "+" : ""));
        bool ends = engine_.record(effect.unit).phase == Phase::stopping || effect.number == 9;
        if (effect.role == Role::reload)
            end_told(called, effect.number, [](Role role) { return role == Role::reload; });
        else if (ends && everything)
            end_told(called, effect.number, [](Role) { return true; });
        else if (ends)
            end_told(called, effect.number,
                     [main = has_main(called)](Role role) { return main ? role == Role::main : role != Role::none; });
    }
    [[nodiscard]] bool has_main(const std::string& called) const {
        return std::any_of(processes_.begin(), processes_.end(), [&](const Process& process) {
            return process.unit == called && process.role == Role::main;
        });
    }
    // Those processes in a role that is `meant` which end of such a signal do.
    void end_told(const std::string& called, int number, auto meant) {
        for (auto at = processes_.begin(); at != processes_.end();) {
            bool ends = number == 9 ? !lingering_.contains(called) : obeys(called) && at->role != Role::none;
            if (at->unit != called || !meant(at->role) || !ends) {
                ++at;
                continue;
            }
            if (at->role != Role::none)
                answers_.push_back({.kind = Event::Kind::exited,
                                    .unit = id(called),
                                    .role = at->role,
                                    .pid = at->pid,
                                    .exit = ExitStatus::signal(number)});
            at = processes_.erase(at);
        }
    }
    void answer_sweeps() {
        for (auto at = sweeps_.begin(); at != sweeps_.end();) {
            bool left = std::any_of(processes_.begin(), processes_.end(), [&](const Process& process) {
                return process.unit == at->first &&
                       (at->second.scope == Effect::Scope::everything || process.role != Role::none);
            });
            if (left) {
                ++at;
                continue;
            }
            answers_.push_back({.kind = Event::Kind::emptied, .unit = id(at->first)});
            at = sweeps_.erase(at);
        }
    }

    Engine engine_;
    Instant now_{std::chrono::seconds(1)};
    std::vector<Process> processes_;
    std::map<std::string, Sweep> sweeps_;
    std::map<std::string, std::string> unmet_, unknown_, refused_, unbound_, lacking_;
    std::set<std::string> for_good_; // of those in refused_
    std::set<std::string> obedient_, lingering_, open_, armed_;
    std::map<std::string, int> arms_;
    std::deque<Event> answers_;
    std::string spawned_, signals_, concluded_, changes_;
    int exit_code_ = -1;
    std::size_t effects_ = 0;
    int last_pid_ = 100;
    bool halted_ = false, looking_ = true;
};

} // namespace mi::core
