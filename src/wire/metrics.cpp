#include "wire/metrics.hpp"

#include "base/printable.hpp"

namespace mi::wire {

namespace {

using Samples = std::vector<MetricSample>;

template <auto Member>
void number(const UnitStatus& unit, Samples& to) {
    if constexpr (is_optional<std::remove_cvref_t<decltype(unit.*Member)>>) {
        if (unit.*Member)
            to.push_back({*(unit.*Member), {}});
    } else {
        to.push_back({static_cast<std::int64_t>(unit.*Member), {}});
    }
}
void state_of(const UnitStatus& unit, Samples& to) { to.push_back({1, word(unit.state)}); }
void is_up(const UnitStatus& unit, Samples& to) { to.push_back({core::good(unit.state) ? 1 : 0, {}}); }
void since(const UnitStatus& unit, Samples& to) {
    if (unit.since_realtime != 0)
        to.push_back({unit.since_realtime, {}});
}
void health(const UnitStatus& unit, Samples& to) {
    if (unit.health != core::Health::none)
        to.push_back({1, word(unit.health)});
}
void last_exit(const UnitStatus& unit, Samples& to) {
    if (unit.last_exit)
        to.push_back({unit.last_exit->number, word(unit.last_exit->kind)});
}

void version(const ManagerFacts& facts, Samples& to) { to.push_back({1, facts.overview.version}); }
void mode(const ManagerFacts& facts, Samples& to) { to.push_back({1, word(facts.overview.mode)}); }
void state(const ManagerFacts& facts, Samples& to) { to.push_back({1, word(facts.overview.state)}); }
void target_reached(const ManagerFacts& facts, Samples& to) {
    to.push_back({facts.overview.target_reached ? 1 : 0, {}});
}
void crashes(const ManagerFacts& facts, Samples& to) { to.push_back({facts.overview.crashes, {}}); }
void reexecs(const ManagerFacts& facts, Samples& to) { to.push_back({facts.overview.reexecs, {}}); }
void units_in_states(const ManagerFacts& facts, Samples& to) {
    for (std::size_t i = 0; i < facts.units.size(); ++i)
        to.push_back({facts.units[i], word(static_cast<core::Phase>(i))});
}

using enum MetricType;
constexpr MetricRow rows[] = {
    {"version", string, "version", "The version of the init.", false, version, nullptr},
    {"mode", string, "mode", "What the init runs as.", false, mode, nullptr},
    {"state", string, "state", "The state of the whole system.", false, state, nullptr},
    {"target_reached", gauge, "", "1 where the target that was asked for last has been reached.", false, target_reached,
     nullptr},
    {"crashes", counter, "", "How often the init has crashed and gone on.", false, crashes, nullptr},
    {"reexecs", counter, "", "How often the init was executed anew on request.", false, reexecs, nullptr},
    {"units", gauge, "state", "How many units are in each state.", false, units_in_states, nullptr},
    {"unit_state", string, "state", "The state that a unit is in.", false, nullptr, state_of},
    {"unit_up", gauge, "", "1 where a unit is what was asked for: up, done, skipped or reloading.", false, nullptr,
     is_up},
    {"unit_state_timestamp_seconds", gauge, "", "When its state began.", true, nullptr, since},
    {"unit_restarts", counter, "", "How often it was restarted by itself.", false, nullptr,
     number<&UnitStatus::restarts>},
    {"unit_last_exit", gauge, "kind", "The exit code or signal that its main process ended with last.", false, nullptr,
     last_exit},
    {"unit_cpu_seconds", counter, "", "Processor time of this run.", true, nullptr, number<&UnitStatus::cpu_usec>},
    {"unit_memory_bytes", gauge, "", "Memory that it uses.", false, nullptr, number<&UnitStatus::memory_bytes>},
    {"unit_tasks", gauge, "", "Its processes and their threads.", false, nullptr, number<&UnitStatus::tasks>},
    {"unit_timer_next_timestamp_seconds", gauge, "", "When its timer runs it next.", true, nullptr,
     number<&UnitStatus::next_realtime>},
    {"unit_timer_last_timestamp_seconds", gauge, "", "When its timer ran it last.", true, nullptr,
     number<&UnitStatus::last_run_realtime>},
    {"unit_log_lines", counter, "", "Lines of its log that were kept.", false, nullptr, number<&UnitStatus::log_lines>},
    {"unit_log_lost_lines", counter, "", "Lines of its log that could not be kept.", false, nullptr,
     number<&UnitStatus::log_lost_lines>},
    {"unit_health", string, "health", "The health of a unit that is probed.", false, nullptr, health},
};

// A label's value in quotes: what would end it, or its line, is escaped.
void append_label(std::string& to, std::string_view name, std::string_view value) {
    to.append(name).append("=\"");
    for (char letter : printable(value)) {
        if (letter == '\\' || letter == '"')
            to += '\\';
        to += letter == '\n' ? std::string_view("\\n") : std::string_view(&letter, 1);
    }
    to += '"';
}

void append_samples(std::string& text, const MetricRow& row, const std::string& name, std::string_view unit,
                    const Samples& samples) {
    for (const MetricSample& sample : samples) {
        text += name;
        if (!unit.empty() || !row.label.empty()) {
            text += '{';
            if (!unit.empty())
                append_label(text, "unit", unit);
            if (!unit.empty() && !row.label.empty())
                text += ',';
            if (!row.label.empty())
                append_label(text, row.label, sample.word);
            text += '}';
        }
        text.append(" ").append(metric_digits(row, sample)).append("\n");
    }
}

// What stands before the samples of a family. A counter's samples end with _total: in OpenMetrics its family does not.
void append_head(std::string& text, const MetricRow& row, const std::string& name, MetricFormat format) {
    std::string family = name;
    if (row.type == counter && format == MetricFormat::openmetrics)
        family.resize(family.size() - std::string_view("_total").size());
    text.append("# HELP ").append(family).append(" ").append(row.help).append("\n");
    if (row.type != counter || format != MetricFormat::both)
        text.append("# TYPE ").append(family).append(row.type == counter ? " counter\n" : " gauge\n");
}

} // namespace

std::span<const MetricRow> metric_rows() { return rows; }

std::string metric_digits(const MetricRow& row, const MetricSample& sample) {
    constexpr std::int64_t millionths = 1000000;
    if (!row.micros)
        return std::to_string(sample.value);
    std::string digits = std::to_string(sample.value / millionths);
    if (const std::int64_t rest = sample.value % millionths; rest > 0) {
        const std::string part = std::to_string(millionths + rest); // with a 1 in front, for the zeros
        digits.append(".").append(part, 1, part.find_last_not_of('0'));
    }
    return digits;
}

Metric told(const MetricRow& row, const MetricSample& sample, std::string_view unit) {
    Metric metric;
    metric.name.append(interface_name).append(".").append(row.name);
    metric.value.text = row.type == string ? json_of(sample.word) : metric_digits(row, sample);
    if (!unit.empty())
        metric.object = unit;
    if (row.type != string && !row.label.empty())
        metric.fields_ = RawMap{"{\"" + std::string(row.label) + "\":" + json_of(sample.word) + "}"};
    return metric;
}

MetricFamilyReply told(const MetricRow& row) {
    return {std::string(interface_name).append(".").append(row.name), std::string(row.help), row.type};
}

std::string metrics_text(const ManagerFacts& facts, std::span<const UnitStatus> units, MetricFormat format) {
    std::string text;
    Samples samples;
    for (const MetricRow& row : rows) {
        const std::string name = std::string("miniinit_").append(row.name) + (row.type == counter ? "_total" : "");
        append_head(text, row, name, format);
        samples.clear();
        if (row.of_manager != nullptr) {
            row.of_manager(facts, samples);
            append_samples(text, row, name, {}, samples);
            continue;
        }
        for (const UnitStatus& unit : units) {
            samples.clear();
            row.of_unit(unit, samples);
            append_samples(text, row, name, unit.name, samples);
        }
    }
    return text += "# EOF\n";
}

} // namespace mi::wire
