// The format of log files, shared by the writer (logd) and the reader (minictl logs). Works on bytes only and makes no
// system calls.
//
// A line is `2026-11-22T04:10:01.123456Z PRIORITY STREAM: TEXT`, in UTC. PRIORITY is a word of syslog(3); STREAM is
// `out`, `err`, `health`, `init`, `syslog` or `kernel`. TEXT is the service's output byte for byte, except for a leading
// sd-daemon(3) `<N>`, which becomes the priority. `STREAM+` means that the original has no line end here: the line was
// longer than `longest_text` and continues in the next line of that stream, or it was unfinished when its process
// ended. So the original can be restored exactly: concatenate the TEXTs of a stream, with a line end after each line
// without a `+`.
//
// `syslog` and `kernel` lines have a facility. If it is not the usual one (user, kern), it follows the stream:
// `syslog.auth: sshd[12]: Accepted ...`. In a message of several lines, each further line begins with a tab; a message
// that was too long ends with a line that has the `+`.
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
// Stamp, blank, the longest priority, blank, the longest stream with facility and `+`, colon, blank.
inline constexpr std::size_t longest_prefix = stamp_size + 1 + 7 + 1 + 16 + 2;

[[nodiscard]] std::string_view word_of(Priority priority);
[[nodiscard]] std::string_view word_of(Source source);

// A facility of syslog(3), by number.
using Facility = std::uint8_t;
inline constexpr Facility facilities = 24;
inline constexpr Facility facility_kern = 0, facility_user = 1, facility_daemon = 3;
// "kern", "user" ... "local7"; "user" for a number above 23.
[[nodiscard]] std::string_view word_of_facility(Facility facility);
[[nodiscard]] std::optional<Facility> facility_of(std::string_view word);
// The facility of a line of that source that names none.
[[nodiscard]] Facility usual_facility(Source source);
// Also accepts the numbers 0 to 7 and the usual other names ("error", "warn", "panic").
[[nodiscard]] std::optional<Priority> priority_of(std::string_view word);

// Takes the `<N>` of sd-daemon(3) off the beginning of a line; nullopt: it has none.
[[nodiscard]] inline std::optional<Priority> take_priority(std::string_view& line) {
    if (line.size() < 3 || line[0] != '<' || line[1] < '0' || line[1] > '7' || line[2] != '>')
        return std::nullopt;
    const auto priority = static_cast<Priority>(line[1] - '0');
    line.remove_prefix(3);
    return priority;
}

// Writes the stamp of `at` (years 0 to 9999; others are clamped), stamp_size bytes without a final NUL.
void write_stamp(WallTime at, char* to);
[[nodiscard]] std::string stamp_of(WallTime at);
// The time in the first stamp_size bytes of `text`; nullopt: they are no stamp.
[[nodiscard]] std::optional<WallTime> parse_stamp(std::string_view text);

// Writes the beginning of a line, up to the blank before TEXT: at most longest_prefix bytes; returns their number.
// `facility` is only used with Source::syslog and Source::kernel.
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
// Parses one line of a file, without its line end; nullopt: it does not have our format (a torn or foreign line).
[[nodiscard]] std::optional<Line> parse_line(std::string_view line);

// Appends the line as one object of JSON with its line end, as `minictl logs -o json` and the output of a container have it. Does not
// allocate if `to` has room: up to 8 bytes for each of `unit` and of TEXT, and 200 more.
void append_json(std::string& to, std::string_view stamp, std::string_view unit, const Line& line);

// The first line of PID 1's own log after each start: "miniinit 0.1.0, system mode". `minictl logs --boot` finds the
// starts by it.
[[nodiscard]] std::string start_text(std::string_view mode);
[[nodiscard]] bool tells_of_start(const Line& line);

// The directory of the logs of `unit`: its name, with every byte except letters, digits and `@_.:+,=-` written as
// `\xHH`, and a leading dot as well. The result is a safe file name for any unit, and differs for different units.
[[nodiscard]] std::string directory_name(std::string_view unit);
// The unit of such a directory; the name itself if it has another form.
[[nodiscard]] std::string unit_of_directory(std::string_view directory);

// The name of a rotated file, `20261122T041001.123456Z.log`, from the time of the rotation: names sort by time, and no
// line inside is later. For the compressed form see log_pack.hpp.
[[nodiscard]] std::string rotated_name(WallTime at);
[[nodiscard]] std::optional<WallTime> parse_rotated_name(std::string_view name);

} // namespace mi::wire::logs
