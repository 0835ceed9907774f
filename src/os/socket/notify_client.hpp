// The sd_notify(3) client: tells whoever supervises us how we are, where our own environment says that somebody wants to know:
// `podman run --sdnotify`, a systemd user unit.
#pragma once

#include "base/fd.hpp"

#include <sys/un.h>

#include <string>
#include <string_view>

namespace mi::os {

class NotifyClient {
public:
    // `address`: of NOTIFY_SOCKET, a path or `@` and an abstract name. Anything else: nobody wants to know.
    explicit NotifyClient(std::string_view address);
    [[nodiscard]] bool wanted() const { return static_cast<bool>(socket_); }
    // Sends once and never waits: who does not listen misses it.
    void send(std::string_view text) const;

private:
    Fd socket_;
    sockaddr_un address_{};
    socklen_t length_ = 0;
};

} // namespace mi::os
