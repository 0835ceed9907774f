#include "config/plain_toml.hpp"

#include <algorithm>
#include <utility>

namespace mi::config {

namespace {

constexpr std::size_t most_keys = 1000; // in one table: keys are sorted in place
constexpr unsigned deepest = 4;

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }
bool is_printed(char letter) { return (letter >= ' ' && letter <= '~') || letter == '\t'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_key(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || is_digit(letter) || letter == '_' ||
           letter == '-';
}

// Reads forward only. Every function returns whether the text at its position is plain; after the first "no" the reader
// stops.
class Plain {
public:
    Plain(std::uint16_t file, std::string_view text) : file_(file), rest_(text), line_start_(text.data()) {}

    bool document(Node& tree) {
        tree.place = {file_, 1, 1};
        Node* table = &tree;
        for (skip_blanks(); !rest_.empty(); skip_blanks()) {
            if (rest_[0] == '[') {
                table = header(tree);
                if (table == nullptr)
                    return false;
            } else if (rest_[0] != '#' && rest_[0] != '\n') {
                if (!pair(*table, 0))
                    return false;
            }
            if (!line_end())
                return false;
        }
        return true;
    }

private:
    [[nodiscard]] Place place() const {
        return {file_, line_, static_cast<std::uint32_t>(rest_.data() - line_start_) + 1};
    }
    void skip_blanks() {
        std::size_t count = 0;
        while (count < rest_.size() && is_blank(rest_[count]))
            ++count;
        rest_.remove_prefix(count);
    }
    bool take(char letter) {
        if (rest_.empty() || rest_[0] != letter)
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    void next_line() {
        rest_.remove_prefix(1);
        ++line_;
        line_start_ = rest_.data();
    }

    // Skips blanks and a comment, up to the next line or the end of the text.
    bool line_end() {
        skip_blanks();
        if (take('#')) {
            std::size_t count = 0;
            while (count < rest_.size() && is_printed(rest_[count]))
                ++count;
            rest_.remove_prefix(count);
        }
        if (rest_.empty())
            return true;
        if (rest_[0] != '\n')
            return false;
        next_line();
        return true;
    }

    std::string_view bare_key() {
        std::size_t count = 0;
        while (count < rest_.size() && is_key(rest_[count]))
            ++count;
        const std::string_view key = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return key;
    }

    // Inserts `key` into the sorted items of `table`; null if it exists already or cannot be added.
    Node* add(Node& table, std::string_view key, Place at) {
        auto& items = table.items;
        if (key.empty() || items.size() == most_keys)
            return nullptr;
        const auto after =
            std::lower_bound(items.begin(), items.end(), key,
                             [](const Node& item, std::string_view wanted) { return item.key < wanted; });
        if (after != items.end() && after->key == key)
            return nullptr;
        Node& item = *items.emplace(after);
        item.key = key;
        item.key_place = at;
        return &item;
    }

    // `[key]` or `[[key]]`: the table to which the following lines belong.
    Node* header(Node& tree) {
        const Place at = place();
        rest_.remove_prefix(1);
        const bool is_array = take('[');
        skip_blanks();
        const Place key_at = place();
        const std::string_view key = bare_key();
        skip_blanks();
        if (!take(']') || (is_array && !take(']')))
            return nullptr;
        if (!is_array) {
            Node* table = add(tree, key, key_at);
            if (table != nullptr)
                table->place = at;
            return table;
        }
        const auto found = std::ranges::find(tree.items, key, &Node::key);
        Node* array = nullptr;
        if (found == tree.items.end()) {
            array = add(tree, key, key_at);
            if (array == nullptr)
                return nullptr;
            array->kind = Node::Kind::array;
            array->truth = true; // marks an array made by headers, which may get more items; removed at the end
            array->place = at;
        } else if (found->kind == Node::Kind::array && found->truth) {
            array = &*found;
        } else {
            return nullptr;
        }
        Node& table = array->items.emplace_back();
        table.place = at;
        return &table;
    }

    bool pair(Node& table, unsigned depth) {
        const Place at = place();
        const std::string_view key = bare_key();
        skip_blanks();
        if (!take('='))
            return false;
        skip_blanks();
        Node* item = add(table, key, at);
        return item != nullptr && value(*item, depth);
    }

    bool value(Node& into, unsigned depth) {
        if (rest_.empty())
            return false;
        into.place = place();
        switch (rest_[0]) {
        case '"':
        case '\'': return text(into);
        case '[': return depth < deepest && array(into, depth + 1);
        case '{': return depth < deepest && in_line_table(into, depth + 1);
        default: return word(into);
        }
    }

    bool text(Node& into) {
        into.kind = Node::Kind::text;
        const char quote = rest_[0];
        if (rest_.size() > 2 && rest_[1] == quote && rest_[2] == quote)
            return long_text(into, quote);
        std::size_t end = 1;
        while (end < rest_.size() && is_printed(rest_[end]) && rest_[end] != quote &&
               (rest_[end] != '\\' || quote == '\''))
            ++end;
        if (end == rest_.size() || rest_[end] != quote)
            return false;
        into.text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return true;
    }

    // A string between three quotes. A line end directly after the first ones does not belong to it.
    bool long_text(Node& into, char quote) {
        rest_.remove_prefix(3);
        if (!rest_.empty() && rest_[0] == '\n')
            next_line();
        const char closing[] = {quote, quote, quote};
        const std::size_t end = rest_.find(std::string_view(closing, 3));
        if (end == rest_.npos || (end + 3 < rest_.size() && rest_[end + 3] == quote))
            return false;
        const std::string_view inside = rest_.substr(0, end);
        for (const char& letter : inside) {
            if (letter == '\n') {
                ++line_;
                line_start_ = &letter + 1;
            } else if (!is_printed(letter) || (letter == '\\' && quote == '"')) {
                return false;
            }
        }
        into.text = inside;
        rest_.remove_prefix(end + 3);
        return true;
    }

    // `true`, `false`, or a whole number in its usual form.
    bool word(Node& into) {
        std::size_t end = 0;
        while (end < rest_.size() &&
               (is_key(rest_[end]) || rest_[end] == '.' || rest_[end] == '+' || rest_[end] == ':'))
            ++end;
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end);
        if (word == "true" || word == "false") {
            into.kind = Node::Kind::boolean;
            into.truth = word == "true";
            return true;
        }
        const std::string_view digits = word.substr(word.starts_with('-') ? 1 : 0);
        if (digits.empty() || digits.size() > 18 || (digits[0] == '0' && word != "0") ||
            !std::ranges::all_of(digits, is_digit))
            return false;
        into.kind = Node::Kind::integer;
        for (const char digit : digits)
            into.integer = into.integer * 10 + (digit - '0');
        if (word.size() != digits.size())
            into.integer = -into.integer;
        return true;
    }

    // Skips line ends: the values of an array may be on several lines.
    bool skip_lines() {
        for (skip_blanks(); !rest_.empty() && (rest_[0] == '\n' || rest_[0] == '#'); skip_blanks())
            if (!line_end())
                return false;
        return true;
    }

    bool array(Node& into, unsigned depth) {
        into.kind = Node::Kind::array;
        rest_.remove_prefix(1);
        for (;;) {
            if (!skip_lines())
                return false;
            if (take(']'))
                return true;
            if (!value(into.items.emplace_back(), depth) || !skip_lines())
                return false;
            if (!take(',') && (rest_.empty() || rest_[0] != ']'))
                return false;
        }
    }

    bool in_line_table(Node& into, unsigned depth) {
        into.in_line = true;
        rest_.remove_prefix(1);
        skip_blanks();
        if (take('}'))
            return true;
        do {
            skip_blanks();
            if (!pair(into, depth))
                return false;
            skip_blanks();
        } while (take(','));
        return take('}');
    }

    std::uint16_t file_;
    std::uint32_t line_ = 1;
    std::string_view rest_;
    const char* line_start_;
};

} // namespace

std::optional<Node> read_plain_toml(std::uint16_t file, std::string_view text) {
    std::optional<Node> tree(std::in_place);
    if (!Plain(file, text).document(*tree))
        return std::nullopt;
    for (Node& item : tree->items)
        if (item.kind == Node::Kind::array)
            item.truth = false;
    return tree;
}

} // namespace mi::config
