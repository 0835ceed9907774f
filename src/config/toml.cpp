// The one file that sees toml++: a text becomes a tree of Node. toml++ stops at the first syntax error; to report them
// all, the lines at fault are blanked out, so that every other line keeps its place, and the rest is parsed again.
#include "config/document.hpp"
#include "config/scan.hpp"

#include "base/text.hpp"

// Some assertions of toml++ 3.3 do not hold for bad input (`[}x]`), and the code after them deals with it: they must
// neither abort a debug build nor become promises to the optimiser.
#define TOML_IMPLEMENTATION
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expr) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>

namespace mi::config {

namespace {

constexpr int most_syntax_errors = 20;
constexpr std::size_t most_keys = 20000; // in one table: merging is not made for more

class Parser {
public:
    Parser(Reading& reading, std::uint16_t file) : reading_(reading), file_(file) {}

    Node parse(std::string_view text) {
        std::string repaired; // a copy of text once something had to be blanked out
        for (int errors = 0;; ++errors) {
            std::uint32_t wrong_line = refuse(text);
            bool refused = wrong_line != 0;
            if (!refused) {
                toml::parse_result result = toml::parse(text);
                if (result.succeeded()) {
                    Node tree;
                    tree.place = {file_, 1, 1};
                    take_table(tree, result.table());
                    return tree;
                }
                wrong_line = complain(text, result.error());
            }
            reading_.incomplete = true;
            if (repaired.empty())
                repaired = text;
            if (errors == most_syntax_errors || !leave_out(repaired, wrong_line, refused))
                return empty_tree();
            text = repaired;
        }
    }

private:
    [[nodiscard]] Node empty_tree() const {
        Node tree;
        tree.place = {file_, 0, 0};
        return tree;
    }

    // What must not reach the parser is reported here; its line, or 0.
    std::uint32_t refuse(std::string_view text) {
        Scan scan;
        while (!text.empty()) {
            std::string_view line = take_line(text);
            if (scan.lines() == 0 && line.starts_with("\xef\xbb\xbf"))
                line.remove_prefix(3);
            scan.line(line);
            if (!scan.problem().empty()) {
                reading_.error({file_, scan.lines(), column_of(line, scan.problem_at())}, std::string(scan.problem()));
                return scan.lines();
            }
        }
        return 0;
    }

    // Reports a syntax error; its line.
    std::uint32_t complain(std::string_view text, const toml::parse_error& error) {
        toml::source_position at = error.source().begin;
        Scan before;
        std::string_view rest = text, line, opener;
        while (before.lines() + 1 < at.line && !rest.empty()) {
            line = take_line(rest);
            before.line(line);
            if (before.open() && before.opened_line() == before.lines())
                opener = line;
        }
        std::string_view here = rest;
        if (before.open() && (rest.empty() || before.in_string() || starts_statement(take_line(here)))) {
            // The parser noticed late: say where it began.
            Place place{file_, before.opened_line(), column_of(opener, before.opened_at())};
            reading_.error(place, before.in_string() ? "this string is never closed" : "this bracket is never closed");
            return at.line;
        }
        if (unquoted(at.line, take_line(rest)))
            return at.line;
        std::string_view words = error.description();
        constexpr std::string_view preamble = "Error while parsing ";
        if (words.starts_with(preamble))
            words.remove_prefix(preamble.size());
        reading_.error({file_, at.line, at.column}, "not valid TOML: " + std::string(words));
        return at.line;
    }

