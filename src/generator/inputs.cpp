#include "generator/inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

namespace mi::generator {

namespace {

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}
std::string_view name_of(const std::string& path) { return std::string_view(path).substr(path.rfind('/') + 1); }

const config::Entry* find_entry(const config::Directory& directory, std::string_view name) {
    const auto found = std::ranges::lower_bound(directory.entries, name, {}, &config::Entry::name);
    return found != directory.entries.end() && found->name == name ? &*found : nullptr;
}

} // namespace

// What is known of the directory above; null: it was not listed.
const Inputs::Known* Inputs::above(const std::string& path) const {
    const auto known = known_.find(parent_of(path));
    return known != known_.end() && known->second.listed ? &known->second : nullptr;
}

// Most directories that are asked for do not exist (NAME.d for each unit). The listing of the one above says so.
const config::Directory& Inputs::directory(const std::string& path) const {
    static const config::Directory none;
    const Known* parent = above(path);
    if (parent != nullptr && find_entry(parent->directory, name_of(path)) == nullptr)
        return none;
    Known& known = known_[path];
    config::Directory& directory = known.directory;
    if (std::exchange(known.listed, true))
        return directory;
    if (auto opened = config::open_directory(source_, path))
        directory = std::move(*opened);
    if (directory.refused) {
        refused_.emplace_back(path).append(": nothing in it is used: a unit ").append(directory.refused.why);
        directory.entries.clear();
    }
    return directory;
}

const config::Content& Inputs::content(const std::string& path) const {
    // Files outside the unit directories (/etc/passwd) do not depend on all that is beside them.
    const Known* parent = above(path);
    Known& known = known_[path];
    config::Content& content = known.content;
    if (std::exchange(known.read, true))
        return content;
    if (parent == nullptr)
        content = config::read_path(source_, path, config::largest_unit);
    else if (const config::Entry* entry = find_entry(parent->directory, name_of(path)))
        content = config::read_entry(source_, parent->directory, *entry, config::largest_unit);
    if (!content.reason.cure.empty())
        refused_.emplace_back(path).append(": not used: it ").append(content.reason.why);
    return content;
}

std::optional<std::string> Inputs::text(const std::string& path) const {
    const config::Content& found = content(path);
    return found.kind == config::Content::Kind::text ? std::optional(found.text) : std::nullopt;
}

bool Inputs::is_mask(const std::string& path) const { return content(path).kind == config::Content::Kind::mask; }

std::string Inputs::link(const std::string& path) const {
    const config::Directory& parent = directory(parent_of(path));
    const config::Entry* entry = find_entry(parent, name_of(path));
    if (entry == nullptr || entry->regular || entry->directory)
        return {};
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(parent.fd.get(), entry->name.c_str(), target, sizeof target);
    return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string();
}

std::vector<std::string> Inputs::names(const std::string& path) const {
    std::vector<std::string> names;
    for (const config::Entry& entry : directory(path).entries)
        names.push_back(entry.name);
    return names;
}

mode_t Inputs::mode_for(const std::vector<std::string>& files) const {
    config::Rights rights;
    for (const std::string& file : files)
        if (const auto known = known_.find(file); known != known_.end())
            rights.limit(known->second.content.rights);
    return (rights.mode & 0004) != 0 ? 0644 : 0600;
}

std::vector<std::string> Inputs::paths() const {
    std::vector<std::string> paths;
    for (const auto& [path, known] : known_)
        if (known.listed || known.content.kind != config::Content::Kind::missing || above(path) == nullptr)
            paths.push_back(path);
    return paths;
}

} // namespace mi::generator
