#include "daemon/socket/activation.hpp"

#include "base/count.hpp"
#include "os/file/open_file.hpp"

#include "core/explain.hpp"
#include "core/restart.hpp"
#include "os/file/runtime.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Event;

namespace {

constexpr Span complaints_apart = std::chrono::seconds(1);
constexpr Span remade_apart = std::chrono::seconds(1); // sockets of a unit
constexpr Span try_again = std::chrono::seconds(5);    // one that cannot be made
constexpr std::string_view setup_target = "sysinit";
constexpr Span takeover = std::chrono::seconds(2); // until what a service removes is made again

bool is_idle(const core::Record& record) {
    return record.phase == core::Phase::up && record.stage == core::Stage::idle;
}

// Its trigger is in force: nothing of it runs, or its last run has failed.
bool awaits_trigger(const core::Record& record) {
    return is_idle(record) || (record.phase == core::Phase::failed && record.armed);
}

core::Listen listen_of(const state::SocketImage& image) {
    core::Listen listen{.kind = image.kind, .address = image.address};
    listen.name = image.name;
    listen.user = image.user;
    listen.group = image.group;
    listen.mode = image.mode;
    listen.backlog = image.backlog;
    listen.reuse_port = image.reuse_port;
    listen.accept = image.accept;
    listen.max_connections = image.max_connections;
    return listen;
}

// Whether the unit comes after the other, by way of any others.
bool comes_after(const core::Graph& graph, core::UnitId id, core::UnitId other) {
    std::vector<core::UnitId> way{id};
    std::set<core::UnitId> seen{id};
    while (!way.empty()) {
        const core::UnitId at = way.back();
        way.pop_back();
        for (const core::Edge& edge : graph.needs(at))
            if (edge.unit == other)
                return true;
            else if (seen.insert(edge.unit).second)
                way.push_back(edge.unit);
    }
    return false;
}

} // namespace

// So a process that starts early finds every socket that it connects to. What cannot be opened yet is left to the unit's own
// start, which tells why.
void Activation::open_early() {
    const core::Graph& graph = context_.graph();
    const core::UnitId setup = context_.place.system() ? graph.find(setup_target) : core::no_unit;
    const bool sets_up = setup != core::no_unit && context_.engine.facts(setup).coming &&
                         context_.record(setup).phase != core::Phase::up;
    for (core::UnitId id : graph.ids()) {
        const core::Unit& unit = graph.unit(id);
        if (unit.listen.empty() || !context_.engine.facts(id).coming)
            continue;
        // What sets the machine up would wait for an answer that comes after it: a connection that is refused is better.
        if (sets_up && comes_after(graph, id, setup))
            continue;
        auto answers = context_.kernel.answer_here(questions_of(unit.conditions, context_.settings.path),
                                                   context_.surroundings.hanging);
        if (!answers || unmet(unit.conditions, circumstances_, *answers) != nullptr)
            continue;
        // A machine has not mounted its file systems yet: at most paths something could be put over the socket.
        if (sets_up && !std::ranges::all_of(unit.listen, opens_early))
            continue;
        if (sockets_.open(id, unit, context_.surroundings.accounts)) {
            unwatched_.insert(id);
            context_.apply({.kind = Event::Kind::sockets_opened, .unit = id});
        }
    }
}

void Activation::open(core::UnitId id) {
    if (auto opened = bring_up_to_date(id); !opened)
        context_.apply({.kind = Event::Kind::sockets_failed,
                        .unit = id,
                        .detail = std::move(opened.error().words),
                        .lasts = opened.error().lasts});
}

// Whatever is open afterwards the engine knows of: it says when that is to be closed.
std::expected<void, NoStart> Activation::bring_up_to_date(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    auto opened = sockets_.open(id, unit, context_.surroundings.accounts);
    if (opened && *opened)
        unwatched_.insert(id);
    const core::Record& record = context_.record(id);
    if (opened && (record.stage == core::Stage::sockets || (!record.open && !context_.units[id].sockets.empty())))
        context_.apply({.kind = Event::Kind::sockets_opened, .unit = id});
    if (!opened)
        return std::unexpected(std::move(opened.error()));
    return {};
}

void Activation::close(core::UnitId id) {
    connections_.forget(id);
    sockets_.close(id);
}

