// The options of minictl, those of every verb: one table, from which the parser, --help, the completion of the shells and
// `minictl help --json` come, and with the last of these the check that the manual page has them all.
#pragma once

#include "ctl/arguments.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

struct Option {
    const char* name;       // without its dashes; "": it has a letter alone
    char letter;            // 0: none
    std::string_view value; // what stands for its value in the help; empty: it takes none; "[N]": that may be left out
    unsigned takes;         // of which verbs; 0: of all
    std::string_view help;  // empty: it is there for who is used to other inits, and not in the help
    bool (*set)(Arguments&, std::string_view);            // false: the value makes no sense
    std::vector<std::string_view> (*choices)() = nullptr; // every value that there is

    [[nodiscard]] bool may_lack_value() const { return value.starts_with('['); }
    // "--lines", or "-k" of one that has no name.
    [[nodiscard]] std::string word() const { return *name != 0 ? std::string("--") + name : std::string("-") + letter; }
};

// Those of the verb, as they are in its help. A letter that two of them have is the first one's.
[[nodiscard]] std::vector<Option> options_of(const Verb& verb);

// The one that is so called: "--lines" or "-n"; null: none.
[[nodiscard]] const Option* option_of_word(const std::vector<Option>& options, std::string_view word);

// What stands before the verb: the options that every verb has, and few more.
extern const Verb before_verb;

} // namespace mi::ctl
