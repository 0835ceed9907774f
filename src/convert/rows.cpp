// Directives that have one equal, as the table has them; and those that none of the steps has taken.
#include "base/join.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/directives.hpp"
#include "convert/step.hpp"
#include "convert/steps.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr std::string_view unlimited = "\"unlimited\"";

// --- limits ---------------------------------------------------------------------------------------------------------

std::string size_or_unlimited(const Size& size) {
    return size.infinite ? std::string(unlimited) : std::to_string(size.number);
}

// A span of time as a number of `unit`s, rounded up.
std::string time_limit(std::string_view text, Span unit) {
    const std::optional<Time> time = time_span(text, unit);
    if (!time || time->infinite)
        return time ? std::string(unlimited) : std::string();
    return std::to_string((time->span.count() + unit.count() - 1) / unit.count());
}

// One bound of a limit as TOML; empty: it is none.
std::string limit_bound(Form form, std::string_view text) {
    if (text == "infinity")
        return std::string(unlimited);
    if (form == Form::limit_in_seconds)
        return time_limit(text, std::chrono::seconds(1));
    if (form == Form::limit_in_microseconds)
        return time_limit(text, std::chrono::microseconds(1));
    if (form == Form::limit_in_bytes) {
        const std::optional<Size> size = byte_size(text);
        return size && !size->percent ? size_or_unlimited(*size) : "";
    }
    if (form == Form::limit_of_nice && (text.starts_with('+') || text.starts_with('-'))) {
        const std::optional<std::int64_t> nice = whole(text);
        return nice && *nice >= -20 && *nice <= 19 ? std::to_string(20 - *nice) : "";
    }
    const std::optional<std::uint64_t> number = to_number<std::uint64_t>(text);
    return !number ? "" : *number > INT64_MAX ? std::string(unlimited) : std::to_string(*number);
}

// Whether the soft limit would be above the hard one.
bool is_above(const std::string& soft, const std::string& hard) {
    if (soft == unlimited || hard == unlimited)
        return soft == unlimited && hard != unlimited;
    return soft.size() > hard.size() || (soft.size() == hard.size() && soft > hard);
}

// SOFT or SOFT:HARD as TOML; empty: it is no limit.
std::string limit_pair(Form form, std::string_view value) {
    const std::size_t colon = value.find(':');
    const std::string soft = limit_bound(form, trim(value.substr(0, colon)));
    const std::string hard = colon == value.npos ? soft : limit_bound(form, trim(value.substr(colon + 1)));
    if (soft.empty() || hard.empty() || is_above(soft, hard))
        return {};
    return soft == hard ? soft : "[" + soft + ", " + hard + "]";
}

// --- the rows ---------------------------------------------------------------------------------------------------------

class RowStep : Step {
public:
    RowStep(const Source& source, const SystemdUnit& unit, const Row& row)
        : Step(source, row.table), unit_(unit), row_(row) {}

    Output run() {
        switch (row_.form) {
        case Form::words:
        case Form::accounts:
        case Form::variables:
        case Form::environment_files:
        case Form::processors: list(); break;
        default: one();
        }
        return std::move(out_);
    }

private:
    // A directive of which only the last assignment counts.
    void one() {
        const Assignment* of = nullptr;
        for (std::string_view spelling : blank_separated(row_.directives))
            if (const Assignment* found = last(unit_, row_.section, spelling); of == nullptr)
                of = found;
        if (of == nullptr || of->value == row_.usual)
            return;
        if (std::string value = toml_of(*of); !value.empty())
            set(row_.keys, std::move(value));
    }

    std::string or_lost(const Assignment& of, std::string value, std::string_view why) {
        if (value.empty())
            lost(&of, why);
        return value;
    }

