#include "os/machine/kernel_line.hpp"

#include "os/file/runtime.hpp"
#include "os/machine/system.hpp"

#include <algorithm>

namespace mi::os {

namespace {

constexpr std::string_view blanks = " \t\n\v\f\r";

// The end of the next word for the kernel: a blank that is not between double quotes.
std::size_t end_of_word(std::string_view text, std::size_t at) {
    bool quoted = false;
    for (; at < text.size() && (quoted || !blanks.contains(text[at])); ++at)
        quoted = quoted != (text[at] == '"');
    return at;
}

std::vector<std::string> shell_words(std::string_view text) {
    std::vector<std::string> words;
    bool begun = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (blanks.contains(letter)) {
            begun = false;
            continue;
        }
        if (!begun)
            words.emplace_back();
        begun = true;
        const std::size_t end = letter == '"' || letter == '\'' ? text.find(letter, at + 1) : std::string_view::npos;
        if (end == std::string_view::npos) {
            words.back() += letter;
            continue;
        }
        words.back() += text.substr(at + 1, end - at - 1);
        at = end;
    }
    return words;
}

} // namespace

std::string_view target_of_old_word(std::string_view word) {
    constexpr struct {
        std::string_view word, target;
    } words[] = {{"single", "rescue"}, {"s", "rescue"},      {"S", "rescue"},
                 {"1", "rescue"},      {"rescue", "rescue"}, {"emergency", "emergency"},
                 {"-b", "emergency"},  {"2", "runlevel2"},   {"3", "runlevel3"},
                 {"4", "runlevel4"},   {"5", "runlevel5"}};
    for (const auto& [each, target] : words)
        if (each == word)
            return target;
    return {};
}

KernelLine split_kernel_line(std::string_view text) {
    KernelLine line;
    for (std::size_t at = text.find_first_not_of(blanks); at < text.size(); at = text.find_first_not_of(blanks, at)) {
        const std::size_t begin = at;
        at = end_of_word(text, at);
        if (text.substr(begin, at - begin) != "--")
            continue;
        const std::string_view rest = text.substr(at);
        line.words = split_command_line(text.substr(0, begin));
        line.command = shell_words(rest);
        std::vector<std::string> plain = split_command_line(rest);
        line.kernel_words = plain.size();
        const std::string first = line.command.empty() ? "" : line.command.front();
        if (first == "quiet" || !target_of_old_word(first).empty()) {
            line.words.insert(line.words.end(), plain.begin(), plain.end());
            line.command.clear();
        }
        return line;
    }
    line.words = split_command_line(text);
    return line;
}

KernelLine kernel_line() {
    mount_proc();
    return split_kernel_line(read_file("/proc/cmdline").value_or(""));
}

} // namespace mi::os
