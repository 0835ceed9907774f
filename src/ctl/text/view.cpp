#include "ctl/text/view.hpp"

#include "base/clock.hpp"
#include "base/count.hpp"
#include "base/join.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "ctl/text/harmless.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace mi::ctl {

namespace {

// The dot before a unit: filled if it runs or has failed, hollow otherwise.
std::string dot(const Style& style, core::Phase state) {
    const Colour colour = colour_of(state);
    return paint(style, colour, colour == Colour::faint ? "○" : "●");
}

// "  label: value", without wrapping; all labels end in the same column.
void row(std::string& text, std::string_view label, std::string_view value) {
    constexpr std::size_t width = 14;
    text.append(label.size() < width ? width - label.size() : 0, ' ');
    text.append(label).append(": ").append(value).append("\n");
}

void list_row(std::string& text, std::string_view label, const std::vector<std::string>& words) {
    if (!words.empty())
        row(text, label, join(words));
}

std::string process_words(const wire::UnitStatus& unit) {
    std::string text;
    if (unit.main_pid)
        text = std::to_string(*unit.main_pid);
    if (unit.hook_pid) {
        std::string hook(unit.hook ? wire::word(*unit.hook) : "command");
        std::ranges::replace(hook, '_', '-');
        join_to(text, hook + " " + std::to_string(*unit.hook_pid));
    }
    return text;
}

std::string socket_words(const wire::UnitStatus& unit, const wire::Socket& socket) {
    std::string text = socket.kind + " " + socket.address;
    if (!socket.name.empty() && socket.name != unit.name)
        text += " as " + socket.name;
    if (socket.accept)
        text += ": " + std::to_string(socket.connections) + " of " + counted(socket.most, "connection") + ", " +
                std::to_string(socket.accepted) + " in all";
    return text;
}

std::string file_words(const wire::UnitStatus& unit) {
    std::string text = unit.file ? *unit.file : "no file";
    text += unit.masked ? ", masked" : unit.enabled ? ", enabled" : ", disabled";
    return unit.changed ? text + ", changed since: `minictl restart " + unit.name + "` puts that in force" : text;
}

std::string left_words(const wire::UnitStatus& unit) {
    return (unit.state == core::Phase::backoff ? "next try in " : "time left ") + seconds(*unit.left_ms);
}

// Whether a run of the unit exists or is about to start.
bool runs(core::Phase state) {
    return state == core::Phase::waiting || state == core::Phase::starting || state == core::Phase::up ||
           state == core::Phase::reloading;
}

// Whether the exit in an event has caused it, and the reason does not name it already.
bool exit_is_new(const wire::Event& event) {
    if (!event.last_exit || event.main_pid || !event.from || !event.state)
        return false;
    const bool ran = *event.from != core::Phase::waiting && (runs(*event.from) || *event.from == core::Phase::stopping);
    return ran && !runs(*event.state) && event.reason_kind != core::Reason::exited &&
           event.reason_kind != core::Reason::restart_limit;
}

// The state as a word; that it is frozen, or unhealthy, counts more than that it is up.
std::string state_of(const Style& style, const wire::UnitStatus& unit, std::size_t width = 0) {
    const bool ails = unit.health == core::Health::unhealthy && unit.state == core::Phase::up;
    if (!unit.frozen && !ails)
        return state_word(style, unit.state, width);
    const std::string_view word = unit.frozen ? "frozen" : "unhealthy";
    std::string text = paint(style, unit.frozen ? Colour::busy : Colour::bad, word);
    return text.append(word.size() < width ? width - word.size() : 0, ' ');
}

// For a figure that no cgroup has counted.
std::string_view summed_words(const wire::UnitStatus& unit, std::string_view field) {
    return std::ranges::find(unit.summed, field) == unit.summed.end() ? "" : " (sum over its processes)";
}

std::string memory_words(const wire::UnitStatus& unit) {
    std::string text = size_text(static_cast<std::uint64_t>(*unit.memory_bytes));
    if (unit.memory_peak_bytes)
        text += ", at most " + size_text(static_cast<std::uint64_t>(*unit.memory_peak_bytes));
    return text.append(summed_words(unit, "memory_bytes"));
}

// Draws branches, and remembers the units that are drawn already.
struct TreePainter {
    const Style& style;
    std::unordered_map<std::string_view, const wire::TreeNode*> nodes;
    std::unordered_set<std::string_view> drawn;
    std::string text;

