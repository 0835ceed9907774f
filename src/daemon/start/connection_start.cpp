// The start of a process for one connection: as that of a main process, but nothing of the unit waits for it.
#include "daemon/supervisor.hpp"

#include <cerrno>

namespace mi::daemon {

namespace {
constexpr std::size_t descriptors_a_process = 6; // that a start needs while it lasts
} // namespace

Connections::Serving Supervisor::serve(core::UnitId id, const os::Connection& connection) {
    using Kind = Connections::Serving::Kind;
    const core::Unit& unit = context_.unit(id);
    auto without = [&](int code, const std::string& why) -> Connections::Serving {
        activation_.complain(id, "a connection" +
                                     (connection.remote.address.empty() ? "" : " of " + connection.remote.address) +
                                     " is not served: " + why);
        return {code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE ? Kind::later : Kind::refused};
    };
    auto files = files_for({.kind = core::Effect::Kind::spawn, .unit = id, .role = core::Role::connection});
    if (!files)
        return {Kind::later};
    if (!*files)
        return without(0, files->error());
    // Its process needs pipes, and a place to be born in: without room for them the connection waits.
    if (auto room = os::has_room(descriptors_a_process); !room)
        return without(room.error().code, room.error().text());
    if (processes_.invocation(id).empty())
        processes_.begin_run(id, new_invocation());
    Handed handed{.remote = connection.remote};
    if (uses_stream(unit))
        handed.stream = connection.fd.get();
    else
        handed.listed.push_back({connection.fd.get(), "connection"});
    context_.surroundings.notify.clear(); // nobody waits for its word
    auto launch = prepare(unit, unit.service.command, true, processes_.invocation(id), false, context_.surroundings,
                          **files, handed);
    if (!launch)
        return without(0, launch.error());
    context_.units[id].own.note(*launch);
    if (auto why = lend_network(unit, context_.units[id], launch->plan))
        return without(0, *why);
    auto start = make_process(id, core::Role::connection, unit, *launch);
    if (!start)
        return without(start.error().step == os::Step::clone ? start.error().code : 0, start.error().text());
    const pid_t pid = start->pid();
    remember_spawn(id, core::Role::connection, *start, *launch);
    processes_.add(pid, attach_output(pid, {id, core::Role::connection, {}}, unit, *launch));
    context_.engine.mark(id);
    if (!start->decided())
        await_start(pid, {.kind = core::Effect::Kind::spawn, .unit = id, .role = core::Role::connection},
                    std::move(*start));
    return {Kind::served, pid};
}

} // namespace mi::daemon
