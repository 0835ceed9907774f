// Everything that defines units, found but not yet read: which file has which name, its drop-ins, the links of `enable`
// and `disable`, the bundle. Puts one unit's files together on demand.
#pragma once

#include "config/document.hpp"
#include "config/files.hpp"
#include "config/load.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mi::config {

// The files of one unit, merged.
struct Assembly {
    Reading reading;
    Node tree;
    std::string source; // what Unit::source says
    bool in_bundle = false;
    bool masked = false;
    bool readable = true; // false: nothing is known of it but that it cannot be used; the reading says why
    std::vector<std::unique_ptr<std::string>> texts; // what `reading` quotes from, in the order of its files
    std::vector<std::string> paths;
    std::vector<Rights> rights; // of each
};

class Library {
public:
    explicit Library(const Source& source) : source_(source) {}

    // Finds everything; problems are those of directories, names and the bundle as a whole.
    void find();
    // Only the bundle, from a text.
    void take_bundle(std::string_view text, std::string_view filename);

    [[nodiscard]] const core::ManagerSettings& manager() const { return manager_; }
    [[nodiscard]] std::vector<Problem> take_problems() { return std::move(problems_); }
    // Drop-ins without a unit: a warning for each.
    void warn_of_strays();

    // Names of all units that have a definition of their own, sorted; templates (`name@`) apart.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::vector<std::string> templates() const;
    // What has a link in `enabled/`.
    [[nodiscard]] const std::set<std::string, std::less<>>& enabled() const { return enabled_; }
    // What the links say about `name`; nothing where there is none.
    [[nodiscard]] std::optional<bool> switched(std::string_view name) const;

    // Whether `name` is defined, itself or by its template.
    [[nodiscard]] bool defines(std::string_view name) const { return find_definition(name) != nullptr; }
    // Its files put together; nothing where none defines it.
    [[nodiscard]] std::optional<Assembly> assemble(std::string_view name) const;
    // The part of the bundle's text that is about `name`, for `cat`; empty where it does not come from there.
    [[nodiscard]] std::string bundle_text(std::string_view name) const;

private:
    // Where a unit, a template, or a directory of drop-ins is: in directories_, or in the bundle.
    struct Definition {
        std::string name;
        int directory = in_bundle;
        Entry entry;
        std::size_t item = 0; // of the bundle's [units]
        static constexpr int in_bundle = -1;
    };

    void scan(const Directory& directory, int index);
    void read_switches(const Directory& admin);
    void read_bundle_file();
    void blame_units(const std::vector<Problem>& syntax, const Node& settings);
    void take(std::vector<Problem>&& problems);
    void sort();
    void file_problem(const std::string& path, const std::string& message, std::string suggestion = {},
                      Severity severity = Severity::error);
    [[nodiscard]] const Definition* find_definition(std::string_view name) const;
    void add_drop_ins(Assembly& assembly, std::string_view name) const;

    const Source& source_;
    std::vector<Directory> directories_;
    std::vector<Definition> definitions_; // by name, the first of each counts
    std::vector<Definition> drop_ins_;    // by name, then in the order of the search path
    std::set<std::string, std::less<>> enabled_, disabled_;
    std::string bundle_path_, bundle_text_;
    Rights bundle_rights_;
    Node units_;                                                           // [units] of the bundle
    std::map<std::string, std::pair<Place, Problem>, std::less<>> broken_; // units of the bundle hit by a syntax error
    core::ManagerSettings manager_;
    std::vector<Problem> problems_;
};

} // namespace mi::config
