// Words in quotes, and the command lines made of them, as systemd.syntax(7) and systemd.service(5) have them; and the shell
// command that does the same where one is needed, since a command of ours expands no variable.
#pragma once

#include "convert/specifiers.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// The words of `text`: quotes taken off, escapes resolved, specifiers left alone. The error is a phrase.
[[nodiscard]] std::expected<std::vector<std::string>, std::string_view> split_words(std::string_view text);

struct CommandLine {
    bool may_fail = false;   // '-'
    bool privileged = false; // '+', '!' or '!!'
    bool own_name = false;   // '@': `words[1]` is what the program is called
    std::vector<Word> words; // never empty

    [[nodiscard]] bool plain() const;
    [[nodiscard]] bool splits() const;                        // one of its words does
    [[nodiscard]] std::vector<std::string> arguments() const; // of a plain one
    // As a line for a shell.
    [[nodiscard]] std::string shell() const;
};

// The commands of one Exec*= value: several where a lone ';' stands between them. The error is a phrase for people.
[[nodiscard]] std::expected<std::vector<CommandLine>, std::string> command_lines(std::string_view value,
                                                                                 const Specifiers& specifiers);

// `text` as one word of a shell, in quotes only where it needs them.
[[nodiscard]] std::string shell_word(std::string_view text);

} // namespace mi::convert
