// The output of `minictl show` and `cat`: each setting of a unit with the line that it comes from, and its files
// unchanged.
#include "config/keys.hpp"
#include "config/library.hpp"
#include "config/reader.hpp"

#include <algorithm>
#include <cerrno>

namespace mi::config {

namespace {

class Shower {
public:
    explicit Shower(const Assembly& assembly) : assembly_(assembly) {}

    // Adds every row of one table that is present in `node` (null: none is); with `defaults`, also the others.
    void section(const Node* node, std::string_view name, std::string_view prefix, bool defaults) {
        for (const KeyInfo& row : section_of(unit_keys(), name)) {
            std::string key = prefix.empty() ? std::string(row.key) : std::string(prefix) + "." + std::string(row.key);
            for (std::string_view sign : {"", "!"})
                if (const Node* item = node == nullptr ? nullptr : node->find(std::string(sign) + std::string(row.key)))
                    settings.push_back(
                        {key.substr(0, key.size() - row.key.size()) + std::string(sign) + std::string(row.key),
                         toml_text(*item), place(item->key_place)});
            if (defaults && !row.fallback.empty() && (node == nullptr || node->find(row.key) == nullptr))
                settings.push_back({std::move(key), std::string(row.fallback), "default"});
        }
    }

    std::vector<Setting> settings;

private:
    [[nodiscard]] std::string place(Place at) const {
        return assembly_.reading.path(at.file) + ":" + std::to_string(at.line);
    }

    const Assembly& assembly_;
};

} // namespace

Result<std::vector<Setting>> resolve(const Source& source, std::string_view name) {
    Library library(source);
    library.find();
    std::optional<Assembly> assembly = library.assemble(name);
    if (!assembly)
        return fault(ENOENT, "find unit", std::string(name));
    std::size_t at = name.find('@');
    expand(assembly->tree, name, at == std::string_view::npos ? std::string_view{} : name.substr(at + 1));
    Shower shower(*assembly);
    const Node& tree = assembly->tree;
    shower.section(&tree, "", "", !assembly->masked);
    if (std::optional<bool> enabled = library.switched(name)) {
        auto is_enabled = [](const Setting& setting) { return setting.key == "enabled"; };
        if (auto row = std::find_if(shower.settings.begin(), shower.settings.end(), is_enabled);
            row != shower.settings.end())
            *row = {"enabled", *enabled ? "true" : "false",
                    source.root + source.directories.front() + (*enabled ? "/enabled/" : "/disabled/") +
                        std::string(name)};
    }
    bool service = tree.find("service") != nullptr;
    for (std::string_view section :
         {"condition", "await", "target", "service", "process", "cgroup", "timer", "log", "health"}) {
        const Node* table = tree.find(section);
        bool runs = section == "service" || section == "process" || section == "log";
        shower.section(table, section, section,
                       (service && runs) || (table != nullptr && (service || section == "await")));
    }
    if (const Node* listen = tree.find("listen"); listen != nullptr && listen->kind == Node::Kind::array)
        for (std::size_t i = 0; i < listen->items.size(); ++i)
            shower.section(&listen->items[i], "listen", "listen[" + std::to_string(i) + "]", true);
    return std::move(shower.settings);
}

Result<std::vector<FileText>> cat(const Source& source, std::string_view name) {
    Library library(source);
    library.find();
    std::optional<Assembly> assembly = library.assemble(name);
    if (!assembly)
        return fault(ENOENT, "find unit", std::string(name));
    std::vector<FileText> files;
    std::string bundle = library.bundle_text(name);
    std::size_t from_bundle = assembly->paths.size() - assembly->texts.size();
    for (std::size_t i = 0; i < assembly->paths.size(); ++i)
        files.push_back(
            {assembly->paths[i], i < from_bundle ? bundle : *assembly->texts[i - from_bundle], assembly->rights[i]});
    return files;
}

} // namespace mi::config
