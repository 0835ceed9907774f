// A message of syslog(3) taken apart, as glibc, musl, logger(1) and others write it into a datagram: RFC 3164 without a
// host name, RFC 5424, or hardly anything at all. Bytes only; it takes whatever comes, in time linear in its size.
#pragma once

#include <string_view>

#include "wire/log_format.hpp"

namespace mi::logd {

struct SyslogMessage {
    wire::logs::Priority priority = wire::logs::Priority::notice;
    wire::logs::Facility facility = wire::logs::facility_user;
    std::string_view tag;  // of RFC 5424, or empty: it stands in the text
    std::string_view pid;  // its PROCID, or empty
    std::string_view text; // without line ends and NULs at its end
    bool operator==(const SyslogMessage&) const = default;
};

// The parts of `datagram`. Its own time stamp is left out (the kernel knows when it came), and a host name where that is
// `host`; RFC 5424's structured data and message id stay in the text. Without a valid `<PRI>` it is user.notice, as RFC
// 3164 has it.
[[nodiscard]] SyslogMessage parse_syslog(std::string_view datagram, std::string_view host);

// The number in `<PRI>` at the beginning of `text`, which is taken off; -1: there is none.
[[nodiscard]] int take_pri(std::string_view& text);

} // namespace mi::logd
