// The kernel command line (/proc/cmdline), and what of it is meant for an init.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

struct KernelLine {
    std::vector<std::string> words;   // for the kernel and for us
    std::vector<std::string> command; // behind `--`: a command and its arguments; empty: there is none
    // How many words that is to the kernel, which has added them to the arguments of init with nothing in between.
    std::size_t kernel_words = 0;
};

// To the kernel, and so in front of `--`, double quotes keep blanks together. Behind it single quotes do, too, and no quote
// is part of a word; one that is never closed is an ordinary letter. What an old init was told behind `--` (`single`, `3`) is
// a word and no command.
[[nodiscard]] KernelLine split_kernel_line(std::string_view text);

// That of this machine; mounts /proc if it is not there yet. Empty where there is none.
[[nodiscard]] KernelLine kernel_line();

} // namespace mi::os
