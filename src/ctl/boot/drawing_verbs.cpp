// The verbs that draw the boot and the units. A small miniinit goes without: src/link/no_tools.cpp.
#include "ctl/boot/asked_boot.hpp"
#include "ctl/boot/boot_view.hpp"
#include "ctl/boot/plot.hpp"
#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

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
