// Builds the TOML of one unit: tables with keys and comments. Keys are written in the order of miniinit-unit(5).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::convert {

// `text`, which must be UTF-8, as a TOML string.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string array(const std::vector<std::string>& texts);

// The tables, in the order in which they are written.
enum class Table { top, condition, await, target, service, process, cgroup, listen, timer, log };

class UnitToml {
public:
    // The comment at the top of the unit.
    void headline(std::string_view comment) { headline_ = comment; }
    // Sets a key, or replaces its value. `value` is TOML. A key `a.b` becomes the member `b` of the inline table `a`.
    void set(Table table, std::string_view key, std::string value);
    [[nodiscard]] bool has(Table table, std::string_view key) const { return !value(table, key).empty(); }
    // The value as TOML; empty if the key is not there.
    [[nodiscard]] std::string_view value(Table table, std::string_view key) const;
    // Makes sure that the table is written even if it has no key.
    void open(Table table) { section(table).opened = true; }
    // Begins another [[listen]]. Table::listen always means the last one.
    void next_listen() { sections_.push_back({Table::listen, {}, {}, true}); }
    // Adds a comment at the end of the table, or at the end of the unit if the unit does not have the table.
    void comment(Table table, std::string_view text);
    // Adds all content of `more`. Its values replace the present ones; each [[listen]] is appended.
    void add(UnitToml more);

    [[nodiscard]] std::string text() const;

private:
    struct Section {
        Table table;
        std::vector<std::pair<std::string, std::string>> entries;
        std::vector<std::string> comments;
        bool opened = false;
        [[nodiscard]] std::string text() const;
    };
    Section& section(Table table);

    std::string headline_;
    std::vector<Section> sections_;
};

} // namespace mi::convert
