// The addresses of a host: numbers, and the names in /etc/hosts. No name server is asked, because it may take its time, and may
// itself be a service that is not up yet.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mi::os {

struct InternetAddress {
    sockaddr_storage bytes{};
    socklen_t size = 0;
    std::string text; // "127.0.0.1:80", "[::1]:80"
};

// `host`: an IPv4 or IPv6 address (without brackets), or a name. For a name all addresses that hosts(5) gives it, in the order of
// the file; `localhost` needs no entry. Empty: it is neither.
[[nodiscard]] std::vector<InternetAddress> addresses_of(const std::string& host, std::uint16_t port,
                                                        const std::string& hosts = "/etc/hosts");

} // namespace mi::os
