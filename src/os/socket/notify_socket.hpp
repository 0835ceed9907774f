// A datagram socket at which the processes of a service report their state (sd_notify(3)). The kernel guarantees the
// sender's pid and user; the daemon decides whether to trust the sender.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mi::os {

struct NotifyMessage {
    pid_t pid = 0; // 0: it is outside our PID namespace
    uid_t uid = 0;
    std::string text;
    std::vector<Fd> fds; // of any kind: see discard.hpp before closing them
    bool cut = false;    // it brought more descriptors than we could take
    bool long_ = false;  // its text was too long (above 8 KiB) and is not included
};

class NotifySocket {
public:
    // Binds `path`, replacing a stale socket. Only `owner` (and root) may write to it, or every user if `owner` is
    // nullopt.
    static Result<NotifySocket> bind(const std::string& path, std::optional<uid_t> owner = std::nullopt);
    // Takes over a socket that is bound already (after exec).
    static NotifySocket adopt(Fd fd) { return NotifySocket(std::move(fd)); }
    [[nodiscard]] int fd() const { return fd_.get(); }

    // The next message; nullopt: none. One message per call: the caller bounds the number of calls in a turn.
    Result<std::optional<NotifyMessage>> receive();

private:
    explicit NotifySocket(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace mi::os
