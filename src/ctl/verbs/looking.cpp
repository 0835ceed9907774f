// The verbs that only show something.
#include "base/clock.hpp"
#include "base/glob.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "ctl/listing.hpp"
#include "ctl/logs/log_reader.hpp"
#include "ctl/logs/log_tail.hpp"
#include "ctl/text/view.hpp"
#include "ctl/unit_names.hpp"
#include "ctl/verbs/sysvinit.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/machine/probe.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

struct Versions {
    std::string version = MINIINIT_VERSION;
    std::optional<wire::Overview> manager;
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("manager", self.manager);
    }
};

// The exit code of `status` in the LSB.
int exit_code_of(core::Phase state) {
    switch (state) {
    case core::Phase::up:
    case core::Phase::reloading:
    case core::Phase::done: return done;
    case core::Phase::failed:
    case core::Phase::invalid:
    case core::Phase::backoff: return failed;
    case core::Phase::down:
    case core::Phase::waiting:
    case core::Phase::starting:
    case core::Phase::stopping:
    case core::Phase::skipped: return not_running;
    }
    unreachable("there is no other phase");
}

} // namespace

int list_units(Context& context) {
    const Arguments& arguments = context.arguments;
    if (arguments.files)
        return list_files(context);
    if (!arguments.root.empty() || !arguments.config.empty() || !arguments.units.empty())
        return context.fail("what is up is asked of an init: with --root, --config and --units there is `list --files`",
                            usage);
    auto client = context.connect();
    if (!client)
        return context.fail(client.error());
    auto all = list_of(*client, {arguments.all || arguments.states != 0, arguments.failed, arguments.timers});
    if (!all)
        return context.fail(all.error());
    const std::vector<std::string>& words = arguments.words;
    std::erase_if(all->units, [&](const wire::UnitStatus& unit) {
        return (arguments.states != 0 && (arguments.states >> static_cast<unsigned>(unit.state) & 1) == 0) ||
               (arguments.kind && unit.kind != *arguments.kind);
    });
    if (!words.empty())
        std::erase_if(all->units,
                      [&](const wire::UnitStatus& unit) { return std::ranges::find(words, unit.name) == words.end(); });
    if (arguments.json)
        return context.print_json(*all);
    if (arguments.timers)
        return context.print(timers_view(context.out, std::move(all->units), wall_now().micros));
    if (all->units.empty() && context.out.terminal)
        return context.print(arguments.states != 0 || arguments.kind ? "no unit is like that\n"
                             : arguments.failed                      ? "nothing has failed\n"
                             : !words.empty()                        ? "none of these is up\n"
                             : arguments.all                         ? "there are no units\n"
                                             : "nothing is up (minictl list --all shows what there is)\n");
    return context.print(list_view(context.out, all->units, micros(monotonic_now())));
}

int show_status(Context& context) {
    auto client = context.connect();
    if (!client) {
        (void)context.fail(client.error());
        return refused; // LSB: the status is unknown
    }
    const Arguments& arguments = context.arguments;
    if (arguments.words.empty())
        return context.show(wire::GetOverview{},
                            [&](const wire::Overview& overview) { return overview_view(context.out, overview); });
    const unsigned lines = arguments.json ? 0 : arguments.lines.value_or(10);
    std::string logs;
    if (lines != 0)
        if (auto overview = client->call(wire::GetOverview{}))
            logs = overview->log_directory;
    wire::Units all;
    std::string text;
    int code = done;
    for (const std::string& name : arguments.words) {
        auto units = client->call(wire::Status{{name}});
        if (!units) {
            (void)context.fail(units.error());
            code = refused;
            continue;
        }
        for (wire::UnitStatus& unit : units->units) {
            int standing = exit_code_of(unit.state);
            // Only the init script knows the state of a daemon that it has started.
            if (unit.state == core::Phase::done)
                if (auto script = script_status(unit.name, std::chrono::seconds(10))) {
                    unit.status_text = script->text;
                    standing = script->code == 0 ? done : script->code <= 3 ? not_running : refused;
                }
            code = std::max(code, standing);
            text += text.empty() ? "" : "\n";
            text += status_view(context.out, unit, micros(monotonic_now()));
            if (std::string log = lines != 0 ? log_tail(context.out, logs, unit.name, lines, "  ") : ""; !log.empty())
                text += "\n" + log;
            all.units.push_back(std::move(unit));
        }
    }
    if (arguments.json && (code != refused || !all.units.empty()))
        text = wire::json_of(all) + "\n";
    return context.print(text) == done ? code : failed;
}