    void unit(std::string_view name, std::string_view relation, const std::string& indent) {
        auto found = nodes.find(name);
        const wire::TreeNode* node = found != nodes.end() ? found->second : nullptr;
        text += node != nullptr ? dot(style, node->state) + " " : "";
        text += name;
        if (!relation.empty())
            text += " " + paint(style, Colour::faint, "(" + std::string(relation) + ")");
        if (node != nullptr && node->state != core::Phase::up && node->state != core::Phase::done)
            text += " " + state_word(style, node->state);
        const bool again = !drawn.insert(name).second;
        text += again && node != nullptr && !node->edges.empty() ? " " + paint(style, Colour::faint, "(above)") + "\n"
                                                                 : "\n";
        if (again || node == nullptr)
            return;
        for (std::size_t i = 0; i < node->edges.size(); ++i) {
            const bool last = i + 1 == node->edges.size();
            text += indent + (last ? "└─ " : "├─ ");
            const core::Relation how = node->edges[i].relation;
            std::string word(how == core::Relation::requirement ? std::string_view{} : wire::word(how));
            std::ranges::replace(word, '_', '-');
            unit(node->edges[i].unit, word, indent + (last ? "   " : "│  "));
        }
    }
};

} // namespace

bool of_last_run(core::Phase state, core::Reason reason) {
    if (!runs(state))
        return false;
    switch (reason) {
    case core::Reason::spawn_failed:
    case core::Reason::sockets_failed:
    case core::Reason::conditions_unknown:
    case core::Reason::exited:
    case core::Reason::start_timeout:
    case core::Reason::stop_timeout:
    case core::Reason::pre_start_failed:
    case core::Reason::post_start_failed:
    case core::Reason::protocol:
    case core::Reason::restart_limit:
    case core::Reason::watchdog:
    case core::Reason::unhealthy:
    case core::Reason::leaving:
    case core::Reason::trigger_limit: return true;
    case core::Reason::none:
    case core::Reason::asked:
    case core::Reason::unneeded:
    case core::Reason::dependency_failed:
    case core::Reason::dependency_stopped:
    case core::Reason::whole_stopped:
    case core::Reason::conflict:
    case core::Reason::condition:
    case core::Reason::restarting:
    case core::Reason::shutdown:
    case core::Reason::await_timeout:
    case core::Reason::await_lost:
    case core::Reason::file: return false;
    }
    unreachable("there is no other reason");
}

std::string trigger_view(const wire::UnitStatus& unit) {
    std::string text;
    if (unit.next_realtime)
        text = "next " + local_time(*unit.next_realtime) + " (in " + age(*unit.next_realtime - wall_now().micros) + ")";
    for (bool first = true; const wire::Socket& socket : unit.sockets)
        join_to(text, (std::exchange(first, false) ? "at " : "") + socket.kind + " " + socket.address);
    return text;
}

std::string reason_view(const wire::UnitStatus& unit) {
    const std::string trigger = unit.stage == core::Stage::idle ? trigger_view(unit) : "";
    return trigger.empty() ? unit.reason : unit.reason + ", " + trigger;
}

std::string millis(std::int64_t micros) {
    std::string digits = std::to_string(std::max<std::int64_t>(0, micros) / 1000);
    digits.insert(0, digits.size() < 4 ? 4 - digits.size() : 0, '0');
    return digits.insert(digits.size() - 3, ".") + " s";
}

