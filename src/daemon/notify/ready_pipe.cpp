#include "daemon/notify/ready_pipe.hpp"

#include "os/file/open_file.hpp"

#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

using core::Phase;

void ReadyPipe::listen(core::UnitId id, Fd pipe) {
    UnitRun& run = context_.units[id];
    run.ready = std::move(pipe);
    if (auto watch = context_.kernel.watch(run.ready.get(), [this, id] { read(id, 1); }))
        run.ready_watch = std::move(*watch);
}

void ReadyPipe::read(core::UnitId id, int most_reads) {
    const UnitRun& run = context_.units[id];
    if (!run.ready)
        return;
    char bytes[4096];
    ssize_t got = 1;
    bool said = false;
    for (int i = 0; i < most_reads && got > 0 && !said; ++i) {
        got = ::read(run.ready.get(), bytes, sizeof bytes);
        said = got > 0 && std::find(bytes, bytes + got, '\n') != bytes + got;
    }
    if (got != 0 && !said)
        return; // EINTR, EAGAIN: it will be readable again
    if (said) {
        context_.now = context_.kernel.now();
        pending_starts_.conclude(id);
        context_.apply({.kind = core::Event::Kind::ready, .unit = id});
    }
    close(id);
    context_.engine.mark(id);
}

void ReadyPipe::close(core::UnitId id) {
    context_.units[id].ready_watch.reset();
    context_.units[id].ready.reset();
}

void ReadyPipe::unit_changed(core::UnitId id, Phase from, Phase to) {
    if (from == Phase::starting && (to == Phase::up || to == Phase::done))
        close(id);
}

void ReadyPipe::save_unit(core::UnitId unit, state::UnitImage& image) const {
    image.ready = context_.units[unit].ready.get();
    image.ready_inode = os::inode_of(image.ready);
}

} // namespace mi::daemon
