#include "convert/step.hpp"

#include "convert/directives.hpp"
#include "convert/values.hpp"
#include "convert/words.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace mi::convert {

std::vector<const Assignment*> Step::all(const SystemdUnit& unit, std::string_view section, std::string_view key) {
    assert(row_of(section, key) != nullptr && "a directive that a step reads needs a row in directives.cpp");
    std::vector<const Assignment*> found = unit.text.of(section, key);
    out_.taken.insert(out_.taken.end(), found.begin(), found.end());
    auto reset = std::find_if(found.rbegin(), found.rend(), [](const Assignment* each) { return each->value.empty(); });
    found.erase(found.begin(), reset.base());
    return found;
}

const Assignment* Step::last(const SystemdUnit& unit, std::string_view section, std::string_view key) {
    const std::vector<const Assignment*> found = all(unit, section, key);
    return found.empty() ? nullptr : found.back();
}

void Step::say(const Assignment* about, Weight weight, std::string_view why) {
    if (about != nullptr)
        out_.say(*about, here_, weight, why);
}

std::optional<std::string> Step::text(const Assignment& of) {
    auto resolved = source_.specifiers.resolve(of.value);
    if (resolved)
        return std::move(*resolved);
    lost(&of, resolved.error());
    return std::nullopt;
}

std::vector<std::string> Step::words(const Assignment& of) {
    std::vector<std::string> resolved;
    auto words = split_words(of.value);
    if (!words) {
        lost(&of, words.error());
        return resolved;
    }
    for (const std::string& word : *words)
        if (auto each = source_.specifiers.resolve(word))
            resolved.push_back(std::move(*each));
        else
            lost(&of, each.error());
    return resolved;
}

std::optional<bool> Step::truth(const Assignment& of) {
    std::optional<bool> truth = convert::truth(of.value);
    if (!truth)
        lost(&of, not_a_truth);
    return truth;
}

std::optional<std::string> Step::absolute_path(const Assignment& of) {
    std::optional<std::string> path = text(of);
    if (!path || path->starts_with('/'))
        return path;
    lost(&of, "it is no absolute path");
    return std::nullopt;
}

std::optional<std::int64_t> Step::whole_number(const Assignment& of, std::int64_t low, std::int64_t high) {
    std::optional<std::int64_t> number = whole(of.value);
    if (number && *number >= low && *number <= high)
        return number;
    lost(&of, "it is no number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
}

void Step::set_list(std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty())
        set(key, array(texts));
}

} // namespace mi::convert
