#include "convert/step.hpp"

#include "base/printable.hpp"
#include "base/unreachable.hpp"
#include "convert/words.hpp"

#include <iterator>
#include <tuple>

namespace mi::convert {

namespace {

// The name of a file for a comment; that of a drop-in has its directory in front.
std::string_view short_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == path.npos || !path.ends_with(".conf") || !path.substr(0, slash).ends_with(".d"))
        return file_name(path);
    const std::size_t before = path.rfind('/', slash - 1);
    return before == path.npos ? path : path.substr(before + 1);
}

std::string_view word(Weight weight) {
    switch (weight) {
    case Weight::note: return "not needed";
    case Weight::near: return "comes near";
    case Weight::lost: return "no equal";
    }
    unreachable("there is no other weight of a remark");
}

std::string line_of(const Remark& remark, std::string_view file) {
    std::string line(file);
    if (remark.line != 0)
        line += ":" + std::to_string(remark.line);
    if (!remark.directive.empty())
        line += ": " + remark.directive;
    return line + ": " + std::string(word(remark.weight)) + ": " + remark.why;
}

} // namespace

std::string text(const Remark& remark) { return printable(line_of(remark, remark.file)); }

void StepOutput::say(const Assignment& about, Table table, Weight weight, std::string_view why) {
    if (about.is_set())
        remarks.push_back({table, {about.file, about.line, about.key + "=" + about.value, weight, std::string(why)}});
}

void StepOutput::say(const std::string& file, std::uint32_t line, Weight weight, std::string_view why) {
    remarks.push_back({Table::top, {file, line, "", weight, std::string(why)}});
}

void StepOutput::add(StepOutput more) {
    toml.add(std::move(more.toml));
    std::ranges::move(more.remarks, std::back_inserter(remarks));
    taken.insert(taken.end(), more.taken.begin(), more.taken.end());
    if (!more.fault.empty())
        fault = std::move(more.fault);
}

Unit finish(StepOutput output, std::string name, std::vector<std::string> files) {
    output.toml.headline("From " + join(files));
    std::ranges::stable_sort(output.remarks, {},
                             [](const StepOutput::Said& said) { return std::tie(said.remark.file, said.remark.line); });
    Unit unit{std::move(name), {}, {}, std::move(files), std::move(output.fault)};
    for (auto& [table, remark] : output.remarks) {
        // Two steps can make the same remark; one is enough.
        if (std::ranges::find(unit.remarks, remark) != unit.remarks.end())
            continue;
        output.toml.comment(table, line_of(remark, short_name(remark.file)));
        unit.remarks.push_back(std::move(remark));
    }
    if (unit.fault.empty())
        unit.toml = output.toml.text();
    return unit;
}

ConversionStep::Assignments ConversionStep::all(const SystemdUnit& unit, std::string_view section,
                                                std::string_view key) {
    Assignments found;
    for (const Assignment* each : unit.text.of(section, key)) {
        out_.taken.push_back(each);
        if (each->is_set())
            found.emplace_back(*each);
        else
            found.clear();
    }
    return found;
}

const Assignment& ConversionStep::last(const SystemdUnit& unit, std::string_view section, std::string_view key) {
    const Assignments found = all(unit, section, key);
    return found.empty() ? not_set : found.back().get();
}

std::optional<std::string> ConversionStep::text(const Assignment& of) {
    auto resolved = source_.specifiers.resolve(of.value);
    if (!resolved)
        lost(of, resolved.error());
    return resolved && of.is_set() ? std::optional(std::move(*resolved)) : std::nullopt;
}

std::vector<std::string> ConversionStep::words(const Assignment& of) {
    std::vector<std::string> resolved;
    auto words = split_words(of.value);
    if (!words)
        lost(of, words.error());
    for (const std::string& word : words.value_or(std::vector<std::string>()))
        if (auto each = source_.specifiers.resolve(word))
            resolved.push_back(std::move(*each));
        else
            lost(of, each.error());
    return resolved;
}

std::optional<bool> ConversionStep::truth(const Assignment& of) {
    const std::optional<bool> truth = convert::truth(of.value);
    if (!truth)
        lost(of, not_a_truth);
    return truth;
}

std::optional<std::string> ConversionStep::absolute_path(const Assignment& of) {
    std::optional<std::string> path = text(of);
    if (!path || path->starts_with('/'))
        return path;
    lost(of, "it is no absolute path");
    return std::nullopt;
}

std::optional<std::int64_t> ConversionStep::whole_number(const Assignment& of, std::int64_t low, std::int64_t high) {
    const std::optional<std::int64_t> number = whole(of.value);
    if (number && *number >= low && *number <= high)
        return number;
    lost(of, "it is no number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
}

void ConversionStep::set_list(std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty())
        set(key, array(texts));
}

} // namespace mi::convert
