// Signals by name and by number, as people write them in options, units and verbs. Sending and waiting for them is os's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mi {

// The highest signal the kernel knows (`SIGRTMAX`): signals are 1 to 64.
constexpr int last_signal = 64;

// The signal `text` names: `TERM`, `SIGTERM`, `term`, `15`, `RTMIN`, `RTMIN+3`, `SIGRTMAX-2`; nothing where there is no such
// signal. `RTMIN` is the C library's (34), since that is what programs mean by it. 0 is no signal.
[[nodiscard]] std::optional<int> signal_number(std::string_view text);

// The usual name, which `signal_number` reads back: `SIGTERM`, `SIGRTMIN+3`; the bare number where there is none.
[[nodiscard]] std::string signal_name(int number);

} // namespace mi
