// The words by which verbs are called: their names, beginnings of those that only look, and words of other programs.
#pragma once

#include "ctl/arguments.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

// A word that fingers know from another program.
struct OtherWord {
    std::string_view word;
    std::string_view means;  // "list --timers": what it is here; empty: it is no verb here
    std::string_view answer; // of what is no verb here: what there is instead, as a sentence; empty: nothing is like it
};
[[nodiscard]] std::span<const OtherWord> other_words();

// What is to be done for a word: the verb, and the options that the word stands for besides.
struct Called {
    const Verb* verb = nullptr; // null: nothing is called so
    std::vector<std::string> options;
};
// By its name, by a word of another program that means it, or by a beginning that no other verb has, if it only looks.
[[nodiscard]] Called verb_called(std::string_view word);

// Says that there is none, and which may have been meant. What ends or changes something is only proposed where a slip of one
// letter leads to it.
[[nodiscard]] std::string no_such_verb(std::string_view word);

} // namespace mi::ctl
