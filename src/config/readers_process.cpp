// Reads the values of [process] that are more than a word or a number, and similar ones of miniinit.toml.
#include "config/readers.hpp"

#include "base/resource_limits.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace mi::config::read {

core::Process& part(core::Unit& unit, core::Process*) {
    if (!unit.process)
        unit.process = std::make_unique<core::Process>();
    return *unit.process;
}

namespace {

core::Process& process(core::Unit& unit) { return part(unit, static_cast<core::Process*>(nullptr)); }

bool is_account(std::string_view name) {
    return !name.empty() && name.size() < 256 && name.front() != '-' &&
           std::none_of(
               name.begin(), name.end(),
               [](char c) {
                   return c == ':' || c == '/' || c == ',' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
               });
}

void accounts_into(const Value& value, std::vector<std::string>& member) {
    const std::vector<Node>* items = value.array("an array of names");
    if (items == nullptr)
        return;
    member.clear();
    for (const Node& item : *items)
        account_into(value.of(item), member.emplace_back());
}

} // namespace

void account_into(const Value& value, std::string& member) {
    const Node& node = value.node();
    if (node.kind == Node::Kind::integer && node.integer >= 0 && node.integer < most) {
        member = std::to_string(node.integer);
        return;
    }
    if (node.kind != Node::Kind::text || !is_account(node.text))
        return value.expected("a name or number");
    member = node.text;
}

void supplementary_groups(const Value& value, core::Unit& unit) {
    accounts_into(value, process(unit).supplementary_groups);
}

namespace {

// If the value is an array or a string with assignments: the table to write instead; else empty.
std::string table_of(const Node& node) {
    Node table;
    std::span<const Node> items(&node, 1);
    if (node.kind == Node::Kind::array)
        items = node.items;
    for (const Node& item : items) {
        const std::size_t equals = item.kind == Node::Kind::text ? item.text.find('=') : std::string::npos;
        if (equals == std::string::npos || !is_variable_name(std::string_view(item.text).substr(0, equals)))
            return {};
        Node& entry = table.items.emplace_back();
        entry.kind = Node::Kind::text;
        entry.key = item.text.substr(0, equals);
        entry.text = item.text.substr(equals + 1);
    }
    return table.items.empty() ? std::string() : "write " + toml_text(table);
}

void environment_into(const Value& value, std::vector<std::pair<std::string, std::string>>& member) {
    if (value.node().kind != Node::Kind::table)
        return value.expected("a table of strings", table_of(value.node()));
    for (const Node& item : value.node().items) {
        Value each = value.of(item);
        if (item.kind == Node::Kind::table && !item.items.empty())
            each.expected("a string",
                          "a name with a dot stands in quotes: \"" + item.key + "." + item.items.front().key + "\"");
        else if (!is_variable_name(item.key))
            each.key_error("\"" + item.key + "\" cannot be the name of a variable");
        else if (const std::string* text = each.text())
            member.emplace_back(item.key, *text);
    }
}

void pass_environment_into(const Value& value, std::optional<std::vector<std::string>>& member) {
    const std::vector<Node>* items = value.array("an array of names");
    if (items == nullptr)
        return;
    std::vector<std::string>& names = member.emplace();
    for (const Node& item : *items) {
        const std::string* name = value.of(item).text();
        if (name == nullptr)
            continue;
        if (*name != "*" && !is_variable_name(*name))
            value.of(item).error("\"" + *name + "\" cannot be the name of a variable");
        else
            names.push_back(*name);
    }
}

std::optional<std::uint64_t> limit_value(const Value& value, const ResourceLimit& limit) {
    const Node& node = value.node();
    if (node.kind == Node::Kind::text && node.text == "unlimited")
        return ~std::uint64_t{0};
    if (node.kind == Node::Kind::integer && node.integer >= 0)
        return static_cast<std::uint64_t>(node.integer);
    if (limit.bytes && node.kind == Node::Kind::text)
        return value.size();
    const bool number = node.kind == Node::Kind::text && to_number<std::uint64_t>(node.text);
    const bool none = node.kind == Node::Kind::text && (node.text == "infinity" || node.text == "none");
    value.expected(limit.bytes ? "a size or \"unlimited\"" : "a number or \"unlimited\"",
                   none     ? "write \"unlimited\""
                   : number ? "write " + node.text + " without quotes"
                            : "");
    return std::nullopt;
}

void limits_into(const Value& value, std::vector<core::Limit>& member) {
    if (value.node().kind != Node::Kind::table)
        return value.expected("a table such as { nofile = 65536, core = 0 }");
    for (const Node& item : value.node().items) {
        Value each = value.of(item);
        auto limit = std::find_if(std::begin(resource_limits), std::end(resource_limits),
                                  [&](const ResourceLimit& name) { return name.name == item.key; });
        if (limit == std::end(resource_limits)) {
            std::vector<std::string_view> names;
            for (const ResourceLimit& name : resource_limits)
                names.push_back(name.name);
            std::string_view near = nearest(item.key, names);
            each.key_error("there is no limit \"" + item.key + "\"",
                           near.empty() ? "the limits are " + listing(names)
                                        : "did you mean \"" + std::string(near) + "\"?");
            continue;
        }
        std::optional<std::uint64_t> soft, hard;
        if (item.kind == Node::Kind::array) {
            if (item.items.size() != 2) {
                each.expected("[soft, hard]");
                continue;
            }
            soft = limit_value(each.of(item.items[0]), *limit);
            hard = limit_value(each.of(item.items[1]), *limit);
        } else {
            soft = hard = limit_value(each, *limit);
        }
        if (!soft || !hard)
            continue;
        if (*soft > *hard)
            each.error("the soft limit of \"" + item.key + "\" is above the hard one");
        else
            member.push_back({limit->resource, *soft, *hard});
    }
}

} // namespace

