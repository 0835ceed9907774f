// Parses `environment-files`: see parse_environment in syntax.hpp.
#include "config/syntax.hpp"

#include <unordered_map>

namespace mi::config {

namespace {

// Reads the text once; every line gives a variable, a problem, or nothing.
class EnvironmentReader {
public:
    explicit EnvironmentReader(std::string_view text) : text_(text) {}

    Environment read() {
        while (at_ < text_.size())
            read_line();
        return std::move(result_);
    }

private:
    [[nodiscard]] bool at_end() const { return at_ == text_.size() || text_[at_] == '\n'; }
    [[nodiscard]] bool at_blank() const {
        return !at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r');
    }

    char next() {
        char letter = text_[at_++];
        if (letter == '\n')
            ++line_;
        return letter;
    }

    void problem(std::uint32_t line, std::string message) { result_.problems.push_back({line, std::move(message)}); }

    void skip_line() {
        while (!at_end())
            ++at_;
        if (at_ < text_.size())
            next();
    }

    void skip_blanks() {
        while (at_blank())
            ++at_;
    }

    void read_line() {
        skip_blanks();
        if (at_end() || text_[at_] == '#' || text_[at_] == ';')
            return skip_line();
        constexpr std::string_view word = "export";
        if (text_.substr(at_).starts_with(word) && at_ + word.size() < text_.size() &&
            (text_[at_ + word.size()] == ' ' || text_[at_ + word.size()] == '\t')) {
            at_ += word.size();
            skip_blanks();
        }
        std::size_t start = at_;
        while (!at_end() && text_[at_] != '=')
            ++at_;
        std::string_view key = text_.substr(start, at_ - start);
        if (at_end()) {
            problem(line_, "expected KEY=VALUE");
            return skip_line();
        }
        key = key.substr(0, key.find_last_not_of(" \t") + 1); // systemd accepts `A = 1` in this way
        if (!is_variable_name(key)) {
            problem(line_, "`" + std::string(key.substr(0, 80)) + "` cannot be the name of a variable");
            return skip_line();
        }
        ++at_;
        std::uint32_t line = line_;
        std::string value;
        if (std::string_view wrong = read_value(value); !wrong.empty())
            return problem(line, std::string(key) + ": " + std::string(wrong));
        if (value.find('\0') != std::string::npos)
            return problem(line, std::string(key) + ": contains a NUL");
        auto [place, is_new] = places_.try_emplace(std::string(key), result_.variables.size());
        if (is_new)
            result_.variables.emplace_back(place->first, std::move(value));
        else
            result_.variables[place->second].second = std::move(value);
    }

    // Reads up to and including the line end. Returns the error, or empty.
    std::string_view read_value(std::string& value) {
        std::size_t kept = 0; // blanks beyond this length are unquoted, and are removed if nothing follows
        bool after_blank = at_blank();
        skip_blanks();
        while (!at_end()) {
            char letter = next();
            if (letter == '#' && after_blank) {
                while (!at_end())
                    ++at_;
                break;
            }
            after_blank = false;
            if (letter == '\'') {
                while (at_ < text_.size() && text_[at_] != '\'')
                    value += next();
                if (at_ == text_.size())
                    return "unterminated single quote";
                next();
            } else if (letter == '"') {
                if (!read_double_quoted(value))
                    return "unterminated double quote";
            } else if (letter == '\\') {
                if (at_ == text_.size())
                    break;
                if (char escaped = next(); escaped != '\n')
                    value += escaped;
            } else if (letter == ' ' || letter == '\t' || letter == '\r') {
                value += letter;
                after_blank = true;
                continue;
            } else {
                value += letter;
            }
            kept = value.size();
        }
        value.resize(kept);
        if (at_ < text_.size() && text_[at_] == '\n')
            next();
        return {};
    }

    bool read_double_quoted(std::string& value) {
        while (at_ < text_.size() && text_[at_] != '"') {
            char letter = next();
            if (letter == '\\' && at_ < text_.size()) {
                char escaped = next();
                if (escaped == '\n')
                    continue;
                if (std::string_view("\"\\$`").find(escaped) == std::string_view::npos)
                    value += letter;
                letter = escaped;
            }
            value += letter;
        }
        if (at_ == text_.size())
            return false;
        next();
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    std::unordered_map<std::string, std::size_t> places_; // index in `variables` by name
    Environment result_;
};

// The value of a line of systemd's dialect; takes it and its line end off the front of `text`.
std::string take_systemd_value(std::string_view& text) {
    std::string value;
    std::size_t kept = 0; // without the blanks at the end
    bool at_begin = true; // of the value, or behind a quoted part: only here a quote is one
    for (char quote = 0; !text.empty();) {
        const char letter = text.front();
        text.remove_prefix(1);
        const bool is_end = letter == '\n' || letter == '\r', is_blank = letter == ' ' || letter == '\t';
        if (quote == 0 && is_end)
            break;
        if (letter == quote && quote != 0) {
            quote = 0;
            at_begin = true;
        } else if (quote == 0 && at_begin && (letter == '"' || letter == '\'')) {
            quote = letter;
        } else if (letter == '\\' && quote != '\'') {
            const char next = text.empty() ? '\n' : text.front();
            text.remove_prefix(text.empty() ? 0 : 1);
            if (quote != 0 && next != '\n' && std::string_view("\"\\`$").find(next) == std::string_view::npos)
                value += letter;
            if (next != '\n')
                value += next;
            at_begin = false;
        } else if (quote != 0 || !at_begin || !is_blank) {
            value += letter;
            at_begin = false;
        }
        if (quote != 0 || !is_blank)
            kept = value.size();
    }
    value.resize(kept);
    return value;
}

} // namespace

Environment parse_systemd_environment(std::string_view text) {
    Environment result;
    while (!text.empty()) {
        const std::size_t begin = text.find_first_not_of(" \t\r\n");
        if (begin == text.npos)
            break;
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find_first_of("=\n"), text.size());
        std::string_view key = text.substr(0, end);
        const bool is_comment = key.starts_with('#') || key.starts_with(';');
        const bool is_assignment = !is_comment && end < text.size() && text[end] == '=';
        text.remove_prefix(is_assignment ? end + 1 : std::min(text.find('\n'), text.size()));
        if (!is_assignment)
            continue;
        std::string value = take_systemd_value(text);
        key = key.substr(0, key.find_last_not_of(" \t") + 1);
        if (!is_shell_variable_name(key) || value.find('\0') != value.npos)
            continue;
        std::erase_if(result.variables, [key](const auto& each) { return each.first == key; });
        result.variables.emplace_back(key, std::move(value));
    }
    return result;
}

Environment parse_environment(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    return EnvironmentReader(text).read();
}

} // namespace mi::config
