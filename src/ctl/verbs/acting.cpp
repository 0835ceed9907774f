// The verbs that start, stop and change units, and their progress display.
#include "base/clock.hpp"
#include "base/join.hpp"
#include "base/signals.hpp"
#include "ctl/logs/log_tail.hpp"
#include "ctl/text/view.hpp"
#include "ctl/verbs/sysvinit.hpp"
#include "ctl/verbs/verbs.hpp"

#include <algorithm>
#include <concepts>
#include <iterator>
#include <map>

namespace mi::ctl {

namespace {

// One line on the terminal that shows the progress, redrawn in place: the unit that is waited for, for how long, and
// when the wait will be given up. Empty without a terminal.
class ProgressLine {
public:
    // `asked`: the named units.
    ProgressLine(const Context& context, const std::vector<std::string>& asked)
        : context_(context), asked_(asked), began_(micros(monotonic_now())) {}
    ~ProgressLine() { clear(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void note(const wire::Event& event) {
        if (event.kind == wire::EventKind::state && event.unit && event.state)
            note(*event.unit, *event.state, event.monotonic, event.left_ms,
                 of_last_run(*event.state, event.reason_kind.value_or(core::Reason::none)) ? ""
                                                                                           : event.reason.value_or(""));
    }
    void draw() {
        static constexpr std::string_view turns[] = {"⠋", "⠙", "⠸", "⠴", "⠦", "⠇"};
        const std::int64_t now = micros(monotonic_now()), past = (now - began_) / 1000;
        // Do not flicker for something that is over at once.
        if (past < 150)
            return;
        if (!std::exchange(looked_, true))
            look();
        std::string line =
            std::string(turns[static_cast<std::size_t>(past / 100) % std::size(turns)]) + " " + seconds(past);
        // A unit that is working is more informative than one that waits for it.
        std::string what;
        for (bool waiting : {false, true})
            for (const auto& [unit, state] : busy_)
                if ((state.phase == core::Phase::waiting) == waiting)
                    what += (what.empty() ? "  " : ", ") + words(unit, state, now);
        line += what;
        const unsigned width = context_.err.width;
        if (width > 1 && columns(line) >= width)
            line = fitted(line, width - 1);
        write_all(2, "\r\033[K" + line);
        drawn_ = true;
    }
    void clear() {
        if (std::exchange(drawn_, false))
            write_all(2, "\r\033[K");
    }

private:
    struct Busy {
        core::Phase phase = core::Phase::down;
        std::int64_t since = 0;
        std::optional<std::int64_t> until; // the end of its timeout or backoff
        std::string reason;
    };

    void note(const std::string& unit, core::Phase state, std::int64_t since, std::optional<std::int64_t> left_ms,
              const std::string& reason) {
        const bool asked = std::ranges::find(asked_, unit) != asked_.end();
        // Other units in backoff do not belong to this job.
        if (colour_of(state) == Colour::busy || (state == core::Phase::backoff && asked)) {
            Busy& busy = busy_[unit] = {state, since, {}, reason};
            if (left_ms)
                busy.until = since + *left_ms * 1000;
        } else {
            busy_.erase(unit);
        }
    }
    // Gets the present states: events only report later changes.
    void look() {
        auto client = context_.connect();
        auto units =
            client ? client->call(wire::Status{asked_}, std::chrono::seconds(1)) : std::unexpected(client.error());
        if (!units)
            return;
        const std::int64_t now = micros(monotonic_now());
        for (const wire::UnitStatus& unit : units->units)
            if (!busy_.contains(unit.name)) {
                note(unit.name, unit.state, unit.since_monotonic, {},
                     of_last_run(unit.state, unit.reason_kind) ? "" : unit.reason);
                if (auto at = busy_.find(unit.name); at != busy_.end() && unit.left_ms)
                    at->second.until = now + *unit.left_ms * 1000;
            }
    }
    static std::string words(const std::string& unit, const Busy& state, std::int64_t now) {
        std::string text = harmless(unit) + " " + std::string(wire::word(state.phase));
        if (state.phase == core::Phase::backoff)
            return text + (state.until ? ", next try in " + seconds((*state.until - now) / 1000) : "");
        if (state.phase == core::Phase::waiting)
            return text + (state.reason.empty() ? "" : " (" + harmless(state.reason) + ")");
        if (state.until && *state.until > now)
            text += " (for " + seconds((now - state.since) / 1000) + " of " +
                    seconds((*state.until - state.since) / 1000 + 50) + ")";
        return text;
    }

    const Context& context_;
    const std::vector<std::string>& asked_;
    std::int64_t began_;
    std::map<std::string, Busy> busy_;
    bool drawn_ = false, looked_ = false;
};

// Waits for the result of a job, for any time: the init has its own time limits.
std::expected<wire::Progress, Failure> result_of(Context& context, Client& client, const wire::Request& request) {
    const bool animated = context.err.terminal && !context.arguments.json && !context.arguments.no_wait;
    if (auto failure = client.send(request, animated))
        return std::unexpected(std::move(*failure));
    ProgressLine line(context, context.arguments.words);
    for (;;) {
        auto answer =
            client.next<wire::Progress>(animated ? std::optional<Span>(std::chrono::milliseconds(100)) : std::nullopt);
        if (!answer)
            return std::unexpected(answer.error());
        if (*answer && !(*answer)->continues)
            return std::move((*answer)->value);
        if (*answer && (*answer)->value.event)
            line.note(*(*answer)->value.event);
        if (animated)
            line.draw();
    }
}

// The reasons why a unit did not reach the requested state: the whole chain (unless the result contains it), and the
// log lines of the unit and the root cause since the request. If the root cause is older, shows its last lines.
std::string blame(Context& context, Client& client, const wire::JobResult& result, const std::string& logs,
                  WallTime asked) {
    std::string text;
    auto explanation = client.call(wire::Explain{result.unit});
    if (explanation && result.outcome != wire::JobOutcome::failed)
        for (const std::string& sentence : explanation->sentences)
            text += "  " + harmless(sentence) + "\n";
    const unsigned lines = context.arguments.lines.value_or(10);
    text += log_tail(context.err, logs, result.unit, lines, "  | ", asked);
    if (explanation && !explanation->chain.empty())
        if (const std::string& root = explanation->chain.back().unit; root != result.unit) {
            const std::string of_now = log_tail(context.err, logs, root, lines, "  | ", asked);
            text += of_now.empty() ? log_tail(context.err, logs, root, lines, "  | ") : of_now;
        }
    return text;
}

// Whether units with a timer or socket are run now, instead of only being armed.
bool runs_now(const wire::Start& start) { return !start.arm; }
bool runs_now(const auto&) { return false; }

// Adds to the message of a unit that is up and has a timer or socket: the event it waits for, and, if it `runs` now,
// that it runs or has run. Returns only the last part.
std::string tell_of_trigger(Client& client, bool runs, wire::JobResult& result) {
    const auto units = client.call(wire::Status{{result.unit}});
    if (!units || units->units.size() != 1 || !units->units[0].triggered)
        return {};
    const wire::UnitStatus& unit = units->units[0];
    const bool waits = unit.stage == core::Stage::idle;
    const std::string said = waits ? reason_view(unit) : "";
    if (!runs || (waits && !unit.timer)) { // a service with one process for each connection has no run of its own
        if (!said.empty())
            join_to(result.message, said, "; ");
        return {};
    }
    join_to(result.message,
            waits        ? "it has run, and now " + said
            : unit.timer ? "it runs now, without waiting for its time"
                         : "it runs now, without waiting for a connection",
            "; ");
    return waits ? "it has run now, as `start` does; its timer is armed" : result.message;
}

template <typename R>
int do_job(Context& context, R request) {
    const bool runs = runs_now(request), asks = std::same_as<R, wire::Start> && !context.arguments.no_wait;
    auto client = context.connect();
    if (!client)
        return context.fail(client.error());
    request.wait = !context.arguments.no_wait;
    const WallTime asked = wall_now();
    auto progress = result_of(context, *client, wire::Request(std::move(request)));
    if (!progress)
        return context.fail(progress.error());
    int code = done;
    for (const wire::JobResult& result : progress->results)
        if (!result.ok)
            code = failed;
    if (context.arguments.json)
        return context.print_json(*progress) == done ? code : failed;
    std::string good, bad, logs;
    for (wire::JobResult& result : progress->results) {
        if (result.ok) {
            const std::string of_its_file = harmless(result.message);
            const std::string told =
                asks && progress->results.size() <= 8 ? tell_of_trigger(*client, runs, result) : "";
            good +=
                (context.arguments.no_wait ? asked_view(context.out, result) : result_view(context.out, result)) + "\n";
            // Report a run that the user may not have intended, even without a terminal.
            if (!told.empty() && !context.out.terminal)
                context.note("minictl: " + harmless(result.unit) + ": " + told + "\n");
            if (!of_its_file.empty())
                bad += harmless(result.unit) + ": " + of_its_file + "\n";
            continue;
        }
        if (logs.empty() && context.arguments.lines != 0u)
            if (auto overview = client->call(wire::GetOverview{}))
                logs = overview->log_directory;
        bad += result_view(context.err, result) + "\n" + blame(context, *client, result, logs, asked);
        // At a terminal, suggest a next step.
        if (context.err.terminal)
            bad += paint(context.err, Colour::faint,
                         "  (`" + context.command("logs") + result.unit + "` has more, `" + context.command("explain") +
                             result.unit + "` says why it is so)") +
                   "\n";
    }
    // At a terminal, report success, too.
    if (context.out.terminal && progress->results.size() <= 8)
        context.print(good);
    context.note(bad);
    return code;
}

} // namespace

// `web.timer`: users of systemd start a timer to arm it.
int start_units(Context& context) {
    const std::vector<std::string>& all = context.arguments.words;
    const std::vector<std::string>& triggers = context.arguments.triggers;
    std::vector<std::string> units;
    std::ranges::copy_if(all, std::back_inserter(units),
                         [&](const std::string& word) { return std::ranges::find(triggers, word) == triggers.end(); });
    int code = units.empty() ? done : do_job(context, wire::Start{{units}});
    if (!triggers.empty())
        code = std::max(code, do_job(context, wire::Start{{triggers}, true}));
    return code;
}
int arm_units(Context& context) { return do_job(context, wire::Start{{context.arguments.words}, true}); }
int stop_units(Context& context) { return do_job(context, wire::Stop{{context.arguments.words}}); }
int restart_units(Context& context) { return do_job(context, wire::Restart{{context.arguments.words}}); }
int try_restart_units(Context& context) { return do_job(context, wire::TryRestart{{context.arguments.words}}); }
int reload_services(Context& context) { return do_job(context, wire::Reload{{context.arguments.words}}); }
int go_to_target(Context& context) {
    return do_job(context, wire::Target{target_of_runlevel(context.arguments.words[0])});
}

int signal_unit(Context& context) {
    const std::vector<std::string>& words = context.arguments.words;
    std::optional<int> number = signal_number(words[0]);
    if (!number)
        return context.fail("there is no signal \"" + words[0] + "\"", usage);
    return context.obey(wire::Signal{words[1], *number, context.arguments.all});
}

int freeze_units(Context& context) { return context.obey(wire::Freeze{{context.arguments.words}}); }
int thaw_units(Context& context) { return context.obey(wire::Thaw{{context.arguments.words}}); }
int reset_units(Context& context) { return context.obey(wire::Reset{context.arguments.words}); }

int reload_unit_files(Context& context) {
    auto changes = context.call(wire::ReloadUnits{});
    if (!changes)
        return context.fail(changes.error());
    const int code = changes->problems.empty() ? done : failed;
    if (context.arguments.json)
        return context.print_json(*changes) == done ? code : failed;
    std::string text;
    auto say = [&](std::string_view what, const std::vector<std::string>& names) {
        for (const std::string& name : names)
            text += std::string(what) + " " + harmless(name) + "\n";
    };
    say("added", changes->added);
    say("changed", changes->changed);
    say("removed", changes->removed);
    context.print(text);
    context.note_lines(changes->problems);
    return code;
}

} // namespace mi::ctl
