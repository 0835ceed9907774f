// Going on where the program before us was: what it had on record becomes what our objects hold. Nothing is started or
// stopped by that; what was decided and not done is done then, what has ended meanwhile is collected.
#include "daemon/recovery/restore.hpp"

#include "daemon/parts.hpp"
#include "os/file/open_file.hpp"
#include "os/process/process.hpp"

#include <algorithm>
#include <unordered_set>

namespace mi::daemon {

using core::Effect;
using core::Event;
using core::Record;
using core::Role;
using core::Stage;
using core::UnitId;

// --- before the parts are made -----------------------------------------------------------------------------------------

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
        if (!core::active(image.record.phase))
            continue;
        const bool has_processes =
            image.record.main_pid != 0 || image.record.hook_pid != 0 || !image.invocation.empty();
        // What has become a target is stopped as the service that it was started as.
        if (has_processes)
            std::erase_if(units, [&](const core::Unit& unit) {
                return unit.kind == core::Kind::target && unit.name == image.name && known.erase(unit.name) > 0;
            });
        if (known.contains(image.name))
            continue;
        core::Unit unit;
        unit.name = image.name;
        unit.description = "its unit file is gone";
        // What can be stopped has to be a service; a target that is gone is of no use to anybody.
        if (!has_processes)
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

// --- the parts --------------------------------------------------------------------------------------------------------

namespace {

class Restore {
public:
    explicit Restore(Parts& parts) : parts_(parts) {}
    void all(state::Snapshot& state);

private:
    void manager(const state::ManagerImage& image);
    void look_after(UnitId id);
    void last_spawn(const state::SpawnImage& image, UnitId id);
    void effects(const state::Snapshot& state, const std::function<bool(UnitId)>& known);

