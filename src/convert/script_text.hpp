// What can be read off an init script without running it: its header, its PID file, and the words that it takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// One line of the header: `# Required-Start: $network $syslog`.
struct HeaderLine {
    std::string key, value;
    std::uint32_t line = 0;
};
// Those between BEGIN INIT INFO and END INIT INFO, or of the older kind (`# chkconfig:`, `# description:`).
[[nodiscard]] std::vector<HeaderLine> header_of(std::string_view script);

// The path of its PID file, by `# pidfile:` or by what the script sets PIDFILE to; empty: it cannot be known.
[[nodiscard]] std::string pid_file_of(std::string_view script);

// Whether one of its `case` patterns is `word`.
[[nodiscard]] bool takes_word(std::string_view script, std::string_view word);

} // namespace mi::convert
