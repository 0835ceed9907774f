// The words PID 1 and the log collector say to each other over their SOCK_SEQPACKET socketpair, and the framing of
// PID 1's own log lines. Bytes only: sending, receiving and descriptors are os/socket/packet.hpp's, meaning is logd's and
// daemon's.
//
// A conversation: the collector starts and says `Hello`. PID 1 answers with `Configure`, then `Attach` with every
// read end it keeps (again after each start of the collector: attaching is how nothing is lost when the collector
// dies). From there PID 1 attaches, flushes and forgets streams; the collector reports ends, flushes, storage and
// losses. No message needs an answer for the sender to go on, so neither side ever waits for the other; Ping is answered
// for another reason (daemon/log/log_liveness.hpp).
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

// No message is longer, in either direction, so one buffer of this size receives any.
inline constexpr std::size_t longest_message = 64 * 1024;
// As many descriptors as the kernel passes in one message (SCM_MAX_FD); an `Attach` has at most as many entries.
inline constexpr std::size_t most_attachments = 253;
// Streams in one Flush, Ended or Refused; the sender splits longer lists.
inline constexpr std::size_t most_streams = 4096;
inline constexpr std::size_t longest_unit = 200;  // bytes
inline constexpr std::size_t longest_path = 1024; // bytes
inline constexpr std::size_t most_directories = 8;
inline constexpr std::size_t most_servers = 4;
inline constexpr std::size_t longest_server = 300; // bytes

// As Configure::console: descriptor 1, which PID 1 has given the collector.
inline constexpr std::string_view own_output = "-";

// A stream is one pipe of one process of one unit, or a source of its own (a socket, a device). PID 1 numbers them from 1 and never uses a number twice (not even
// across its own re-exec), because the collector's shared memory knows half-read lines by it.
using StreamId = std::uint32_t;

// What a line is marked with: `out` and `err` of a service, `init` for what PID 1 itself says, `syslog` for what came by
// syslog(3), `kernel` for the kernel's own messages.
enum class Source : std::uint8_t { out, err, init, syslog, kernel };

// syslog(3)'s levels.
enum class Priority : std::uint8_t { emerg, alert, crit, err, warning, notice, info, debug };

// When a unit's `current` is rotated, how many rotated files stay, and how.
struct Limits {
    std::uint64_t rotate_size = 10 * 1024 * 1024; // bytes; 0: never rotate
    std::uint32_t rotate_keep = 8;                // files besides `current`
    bool compress = false;                        // rotated files, in the first directory
    std::uint32_t rotate_age = 0;                 // seconds since its first line; 0: never
    std::uint32_t rate_limit = 0;                 // lines of its processes in a span; 0: any number
    std::uint32_t rate_seconds = 1;               // how long that is
    Priority level = Priority::debug;             // and everything more important is kept of what its processes say
    bool operator==(const Limits&) const = default;
};

// -- PID 1 to collector -----------------------------------------------------------------------------------------------

// First message after Hello; later ones change the settings (a directory in use stays until TryStorage).
struct Configure {
    std::vector<std::string> directories; // best first: "/var/log/miniinit", "/run/log/miniinit"; none: memory only
    Limits limits;                        // of units whose attachment says nothing else, and of PID 1's own lines
    std::string cgroups; // what stands before a unit's name in /proc/PID/cgroup, with a slash at its end; none: empty
    std::vector<std::string> forward;       // servers that get every line, "udp://HOST:PORT" or "tcp://HOST:PORT"
    std::uint64_t forward_queue = 1u << 20; // bytes that may wait for each
    std::uint64_t total_size = 0;           // bytes of all logs together; 0: no bound
    std::string console;                    // what is this important is written there, too; or own_output; none: empty
    Priority console_level = Priority::emerg;
    bool operator==(const Configure&) const = default;
};

struct Attachment {
    StreamId stream = 0;
    Source source = Source::out;
    std::string unit; // with Source::init: the unit of lines that name none ("miniinit")
    Limits limits;
    std::int32_t leader = 0;  // the process of the unit that leads a session, 0: none (for who sends by syslog)
    bool forward = true;      // the unit's lines go to the servers, too
    std::uint64_t cgroup = 0; // that of its processes, by number (os/process/pidfd.hpp); 0: none
    bool operator==(const Attachment&) const = default;
};

// Read these pipes from now on. The message carries the read ends, one descriptor per entry, in the same order. A
// stream that is attached already is left as it is. With Source::init the pipe is PID 1's own: what it holds are
// lines made by `init_lines`. That PID 1's lines travel by pipe, not by message, is what makes them survive the
// collector like everybody else's. With Source::syslog it is a bound datagram socket, and the unit is that of senders
// who belong to none; it ends once PID 1 has shut it down for reading (shutdown(2)). With Source::kernel it is /dev/kmsg.
struct Attach {
    std::vector<Attachment> streams;
    bool operator==(const Attach&) const = default;
};

