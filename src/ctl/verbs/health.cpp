// The state of units as an exit code: `is-active`, `is-failed`, `healthcheck`.
#include "ctl/verbs/verbs.hpp"

#include <utility>

namespace mi::ctl {

namespace {

// `yes`: the unit has the requested state.
struct State {
    std::string unit;
    core::Phase state = core::Phase::down;
    bool yes = false;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("yes", self.yes);
    }
};
struct States {
    std::vector<State> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};

struct Health {
    bool healthy = true;
    std::vector<std::string> problems;
    static void fields(auto& self, auto&& visit) {
        visit("healthy", self.healthy);
        visit("problems", self.problems);
    }
};

// `is-active` and similar verbs: prints the state of each unit, and whether any has the requested one.
template <typename Is>
int ask_of_each(Context& context, int none, Is is) {
    auto client = context.connect();
    if (!client) {
        (void)context.fail(client.error());
        return refused; // the state is unknown
    }
    States all;
    std::string text;
    int code = none;
    for (const std::string& name : context.arguments.words) {
        auto units = client->call(wire::Status{{name}});
        if (!units) {
            if (!context.arguments.quiet)
                (void)(context.arguments.json ? context.fail(units.error().message) : context.fail(units.error()));
            code = code == done ? done : refused;
            continue;
        }
        for (wire::UnitStatus& unit : units->units) {
            const bool yes = is(unit);
            code = yes ? done : code;
            text.append(wire::word(unit.state)).append("\n");
            all.units.push_back({std::move(unit.name), unit.state, yes});
        }
    }
    if (context.arguments.quiet)
        return code;
    const int printed = context.arguments.json ? context.print_json(all) : context.print(text);
    return printed == done ? code : failed;
}

} // namespace

int are_active(Context& context) {
    return ask_of_each(context, not_running, [](const wire::UnitStatus& unit) {
        return core::good(unit.state) && unit.state != core::Phase::skipped;
    });
}
int have_failed(Context& context) {
    return ask_of_each(context, failed,
                       [](const wire::UnitStatus& unit) { return core::has_failed(unit.state, unit.masked); });
}

int check_health(Context& context) {
    auto client = context.connect();
    if (!client)
        return context.fail(client.error()) == done ? done : failed;
    Health health;
    auto add_problem = [&](const wire::UnitStatus& unit) {
        health.problems.push_back(unit.name + " is " + std::string(wire::word(unit.state)) +
                                  (unit.reason.empty() ? "" : ": " + unit.reason));
    };
    if (context.arguments.words.empty()) {
        auto overview = client->call(wire::GetOverview{});
        if (!overview)
            return context.fail(overview.error());
        if (overview->state == wire::ManagerState::starting || overview->state == wire::ManagerState::stopping)
            health.problems.push_back("the system is " + std::string(wire::word(overview->state)));
        else if (overview->state == wire::ManagerState::caretaker)
            health.problems.push_back("the init has crashed too often");
        // A unit in backoff counts as unhealthy, too.
        std::expected<wire::Units, Failure> units;
        if (overview->state != wire::ManagerState::caretaker)
            units = client->call(wire::List{.all = false, .failed = true});
        if (!units)
            return context.fail(units.error());
        // A failed transient unit concerns only the user who ran it; one in backoff is meant to stay up.
        for (const wire::UnitStatus& unit : units->units)
            if (!unit.transient || unit.state == core::Phase::backoff)
                add_problem(unit);
    }
    for (const std::string& name : context.arguments.words) {
        auto units = client->call(wire::Status{{name}});
        if (!units) {
            health.problems.push_back(units.error().message);
            continue;
        }
        for (const wire::UnitStatus& unit : units->units)
            if (!core::good(unit.state) || unit.health == core::Health::unhealthy)
                add_problem(unit);
    }
    health.healthy = health.problems.empty();
    if (context.arguments.json)
        (void)context.print_json(health);
    else
        for (const std::string& problem : health.problems)
            (void)context.print(harmless(problem) + "\n");
    return health.healthy ? done : failed;
}

} // namespace mi::ctl