    // The value as TOML. Empty: there is nothing to write, or it has been told why not.
    std::string toml_of(const Assignment& of) {
        switch (row_.form) {
        case Form::text: {
            const std::optional<std::string> resolved = text(of);
            return resolved ? quoted(*resolved) : "";
        }
        case Form::path: {
            const std::optional<std::string> path = absolute_path(of);
            return path ? quoted(*path) : "";
        }
        case Form::flag_or_disconnected:
            if (of.value == "disconnected")
                return "true";
            [[fallthrough]];
        case Form::flag: return truth(of) == true ? "true" : "";
        case Form::flag_or_words:
            if (!convert::truth(of.value))
                near(&of, row_.why);
            return convert::truth(of.value) == false ? "" : "true";
        case Form::integer: {
            const std::optional<std::int64_t> number = whole_number(of, row_.low, row_.high);
            return number ? std::to_string(*number) : "";
        }
        case Form::account: return account(of);
        case Form::bytes: return bytes(of);
        case Form::mode: {
            const std::optional<std::uint32_t> mode = config::parse_mode(of.value);
            return or_lost(of, mode && *mode <= row_.high ? quoted(of.value) : "", "it is no mode");
        }
        case Form::signal: {
            const std::optional<int> number = signal_number(of.value);
            return or_lost(of, number ? quoted(signal_name(*number)) : "", "there is no such signal");
        }
        case Form::percent: return or_lost(of, percent(of.value), "it is no whole percentage");
        case Form::weight: return weight(of);
        case Form::limit:
        case Form::limit_in_bytes:
        case Form::limit_in_seconds:
        case Form::limit_in_microseconds:
        case Form::limit_of_nice: return or_lost(of, limit_pair(row_.form, of.value), "it is no limit");
        default: return {};
        }
    }

    std::string account(const Assignment& of) {
        const std::optional<std::string> name = text(of);
        return name ? or_lost(of, is_account(*name) ? quoted(*name) : "", not_an_account) : "";
    }

    std::string bytes(const Assignment& of) {
        const std::optional<Size> size = byte_size(of.value);
        if (!size || size->percent) {
            lost(&of, size ? "there are no shares of what the machine has: write the amount" : "it is no amount");
            return {};
        }
        return size_or_unlimited(*size);
    }

    static std::string percent(std::string_view value) {
        const std::optional<std::uint32_t> number = config::parse_percent(value);
        return number && *number > 0 && *number <= 1'000'000 ? quoted(std::to_string(*number) + "%") : "";
    }

    // A weight, on the scale on which the usual one is 100.
    std::string weight(const Assignment& of) {
        const std::optional<std::int64_t> number = whole(of.value);
        if (!number || *number < row_.low || *number > row_.high) {
            lost(&of, "it is no weight from " + std::to_string(row_.low) + " to " + std::to_string(row_.high));
            return {};
        }
        return std::to_string(std::clamp<std::int64_t>(*number * 100 / row_.scale, 1, 10000));
    }

    // A directive whose assignments make one list.
    void list() {
        for (const Assignment* each : all(unit_, row_.section, row_.directives))
            add(*each);
        if (!items_.empty())
            set(row_.keys, "[" + join(items_) + "]");
    }

    void add(const Assignment& of) {
        switch (row_.form) {
        case Form::words:
            for (const std::string& word : words(of))
                items_.push_back(quoted(word));
            return;
        case Form::accounts:
            for (const std::string& word : words(of))
                add_if(is_account(word), word, of, not_an_account);
            return;
        case Form::variables:
            for (std::string_view name : blank_separated(of.value))
                add_if(config::is_variable_name(name), name, of, "it is no name of a variable");
            return;
        case Form::environment_files:
            if (std::optional<std::string> path = text(of)) {
                const bool absolute = path->starts_with('/') || path->starts_with("-/");
                const bool pattern = absolute && path->find_first_of("*?[") != path->npos;
                add_if(absolute && !pattern, *path, of,
                       pattern ? "patterns of paths are not matched: name the files" : "it is no absolute path");
            }
            return;
        default: add_processors(of);
        }
    }

