// `minictl logs`: the logs of units, merged in time order, for people and pipes. It only reads files, so it works
// without a running init and for another root file system. log_reader.hpp reads the files, log_follow.hpp waits for
// more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "ctl/text/terminal.hpp"
#include "wire/log_format.hpp"

namespace mi::ctl {

enum class LogOutput : std::uint8_t { brief, iso, json, cat };
// The names of LogOutput, in its order.
inline constexpr std::array<std::string_view, 4> log_outputs{"short", "iso", "json", "cat"};
[[nodiscard]] bool output_named(std::string_view word, LogOutput& output);

// The request of the user.
struct LogQuery {
    std::vector<std::string> directories; // empty: those of the init; lines in earlier directories are older
    std::vector<std::string> units;       // empty: all; with `*` and `?` as in the shell
    bool follow = false;
    bool reverse = false;
    std::optional<std::size_t> last;                          // only the last ones
    wire::logs::Priority least = wire::logs::Priority::debug; // and all more important ones
    std::uint32_t facilities = ~std::uint32_t{0};             // one bit for each wanted facility
    std::optional<WallTime> since, until;
    std::string pattern; // POSIX extended regular expression; if it is all lower case, it ignores case
    LogOutput output = LogOutput::brief;
    std::optional<std::int32_t> boot; // 0: since the last start of the init; -1: the run before
    bool list_boots = false;          // list boots instead of lines
    bool kernel = false;              // also show the unit `kernel`
    bool no_pager = false;
    bool at_end = false; // start the pager at the end
};

// The directories of logs: /var/log/miniinit and /run/log/miniinit under `root` (empty: /); in user mode
// $XDG_STATE_HOME/miniinit/log and $XDG_RUNTIME_DIR/miniinit/log.
[[nodiscard]] std::vector<std::string> log_directories(bool user, const std::string& root = {});

// Parses a time as people write it: "2026-11-22T04:10:01Z", "2026-11-22 04:10:01" (local time; seconds, minutes or the
// whole time may be missing), "04:10", "today", "yesterday", "now", "10m", "-5min", "2h 30min ago".
[[nodiscard]] std::optional<WallTime> parse_moment(std::string_view text, WallTime now);

// One formatted line with its line end (with `cat` only if the original has one).
[[nodiscard]] std::string show_line(const Style& style, LogOutput output, std::string_view unit,
                                    const wire::logs::Line& line);

} // namespace mi::ctl
