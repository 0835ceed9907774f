#include "config/document.hpp"

#include "base/printable.hpp"
#include "base/unreachable.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mi::config {

const Node* Node::find(std::string_view name) const {
    for (const Node& item : items)
        if (item.key == name)
            return &item;
    return nullptr;
}

bool Node::is_table_array() const {
    return kind == Kind::array && !items.empty() &&
           std::all_of(items.begin(), items.end(), [](const Node& item) { return item.kind == Kind::table; });
}

bool is_empty(const Node& node) {
    return (node.kind == Node::Kind::array && node.items.empty()) ||
           (node.kind == Node::Kind::text && node.text.empty());
}

std::uint16_t Reading::add_file(std::string path, std::string_view text) {
    files_.push_back({std::move(path), text});
    return static_cast<std::uint16_t>(files_.size() - 1);
}

void Reading::error(Place place, std::string message, std::string suggestion) {
    failed_ = true;
    report(place, Severity::error, std::move(message), std::move(suggestion));
}

void Reading::warning(Place place, std::string message, std::string suggestion) {
    report(place, Severity::warning, std::move(message), std::move(suggestion));
}

void Reading::report(Place place, Severity severity, std::string&& message, std::string&& suggestion) {
    if (full())
        return;
    const File& file = files_[place.file];
    std::string source_line;
    if (place.line != 0) {
        std::string_view rest = file.text;
        for (std::uint32_t line = 1; line < place.line && !rest.empty(); ++line)
            rest.remove_prefix(std::min(rest.size(), rest.find('\n') == rest.npos ? rest.size() : rest.find('\n') + 1));
        source_line = rest.substr(0, rest.find('\n'));
        if (source_line.ends_with('\r'))
            source_line.pop_back();
        if (place.line == 1 && source_line.starts_with("\xef\xbb\xbf"))
            source_line.erase(0, 3);
    }
    found_.push_back({place,
                      found_.size(),
                      {file.path, place.line, place.column, severity, std::move(message), std::move(source_line),
                       std::move(suggestion)}});
}

void Reading::sort() {
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
        return std::tie(a.place.file, a.place.line, a.place.column, a.number) <
               std::tie(b.place.file, b.place.line, b.place.column, b.number);
    });
}

std::vector<Problem> Reading::take_problems() {
    sort();
    std::vector<Problem> problems;
    problems.reserve(found_.size());
    for (Found& found : found_)
        problems.push_back(std::move(found.problem));
    found_.clear();
    return problems;
}

const Problem& Reading::first_error() {
    sort();
    return std::find_if(found_.begin(), found_.end(),
                        [](const Found& found) { return found.problem.severity == Severity::error; })
        ->problem;
}

namespace {

// The item of `array` that has the same `name` as `item`.
Node* same_name(Node& array, const Node& item) {
    const Node* name = item.find("name");
    if (name == nullptr || name->kind != Node::Kind::text)
        return nullptr;
    for (Node& each : array.items)
        if (const Node* other = each.find("name");
            other != nullptr && other->kind == Node::Kind::text && other->text == name->text)
            return &each;
    return nullptr;
}

} // namespace

void merge(Node& base, Node&& over) {
    for (Node& item : over.items) {
        auto old =
            std::find_if(base.items.begin(), base.items.end(), [&](const Node& each) { return each.key == item.key; });
        if (old == base.items.end()) {
            base.items.push_back(std::move(item));
        } else if (old->kind == Node::Kind::table && item.kind == Node::Kind::table &&
                   !(item.in_line && item.items.empty())) {
            merge(*old, std::move(item));
        } else if (old->is_table_array() && item.is_table_array()) {
            for (Node& element : item.items) {
                if (Node* same = same_name(*old, element))
                    merge(*same, std::move(element));
                else
                    old->items.push_back(std::move(element));
            }
        } else {
            *old = std::move(item);
        }
    }
}

void expand(Node& node, std::string_view name, std::string_view instance) {
    for (Node& item : node.items)
        expand(item, name, instance);
    std::size_t at = node.kind == Node::Kind::text ? node.text.find("${") : std::string::npos;
    while (at != std::string::npos) {
        std::string_view rest = std::string_view(node.text).substr(at);
        std::string_view word;
        std::string value;
        if (rest.starts_with("${name}"))
            word = "${name}", value = name;
        else if (rest.starts_with("${instance}") && !instance.empty())
            word = "${instance}", value = instance;
        else if (rest.starts_with("${instance-path}") && !instance.empty()) {
            word = "${instance-path}", value = instance;
            std::ranges::replace(value, '-', '/'); // as systemd's names of units have paths
        }
        if (word.empty()) {
            at += 2;
        } else if (at > 0 && node.text[at - 1] == '$') {
            node.text.erase(at - 1, 1);
            at += word.size() - 1;
        } else {
            node.text.replace(at, word.size(), value);
            at += value.size();
        }
        at = node.text.find("${", at);
    }
}

namespace {

bool is_bare_key(std::string_view key) {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

void append_toml(std::string& line, const Node& node) {
    std::string_view separator;
    switch (node.kind) {
    case Node::Kind::text: (void)append_quoted(line, node.text, Quoting::toml); return;
    case Node::Kind::integer: line += std::to_string(node.integer); return;
    case Node::Kind::real: line += std::to_string(node.real); return;
    case Node::Kind::boolean: line += node.truth ? "true" : "false"; return;
    case Node::Kind::date: line += node.text; return;
    case Node::Kind::array:
        line += '[';
        for (const Node& item : node.items) {
            line += std::exchange(separator, ", ");
            append_toml(line, item);
        }
        line += ']';
        return;
    case Node::Kind::table:
        line += '{';
        for (const Node& item : node.items) {
            line += separator.empty() ? " " : ", ";
            separator = ", ";
            if (is_bare_key(item.key))
                line += item.key;
            else
                (void)append_quoted(line, item.key, Quoting::toml);
            line += " = ";
            append_toml(line, item);
        }
        line += node.items.empty() ? "}" : " }";
        return;
    }
    unreachable("there is no other kind of node");
}

std::uint64_t mix(std::uint64_t hash, std::string_view bytes) {
    return fnv_step(fnv(bytes, hash), 0x1ff); // marks the end, so that "ab","c" and "a","bc" differ
}

} // namespace

std::string toml_text(const Node& node) {
    std::string line;
    append_toml(line, node);
    return line;
}

std::uint64_t digest(const Node& node, std::uint64_t seed) {
    std::uint64_t hash = mix(seed ^ static_cast<std::uint64_t>(node.kind), node.key);
    hash = mix(hash ^ static_cast<std::uint64_t>(node.integer) ^ (node.truth ? 1u : 0u), node.text);
    if (node.kind == Node::Kind::table) {
        // The order of keys has no meaning, so their digests are added.
        std::uint64_t sum = 0;
        for (const Node& item : node.items)
            sum += digest(item);
        return fnv_step(hash, sum);
    }
    for (const Node& item : node.items)
        hash = digest(item, hash);
    return hash;
}

} // namespace mi::config
