// All graphs of three services with at most one edge between two of them, and all that can happen to them up to a depth. What
// random tests come across only by chance is met here for certain.
//
// A state is the records, the processes and the way down. The engine is restored from it for every move, and what comes of that
// is held against an engine that has lived through the whole path.
#include "core/engine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

using namespace mi;
using namespace mi::core;

namespace {

constexpr UnitId units = 3;
// How many moves are made one after the other from where all units are down; and from where all are up that can be.
struct Depth {
    int from_down, from_up;
};
// There are four times as many graphs of three edges as of fewer.
constexpr Depth depth_of_fewer_edges{4, 3}, depth_of_three_edges{3, 2};

// --- graphs -----------------------------------------------------------------------------------------------------------

// What is between two units, of which `reverse` says which has it in its file.
struct Link {
    std::optional<Relation> relation;
    bool reverse = false;
    bool operator==(const Link&) const = default;
};

// `before` stands for `after` the other way round, and a conflict has no direction.
constexpr std::array<Link, 16> links{{{},
                                      {Relation::requirement, false},
                                      {Relation::requirement, true},
                                      {Relation::want, false},
                                      {Relation::want, true},
                                      {Relation::milestone, false},
                                      {Relation::milestone, true},
                                      {Relation::after, false},
                                      {Relation::before, false},
                                      {Relation::conflict, false},
                                      {Relation::on_failure, false},
                                      {Relation::on_failure, true},
                                      {Relation::on_success, false},
                                      {Relation::on_success, true},
                                      {Relation::part_of, false},
                                      {Relation::part_of, true}}};

// Which of `links` is between 0 and 1, 0 and 2, 1 and 2.
using Shape = std::array<std::size_t, 3>;
constexpr std::array<std::array<UnitId, 2>, 3> pairs{{{0, 1}, {0, 2}, {1, 2}}};

std::size_t reversed(std::size_t link) {
    const auto relation = links[link].relation;
    if (!relation || relation == Relation::conflict)
        return link;
    if (relation == Relation::after || relation == Relation::before)
        return link == 7 ? 8 : 7;
    return links[link].reverse ? link - 1 : link + 1;
}

// Whether no other numbering of the units gives a shape that is earlier: the units are alike, so one of each is enough.
bool is_first_of_its_kind(const Shape& shape) {
    std::array<UnitId, 3> order{0, 1, 2};
    do {
        Shape other{};
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const UnitId a = order[pairs[i][0]], b = order[pairs[i][1]];
            const std::size_t at = a + b - 1; // 0 and 1, 0 and 2, 1 and 2
            other[at] = a < b ? shape[i] : reversed(shape[i]);
        }
        if (other < shape)
            return false;
    } while (std::next_permutation(order.begin(), order.end()));
    return true;
}

std::string name_of(UnitId unit) { return std::string(1, static_cast<char>('a' + unit)); }

Graph graph_of(const Shape& shape) {
    std::vector<Unit> made(units);
    for (UnitId unit = 0; unit < units; ++unit) {
        made[unit].name = name_of(unit);
        Service& service = made[unit].service;
        service.type = ServiceType::notify;
        service.command = {"/bin/true"};
        service.restart_limit = 1;
        service.restart_delay = std::chrono::microseconds(1); // so short that nothing is added to it at random
    }
    for (std::size_t i = 0; i < pairs.size(); ++i)
        if (const Link& link = links[shape[i]]; link.relation)
            made[pairs[i][link.reverse ? 1 : 0]].dependencies.push_back(
                {*link.relation, name_of(pairs[i][link.reverse ? 0 : 1])});
    return Graph(std::move(made));
}

std::string words_of(const Shape& shape) {
    constexpr std::array<std::string_view, 12> words{"requires",   "wants",      "milestones",  "after",
                                                     "before",     "conflicts",  "required-by", "wanted-by",
                                                     "on-failure", "on-success", "part-of",     "reload-with"};
    std::string text;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        if (const Link& link = links[shape[i]]; link.relation)
            text += name_of(pairs[i][link.reverse ? 1 : 0]) + " " +
                    std::string(words[static_cast<std::size_t>(*link.relation)]) + " " +
                    name_of(pairs[i][link.reverse ? 0 : 1]) + "; ";
    return text;
}

