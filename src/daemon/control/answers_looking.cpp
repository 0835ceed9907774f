#include "daemon/control/answers_looking.hpp"

#include "core/explain.hpp"
#include "daemon/control/overview.hpp"
#include "daemon/control/unit_status.hpp"
#include "os/machine/probe.hpp"
#include "wire/varlink.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace mi::daemon {

using core::Phase;
using core::UnitId;
using EngineEvent = core::Event;

namespace {

wire::TreeNode node_of(const core::Engine& engine, UnitId unit, bool reverse, bool order) {
    const core::Graph& graph = engine.graph();
    wire::TreeNode node{graph.name(unit), engine.record(unit).phase, {}, graph.unit(unit).kind};
    for (const core::Edge& edge : reverse ? graph.needed_by(unit) : graph.needs(unit))
        if (edge.relation != core::Relation::after || order)
            node.edges.push_back({edge.relation, graph.name(edge.unit)});
    if (order)
        for (UnitId other : graph.conflicts(unit))
            node.edges.push_back({core::Relation::conflict, graph.name(other)});
    std::sort(node.edges.begin(), node.edges.end(),
              [](const auto& a, const auto& b) { return std::tie(a.relation, a.unit) < std::tie(b.relation, b.unit); });
    return node;
}

// Adds the status of a unit to a list: it is made when the client has read the ones before it.
auto status_with(const Parts& parts, Detail detail) {
    return [&parts, detail](std::string& out, UnitId unit) {
        wire::append_element(out, status_of(parts, unit, detail));
        return true;
    };
}

bool started(const UnitRun& live) { return live.starting != Instant{} || live.first.waiting != Instant{}; }

wire::UnitTime time_of(const std::string& name, const UnitRun& live) {
    const core::FirstStart& first = live.first;
    wire::UnitTime time{name, micros(live.starting), {}, {}};
    if (live.starting != Instant{} && live.up >= live.starting)
        time.up = micros(live.up);
    auto moment = [](Instant at) { return at == Instant{} ? std::nullopt : std::optional(micros(at)); };
    if (first.waiting != Instant{})
        time.first = {micros(first.waiting), moment(first.starting), moment(first.up), moment(first.ended),
                      first.outcome};
    return time;
}

} // namespace

void LookingAnswers::reply_units(CallId id, const wire::Reply& empty, std::vector<std::string> names,
                                 AppendUnit append) {
    const std::size_t bytes = memory_of(names);
    auto next = [this, append = std::move(append), names = std::move(names),
                 at = std::size_t{0}](std::string& out) mutable {
        while (at < names.size())
            if (UnitId unit = parts_.engine.graph().find(names[at++]); unit != core::no_unit && append(out, unit))
                return true;
        return false;
    };
    parts_.control->reply_list(id, empty, std::move(next), bytes);
}

void LookingAnswers::answer(CallId id, const Caller&, const wire::Ping&) { parts_.control->reply(id, wire::Nothing{}); }

void LookingAnswers::answer(CallId id, const Caller&, const wire::GetOverview&) {
    parts_.control->reply(id, overview_of(parts_));
}

void LookingAnswers::answer(CallId id, const Caller&, const wire::List& list) {
    std::vector<std::string> names;
    const core::Graph& graph = parts_.engine.graph();
    for (UnitId unit : graph.ids())
        if (wire::listed(list, parts_.engine.record(unit).phase, graph.unit(unit).masked,
                         parts_.engine.record(unit).health) &&
            (!list.timers || graph.unit(unit).timer))
            names.push_back(graph.name(unit));
    std::sort(names.begin(), names.end());
    reply_units(id, wire::Units{}, std::move(names), status_with(parts_, list.usage ? Detail::usage : Detail::plain));
}

void LookingAnswers::answer(CallId id, const Caller& caller, const wire::Status& status) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, status.units, UnitLookup::to_look(caller), ids))
        return;
    std::vector<std::string> names;
    for (UnitId unit : ids)
        names.push_back(parts_.engine.graph().name(unit));
    reply_units(id, wire::Units{}, std::move(names), status_with(parts_, Detail::all));
}

