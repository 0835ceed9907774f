// Converts the directives that have one equal, by their rows in the table, and reports those that no step has read.
#include "base/signals.hpp"
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"

#include <expected>
#include <tuple>

namespace mi::convert {

namespace {

constexpr std::string_view unlimited = "\"unlimited\"";

// A value as TOML, empty if no key is needed; or a phrase about the error in the value.
using Toml = std::expected<std::string, std::string>;

Toml unless_empty(std::string value, std::string_view why) {
    if (value.empty())
        return std::unexpected(std::string(why));
    return value;
}

// --- numbers ----------------------------------------------------------------------------------------------------------

std::string size_or_unlimited(const Size& size) {
    return size.infinite ? std::string(unlimited) : std::to_string(size.number);
}

// A span of time as a number of `unit`s, rounded up; empty if it is none.
std::string time_limit(std::string_view text, Span unit) {
    const std::optional<Time> time = time_span(text, unit);
    if (!time || time->infinite)
        return time ? std::string(unlimited) : std::string();
    return std::to_string((time->span.count() + unit.count() - 1) / unit.count());
}

// A soft or hard limit; empty if it is none.
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

// SOFT or SOFT:HARD as TOML; empty if it is no limit.
std::string limit_pair(Form form, std::string_view value) {
    const std::size_t colon = value.find(':');
    const std::string soft = limit_bound(form, trim(value.substr(0, colon)));
    const std::string hard = colon == value.npos ? soft : limit_bound(form, trim(value.substr(colon + 1)));
    const bool above = soft == unlimited
                           ? hard != soft
                           : hard != unlimited && std::tuple(soft.size(), soft) > std::tuple(hard.size(), hard);
    if (soft.empty() || hard.empty() || above)
        return {};
    return soft == hard ? soft : "[" + soft + ", " + hard + "]";
}

// A processor, or a range of processors, as TOML.
Toml processors(std::string_view word) {
    const std::vector<std::string_view> ends = split(word, '-');
    const auto from = to_number<unsigned>(ends.front()), to = to_number<unsigned>(ends.back());
    if (!from || !to || *from > *to || *to > 8191 || ends.size() > 2)
        return std::unexpected("\"" + std::string(word) + "\" is neither a processor nor a range of them");
    if (ends.size() == 1)
        return std::to_string(*from);
    return quoted(std::to_string(*from) + "-" + std::to_string(*to));
}

// --- the rows ---------------------------------------------------------------------------------------------------------

class RowStep : ConversionStep {
public:
    RowStep(const UnitSource& source, const SystemdUnit& unit, std::string_view section, const Row& row)
        : ConversionStep(source, row.table), unit_(unit), section_(section), row_(row) {}

    StepOutput run() {
        if (row_.form >= Form::words && row_.form <= Form::processors)
            list();
        else
            one();
        return std::move(out_);
    }

private:
    // Converts a directive of which the last assignment counts. The first spelling that is set wins.
    void one() {
        const Assignment* of = &not_set;
        for (std::string_view spelling : blank_separated(row_.directives))
            if (const Assignment& found = last(unit_, section_, spelling); !of->is_set())
                of = &found;
        if (!of->is_set() || of->value == row_.usual)
            return;
        Toml value = toml_of(*of);
        if (!value && row_.key == "description")
            value = shown(*of);
        if (!value)
            lost(*of, value.error());
        else if (!value->empty())
            set(row_.key, std::move(*value));
    }

    // A text that is only shown may name the instance as it is written.
    Toml shown(const Assignment& of) {
        std::string text;
        for (std::size_t at = 0; at < of.value.size(); ++at) {
            const bool specifier = of.value[at] == '%' && at + 1 < of.value.size();
            if (specifier && (of.value[at + 1] == 'I' || of.value[at + 1] == 'f'))
                text += of.value[++at] == 'f' ? "/%i" : "%i";
            else
                text.append(of.value, at, specifier ? 2 : 1), at += specifier ? 1 : 0;
        }
        Toml value = resolved(text);
        if (value)
            note(of, "it is only shown: the instance is in it as it is written");
        return value;
    }

