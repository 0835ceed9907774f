// Signal names and numbers, as people write them in options, units and verbs (signal(7)). Sending signals and waiting
// for them is done in os.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mi {

// The highest signal of the kernel (`SIGRTMAX`): signals are 1 to 64.
constexpr int last_signal = 64;

// The signal that `text` names: `TERM`, `SIGTERM`, `term`, `15`, `RTMIN`, `RTMIN+3`, `SIGRTMAX-2`; nullopt: there is no
// such signal. `RTMIN` is the C library's (34), because programs mean that one. 0 is no signal.
[[nodiscard]] std::optional<int> signal_number(std::string_view text);

// The usual name, which `signal_number` accepts: `SIGTERM`, `SIGRTMIN+3`; the number if there is no name.
[[nodiscard]] std::string signal_name(int number);

} // namespace mi