namespace {

// The name of a file: in a directory of its own, where those that begin with a dot are the init's.
bool is_credential_name(std::string_view name) {
    return !name.empty() && name.size() <= 200 && name.front() != '.' &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

void secrets_into(const Value& value, std::vector<std::pair<std::string, std::string>>& member,
                  bool (*is_name)(std::string_view), std::string_view no_name) {
    if (value.node().kind != Node::Kind::table)
        return value.expected("a table of paths such as { db-password = \"/run/secrets/db\" }", table_of(value.node()));
    for (const Node& item : value.node().items) {
        const Value each = value.of(item);
        const std::string* path = nullptr;
        if (item.kind == Node::Kind::table && !item.items.empty())
            each.expected("a path",
                          "a name with a dot stands in quotes: \"" + item.key + "." + item.items.front().key + "\"");
        else if (!is_name(item.key))
            each.key_error("\"" + item.key + "\" cannot be the name of a " + std::string(no_name));
        else
            path = each.text("a path");
        if (path == nullptr)
            continue;
        if (path->starts_with('/'))
            member.emplace_back(item.key, *path);
        else if (is_credential_name(*path))
            member.emplace_back(item.key, "/run/credentials/@system/" + *path);
        else
            each.expected("an absolute path, or the name of a credential of the machine");
    }
}

} // namespace

void environment_from(const Value& value, core::Unit& unit) {
    secrets_into(value, process(unit).environment_from, is_variable_name, "variable");
}
void credentials(const Value& value, core::Unit& unit) {
    secrets_into(value, process(unit).credentials, is_credential_name, "credential");
}
void environment(const Value& value, core::Unit& unit) { environment_into(value, process(unit).environment); }
void pass_environment(const Value& value, core::Unit& unit) {
    pass_environment_into(value, process(unit).pass_environment);
}
void unset_environment(const Value& value, core::Unit& unit) {
    std::optional<std::vector<std::string>> names;
    pass_environment_into(value, names);
    if (names && std::ranges::find(*names, "*") != names->end())
        value.error("\"*\" is no name of a variable");
    else if (names)
        process(unit).unset_environment = std::move(*names);
}
void limits(const Value& value, core::Unit& unit) { limits_into(value, process(unit).limits); }
void manager_environment(const Value& value, core::ManagerSettings& settings) {
    environment_into(value, settings.environment);
}
void manager_pass_environment(const Value& value, core::ManagerSettings& settings) {
    pass_environment_into(value, settings.pass_environment);
}
void manager_limits(const Value& value, core::ManagerSettings& settings) { limits_into(value, settings.limits); }

void environment_files(const Value& value, core::Unit& unit) {
    const std::vector<Node>* items = value.array("an array of absolute paths");
    if (items == nullptr)
        return;
    for (const Node& item : *items) {
        const std::string* path = value.of(item).text("an absolute path");
        if (path == nullptr)
            continue;
        bool optional = path->starts_with('-');
        std::string name = path->substr(optional ? 1 : 0);
        if (!name.starts_with('/'))
            value.of(item).expected("an absolute path");
        else
            process(unit).environment_files.push_back({std::move(name), optional});
    }
}

namespace {

// The path of `file:PATH`; nullopt if the value has another form. Reports a path that is not absolute.
std::optional<std::string> file_of(const Value& value) {
    constexpr std::string_view prefix = "file:";
    if (value.node().kind != Node::Kind::text || !value.node().text.starts_with(prefix))
        return std::nullopt;
    std::string path = value.node().text.substr(prefix.size());
    if (!path.starts_with('/'))
        value.expected("file: and an absolute path");
    return path;
}

void output_into(const Value& value, core::Output& kind, std::string& path) {
    if (std::optional<std::string> file = file_of(value)) {
        kind = core::Output::file;
        path = std::move(*file);
        return;
    }
    using enum core::Output;
    constexpr Choice<core::Output> words[] = {
        {"log", log}, {"console", console}, {"null", null}, {"inherit", inherit}, {"socket", socket}};
    for (const Choice<core::Output>& choice : words) {
        if (value.node().kind == Node::Kind::text && choice.word == value.node().text) {
            kind = choice.value;
            return;
        }
    }
    value.not_one_of({"log", "console", "null", "inherit", "socket", "file:PATH"});
}

} // namespace

void standard_input(const Value& value, core::Unit& unit) {
    core::Process& into = process(unit);
    if (std::optional<std::string> file = file_of(value)) {
        into.input = core::Input::file;
        into.input_path = std::move(*file);
    } else if (value.node().text == "null") {
        into.input = core::Input::null;
    } else if (value.node().text == "tty") {
        into.input = core::Input::tty;
    } else if (value.node().text == "socket") {
        into.input = core::Input::socket;
    } else {
        value.not_one_of({"null", "tty", "socket", "file:PATH"});
    }
}

void standard_output(const Value& value, core::Unit& unit) {
    output_into(value, process(unit).output, process(unit).output_path);
}

void standard_error(const Value& value, core::Unit& unit) {
    output_into(value, process(unit).error, process(unit).error_path);
}

void tty(const Value& value, core::Unit& unit) {
    const std::string* path = value.text("the path of a terminal");
    if (path == nullptr)
        return;
    if (!path->starts_with("/dev/"))
        return value.expected("a path below /dev", path->find('/') == path->npos ? "write \"/dev/" + *path + "\"" : "");
    process(unit).tty = *path;
}

} // namespace mi::config::read
