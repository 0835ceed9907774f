// What a log file looks like, shared by who writes it (logd) and who reads it (minictl logs). Bytes only: no system
// calls.
//
// A line is `2026-11-22T04:10:01.123456Z PRIORITY STREAM: TEXT`, UTC. PRIORITY is a word of syslog(3); STREAM is
// `out`, `err`, `init`, `syslog` or `kernel`. What a service wrote is in TEXT byte for byte, but for a leading sd-daemon(3) `<N>`, which
// becomes the priority. `STREAM+` says that the original has no line end here: the line was longer than
// `longest_text` and goes on in the next line of that stream, or it was unfinished when its process ended. So the
// original is exact: the TEXTs of a stream one after the other, a line end after each that has no `+`.
//
// `syslog` and `kernel` lines come with a facility. One that is not the usual (user, kern) stands behind the stream:
// `syslog.auth: sshd[12]: Accepted ...`. Of a message of several lines, each further one begins with a tab; one that was
// too long for us ends with a line that has the `+`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "wire/log_protocol.hpp"

namespace mi::wire::logs {

// The longest TEXT, in bytes. Longer lines of a service are split.
inline constexpr std::size_t longest_text = 48 * 1024;
// `YYYY-MM-DDTHH:MM:SS.UUUUUUZ`
inline constexpr std::size_t stamp_size = 27;
// Stamp, blank, the longest priority, blank, the longest stream with facility and mark, colon, blank.
inline constexpr std::size_t longest_prefix = stamp_size + 1 + 7 + 1 + 16 + 2;

[[nodiscard]] std::string_view word_of(Priority priority);
[[nodiscard]] std::string_view word_of(Source source);

// syslog(3)'s facilities, by number.
using Facility = std::uint8_t;
inline constexpr Facility facilities = 24;
inline constexpr Facility facility_kern = 0, facility_user = 1, facility_daemon = 3;
// "kern", "user" ... "local7"; of a number beyond: "user".
[[nodiscard]] std::string_view word_of_facility(Facility facility);
[[nodiscard]] std::optional<Facility> facility_of(std::string_view word);
// The one that a line of that source has if it says nothing else.
[[nodiscard]] Facility usual_facility(Source source);
// Also takes the numbers 0 to 7 and the usual other names ("error", "warn", "panic").
[[nodiscard]] std::optional<Priority> priority_of(std::string_view word);

// Writes the stamp of `at` (years 0 to 9999; others are clamped), stamp_size bytes without a final NUL.
void write_stamp(WallTime at, char* to);
[[nodiscard]] std::string stamp_of(WallTime at);
// The moment that the first stamp_size bytes of `text` say, if they are a stamp.
[[nodiscard]] std::optional<WallTime> parse_stamp(std::string_view text);

// The beginning of each line, up to and with the blank before TEXT: writes at most longest_prefix bytes, returns how
// many. `facility` counts with Source::syslog and Source::kernel.
std::size_t write_prefix(std::string_view stamp, Priority priority, Source source, bool unended, char* to,
                         Facility facility = facilities);

struct Line {
    WallTime at;
    Priority priority = Priority::info;
    Source source = Source::out;
    bool unended = false; // the `+` mark
    std::string_view text;
    Facility facility = facility_daemon;
    bool operator==(const Line&) const = default;
};
// One line of a file, without its line end; nothing where it is not one of ours (a torn or foreign line).
[[nodiscard]] std::optional<Line> parse_line(std::string_view line);

// How PID 1 begins its own log each time that it is started: "miniinit 0.1.0, system mode". `minictl logs --boot` finds the
// starts by it.
[[nodiscard]] std::string start_text(std::string_view mode);
[[nodiscard]] bool tells_of_start(const Line& line);

// The directory that has the logs of `unit`: its name, with every byte that is not a letter, a digit or one of
// `@_.:+,=-` written as `\xHH`, and so a leading dot. Any name gives a harmless one, different names give different
// ones.
[[nodiscard]] std::string directory_name(std::string_view unit);
// The unit of such a directory; the name itself where it is none of ours.
[[nodiscard]] std::string unit_of_directory(std::string_view directory);

// A rotated file's name, `20261122T041001.123456Z.log`, after the moment of the rotation: names sort as time does, and
// nothing inside is younger than the name says. Its compressed form is log_pack.hpp's.
[[nodiscard]] std::string rotated_name(WallTime at);
[[nodiscard]] std::optional<WallTime> parse_rotated_name(std::string_view name);

} // namespace mi::wire::logs
