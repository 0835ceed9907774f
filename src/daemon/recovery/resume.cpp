// Going on where the program before us was: what it had on record becomes what our objects hold. Nothing is started or
// stopped by that; what was decided and not done is done then, what has ended meanwhile is collected.
#include "daemon/recovery/resume.hpp"

#include "daemon/supervisor.hpp"
#include "os/open_file.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <unordered_set>

namespace mi::daemon {

using core::Effect;
using core::Event;
using core::Record;
using core::Role;
using core::Stage;
using core::UnitId;

namespace {

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

} // namespace

// --- before there is a supervisor -------------------------------------------------------------------------------------

void drop_closed(state::Snapshot& state) {
    std::unordered_set<int> taken;
    // Each once: a number that stands in two places is one too many, and the first owner would close it for the second.
    auto see = [&](std::int32_t& fd, std::uint64_t inode = 0) {
        if (fd >= 0 && (!os::is_open(fd, inode) || !taken.insert(fd).second))
            fd = -1;
    };
    state::ManagerImage::descriptors(state.manager, see);
    if (state.spawned)
        for (std::int32_t* fd :
             {&state.spawned->out, &state.spawned->err, &state.spawned->ready, &state.spawned->report})
            see(*fd);
    for (auto& [pid, process] : state.processes)
        see(process.report, process.report_inode);
    if (state.spawned && state.spawned->line) // it stands in the image of its unit, too, if that is as new
        see(state.spawned->line->fd, state.spawned->line->inode);
    for (auto& [id, stream] : state.streams)
        see(stream.fd, stream.inode);
    std::erase_if(state.streams, [](const auto& one) { return one.second.fd < 0; });
    for (auto& [id, unit] : state.units) {
        see(unit.ready, unit.ready_inode);
        see(unit.network, unit.network_inode);
        if (unit.line) {
            see(unit.line->fd, unit.line->inode);
            if (unit.line->fd < 0)
                unit.line.reset();
        }
        for (state::StoredImage& stored : unit.stored)
            see(stored.fd, stored.inode);
        std::erase_if(unit.stored, [](const auto& one) { return one.fd < 0; });
        for (state::SocketImage& socket : unit.sockets)
            see(socket.fd, socket.fd_inode);
        std::erase_if(unit.sockets, [](const auto& one) { return one.fd < 0; });
    }
    for (auto& [fd, client] : state.clients)
        see(client.fd, client.inode);
    std::erase_if(state.clients, [](const auto& one) { return one.second.fd < 0 || one.second.lost; });
}

void complete_units(const state::Snapshot& state, std::vector<core::Unit>& units) {
    std::unordered_set<std::string> known;
    for (const core::Unit& unit : units)
        known.insert(unit.name);
    for (const auto& [id, image] : state.units) {
        if (known.contains(image.name) || !core::active(image.record.phase))
            continue;
        core::Unit unit;
        unit.name = image.name;
        unit.description = "its unit file is gone";
        // What can be stopped has to be a service; a target that is gone is of no use to anybody.
        if (image.record.main_pid == 0 && image.record.hook_pid == 0 && image.invocation.empty())
            unit.kind = core::Kind::target;
        unit.service.restart = core::RestartPolicy::no;
        units.push_back(std::move(unit));
    }
}

core::Graph::Names ids_of_units(const state::Snapshot& state) {
    core::Graph::Names names;
    for (const auto& [id, image] : state.units)
        names.emplace_back(id, image.name);
    return names;
}

std::vector<std::string> names_of_units(const state::Snapshot& state) {
    std::vector<std::string> names;
    for (const auto& [id, image] : state.units)
        if (core::active(image.record.phase) || image.record.asked != core::Asked::nothing)
            names.push_back(image.name);
    return names;
}

// --- the supervisor ---------------------------------------------------------------------------------------------------

void Supervisor::take_over_manager(const state::ManagerImage& image) {
    boot_target_.restore(image);
    init_started_ = {image.init_started};
    units_loaded_ = {image.units_loaded};
    shutdown_.restore(image);
    starter_.set_entry_failure(image.entry_failure);
    parent_notify_.restore(image.told_ready);
    notify_.restore_lines_made(image.lines_made);
    directory_removal_.restore(image.set_aside);
    lock_ = image.lock;
    succession_.set_new_root({image.new_root, image.new_init});
    schedule_.restore(image.scheduled);
}

void Supervisor::take_over_unit(UnitId id, state::UnitImage& image) {
    const core::Unit& unit = context_.unit(id);
    UnitRun& live = context_.units[id];
    live.status = std::move(image.status);
    live.trouble = std::move(image.trouble);
    live.digest = image.digest;
    live.starting = {image.starting};
    live.up = {image.up};
    live.first = image.first;
    live.from_pid_file = image.from_pid_file;
    live.own.network = Fd(image.network);
    live.own.temporary = std::move(image.temporary);
    for (state::DirectoryImage& directory : image.runtime)
        live.own.runtime.push_back({.base = std::move(directory.base), .components = std::move(directory.components)});
    processes_.go_on(id, unit.name, image);
    if (core::active(context_.record(id).phase) && !processes_.uses_session(id))
        resources_.go_on(unit);
    if (image.ready >= 0)
        ready_pipe_.listen(id, Fd(image.ready));
    if (image.line)
        notify_.restore_line(id, *image.line);
    for (state::StoredImage& stored : image.stored)
        fd_store_.adopt(id, std::move(stored.name), Fd(stored.fd), stored.watched);
    for (state::SocketImage& socket : image.sockets)
        live.sockets.push_back(
            {listen_of(socket), os::ListenSocket::adopt(Fd(socket.fd), {std::move(socket.path), socket.device,
                                                                        socket.inode, socket.made_path})});
    for (const state::GateImage& gate : image.gates)
        activation_.connections().restore_count(id, gate.socket, {gate.now, gate.all});
    if (image.timer)
        unit_timers_.timers().go_on(id, unit, *image.timer);
}

void Supervisor::take_over_effects(const state::Snapshot& state, const std::function<bool(UnitId)>& known) {
    for (const state::EffectImage& image : state.effects) {
        Effect effect{.kind = image.kind,
                      .unit = known(image.unit) ? image.unit : core::no_unit,
                      .role = image.role,
                      .index = image.index,
                      .scope = image.scope,
                      .number = image.number,
                      .from = image.from,
                      .to = image.to,
                      .ending = image.ending};
        if (effect.unit != core::no_unit || effect.kind == Effect::Kind::halt)
            effects_.push(effect);
    }
    // What was made last, and is on record only so.
    if (state.spawned) {
        const state::SpawnImage& image = *state.spawned;
        const UnitId id = known(image.unit) ? image.unit : core::no_unit;
        Launch launch;
        launch.out = Fd(image.out);
        launch.err = Fd(image.err);
        launch.ready = Fd(image.ready);
        if (id != core::no_unit && !image.invocation.empty()) {
            if (processes_.invocation(id) != image.invocation)
                processes_.begin_run(id, image.invocation);
            if (image.by_session)
                processes_.use_session(id);
        }
        if (id != core::no_unit && image.line && image.line->fd >= 0)
            notify_.restore_line(id, *image.line);
        if (id != core::no_unit && image.role == Role::connection) {
            starter_.connection_born(id, image.pid, launch);
            if (image.on_its_way)
                starter_.pending().restore(image.pid, {.kind = Effect::Kind::spawn, .unit = id, .role = image.role},
                                           image.report);
        } else if (id != core::no_unit) {
            auto decided = effects_.find_spawn(id, image.role);
            Effect effect{.kind = Effect::Kind::spawn, .unit = id, .role = image.role};
            if (decided != effects_.end()) {
                effect = *decided;
                effects_.erase(decided);
            }
            starter_.born(effect, image.pid, launch);
            if (!image.on_its_way || !starter_.pending().restore(image.pid, effect, image.report))
                starter_.became_its_program(id, effect.role, image.pid);
        }
    }
    // What a file system was to tell a start was asked for, and the program before us has had no answer yet.
    for (UnitId id : context_.graph().ids()) {
        const Record& record = context_.record(id);
        const bool asks = record.phase == core::Phase::starting && record.stage == Stage::conditions;
        if (asks && !effects_.has(Effect::Kind::check_conditions, id))
            effects_.push({.kind = Effect::Kind::check_conditions, .unit = id});
    }
    // A process that is to be, and nobody is about to make it.
    for (UnitId id : context_.graph().ids()) {
        const Record& record = context_.record(id);
        auto expect = [&](Role role, std::uint8_t index) {
            if (starter_.pending().pid_of(id, role) == 0 && effects_.find_spawn(id, role) == effects_.end())
                effects_.push({.kind = Effect::Kind::spawn, .unit = id, .role = role, .index = index});
        };
        if (record.main_pid == core::pid_pending)
            expect(Role::main, 0);
        if (record.hook_pid == core::pid_pending && record.hook != Role::none)
            expect(record.hook, record.hook_index);
    }
}

void Supervisor::take_over(state::Snapshot& state) {
    context_.now = loop::now();
    if (state.manager.carried) { // of all else, nothing is true in this root
        notify_.restore_lines_made(state.manager.lines_made);
        directory_removal_.restore(state.manager.set_aside);
    } else {
        take_over_manager(state.manager);
    }
    std::vector<std::pair<UnitId, Record>> saved;
    for (auto& [id, image] : state.units)
        saved.emplace_back(id, image.record);
    // The graph was made with the ids that the state has. Of a unit that it says nothing of nothing is to be done.
    auto known = [&](UnitId id) { return state.units.contains(id) && context_.graph().contains(id); };
    const auto halt = state.manager.carried ? core::Engine::Halt::no : state.manager.halt;
    context_.engine.restore(saved, halt, context_.now);
    for (auto& [id, image] : state.units)
        if (known(id))
            take_over_unit(id, image);
    for (const auto& [pid, image] : state.processes) {
        const UnitId id = image.unit;
        if (!known(id))
            continue;
        processes_.adopt(pid, {id, image.role, {image.out, image.err}});
        if (image.role == Role::connection)
            activation_.connections().restore_process(pid, id, image.socket);
        if (!image.on_its_way)
            continue;
        const Effect effect{
            .kind = Effect::Kind::spawn, .unit = id, .role = image.role, .index = context_.record(id).hook_index};
        if (!starter_.pending().restore(pid, effect, image.report) && image.role != Role::connection)
            context_.engine.apply({.kind = Event::Kind::spawned, .unit = id, .role = image.role, .pid = pid},
                                  context_.now);
    }
    take_over_effects(state, known);
    for (const state::ExitImage& image : state.exits)
        turn_.exited({image.pid,
                      image.kind == core::ExitStatus::Kind::signal ? os::Exit::Kind::killed : os::Exit::Kind::exited,
                      image.code, image.core});
    if (guard_ != nullptr) // those that ended while nobody kept books
        for (const os::Exit& exit : os::collected_exits(guard_->page()))
            turn_.exited(exit);
    before_ = nullptr;
    store_.resume();
    turn_.reap(); // the word of those that ended meanwhile may have gone with the program before us
    for (UnitId id : context_.graph().ids()) {
        const Record& record = context_.record(id);
        if (record.stage == Stage::pid_file)
            main_process_.await_pid_file(id);
        if (record.armed && record.phase == core::Phase::up && record.stage == Stage::idle)
            activation_.await_connections(id);
        if (record.hook_pid > 0 && !os::process_exists(record.hook_pid)) { // and nobody can say how
            processes_.remove(record.hook_pid);
            context_.engine.apply({.kind = Event::Kind::spawn_failed,
                                   .unit = id,
                                   .role = record.hook,
                                   .detail = "it ended while nobody was there to see how"},
                                  context_.now);
        }
        if (record.main_pid > 0 && !os::process_exists(record.main_pid))
            main_process_.gone(id, record.main_pid); // not our child: nobody else is going to say so
        else if (record.main_pid > 0)
            main_process_.watch(id, record.main_pid);
    }
    memory_events_.listen();
}

} // namespace mi::daemon
