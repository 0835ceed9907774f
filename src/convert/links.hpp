// What the links in systemd's unit directories say: which units are enabled and by what (NAME.wants/, NAME.requires/), which
// names are other names of a unit (Alias=), which units are masked. See systemd.unit(5).
#pragma once

#include "convert/convert.hpp"

#include <map>
#include <string>
#include <vector>

namespace mi::convert {

class Links {
public:
    // Looks at every directory of the search path.
    Links(const SearchPath& search_path, const Lookup& lookup);

    // A link that enables a unit.
    struct Enabling {
        std::string owner; // "multi-user.target"
        bool required = false;
        bool masked = false;     // it leads to /dev/null: links of this name further down the search path do not count
        bool by_package = false; // it is in none of the administrator's directories
    };
    // All that is known of a name that units can have.
    struct Entry {
        std::string path;     // of its file: the first on the search path; empty: it is only named
        std::string alias_of; // the name of the unit it is another name of, or empty
        bool masked = false;
        std::vector<Enabling> enabling;
        std::vector<std::string> aliases; // its other names

        [[nodiscard]] bool enabled() const;
    };
    // By name, "foo.service".
    [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
    // The entry of a name; null: there is none.
    [[nodiscard]] const Entry* find(const std::string& name) const;
    [[nodiscard]] bool enables(const std::string& name) const;

private:
    void add_file(const std::string& name, const std::string& directory, const Lookup& lookup);
    void add_directory(const std::string& owner, bool required, const std::string& directory, const Lookup& lookup,
                       bool by_package);
    void add_targets(const SearchPath& search_path, const Lookup& lookup);
    static void add(Entry& entry, const std::string& owner, bool required);
    void join_aliases();
    void add_default();

    std::map<std::string, Entry> entries_;
};

} // namespace mi::convert
