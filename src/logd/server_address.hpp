// The address of a syslog server: "udp://HOST:PORT" or "tcp://HOST:PORT". A name is looked up in /etc/hosts only
// (os/socket/internet_address.hpp).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mi::logd {

struct ServerAddress {
    bool stream = false; // TCP
    sockaddr_storage address{};
    socklen_t size = 0;
};

// The address that `server` has now. A Fault without a code, in words: it is none, or its name is not in `hosts`.
[[nodiscard]] Result<ServerAddress> find_server(std::string_view server, const std::string& hosts = "/etc/hosts");

} // namespace mi::logd
