// Reads the values of [service], [condition], [target] and of the relations between units that are more than a word or
// a number.
#include "config/readers.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace mi::config::read {

core::Hooks& part(core::Unit& unit, core::Hooks*) {
    if (!unit.service.hooks)
        unit.service.hooks = std::make_unique<core::Hooks>();
    return *unit.service.hooks;
}

void words_into(const Value& value, std::vector<std::string>& member) {
    if (value.node().kind == Node::Kind::text)
        member.assign(1, value.node().text);
    else
        value.into(member);
}

namespace {

// A unit's name; null after reporting an error.
const std::string* unit_name(const Value& value) {
    const std::string* name = value.text("the name of a unit");
    if (name == nullptr)
        return nullptr;
    if (std::string_view wrong = name_fault(*name); !wrong.empty()) {
        std::string_view stem = *name;
        std::string suggestion;
        if (stem.find('/') != stem.npos && name_fault(stem.substr(stem.rfind('/') + 1)).empty())
            suggestion = "a unit is named without its directory: \"" + name->substr(name->rfind('/') + 1) + "\"";
        value.error("\"" + *name + "\" is no unit name: " + std::string(wrong), std::move(suggestion));
        return nullptr;
    }
    if (name->ends_with('@')) {
        value.error("\"" + *name + "\" is a template", "name an instance of it: \"" + *name + "NAME\"");
        return nullptr;
    }
    if (name->ends_with(".toml")) {
        value.error("\"" + *name + "\" is a file",
                    "a unit is named without its suffix: \"" + name->substr(0, name->size() - 5) + "\"");
        return nullptr;
    }
    return name;
}

} // namespace

void relation_into(const Value& value, core::Unit& unit, core::Relation relation) {
    const std::vector<Node>* items = value.array("an array of unit names");
    if (items == nullptr)
        return;
    std::set<std::string_view> seen;
    for (const Node& item : *items) {
        Value each = value.of(item);
        const std::string* name = unit_name(each);
        if (name == nullptr)
            continue;
        if (*name == unit.name) {
            each.error("a unit cannot name itself");
            continue;
        }
        if (seen.insert(*name).second)
            unit.dependencies.push_back({relation, *name});
    }
}

void aliases(const Value& value, core::Unit& unit) {
    const std::vector<Node>* items = value.array("an array of unit names");
    if (items == nullptr)
        return;
    for (const Node& item : *items) {
        const std::string* name = unit_name(value.of(item));
        if (name != nullptr && *name == unit.name)
            value.of(item).error("this is the unit's own name");
        else if (name != nullptr)
            unit.aliases.push_back(*name);
    }
}

namespace {

bool is_truth(core::Condition::Kind kind) {
    return kind == core::Condition::Kind::container || kind == core::Condition::Kind::first_boot ||
           kind == core::Condition::Kind::ac_power;
}

bool is_path(core::Condition::Kind kind) {
    return kind == core::Condition::Kind::path_exists || kind == core::Condition::Kind::path_missing ||
           kind == core::Condition::Kind::path_matches || kind == core::Condition::Kind::directory_not_empty;
}

} // namespace

// A condition is negated by a '!' before the value, or before the key ("!container" = true).
void condition_into(const Value& value, core::Unit& unit, core::Condition::Kind kind) {
    bool negated_key = value.node().key.starts_with('!');
    if (is_truth(kind)) {
        if (std::optional<bool> truth = value.boolean())
            unit.conditions.push_back({kind, negated_key, *truth ? "true" : "false"});
        return;
    }
    std::span<const Node> items(&value.node(), 1);
    if (value.node().kind == Node::Kind::array)
        items = value.node().items;
    for (const Node& item : items) {
        Value each = value.of(item);
        const std::string* word = each.text("a string or an array of strings");
        if (word == nullptr)
            continue;
        bool negated = word->starts_with('!');
        std::string argument = word->substr(negated ? 1 : 0);
        if (is_path(kind) && !argument.starts_with('/')) {
            each.expected("an absolute path");
            continue;
        }
        if (kind == core::Condition::Kind::program && argument.find('/') != std::string::npos &&
            !argument.starts_with('/')) {
            each.expected("the name of a program, or an absolute path");
            continue;
        }
        if (argument.empty()) {
            each.error("is empty");
            continue;
        }
        if (kind == core::Condition::Kind::capability && !capability_of(each, argument))
            continue;
        unit.conditions.push_back({kind, negated != negated_key, std::move(argument)});
    }
}

// sense.cpp checks that `command` or `script` is present and not empty.
void command(const Value& value, core::Unit& unit) {
    if (is_empty(value.node()))
        return;
    if (std::optional<core::Command> words = value.command())
        unit.service.command = std::move(*words);
}

void script(const Value& value, core::Unit& unit) {
    const std::string* lines = value.text();
    if (lines == nullptr || lines->empty())
        return;
    if (trim(*lines).empty())
        return value.error("the script is empty");
    unit.service.command = {"/bin/sh", "-eu", "-c", *lines, unit.name};
}

void reload_command(const Value& value, core::Unit& unit) {
    if (is_empty(value.node()))
        return;
    if (std::optional<core::Command> words = value.command())
        part(unit, static_cast<core::Hooks*>(nullptr)).reload = std::move(*words);
}

void reload_signal(const Value& value, core::Unit& unit) {
    if (value.node().kind == Node::Kind::text && value.node().text == "none") {
        unit.service.reload_signal = 0;
        unit.service.reload_signal_said = true;
        return;
    }
    if (std::optional<int> number = value.signal()) {
        unit.service.reload_signal = *number;
        unit.service.reload_signal_said = true;
    }
}

namespace {

void exits_into(const Value& value, std::vector<core::Exit>& member) {
    const std::vector<Node>* items = value.array("an array of exit codes and signal names");
    if (items == nullptr)
        return;
    member.clear();
    for (const Node& item : *items) {
        Value each = value.of(item);
        if (item.kind == Node::Kind::text) {
            if (std::optional<int> signal = each.signal())
                member.push_back({true, *signal});
        } else if (std::optional<std::int64_t> code = each.integer(0, 255)) {
            member.push_back({false, static_cast<int>(*code)});
        }
    }
}

core::RestartExceptions& exceptions_of(core::Unit& unit) {
    if (!unit.service.restart_exceptions)
        unit.service.restart_exceptions = std::make_unique<core::RestartExceptions>();
    return *unit.service.restart_exceptions;
}

} // namespace

void success_exit(const Value& value, core::Unit& unit) {
    if (value.node().kind == Node::Kind::array && value.node().items.empty())
        return value.error("is empty: then nothing would ever succeed", "the default is [0]");
    exits_into(value, unit.service.success_exit);
}

void restart_prevent_exit(const Value& value, core::Unit& unit) { exits_into(value, exceptions_of(unit).prevent); }
void restart_force_exit(const Value& value, core::Unit& unit) { exits_into(value, exceptions_of(unit).force); }

void watchdog(const Value& value, core::Unit& unit) {
    if (value.node().kind == Node::Kind::text && value.node().text == "off")
        unit.service.watchdog = Span{0};
    else
        value.into(unit.service.watchdog);
}

} // namespace mi::config::read