void Activation::await_connections(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    if (unit.listen.empty() || !awaits_trigger(context_.record(id)))
        return; // it waits for something else, or is run already
    context_.units[id].digest = unit.digest;
    connections_.disarm(id);
    auto fail = [&](Event::Kind kind, std::string why) {
        context_.apply({.kind = kind, .unit = id, .detail = std::move(why)});
    };
    if (auto opened = bring_up_to_date(id); !opened)
        return fail(Event::Kind::sockets_failed, opened.error().words);
    const bool accepts = core::accepts(unit);
    if (!accepts && unit.service.activation != core::Activation::on_demand)
        return; // its timer runs it, and then it finds its sockets
    const std::vector<OpenSocket>& sockets = context_.units[id].sockets;
    if (unsigned runs = accepts ? 0 : connections_.idle_runs(id, sockets, context_.now); runs > 0)
        return fail(Event::Kind::overrun,
                    counted(runs, "time") + " in a row it ended at once and left what waited at its socket");
    if (auto armed = connections_.arm(id, sockets); !armed)
        fail(Event::Kind::sockets_failed, "cannot listen: " + armed.error().text());
}

Instant Activation::look_after(os::PathWatch& paths) {
    Instant again = never;
    for (core::UnitId id : context_.graph().ids())
        if (!context_.units[id].sockets.empty()) {
            again = std::min(again, look_after(id));
            unwatched_.insert(id);
        }
    watch_new(paths);
    return again;
}

Instant Activation::look_after(core::UnitId id) {
    if (sockets_.all_reachable(id)) {
        lost_.erase(id);
        return never;
    }
    const Instant now = context_.kernel.now();
    // A service that makes its sockets itself, too, removes ours first.
    const Instant gone = lost_.try_emplace(id, now).first->second;
    if (context_.record(id).main_pid > 0 && now - gone < takeover)
        return gone + takeover;
    // The owner of the directory, a service's user perhaps, could have us do so all the time.
    if (auto last = remade_.find(id); last != remade_.end() && now - last->second < remade_apart)
        return last->second + remade_apart;
    remade_[id] = now;
    lost_.erase(id);
    const bool awaits = connections_.awaits(id);
    connections_.disarm(id); // of what is closed nothing may be awaited
    Instant again = never;
    for (const Sockets::Remade& one : sockets_.remake_lost(id, context_.surroundings.accounts)) {
        if (one.trouble)
            again = now + try_again;
        if (one.trouble && one.said)
            continue;
        std::string text = "its socket " + one.address + " was gone and is made again";
        if (one.trouble)
            text = "its socket " + one.address +
                   " is gone, and nobody can connect: it cannot be made again: " + *one.trouble;
        else if (context_.record(id).main_pid > 0)
            text += "; what runs has the old one until it is restarted (`minictl restart " + context_.name(id) + "`)";
        context_.log(id, Priority::warning, text);
    }
    if (awaits)
        if (auto armed = connections_.arm(id, context_.units[id].sockets); !armed)
            complain(id, "cannot listen: " + armed.error().text());
    context_.engine.mark(id);
    return again;
}

void Activation::watch_new(os::PathWatch& paths) {
    for (core::UnitId id : std::exchange(unwatched_, {}))
        if (context_.graph().contains(id))
            sockets_.watch(id, paths);
}

void Activation::arrived(core::UnitId id) {
    context_.now = context_.kernel.now();
    context_.apply({.kind = Event::Kind::trigger, .unit = id});
}

// Other processes share our open files, and what they have set there is not for it to find.
std::expected<Handed, std::string> Activation::hand(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    Handed handed;
    if (auto opened = bring_up_to_date(id); !opened)
        return std::unexpected(opened.error().words);
    for (const OpenSocket& one : context_.units[id].sockets) {
        if (auto done = os::set_blocking(one.socket.fd(), !unit.service.non_blocking); !done)
            return std::unexpected(done.error().text());
        if (uses_stream(unit))
            handed.stream = one.socket.fd();
        else
            handed.listed.push_back({one.socket.fd(), descriptor_name(unit, one.settings)});
    }
    fd_store_.drop_dead(); // the end of the last run may have hung up some of them just now
    for (const StoredFd& stored : context_.units[id].stored)
        handed.listed.push_back({stored.fd.get(), stored.name});
    return handed;
}

