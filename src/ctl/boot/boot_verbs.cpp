// The verbs that show the course of the boot.
#include "base/text.hpp"
#include "ctl/boot/boot_view.hpp"
#include "ctl/boot/plot.hpp"
#include "ctl/unit_names.hpp"
#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

namespace {

// The boot, from the init; nullopt after reporting a failure: then `code` is the exit code.
std::optional<Boot> boot_of(Context& context, int& code) {
    auto client = context.connect();
    auto boot = client ? read_boot(*client) : std::unexpected(client.error());
    if (boot)
        return std::move(*boot);
    code = context.fail(boot.error());
    return std::nullopt;
}

// Puts the index of the unit into `at`; reports if there is no such unit.
bool found(Context& context, const Boot& boot, const std::string& name, std::optional<std::size_t>& at, int& code) {
    at = boot.find(name);
    if (!at)
        at = boot.find(without_suffix(name).name);
    if (at)
        return true;
    std::vector<std::string_view> names;
    for (const BootUnit& unit : boot.units)
        names.push_back(unit.name);
    const std::string_view near = nearest(name, names);
    code = context.fail("there is no unit " + harmless(name) +
                            (near.empty() ? "" : " (did you mean " + std::string(near) + "?)"),
                        refused);
    return false;
}

} // namespace

int show_blame(Context& context) {
    int code = done;
    const auto boot = boot_of(context, code);
    if (!boot)
        return code;
    const Blame blame = blame_of(*boot);
    return context.arguments.json ? context.print_json(blame) : context.print(blame_view(context.out, blame));
}

int show_chain(Context& context) {
    int code = done;
    const auto boot = boot_of(context, code);
    if (!boot)
        return code;
    std::optional<std::size_t> unit = boot->goal();
    if (!context.arguments.words.empty() && !found(context, *boot, context.arguments.words[0], unit, code))
        return code;
    if (!unit)
        return context.fail("no unit was started in this boot");
    const std::vector<ChainLink> chain = chain_of(*boot, *unit);
    return context.arguments.json ? context.print_json(chain_told(*boot, chain))
                                  : context.print(chain_view(context.out, *boot, chain));
}

int show_graph(Context& context) {
    const Arguments& arguments = context.arguments;
    int code = done;
    const auto boot = boot_of(context, code);
    if (!boot)
        return code;
    GraphPart part{.from = {}, .to = {}, .all = arguments.all};
    if ((!arguments.from.empty() && !found(context, *boot, arguments.from, part.from, code)) ||
        (!arguments.to.empty() && !found(context, *boot, arguments.to, part.to, code)))
        return code;
    const UnitGraph graph = graph_of(*boot, part);
    if (arguments.json)
        return context.print_json(graph);
    return context.print(dot_view(graph));
}

int show_plot(Context& context) {
    // SVG text on a terminal is useless to people, and a browser cannot read it there.
    if (context.out.terminal && !context.arguments.json)
        return context.fail("a chart is for a file: `" + context.command("plot") +
                                (context.arguments.trace ? "--trace > boot.json`" : "> boot.svg`"),
                            usage);
    int code = done;
    const auto boot = boot_of(context, code);
    if (!boot)
        return code;
    if (context.arguments.trace)
        return context.print(trace_view(*boot));
    return context.arguments.json ? context.print_json(chart_told(*boot, this_machine()))
                                  : context.print(plot_view(*boot, this_machine()));
}

} // namespace mi::ctl
