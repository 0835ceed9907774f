#include "logd/server_address.hpp"

#include <arpa/inet.h>
#include <strings.h>

#include <cstring>

#include "base/text.hpp"
#include "os/file/runtime.hpp"

namespace mi::logd {
namespace {

// `host` as a number.
bool set_host(ServerAddress& server, const std::string& host, std::uint16_t port) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&server.address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&server.address);
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        server.size = sizeof *v4;
        return true;
    }
    if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        server.size = sizeof *v6;
        return true;
    }
    return false;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The next word of a line, taken off it; empty at its end.
std::string_view take_word(std::string_view& line) {
    std::size_t begin = 0;
    while (begin < line.size() && is_blank(line[begin]))
        ++begin;
    std::size_t end = begin;
    while (end < line.size() && !is_blank(line[end]))
        ++end;
    const std::string_view word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

// The first address that hosts(5) gives for the name.
bool look_up(ServerAddress& server, const std::string& name, std::uint16_t port, const std::string& hosts) {
    auto text = os::read_file(hosts);
    if (!text)
        return false;
    for (std::string_view line : split(*text, '\n')) {
        line = line.substr(0, line.find('#'));
        const std::string address(take_word(line));
        for (std::string_view word = take_word(line); !word.empty(); word = take_word(line))
            if (word.size() == name.size() && ::strncasecmp(word.data(), name.data(), name.size()) == 0 &&
                set_host(server, address, port))
                return true;
    }
    return false;
}

} // namespace

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
    if (set_host(found, host, *port) || look_up(found, host, *port, hosts) ||
        (host == "localhost" && set_host(found, "127.0.0.1", *port)))
        return found;
    return fault(0, "find in /etc/hosts (no name server is asked)", host);
}

} // namespace mi::logd
