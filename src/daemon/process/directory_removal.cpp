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
    background_.add((*child)->pid,
                    [this, name = context_.name(unit), left = std::make_shared<Fd>(std::move((*child)->left))] {
                        tell_what_is_left(name, left->get());
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

void DirectoryRemoval::run_ended(core::UnitId unit) { begin(unit, context_.units[unit].own.end_run()); }

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
    begin(id, own.come_to_rest(context_.place.run_directory + "/removed", set_aside_));
}

} // namespace mi::daemon
