// Parses the kernel command line (/proc/cmdline): the words before `--`, and the command for the init after it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

struct KernelLine {
    std::vector<std::string> words;   // for the kernel and for us
    std::vector<std::string> command; // after `--`: a command and its arguments; empty: there is none
    // The number of words after `--` by the kernel's rules: the kernel adds so many to the arguments of init.
    std::size_t kernel_words = 0;
};

// The target that a word for an old init means (`single`, `s`, `S`, `1`, `rescue`; `emergency`, `-b`; `2` to `5`); empty: it is no
// such word.
[[nodiscard]] std::string_view target_of_old_word(std::string_view word);

// Before `--`, by the kernel's rules, double quotes keep blanks together. After it single quotes do so, too, and quotes
// are removed; an unclosed quote is an ordinary character. A word after `--` that was meant for an old init (`single`,
// `3`) is no command, and is added to `words`.
[[nodiscard]] KernelLine split_kernel_line(std::string_view text);

// The command line of this machine; mounts /proc if needed. Empty if it cannot be read.
[[nodiscard]] KernelLine kernel_line();

} // namespace mi::os
