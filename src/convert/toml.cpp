#include "convert/toml.hpp"

#include "base/join.hpp"
#include "base/printable.hpp"
#include "config/keys.hpp"

#include <algorithm>
#include <span>

namespace mi::convert {

namespace {

constexpr std::string_view table_names[] = {"",        "condition", "await",  "target", "service",
                                            "process", "cgroup",    "listen", "timer",  "log"};
std::string_view name_of(Table table) { return table_names[static_cast<std::size_t>(table)]; }

using Entries = std::vector<std::pair<std::string, std::string>>;

// The position of a key in the manual page.
std::ptrdiff_t rank_of(Table table, std::string_view key) {
    const std::span<const config::KeyInfo> keys = config::section_of(config::unit_keys(), name_of(table));
    return std::ranges::find(keys, key.substr(0, key.find('.')), &config::KeyInfo::key) - keys.begin();
}

// Joins dotted keys to inline tables: `limits.core` and `limits.nofile` become one entry.
Entries with_inline_tables(const Entries& entries) {
    Entries all;
    for (const auto& [key, value] : entries) {
        const std::size_t dot = key.find('.');
        if (dot == std::string::npos) {
            all.emplace_back(key, value);
            continue;
        }
        const std::string member = key.substr(dot + 1) + " = " + value + " }", table = key.substr(0, dot);
        if (all.empty() || all.back().first != table)
            all.emplace_back(table, "{ " + member);
        else
            all.back().second.replace(all.back().second.size() - 2, 2, ", " + member);
    }
    return all;
}

} // namespace

std::string quoted(std::string_view text) {
    std::string line;
    (void)append_quoted(line, text, Quoting::toml);
    return line;
}

std::string array(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts)
        join_to(list, quoted(text));
    return "[" + list + "]";
}

UnitToml::Section& UnitToml::section(Table table) {
    auto found = std::find_if(sections_.rbegin(), sections_.rend(), [&](auto& each) { return each.table == table; });
    return found != sections_.rend() ? *found : sections_.emplace_back(Section{table, {}, {}, false});
}

void UnitToml::set(Table table, std::string_view key, std::string value) {
    Section& into = section(table);
    into.opened = true;
    auto entry = std::ranges::find_if(into.entries, [&](const auto& each) { return each.first == key; });
    if (entry != into.entries.end())
        entry->second = std::move(value);
    else
        into.entries.emplace_back(key, std::move(value));
}

std::string_view UnitToml::value(Table table, std::string_view key) const {
    for (const Section& each : sections_)
        if (each.table == table)
            for (const auto& [name, value] : each.entries)
                if (name == key)
                    return value;
    return {};
}

void UnitToml::comment(Table table, std::string_view text) { section(table).comments.push_back(printable(text)); }

void UnitToml::add(UnitToml more) {
    for (Section& each : more.sections_) {
        if (each.table == Table::listen) {
            sections_.push_back(std::move(each));
            continue;
        }
        for (auto& [key, value] : each.entries)
            set(each.table, key, std::move(value));
        if (each.opened)
            open(each.table);
    }
}

std::string UnitToml::Section::text() const {
    std::string text;
    Entries sorted = entries;
    std::ranges::stable_sort(sorted, {}, [&](const auto& entry) { return rank_of(table, entry.first); });
    const Entries lines = with_inline_tables(sorted);
    std::size_t width = 0;
    for (const auto& [key, value] : lines)
        width = std::max(width, key.size());
    for (const auto& [key, value] : lines)
        text += key + std::string(width - key.size(), ' ') + " = " + value + "\n";
    for (const std::string& comment : comments)
        text += "# " + comment + "\n";
    return text;
}

std::string UnitToml::text() const {
    std::string text = "# " + printable(headline_) + "\n";
    std::string stray; // comments of tables that the unit does not have
    std::vector<Section> sections = sections_;
    std::ranges::stable_sort(sections, {}, &Section::table);
    for (const Section& each : sections) {
        const std::string name(name_of(each.table));
        if (each.opened && each.table != Table::top)
            text += each.table == Table::listen ? "\n[[" + name + "]]\n" : "\n[" + name + "]\n";
        (each.opened ? text : stray) += each.text();
    }
    return stray.empty() ? text : text + "\n" + stray;
}

} // namespace mi::convert