    // The two slips that people make most, told better than the parser can: a word without quotes, a string without an
    // end.
    bool unquoted(std::uint32_t number, std::string_view line) {
        std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || !starts_statement(line))
            return false;
        std::size_t start = line.find_first_not_of(" \t", equals + 1);
        if (start == std::string_view::npos) {
            reading_.error({file_, number, column_of(line, equals)}, "no value after `=`");
            return true;
        }
        Place place{file_, number, column_of(line, start)};
        std::string_view value = trim(line.substr(start, line.find('#', start) - start));
        bool literal = value.find_first_of("0123456789+-") == 0 || value == "true" || value == "false";
        if (!literal && value.find_first_of("\"'[]{}=\\") == std::string_view::npos) {
            reading_.error(place, "a string has to stand in quotes", "write \"" + std::string(value) + "\"");
            return true;
        }
        char quote = value.front();
        if ((quote == '"' || quote == '\'') && std::count(value.begin(), value.end(), quote) == 1) {
            reading_.error(place, "this string is never closed");
            return true;
        }
        return false;
    }

    // Blanks the statement that line `wrong` belongs to, or `only` that line; false where that makes nothing better.
    static bool leave_out(std::string& text, std::uint32_t wrong, bool only) {
        Scan scan;
        std::string_view rest = text;
        while (scan.lines() + 1 < wrong && !rest.empty())
            scan.line(take_line(rest));
        if (scan.in_string() && !only)
            return false;
        std::uint32_t first = scan.open() && !only ? scan.opened_line() : wrong;
        std::uint32_t last = first;
        // Over again from its first line: it ends where its brackets close, or where another statement begins.
        Scan statement;
        rest = text;
        bool changed = false, header = false;
        for (std::uint32_t number = 1; !rest.empty() && number <= last; ++number) {
            auto start = static_cast<std::size_t>(rest.data() - text.data());
            std::string_view line = take_line(rest);
            if (number < first)
                continue;
            if (number > first && starts_statement(line) && (!header || trim(line).starts_with('[')))
                break;
            // The keys below a broken header belong to no table that we know.
            header = header || (number == first && !only && !scan.open() && trim(line).starts_with('['));
            statement.line(line);
            changed = changed || line.find_first_not_of(' ') != std::string_view::npos;
            std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(start), line.size(), ' ');
            if (!only && (statement.open() || header || number < wrong))
                last = number + 1;
        }
        return changed;
    }

    [[nodiscard]] Place place(const toml::source_position& at) const { return {file_, at.line, at.column}; }

    void take_table(Node& into, toml::table& table) {
        into.kind = Node::Kind::table;
        if (table.size() > most_keys)
            return reading_.error(place(table.source().begin), "a table of more than 20000 keys");
        into.items.reserve(table.size());
        for (auto&& [key, value] : table) {
            Node& item = into.items.emplace_back();
            item.key = key.str();
            item.key_place = place(key.source().begin);
            if (item.key.find('\0') != std::string::npos)
                reading_.error(item.key_place, "a key that contains a NUL");
            take(item, value);
        }
    }

    void take(Node& into, toml::node& from) {
        into.place = place(from.source().begin);
        switch (from.type()) {
        case toml::node_type::table: return take_table(into, *from.as_table());
        case toml::node_type::array:
            into.kind = Node::Kind::array;
            into.items.reserve(from.as_array()->size());
            for (toml::node& element : *from.as_array())
                take(into.items.emplace_back(), element);
            return;
        case toml::node_type::string:
            into.kind = Node::Kind::text;
            into.text = std::move(from.as_string()->get());
            if (into.text.find('\0') != std::string::npos)
                reading_.error(into.place, "a string that contains a NUL");
            return;
        case toml::node_type::integer:
            into.kind = Node::Kind::integer;
            into.integer = from.as_integer()->get();
            return;
        case toml::node_type::floating_point:
            into.kind = Node::Kind::real;
            into.real = from.as_floating_point()->get();
            return;
        case toml::node_type::boolean:
            into.kind = Node::Kind::boolean;
            into.truth = from.as_boolean()->get();
            return;
        case toml::node_type::none:
        case toml::node_type::date:
        case toml::node_type::time:
        case toml::node_type::date_time: into.kind = Node::Kind::date; return;
        }
    }

    Reading& reading_;
    std::uint16_t file_;
};

} // namespace

Node parse_document(Reading& reading, std::uint16_t file, std::string_view text) {
    return Parser(reading, file).parse(text);
}

} // namespace mi::config
