// What `minictl check` and the keys of [health] can ask: an address of HTTP, TCP or a Unix socket, taken apart. Text only; the
// asking is ctl/verbs/check.hpp's.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace mi {

struct CheckUrl {
    enum class Kind : std::uint8_t { http, tcp, unix_socket, unix_http };
    Kind kind = Kind::tcp;
    std::string host; // a name, or a numeric address without brackets
    std::uint16_t port = 0;
    std::string socket;     // a path, or @name of the abstract namespace
    std::string path = "/"; // of the request, with its query
    std::string authority;  // "HOST:PORT" as it was written, for the Host header
};

struct CheckUrlFault {
    std::string what;
    std::string cure; // may be empty
};

// `http://HOST[:PORT][/PATH]`, `tcp://HOST:PORT`, `unix:PATH`, `unix+http://SOCKET:/PATH`.
[[nodiscard]] std::expected<CheckUrl, CheckUrlFault> parse_check_url(std::string_view text);

} // namespace mi
