// From one program to the next: what of the log collector has to be known, and going on with it.
#include "daemon/log/log_link.hpp"

#include "os/process/process.hpp"

#include <algorithm>

namespace mi::daemon {

namespace logs = wire::logs;

void LogLink::tell(state::ManagerImage& image) const {
    image.log_socket = socket_.fd();
    process_.tell(image);
    image.own_lines = own_lines_.fd();
    image.last_stream = streams_.last();
    image.log_finishing = finishing_;
    image.log_directory = storage_;
}

Result<> LogLink::go_on(state::Snapshot& snapshot, Instant now, bool renew) {
    state::ManagerImage& image = snapshot.manager;
    process_.restore(image);
    own_lines_.restore(image.own_lines);
    streams_.go_on_after(image.last_stream);
    finishing_ = image.log_finishing;
    storage_ = image.log_directory;
    process_.trying(now);
    for (const auto& [id, stream] : snapshot.streams) {
        streams_.restore(stream);
        if (stream.source == logs::Source::syslog)
            syslog_ = std::max(syslog_, id);
    }
    // One without a socket was told to end, by a program that did not live to see it: until it has, there is no other.
    const bool told_to_end = image.log_socket < 0 && kernel_.exists(image.log_pid);
    if (image.log_pid == 0 || (image.log_socket < 0 && !told_to_end))
        return finishing_ ? Result<>() : start(now); // it had just ended
    process_.adopt(image.log_pid);
    Fd socket(image.log_socket);
    if (told_to_end || (renew && !finishing_)) {
        // Its end of the socket tells it to write all it has and to end; then its successor is given the pipes.
        renewing_ = true;
        health_.expect();
        return {};
    }
    // It leaves as it is what it has already; the others it has not been given yet.
    if (auto adopted = socket_.adopt(std::move(socket)); !adopted)
        return adopted;
    hand_over_everything();
    return {};
}

} // namespace mi::daemon
