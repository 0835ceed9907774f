#include "generator/inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>

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

// Most directories that are asked for do not exist (NAME.d for each unit). The listing of the one above says so.
const config::Directory& Inputs::directory(const std::string& path) const {
    if (const auto known = directories_.find(path); known != directories_.end())
        return known->second;
    if (const auto above = directories_.find(parent_of(path)); above != directories_.end()) {
        static const config::Directory none;
        if (!above->second.fd || find_entry(above->second, name_of(path)) == nullptr)
            return none;
    }
    config::Directory& directory = directories_[path];
    if (auto opened = config::open_directory(source_, path))
        directory = std::move(*opened);
    if (directory.refused) {
        refused_.push_back(path + ": nothing in it is used: a unit " + directory.refused.why);
        directory.entries.clear();
    }
    return directory;
}

const config::Content& Inputs::content(const std::string& path) const {
    const auto [at, fresh] = contents_.try_emplace(path);
    if (!fresh)
        return at->second;
    // Files outside the unit directories (/etc/passwd) do not depend on all that is beside them.
    const auto parent = directories_.find(parent_of(path));
    if (parent == directories_.end())
        at->second = config::read_path(source_, path, config::largest_unit);
    else if (const config::Entry* entry = find_entry(parent->second, name_of(path)))
        at->second = config::read_entry(source_, parent->second, *entry, config::largest_unit);
    if (const config::Distrust& reason = at->second.reason; !reason.cure.empty())
        refused_.push_back(path + ": not used: it " + reason.why);
    return at->second;
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
        if (const auto read = contents_.find(file); read != contents_.end())
            rights.limit(read->second.rights);
    return (rights.mode & 0004) != 0 ? 0644 : 0600;
}

std::vector<std::string> Inputs::paths() const {
    std::vector<std::string> paths;
    for (const auto& [path, directory] : directories_)
        paths.push_back(path);
    for (const auto& [path, content] : contents_)
        if (content.kind != config::Content::Kind::missing || !directories_.contains(parent_of(path)))
            paths.push_back(path);
    return paths;
}

} // namespace mi::generator
