// The words for verbs: their names, unique beginnings of verbs that only show something, and words of other programs.
#pragma once

#include "ctl/arguments.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

// A word that users know from another program.
struct OtherWord {
    std::string_view word;
    std::string_view means;  // its meaning here: "list --timers"; empty: it is no verb here
    std::string_view answer; // a sentence about the alternative, if it is no verb here; empty: there is none
};
[[nodiscard]] std::span<const OtherWord> other_words();

// The meaning of a word: the verb, and the options that it implies.
struct Called {
    const Verb* verb = nullptr; // null: there is no such verb
    std::vector<std::string> options;
};
// Finds a verb by its name, by a word of another program with that meaning, or, if the verb only shows something, by a
// unique beginning.
[[nodiscard]] Called verb_called(std::string_view word);

// A message that there is no such verb, with a suggestion. A verb that ends or changes something is suggested only if
// one letter is wrong.
[[nodiscard]] std::string no_such_verb(std::string_view word);

} // namespace mi::ctl