std::string state_word(const Style& style, core::Phase state, std::size_t width) {
    const std::string_view text = wire::word(state);
    std::string painted = paint(style, colour_of(state), text);
    return painted.append(text.size() < width ? width - text.size() : 0, ' ');
}

std::string list_view(const Style& style, const std::vector<wire::UnitStatus>& told, std::int64_t now) {
    const std::vector<wire::UnitStatus> units = harmless(told);
    std::size_t name_width = 4, since_width = 5;
    std::vector<std::string> since;
    since.reserve(units.size());
    for (const wire::UnitStatus& unit : units) {
        since.push_back(unit.since_monotonic != 0 ? age(now - unit.since_monotonic) : "");
        name_width = std::max(name_width, columns(unit.name));
        since_width = std::max(since_width, columns(since.back()));
    }
    if (style.width != 0)
        name_width = std::min<std::size_t>(name_width, std::max(16u, style.width / 2));
    constexpr std::size_t state_width = 9, pid_width = 7;
    const std::size_t before = 2 + name_width + 2 + state_width + 2 + since_width + 2 + pid_width + 2;
    std::string text = "  " + fitted("UNIT", name_width) + "  " + fitted("STATE", state_width) + "  " +
                       fitted("SINCE", since_width) + "  " + fitted("PID", pid_width) + "  DESCRIPTION";
    text = paint(style, Colour::strong, text) + "\n";
    for (std::size_t i = 0; i < units.size(); ++i) {
        const wire::UnitStatus& unit = units[i];
        // Where it does not run the reason says more than the description.
        const bool bad =
            (colour_of(unit.state) == Colour::bad || unit.health == core::Health::unhealthy) && !unit.reason.empty();
        std::string last = bad ? unit.reason : unit.description;
        if (unit.stage == core::Stage::idle)
            last += last.empty() ? reason_view(unit) : " (" + reason_view(unit) + ")";
        if (unit.state == core::Phase::backoff && unit.left_ms)
            last = left_words(unit) + (last.empty() ? "" : ": " + last);
        if (style.width != 0 && columns(last) + before > style.width)
            last = fitted(last, style.width > before ? style.width - before : 0);
        text += dot(style, unit.state) + " " + fitted(unit.name, name_width) + "  " +
                state_of(style, unit, state_width) + "  " + fitted(since[i], since_width) + "  " +
                fitted(unit.main_pid ? std::to_string(*unit.main_pid) : "", pid_width) + "  " + last;
        text.erase(text.find_last_not_of(' ') + 1);
        text += '\n';
    }
    return text;
}

std::string timers_view(const Style& style, std::vector<wire::UnitStatus> units, std::int64_t now) {
    make_harmless(units);
    std::ranges::stable_sort(units, {},
                             [](const wire::UnitStatus& unit) { return unit.next_realtime.value_or(INT64_MAX); });
    constexpr std::size_t time_width = 19;
    std::size_t left_width = 4, result_width = 6;
    std::vector<std::pair<std::string, std::string>> cells; // left column, and result
    for (const wire::UnitStatus& unit : units) {
        std::string left = unit.next_realtime ? age(*unit.next_realtime - now) : "";
        std::string result;
        if (unit.state == core::Phase::up && unit.stage == core::Stage::idle)
            result = unit.last_exit ? unit.last_exit->text : "";
        else
            result = unit.state == core::Phase::failed && unit.last_exit ? "failed: " + unit.last_exit->text
                                                                         : std::string(wire::word(unit.state));
        left_width = std::max(left_width, columns(left));
        result_width = std::max(result_width, columns(result));
        cells.emplace_back(std::move(left), result);
    }
    std::string text = "  " + fitted("NEXT", time_width) + "  " + fitted("LEFT", left_width) + "  " +
                       fitted("LAST", time_width) + "  " + fitted("RESULT", result_width) + "  UNIT";
    text = paint(style, Colour::strong, text) + "\n";
    for (std::size_t i = 0; i < units.size(); ++i) {
        const wire::UnitStatus& unit = units[i];
        text += dot(style, unit.state) + " " +
                fitted(unit.next_realtime ? local_time(*unit.next_realtime) : "-", time_width) + "  " +
                fitted(cells[i].first, left_width) + "  " +
                fitted(unit.last_run_realtime ? local_time(*unit.last_run_realtime) : "-", time_width) + "  " +
                fitted(cells[i].second, result_width) + "  " + unit.name + "\n";
    }
    return text;
}

