#include "daemon/process/directory_removal.hpp"

#include "base/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <utility>

namespace mi::daemon {

using core::Phase;

void DirectoryRemoval::begin(core::UnitId unit, OwnedDirectories::Removing child) {
    if (!child)
        return context_.log(unit, Priority::warning, child.error().text());
    if (!*child)
        return;
    const pid_t pid = (*child)->pid;
    going_.insert_or_assign(pid, Going{context_.name(unit), std::move(**child)});
    background_.add(pid, [this, pid] {
        auto gone = going_.extract(pid);
        ++ended_;
        tell_what_is_left(gone.mapped().unit, gone.mapped().child.left.get());
    });
}

bool DirectoryRemoval::is_removing(const std::vector<os::Directory>& wanted) const {
    return std::ranges::any_of(going_, [&](const auto& one) {
        return std::ranges::any_of(wanted, [&](const os::Directory& directory) {
            return std::ranges::any_of(one.second.child.paths,
                                       [&](const std::string& path) { return overlap(path, directory.path()); });
        });
    });
}

void DirectoryRemoval::tell_what_is_left(const std::string& unit, int left) {
    std::array<char, PIPE_BUF> text;
    const ssize_t size = ::read(left, text.data(), text.size());
    for (std::string_view line :
         split(std::string_view(text.data(), static_cast<std::size_t>(std::max(size, ssize_t{0}))), '\n'))
        if (!line.empty())
            context_.logs.line(unit, Priority::warning, "left where it is: " + std::string(line));
}

void DirectoryRemoval::run_ended(core::UnitId unit) {
    const std::string credentials = context_.place.run_directory + std::string(credentials_directory);
    begin(unit, context_.units[unit].own.end_run(credentials, set_aside_));
}

void DirectoryRemoval::unit_changed(core::UnitId id, Phase, Phase to) {
    const bool rests = to == Phase::down || to == Phase::failed || to == Phase::invalid;
    if (!rests || context_.record(id).phase != to) // it is on its way up again
        return;
    OwnedDirectories& own = context_.units[id].own;
    for (core::UnitId other : context_.graph().ids())
        if (other != id && !own.runtime.empty() && !context_.units[other].own.runtime.empty()) {
            own.leave_to(context_.units[other].own);
            context_.engine.mark(other);
        }
    begin(id, own.come_to_rest(context_.place.run_directory + "/removed", set_aside_, context_.surroundings.hanging));
}

void DirectoryRemoval::save_unit(core::UnitId unit, state::UnitImage& image) const {
    const OwnedDirectories& own = context_.units[unit].own;
    image.temporary = own.temporary;
    for (const os::Directory& directory : own.runtime)
        image.runtime.push_back({directory.base, directory.components});
}

void DirectoryRemoval::restore_unit(core::UnitId unit, state::UnitImage& image) {
    OwnedDirectories& own = context_.units[unit].own;
    own.temporary = std::move(image.temporary);
    for (state::DirectoryImage& directory : image.runtime)
        own.runtime.push_back({.base = std::move(directory.base), .components = std::move(directory.components)});
}

} // namespace mi::daemon
