// A datagram socket at which the processes of a service say how they are (sd_notify(3)). The kernel vouches for the sender's
// pid and user; whether it is to be believed is the daemon's to find out.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mi::os {

struct NotifyMessage {
    pid_t pid = 0; // 0: it lives outside our PID namespace
    uid_t uid = 0;
    std::string text;
    std::vector<Fd> fds; // anything: see discard.hpp before closing them
    bool cut = false;    // it brought more descriptors than we could take
    bool long_ = false;  // its text was too long (8 KiB), and is not here
};

class NotifySocket {
public:
    // Binds `path`, in place of a stale socket. Only `owner` may write to it (and root), or, without one, anybody.
    static Result<NotifySocket> bind(const std::string& path, std::optional<uid_t> owner = std::nullopt);
    // Takes over one that is bound already (after re-exec).
    static NotifySocket adopt(Fd fd) { return NotifySocket(std::move(fd)); }
    [[nodiscard]] int fd() const { return fd_.get(); }

    // The next message, or none. At most one a call: put a bound on calls per turn.
    Result<std::optional<NotifyMessage>> receive();

private:
    explicit NotifySocket(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace mi::os
