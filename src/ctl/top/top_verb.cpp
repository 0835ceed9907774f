// `minictl top`: on a terminal, or as a sequence of tables for a file or another program.
#include "base/clock.hpp"
#include "ctl/listing.hpp"
#include "ctl/logs/log_tail.hpp"
#include "ctl/text/view.hpp"
#include "ctl/top/top.hpp"
#include "ctl/verbs/verbs.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace mi::ctl {

namespace {

// Prints tables one after the other, for a file or another program.
int print_tables(Context& context, TopOrder order, unsigned count) {
    auto client = context.connect();
    if (!client)
        return context.fail(client.error());
    auto overview = client->call(wire::GetOverview{});
    if (!overview)
        return context.fail(overview.error());
    const auto delay =
        static_cast<int>(context.arguments.every
                             ? std::chrono::duration_cast<std::chrono::milliseconds>(*context.arguments.every).count()
                             : TopFeed::usual_delay / 1000);
    auto last = [&](const std::string& unit) { return last_words(overview->log_directory, unit); };
    TopTable table;
    if (order != TopOrder::cpu) // CPU is the initial order
        table.order_by(order);
    table.show_all(context.arguments.all);
    for (unsigned look = 0; look <= count; ++look) {
        // CPU usage needs two requests: so make one more, and do not print it.
        if (look > 0)
            (void)::poll(nullptr, 0,
                         look == 1 ? std::min(delay, static_cast<int>(TopFeed::first_delay / 1000)) : delay);
        auto all = list_of(*client, {.all = context.arguments.all, .usage = true});
        if (!all)
            return context.fail(all.error());
        table.update(std::move(all->units), micros(monotonic_now()));
        if (look == 0)
            continue;
        std::string text = look > 1 && !context.arguments.json ? "\n" : "";
        if (context.arguments.json)
            text += wire::json_of(table.told(last)) + "\n";
        else
            for (const std::string& line :
                 table.lines(context.out, context.out.width, 0, micros(monotonic_now()), last))
                text += line + "\n";
        if (const int code = context.print(text); code != done)
            return code;
    }
    return done;
}

} // namespace

int show_top(Context& context) {
    const Arguments& arguments = context.arguments;
    const char* kind = ::getenv("TERM");
    const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
    const bool plain = arguments.lines || arguments.json || dumb;
    std::optional<Screen> screen = plain ? std::nullopt : Screen::open();
    if (!screen)
        return print_tables(context, arguments.sort, arguments.lines.value_or(1));
    Top top(context, std::move(*screen));
    if (arguments.sort != TopOrder::cpu)
        top.table().order_by(arguments.sort);
    return top.run();
}

} // namespace mi::ctl
