// The sd_notify(3) client: reports our own state to our supervisor, if our environment has NOTIFY_SOCKET (`podman run
// --sdnotify`, a systemd user unit).
#pragma once

#include "base/fd.hpp"
#include "os/socket/local_socket.hpp"

#include <string_view>

namespace mi::os {

class NotifyClient {
public:
    // `address`: the value of NOTIFY_SOCKET, a path or `@` and an abstract name. With any other value nothing is sent.
    explicit NotifyClient(std::string_view address);
    [[nodiscard]] bool wanted() const { return static_cast<bool>(socket_); }
    // Sends once, without waiting: if the receiver's queue is full, the message is lost.
    void send(std::string_view text) const;

private:
    Fd socket_;
    LocalName address_;
};

} // namespace mi::os
