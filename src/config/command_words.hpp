// Splits a command line into words. split_command() in syntax.hpp, which describes the syntax, uses the words;
// commands.hpp checks them for characters that only a shell would interpret.
#pragma once

#include <string_view>

namespace mi::config {

// Calls `begin()` at the start of a word and `add(letter, plain)` for each of its bytes; `plain`: neither quotes nor a
// backslash protect the byte. Returns the error, or empty; the words before an error were passed on.
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
