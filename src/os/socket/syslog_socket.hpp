// The datagram socket of syslog(3), `/dev/log`. What is said there is the log collector's to read.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>

namespace mi::os {

// Binds `path` for everybody, in place of a stale socket; each message comes with its sender (and a descriptor of
// it, os/process/pidfd.hpp) and when it came. Fault
// EADDRINUSE: somebody listens there; EEXIST: it is something else.
[[nodiscard]] Result<Fd> bind_syslog(const std::string& path);

// Nobody can send to it any more (EPIPE, upon which syslog(3) connects anew); what has been sent can still be read.
void close_syslog(int socket);

// How many messages wait in a socket before their senders have to: unix(7), max_dgram_qlen, 10 by default. Raises that for
// sockets made from now on, where we may and it is less.
void lengthen_datagram_queues();

// Whether what is mounted at `path` is the machine's own devtmpfs, which all see who have one.
[[nodiscard]] bool shares_devices(const std::string& path);

} // namespace mi::os
