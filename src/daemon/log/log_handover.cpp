// From one program to the next: what of the log collector has to be known, and going on with it.
#include "daemon/log/log_link.hpp"

#include "os/process/process.hpp"

#include <algorithm>

namespace mi::daemon {

namespace logs = wire::logs;

void LogLink::tell(state::ManagerImage& image) const {
    image.log_socket = socket_.get();
    image.log_memory = estate_.memory.get();
    image.holding_read = estate_.holding_read.get();
    image.holding_write = estate_.holding_write.get();
    image.own_lines = own_lines_.fd();
    image.log_pid = pid_;
    image.last_stream = last_stream_;
    image.log_finishing = finishing_;
    image.log_directory = storage_;
}

state::StreamImage LogLink::tell(StreamId id) const {
    state::StreamImage image{.id = id};
    if (auto at = streams_.find(id); at != streams_.end()) {
        image.fd = at->second.pipe.get();
        image.unit = at->second.unit;
        image.source = at->second.source;
        image.rotate_size = at->second.limits.rotate_size;
        image.rotate_keep = at->second.limits.rotate_keep;
        image.compress = at->second.limits.compress;
        image.rotate_age = at->second.limits.rotate_age;
        image.rate_limit = at->second.limits.rate_limit;
        image.rate_seconds = at->second.limits.rate_seconds;
        image.level = at->second.limits.level;
        image.inode = at->second.inode;
        image.leader = at->second.leader;
        image.cgroup = at->second.cgroup;
        image.local = !at->second.forward;
        image.held = at->second.is_held;
    }
    return image;
}

std::vector<StreamId> LogLink::all_streams() const {
    std::vector<StreamId> ids;
    for (const auto& [id, stream] : streams_)
        ids.push_back(id);
    return ids;
}

Result<> LogLink::go_on(state::Snapshot& snapshot, Instant now, bool renew) {
    state::ManagerImage& image = snapshot.manager;
    estate_ = {Fd(image.log_memory), Fd(image.holding_read), Fd(image.holding_write)};
    own_lines_.restore(image.own_lines);
    last_stream_ = image.last_stream;
    finishing_ = image.log_finishing;
    storage_ = image.log_directory;
    started_ = now;
    for (auto& [id, stream] : snapshot.streams) {
        last_stream_ = std::max(last_stream_, id);
        Stream& one =
            streams_
                .emplace(id, Stream{stream.unit,
                                    stream.source,
                                    {stream.rotate_size, stream.rotate_keep, stream.compress, stream.rotate_age,
                                     stream.rate_limit, std::max(stream.rate_seconds, 1u), stream.level},
                                    Fd(stream.fd),
                                    stream.inode,
                                    stream.leader,
                                    !stream.local,
                                    stream.cgroup})
                .first->second;
        one.is_held = stream.held && held_.add(id, one.pipe.get());
        if (stream.source == logs::Source::syslog)
            syslog_ = std::max(syslog_, id);
    }
    // One without a socket was told to end, by a program that did not live to see it: until it has, there is no other.
    const bool told_to_end = image.log_socket < 0 && kernel_.exists(image.log_pid);
    if (image.log_pid == 0 || (image.log_socket < 0 && !told_to_end))
        return finishing_ ? Result<>() : start(now); // it had just ended
    pid_ = image.log_pid;
    socket_ = Fd(image.log_socket);
    if (told_to_end || (renew && !finishing_)) {
        // Its end of the socket tells it to write all it has and to end; then its successor is given the pipes.
        renewing_ = true;
        liveness_.expect(now + LogLiveness::patience);
        socket_.reset();
        return {};
    }
    // It leaves as it is what it has already; the others it has not been given yet.
    if (auto watched = watch_collector(); !watched)
        return watched;
    hand_over_everything();
    return {};
}

} // namespace mi::daemon
