// Converts Condition…= and Assert…= of [Unit].
#include "base/capabilities.hpp"
#include "base/glob.hpp"
#include "convert/step.hpp"

#include <map>

namespace mi::convert {

namespace {

class ConditionStep : ConversionStep {
public:
    explicit ConditionStep(const UnitSource& source) : ConversionStep(source, Table::condition) {}

    StepOutput run() {
        for (const SystemdUnit& unit : source_.units)
            for (const Row& row : rows_of("Unit"))
                if (row.table == Table::condition)
                    for (std::string_view spelling : blank_separated(row.directives))
                        for (const Assignment& each : all(unit, "Unit", spelling))
                            take(unit, each, row);
        for (const auto& [key, values] : lists_)
            set(key, values.size() == 1 ? quoted(values[0]) : array(values));
        return std::move(out_);
    }

private:
    static bool is_assertion(const Assignment& of) { return of.key.starts_with("Assert"); }

    // The number of a unit's conditions that begin with '|'. At least one of these must hold.
    static std::size_t alternatives(const SystemdUnit& unit, bool assertions) {
        return static_cast<std::size_t>(std::ranges::count_if(unit.text.assignments, [&](const Assignment& each) {
            return each.section == "Unit" && each.key.starts_with(assertions ? "Assert" : "Condition") &&
                   each.value.starts_with('|');
        }));
    }

    void take(const SystemdUnit& unit, const Assignment& of, const Row& row) {
        std::string_view raw = of.value;
        if (raw.starts_with('|') && alternatives(unit, is_assertion(of)) > 1)
            return lost(of, "conditions of which one is enough cannot be written: here, each has to hold");
        raw.remove_prefix(raw.starts_with('|') ? 1 : 0);
        bool negated = false;
        for (; raw.starts_with('!') || raw.starts_with(' '); raw.remove_prefix(1))
            negated = negated != raw.starts_with('!');
        auto value = source_.specifiers.resolve(raw);
        if (const std::string why = value ? add(of, row, std::move(*value), negated) : value.error(); !why.empty())
            return lost(of, why);
        if (is_assertion(of))
            near(of, "a unit whose condition is not met is skipped, and not failed");
        if (!row.why.empty())
            near(of, row.why);
    }

    // Adds a condition. Returns the reason if that is not possible, or an empty string.
    std::string add(const Assignment& of, const Row& row, std::string value, bool negated) {
        if (row.form == Form::condition_container)
            return add_container(of, value, negated);
        if (row.form == Form::condition_flag) {
            const std::optional<bool> wanted = convert::truth(value);
            return wanted ? set_flag(row.key, *wanted != negated) : std::string(not_a_truth);
        }
        if (row.form == Form::condition_word && value.empty())
            return "it names no word";
        if (row.form == Form::condition_capability) {
            const std::optional<int> number = capability_number(value);
            if (!number)
                return "it is no capability that is known";
            value = capability_names()[static_cast<std::size_t>(*number)];
        } else if (row.form != Form::condition_word && !value.starts_with('/')) {
            return "it is no absolute path";
        }
        if (row.form == Form::condition_directory)
            value += value.ends_with('/') ? "." : "/."; // such a path exists only below a directory
        if (row.form == Form::condition_pattern && has_wildcard(value))
            put("path-matches", (negated ? "!" : "") + value);
        else if (row.key == "path-exists")
            put(negated ? "path-missing" : row.key, std::move(value));
        else
            put(row.key, (negated ? "!" : "") + value);
        return {};
    }

    std::string add_container(const Assignment& of, std::string_view value, bool negated) {
        const std::optional<bool> any = convert::truth(value);
        if (value != "container" && !any)
            return "which kind of machine or container it is is not found out";
        if (any)
            near(of, "virtual machines are not told from others, containers are");
        return set_flag("container", any.value_or(true) != negated);
    }

    std::string set_flag(std::string_view key, bool wanted) {
        const std::string value = wanted ? "true" : "false";
        if (out_.toml.has(Table::condition, key) && out_.toml.value(Table::condition, key) != value)
            return "it contradicts another condition";
        set(key, value);
        return {};
    }

    void put(std::string_view key, std::string value) { add_once(lists_[key], std::move(value)); }

    std::map<std::string_view, std::vector<std::string>> lists_; // by key of ours
};

} // namespace

StepOutput convert_conditions(const UnitSource& source) { return ConditionStep(source).run(); }

} // namespace mi::convert
