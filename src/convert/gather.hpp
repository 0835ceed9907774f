// Finding the files of a unit: on the search path or where it was named, with its drop-ins, and the sockets and timers that
// start it.
#pragma once

#include "convert/draft.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// Everything that becomes one unit of ours, the service or target first; or why there is none.
struct Gathered {
    std::string name;
    std::vector<Part> parts;
    bool accepts = false;              // its socket starts a process for each connection
    std::vector<std::string> left_out; // sockets and timers that could start it, but are not known to
    std::string fault;
};

class Gatherer {
public:
    // `files`: all that are to be converted.
    Gatherer(const Place& place, const Lookup& lookup, std::span<const std::string> files);

    // For the unit file `path`.
    Gathered gather(const std::string& path);
    // Where the unit `name` is, by the search path; empty: nowhere.
    [[nodiscard]] std::string find(std::string_view name) const;

private:
    struct Activator {
        Part part;
        std::string target; // the unit it starts
        bool accept = false;
    };

    [[nodiscard]] std::string find_in(const std::vector<std::string>& directories, std::string_view name) const;
    std::optional<Part> read(const std::vector<std::string>& directories, std::string_view unit, std::string path);
    void add_drop_ins(const std::vector<std::string>& directories, Part& part);
    void add_links(const std::vector<std::string>& directories, Part& part);
    [[nodiscard]] bool belongs(const std::vector<std::string>& directories, const Part& service,
                               const Activator& activator) const;
    void add_activators(const std::vector<std::string>& directories, const std::vector<Activator>& all,
                        Gathered& gathered);
    const std::vector<Activator>& activators(const std::vector<std::string>& directories);

    const Place& place_;
    const Lookup& lookup_;
    std::vector<std::string> asked_for_;                       // their names, without directories
    std::map<std::string, std::vector<Activator>> activators_; // by the first directory
};

} // namespace mi::convert
