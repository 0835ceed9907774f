#include "config/library.hpp"

#include "config/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

namespace mi::config {

namespace {

constexpr std::string_view suffix = ".toml";
constexpr std::string_view drop_in_suffix = ".toml.d";

// `getty@` for `getty@tty1`; empty if `name` is no instance.
std::string_view template_of(std::string_view name) {
    std::size_t at = name.find('@');
    return at == std::string_view::npos || at + 1 == name.size() ? std::string_view{} : name.substr(0, at + 1);
}

} // namespace

void Library::file_problem(const std::string& path, const std::string& message, std::string suggestion,
                           Severity severity) {
    problems_.push_back({path, 0, 0, severity, message, {}, std::move(suggestion)});
}

void Library::find() {
    read_bundle_file();
    std::vector<std::string> paths = source_.directories;
    const std::size_t named = paths.size();
    if (!source_.transient.empty())
        paths.push_back(source_.transient);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        Result<Directory> directory = open_directory(source_, paths[i]);
        if (!directory) {
            if (directory.error().code != ENOENT || (source_.directories_required && i < named))
                file_problem(source_.root + paths[i], Fault{directory.error().code, "cannot be read"}.text());
            directories_.emplace_back();
            continue;
        }
        if (const Distrust& refused = directory->refused)
            file_problem(directory->path, "nothing in it is used: a unit " + refused.why, refused.help(source_));
        directories_.push_back(std::move(*directory));
        scan(directories_.back(), static_cast<int>(i));
        if (i == 0)
            read_switches(directories_.back());
    }
    sort();
}

void Library::scan(const Directory& directory, int index) {
    for (const Entry& entry : directory.entries) {
        std::string_view name = entry.name;
        bool drop_in = name.ends_with(drop_in_suffix);
        if (!drop_in && !name.ends_with(suffix))
            continue;
        name.remove_suffix(drop_in ? drop_in_suffix.size() : suffix.size());
        if (std::string_view wrong = name_fault(name); !wrong.empty()) {
            file_problem(directory.path + '/' + entry.name, "cannot name a unit: " + std::string(wrong));
            continue;
        }
        (drop_in ? drop_ins_ : definitions_).push_back({std::string(name), index, entry});
    }
}

void Library::read_switches(const Directory& admin) {
    for (std::string_view which : {"enabled", "disabled"}) {
        auto there = [&](const Entry& entry) { return entry.name == which; };
        if (std::none_of(admin.entries.begin(), admin.entries.end(), there))
            continue;
        Result<Directory> links = open_directory(source_, admin, std::string(which));
        if (!links) {
            file_problem(admin.path + '/' + std::string(which), Fault{links.error().code, "cannot be read"}.text());
            continue;
        }
        if (const Distrust& refused = links->refused) {
            file_problem(links->path, "not looked at: a link in it " + refused.why, refused.help(source_));
            continue;
        }
        for (const Entry& entry : links->entries) {
            std::string_view name = entry.name;
            if (name.ends_with(suffix))
                name.remove_suffix(suffix.size());
            if (!name_fault(name).empty() || name.ends_with('@'))
                file_problem(links->path + '/' + entry.name, "is not the name of a unit", {}, Severity::warning);
            else
                (which == "enabled" ? enabled_ : disabled_).emplace(name);
        }
    }
    for (const std::string& name : enabled_)
        if (disabled_.contains(name))
            file_problem(admin.path + "/enabled/" + name, "is also in disabled, which counts", {}, Severity::warning);
}

void Library::read_bundle_file() {
    if (source_.config.empty())
        return;
    Content content = read_path(source_, source_.config, largest_bundle);
    std::string path = source_.root + source_.config;
    switch (content.kind) {
    case Content::Kind::missing:
        if (source_.config_required)
            file_problem(path, "does not exist");
        return;
    case Content::Kind::mask: return;
    case Content::Kind::refused: return file_problem(path, content.reason.why, content.reason.help(source_));
    case Content::Kind::text: break;
    }
    take_bundle(content.text, path);
    bundle_rights_ = content.rights;
}

void Library::take(std::vector<Problem>&& problems) {
    problems_.insert(problems_.end(), std::make_move_iterator(problems.begin()),
                     std::make_move_iterator(problems.end()));
}

