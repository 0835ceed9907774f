// A unit's TOML while it is being written: tables with keys and comments, in the order in which readers expect them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::convert {

// `text` as a TOML string. It has to be UTF-8.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string array(const std::vector<std::string>& texts);

enum class Table { top, condition, target, service, process, cgroup, listen, timer, log };

class Sheet {
public:
    // What is said above everything.
    void headline(std::string_view comment) { headlines_.emplace_back(comment); }
    // `value` is TOML. A key that is there already gets the new value.
    void set(Table table, std::string_view key, std::string value);
    void set_text(Table table, std::string_view key, std::string_view text) { set(table, key, quoted(text)); }
    [[nodiscard]] bool has(Table table, std::string_view key) const;
    void remove(Table table, std::string_view key);
    // The table is there even if it has no key.
    void open(Table table) { part(table); }
    // A further [[listen]]; what is set in Table::listen belongs to the last one.
    void next_listen();
    // In one line, at the end of the table; where that is not there, at the end of the unit.
    void comment(Table table, std::string_view text);

    [[nodiscard]] std::string text() const;

private:
    struct Part {
        Table table;
        std::vector<std::pair<std::string, std::string>> entries;
        std::vector<std::string> comments;
        bool opened = false;
    };
    Part& part(Table table);
    [[nodiscard]] const Part* find(Table table) const;

    std::vector<std::string> headlines_;
    std::vector<Part> parts_;
};

} // namespace mi::convert