namespace {

void add_timer_rows(std::string& text, const wire::UnitStatus& unit) {
    if (unit.timer)
        row(text, "timer", *unit.timer);
    if (unit.next_realtime)
        row(text, "next run",
            local_time(*unit.next_realtime) + " (in " + age(*unit.next_realtime - wall_now().micros) + ")");
    if (unit.last_run_realtime)
        row(text, "last run", local_time(*unit.last_run_realtime));
}

void add_dependency_rows(std::string& text, const wire::Dependencies& on) {
    list_row(text, "requires", on.requires_);
    list_row(text, "wants", on.wants);
    list_row(text, "milestones", on.milestones);
    list_row(text, "conflicts", on.conflicts);
    list_row(text, "part of", on.part_of);
    list_row(text, "reloaded with", on.reload_with);
    list_row(text, "required by", on.required_by);
    list_row(text, "wanted by", on.wanted_by);
}

} // namespace

std::string status_view(const Style& style, const wire::UnitStatus& told, std::int64_t now) {
    const wire::UnitStatus unit = harmless(told);
    std::string text = dot(style, unit.state) + " " + paint(style, Colour::strong, unit.name);
    if (!unit.description.empty())
        text += " - " + unit.description;
    text += '\n';
    std::string state = state_of(style, unit);
    if (unit.stage && *unit.stage != core::Stage::none) {
        std::string stage(wire::word(*unit.stage));
        std::ranges::replace(stage, '_', '-');
        state += " (" + stage + ")";
    }
    if (unit.since_monotonic != 0)
        state += " since " + local_time(unit.since_realtime) + " (" + age(now - unit.since_monotonic) + ")";
    if (unit.left_ms)
        state += ", " + left_words(unit);
    row(text, "state", state);
    if (unit.health != core::Health::none)
        row(text, "health", std::string(wire::word(unit.health)));
    if (!unit.reason.empty() && !of_last_run(unit.state, unit.reason_kind))
        row(text, "reason", reason_view(unit));
    row(text, "file", file_words(unit));
    if (unit.main_pid || unit.hook_pid)
        row(text, "process", process_words(unit));
    if (unit.tasks && *unit.tasks > 0)
        row(text, "tasks", std::to_string(*unit.tasks));
    if (unit.memory_bytes)
        row(text, "memory", memory_words(unit));
    if (unit.cpu_usec)
        row(text, "cpu time", millis(*unit.cpu_usec).append(summed_words(unit, "cpu_usec")));
    add_timer_rows(text, unit);
    if (unit.last_exit)
        row(text, "last exit", unit.last_exit->text);
    if (unit.restarts != 0)
        row(text, "restarts",
            std::to_string(unit.restarts) +
                (unit.tries != 0 ? ", " + std::to_string(unit.tries) + " in a row" : std::string()));
    for (const wire::Socket& socket : unit.sockets)
        row(text, "listens", socket_words(unit, socket));
    if (unit.status_text)
        row(text, "says", *unit.status_text);
    if (unit.error_text)
        row(text, "error", *unit.error_text);
    list_row(text, "not in force", unit.not_in_force);
    for (const std::string& line : unit.lost)
        row(text, "lost", line);
    if (unit.stored_descriptors != 0)
        row(text, "keeps", counted(unit.stored_descriptors, "descriptor") + " over its restarts");
    if (unit.dependencies)
        add_dependency_rows(text, *unit.dependencies);
    return text;
}

