#include "ctl/verbs/unit_text.hpp"

#include "base/join.hpp"
#include "base/printable.hpp"
#include "base/utf8.hpp"

#include "base/text.hpp"
#include "config/keys.hpp"
#include "config/syntax.hpp"

#include <algorithm>
#include <cstdint>
#include <list>

namespace mi::ctl {

namespace {

struct Setting {
    std::string key; // as written; may be dotted
    std::string value;
    bool list = false; // the key takes a list: giving it again appends
};
// One table, with its settings in the order given.
struct Section {
    std::string name;
    std::vector<Setting> settings;

    Setting* find(std::string_view key) {
        auto found = std::ranges::find(settings, key, &Setting::key);
        return found != settings.end() ? &*found : nullptr;
    }
    void set(std::string key, std::string value, bool list = false) {
        Setting* same = find(key);
        if (same == nullptr)
            settings.push_back({std::move(key), std::move(value), list});
        else if (same->list && list && same->value.ends_with(']') && value.starts_with('['))
            same->value = same->value.substr(0, same->value.size() - 1) + ", " + value.substr(1);
        else
            same->value = std::move(value);
    }
};

bool takes_many(std::string_view type) {
    for (std::string_view many : {"strings", "units", "paths", "names", "accounts", "capabilities", "processors",
                                  "codes and signals", "commands"})
        if (type == many)
            return true;
    return false;
}

// A value from a command line: TOML if it looks like TOML, else a string.
std::string value_text(std::string_view value, const config::KeyInfo* row) {
    const bool many = row != nullptr && takes_many(row->type);
    if (value.starts_with('[') || value.starts_with('{') || value.starts_with('"') || value.starts_with('\''))
        return std::string(value);
    const std::string_view digits = value.starts_with('-') ? value.substr(1) : value;
    const bool number = !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }) &&
                        (digits.size() == 1 || digits.front() != '0');
    const bool plain = value == "true" || value == "false" || number;
    const bool bare = plain && row != nullptr &&
                      (row->type == "integer" || row->type == "boolean" || row->type == "codes and signals" ||
                       row->type == "processors" || row->type == "size");
    std::string text = bare ? std::string(value) : toml_string(value);
    // `[process] limits` and `environment`: their entries are numbers or texts.
    if (row != nullptr && row->type == "table of limits" && number)
        text = value;
    return many ? "[" + text + "]" : text;
}

const config::KeyInfo* find_row(std::string_view section, std::string_view key) {
    for (const config::KeyInfo& row : config::section_of(config::unit_keys(), section))
        if (row.key == key)
            return &row;
    return nullptr;
}

bool bare_key(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

// The name of an entry of [process] environment, as TOML.
std::string variable_key(std::string_view name) {
    return "environment." + (bare_key(name) ? std::string(name) : toml_string(name));
}

class Text {
public:
    explicit Text(const TransientUnit& unit) {
        std::string words;
        std::string command;
        for (const std::string& word : unit.command) {
            join_to(words, word, " ");
            join_to(command, toml_string(word));
        }
        section("").set("description", toml_string(words));
        section("service").set("command", "[" + command + "]");
        section("service").set("restart", "\"no\"");
        Section& process = section("process");
        if (!unit.directory.empty())
            process.set("working-directory", toml_string(unit.directory));
        if (!unit.umask.empty())
            process.set("umask", toml_string(unit.umask));
        for (const auto& [key, value] : unit.environment)
            process.set(variable_key(key), toml_string(value));
    }

    // Returns an error in words, or empty.
    std::string take(std::string_view property) {
        const std::size_t equals = property.find('=');
        std::string_view name = property.substr(0, equals);
        if (equals == std::string_view::npos || name.empty())
            return "--property: \"" + std::string(property) + "\" is not SECTION.KEY=VALUE";
        const std::string_view value = property.substr(equals + 1);
        bool negated = name.starts_with("condition.!");
        const std::size_t dot = name.find('.');
        const std::string_view table = dot == std::string_view::npos ? "" : name.substr(0, dot);
        std::string key(dot == std::string_view::npos ? name : name.substr(dot + 1));
        // [process] environment and limits are tables: the next part is the name of an entry.
        const std::size_t inner = key.find('.');
        const std::string_view first = std::string_view(key).substr(0, inner);
        if (table == "process" && first == "environment" && inner != std::string::npos) {
            const std::string variable = key.substr(inner + 1);
            if (!config::is_variable_name(variable))
                return "--property: \"" + variable + "\" cannot be the name of a variable";
            section("process").set(variable_key(variable), toml_string(value));
            return {};
        }
        if (!bare_key(negated ? first.substr(1) : first) || (!table.empty() && !bare_key(table)) ||
            (inner != std::string::npos && !bare_key(std::string_view(key).substr(inner + 1))))
            return "--property: \"" + std::string(name) + "\" cannot be the name of a key";
        const config::KeyInfo* row = find_row(table, negated ? first.substr(1) : first);
        if (negated)
            key = "\"" + key + "\"";
        // A whole `environment` replaces the caller's.
        if (table == "process" && key == "environment")
            std::erase_if(section("process").settings,
                          [](const Setting& one) { return one.key.starts_with("environment."); });
        // Each [[listen]] has a key only once: a second one starts the next [[listen]].
        if (table == "listen" && (listens_ == nullptr || listens_->find(key) != nullptr)) {
            sections_.push_back({"listen", {}});
            listens_ = &sections_.back();
        }
        Section& to = table == "listen" ? *listens_ : section(table);
        to.set(std::move(key), value_text(value, row), row != nullptr && takes_many(row->type));
        return {};
    }

    [[nodiscard]] std::string finish() const {
        std::string text;
        for (const Section& one : sections_) {
            if (one.name == "listen")
                text += "\n[[listen]]\n";
            else if (!one.name.empty() && !one.settings.empty())
                text += "\n[" + one.name + "]\n";
            for (const Setting& setting : one.settings)
                text += setting.key + " = " + setting.value + "\n";
        }
        return text;
    }

private:
    Section& section(std::string_view name) {
        for (Section& one : sections_)
            if (one.name == name)
                return one;
        sections_.push_back({std::string(name), {}});
        return sections_.back();
    }

    std::list<Section> sections_; // a list, because references to its elements must stay valid
    Section* listens_ = nullptr;
};

} // namespace

std::string toml_string(std::string_view text) {
    // The reader would replace ${name}; here it is meant for a shell or another program.
    std::string meant(text);
    for (std::size_t at = 0; (at = meant.find("${name}", at)) != std::string::npos; at += 2)
        meant.insert(at, "$");
    std::string out;
    (void)append_quoted(out, meant, Quoting::toml);
    return out;
}

bool can_be_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos && valid_utf8(text) == text.size();
}

std::expected<std::string, std::string> unit_text(const TransientUnit& unit) {
    Text text(unit);
    for (const std::string& property : unit.properties)
        if (std::string wrong = text.take(property); !wrong.empty())
            return std::unexpected(std::move(wrong));
    return text.finish();
}

} // namespace mi::ctl
