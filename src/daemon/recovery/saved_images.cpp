#include "daemon/recovery/saved_images.hpp"

#include "daemon/parts.hpp"
#include "os/file/open_file.hpp"

#include <algorithm>
#include <tuple>

namespace mi::daemon {

state::UnitImage SavedImages::image_of_unit(core::UnitId id) const {
    state::UnitImage image{.id = id, .name = parts_.context.name(id), .record = parts_.context.record(id)};
    for (const Subsystem* subsystem : parts_.subsystems)
        subsystem->save_unit(id, image);
    return image;
}

// Nothing of it needs to be known: it is as it is when it was just read.
bool SavedImages::is_blank(core::UnitId id) const {
    const UnitRun& live = parts_.context.units[id];
    return parts_.context.record(id) == core::Record{} && !parts_.context.unit(id).timer &&
           parts_.process.processes.invocation(id).empty() && live.stored.empty() && live.sockets.empty() &&
           (!live.connections || live.connections->counts.empty());
}

state::ProcessImage SavedImages::image_of_process(pid_t pid) const {
    state::ProcessImage image{.pid = pid};
    if (const Processes::Known* known = parts_.process.processes.find(pid); known != nullptr) {
        image.unit = known->unit;
        image.role = known->role;
        image.out = known->streams[0];
        image.err = known->streams[1];
        if (known->role == core::Role::connection)
            image.socket = parts_.run.activation.connections().socket_of(pid);
        std::tie(image.report, image.report_inode) = parts_.run.starter.pending().report_of(pid);
        image.on_its_way = parts_.run.starter.pending().contains(pid);
    }
    return image;
}

state::ManagerImage SavedImages::image_of_manager() const {
    state::ManagerImage image;
    image.version = MINIINIT_VERSION;
    image.init_started = parts_.init_started.since_boot;
    image.units_loaded = parts_.units_loaded.since_boot;
    image.halt = parts_.context.engine.halt();
    for (const os::Limit& limit : parts_.context.surroundings.limits) {
        image.limits.push_back({limit.resource, limit.soft, limit.hard});
        if (limit.resource == RLIMIT_NOFILE) {
            image.limit_soft = limit.soft;
            image.limit_hard = limit.hard;
            image.limit_raised = true;
        }
    }
    if (const os::Cgroups* tree = parts_.process.resources.tree()) {
        os::Cgroups::State state = tree->state();
        image.cgroup = std::move(state.path);
        image.cgroup_prefix = std::move(state.prefix);
        image.controllers = std::move(state.enabled);
        image.controllers_above = std::move(state.enabled_above);
        image.in_leaf = state.in_leaf;
    }
    image.control = parts_.control ? parts_.control->listener() : -1;
    image.last_call = parts_.control ? parts_.control->clients().last_call() : 0;
    image.lock = parts_.lock;
    for (const Subsystem* subsystem : parts_.subsystems)
        subsystem->save(image);
    return image;
}

state::ClientImage SavedImages::image_of_client(int fd, bool bytes) const {
    state::ClientImage image = parts_.control->clients().tell(fd, bytes);
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
            parts_.process.processes.invocation(unit),
            parts_.process.processes.uses_session(unit),
            parts_.run.notify.image_of_line(unit),
            start.decided() ? -1 : start.report(),
            !start.decided()};
}

} // namespace mi::daemon
