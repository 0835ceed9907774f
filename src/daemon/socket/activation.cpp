// The sockets of units at work: opened before anything starts, watched while a unit is armed, handed to its processes.
#include "core/explain.hpp"
#include "core/restart.hpp"
#include "daemon/supervisor.hpp"

#include <algorithm>
#include <cerrno>

namespace mi::daemon {

using core::Event;

namespace {

constexpr Span complaints_apart = std::chrono::seconds(1);

bool is_idle(const core::Record& record) {
    return record.phase == core::Phase::up && record.stage == core::Stage::idle;
}

bool uses_stream(const core::Process* process) {
    return process != nullptr && (process->input == core::Input::socket || process->output == core::Output::socket ||
                                  process->error == core::Output::socket);
}

} // namespace

// All that is wanted listens before the first process is made, so that nobody who starts early finds a door closed. What
// cannot be opened yet is left to the unit's own start, which tells why.
void Supervisor::open_sockets_early() {
    const core::Graph& graph = context_.graph();
    for (core::UnitId id : graph.ids()) {
        const core::Unit& unit = graph.unit(id);
        if (unit.listen.empty() || !context_.engine.facts(id).coming)
            continue;
        auto answers = os::answer_here(questions_of(unit.conditions), context_.surroundings.hanging);
        if (!answers || unmet(unit.conditions, condition_check_.circumstances(), *answers))
            continue;
        // A machine has not mounted its file systems yet: at most paths something could be put over the socket.
        if (context_.place.system() && !std::ranges::all_of(unit.listen, opens_early))
            continue;
        if (sockets_.open(unit, context_.surroundings.accounts))
            context_.engine.apply({.kind = Event::Kind::sockets_opened, .unit = id}, context_.now);
    }
}

void Supervisor::open_sockets(core::UnitId id) {
    if (auto opened = bring_sockets_up_to_date(id); !opened)
        context_.engine.apply({.kind = Event::Kind::sockets_failed, .unit = id, .detail = std::move(opened.error())},
                              context_.now);
}

// Whatever is open afterwards the engine knows of: it says when that is to be closed.
std::expected<void, std::string> Supervisor::bring_sockets_up_to_date(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    auto opened = sockets_.open(unit, context_.surroundings.accounts);
    const core::Record& record = context_.record(id);
    if (opened && (record.stage == core::Stage::sockets || (!record.open && !sockets_.of(unit.name).empty())))
        context_.engine.apply({.kind = Event::Kind::sockets_opened, .unit = id}, context_.now);
    return opened;
}

void Supervisor::close_sockets(const std::string& unit) {
    connections_.forget(unit);
    sockets_.close(unit);
}

// Nothing of the unit runs: its sockets are watched. They are what its file says by now.
void Supervisor::await_connections(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    if (unit.listen.empty() || !is_idle(context_.record(id)))
        return; // it waits for something else, or is run already
    context_.units[id].digest = unit.digest;
    connections_.disarm(unit.name);
    auto fail = [&](Event::Kind kind, std::string why) {
        context_.engine.apply({.kind = kind, .unit = id, .detail = std::move(why)}, context_.now);
    };
    if (auto opened = bring_sockets_up_to_date(id); !opened)
        return fail(Event::Kind::sockets_failed, opened.error());
    const bool accepts = core::accepts(unit);
    if (!accepts && unit.service.activation != core::Activation::on_demand)
        return; // its timer runs it, and then it finds its sockets
    auto sockets = sockets_.of(unit.name);
    if (unsigned runs = accepts ? 0 : connections_.idle_runs(unit.name, sockets, context_.now); runs > 0)
        return fail(Event::Kind::overrun,
                    std::to_string(runs) + " times in a row it ended at once and left what waited at its socket");
    if (auto armed = connections_.arm(unit.name, sockets); !armed)
        fail(Event::Kind::sockets_failed, armed.error().text());
}

void Supervisor::arrived(const std::string& unit) {
    context_.now = loop::now();
    if (core::UnitId id = context_.graph().find(unit); id != core::no_unit)
        context_.engine.apply({.kind = Event::Kind::trigger, .unit = id}, context_.now);
}

// What the main process of a unit is handed. Others share our open files, and what they have set there is not for it to find.
std::expected<Handed, std::string> Supervisor::hand_sockets(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    Handed handed;
    if (auto opened = bring_sockets_up_to_date(id); !opened)
        return std::unexpected(opened.error());
    for (const Sockets::Open& one : sockets_.of(unit.name)) {
        if (auto done = os::set_blocking(one.socket.fd(), true); !done)
            return std::unexpected(done.error().text());
        if (uses_stream(unit.process.get()))
            handed.stream = one.socket.fd();
        else
            handed.listed.push_back({one.socket.fd(), descriptor_name(unit, one.settings)});
    }
    fd_store_.drop_dead(); // the end of the last run may have hung up some of them just now
    for (const FdStore::Stored& stored : fd_store_.descriptors_of(id))
        handed.listed.push_back({stored.fd.get(), stored.name});
    return handed;
}

Connections::Serving Supervisor::serve(const std::string& name, const os::Connection& connection) {
    using Kind = Connections::Serving::Kind;
    context_.now = loop::now();
    core::UnitId id = context_.graph().find(name);
    if (id == core::no_unit || !is_idle(context_.record(id)))
        return {Kind::refused};
    const core::Unit& unit = context_.unit(id);
    Handed handed{.remote = connection.remote};
    if (uses_stream(unit.process.get()))
        handed.stream = connection.fd.get();
    else
        handed.listed.push_back({connection.fd.get(), "connection"});
    auto pid = starter_.serve(id, std::move(handed));
    if (pid)
        return {Kind::served, *pid};
    if (const std::string& why = pid.error().why; !why.empty())
        connection_trouble(name, "a connection" +
                                     (connection.remote.address.empty() ? "" : " of " + connection.remote.address) +
                                     " is not served: " + why);
    return {pid.error().later ? Kind::later : Kind::refused};
}

// At most one a second for each unit: whoever connects must not fill its log.
void Supervisor::connection_trouble(const std::string& name, const std::string& text) {
    core::UnitId id = context_.graph().find(name);
    if (id == core::no_unit)
        return;
    UnitRun& live = context_.units[id];
    if (live.complained != Instant{} && loop::now() - live.complained < complaints_apart) {
        ++live.unsaid;
        return;
    }
    std::string more = live.unsaid > 0 ? " (and " + std::to_string(live.unsaid) + " times before)" : "";
    live.unsaid = 0;
    live.complained = loop::now();
    context_.logs.line(name, Priority::warning, text + more);
}

void Supervisor::connection_ended(core::UnitId id, pid_t pid, const core::ExitStatus& exit) {
    const core::Unit& unit = context_.unit(id);
    connections_.ended(pid);
    context_.engine.mark(id);
    if (!core::succeeded(unit.service, exit))
        connection_trouble(unit.name, "the process of a connection ended with " + core::text(exit));
}

void Supervisor::close_sockets_of_gone() {
    const core::Graph& graph = context_.graph();
    sockets_.close_unknown([&](const std::string& name) {
        core::UnitId id = graph.find(name);
        bool known = id != core::no_unit && context_.record(id).open;
        if (!known)
            connections_.forget(name);
        return known;
    });
}

// Units were read again: those that wait take what has changed now, the others when they are next started.
void Supervisor::sockets_reread() {
    const core::Graph& graph = context_.graph();
    for (core::UnitId id : graph.ids())
        if (const core::Unit& unit = graph.unit(id); !unit.listen.empty() && unit.fault.empty())
            await_connections(id);
}

} // namespace mi::daemon
