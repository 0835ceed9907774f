// Detects commands that look as if a shell were to read them, which none does. A warning says so and suggests a way
// that works.
#pragma once

#include "config/document.hpp"

#include <string>
#include <string_view>

namespace mi::config {

// Warns of each command with a word that only a shell would interpret. `tree`: the content of the unit's files.
void check_commands(Reading& reading, const Node& tree);

// The first word, as written, that a shell would interpret: an operator (`&&`, `|`, `>file`), `~` or a variable,
// outside of quotes. Empty: there is none.
[[nodiscard]] std::string shell_word(std::string_view command);

} // namespace mi::config
