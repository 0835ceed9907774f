#include "convert/sheet.hpp"

#include "base/join.hpp"
#include "base/printable.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr std::string_view headers[] = {"",         "[condition]", "[target]", "[service]", "[process]",
                                        "[cgroup]", "[[listen]]",  "[timer]",  "[log]"};

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

const Sheet::Part* Sheet::find(Table table) const {
    auto found = std::find_if(parts_.rbegin(), parts_.rend(), [&](const Part& each) { return each.table == table; });
    return found == parts_.rend() ? nullptr : &*found;
}

Sheet::Part& Sheet::part(Table table) {
    const Part* found = find(table);
    Part& part = found != nullptr ? const_cast<Part&>(*found) : parts_.emplace_back(Part{table, {}, {}, false});
    part.opened = true;
    return part;
}

void Sheet::set(Table table, std::string_view key, std::string value) {
    Part& into = part(table);
    for (auto& [name, old] : into.entries)
        if (name == key) {
            old = std::move(value);
            return;
        }
    into.entries.emplace_back(key, std::move(value));
}

bool Sheet::has(Table table, std::string_view key) const {
    const Part* found = find(table);
    return found != nullptr && std::ranges::any_of(found->entries, [&](const auto& each) { return each.first == key; });
}

void Sheet::remove(Table table, std::string_view key) {
    if (find(table) != nullptr)
        std::erase_if(part(table).entries, [&](const auto& each) { return each.first == key; });
}

void Sheet::next_listen() { parts_.push_back({Table::listen, {}, {}, true}); }

void Sheet::comment(Table table, std::string_view text) {
    const Part* found = find(table);
    Part& into = found != nullptr ? const_cast<Part&>(*found) : parts_.emplace_back(Part{table, {}, {}, false});
    into.comments.push_back(printable(text));
}

std::string Sheet::text() const {
    std::string text;
    for (const std::string& line : headlines_)
        text += "# " + printable(line) + "\n";
    std::string stray; // remarks about tables that are not there
    for (int number = 0; number <= static_cast<int>(Table::log); ++number)
        for (const Part& part : parts_) {
            if (part.table != static_cast<Table>(number))
                continue;
            std::string comments;
            for (const std::string& comment : part.comments)
                comments += "# " + comment + "\n";
            if (!part.opened) {
                stray += comments;
                continue;
            }
            if (number != 0)
                text += (text.empty() ? "" : "\n") + std::string(headers[number]) + "\n";
            std::size_t width = 0;
            for (const auto& [key, value] : part.entries)
                width = std::max(width, key.size());
            for (const auto& [key, value] : part.entries)
                text += key + std::string(width - key.size(), ' ') + " = " + value + "\n";
            text += comments;
        }
    if (!stray.empty())
        text += (text.empty() ? "" : "\n") + stray;
    return text;
}

} // namespace mi::convert
