#include "logd/server_address.hpp"

#include "base/text.hpp"
#include "os/socket/internet_address.hpp"

namespace mi::logd {

Result<ServerAddress> find_server(std::string_view server, const std::string& hosts) {
    ServerAddress found;
    found.stream = server.starts_with("tcp://");
    const std::size_t colon = server.rfind(':');
    if ((!found.stream && !server.starts_with("udp://")) || colon < 6)
        return fault(0, "understand the address of a log server:", std::string(server));
    std::string host(server.substr(6, colon - 6));
    const auto port = to_number<std::uint16_t>(server.substr(colon + 1));
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    if (!port || *port == 0 || host.empty())
        return fault(0, "understand the address of a log server:", std::string(server));
    const auto addresses = os::addresses_of(host, *port, hosts);
    if (addresses.empty())
        return fault(0, "find in /etc/hosts (no name server is asked)", host);
    found.address = addresses.front().bytes;
    found.size = addresses.front().size;
    return found;
}

} // namespace mi::logd
