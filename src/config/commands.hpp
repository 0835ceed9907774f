// Commands that look as if a shell were to read them, which none does: said in a warning, and what does it.
#pragma once

#include "config/document.hpp"

#include <string>
#include <string_view>

namespace mi::config {

// Warns of each command of a unit with a word that only a shell would take for more than a word. `tree`: what its files say.
void check_commands(Reading& reading, const Node& tree);

// The first word, as it is written, of a command in one string that a shell would not pass on as it stands: an operator
// (`&&`, `|`, `>file`), `~`, a variable, all of them outside of quotes. Empty: there is none.
[[nodiscard]] std::string shell_word(std::string_view command);

} // namespace mi::config