    Parts& parts_;
};

void Restore::manager(const state::ManagerImage& image) {
    parts_.init_started = {image.init_started};
    parts_.units_loaded = {image.units_loaded};
    parts_.lock = image.lock;
    for (Subsystem* subsystem : parts_.subsystems)
        subsystem->restore(image);
}

// What was made last, and is on record only so.
void Restore::last_spawn(const state::SpawnImage& image, UnitId id) {
    Launch launch;
    launch.out = Fd(image.out);
    launch.err = Fd(image.err);
    launch.ready = Fd(image.ready);
    if (id != core::no_unit && !image.invocation.empty()) {
        if (parts_.process.processes.invocation(id) != image.invocation)
            parts_.process.processes.begin_run(id, image.invocation);
        if (image.by_session)
            parts_.process.processes.use_session(id);
    }
    if (id != core::no_unit && image.line && image.line->fd >= 0)
        parts_.run.notify.restore_line(id, *image.line);
    if (id != core::no_unit && image.role == Role::connection) {
        parts_.run.starter.connection_born(id, image.pid, launch);
        if (image.on_its_way)
            parts_.run.starter.pending().take_up(
                image.pid, {.kind = Effect::Kind::spawn, .unit = id, .role = image.role}, image.report);
    } else if (id != core::no_unit) {
        auto decided = parts_.effects.find_spawn(id, image.role);
        Effect effect{.kind = Effect::Kind::spawn, .unit = id, .role = image.role};
        if (decided != parts_.effects.end()) {
            effect = *decided;
            parts_.effects.erase(decided);
        }
        parts_.run.starter.born(effect, image.pid, launch);
        if (!image.on_its_way || !parts_.run.starter.pending().take_up(image.pid, effect, image.report))
            parts_.run.starter.became_its_program(id, effect.role, image.pid);
    }
}

void Restore::effects(const state::Snapshot& state, const std::function<bool(UnitId)>& known) {
    auto named = [&](UnitId id) { return known(id) ? id : core::no_unit; };
    for (const state::EffectImage& image : state.effects) {
        Effect effect{.kind = image.kind,
                      .unit = named(image.unit),
                      .role = image.role,
                      .index = image.index,
                      .scope = image.scope,
                      .number = image.number,
                      .from = image.from,
                      .to = image.to,
                      .ending = image.ending};
        if (effect.unit != core::no_unit || effect.kind == Effect::Kind::halt)
            parts_.effects.push(effect);
    }
    if (state.spawned)
        last_spawn(*state.spawned, named(state.spawned->unit));
    // What follows from the records by now is decided, too: it must not be taken below for what is not going to be done.
    parts_.effects.push(parts_.context.engine.take_effects());
    // What a file system was to tell a start was asked for, and the program before us has had no answer yet.
    for (UnitId id : parts_.context.graph().ids()) {
        const Record& record = parts_.context.record(id);
        const bool asks = record.phase == core::Phase::starting && record.stage == Stage::conditions;
        if (asks && !parts_.effects.has(Effect::Kind::check_conditions, id))
            parts_.effects.push({.kind = Effect::Kind::check_conditions, .unit = id});
    }
    // A process that is to be made, and no effect is left to make it.
    for (UnitId id : parts_.context.graph().ids()) {
        const Record& record = parts_.context.record(id);
        auto expect = [&](Role role, std::uint8_t index) {
            if (parts_.run.starter.pending().pid_of(id, role) == 0 &&
                parts_.effects.find_spawn(id, role) == parts_.effects.end())
                parts_.effects.push({.kind = Effect::Kind::spawn, .unit = id, .role = role, .index = index});
        };
        if (record.main_pid == core::pid_pending)
            expect(Role::main, 0);
        if (record.hook_pid == core::pid_pending && record.hook != Role::none)
            expect(record.hook, record.hook_index);
        if (record.probe_pid == core::pid_pending)
            expect(Role::probe, 0);
    }
}

// What a unit waits for is waited for again, and of processes that ended unseen the engine hears.
void Restore::look_after(UnitId id) {
    const Record& record = parts_.context.record(id);
    if (record.stage == Stage::pid_file)
        parts_.run.main_process.await_pid_file(id);
    if (record.armed && record.phase == core::Phase::up && record.stage == Stage::idle)
        parts_.run.activation.await_connections(id);
    if (record.hook_pid > 0 && !parts_.kernel.exists(record.hook_pid)) { // and it cannot be known how
        parts_.process.processes.remove(record.hook_pid);
        parts_.context.engine.apply({.kind = Event::Kind::spawn_failed,
                                     .unit = id,
                                     .role = record.hook,
                                     .detail = "it ended while nobody was there to see how"},
                                    parts_.context.now);
    }
    if (record.probe_pid > 0 && parts_.process.processes.find(record.probe_pid) == nullptr)
        parts_.context.engine.apply({.kind = Event::Kind::spawn_failed, .unit = id, .role = Role::probe},
                                    parts_.context.now);
    if (record.main_pid > 0 && !parts_.kernel.exists(record.main_pid))
        parts_.run.main_process.gone(id, record.main_pid); // not our child: nothing else tells its end
    else if (record.main_pid > 0)
        parts_.run.main_process.watch(id, record.main_pid);
}

void Restore::all(state::Snapshot& state) {
    parts_.context.now = parts_.kernel.now();
    if (state.manager.carried) { // of all else, nothing is true in this root
        parts_.run.notify.restore(state.manager);
        parts_.process.directory_removal.restore(state.manager);
    } else {
        manager(state.manager);
    }
    std::vector<std::pair<UnitId, Record>> saved;
    for (auto& [id, image] : state.units)
        saved.emplace_back(id, image.record);
    // The graph was made with the ids that the state has. Of a unit that it says nothing of nothing is to be done.
    auto known = [&](UnitId id) { return state.units.contains(id) && parts_.context.graph().contains(id); };
    const auto halt = state.manager.carried ? core::Engine::Halt::no : state.manager.halt;
    parts_.context.engine.restore(saved, halt, parts_.context.now);
    for (auto& [id, image] : state.units)
        if (known(id))
            for (Subsystem* subsystem : parts_.subsystems)
                subsystem->restore_unit(id, image);
    for (const auto& [pid, image] : state.processes) {
        const UnitId id = image.unit;
        if (!known(id))
            continue;
        parts_.process.processes.adopt(pid, {id, image.role, {image.out, image.err}});
        if (image.role == Role::connection)
            parts_.run.activation.connections().restore_process(pid, id, image.socket);
        if (!image.on_its_way)
            continue;
        const Effect effect{
            .kind = Effect::Kind::spawn, .unit = id, .role = image.role, .index = parts_.context.record(id).hook_index};
        if (!parts_.run.starter.pending().take_up(pid, effect, image.report) && image.role != Role::connection)
            parts_.context.engine.apply({.kind = Event::Kind::spawned, .unit = id, .role = image.role, .pid = pid},
                                        parts_.context.now);
    }
    effects(state, known);
    for (const state::ExitImage& image : state.exits)
        parts_.turn.exited(
            {image.pid, image.kind == core::ExitStatus::Kind::signal ? os::Exit::Kind::killed : os::Exit::Kind::exited,
             image.code, image.core});
    if (parts_.guard != nullptr) // those that ended while no state was kept
        for (const os::Exit& exit : os::collected_exits(parts_.guard->page()))
            parts_.turn.exited(exit);
    parts_.recovery.before = nullptr;
    parts_.recovery.store.resume();
    parts_.turn.reap(); // the word of those that ended meanwhile may have gone with the program before us
    for (UnitId id : parts_.context.graph().ids())
        look_after(id);
    parts_.process.memory_events.listen();
}

} // namespace

void restore(Parts& parts, state::Snapshot& state) { Restore(parts).all(state); }

} // namespace mi::daemon
