// The datagram socket of syslog(3), `/dev/log`. The log collector reads the messages.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>

namespace mi::os {

// Binds `path` for every user, replacing a stale socket. Each message comes with its sender's credentials (and pidfd,
// os/process/pidfd.hpp) and the time at which it was sent. Fault EADDRINUSE: a process listens there; EEXIST: the file
// is no socket.
[[nodiscard]] Result<Fd> bind_syslog(const std::string& path);

// Refuses further messages (EPIPE, upon which syslog(3) connects again); messages sent before can still be read.
void close_syslog(int socket);

// Raises the number of messages that can wait in a socket before their senders must wait (unix(7), max_dgram_qlen, 10
// by default), for sockets made from now on, if it is below 512 and we have permission.
void lengthen_datagram_queues();

// Whether `path` has the machine's own devtmpfs, which is shared by all devtmpfs mounts.
[[nodiscard]] bool shares_devices(const std::string& path);

} // namespace mi::os