std::string overview_view(const Style& style, const wire::Overview& told) {
    const wire::Overview overview = harmless(told);
    const bool caretaker = overview.state == wire::ManagerState::caretaker;
    const Colour colour = overview.state == wire::ManagerState::running                 ? Colour::good
                          : overview.state == wire::ManagerState::degraded || caretaker ? Colour::bad
                                                                                        : Colour::busy;
    std::string text = paint(style, colour, "●") + " miniinit " + overview.version + ", " +
                       std::string(wire::word(overview.mode)) + " mode, PID " + std::to_string(overview.pid) + "\n";
    row(text, "state",
        paint(style, colour, wire::word(overview.state)) +
            (caretaker ? ": nothing is started or stopped; see `minictl reexec`" : ""));
    if (overview.crashes != 0)
        row(text, "crashes",
            std::to_string(overview.crashes) + ", the last: " + overview.last_crash.value_or("unknown"));
    if (overview.reexecs != 0)
        row(text, "reexecs", std::to_string(overview.reexecs));
    if (caretaker)
        return text;
    if (!overview.target.empty())
        row(text, "target", overview.target + (overview.target_reached ? ", reached" : ", not reached yet"));
    else
        row(text, "target", "none, every enabled unit is wanted");
    for (const std::string& note : overview.notes)
        row(text, "note", paint(style, Colour::bad, note));
    if (overview.scheduled)
        row(text, "scheduled", scheduled_view(*overview.scheduled));
    row(text, "units", std::to_string(overview.units));
    list_row(text, "failed", overview.failed);
    list_row(text, "backoff", overview.backoff);
    if (!overview.config.empty())
        row(text, "settings", overview.config);
    list_row(text, "unit files", overview.unit_directories);
    if (!overview.log_directory.empty())
        row(text, "logs", overview.log_directory);
    if (!overview.watchdog.empty())
        row(text, "watchdog", overview.watchdog);
    return text;
}

std::string scheduled_view(const wire::ScheduledShutdown& told) {
    const wire::ScheduledShutdown scheduled = harmless(told);
    const std::int64_t left = scheduled.at_realtime - wall_now().micros;
    std::string text = (scheduled.warn_only ? "a warning of " : "") + std::string(wire::word(scheduled.how)) + " at " +
                       local_time(scheduled.at_realtime) + (left > 0 ? " (in " + age(left) + ")" : "");
    if (!scheduled.who.empty())
        text += ", by " + scheduled.who;
    if (!scheduled.message.empty())
        text += ": " + scheduled.message;
    return text;
}

std::string times_view(const Style& style, const wire::Overview& told, wire::Times times) {
    const wire::Overview overview = harmless(told);
    make_harmless(times);
    auto column = [](std::int64_t micros) {
        // Milliseconds matter during the boot; a restart days later does not belong to it.
        std::string text = micros < 3600 * std::int64_t{1'000'000} ? millis(micros) : age(micros);
        return std::string(text.size() < 11 ? 11 - text.size() : 0, ' ') + text;
    };
    std::string text;
    auto part = [&](std::string_view what, std::int64_t micros, const std::string& meaning) {
        text += fitted(what, 8) + column(micros) + "  " + meaning + "\n";
    };
    // In other modes the kernel was running long before.
    if (overview.mode == wire::Mode::system)
        part("kernel", times.init, "until it executed the init");
    if (times.units_loaded)
        part("init", *times.units_loaded - times.init, "until the unit files were read");
    if (times.units_loaded && times.target_reached)
        part("units", *times.target_reached - *times.units_loaded, "until " + overview.target + " was reached");
    else if (!overview.target.empty())
        text += fitted("units", 8) + fitted("", 11) + "  " + overview.target + " is not reached yet\n";
    // They were wanted, but never started.
    std::erase_if(times.units, [](const wire::UnitTime& unit) { return unit.starting == 0; });
    if (times.units.empty())
        return text;
    std::ranges::sort(times.units, [](const auto& a, const auto& b) {
        return std::tie(a.starting, a.unit) < std::tie(b.starting, b.unit);
    });
    std::size_t width = 4;
    for (const wire::UnitTime& unit : times.units)
        width = std::max(width, columns(unit.unit));
    text += "\n" + paint(style, Colour::strong, fitted("UNIT", width) + "       BEGINS         UP       TOOK") + "\n";
    for (const wire::UnitTime& unit : times.units) {
        text += fitted(unit.unit, width) + "  " + column(unit.starting - times.init);
        text += unit.up ? column(*unit.up - times.init) + column(*unit.up - unit.starting) : std::string(10, ' ') + "-";
        text += "\n";
    }
    return text;
}