void LookingAnswers::answer(CallId id, const Caller& caller, const wire::Explain& explain) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, {explain.unit}, UnitLookup::to_look(caller), ids))
        return;
    const core::Engine& engine = parts_.engine;
    wire::Explanation explanation{.state = engine.record(ids[0]).phase};
    for (UnitId unit : core::chain(engine, ids[0])) {
        const core::Record& record = engine.record(unit);
        explanation.sentences.push_back(core::sentence(engine, unit));
        explanation.chain.push_back({engine.graph().name(unit), record.phase, record.reason});
    }
    parts_.control->reply(id, explanation);
}

void LookingAnswers::answer(CallId id, const Caller& caller, const wire::Tree& tree) {
    const core::Engine& engine = parts_.engine;
    const core::Graph& graph = engine.graph();
    std::vector<UnitId> stack;
    if (tree.whole) {
        std::ranges::copy(graph.ids(), std::back_inserter(stack));
    } else if (tree.unit) {
        if (!lookup_.find(id, {*tree.unit}, UnitLookup::to_look(caller), stack))
            return;
    } else if (UnitId target = parts_.catalog.boot_target.id(); target != core::no_unit) {
        stack.push_back(target);
    } else {
        for (UnitId unit : graph.ids())
            if (graph.needed_by(unit).empty())
                stack.push_back(unit);
    }
    wire::Branches branches;
    std::unordered_set<UnitId> seen(stack.begin(), stack.end());
    if (!tree.whole)
        for (UnitId unit : stack)
            branches.roots.push_back(graph.name(unit));
    // Which units there are is found out now; what they need is written down as it is read.
    std::vector<std::string> names;
    while (!stack.empty()) {
        UnitId unit = stack.back();
        stack.pop_back();
        names.push_back(graph.name(unit));
        for (const core::Edge& edge : tree.reverse ? graph.needed_by(unit) : graph.needs(unit))
            if ((edge.relation != core::Relation::after || tree.order) && seen.insert(edge.unit).second)
                stack.push_back(edge.unit);
    }
    reply_units(id, branches, std::move(names),
                [this, reverse = tree.reverse, order = tree.order](std::string& out, UnitId unit) {
                    wire::append_element(out, node_of(parts_.engine, unit, reverse, order));
                    return true;
                });
}

void LookingAnswers::answer(CallId id, const Caller& caller, const wire::Probe&) {
    // It costs some milliseconds: those who may not act hear what was found a little while ago.
    constexpr Span fresh = std::chrono::seconds(2);
    const Instant now = parts_.kernel.now();
    if (!caller.may_act && probed_at_ != Instant{} && now < probed_at_ + fresh)
        return parts_.control->reply(id, probed_);
    probed_ = {};
    for (os::Finding& finding : os::probe(parts_.process.resources.tree()))
        probed_.features.push_back(
            {std::move(finding.feature), finding.present, std::move(finding.detail), std::move(finding.instead)});
    if (const std::string& trouble = parts_.process.resources.trouble(); !trouble.empty())
        probed_.features.push_back(
            {"cgroup for each run", false, trouble, "those runs are held together by session, without limits"});
    probed_at_ = now;
    parts_.control->reply(id, probed_);
}

void LookingAnswers::answer(CallId id, const Caller&, const wire::BootTimes&) {
    const core::Graph& graph = parts_.engine.graph();
    wire::Times times;
    times.init = micros(parts_.init_started);
    times.units_loaded = micros(parts_.units_loaded);
    if (const BootTarget& target = parts_.catalog.boot_target; target.was_reached())
        times.target_reached = micros(target.reached_at());
    std::vector<std::string> names;
    for (UnitId unit : graph.ids())
        if (started(parts_.units[unit]))
            names.push_back(graph.name(unit));
    reply_units(id, times, std::move(names), [this](std::string& out, UnitId unit) {
        const UnitRun& run = parts_.units[unit];
        if (started(run))
            wire::append_element(out, time_of(parts_.engine.graph().name(unit), run));
        return started(run);
    });
}

} // namespace mi::daemon
