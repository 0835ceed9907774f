// The TOML of one unit while it is made: tables with keys and comments, written in the order of miniinit-unit(5).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::convert {

// `text` as a TOML string. It has to be UTF-8.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string array(const std::vector<std::string>& texts);

// In the order in which they are written.
enum class Table { top, condition, target, service, process, cgroup, listen, timer, log };

class UnitToml {
public:
    // A comment above everything.
    void headline(std::string_view comment) { headline_ = comment; }
    // `value` is TOML. A key that is there already gets the new value. A key `a.b` becomes `b` of the inline table `a`.
    void set(Table table, std::string_view key, std::string value);
    [[nodiscard]] bool has(Table table, std::string_view key) const { return !value(table, key).empty(); }
    // The value as TOML; empty where the key is not there.
    [[nodiscard]] std::string_view value(Table table, std::string_view key) const;
    // The table is written even if it has no key.
    void open(Table table) { section(table).opened = true; }
    // Begins a further [[listen]]: what is set in Table::listen belongs to the last one.
    void next_listen() { sections_.push_back({Table::listen, {}, {}, true}); }
    // One line at the end of the table, or of the unit where the unit has no such table.
    void comment(Table table, std::string_view text);
    // Takes in what `more` has; its values replace ours, and its [[listen]] come after ours.
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
