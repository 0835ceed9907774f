// `run`: runs a command as a unit of its own, which survives the terminal from which it was started.
#include "base/clock.hpp"
#include "base/join.hpp"
#include "config/load.hpp"
#include "config/syntax.hpp"
#include "ctl/text/view.hpp"
#include "ctl/verbs/run_manager.hpp"
#include "ctl/verbs/run_streams.hpp"
#include "ctl/verbs/unit_text.hpp"
#include "ctl/verbs/verbs.hpp"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>
#include <string_view>

extern char** environ;

namespace mi::ctl {

namespace {

// Variables that were meant for the caller as a service, and that its own services would misunderstand.
// MINIINIT_CONTROL and all other variables are passed on.
constexpr std::string_view not_for_others[] = {"NOTIFY_SOCKET",  "LISTEN_PID",    "LISTEN_FDS",
                                               "LISTEN_FDNAMES", "WATCHDOG_PID",  "WATCHDOG_USEC",
                                               "INVOCATION_ID",  "MINIINIT_UNIT", "JOURNAL_STREAM"};

// An unused name that is short enough to type.
std::string fresh_name() {
    std::uint32_t chance = 0;
    if (::getrandom(&chance, sizeof chance, GRND_NONBLOCK) != sizeof chance)
        chance =
            static_cast<std::uint32_t>(::getpid()) * 2654435761u ^ static_cast<std::uint32_t>(micros(monotonic_now()));
    std::string name = "run-";
    for (int i = 0; i < 6; ++i, chance >>= 5)
        name += "0123456789abcdefghijklmnopqrstuv"[chance & 31];
    return name;
}

// Takes over the caller's context, as nohup(1) would keep it. `left_out` names the variables that cannot be written in
// a unit.
void take_along(TransientUnit& unit, std::string& left_out) {
    char here[PATH_MAX];
    if (::getcwd(here, sizeof here) != nullptr && here[0] == '/' && can_be_text(here))
        unit.directory = here;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    for (mode_t shift : {9, 6, 3, 0})
        unit.umask += static_cast<char>('0' + (mask >> shift & 7));
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view line = *variable;
        const std::size_t equals = line.find('=');
        const std::string_view name = line.substr(0, equals);
        if (equals == std::string_view::npos || std::ranges::find(not_for_others, name) != std::end(not_for_others))
            continue;
        if (config::is_variable_name(name) && can_be_text(line))
            unit.environment.emplace_back(name, line.substr(equals + 1));
        else if (name != "_")
            join_to(left_out, harmless(name));
    }
}

// All problems of the new unit, from the reader of units; empty: none.
std::string problems_of(const std::string& name, const std::string& text) {
    std::string said;
    for (const config::Problem& problem : config::read_text(name, text, "unit").problems)
        said += config::text(problem);
    return said;
}

int exit_code_of(const wire::JobResult& result) {
    if (!result.last_exit)
        return result.ok ? 0 : 127; // it never ran
    return result.last_exit->kind == core::ExitStatus::Kind::signal ? 128 + result.last_exit->number
                                                                    : result.last_exit->number;
}

// The directory of the logs; an init that has just started learns it from its collector. Empty: there are no logs.
std::string log_directory_of(Client& client) {
    constexpr int tries = 100;
    for (int left = tries; left > 0; --left) {
        auto overview = client.call(wire::GetOverview{});
        if (!overview || !overview->log_directory.empty())
            return overview ? overview->log_directory : "";
        const timespec pause{0, 20'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return {};
}

// Without a wait the answer comes when the command runs. Otherwise shows its output meanwhile, unless only the answer
// is wanted.
std::expected<wire::Progress, Failure> run(const Context& context, Client& client, const wire::Run& request,
                                           std::optional<PassedInput>& input) {
    if (!request.to_the_end)
        return client.call(request, std::nullopt);
    std::optional<ShownOutput> output;
    if (!context.arguments.json)
        if (const std::string directory = log_directory_of(client); !directory.empty()) {
            auto started = ShownOutput::start(context, directory, request.name);
            if (started)
                output.emplace(std::move(*started));
            else
                context.note("minictl: what it writes is not shown: " + harmless(started.error().text()) + "\n");
        }
    return run_with_streams(client, request, output ? &*output : nullptr, input ? &*input : nullptr);
}

// Says how it went, or that it runs; the exit code.
int tell_result(Context& context, const std::string& name, const wire::Progress& progress) {
    const wire::JobResult* result = progress.results.empty() ? nullptr : &progress.results.front();
    if (result == nullptr)
        return context.fail("the answer of the init cannot be understood");
    const int code = context.arguments.to_the_end ? exit_code_of(*result) : result->ok ? done : failed;
    if (context.arguments.json)
        return context.print_json(progress) == done ? code : failed;
    if (!result->ok) {
        if (!context.arguments.to_the_end || !result->last_exit)
            context.note(result_view(context.err, *result) + "\n");
        return code;
    }
    if (context.arguments.to_the_end)
        return code;
    if (!context.out.terminal)
        return context.print(name + "\n");
    // Without an option the other verbs may mean another manager.
    auto how = [&](const std::string& other) {
        return context.of_user() && !context.arguments.user ? "minictl --user " + other + " " : context.command(other);
    };
    return context.print(name + " runs; `" + how("logs -f") + name + "` shows what it writes, `" + how("stop") + name +
                         "` ends it\n");
}

} // namespace

int run_command(Context& context) {
    const Arguments& arguments = context.arguments;
    const std::string name = arguments.name.empty() ? fresh_name() : arguments.name;
    if (std::string_view wrong = config::name_fault(name); !wrong.empty() || name.find('@') != std::string::npos)
        return context.fail("--name: \"" + harmless(name) + "\" cannot name such a unit: " +
                                std::string(wrong.empty() ? "it is no template" : wrong),
                            usage);
    TransientUnit unit{.command = arguments.words, .properties = arguments.properties};
    for (const std::string& word : arguments.words)
        if (!can_be_text(word))
            return context.fail("the command is not UTF-8: " + harmless(word), usage);
    std::string left_out;
    if (!arguments.clean)
        take_along(unit, left_out);
    std::optional<PassedInput> input;
    if (arguments.pipe) {
        auto made = PassedInput::make();
        if (!made)
            return context.fail(made.error().text());
        input.emplace(std::move(*made));
        unit.properties.insert(unit.properties.begin(), "process.stdin=file:" + input->path());
    }
    auto text = unit_text(unit);
    if (!text)
        return context.fail(text.error(), usage);
    if (std::string problems = problems_of(name, *text); !problems.empty()) {
        context.note(problems);
        return context.fail("--property: see above", usage);
    }
    auto client = context.connect();
    if (!client && client.error().nobody && context.of_user())
        client = start_user_manager(context);
    if (!client)
        return context.fail(client.error());
    if (!left_out.empty())
        context.note("minictl: not passed on, since it cannot be written in a unit: " + left_out + "\n");
    auto progress = run(context, *client, wire::Run{name, *text, true, arguments.to_the_end}, input);
    if (!progress)
        return context.fail(progress.error());
    return tell_result(context, name, *progress);
}

} // namespace mi::ctl
