// The messages between PID 1 and the log collector on their SOCK_SEQPACKET socketpair, and the framing of PID 1's own
// log lines. Works on bytes only: os/socket/packet.hpp sends and receives them, logd and daemon act on them.
//
// A conversation: the collector starts and sends `Hello`. PID 1 answers with `Configure`, then `Attach` with every read
// end that it keeps (again after each start of the collector, so that no line is lost when the collector dies). From
// then on PID 1 attaches and flushes streams; the collector reports ended streams, flushes, storage and losses. No
// sender needs an answer to go on, so neither side ever waits for the other; Ping is answered for another reason
// (daemon/log/log_liveness.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace mi::wire::logs {

// No message in either direction is longer (bytes), so a buffer of this size receives any.
inline constexpr std::size_t longest_message = 64 * 1024;
// The most descriptors in one message (SCM_MAX_FD, unix(7)), and so the most entries of an `Attach`.
inline constexpr std::size_t most_attachments = 253;
// The most streams in one Flush, Ended or Refused; the sender splits longer lists.
inline constexpr std::size_t most_streams = 4096;
inline constexpr std::size_t most_counts = 256;   // units in one Counts
inline constexpr std::size_t longest_unit = 200;  // bytes
inline constexpr std::size_t longest_path = 1024; // bytes
inline constexpr std::size_t most_directories = 8;
inline constexpr std::size_t most_servers = 4;
inline constexpr std::size_t longest_server = 300;                       // bytes
inline constexpr std::size_t longest_pattern = 1000, longest_said = 200; // bytes

// As Configure::console: PID 1's stdout and stderr, which it has opened for the collector (logd/run.hpp).
inline constexpr std::string_view own_output = "-";

// A stream is one pipe of one process of one unit, or another source (a socket, a device). PID 1 numbers streams from 1
// and never reuses a number, even across its own re-exec, because the collector's shared memory identifies half-read
// lines by it.
using StreamId = std::uint32_t;

// The origin of a line: `out` and `err` of a service, `health` for its probes, `init` for PID 1's own messages, `syslog`
// for syslog(3), `kernel` for the kernel's messages. The order counts: pipes of processes first, then our own, then
// sources that are no pipes.
enum class Source : std::uint8_t { out, err, health, init, syslog, kernel };

// How a line is shown on the console: `UNIT: TEXT`, with time and priority, or as a JSON object.
enum class ConsoleFormat : std::uint8_t { brief, iso, json };

// The levels of syslog(3).
enum class Priority : std::uint8_t { emerg, alert, crit, err, warning, notice, info, debug };

// The limits of a unit's logs: when `current` is rotated, how many rotated files are kept, and more.
struct Limits {
    std::uint64_t rotate_size = 10 * 1024 * 1024; // bytes; 0: never rotate
    std::uint32_t rotate_keep = 8;                // files besides `current`
    bool compress = false;                        // rotated files are compressed, in the first directory only
    std::uint32_t rotate_age = 0;                 // seconds since the first line; 0: never
    std::uint32_t rate_limit = 0;                 // lines of its processes in rate_seconds; 0: no limit
    std::uint32_t rate_seconds = 1;               // seconds
    Priority level = Priority::debug; // lines of its processes with this or a more important priority are kept
    bool operator==(const Limits&) const = default;
};

// -- PID 1 to collector -----------------------------------------------------------------------------------------------

// The first message after Hello; a later one changes the settings (a directory in use stays until TryStorage).
struct Configure {
    std::vector<std::string> directories; // best first: "/var/log/miniinit", "/run/log/miniinit"; none: memory only
    Limits limits;                        // for attachments without own limits, and for PID 1's own lines
    std::string cgroups; // the path before a unit's name in /proc/PID/cgroup, with a slash at the end; empty: none
    std::vector<std::string> forward;       // servers that receive every line: "udp://HOST:PORT" or "tcp://HOST:PORT"
    std::uint64_t forward_queue = 1u << 20; // bytes that may wait for each server
    std::uint64_t total_size = 0;           // bytes of all logs together; 0: no limit
    std::string console;                    // file for lines of console_level and above, or own_output; empty: none
    Priority console_level = Priority::emerg;
    ConsoleFormat console_format = ConsoleFormat::brief;
    bool console_colour = false; // on a terminal
    bool operator==(const Configure&) const = default;
};

struct Attachment {
    StreamId stream = 0;
    Source source = Source::out;
    std::string unit; // with Source::init: the unit for lines without one ("miniinit")
    Limits limits;
    std::int32_t leader = 0;  // the session leader among the unit's processes, for finding syslog senders; 0: none
    bool forward = true;      // the unit's lines are sent to the servers, too
    std::uint64_t cgroup = 0; // inode number of the unit's cgroup (os/process/pidfd.hpp); 0: none
    bool operator==(const Attachment&) const = default;
};

// Read these streams from now on. The message carries one descriptor (read end) per entry, in the same order. A stream
// that is already attached stays as it is. Source::init: PID 1's own pipe with lines made by `init_lines`; because PID
// 1's lines use a pipe and no message, they survive the death of the collector as all others do. Source::syslog: a
// bound datagram socket; its unit is used for senders that belong to no unit; it ends when PID 1 calls shutdown(2) for
// reading. Source::kernel: /dev/kmsg.
struct Attach {
    std::vector<Attachment> streams;
    bool operator==(const Attach&) const = default;
};

