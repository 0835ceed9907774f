// The options of all verbs of minictl in one table. The parser, --help, the completions and `minictl help --json` use
// it; from the last of these a test checks that the manual page has every option.
#pragma once

#include "ctl/arguments.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

struct Option {
    const char* name; // without dashes; "": it has only a letter
    char letter;      // 0: none
    // The placeholder of its value in the help; empty: it takes none; "[N]": the value is optional.
    std::string_view value;
    unsigned takes;                                       // the verbs that take it; 0: all
    std::string_view help;                                // empty: known from other inits, and not shown in the help
    bool (*set)(Arguments&, std::string_view);            // false: the value is not valid
    std::vector<std::string_view> (*choices)() = nullptr; // all possible values

    [[nodiscard]] bool may_lack_value() const { return value.starts_with('['); }
    // "--lines", or "-k" without a name.
    [[nodiscard]] std::string word() const { return *name != 0 ? std::string("--") + name : std::string("-") + letter; }
};

// The options of the verb, as in its help. If two of them have the same letter, it means the first one.
[[nodiscard]] std::vector<Option> options_of(const Verb& verb);

// The option "--lines" or "-n"; null: there is none.
[[nodiscard]] const Option* option_of_word(const std::vector<Option>& options, std::string_view word);

// The options before the verb: the common ones, and a few more.
extern const Verb before_verb;

} // namespace mi::ctl
