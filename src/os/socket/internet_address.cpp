#include "os/socket/internet_address.hpp"

#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <arpa/inet.h>
#include <strings.h>

#include <string_view>

namespace mi::os {

namespace {

// Adds `host` if it is a number.
bool add_number(std::vector<InternetAddress>& to, const std::string& host, std::uint16_t port) {
    InternetAddress address;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.bytes);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.bytes);
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address.size = sizeof *v4;
        address.text = host + ":" + std::to_string(port);
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address.size = sizeof *v6;
        address.text = "[" + host + "]:" + std::to_string(port);
    } else {
        return false;
    }
    to.push_back(std::move(address));
    return true;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Takes the next word off the line; empty at its end.
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

} // namespace

std::vector<InternetAddress> addresses_of(const std::string& host, std::uint16_t port, const std::string& hosts) {
    std::vector<InternetAddress> found;
    if (add_number(found, host, port))
        return found;
    const auto text = read_file(hosts);
    for (std::string_view line : split(text ? std::string_view(*text) : "", '\n')) {
        line = line.substr(0, line.find('#'));
        const std::string address(take_word(line));
        for (std::string_view word = take_word(line); !word.empty(); word = take_word(line))
            if (word.size() == host.size() && ::strncasecmp(word.data(), host.data(), host.size()) == 0)
                (void)add_number(found, address, port);
    }
    if (found.empty() && ::strcasecmp(host.c_str(), "localhost") == 0) {
        (void)add_number(found, "127.0.0.1", port);
        (void)add_number(found, "::1", port);
    }
    return found;
}

} // namespace mi::os