std::string tree_view(const Style& style, const wire::Branches& told) {
    const wire::Branches branches = harmless(told);
    TreePainter painter{style, {}, {}, {}};
    for (const wire::TreeNode& node : branches.nodes)
        painter.nodes.emplace(node.unit, &node);
    for (const std::string& root : branches.roots)
        painter.unit(root, {}, "");
    return std::move(painter.text);
}

std::string event_view(const Style& style, const wire::Event& told) {
    const wire::Event event = harmless(told);
    std::string text = paint(style, Colour::faint, local_time(event.realtime, true)) + " ";
    switch (event.kind) {
    case wire::EventKind::state:
        text += event.unit.value_or("?") + ": ";
        if (event.from)
            text += std::string(wire::word(*event.from)) + " → ";
        if (event.state)
            text += state_word(style, *event.state);
        if (event.main_pid)
            text += ", pid " + std::to_string(*event.main_pid);
        if (exit_is_new(event))
            text += ", " + event.last_exit->text;
        if (event.reason && !event.reason->empty() &&
            !of_last_run(event.state.value_or(core::Phase::down), event.reason_kind.value_or(core::Reason::none)))
            text += paint(style, Colour::faint, " (" + *event.reason + ")");
        break;
    case wire::EventKind::health:
        text += event.unit.value_or("?") + " is " + std::string(wire::word(event.health.value_or(core::Health::none)));
        if (event.reason && !event.reason->empty())
            text += paint(style, Colour::faint, " (" + *event.reason + ")");
        break;
    case wire::EventKind::status: text += event.unit.value_or("?") + " says: " + event.text.value_or(""); break;
    case wire::EventKind::manager: text += paint(style, Colour::strong, event.text.value_or("")); break;
    }
    return text + "\n";
}

std::string features_view(const Style& style, const std::vector<wire::Feature>& told) {
    const std::vector<wire::Feature> features = harmless(told);
    std::size_t width = 0;
    for (const wire::Feature& feature : features)
        width = std::max(width, columns(feature.name));
    std::string text;
    for (const wire::Feature& feature : features) {
        text += feature.available ? paint(style, Colour::good, "yes") : paint(style, Colour::busy, "no ");
        text += "  " + fitted(feature.name, width) + "  " + feature.detail;
        if (!feature.available && !feature.instead.empty())
            text += (feature.detail.empty() ? "" : "; ") + std::string("instead: ") + feature.instead;
        text += '\n';
    }
    return text;
}

std::string result_view(const Style& style, const wire::JobResult& told) {
    const wire::JobResult result = harmless(told);
    std::string text = result.ok ? paint(style, Colour::good, "✓ ") : paint(style, Colour::bad, "✗ ");
    // An explanation consists of complete sentences about the unit and its state.
    if (result.outcome == wire::JobOutcome::failed)
        return text + result.message;
    text += result.unit + " is " + state_word(style, result.state);
    return result.message.empty() ? text : text + ": " + result.message;
}

std::string asked_view(const Style& style, const wire::JobResult& told) {
    const wire::JobResult result = harmless(told);
    std::string text = result.unit + ": asked for; now it is " + state_word(style, result.state);
    return result.message.empty() ? text : text + ": " + result.message;
}

} // namespace mi::ctl
