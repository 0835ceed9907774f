#include "daemon/recovery/saved_images.hpp"

#include "daemon/control/control.hpp"
#include "daemon/parts.hpp"
#include "os/open_file.hpp"

#include <algorithm>
#include <tuple>

namespace mi::daemon {

state::UnitImage SavedImages::image_of_unit(core::UnitId id) const {
    const std::string& name = parts_.context.name(id);
    const UnitRun& live = parts_.context.units[id];
    state::UnitImage image{.id = id, .name = name, .record = parts_.context.record(id)};
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
    parts_.processes.tell(id, image);
    image.line = parts_.notify.image_of_line(id);
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
    if (state::TimerImage timer; parts_.context.unit(id).timer && parts_.unit_timers.timers().tell(id, name, timer))
        image.timer = std::move(timer);
    return image;
}

// Nothing of it needs to be known: it is as it is when it was just read.
bool SavedImages::is_blank(core::UnitId id) const {
    const UnitRun& live = parts_.context.units[id];
    return parts_.context.record(id) == core::Record{} && !parts_.context.unit(id).timer &&
           parts_.processes.invocation(id).empty() && live.stored.empty() && live.sockets.empty() &&
           (!live.connections || live.connections->counts.empty());
}

state::ProcessImage SavedImages::image_of_process(pid_t pid) const {
    state::ProcessImage image{.pid = pid};
    if (const Processes::Known* known = parts_.processes.find(pid); known != nullptr) {
        image.unit = known->unit;
        image.role = known->role;
        image.out = known->streams[0];
        image.err = known->streams[1];
        if (known->role == core::Role::connection)
            image.socket = parts_.activation.connections().socket_of(pid);
        std::tie(image.report, image.report_inode) = parts_.starter.pending().report_of(pid);
        image.on_its_way = parts_.starter.pending().contains(pid);
    }
    return image;
}

state::ManagerImage SavedImages::image_of_manager() const {
    state::ManagerImage image;
    image.version = MINIINIT_VERSION;
    parts_.boot_target.save(image);
    image.init_started = parts_.init_started.since_boot;
    image.units_loaded = parts_.units_loaded.since_boot;
    parts_.shutdown.save(image);
    image.entry_failure = parts_.starter.entry_failure();
    image.halt = parts_.context.engine.halt();
    image.told_ready = parts_.parent_notify.told_ready();
    image.lines_made = parts_.notify.lines_made();
    image.set_aside = parts_.directory_removal.set_aside();
    for (const os::Limit& limit : parts_.context.surroundings.limits) {
        image.limits.push_back({limit.resource, limit.soft, limit.hard});
        if (limit.resource == RLIMIT_NOFILE) {
            image.limit_soft = limit.soft;
            image.limit_hard = limit.hard;
            image.limit_raised = true;
        }
    }
    if (const os::CgroupTree* tree = parts_.resources.tree()) {
        os::CgroupTree::State state = tree->state();
        image.cgroup = std::move(state.path);
        image.cgroup_prefix = std::move(state.prefix);
        image.controllers = std::move(state.enabled);
        image.controllers_above = std::move(state.enabled_above);
        image.in_leaf = state.in_leaf;
    }
    image.control = parts_.control ? parts_.control->listener() : -1;
    image.last_call = parts_.control ? parts_.control->last_call() : 0;
    image.lock = parts_.lock;
    image.scheduled = parts_.schedule.save();
    image.new_root = parts_.succession.new_root().root;
    image.new_init = parts_.succession.new_root().init;
    image.carried = parts_.succession.carried();
    image.premises = parts_.reachability.watches();
    parts_.context.logs.tell(image);
    return image;
}

state::ClientImage SavedImages::image_of_client(int fd, bool bytes) const {
    state::ClientImage image = parts_.control->tell(fd, bytes);
    if (image.open && !image.lost && image.call != 0 && parts_.context.observer != nullptr &&
        !parts_.context.observer->tell(CallId{image.call}, image))
        image.lost = true;
    return image;
}

state::SpawnImage SavedImages::image_of_spawn(core::UnitId unit, core::Role role, const os::Start& start,
                                              const Launch& launch) const {
    return {unit,
            role,
            start.pid(),
            launch.out.get(),
            launch.err.get(),
            launch.ready.get(),
            parts_.processes.invocation(unit),
            parts_.processes.uses_session(unit),
            parts_.notify.image_of_line(unit),
            start.decided() ? -1 : start.report(),
            !start.decided()};
}

} // namespace mi::daemon
