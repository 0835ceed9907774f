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
constexpr std::size_t descriptors_a_process = 6; // that a start needs while it lasts

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
    const core::Graph& graph = engine_->graph();
    for (core::UnitId id = 0; id < graph.size(); ++id) {
        const core::Unit& unit = graph.unit(id);
        if (unit.listen.empty() || !engine_->facts(id).coming)
            continue;
        auto answers = os::answer_here(questions_of(unit.conditions), surroundings_.hanging);
        if (!answers || unmet(unit.conditions, circumstances_, *answers))
            continue;
        // A machine has not mounted its file systems yet: at most paths something could be put over the socket.
        if (place_.system() && !std::ranges::all_of(unit.listen, opens_early))
            continue;
        if (sockets_.open(unit, surroundings_.accounts))
            engine_->apply({.kind = Event::Kind::sockets_opened, .unit = id}, now_);
    }
}

void Supervisor::open_sockets(core::UnitId id) {
    if (auto opened = bring_sockets_up_to_date(id); !opened)
        engine_->apply({.kind = Event::Kind::sockets_failed, .unit = id, .detail = std::move(opened.error())}, now_);
}

// Whatever is open afterwards the engine knows of: it says when that is to be closed.
std::expected<void, std::string> Supervisor::bring_sockets_up_to_date(core::UnitId id) {
    const core::Unit& unit = engine_->graph().unit(id);
    auto opened = sockets_.open(unit, surroundings_.accounts);
    const core::Record& record = engine_->record(id);
    if (opened && (record.stage == core::Stage::sockets || (!record.open && !sockets_.of(unit.name).empty())))
        engine_->apply({.kind = Event::Kind::sockets_opened, .unit = id}, now_);
    return opened;
}

void Supervisor::close_sockets(const std::string& unit) {
    connections_.forget(unit);
    sockets_.close(unit);
}

// Nothing of the unit runs: its sockets are watched. They are what its file says by now.
void Supervisor::await_connections(core::UnitId id) {
    const core::Unit& unit = engine_->graph().unit(id);
    if (unit.listen.empty() || !is_idle(engine_->record(id)))
        return; // it waits for something else, or is run already
    live_[id].digest = unit.digest;
    connections_.disarm(unit.name);
    auto fail = [&](Event::Kind kind, std::string why) {
        engine_->apply({.kind = kind, .unit = id, .detail = std::move(why)}, now_);
    };
    if (auto opened = bring_sockets_up_to_date(id); !opened)
        return fail(Event::Kind::sockets_failed, opened.error());
    const bool accepts = core::accepts(unit);
    if (!accepts && unit.service.activation != core::Activation::on_demand)
        return; // its timer runs it, and then it finds its sockets
    auto sockets = sockets_.of(unit.name);
    if (unsigned runs = accepts ? 0 : connections_.idle_runs(unit.name, sockets, now_); runs > 0)
        return fail(Event::Kind::overrun,
                    std::to_string(runs) + " times in a row it ended at once and left what waited at its socket");
    if (auto armed = connections_.arm(unit.name, sockets); !armed)
        fail(Event::Kind::sockets_failed, armed.error().text());
}

void Supervisor::arrived(const std::string& unit) {
    now_ = loop::now();
    if (core::UnitId id = engine_->graph().find(unit); id != core::no_unit)
        engine_->apply({.kind = Event::Kind::trigger, .unit = id}, now_);
}

// What the main process of a unit is handed. Others share our open files, and what they have set there is not for it to find.
std::expected<Handed, std::string> Supervisor::hand_sockets(core::UnitId id) {
    const core::Unit& unit = engine_->graph().unit(id);
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
    now_ = loop::now();
    core::UnitId id = engine_->graph().find(name);
    if (id == core::no_unit || !is_idle(engine_->record(id)))
        return {Kind::refused};
    const core::Unit& unit = engine_->graph().unit(id);
    auto without = [&](int code, const std::string& why) -> Connections::Serving {
        connection_trouble(name, "a connection" +
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
    if (uses_stream(unit.process.get()))
        handed.stream = connection.fd.get();
    else
        handed.listed.push_back({connection.fd.get(), "connection"});
    surroundings_.notify.clear(); // nobody waits for its word
    auto launch =
        prepare(unit, unit.service.command, true, processes_.invocation(id), false, surroundings_, **files, handed);
    if (!launch)
        return without(0, launch.error());
    if (being_removed(*launch))
        return {Kind::later};
    live_[id].own.note(*launch);
    if (auto lent = lend_network(unit, live_[id], launch->plan); !lent)
        return without(0, lent.error());
    else if (!*lent)
        return {Kind::later};
    auto start = make_process(id, core::Role::connection, unit, *launch);
    if (!start)
        return without(start.error().step == os::Step::clone ? start.error().code : 0, start.error().text());
    const pid_t pid = start->pid();
    remember_spawn(id, core::Role::connection, *start, *launch);
    processes_.add(pid, attach_output(pid, {id, core::Role::connection, {}}, unit, *launch));
    engine_->mark(id);
    if (!start->decided())
        await_start(pid, {.kind = core::Effect::Kind::spawn, .unit = id, .role = core::Role::connection},
                    std::move(*start));
    return {Kind::served, pid};
}

// At most one a second for each unit: whoever connects must not fill its log.
void Supervisor::connection_trouble(const std::string& name, const std::string& text) {
    core::UnitId id = engine_->graph().find(name);
    if (id == core::no_unit)
        return;
    Live& live = live_[id];
    if (live.complained != Instant{} && loop::now() - live.complained < complaints_apart) {
        ++live.unsaid;
        return;
    }
    std::string more = live.unsaid > 0 ? " (and " + std::to_string(live.unsaid) + " times before)" : "";
    live.unsaid = 0;
    live.complained = loop::now();
    logs_.line(name, Priority::warning, text + more);
}

void Supervisor::connection_ended(core::UnitId id, pid_t pid, const core::ExitStatus& exit) {
    const core::Unit& unit = engine_->graph().unit(id);
    connections_.ended(pid);
    engine_->mark(id);
    if (!core::succeeded(unit.service, exit))
        connection_trouble(unit.name, "the process of a connection ended with " + core::text(exit));
}

// Units were read again: those that wait take what has changed now, the others when they are next started.
void Supervisor::sockets_reread() {
    const core::Graph& graph = engine_->graph();
    sockets_.close_unknown([&](const std::string& name) {
        core::UnitId id = graph.find(name);
        bool known = id != core::no_unit && engine_->record(id).open;
        if (!known)
            connections_.forget(name);
        return known;
    });
    for (core::UnitId id = 0; id < graph.size(); ++id)
        if (const core::Unit& unit = graph.unit(id); !unit.listen.empty() && unit.fault.empty())
            await_connections(id);
}

} // namespace mi::daemon