// --- moves ------------------------------------------------------------------------------------------------------------

struct Move {
    enum class Kind : std::uint8_t {
        start,
        stop,
        restart,
        ready,
        exit_well,
        exit_badly,
        exit_leaving, // badly, and something of it lives on
        leftovers_end,
        deadline,
        shutdown,
    };
    Kind kind;
    UnitId unit = no_unit;
};

std::string words_of(Move move) {
    constexpr std::array<std::string_view, 12> words{
        "start",         "stop",     "restart", "ready", "exit well", "exit badly", "exit badly and leave something",
        "leftovers end", "deadline", "shutdown"};
    return std::string(words[static_cast<std::size_t>(move.kind)]) +
           (move.unit == no_unit ? "" : " " + name_of(move.unit));
}

// What lives of a unit, and what was done about it.
struct Processes {
    bool main = false;
    bool told = false; // to end
    bool leftovers = false;
    bool swept = false; // the engine waits for the end of all
    bool operator==(const Processes&) const = default;
};

struct State {
    std::array<Record, units> records;
    std::array<Processes, units> processes{};
    Engine::Halt halt = Engine::Halt::no;
    Instant now{std::chrono::seconds(1)};
    std::size_t parent = 0; // in the list of all
    Move move{};
    int left = 0; // moves that may follow
};

// Of all that the engine's decisions depend on; not of words, and of moments only how far off they are.
std::uint64_t hash_of(const State& state) {
    std::uint64_t hash = static_cast<std::uint64_t>(state.halt) + 1;
    auto mix = [&hash](std::uint64_t more) {
        hash = (hash ^ more) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    };
    for (UnitId unit = 0; unit < units; ++unit) {
        const Record& record = state.records[unit];
        const Processes& processes = state.processes[unit];
        std::uint64_t bits = 0;
        for (bool bit : {record.came_up, processes.main, processes.told, processes.leftovers, processes.swept,
                         record.main_pid != 0})
            bits = bits << 1 | bit;
        mix(bits << 56 | static_cast<std::uint64_t>(record.next) << 48 |
            static_cast<std::uint64_t>(record.own_end) << 40 | static_cast<std::uint64_t>(record.phase) << 32 |
            static_cast<std::uint64_t>(record.stage) << 24 | static_cast<std::uint64_t>(record.reason) << 16 |
            static_cast<std::uint64_t>(record.asked) << 8 | record.tries);
        mix(record.deadline == never ? 0 : static_cast<std::uint64_t>((record.deadline - state.now).count()) + 1);
    }
    return hash;
}

// --- the walk ---------------------------------------------------------------------------------------------------------

class Walk {
public:
    explicit Walk(const Shape& shape) : shape_(shape), engine_(graph_of(shape), {}), living_(graph_of(shape), {}) {}

    void walk(Depth depth) {
        State down;
        for (UnitId unit = 0; unit < units; ++unit)
            down.records[unit] = engine_.record(unit);
        restore(down);
        down.left = depth.from_down;
        add(down);
        add_all_up(depth.from_up);
        for (; !to_follow_.empty() && mistake.empty(); to_follow_.pop_front())
            follow(to_follow_.front());
    }

    [[nodiscard]] std::size_t states() const { return states_.size(); }
    std::size_t moves = 0;
    std::string mistake; // the first

private:
    // The moves that are possible, each tried.
    void follow(std::size_t at) {
        for (Move move : moves_of(states_[at])) {
            ++moves;
            go(at, move, states_[at].left - 1);
            if (!mistake.empty())
                return;
        }
    }

