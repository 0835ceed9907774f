// Finds the files that become one unit: the unit file, its drop-ins, and the sockets and timers that start it.
#pragma once

#include "convert/source.hpp"

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// True if a file has the name of a unit that can be converted.
[[nodiscard]] bool is_unit_file(std::string_view name);
// True if it has that of a socket, timer or path, which becomes part of the unit that it starts.
[[nodiscard]] bool is_activator_file(std::string_view name);
// `foo@.service` for `foo@bar.service`; empty if the unit is no instance.
[[nodiscard]] std::string template_of(std::string_view unit);

class Gatherer {
public:
    // `files`: all files that the user has named. `links`: see UnitSource.
    Gatherer(const SearchPath& search_path, const Lookup& lookup, std::span<const std::string> files,
             const Links* links = nullptr);

    // Collects everything that becomes one unit with the unit file `path`. The error gives the reason why no unit is
    // possible.
    std::expected<UnitSource, std::string> gather(const std::string& path);
    // The path of the unit `name` on the search path; empty if it is not there.
    [[nodiscard]] std::string find(std::string_view name) const { return find_in(search_path_.directories, name); }

    using Directories = std::vector<std::string>;
    // The unit `name` of the file `path`, with the drop-ins of these directories; nullopt: it cannot be read.
    [[nodiscard]] std::optional<SystemdUnit> read(const Directories& directories, std::string_view name,
                                                  std::string path) const;

private:
    // A socket, timer or path, and the unit that it starts.
    struct Activator {
        SystemdUnit unit;
        std::string target;
        bool accepts = false;
    };

    [[nodiscard]] std::string find_in(const Directories& directories, std::string_view name) const;
    [[nodiscard]] Directories directories_for(const std::string& path) const;
    void add_drop_ins(const Directories& directories, SystemdUnit& unit) const;
    [[nodiscard]] std::vector<std::string> linked(const Directories& directories, const std::string& name,
                                                  std::string_view kind) const;
    [[nodiscard]] bool belongs(const Directories& directories, const SystemdUnit& service,
                               const std::string& activator) const;
    const std::vector<Activator>& activators(const Directories& directories);
    void add_activators(const Directories& directories, const std::vector<Activator>& all, UnitSource& source) const;

    const SearchPath& search_path_;
    const Lookup& lookup_;
    const Links* links_;
    std::vector<std::string> asked_for_;                       // the names of these files, without directories
    std::map<std::string, std::vector<Activator>> activators_; // by the first directory of the search path
};

} // namespace mi::convert
