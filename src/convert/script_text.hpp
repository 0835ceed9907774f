// Reads an init script without running it: its header, its PID file, and the words that it accepts.
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
// The lines between BEGIN INIT INFO and END INIT INFO. In older scripts without these: `# chkconfig:` and `#
// description:`, as lines of such a header.
[[nodiscard]] std::vector<HeaderLine> header_of(std::string_view script);

// The path of its PID file, from `# pidfile:` or from a variable such as PIDFILE; empty if it cannot be known.
[[nodiscard]] std::string pid_file_of(std::string_view script);

// True if one of the `case` patterns of the script is `word`.
[[nodiscard]] bool takes_word(std::string_view script, std::string_view word);

} // namespace mi::convert
