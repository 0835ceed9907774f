#include "config/reader.hpp"

#include "base/text.hpp"
#include "config/keys.hpp"
#include "config/sense.hpp"
#include "config/value.hpp"

#include <algorithm>

namespace mi::config {

namespace {

struct Synonym {
    std::string_view theirs, ours;
};
// Words that people know from other inits, if they are too different for `nearest`. Compared in lower case, without '-'
// and '_'.
constexpr Synonym synonyms[] = {
    {"execstart", "command"},
    {"exec", "command"},
    {"cmd", "command"},
    {"execstartpre", "pre-start"},
    {"execstartpost", "post-start"},
    {"execstop", "stop-command"},
    {"execstoppost", "post-stop"},
    {"execreload", "reload-command"},
    {"restartsec", "restart-delay"},
    {"timeoutstartsec", "start-timeout"},
    {"timeoutstopsec", "stop-timeout"},
    {"killsignal", "stop-signal"},
    {"watchdogsec", "watchdog"},
    {"env", "environment"},
    {"environmentfile", "environment-files"},
    {"secrets", "credentials"},
    {"loadcredential", "credentials"},
    {"cwd", "working-directory"},
    {"rlimits", "limits"},
    {"depends", "requires"},
    {"dependson", "requires"},
    {"needs", "requires"},
    {"bindsto", "requires"},
    {"requisite", "requires"},
    {"waitsfor", "wants"},
    {"standardinput", "stdin"},
    {"standardoutput", "stdout"},
    {"standarderror", "stderr"},
    {"successexitstatus", "success-exit"},
    {"listenstream", "stream"},
    {"oncalendar", "calendar"},
    {"onbootsec", "after-boot"},
};

std::string plain_word(std::string_view key) {
    std::string word;
    for (char letter : key)
        if (letter != '-' && letter != '_')
            word += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    return word;
}

std::string in_brackets(std::string_view section) {
    std::string_view open = section == "listen" ? "[[" : "[", close = section == "listen" ? "]]" : "]";
    return std::string(open) + std::string(section) + std::string(close);
}

// The place of a key of `section`, for messages.
std::string place_of(std::string_view section) {
    return section.empty() ? "at the top of the unit" : "in " + in_brackets(section);
}

// Walks the tables of a tree along the rows of a key table. Target is core::Unit or core::ManagerSettings.
template <typename Target>
class Walk {
public:
    Walk(Reading& reading, std::span<const KeyInfo> keys, Target& target)
        : reading_(reading), keys_(keys), target_(target) {}

    // Reads every entry of `table` except the sub-tables named in `sections`, which the caller walks.
    void section(const Node& table, std::string_view name, std::span<const std::string_view> sections = {}) {
        std::span<const KeyInfo> rows = section_of(keys_, name);
        for (const Node& item : table.items) {
            if (std::find(sections.begin(), sections.end(), item.key) != sections.end())
                continue;
            std::string_view key = item.key;
            if (name == "condition" && key.starts_with('!'))
                key.remove_prefix(1);
            auto row = std::find_if(rows.begin(), rows.end(), [&](const KeyInfo& each) { return each.key == key; });
            if (row == rows.end()) {
                unknown(item, name, rows, sections);
                continue;
            }
            Value value(reading_, item, row->key);
            if constexpr (requires { row->read(value, target_); })
                row->read(value, target_);
            else
                row->read_manager(value, target_);
        }
    }

private:
    void unknown(const Node& item, std::string_view section, std::span<const KeyInfo> rows,
                 std::span<const std::string_view> sections) {
        if (reading_.full())
            return;
        reading_.incomplete = true; // it may be a misspelled key that is reported missing elsewhere
        bool table = item.kind == Node::Kind::table || item.is_table_array();
        std::string message = table && section.empty() ? "unknown table [" + item.key + "]"
                                                       : "unknown key `" + item.key + "` " + place_of(section);
        reading_.error(item.key_place.line != 0 ? item.key_place : item.place, std::move(message),
                       suggestion(item, table && section.empty(), rows, sections));
    }