    // Everything that can be is brought up first, and is where the walk begins once more.
    void add_all_up(int left) {
        std::vector<Move> way;
        for (UnitId unit = 0; unit < units; ++unit)
            way.push_back({Move::Kind::start, unit});
        for (UnitId i = 0; i < units * units; ++i) // one that waits for the others is the last to be ready
            way.push_back({Move::Kind::ready, i % units});
        for (Move move : way) {
            const bool may_be =
                move.kind != Move::Kind::ready || states_.back().records[move.unit].stage == Stage::main;
            if (may_be)
                go(states_.size() - 1, move, left);
        }
    }

    // One move from a state that was met; `left`: how many may follow it.
    void go(std::size_t at, Move move, int left) {
        State next = states_[at];
        at_ = next.parent = at;
        move_ = next.move = move;
        next.left = left;
        restore(next);
        make(engine_, next, move);
        take(next);
        add(next);
    }

    // One that was met before is followed again where more moves may follow than did then.
    void add(const State& state) {
        auto [seen, is_new] = seen_.try_emplace(hash_of(state), states_.size());
        const std::size_t at = seen->second;
        if (is_new) {
            states_.push_back(state);
            compare_with_living(at);
            check_descent(state);
        } else if (state.left <= states_[at].left) {
            return;
        }
        states_[at].left = state.left;
        if (state.left > 0)
            to_follow_.push_back(at);
    }

    static std::vector<Move> moves_of(const State& state) {
        std::vector<Move> possible;
        bool bounded = false;
        for (UnitId unit = 0; unit < units; ++unit) {
            const Record& record = state.records[unit];
            const Processes& processes = state.processes[unit];
            if (state.halt == Engine::Halt::no)
                for (Move::Kind kind : {Move::Kind::start, Move::Kind::stop, Move::Kind::restart})
                    possible.push_back({kind, unit});
            if (processes.main && record.phase == Phase::starting)
                possible.push_back({Move::Kind::ready, unit});
            if (processes.main)
                possible.push_back({Move::Kind::exit_well, unit});
            if (processes.main && !processes.told)
                possible.push_back({Move::Kind::exit_badly, unit});
            if (processes.main && !processes.leftovers)
                possible.push_back({Move::Kind::exit_leaving, unit});
            if (processes.leftovers)
                possible.push_back({Move::Kind::leftovers_end, unit});
            bounded = bounded || record.deadline != never;
        }
        if (bounded)
            possible.push_back({Move::Kind::deadline});
        if (state.halt == Engine::Halt::no)
            possible.push_back({Move::Kind::shutdown});
        return possible;
    }

    void restore(const State& state) {
        saved_.clear();
        for (UnitId unit = 0; unit < units; ++unit)
            saved_.emplace_back(unit, state.records[unit]);
        engine_.restore(saved_, state.halt, state.now);
        if (!engine_.take_effects().empty())
            violate("restoring the engine does something");
        for (UnitId unit = 0; unit < units; ++unit)
            if (engine_.record(unit) != state.records[unit])
                violate("restoring the engine changes the record of " + name_of(unit));
    }
    void take(State& state) {
        for (UnitId unit = 0; unit < units; ++unit)
            state.records[unit] = engine_.record(unit);
        state.halt = engine_.halt();
    }

    void make(Engine& engine, State& state, Move move) {
        const UnitId unit = move.unit;
        switch (move.kind) {
        case Move::Kind::start: return tell(engine, state, {.kind = Event::Kind::start, .unit = unit});
        case Move::Kind::stop: return tell(engine, state, {.kind = Event::Kind::stop, .unit = unit});
        case Move::Kind::restart: return tell(engine, state, {.kind = Event::Kind::restart, .unit = unit});
        case Move::Kind::ready: return tell(engine, state, {.kind = Event::Kind::ready, .unit = unit});
        case Move::Kind::exit_well: return end(engine, state, unit, 0);
        case Move::Kind::exit_badly: return end(engine, state, unit, 1);
        case Move::Kind::exit_leaving: state.processes[unit].leftovers = true; return end(engine, state, unit, 1);
        case Move::Kind::leftovers_end:
            state.processes[unit].leftovers = false;
            return answer_sweep(engine, state, unit);
        case Move::Kind::deadline:
            state.now = engine.next_deadline();
            return tell(engine, state, {.kind = Event::Kind::due});
        case Move::Kind::shutdown: return tell(engine, state, {.kind = Event::Kind::shutdown});
        }
    }

