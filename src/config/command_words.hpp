// Taking a command line apart into words, once for who wants the words (split_command() in syntax.hpp, which says how they are
// written) and for who wants to know what of them a shell would see (commands.hpp).
#pragma once

#include <string_view>

namespace mi::config {

// Calls `begin()` where a word begins and `add(letter, plain)` for each of its bytes; `plain`: neither quotes nor a backslash
// protect it. The result is what is wrong, or empty; then all before it was told.
template <typename Begin, typename Add>
[[nodiscard]] std::string_view split_words(std::string_view text, Begin begin, Add add) {
    bool in_word = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r') {
            in_word = false;
            continue;
        }
        if (!in_word)
            begin();
        in_word = true;
        if (letter == '\\') {
            if (++at == text.size())
                return "backslash at the end";
            add(text[at], false);
        } else if (letter == '\'') {
            for (++at; at < text.size() && text[at] != '\''; ++at)
                add(text[at], false);
            if (at == text.size())
                return "unterminated single quote";
        } else if (letter == '"') {
            for (++at; at < text.size() && text[at] != '"'; ++at) {
                if (text[at] == '\\' && at + 1 < text.size() &&
                    std::string_view("\"\\$`").find(text[at + 1]) != std::string_view::npos)
                    ++at;
                add(text[at], false);
            }
            if (at == text.size())
                return "unterminated double quote";
        } else {
            add(letter, true);
        }
    }
    return {};
}

} // namespace mi::config