    std::string suggestion(const Node& item, bool table, std::span<const KeyInfo> rows,
                           std::span<const std::string_view> sections) const {
        if (table) {
            std::string_view near = likeliest(item.key, {sections.begin(), sections.end()});
            if (!near.empty())
                return "did you mean " + in_brackets(near) + "?";
        }
        // Try in this order: another spelling of a key of this table; a key of another table; a typing error of a key
        // here, then elsewhere.
        std::string word = plain_word(item.key);
        for (const Synonym& synonym : synonyms)
            if (synonym.theirs == word)
                word = plain_word(synonym.ours);
        for (const KeyInfo& row : rows)
            if (plain_word(row.key) == word)
                return "did you mean `" + std::string(row.key) + "`?";
        for (const KeyInfo& row : keys_)
            if (plain_word(row.key) == word)
                return "`" + std::string(row.key) + "` belongs " + place_of(row.section);
        std::vector<std::string_view> names;
        for (const KeyInfo& row : rows)
            names.push_back(row.key);
        if (std::string_view near = likeliest(item.key, names); !near.empty())
            return "did you mean `" + std::string(near) + "`?";
        for (std::string_view elsewhere : {"", "service", "process"}) {
            names.clear();
            for (const KeyInfo& row : section_of(keys_, elsewhere))
                names.push_back(row.key);
            if (std::string_view near = nearest(item.key, names); !near.empty())
                return "did you mean `" + std::string(near) + "`? It belongs " + place_of(elsewhere);
        }
        return {};
    }

    Reading& reading_;
    std::span<const KeyInfo> keys_;
    Target& target_;
};

constexpr std::string_view unit_sections[] = {"condition", "await",  "target", "service", "process",
                                              "cgroup",    "listen", "timer",  "log",     "health"};

// Reads one table of a unit; [[listen]] is as many as it has entries.
void read_section(Reading& reading, Walk<core::Unit>& walk, const Node& item, core::Unit& unit) {
    Place at = item.key_place.line != 0 ? item.key_place : item.place;
    if (item.key == "listen") {
        if (item.kind == Node::Kind::table)
            return reading.error(at, "`listen` is an array of tables", "write [[listen]]");
        if (item.kind != Node::Kind::array || (!item.is_table_array() && !item.items.empty()))
            return reading.error(at, "`listen`: expected an array of tables, found " + describe(item),
                                 "write [[listen]]");
        for (const Node& entry : item.items) {
            unit.listen.emplace_back();
            walk.section(entry, "listen");
            check_listen(reading, entry, unit.listen.back());
        }
        return;
    }
    if (item.is_table_array())
        return reading.error(item.items.front().place, "[[" + item.key + "]] can only be there once",
                             "write [" + item.key + "]");
    if (item.kind != Node::Kind::table)
        return reading.error(at, "`" + item.key + "`: expected a table, found " + describe(item),
                             "write [" + item.key + "]");
    walk.section(item, item.key);
}

} // namespace

core::Unit read_unit(Reading& reading, Node& tree, std::string_view name, bool bare_is_service) {
    core::Unit unit;
    unit.name = name;
    if (std::size_t at = name.find('@'); at != std::string_view::npos)
        unit.instance = name.substr(at + 1);
    unit.digest = digest(tree);
    expand(tree, unit.name, unit.instance);
    Walk<core::Unit> walk(reading, unit_keys(), unit);
    walk.section(tree, "", unit_sections);
    for (const Node& item : tree.items)
        if (std::find(std::begin(unit_sections), std::end(unit_sections), item.key) != std::end(unit_sections))
            read_section(reading, walk, item, unit);
    check_unit(reading, tree, unit, bare_is_service);
    if (reading.failed())
        unit.fault = brief(reading.first_error());
    return unit;
}

core::ManagerSettings read_manager(Reading& reading, const Node& tree) {
    constexpr std::string_view sections[] = {"manager", "log", "defaults", "units"};
    core::ManagerSettings settings;
    Walk<core::ManagerSettings> walk(reading, manager_keys(), settings);
    walk.section(tree, "", sections);
    for (std::string_view section : {"manager", "log", "defaults", "units"}) {
        const Node* table = tree.find(section);
        if (table == nullptr)
            continue;
        if (table->kind != Node::Kind::table)
            reading.error(table->key_place,
                          "`" + std::string(section) + "`: expected a table, found " + describe(*table));
        else if (section != "units")
            walk.section(*table, section);
    }
    return settings;
}

} // namespace mi::config
