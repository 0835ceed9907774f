#include "daemon/units/systemd_units.hpp"

#include "base/text.hpp"
#include "generator/generator.hpp"
#include "os/file/remove.hpp"
#include "os/file/runtime.hpp"
#include "os/process/helper_child.hpp"
#include "os/process/timed_child.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::daemon {

namespace {

constexpr Span limit = std::chrono::seconds(30);
constexpr char too_long[] =
    "the child that makes units of systemd's had not ended after 30 s, and was killed; the units are "
    "those from before";
constexpr char cannot[] = "systemd's units cannot be made into ours; the units are those from before";

// True if units are to be made: they were asked for, or nothing was said and this is where they are expected.
bool wanted(const Place& place, const core::ManagerSettings& settings, bool at_boot) {
    const std::string directory = generator::units_directory(place.run_directory);
    const auto& directories = place.source.directories;
    if (std::ranges::find(directories, directory) == directories.end())
        return false; // a user's manager, or --units
    if (settings.systemd_units)
        return *settings.systemd_units;
    if (!generator::is_built_in())
        return false;
    // Once it has begun with them, a container keeps them when it gets a unit of its own.
    return (place.takes_foreign_units && generator::has_unit_directories()) ||
           (!at_boot && ::access(directory.c_str(), F_OK) == 0);
}

void remove_units(const Place& place) {
    const std::string directory = generator::units_directory(place.run_directory);
    if (place.mode != Mode::user && ::access(directory.c_str(), F_OK) == 0)
        (void)os::remove_tree(directory);
}

int convert(const Place& place) {
    return static_cast<int>(generator::run({.run_directory = place.run_directory, .source = place.source}));
}

// The lines of a file that have `mark` in them, without the signs of a comment.
std::vector<std::string> lines_of(const std::string& path, std::string_view mark) {
    std::vector<std::string> lines;
    const std::string text = os::read_file(path).value_or("");
    for (std::string_view line : split(text, '\n'))
        if (!line.empty() && line.find(mark) != line.npos)
            lines.emplace_back(line.substr(line.starts_with("# ") ? 2 : 0));
    return lines;
}

std::vector<std::string> result_of(const Place& place, bool killed, int code) {
    if (code == static_cast<int>(generator::Result::unchanged))
        return {};
    if (!killed && code == static_cast<int>(generator::Result::converted))
        return lines_of(generator::units_directory(place.run_directory) + generator::problems_file, {});
    return {killed ? too_long : cannot};
}

} // namespace

std::vector<std::string> convert_at_boot(const Place& place, const core::ManagerSettings& settings) {
    if (!wanted(place, settings, true)) {
        remove_units(place);
        return {};
    }
    constexpr int failed = static_cast<int>(generator::Result::failed);
    const os::Outcome outcome = os::in_child(limit, [&] { return convert(place) != failed; });
    return result_of(place, outcome == os::Outcome::too_long, outcome == os::Outcome::failed ? failed : 0);
}

// The file is one of ours in /run, so that reading it cannot take long.
std::vector<std::string> lost_in_conversion(const Place& place, const core::Unit& unit) {
    struct stat status{};
    if (!unit.source.starts_with(generator::units_directory(place.run_directory) + "/") ||
        ::stat(unit.source.c_str(), &status) != 0)
        return {};
    if ((status.st_mode & S_IROTH) == 0) // everybody may ask for a status
        return {"see " + unit.source + ", which not everybody may read"};
    return lines_of(unit.source, ": no equal: ");
}

void SystemdUnits::refresh(std::function<void()> then) {
    if (!wanted(context_.place, config::read_settings(context_.place.source), false)) {
        remove_units(context_.place);
        problems_.clear();
        return then();
    }
    next_.push_back(std::move(then));
    if (child_ == 0 && !ended_)
        start();
}

void SystemdUnits::start() {
    waiting_ = std::exchange(next_, {});
    const auto child = os::start_helper("generator", [this] { return convert(context_.place); });
    if (!child)
        return answer({cannot});
    child_ = *child;
    too_long_ = false;
    deadline_ = context_.kernel.now() + limit;
    context_.children.expect(child_, *this);
}

void SystemdUnits::exited(const os::Exit& exit) {
    if (exit.pid != child_)
        return;
    child_ = 0;
    deadline_ = never;
    ended_ = true;
    code_ = exit.kind == os::Exit::Kind::exited ? exit.code : static_cast<int>(generator::Result::failed);
}

void SystemdUnits::due(Instant) {
    if (std::exchange(ended_, false)) {
        answer(result_of(context_.place, too_long_, code_));
        if (!next_.empty())
            start();
    } else if (child_ != 0) {
        too_long_ = true;
        deadline_ = never; // its end is heard of, or it hangs in the kernel
        (void)context_.kernel.send_signal(child_, SIGKILL);
    }
}

void SystemdUnits::answer(std::vector<std::string> problems) {
    problems_ = std::move(problems);
    for (const auto& then : std::exchange(waiting_, {}))
        then();
}

} // namespace mi::daemon
