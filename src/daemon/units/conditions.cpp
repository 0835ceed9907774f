#include "daemon/units/conditions.hpp"

#include "base/capabilities.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "os/file/runtime.hpp"
#include "os/machine/power_supply.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace mi::daemon {

namespace {

using Kind = core::Condition::Kind;

// `WORD`, or `KEY=VALUE` whole; a bare KEY also matches KEY=anything.
bool has_word(const std::vector<std::string>& words, const std::string& wanted) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return word == wanted || (wanted.find('=') == std::string::npos && word.starts_with(wanted + "="));
    });
}

// Whether we have the capability, and so can give it to a service: the bounding set of a user's manager does not say that.
bool has_capability(std::string_view name) {
    std::optional<int> number = capability_number(name);
    auto status = os::read_file("/proc/self/status");
    if (!number || !status)
        return false;
    for (std::string_view line : split(*status, '\n'))
        if (line.starts_with("CapPrm:"))
            if (auto mask = to_number<CapabilitySet>(trim(line.substr(7)), 16))
                return (*mask >> *number & 1) != 0;
    return false;
}

std::string_view key(Kind kind) {
    switch (kind) {
    case Kind::path_exists: return "path-exists";
    case Kind::path_missing: return "path-missing";
    case Kind::path_matches: return "path-matches";
    case Kind::directory_not_empty: return "directory-not-empty";
    case Kind::kernel_command_line: return "kernel-command-line";
    case Kind::container: return "container";
    case Kind::capability: return "capability";
    case Kind::first_boot: return "first-boot";
    case Kind::ac_power: return "ac-power";
    case Kind::program: return "program";
    }
    unreachable("there is no other kind of condition");
}

// The question that it asks of the file system; none: it asks for something else.
std::optional<os::PathQuestion::Kind> question_of(Kind kind) {
    switch (kind) {
    case Kind::path_exists:
    case Kind::path_missing: return os::PathQuestion::Kind::exists;
    case Kind::path_matches: return os::PathQuestion::Kind::matches;
    case Kind::directory_not_empty: return os::PathQuestion::Kind::holds_something;
    case Kind::program: return os::PathQuestion::Kind::program;
    case Kind::kernel_command_line:
    case Kind::container:
    case Kind::capability:
    case Kind::first_boot:
    case Kind::ac_power: return std::nullopt;
    }
    unreachable("there is no other kind of condition");
}

// `code`: the answer to its question, 0 for yes.
bool holds(const core::Condition& condition, const Circumstances& circumstances, int code) {
    switch (condition.kind) {
    case Kind::path_missing: return code != 0;
    case Kind::path_exists:
    case Kind::path_matches:
    case Kind::directory_not_empty:
    case Kind::program: return code == 0;
    case Kind::kernel_command_line: return has_word(circumstances.kernel_words, condition.argument);
    case Kind::container: return circumstances.container == (condition.argument == "true");
    case Kind::capability: return has_capability(condition.argument);
    case Kind::first_boot: return circumstances.first_boot == (condition.argument == "true");
    case Kind::ac_power: return os::on_mains() == (condition.argument == "true");
    }
    unreachable("there is no other kind of condition");
}

} // namespace

std::vector<os::PathQuestion> questions_of(const std::vector<core::Condition>& conditions, const std::string& path) {
    std::vector<os::PathQuestion> questions;
    for (const core::Condition& condition : conditions)
        if (const auto kind = question_of(condition.kind))
            questions.push_back({.kind = *kind,
                                 .path = condition.argument,
                                 .text = path,
                                 .ends = *kind == os::PathQuestion::Kind::program ? os::PathQuestion::Ends::never
                                         : condition.negated == (condition.kind == Kind::path_missing)
                                             ? os::PathQuestion::Ends::with_no
                                             : os::PathQuestion::Ends::with_yes});
    return questions;
}

const core::Condition* unmet(const std::vector<core::Condition>& conditions, const Circumstances& circumstances,
                             std::span<const os::PathAnswer> answers) {
    const core::Condition* program = nullptr;
    for (const core::Condition& condition : conditions) {
        int code = 0;
        if (question_of(condition.kind)) {
            code = answers.front().code;
            answers = answers.subspan(1);
        }
        if (holds(condition, circumstances, code) != condition.negated)
            continue;
        if (condition.kind != Kind::program)
            return &condition;
        if (program == nullptr)
            program = &condition;
    }
    return program;
}

std::string words_of(const core::Condition& condition) {
    return std::string(condition.negated ? "!" : "") + std::string(key(condition.kind)) + " = " + condition.argument;
}

} // namespace mi::daemon