void Library::take_bundle(std::string_view text, std::string_view filename) {
    bundle_path_ = filename;
    bundle_text_ = text;
    Reading parsing;
    Node tree = parse_document(parsing, parsing.add_file(bundle_path_, bundle_text_), bundle_text_);
    std::vector<Problem> syntax = parsing.take_problems();
    Reading reading;
    reading.add_file(bundle_path_, bundle_text_);
    reading.incomplete = parsing.incomplete;
    manager_ = read_manager(reading, tree);
    auto units =
        std::find_if(tree.items.begin(), tree.items.end(), [](const Node& item) { return item.key == "units"; });
    if (units != tree.items.end() && units->kind == Node::Kind::table) {
        units_ = std::move(*units);
        tree.items.erase(units);
    }
    if (!syntax.empty())
        blame_units(syntax, tree);
    for (std::size_t i = 0; i < units_.items.size(); ++i) {
        const Node& item = units_.items[i];
        if (std::string_view wrong = name_fault(item.key); !wrong.empty())
            reading.error(item.key_place, "\"" + item.key + "\" cannot name a unit: " + std::string(wrong));
        else if (item.kind != Node::Kind::table)
            reading.error(item.key_place, "`units." + item.key + "`: expected a table",
                          "write [units." + item.key + "]");
        else
            definitions_.push_back({item.key, Definition::in_bundle, {}, i});
    }
    take(std::move(syntax));
    take(reading.take_problems());
    sort();
}

namespace {

// The lines on which tables begin, each with the unit that the table belongs to.
using Headers = std::vector<std::pair<std::uint32_t, const Node*>>;

void collect_headers(const Node& node, const Node* unit, Headers& headers) {
    if (node.kind != Node::Kind::table && !node.is_table_array())
        return;
    headers.emplace_back(node.place.line, unit);
    for (const Node& item : node.items)
        collect_headers(item, unit, headers);
}

Headers headers_of(const Node& settings, const Node& units) {
    Headers headers;
    for (const Node& item : settings.items)
        collect_headers(item, nullptr, headers);
    for (const Node& unit : units.items)
        collect_headers(unit, &unit, headers);
    std::sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return headers;
}

// The unit whose table contains line `line`; null for a table of the settings.
const Node* owner_of(const Headers& headers, std::uint32_t line) {
    auto after = std::upper_bound(headers.begin(), headers.end(), line,
                                  [](std::uint32_t wanted, const auto& header) { return wanted < header.first; });
    return after == headers.begin() ? nullptr : std::prev(after)->second;
}

} // namespace

// A syntax error makes only that unit unusable in whose tables it is: its lines were left out.
void Library::blame_units(const std::vector<Problem>& syntax, const Node& settings) {
    Headers headers = headers_of(settings, units_);
    for (const Problem& problem : syntax)
        if (const Node* unit = owner_of(headers, problem.line))
            broken_.try_emplace(unit->key, Place{0, problem.line, problem.column}, problem);
}

std::string Library::bundle_text(std::string_view name) const {
    const Definition* definition = find_definition(name);
    if (definition == nullptr || definition->directory != Definition::in_bundle)
        return {};
    const Node& unit = units_.items[definition->item];
    Headers headers = headers_of({}, units_);
    std::string part;
    std::string_view rest = bundle_text_;
    for (std::uint32_t line = 1; !rest.empty(); ++line) {
        std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
        if (owner_of(headers, line) == &unit)
            part += rest.substr(0, end);
        rest.remove_prefix(end);
    }
    return part;
}

void Library::sort() {
    std::sort(definitions_.begin(), definitions_.end(), [](const Definition& a, const Definition& b) {
        return a.name != b.name ? a.name < b.name : a.directory < b.directory;
    });
    std::sort(drop_ins_.begin(), drop_ins_.end(), [](const Definition& a, const Definition& b) {
        return a.name != b.name ? a.name < b.name : a.directory < b.directory;
    });
}

std::vector<std::string> Library::names() const {
    std::vector<std::string> names;
    names.reserve(definitions_.size());
    for (const Definition& each : definitions_)
        if (!each.name.ends_with('@') && (names.empty() || names.back() != each.name))
            names.push_back(each.name);
    return names;
}

std::vector<std::string> Library::templates() const {
    std::vector<std::string> names;
    for (const Definition& each : definitions_)
        if (each.name.ends_with('@') && (names.empty() || names.back() != each.name))
            names.push_back(each.name);
    return names;
}

std::optional<bool> Library::switched(std::string_view name) const {
    if (disabled_.find(name) != disabled_.end())
        return false;
    if (enabled_.find(name) != enabled_.end())
        return true;
    return std::nullopt;
}

void Library::warn_of_strays() {
    for (const Definition& each : drop_ins_)
        if (find_definition(each.name) == nullptr)
            file_problem(directories_[static_cast<std::size_t>(each.directory)].path + '/' + each.entry.name,
                         "drop-ins of a unit that no file defines", {}, Severity::warning);
}