// Read these streams until they are empty (at most the bytes that they hold when this is handled), write the lines,
// including an unfinished last one, and answer Flushed{token}. Unknown and ended streams count as empty.
struct Flush {
    std::uint64_t token = 0;
    std::vector<StreamId> streams;
    bool operator==(const Flush&) const = default;
};

// Something was mounted: look for a better directory again, and move the logs there that were kept elsewhere.
struct TryStorage {
    bool operator==(const TryStorage&) const = default;
};

// Shutdown: write everything and exit with 0. The end of the socket has the same meaning.
struct Finish {
    bool operator==(const Finish&) const = default;
};

// Answer with Pong{number} after handling all earlier messages: PID 1 uses this to check that the collector still
// works.
struct Ping {
    std::uint32_t number = 0;
    bool operator==(const Ping&) const = default;
};

// Answer with Said once a line of this stream matches the pattern, a POSIX extended regular expression; empty: do so no more.
// Comes before the stream is attached, or later. Asked again of a stream of which one has matched, it is answered again.
struct Expect {
    StreamId stream = 0;
    std::string pattern;
    bool operator==(const Expect&) const = default;
};

using ToCollector = std::variant<Configure, Attach, Flush, TryStorage, Finish, Ping, Expect>;

// -- Collector to PID 1 -----------------------------------------------------------------------------------------------

struct Hello {
    bool operator==(const Hello&) const = default;
};

// These streams have reached end of file and are completely written: PID 1 closes its read ends.
struct Ended {
    std::vector<StreamId> streams;
    bool operator==(const Ended&) const = default;
};

// The collector could not accept these descriptors (its limit of open files). PID 1 must report that, and may attach
// them again later.
struct Refused {
    std::vector<StreamId> streams;
    bool operator==(const Refused&) const = default;
};

struct Flushed {
    std::uint64_t token = 0;
    bool operator==(const Flushed&) const = default;
};

// The directory that is used from now on: an index into Configure::directories, or -1 for memory.
struct StorageIs {
    std::int32_t directory = -1;
    std::string path; // empty for memory
    bool operator==(const StorageIs&) const = default;
};

// Lines of a unit are being lost because of errno `code` (0: memory was full); lines over its rate limit do not count.
// Sent once at the beginning and once at the end (`over`, with the count); the unit's own log has the same message.
struct Dropped {
    std::string unit;
    std::uint64_t lines = 0;
    std::int32_t code = 0;
    bool over = false;
    bool operator==(const Dropped&) const = default;
};

// Numbers of lines since the last Counts, or since the start of the collector; sent some seconds after the first of them.
struct Count {
    std::string unit;
    std::uint64_t lines = 0, lost = 0; // kept, and not kept: no room, or over the rate-limit
    bool operator==(const Count&) const = default;
};
struct Counts {
    std::vector<Count> units; // at most most_counts
    bool operator==(const Counts&) const = default;
};

// Any other problem that PID 1 should report, in words.
struct Trouble {
    std::string text;
    bool operator==(const Trouble&) const = default;
};

// The answer to a Ping. With number 0 it answers none: the collector is busy with something long, and makes progress.
struct Pong {
    std::uint32_t number = 0;
    bool operator==(const Pong&) const = default;
};

// The line that was expected of a stream, or the last line of one of Source::health, which has ended.
struct Said {
    StreamId stream = 0;
    std::string text; // its beginning
    bool operator==(const Said&) const = default;
};

using FromCollector = std::variant<Hello, Ended, Refused, Flushed, StorageIs, Dropped, Trouble, Pong, Said, Counts>;

// -- Bytes ------------------------------------------------------------------------------------------------------------

// Encodes the message, at most `longest_message` bytes. A list or text over its limit is a mistake of ours (asserted).
[[nodiscard]] std::string encode(const ToCollector& message);
[[nodiscard]] std::string encode(const FromCollector& message);

// Decodes the whole of `bytes`. A fault if the message is truncated, over a limit, or of an unknown kind. Further
// fields at the end are skipped: they belong to a later version. An unknown source becomes wire::unknown<Source>: the
// receiver decides what to do with that stream.
[[nodiscard]] Result<ToCollector> decode_to_collector(std::string_view bytes);
[[nodiscard]] Result<FromCollector> decode_from_collector(std::string_view bytes);

// -- PID 1's own lines ------------------------------------------------------------------------------------------------

// Bytes (PIPE_BUF): a write of at most this size is atomic, or fails as a whole on a full non-blocking pipe (EAGAIN);
// see pipe(7).
inline constexpr std::size_t longest_init_write = 4096;

// Frames `text` as lines of `unit` (empty: the attachment's) for the pipe of Source::init: one element for each
// write(2), at most longest_init_write bytes. Line ends inside `text` make several lines; a longer line is split.
// `shown`: the collector shows it on its console, too, whatever its level.
[[nodiscard]] std::vector<std::string> init_lines(std::string_view unit, Priority priority, std::string_view text,
                                                  bool shown = false);

// One such line (without its line end), parsed; a line without a frame has no unit and priority info.
struct InitLine {
    std::string_view unit;
    Priority priority = Priority::info;
    std::string_view text;
    bool shown = false;
    bool operator==(const InitLine&) const = default;
};
[[nodiscard]] InitLine parse_init_line(std::string_view line);

} // namespace mi::wire::logs
