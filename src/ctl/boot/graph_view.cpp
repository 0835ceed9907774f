// Writes the units and their dependencies in the DOT language of Graphviz.
#include "ctl/boot/boot_view.hpp"

#include "base/unreachable.hpp"

#include <algorithm>
#include <string_view>

namespace mi::ctl {

namespace {

// All units that can be reached from `start` along `next`.
std::vector<bool> reached(std::size_t start, const std::vector<std::vector<std::size_t>>& next) {
    std::vector<bool> seen(next.size());
    std::vector<std::size_t> stack{start};
    seen[start] = true;
    while (!stack.empty()) {
        const std::size_t at = stack.back();
        stack.pop_back();
        for (std::size_t other : next[at])
            if (!seen[other]) {
                seen[other] = true;
                stack.push_back(other);
            }
    }
    return seen;
}

// The colours of a state: fill and line.
struct Look {
    std::string_view fill, line;
};

Look look_of(core::Phase state) {
    if (state == core::Phase::skipped)
        return {"#e6ecf2", "#7a8a9a"};
    switch (colour_of(state)) {
    case Colour::good: return {"#d3f2dc", "#2a8a4a"};
    case Colour::busy: return {"#fdeec4", "#b07d10"};
    case Colour::bad: return {"#fbd5d5", "#c02626"};
    case Colour::faint:
    case Colour::plain:
    case Colour::strong: return {"#f2f2f2", "#8a8a8a"};
    }
    unreachable("there is no other colour");
}

// A quoted name in the DOT language.
std::string dot_name(std::string_view name) {
    std::string text = "\"";
    for (char letter : harmless(name)) {
        if (letter == '"' || letter == '\\')
            text += '\\';
        text += letter;
    }
    return text + "\"";
}

std::string_view dot_edge(core::Relation relation) {
    switch (relation) {
    case core::Relation::requirement: return "penwidth=1.6";
    case core::Relation::want: return "style=dashed";
    case core::Relation::milestone: return "style=dotted, penwidth=1.6, color=\"#3b6fb5\"";
    case core::Relation::conflict: return "dir=none, color=\"#c02626\", constraint=false, label=\"conflicts\"";
    case core::Relation::after:
    case core::Relation::before:
    case core::Relation::required_by:
    case core::Relation::wanted_by:
    case core::Relation::on_failure:
    case core::Relation::part_of:
    case core::Relation::reload_with:
    case core::Relation::on_success: return "color=\"#a0a0a0\", arrowhead=open";
    }
    unreachable("there is no other relation");
}

} // namespace

UnitGraph graph_of(const Boot& boot, const GraphPart& part) {
    const std::size_t count = boot.units.size();
    std::vector<std::vector<std::size_t>> needs(count), needed_by(count);
    for (std::size_t i = 0; i < count; ++i)
        for (const BootUnit::Need& need : boot.units[i].needs) {
            needs[i].push_back(need.unit);
            needed_by[need.unit].push_back(i);
        }
    std::vector<bool> taken(count, true);
    if (part.from)
        taken = reached(*part.from, needs);
    if (part.to) {
        const std::vector<bool> leads = reached(*part.to, needed_by);
        for (std::size_t i = 0; i < count; ++i)
            taken[i] = taken[i] && leads[i];
    }
    if (!part.from && !part.to && !part.all)
        for (std::size_t i = 0; i < count; ++i)
            taken[i] = boot.units[i].state != core::Phase::down;
    UnitGraph graph;
    for (std::size_t i = 0; i < count; ++i) {
        const BootUnit& unit = boot.units[i];
        if (!taken[i])
            continue;
        graph.nodes.push_back({unit.name, unit.kind, unit.state});
        for (const BootUnit::Need& need : unit.needs)
            if (taken[need.unit])
                graph.edges.push_back({unit.name, boot.units[need.unit].name, need.relation});
        for (std::size_t other : unit.conflicts)
            if (taken[other] && i < other) // both units list the conflict
                graph.edges.push_back({unit.name, boot.units[other].name, core::Relation::conflict});
    }
    return graph;
}

std::string dot_view(const UnitGraph& graph) {
    std::string text =
        "// An arrow goes from a unit to what it depends on: thick requires, dashed wants, dotted milestones, grey "
        "after.\n"
        "digraph units {\n"
        "    rankdir=LR;\n"
        "    node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\", fontsize=11];\n"
        "    edge [color=\"#404040\", fontname=\"sans-serif\", fontsize=9];\n";
    for (const GraphNode& node : graph.nodes) {
        const Look look = look_of(node.state);
        text += "    " + dot_name(node.unit) + " [fillcolor=\"";
        text.append(look.fill).append("\", color=\"").append(look.line).append("\"");
        if (node.kind == core::Kind::target)
            text += ", shape=octagon, style=filled";
        text.append(", tooltip=\"").append(wire::word(node.state)).append("\"];\n");
    }
    for (const GraphEdge& edge : graph.edges)
        text.append("    ")
            .append(dot_name(edge.from))
            .append(" -> ")
            .append(dot_name(edge.to))
            .append(" [")
            .append(dot_edge(edge.relation))
            .append("];\n");
    return text + "}\n";
}

} // namespace mi::ctl