const Library::Definition* Library::find_definition(std::string_view name) const {
    for (std::string_view wanted : {name, template_of(name)}) {
        auto found = std::lower_bound(definitions_.begin(), definitions_.end(), wanted,
                                      [](const Definition& each, std::string_view key) { return each.name < key; });
        if (!wanted.empty() && found != definitions_.end() && found->name == wanted)
            return &*found;
    }
    return nullptr;
}

std::optional<Assembly> Library::assemble(std::string_view name) const {
    const Definition* definition = find_definition(name);
    if (definition == nullptr)
        return std::nullopt;
    Assembly assembly;
    if (definition->directory == Definition::in_bundle) {
        assembly.in_bundle = true;
        assembly.source = bundle_path_ + " [units." + definition->name + "]";
        assembly.paths.push_back(bundle_path_);
        assembly.rights.push_back(bundle_rights_);
        assembly.reading.add_file(bundle_path_, bundle_text_);
        assembly.tree = units_.items[definition->item];
        if (auto broken = broken_.find(definition->name); broken != broken_.end()) {
            assembly.reading.error(broken->second.first, broken->second.second.message,
                                   broken->second.second.suggestion);
            assembly.reading.incomplete = true;
        }
    } else {
        const Directory& directory = directories_[static_cast<std::size_t>(definition->directory)];
        assembly.source = directory.path + '/' + definition->entry.name;
        Content content = read_entry(source_, directory, definition->entry, largest_unit);
        if (content.kind == Content::Kind::missing)
            return std::nullopt; // it was just removed
        assembly.paths.push_back(assembly.source);
        assembly.rights.push_back(content.rights);
        assembly.texts.push_back(std::make_unique<std::string>(std::move(content.text)));
        std::uint16_t file = assembly.reading.add_file(assembly.source, *assembly.texts.back());
        assembly.masked = content.kind == Content::Kind::mask;
        if (content.kind == Content::Kind::refused) {
            assembly.reading.error({file, 0, 0}, content.reason.why, content.reason.help(source_));
            assembly.readable = false;
        }
        if (assembly.masked || !assembly.readable)
            return assembly;
        assembly.tree = parse_document(assembly.reading, file, *assembly.texts.back());
    }
    add_drop_ins(assembly, name);
    return assembly;
}

void Library::add_drop_ins(Assembly& assembly, std::string_view name) const {
    // The directories of an instance come before those of its template, and the first file of each name counts.
    std::vector<Directory> directories;
    for (std::string_view wanted : {name, template_of(name)}) {
        auto at = std::lower_bound(drop_ins_.begin(), drop_ins_.end(), wanted,
                                   [](const Definition& each, std::string_view key) { return each.name < key; });
        for (; at != drop_ins_.end() && at->name == wanted; ++at) {
            const Directory& parent = directories_[static_cast<std::size_t>(at->directory)];
            if (Result<Directory> opened = open_directory(source_, parent, at->entry.name)) {
                directories.push_back(std::move(*opened));
            } else if (opened.error().code != ENOENT) {
                std::uint16_t file = assembly.reading.add_file(parent.path + '/' + at->entry.name, {});
                assembly.reading.error({file, 0, 0}, Fault{opened.error().code, "cannot be read"}.text());
            }
        }
    }
    std::map<std::string_view, std::pair<const Directory*, const Entry*>> files;
    for (const Directory& directory : directories)
        for (const Entry& entry : directory.entries)
            if (entry.name.ends_with(suffix))
                files.try_emplace(entry.name, &directory, &entry);
    for (const auto& [file_name, found] : files) {
        Content content = read_entry(source_, *found.first, *found.second, largest_unit);
        if (content.kind == Content::Kind::missing || content.kind == Content::Kind::mask)
            continue;
        assembly.paths.push_back(found.first->path + '/' + found.second->name);
        assembly.rights.push_back(content.rights);
        assembly.texts.push_back(std::make_unique<std::string>(std::move(content.text)));
        std::uint16_t file = assembly.reading.add_file(assembly.paths.back(), *assembly.texts.back());
        if (content.kind == Content::Kind::refused) {
            assembly.reading.error({file, 0, 0}, content.reason.why, content.reason.help(source_));
            assembly.paths.pop_back();
            assembly.texts.pop_back();
            assembly.rights.pop_back();
            continue;
        }
        merge(assembly.tree, parse_document(assembly.reading, file, *assembly.texts.back()));
    }
}

} // namespace mi::config