// Read these streams until they are empty (at most what they hold when this is handled), write it, with an unfinished
// last line, and answer Flushed{token}. Streams that are unknown or have ended count as empty.
struct Flush {
    std::uint64_t token = 0;
    std::vector<StreamId> streams;
    bool operator==(const Flush&) const = default;
};

// Something was mounted: look again for a better directory, and move there what has been kept elsewhere.
struct TryStorage {
    bool operator==(const TryStorage&) const = default;
};

// Shutdown: write everything there is, exit 0. The end of the socket means the same.
struct Finish {
    bool operator==(const Finish&) const = default;
};

// Answer with Pong{number} once everything before it has been handled: how PID 1 knows that the collector still works.
struct Ping {
    std::uint32_t number = 0;
    bool operator==(const Ping&) const = default;
};

using ToCollector = std::variant<Configure, Attach, Flush, TryStorage, Finish, Ping>;

// -- Collector to PID 1 -----------------------------------------------------------------------------------------------

struct Hello {
    bool operator==(const Hello&) const = default;
};

// End of file reached and everything written: PID 1 closes its read ends.
struct Ended {
    std::vector<StreamId> streams;
    bool operator==(const Ended&) const = default;
};

// The collector could not take these descriptors (its limit of open files). PID 1 has to say so; attaching again
// later is allowed.
struct Refused {
    std::vector<StreamId> streams;
    bool operator==(const Refused&) const = default;
};

struct Flushed {
    std::uint64_t token = 0;
    bool operator==(const Flushed&) const = default;
};

// Where lines go from now on: an index into Configure::directories, or -1 for memory.
struct StorageIs {
    std::int32_t directory = -1;
    std::string path; // empty for memory
    bool operator==(const StorageIs&) const = default;
};

// Lines of a unit are being lost, because of errno `code` (0: memory was full). Those over its rate-limit are none. Said once when it begins and once
// when it is over (`over`, with the count); the unit's own log says it too.
struct Dropped {
    std::string unit;
    std::uint64_t lines = 0;
    std::int32_t code = 0;
    bool over = false;
    bool operator==(const Dropped&) const = default;
};

// Something else that PID 1 should say, in words.
struct Trouble {
    std::string text;
    bool operator==(const Trouble&) const = default;
};

// The answer to a Ping. Number 0 answers none: the collector is busy with something long, and makes progress.
struct Pong {
    std::uint32_t number = 0;
    bool operator==(const Pong&) const = default;
};

using FromCollector = std::variant<Hello, Ended, Refused, Flushed, StorageIs, Dropped, Trouble, Pong>;

// -- Bytes ------------------------------------------------------------------------------------------------------------

// The message as bytes, at most `longest_message`. Lists and texts over their limits are our own mistake (asserted).
[[nodiscard]] std::string encode(const ToCollector& message);
[[nodiscard]] std::string encode(const FromCollector& message);

// The message in `bytes`, whole: a truncated or over-limit one, or one of an unknown kind, is a Fault and nothing else happens.
// Fields that follow those we know are passed over: they are of a later version. A source that we do not know is
// wire::unknown<Source>: what becomes of that stream is the receiver's to decide.
[[nodiscard]] Result<ToCollector> decode_to_collector(std::string_view bytes);
[[nodiscard]] Result<FromCollector> decode_from_collector(std::string_view bytes);

// -- PID 1's own lines ------------------------------------------------------------------------------------------------

// PIPE_BUF: a write of no more than this is made whole or, on a full non-blocking pipe, not at all (EAGAIN).
inline constexpr std::size_t longest_init_write = 4096;

// `text` as lines of `unit` (empty: the attachment's own) for the pipe of Source::init: one element per write(2),
// each at most longest_init_write bytes. Line ends inside `text` make several lines; a longer line is cut into
// several. `shown`: the collector puts it on its console, too, whatever the level of that.
[[nodiscard]] std::vector<std::string> init_lines(std::string_view unit, Priority priority, std::string_view text,
                                                  bool shown = false);

// One such line (without its line end) taken apart; a line without a frame is a text of no unit at priority info.
struct InitLine {
    std::string_view unit;
    Priority priority = Priority::info;
    std::string_view text;
    bool shown = false;
    bool operator==(const InitLine&) const = default;
};
[[nodiscard]] InitLine parse_init_line(std::string_view line);

} // namespace mi::wire::logs