    void end(Engine& engine, State& state, UnitId unit, int code) {
        Processes& processes = state.processes[unit];
        const ExitStatus exit = processes.told ? ExitStatus::signal(15) : ExitStatus::code(code);
        processes.main = processes.told = false;
        tell(engine, state,
             {.kind = Event::Kind::exited, .unit = unit, .role = Role::main, .pid = pid_of(unit), .exit = exit});
        answer_sweep(engine, state, unit);
    }
    void answer_sweep(Engine& engine, State& state, UnitId unit) {
        Processes& processes = state.processes[unit];
        if (!processes.swept || processes.main || processes.leftovers)
            return;
        processes.swept = false;
        tell(engine, state, {.kind = Event::Kind::emptied, .unit = unit});
    }
    static int pid_of(UnitId unit) { return 100 + static_cast<int>(unit); }

    void tell(Engine& engine, State& state, const Event& event) {
        const std::vector<Effect> effects = engine.step(event, state.now);
        if (!engine.consistent())
            violate("facts and counts are not what the records give");
        std::vector<Event> answers;
        for (const Effect& effect : effects)
            perform(engine, state, effect, answers);
        for (const Event& answer : answers)
            tell(engine, state, answer);
    }

    void perform(Engine& engine, State& state, const Effect& effect, std::vector<Event>& answers) {
        const UnitId unit = effect.unit;
        switch (effect.kind) {
        case Effect::Kind::spawn:
            check_start(engine, state, unit);
            state.processes[unit].main = true;
            answers.push_back({.kind = Event::Kind::spawned, .unit = unit, .role = effect.role, .pid = pid_of(unit)});
            break;
        case Effect::Kind::signal:
            check_stop(engine, unit);
            state.processes[unit].told = state.processes[unit].main;
            break;
        case Effect::Kind::sweep: {
            Processes& processes = state.processes[unit];
            processes.told = processes.main;
            processes.swept = processes.main || processes.leftovers;
            if (!processes.swept)
                answers.push_back({.kind = Event::Kind::emptied, .unit = unit});
            break;
        }
        case Effect::Kind::halt:
            for (UnitId each = 0; each < units; ++each)
                if (state.processes[each].main)
                    violate("the way down has ended, and a process lives of " + name_of(each));
            break;
        case Effect::Kind::changed:
        case Effect::Kind::release:
        case Effect::Kind::health:
        case Effect::Kind::conclude:
        case Effect::Kind::disarm: break;
        case Effect::Kind::check_conditions:
        case Effect::Kind::open_sockets:
        case Effect::Kind::close_sockets:
        case Effect::Kind::arm:
        case Effect::Kind::await_pid_file: violate("an effect that no unit here calls for"); break;
        }
    }

    // --- what must be true ---
    void check_start(const Engine& engine, const State& state, UnitId unit) {
        if (state.processes[unit].main)
            violate("a second main process of " + name_of(unit));
        for (const Edge& edge : engine.graph().needs(unit)) {
            const Record& other = engine.record(edge.unit);
            if (edge.relation == Relation::requirement && !good(other))
                violate(name_of(unit) + " is started before what it requires is up");
            if (edge.relation == Relation::milestone && !good(other) && !other.came_up)
                violate(name_of(unit) + " is started before its milestone");
        }
        for (UnitId other : engine.graph().conflicts(unit))
            if (active(engine.record(other).phase))
                violate(name_of(unit) + " is started beside what it conflicts with");
    }
    void check_stop(const Engine& engine, UnitId unit) {
        if (engine.record(unit).phase != Phase::stopping || engine.record(unit).own_end != OwnEnd::none)
            return;
        for (const Edge& edge : engine.graph().needed_by(unit))
            if (edge.relation == Relation::requirement && active(engine.record(edge.unit).phase))
                violate(name_of(unit) + " is stopped before what requires it");
    }

