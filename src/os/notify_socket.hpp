// The datagram socket to which services say how they are (sd_notify(3)). Who the sender belongs to is the daemon's to
// find out; the kernel vouches for its pid.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mi::os {

struct NotifyMessage {
    pid_t pid = 0;
    uid_t uid = 0;
    std::string text;
    std::vector<Fd> fds;
};

class NotifySocket {
public:
    // Binds `path`, in place of a stale socket. Anyone may write to it.
    static Result<NotifySocket> bind(const std::string& path);
    // Takes over one that is bound already (after re-exec).
    static NotifySocket adopt(Fd fd) { return NotifySocket(std::move(fd)); }
    [[nodiscard]] int fd() const { return fd_.get(); }

    // The next message, or none. A message that is too long (8 KiB) or carries too many descriptors is a fault
    // (EMSGSIZE): say so and go on reading. At most one a call: put a bound on calls per turn.
    Result<std::optional<NotifyMessage>> receive();

private:
    explicit NotifySocket(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace mi::os
