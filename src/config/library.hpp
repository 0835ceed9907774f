// All definitions of units, found but not yet read: unit files by name, drop-ins, the links of `enable` and `disable`,
// the bundle. Merges the files of one unit on demand.
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
    std::string source; // for Unit::source
    bool in_bundle = false;
    bool masked = false;
    bool readable = true; // false: the unit cannot be used, and nothing else is known of it; `reading` has the reason
    std::vector<std::unique_ptr<std::string>> texts; // texts that `reading` quotes from, in the order of its files
    std::vector<std::string> paths;
    std::vector<Rights> rights; // of each file
};

class Library {
public:
    explicit Library(const Source& source) : source_(source) {}

    // Finds everything; the problems are those of directories, names and the bundle as a whole.
    void find();
    // Reads only the bundle.
    void find_settings() { read_bundle_file(); }
    // Reads only the bundle, from a text.
    void take_bundle(std::string_view text, std::string_view filename);

    [[nodiscard]] const core::ManagerSettings& manager() const { return manager_; }
    [[nodiscard]] std::vector<Problem> take_problems() { return std::move(problems_); }
    // Warns of each drop-in without a unit.
    void warn_of_strays();

    // The names of all units with their own definition, sorted; without templates (`name@`).
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::vector<std::string> templates() const;
    // The names of the links in `enabled/`.
    [[nodiscard]] const std::set<std::string, std::less<>>& enabled() const { return enabled_; }
    // True: `name` is linked in `enabled/`; false: in `disabled/`; nullopt: there is no link.
    [[nodiscard]] std::optional<bool> switched(std::string_view name) const;

    // Whether a file, or its template, defines `name`.
    [[nodiscard]] bool defines(std::string_view name) const { return find_definition(name) != nullptr; }
    // The merged files of a unit; nullopt if no file defines it.
    [[nodiscard]] std::optional<Assembly> assemble(std::string_view name) const;
    // The part of the bundle's text about `name`, for `cat`; empty if the bundle does not define it.
    [[nodiscard]] std::string bundle_text(std::string_view name) const;

private:
    // The place of a unit, a template, or a directory of drop-ins: in directories_, or in the bundle.
    struct Definition {
        std::string name;
        int directory = in_bundle;
        Entry entry;
        std::size_t item = 0; // index in the bundle's [units]
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
    std::vector<Definition> definitions_; // by name; the first of each name counts
    std::vector<Definition> drop_ins_;    // by name, then in the order of the search path
    std::set<std::string, std::less<>> enabled_, disabled_;
    std::string bundle_path_, bundle_text_;
    Rights bundle_rights_;
    Node units_;                                                           // [units] of the bundle
    std::map<std::string, std::pair<Place, Problem>, std::less<>> broken_; // units of the bundle with a syntax error
    core::ManagerSettings manager_;
    std::vector<Problem> problems_;
};

} // namespace mi::config
