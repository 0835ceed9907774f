// `minictl logs`: the logs of units, merged in time order, for people and for pipes. It reads files and asks nobody,
// so it works without a running init and on a foreign root file system. Reading the files is log_reader.hpp's,
// waiting for more log_follow.hpp's.
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
// As they are called, in this order.
inline constexpr std::array<std::string_view, 4> log_outputs{"short", "iso", "json", "cat"};
[[nodiscard]] bool output_named(std::string_view word, LogOutput& output);

// What was asked for.
struct LogQuery {
    std::vector<std::string> directories; // none: where those of the init are; lines of the earlier ones are older
    std::vector<std::string> units;       // none: all; `*` and `?` as in the shell
    bool follow = false;
    bool reverse = false;
    std::optional<std::size_t> last;                          // only so many
    wire::logs::Priority least = wire::logs::Priority::debug; // and everything more important
    std::uint32_t facilities = ~std::uint32_t{0};             // a bit for each that is wanted
    std::optional<WallTime> since, until;
    std::string pattern; // POSIX extended regular expression; all in lower case: any case matches
    LogOutput output = LogOutput::brief;
    std::optional<std::int32_t> boot; // 0: since the init was started last; -1: the run before
    bool list_boots = false;          // instead of lines
    bool kernel = false;              // also the unit `kernel`
    bool no_pager = false;
    bool at_end = false; // the pager begins at the end
};

// Where logs are: /var/log/miniinit and /run/log/miniinit under `root` (empty: /); in user mode
// $XDG_STATE_HOME/miniinit/log and $XDG_RUNTIME_DIR/miniinit/log.
[[nodiscard]] std::vector<std::string> log_directories(bool user, const std::string& root = {});

// A moment as people write it: "2026-11-22T04:10:01Z", "2026-11-22 04:10:01" (local time; seconds, minutes or the
// whole time may be missing), "04:10", "today", "yesterday", "now", "10m", "-5min", "2h 30min ago".
[[nodiscard]] std::optional<WallTime> parse_moment(std::string_view text, WallTime now);

// One line as it is shown, with its line end (with `cat` none where the original has none).
[[nodiscard]] std::string show_line(const Style& style, LogOutput output, std::string_view unit,
                                    const wire::logs::Line& line);

} // namespace mi::ctl
