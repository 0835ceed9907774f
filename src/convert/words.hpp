// Splits values into words (systemd.syntax(7)), and into command lines (systemd.service(5)). Commands here expand no
// variables, so a command line can also be written as a shell command that does the same.
#pragma once

#include "convert/specifiers.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// The words of `text`, without quotes and with escapes resolved; specifiers stay as they are. The error is a phrase.
[[nodiscard]] std::expected<std::vector<std::string>, std::string_view> split_words(std::string_view text);

struct CommandLine {
    bool may_fail = false;   // '-'
    bool privileged = false; // '+', '!' or '!!'
    bool unconfined = false; // '+'
    std::string own_name;    // '@': the program's own name (argv[0])
    std::vector<Word> words; // at least the program

    [[nodiscard]] bool plain() const;
    [[nodiscard]] bool splits() const;                        // one of its words is a lone $NAME
    [[nodiscard]] std::vector<std::string> arguments() const; // only for a plain one
    // The same as a line for a shell.
    [[nodiscard]] std::string shell() const;
};

// The commands of one Exec*= value, which a lone ';' separates. The error is a phrase for people.
[[nodiscard]] std::expected<std::vector<CommandLine>, std::string> command_lines(std::string_view value,
                                                                                 const Specifiers& specifiers);

} // namespace mi::convert
