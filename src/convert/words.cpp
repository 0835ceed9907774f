#include "convert/words.hpp"

#include "base/join.hpp"
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/unit_file.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

bool is_blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r'; }

// Appends a Unicode character, given by its number, as UTF-8.
void append_character(std::string& to, std::uint32_t number) {
    const int more = number < 0x80 ? 0 : number < 0x800 ? 1 : number < 0x10000 ? 2 : 3; // bytes after the first
    constexpr std::uint32_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    to += static_cast<char>(marks[more] | number >> 6 * more);
    for (int left = more - 1; left >= 0; --left)
        to += static_cast<char>(0x80 | (number >> 6 * left & 0x3f));
}

// Takes an escape, without its backslash, off the front of `text`. Returns false if it is no escape.
bool take_escape(std::string_view& text, std::string& to) {
    constexpr std::string_view letters = "abfnrtv\\\"'s", meanings = "\a\b\f\n\r\t\v\\\"' ";
    if (std::size_t at = letters.find(text.front()); at != std::string_view::npos) {
        to += meanings[at];
        text.remove_prefix(1);
        return true;
    }
    std::size_t digits = text.front() == 'x' ? 2 : text.front() == 'u' ? 4 : text.front() == 'U' ? 8 : 0;
    bool octal = digits == 0;
    std::size_t skip = octal ? 0 : 1;
    digits = octal ? 3 : digits;
    if (text.size() < skip + digits)
        return false;
    std::optional<std::uint32_t> number = to_number<std::uint32_t>(text.substr(skip, digits), octal ? 8 : 16);
    bool byte = octal || text.front() == 'x';
    if (!number || *number == 0 || *number > (byte ? 0xffU : 0x10ffffU))
        return false;
    if (byte)
        to += static_cast<char>(*number);
    else
        append_character(to, *number);
    text.remove_prefix(skip + digits);
    return true;
}

constexpr std::string_view unbalanced = "its quotes are not balanced";
constexpr std::string_view not_text = "an escape in it makes something that is not UTF-8";

// Takes the next word off the front of `text`, which does not begin with a blank. `quoted`: part of it was in quotes, or an escape.
std::expected<std::string, std::string_view> take_word(std::string_view& text, bool& quoted) {
    std::string word;
    char quote = 0;
    quoted = false;
    while (!text.empty() && (quote != 0 || !is_blank(text.front()))) {
        char letter = text.front();
        text.remove_prefix(1);
        if (letter == quote && quote != 0) {
            quote = 0;
        } else if (quote == 0 && (letter == '"' || letter == '\'')) {
            quote = letter;
            quoted = true;
        } else if (letter == '\\' && !text.empty()) {
            if (text.front() == ';' && word.empty() && (text.size() == 1 || is_blank(text[1]))) {
                word += ';'; // `\;` is a word, and does not end the command
                quoted = true;
                text.remove_prefix(1);
            } else if (take_escape(text, word)) {
                quoted = true; // `\073` is a word, too
            } else {
                word += '\\';
            }
        } else {
            word += letter;
        }
    }
    if (quote != 0)
        return std::unexpected(unbalanced);
    if (!is_plain_text(word))
        return std::unexpected(not_text);
    return word;
}

void skip_blanks(std::string_view& text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
}

// `text` as one word for a shell, quoted if that is necessary.
std::string shell_word(std::string_view text) {
    constexpr std::string_view harmless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=@%+,";
    if (!text.empty() && text.find_first_not_of(harmless) == std::string_view::npos)
        return std::string(text);
    std::string quoted = "'";
    for (char letter : text)
        if (letter == '\'')
            quoted += "'\\''";
        else
            quoted += letter;
    return quoted + "'";
}

// A word of a command as shell code.
std::string shell_word(const Word& word) {
    if (word.splits || word.plain())
        return word.splits ? "$" + word.pieces.front().text : shell_word(word.text());
    std::string code;
    for (const Word::Piece& piece : word.pieces)
        code += piece.kind == Word::Piece::Kind::text       ? shell_word(piece.text)
                : piece.kind == Word::Piece::Kind::variable ? "\"${" + piece.text + "}\""
                                                            : "\"" + piece.text + "\"";
    return code;
}

} // namespace

std::expected<std::vector<std::string>, std::string_view> split_words(std::string_view text) {
    std::vector<std::string> words;
    bool quoted = false;
    for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
        auto word = take_word(text, quoted);
        if (!word)
            return std::unexpected(word.error());
        words.push_back(std::move(*word));
    }
    return words;
}

bool CommandLine::plain() const {
    return std::ranges::all_of(words, [](const Word& word) { return word.plain(); });
}

bool CommandLine::splits() const {
    return std::ranges::any_of(words, [](const Word& word) { return word.splits; });
}

std::vector<std::string> CommandLine::arguments() const {
    std::vector<std::string> all;
    for (const Word& word : words)
        all.push_back(word.text());
    return all;
}

std::string CommandLine::shell() const {
    std::string line;
    for (const Word& word : words)
        join_to(line, shell_word(word), " ");
    return line;
}

std::expected<std::vector<CommandLine>, std::string> command_lines(std::string_view value,
                                                                   const Specifiers& specifiers) {
    std::vector<CommandLine> all;
    for (skip_blanks(value); !value.empty(); skip_blanks(value)) {
        CommandLine command;
        bool variables = true, renamed = false;
        for (; !value.empty(); value.remove_prefix(1)) {
            if (value.front() == '-')
                command.may_fail = true;
            else if (value.front() == '@')
                renamed = true;
            else if (value.front() == ':')
                variables = false;
            else if (value.front() == '+')
                command.privileged = command.unconfined = true;
            else if (value.front() == '!')
                command.privileged = true;
            else
                break;
        }
        bool is_last = true;
        for (skip_blanks(value); !value.empty(); skip_blanks(value)) {
            bool quoted = false;
            auto raw = take_word(value, quoted);
            if (!raw)
                return std::unexpected(std::string(raw.error()));
            if (*raw == ";" && !quoted) {
                is_last = false;
                break;
            }
            auto word = specifiers.expand(*raw, variables);
            if (!word)
                return std::unexpected(word.error());
            command.words.push_back(std::move(*word));
        }
        if (command.words.empty() && !renamed && !is_last)
            continue; // systemd passes over an empty command between two
        if (command.words.size() < (renamed ? 2 : 1))
            return std::unexpected("it runs nothing");
        if (renamed) {
            command.own_name = command.words[1].text();
            command.words.erase(command.words.begin() + 1);
        }
        const bool known = command.words.front().plain();
        const std::string program = command.words.front().text();
        if (known && program.empty())
            return std::unexpected("its program has no name");
        if (known && !program.starts_with('/') && (program.find('/') != program.npos || program.starts_with('-')))
            return std::unexpected("its program is no absolute path");
        all.push_back(std::move(command));
    }
    if (all.empty())
        return std::unexpected("it runs nothing");
    return all;
}

} // namespace mi::convert
