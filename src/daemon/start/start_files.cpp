#include "daemon/start/start_files.hpp"

#include "config/syntax.hpp"
#include "os/spawn/spawn.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

namespace mi::daemon {

namespace {

constexpr std::size_t largest = 1 << 20; // of an environment file

bool is_name(const core::Command& command) { return core::program_of(command).find('/') == std::string_view::npos; }

// The root directory in which the program of the command is; empty: ours.
std::string root_of(const core::Process* process, const core::Command& command) {
    return process != nullptr && process->confinement && !core::is_privileged(command)
               ? process->confinement->root_directory
               : std::string();
}

std::optional<std::string> path_in(const Variables& variables) {
    std::optional<std::string> path;
    for (const auto& [key, value] : variables)
        if (key == "PATH")
            path = value;
    return path;
}

// PATH as prepare() sets it, before the environment files: each that has one wins over the one before.
std::string path_before_files(const core::Process* process, bool entry, const Surroundings& surroundings) {
    std::string path(surroundings.base_for(process).get("PATH"));
    const auto passes = [&] {
        return entry || (process != nullptr && process->pass_environment &&
                         std::ranges::any_of(*process->pass_environment,
                                             [](const std::string& name) { return name == "PATH" || name == "*"; }));
    };
    for (std::string_view ours : surroundings.environment)
        if (ours.starts_with("PATH=") && passes())
            path = ours.substr(5);
    return process != nullptr ? path_in(process->environment).value_or(path) : path;
}

// The variables of one environment file: `code`, `text` as it was answered.
std::expected<Variables, NoStart> variables_in(const core::EnvironmentFile& file, core::EnvironmentSyntax syntax,
                                               const os::PathAnswer& answer) {
    if (file.optional && answer.code == ENOENT)
        return {};
    switch (answer.code) {
    case 0: break;
    case ELOOP:
        return std::unexpected("environment file " + file.path +
                               ": a link in a directory that others than root can change is not followed");
    case EMLINK:
        return std::unexpected("environment file " + file.path +
                               ": it has another name, too, and lies in a directory that others than root can change");
    case ENOTSUP: return std::unexpected("environment file " + file.path + ": it is no regular file");
    default:
        return std::unexpected(
            NoStart("environment file: " + Fault{answer.code, "open", file.path}.text(), answer.code));
    }
    config::Environment parsed = syntax == core::EnvironmentSyntax::systemd
                                     ? config::parse_systemd_environment(answer.text)
                                     : config::parse_environment(answer.text);
    if (!parsed.problems.empty())
        return std::unexpected("environment file " + file.path + ":" + std::to_string(parsed.problems.front().line) +
                               ": " + parsed.problems.front().message);
    return std::move(parsed.variables);
}

} // namespace

std::vector<os::PathQuestion> questions_for_start(const core::Unit& unit, const core::Command& command, bool entry,
                                                  const Surroundings& surroundings, const StartFiles* found) {
    using Kind = os::PathQuestion::Kind;
    const core::Process* process = unit.process.get();
    std::vector<os::PathQuestion> questions;
    if (process != nullptr && found == nullptr)
        for (const core::EnvironmentFile& file : process->environment_files)
            questions.push_back({.kind = Kind::read, .path = file.path, .most = largest});
    if (!is_name(command))
        return questions;
    // Where the root directory is missing, so is every program in it: that is not to be what the reason says.
    const std::string root = root_of(process, command);
    if (!root.empty())
        questions.push_back({.kind = Kind::exists, .path = root});
    os::PathQuestion program{.kind = Kind::program, .path = std::string(core::program_of(command))};
    program.text = path_before_files(process, entry, surroundings);
    if (found != nullptr)
        program.text = path_in(found->variables).value_or(program.text);
    program.root = root;
    questions.push_back(std::move(program));
    return questions;
}

std::expected<StartAnswer, NoStart> files_for_start(const core::Unit& unit, const core::Command& command,
                                                    std::span<const os::PathAnswer> answers, const StartFiles* found) {
    StartAnswer answer;
    const core::Process* process = unit.process.get();
    if (found != nullptr)
        answer.found = *found;
    else if (process != nullptr)
        for (const core::EnvironmentFile& file : process->environment_files) {
            auto variables = variables_in(file, process->environment_syntax, answers.front());
            if (!variables)
                return std::unexpected(variables.error());
            std::ranges::move(*variables, std::back_inserter(answer.found.variables));
            answers = answers.subspan(1);
        }
    if (!is_name(command)) {
        answer.found.program = core::program_of(command); // exec itself will say what is wrong with it
        return answer;
    }
    if (const std::string root = root_of(process, command); !root.empty()) {
        if (const int code = answers.front().code; code != 0)
            return std::unexpected(NoStart(os::SpawnFault{os::Step::root, code, '"' + root + '"'}));
        answers = answers.subspan(1);
    }
    answer.again = found == nullptr && path_in(answer.found.variables).has_value();
    if (answer.again)
        return answer;
    if (answers.front().code != 0)
        return std::unexpected(
            NoStart("exec: " + Fault{answers.front().code, "find", std::string(core::program_of(command))}.text(),
                    answers.front().code));
    answer.found.program = answers.front().text;
    return answer;
}

} // namespace mi::daemon
