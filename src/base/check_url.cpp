#include "base/check_url.hpp"

#include "base/text.hpp"

#include <optional>

namespace mi {

namespace {

constexpr std::size_t longest_socket = 107; // sun_path and its NUL

std::unexpected<CheckUrlFault> wrong(std::string what, std::string cure = {}) {
    return std::unexpected(CheckUrlFault{std::move(what), std::move(cure)});
}

bool is_name(std::string_view host) {
    return !host.empty() && host.size() < 254 && host.find_first_of("[]/:@%\"\\<>") == host.npos;
}

// HOST, HOST:PORT, [V6] or [V6]:PORT. False: it is none of them.
bool split_authority(std::string_view text, CheckUrl& url, bool needs_port) {
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos || text.substr(1, end - 1).find(':') == text.npos)
            return false;
        url.host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    } else {
        const std::size_t colon = text.find(':');
        url.host = text.substr(0, colon);
        rest = colon == text.npos ? std::string_view() : text.substr(colon);
        if (!is_name(url.host))
            return false;
    }
    url.authority = text;
    if (rest.empty())
        return !needs_port;
    const auto port = rest.starts_with(':') ? to_number<std::uint16_t>(rest.substr(1)) : std::nullopt;
    url.port = port.value_or(0);
    return url.port != 0;
}

bool is_socket(std::string_view path) {
    return path.size() > 1 && path.size() <= longest_socket && (path.front() == '/' || path.front() == '@');
}

std::expected<CheckUrl, CheckUrlFault> parse_http(std::string_view rest) {
    CheckUrl url{.kind = CheckUrl::Kind::http, .port = 80};
    const std::size_t end = rest.find_first_of("/?");
    if (rest.substr(0, end).find('@') != rest.npos)
        return wrong("names and passwords in a URL are not sent", "take out what stands before the '@'");
    if (!split_authority(rest.substr(0, end), url, false))
        return wrong("expected http://HOST[:PORT][/PATH]", "an IPv6 address stands in brackets: http://[::1]:8080/");
    if (end != rest.npos)
        url.path = (rest[end] == '?' ? "/" : "") + std::string(rest.substr(end));
    return url;
}

} // namespace

std::expected<CheckUrl, CheckUrlFault> parse_check_url(std::string_view text) {
    for (char letter : text)
        if (static_cast<unsigned char>(letter) <= ' ' || letter == 127)
            return wrong("a URL has no blanks and no control characters", "write %20 for a blank");
    text = text.substr(0, text.find('#')); // for a reader, not for the server
    if (text.starts_with("http://"))
        return parse_http(text.substr(7));
    if (text.starts_with("tcp://")) {
        CheckUrl url{.kind = CheckUrl::Kind::tcp};
        if (!split_authority(text.substr(6), url, true))
            return wrong("expected tcp://HOST:PORT", "an IPv6 address stands in brackets: tcp://[::1]:80");
        return url;
    }
    if (text.starts_with("unix:")) {
        CheckUrl url{.kind = CheckUrl::Kind::unix_socket, .socket = std::string(text.substr(5))};
        if (url.socket.starts_with("//")) // unix://PATH is the same
            url.socket.erase(0, 2);
        if (!is_socket(url.socket))
            return wrong("expected unix:PATH, with an absolute path of at most 107 bytes, or unix:@NAME");
        return url;
    }
    if (text.starts_with("unix+http://")) {
        const std::string_view rest = text.substr(12);
        const std::size_t colon = rest.find(":/");
        CheckUrl url{
            .kind = CheckUrl::Kind::unix_http, .socket = std::string(rest.substr(0, colon)), .authority = "localhost"};
        if (!is_socket(url.socket))
            return wrong("expected unix+http://SOCKET:/PATH, with an absolute path of at most 107 bytes");
        if (colon != rest.npos)
            url.path = rest.substr(colon + 1);
        return url;
    }
    if (text.starts_with("https://"))
        return wrong("https:// is not spoken: there is no TLS in this program",
                     "check the plain port, or tcp://HOST:443, or run a command that speaks TLS");
    const std::size_t colon = text.find(':');
    return wrong(colon == text.npos ? "a URL begins with http://, tcp://, unix: or unix+http://"
                                    : "\"" + std::string(text.substr(0, colon)) + "\" is not a known scheme",
                 "http://HOST/PATH, tcp://HOST:PORT, unix:PATH and unix+http://SOCKET:/PATH are known");
}

} // namespace mi