Connections::Serving Activation::serve(core::UnitId id, const os::Connection& connection) {
    context_.now = context_.kernel.now();
    if (!is_idle(context_.record(id)))
        return {Connections::Serving::Kind::refused};
    Handed handed{.remote = connection.remote};
    const core::Unit& unit = context_.unit(id);
    if (unit.service.non_blocking && !os::set_blocking(connection.fd.get(), false))
        return {Connections::Serving::Kind::refused};
    if (uses_stream(unit))
        handed.stream = connection.fd.get();
    else
        handed.listed.push_back({connection.fd.get(), "connection"});
    auto pid = host_.serve(id, std::move(handed));
    if (pid)
        return {Connections::Serving::Kind::served, *pid};
    if (const std::string& why = pid.error().why; !why.empty())
        complain(id, "a connection" + (connection.remote.address.empty() ? "" : " of " + connection.remote.address) +
                         " is not served: " + why);
    return {pid.error().later ? Connections::Serving::Kind::later : Connections::Serving::Kind::refused};
}

void Activation::perform(const core::Effect& effect) {
    using Kind = core::Effect::Kind;
    if (effect.kind == Kind::open_sockets)
        open(effect.unit);
    else if (effect.kind == Kind::close_sockets)
        close(effect.unit);
    else if (effect.kind == Kind::arm)
        await_connections(effect.unit);
    else
        disarm(effect.unit);
}

// At most one a second: a client that connects must not fill the log.
void Activation::complain(core::UnitId id, const std::string& text) {
    UnitRun& live = context_.units[id];
    if (live.complained != Instant{} && context_.kernel.now() - live.complained < complaints_apart) {
        ++live.unsaid;
        return;
    }
    std::string more = live.unsaid > 0 ? " (and " + counted(live.unsaid, "time") + " before)" : "";
    live.unsaid = 0;
    live.complained = context_.kernel.now();
    context_.log(id, Priority::warning, text + more);
}

void Activation::ended(core::UnitId id, pid_t pid) {
    connections_.ended(pid);
    context_.engine.mark(id);
}

void Activation::ended(core::UnitId id, pid_t pid, const core::ExitStatus& exit) {
    ended(id, pid);
    if (!core::succeeded(context_.unit(id).service, exit))
        complain(id, "the process of a connection ended with " + core::text(exit));
}

// At rest, and not on its way to the next run: the descriptors that it has left with us are dropped.
void Activation::unit_changed(core::UnitId id, core::Phase, core::Phase to) {
    const core::Phase phase = context_.record(id).phase;
    if (!core::active(phase) && phase == to && phase != core::Phase::waiting && phase != core::Phase::backoff)
        fd_store_.drop(id);
    if (context_.place.system() && phase == core::Phase::up && to == phase && context_.name(id) == setup_target)
        open_early();
}

void Activation::unit_gone(core::UnitId id) {
    remade_.erase(id);
    lost_.erase(id);
    connections_.unit_gone(id);
    sockets_.close(id);
}

// Units that wait take what has changed now, the others when they are next started.
void Activation::units_reread() {
    for (core::UnitId id : context_.graph().ids())
        if (!context_.record(id).open && !context_.units[id].sockets.empty())
            close(id);
    for (core::UnitId id : context_.graph().ids())
        if (const core::Unit& unit = context_.unit(id); !unit.listen.empty() && unit.fault.empty())
            await_connections(id);
}

// --- saved state ------------------------------------------------------------------------------------------------------

void Activation::save_unit(core::UnitId unit, state::UnitImage& image) const {
    const UnitRun& run = context_.units[unit];
    for (const OpenSocket& open : run.sockets) {
        const core::Listen& listen = open.settings;
        const os::ListenSocket::Place place = open.socket.place();
        image.sockets.push_back({open.socket.fd(), listen.kind, listen.address, listen.name, listen.user, listen.group,
                                 listen.mode, listen.backlog, listen.reuse_port, listen.accept, listen.max_connections,
                                 place.path, place.device, place.inode, place.made_path,
                                 os::inode_of(open.socket.fd())});
    }
    if (run.connections)
        for (const auto& [socket, count] : run.connections->counts)
            image.gates.push_back({socket, count.now, count.all});
}

void Activation::restore_unit(core::UnitId unit, state::UnitImage& image) {
    for (state::SocketImage& socket : image.sockets)
        context_.units[unit].sockets.push_back(
            {listen_of(socket), os::ListenSocket::adopt(Fd(socket.fd), {std::move(socket.path), socket.device,
                                                                        socket.inode, socket.made_path})});
    for (const state::GateImage& gate : image.gates)
        connections_.restore_count(unit, gate.socket, {gate.now, gate.all});
}

} // namespace mi::daemon
