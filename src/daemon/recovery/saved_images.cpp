// What is saved of the manager, of a unit, a process and a client (state_store.hpp says when). Reading it again is resume.cpp's.
#include "daemon/supervisor.hpp"
#include "os/open_file.hpp"

#include <algorithm>
#include <tuple>

namespace mi::daemon {

state::UnitImage Supervisor::image_of_unit(core::UnitId id) const {
    const std::string& name = context_.name(id);
    const UnitRun& live = context_.units[id];
    state::UnitImage image{.id = id, .name = name, .record = context_.record(id)};
    image.digest = live.digest;
    image.starting = live.starting.since_boot;
    image.up = live.up.since_boot;
    image.first = live.first;
    image.status = live.status;
    image.trouble = live.trouble;
    image.from_pid_file = live.from_pid_file;
    image.ready = live.ready.get();
    image.network = live.own.network.get();
    image.ready_inode = os::inode_of(image.ready);
    image.network_inode = os::inode_of(image.network);
    image.temporary = live.own.temporary;
    for (const os::Directory& directory : live.own.runtime)
        image.runtime.push_back({directory.base, directory.components});
    processes_.tell(id, image);
    image.line = notify_.image_of_line(id);
    for (const StoredFd& stored : live.stored)
        image.stored.push_back({stored.fd.get(), stored.name, stored.watched, os::inode_of(stored.fd.get())});
    for (const OpenSocket& open : live.sockets) {
        const core::Listen& listen = open.settings;
        const os::ListenSocket::Place place = open.socket.place();
        image.sockets.push_back({open.socket.fd(), listen.kind, listen.address, listen.name, listen.user, listen.group,
                                 listen.mode, listen.backlog, listen.reuse_port, listen.accept, listen.max_connections,
                                 place.path, place.device, place.inode, place.made_path,
                                 os::inode_of(open.socket.fd())});
    }
    if (live.connections)
        for (const auto& [socket, count] : live.connections->counts)
            image.gates.push_back({socket, count.now, count.all});
    if (state::TimerImage timer; context_.unit(id).timer && unit_timers_.timers().tell(id, name, timer))
        image.timer = std::move(timer);
    return image;
}

// Nothing of it needs to be known: it is as it is when it was just read.
bool Supervisor::is_blank(core::UnitId id) const {
    const UnitRun& live = context_.units[id];
    return context_.record(id) == core::Record{} && !context_.unit(id).timer && processes_.invocation(id).empty() &&
           live.stored.empty() && live.sockets.empty() && (!live.connections || live.connections->counts.empty());
}

state::ProcessImage Supervisor::image_of_process(pid_t pid) const {
    state::ProcessImage image{.pid = pid};
    if (const Processes::Known* known = processes_.find(pid); known != nullptr) {
        image.unit = known->unit;
        image.role = known->role;
        image.out = known->streams[0];
        image.err = known->streams[1];
        if (known->role == core::Role::connection)
            image.socket = activation_.connections().socket_of(pid);
        std::tie(image.report, image.report_inode) = starter_.pending().report_of(pid);
        image.on_its_way = starter_.pending().contains(pid);
    }
    return image;
}

state::ManagerImage Supervisor::image_of_manager() const {
    state::ManagerImage image;
    image.version = MINIINIT_VERSION;
    boot_target_.save(image);
    image.init_started = init_started_.since_boot;
    image.units_loaded = units_loaded_.since_boot;
    shutdown_.save(image);
    image.entry_failure = starter_.entry_failure();
    image.halt = context_.engine.halt();
    image.told_ready = parent_notify_.told_ready();
    image.lines_made = notify_.lines_made();
    image.set_aside = directory_removal_.set_aside();
    for (const os::Limit& limit : context_.surroundings.limits) {
        image.limits.push_back({limit.resource, limit.soft, limit.hard});
        if (limit.resource == RLIMIT_NOFILE) {
            image.limit_soft = limit.soft;
            image.limit_hard = limit.hard;
            image.limit_raised = true;
        }
    }
    if (const os::CgroupTree* tree = resources_.tree()) {
        os::CgroupTree::State state = tree->state();
        image.cgroup = std::move(state.path);
        image.cgroup_prefix = std::move(state.prefix);
        image.controllers = std::move(state.enabled);
        image.controllers_above = std::move(state.enabled_above);
        image.in_leaf = state.in_leaf;
    }
    image.control = control_ ? control_->listener() : -1;
    image.last_call = control_ ? control_->last_call() : 0;
    image.lock = lock_;
    image.scheduled = schedule_.save();
    image.new_root = succession_.new_root().root;
    image.new_init = succession_.new_root().init;
    image.carried = succession_.carried();
    image.premises = reachability_.watches();
    context_.logs.tell(image);
    return image;
}

state::ClientImage Supervisor::image_of_client(int fd, bool bytes) const {
    state::ClientImage image = control_->tell(fd, bytes);
    if (image.open && !image.lost && image.call != 0 && context_.observer != nullptr &&
        !context_.observer->tell(CallId{image.call}, image))
        image.lost = true;
    return image;
}

state::SpawnImage Supervisor::image_of_spawn(core::UnitId unit, core::Role role, const os::Start& start,
                                             const Launch& launch) const {
    return {unit,
            role,
            start.pid(),
            launch.out.get(),
            launch.err.get(),
            launch.ready.get(),
            processes_.invocation(unit),
            processes_.uses_session(unit),
            notify_.image_of_line(unit),
            start.decided() ? -1 : start.report(),
            !start.decided()};
}

} // namespace mi::daemon