    void add_if(bool right, std::string_view item, const Assignment& of, std::string_view why) {
        if (right)
            items_.push_back(quoted(item));
        else
            lost(&of, why);
    }

    void add_processors(const Assignment& of) {
        std::string list = of.value;
        std::ranges::replace(list, ',', ' ');
        for (std::string_view word : blank_separated(list)) {
            const std::vector<std::string_view> ends = split(word, '-');
            const auto from = to_number<unsigned>(ends.front()), to = to_number<unsigned>(ends.back());
            if (!from || !to || *from > *to || *to > 8191 || ends.size() > 2)
                lost(&of, "\"" + std::string(word) + "\" is neither a processor nor a range of them");
            else
                items_.push_back(ends.size() == 1 ? std::to_string(*from)
                                                  : quoted(std::to_string(*from) + "-" + std::to_string(*to)));
        }
    }

    const SystemdUnit& unit_;
    const Row& row_;
    std::vector<std::string> items_; // as TOML
};

// --- the rest ---------------------------------------------------------------------------------------------------------

Table table_of(const SystemdUnit& unit, const Assignment& of) {
    if (of.section == "Unit" || of.section == "Install")
        return Table::top;
    return unit.kind == SystemdUnit::Kind::socket  ? Table::listen
           : unit.kind == SystemdUnit::Kind::timer ? Table::timer
                                                   : Table::service;
}

// Whether the value of a directive is the one that asks for nothing.
bool is_usual(const Row& row, std::string_view value) {
    const std::optional<bool> usual = truth(row.usual);
    return usual ? truth(value) == usual : is_one_of(value, row.usual);
}

void report(Output& output, const SystemdUnit& unit, const Assignment& of) {
    if (of.value.empty())
        return; // the default
    if (of.section == "Unit" && (of.key.starts_with("Condition") || of.key.starts_with("Assert")))
        return output.say(of, Table::condition, Weight::lost, "there is no condition of that kind");
    const Row* row = row_of(of.section, of.key);
    if (row != nullptr) {
        const bool usual = is_usual(*row, of.value);
        switch (row->form) {
        case Form::no_equal:
            if (!usual)
                output.say(of, row->table, Weight::lost, row->why);
            return;
        case Form::no_equal_but_a_value:
            return output.say(of, row->table, usual ? Weight::note : Weight::lost, row->why);
        case Form::comes_near: return output.say(of, row->table, Weight::near, row->why);
        case Form::not_needed: return output.say(of, row->table, Weight::note, row->why);
        case Form::names_partner: return;
        default: break; // it stands where the step that knows it does not look
        }
    }
    if (unit.kind == SystemdUnit::Kind::socket && of.section == "Socket")
        return output.say(of, Table::listen, Weight::lost, "nothing runs for a socket but its service");
    output.say(of, table_of(unit, of), Weight::lost, "this directive is not known in [" + of.section + "]");
}

} // namespace

Output convert_rows(const Source& source, const SystemdUnit& unit, std::string_view section) {
    Output output;
    for (const Row& row : rows()) {
        if (row.section != section || !is_converted_by_row(row.form))
            continue;
        Output made = RowStep(source, unit, row).run();
        if (output.toml.has(row.table, row.keys))
            made.toml = {}; // an older directive for the same key, which systemd passes over as well
        output.add(std::move(made));
    }
    return output;
}

Output report_rest(const Source& source, const std::vector<const Assignment*>& taken) {
    Output output;
    for (const SystemdUnit& unit : source.units) {
        for (const Assignment& each : unit.text.assignments)
            if (std::ranges::find(taken, &each) == taken.end())
                report(output, unit, each);
        for (const BadLine& bad : unit.text.bad)
            output.say(bad.file, bad.line, Weight::lost,
                       std::string(bad.why) + (bad.text.empty() ? "" : ": " + bad.text.substr(0, 100)));
    }
    return output;
}

} // namespace mi::convert