    Toml toml_of(const Assignment& of) {
        const std::string& value = of.value;
        switch (row_.form) {
        case Form::text:
        case Form::path:
        case Form::account: return resolved(value);
        case Form::flag:
        case Form::flag_or_disconnected: {
            const bool also = row_.form == Form::flag_or_disconnected && value == "disconnected";
            const std::optional<bool> truth = also ? true : convert::truth(value);
            return truth ? Toml(*truth ? "true" : "") : Toml(std::unexpect, not_a_truth);
        }
        case Form::flag_or_words:
            if (!convert::truth(value))
                near(of, row_.why);
            return convert::truth(value) == false ? "" : "true";
        case Form::integer: {
            const std::optional<std::int64_t> number = whole_number(of, row_.low, row_.high);
            return number ? std::to_string(*number) : "";
        }
        case Form::bytes: {
            const std::optional<Size> size = byte_size(value);
            if (size && !size->percent)
                return size_or_unlimited(*size);
            if (size && row_.key == "pids-max" && size->number >= 90) {
                near(of, "there are no shares of what the machine has: it may have as many as that");
                return std::string(unlimited);
            }
            return std::unexpected(size ? "there are no shares of what the machine has: write the amount"
                                        : "it is no amount");
        }
        case Form::mode: {
            const std::optional<std::uint32_t> mode = config::parse_mode(value);
            return unless_empty(mode && *mode <= static_cast<unsigned>(row_.high) ? quoted(value) : "",
                                "it is no mode");
        }
        case Form::signal: {
            const std::optional<int> number = signal_number(value);
            return unless_empty(number ? quoted(signal_name(*number)) : "", "there is no such signal");
        }
        case Form::percent: {
            const std::uint32_t number = config::parse_percent(value).value_or(0);
            return unless_empty(number > 0 && number <= 1'000'000 ? quoted(std::to_string(number) + "%") : "",
                                "it is no whole percentage");
        }
        case Form::weight: {
            const std::optional<std::int64_t> number = whole(value);
            if (!number || *number < row_.low || *number > row_.high)
                return std::unexpected("it is no weight from " + std::to_string(row_.low) + " to " +
                                       std::to_string(row_.high));
            return std::to_string(std::clamp<std::int64_t>(*number * 100 / row_.scale, 1, 10000));
        }
        default: return unless_empty(limit_pair(row_.form, value), "it is no limit");
        }
    }

    // Converts a value that may have specifiers.
    Toml resolved(std::string_view value) const {
        const Toml text = source_.specifiers.resolve(value);
        if (!text)
            return text;
        if (row_.form == Form::path && !text->starts_with('/'))
            return std::unexpected("it is no absolute path");
        if (row_.form == Form::account && !is_account(*text))
            return std::unexpected(std::string(not_an_account));
        return quoted(*text);
    }

    // Converts a directive whose assignments are joined to one list.
    void list() {
        std::vector<std::string> items;
        for (const Assignment& each : all(unit_, section_, row_.directives))
            for (const std::string& word : items_of(each))
                if (Toml item = item_of(word); item)
                    items.push_back(std::move(*item));
                else
                    lost(each, item.error());
        if (!items.empty())
            set(row_.key, "[" + join(items) + "]");
    }

    std::vector<std::string> items_of(const Assignment& of) {
        if (row_.form == Form::words || row_.form == Form::accounts)
            return words(of);
        std::string list = of.value;
        if (row_.form == Form::environment_files) {
            const std::optional<std::string> path = text(of);
            return path ? std::vector{*path} : std::vector<std::string>{};
        }
        if (row_.form == Form::processors)
            std::ranges::replace(list, ',', ' ');
        const std::vector<std::string_view> words = blank_separated(list);
        return {words.begin(), words.end()};
    }

    [[nodiscard]] Toml item_of(const std::string& word) const {
        switch (row_.form) {
        case Form::accounts: return unless_empty(is_account(word) ? quoted(word) : "", not_an_account);
        case Form::variables:
            return unless_empty(config::is_shell_variable_name(word) ? quoted(word) : "",
                                "it is no name of a variable");
        case Form::processors: return processors(word);
        case Form::environment_files:
            if (!word.starts_with('/') && !word.starts_with("-/"))
                return std::unexpected("it is no absolute path");
            if (word.find_first_of("*?[") != word.npos)
                return std::unexpected("patterns of paths are not matched: name the files");
            break;
        default: break;
        }
        return quoted(word);
    }

    const SystemdUnit& unit_;
    const std::string_view section_;
    const Row& row_;
};

// --- the rest ---------------------------------------------------------------------------------------------------------

Table table_of(const SystemdUnit& unit, const Assignment& of) {
    if (of.section == "Unit" || of.section == "Install")
        return Table::top;
    return unit.kind == SystemdUnit::Kind::socket  ? Table::listen
           : unit.kind == SystemdUnit::Kind::timer ? Table::timer
                                                   : Table::service;
}

// True if a directive has the value that changes nothing.
bool is_usual(const Row& row, std::string_view value) {
    if (row.usual.empty()) // what has no equal here is off by default there
        return row.form == Form::no_equal && value != "0" && truth(value) == false;
    const std::optional<bool> usual = truth(row.usual);
    return usual ? truth(value) == usual : is_one_of(value, row.usual);
}

void report(StepOutput& output, const SystemdUnit& unit, const Assignment& of) {
    if (of.value.empty())
        return; // it only cancels earlier assignments
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
        default: break; // the directive is known, but not in this kind of unit
        }
    }
    if (unit.kind == SystemdUnit::Kind::socket && of.section == "Socket")
        return output.say(of, Table::listen, Weight::lost, "nothing runs for a socket but its service");
    output.say(of, table_of(unit, of), Weight::lost, "this directive is not known in [" + of.section + "]");
}

} // namespace

StepOutput convert_rows(const UnitSource& source, const SystemdUnit& unit, std::string_view section) {
    StepOutput output;
    for (const Row& row : rows_of(section)) {
        if (!is_converted_by_row(row.form))
            continue;
        StepOutput made = RowStep(source, unit, section, row).run();
        if (output.toml.has(row.table, row.key))
            made.toml = {}; // systemd ignores the older directive if the newer one is set, too
        output.add(std::move(made));
    }
    return output;
}

StepOutput report_rest(const UnitSource& source, const std::vector<const Assignment*>& taken) {
    StepOutput output;
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