int show_tree(Context& context) {
    wire::Tree request{{}, context.arguments.reverse};
    if (!context.arguments.words.empty())
        request.unit = context.arguments.words[0];
    return context.show(request, [&](const wire::Branches& branches) {
        std::string text;
        if (!request.unit)
            if (auto overview = context.call(wire::GetOverview{}); overview && overview->target.empty())
                text = paint(context.out, Colour::strong, "There is no target here. Every unit that no other needs:") +
                       "\n";
        return text + tree_view(context.out, branches);
    });
}

int explain_unit(Context& context) {
    const std::string& name = context.arguments.words[0];
    return context.show(wire::Explain{name}, [&](const wire::Explanation& explanation) {
        std::string text;
        for (const std::string& sentence : explanation.sentences)
            text += harmless(sentence) + "\n";
        // Add the times and addresses, which the sentence does not have.
        if (explanation.state == core::Phase::up)
            if (auto units = context.call(wire::Status{{name}}); units && units->units.size() == 1)
                if (const wire::UnitStatus& unit = units->units[0]; unit.stage == core::Stage::idle)
                    text += "  " + harmless(trigger_view(unit)) + "\n";
        return text;
    });
}

int watch_events(Context& context) {
    auto client = context.connect();
    if (!client)
        return context.fail(client.error());
    wire::Events request;
    // A pattern also selects units that appear later.
    const std::vector<std::string>& words = context.arguments.words;
    const bool patterns = std::ranges::any_of(words, is_pattern);
    if (!words.empty() && !patterns)
        request.units = words;
    auto meant = [&](const wire::Event& event) {
        return !patterns || (event.unit && std::ranges::any_of(words, [&](const std::string& word) {
                                 return matches_pattern(*event.unit, word);
                             }));
    };
    if (auto failure = client->send(request, true))
        return context.fail(*failure);
    for (;;) {
        auto answer = client->next<wire::EventReply>(std::nullopt);
        if (!answer)
            return context.fail(answer.error());
        if (!*answer)
            continue;
        const wire::Event& event = (*answer)->value.event;
        if (!meant(event) && (*answer)->continues)
            continue;
        const int printed =
            context.arguments.json ? context.print_json(event) : context.print(event_view(context.out, event));
        if (printed != done || !(*answer)->continues)
            return printed;
    }
}

int wait_for(Context& context) {
    const Arguments& arguments = context.arguments;
    const Instant begun = monotonic_now();
    int code = done;
    for (const std::string& unit : arguments.words) {
        auto client = context.connect();
        if (!client)
            return context.fail(client.error());
        if (auto failure = client->send(wire::Wait{unit, arguments.state, arguments.health}, false))
            return context.fail(*failure);
        std::optional<Span> left;
        if (arguments.timeout)
            left = std::max(Span{0}, *arguments.timeout - (monotonic_now() - begun));
        auto answer = client->next<wire::UnitReply>(left);
        if (!answer)
            code = std::max(code, context.fail(answer.error()));
        else if (!*answer)
            code = std::max(code, context.fail(harmless(unit) + " is not " +
                                               std::string(arguments.health ? wire::word(*arguments.health)
                                                                            : wire::word(arguments.state)) +
                                               " yet"));
        else if (arguments.json)
            code = std::max(code, context.print_json((*answer)->value.unit));
    }
    return code;
}

int show_times(Context& context) {
    auto overview = context.call(wire::GetOverview{});
    if (!overview)
        return context.fail(overview.error());
    return context.show(wire::BootTimes{},
                        [&](const wire::Times& times) { return times_view(context.out, *overview, times); });
}

int probe_system(Context& context) {
    wire::Features features;
    auto client = context.connect();
    if (client) {
        auto answer = client->call(wire::Probe{});
        if (!answer)
            return context.fail(answer.error());
        features = std::move(*answer);
    } else if (client.error().nobody && context.arguments.control.empty()) {
        for (os::Finding& finding : os::probe())
            features.features.push_back(
                {std::move(finding.feature), finding.present, std::move(finding.detail), std::move(finding.instead)});
    } else {
        return context.fail(client.error());
    }
    return context.arguments.json ? context.print_json(features)
                                  : context.print(features_view(context.out, features.features));
}

int show_version(Context& context) {
    Versions versions;
    if (auto overview = context.call(wire::GetOverview{}))
        versions.manager = std::move(*overview);
    if (context.arguments.json)
        return context.print_json(versions);
    std::string text = "minictl " + versions.version + "\n";
    if (versions.manager)
        text += "miniinit " + harmless(versions.manager->version) + ", " +
                std::string(wire::word(versions.manager->mode)) + " mode, PID " +
                std::to_string(versions.manager->pid) + "\n";
    else
        text += "no miniinit answers at " + harmless(context.socket_path()) + "\n";
    return context.print(text);
}

} // namespace mi::ctl