    // An engine that has lived through all that led to the state has the same records, and waits for the same moment.
    void compare_with_living(std::size_t at) {
        const State& state = states_[at];
        std::vector<Move> path;
        for (std::size_t back = at; back != 0; back = states_[back].parent)
            path.push_back(states_[back].move);
        State lived = states_[0];
        saved_.clear();
        for (UnitId unit = 0; unit < units; ++unit)
            saved_.emplace_back(unit, lived.records[unit]);
        living_.restore(saved_, lived.halt, lived.now);
        for (auto move = path.rbegin(); move != path.rend(); ++move)
            make(living_, lived, *move);
        for (UnitId unit = 0; unit < units; ++unit)
            if (living_.record(unit) != state.records[unit] || lived.processes[unit] != state.processes[unit])
                violate("an engine that was restored goes another way with " + name_of(unit));
        if (living_.halt() != state.halt || lived.now != state.now)
            violate("an engine that was restored is elsewhere on its way down");
    }

    // From every state a shutdown comes to its end, if processes end as they are told and time goes on.
    void check_descent(State state) {
        restore(state);
        if (!engine_.halting())
            make(engine_, state, {Move::Kind::shutdown});
        std::vector<std::uint64_t> way;
        for (int steps = 0; steps < 100; ++steps) {
            take(state);
            way.push_back(hash_of(state));
            if (state.halt == Engine::Halt::done || ends_.contains(way.back())) {
                ends_.insert(way.begin(), way.end());
                return;
            }
            const std::optional<Move> move = next_of_descent(state);
            if (!move)
                break;
            make(engine_, state, *move);
        }
        violate("a shutdown does not come to its end");
    }
    static std::optional<Move> next_of_descent(const State& state) {
        for (UnitId unit = 0; unit < units; ++unit) {
            const Processes& processes = state.processes[unit];
            if (processes.main && processes.told)
                return Move{Move::Kind::exit_well, unit};
            if (processes.leftovers && processes.swept)
                return Move{Move::Kind::leftovers_end, unit};
        }
        for (const Record& record : state.records)
            if (record.deadline != never)
                return Move{Move::Kind::deadline};
        return std::nullopt;
    }

    void violate(const std::string& what) {
        if (!mistake.empty())
            return;
        mistake = what + ", where " + words_of(shape_) + "after: ";
        std::vector<Move> path;
        if (!states_.empty())
            path.push_back(move_);
        for (std::size_t back = at_; back != 0; back = states_[back].parent)
            path.push_back(states_[back].move);
        for (auto move = path.rbegin(); move != path.rend(); ++move)
            mistake += words_of(*move) + ", ";
    }

    Shape shape_;
    Engine engine_; // of the state that is looked at
    Engine living_; // of a whole path
    std::deque<State> states_;
    std::deque<std::size_t> to_follow_; // in states_
    std::unordered_map<std::uint64_t, std::size_t> seen_;
    std::unordered_set<std::uint64_t> ends_; // a shutdown ends from there
    std::vector<std::pair<UnitId, Record>> saved_;
    std::size_t at_ = 0; // where the present move is made
    Move move_{};
};

} // namespace

TEST_CASE("all graphs of three services keep their rules in all that can happen to them, up to a depth") {
    std::size_t graphs = 0, states = 0, moves = 0;
    Shape shape{};
    for (shape[0] = 0; shape[0] < links.size(); ++shape[0])
        for (shape[1] = 0; shape[1] < links.size(); ++shape[1])
            for (shape[2] = 0; shape[2] < links.size(); ++shape[2]) {
                if (!is_first_of_its_kind(shape))
                    continue;
                const bool fewer = shape[0] == 0 || shape[1] == 0 || shape[2] == 0;
                Walk walk(shape);
                walk.walk(fewer ? depth_of_fewer_edges : depth_of_three_edges);
                ++graphs;
                states += walk.states();
                moves += walk.moves;
                REQUIRE(walk.mistake == "");
            }
    MESSAGE(graphs, " graphs, ", states, " states, ", moves, " moves");
}
