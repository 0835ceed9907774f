// The files that become one unit of ours, as they were read. This is the input of every step; no step changes it.
#pragma once

#include "convert/convert.hpp"
#include "convert/specifiers.hpp"
#include "convert/unit_file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// One unit of systemd, its drop-ins included.
struct SystemdUnit {
    enum class Kind { service, socket, timer, target, path };
    Kind kind = Kind::service;
    std::string name; // "foo.socket"
    UnitText text;
    std::vector<std::string> files;            // never empty: the unit's own file, then its drop-ins
    std::vector<std::string> wants, requires_; // from NAME.wants/ and NAME.requires/
};

class Links;

struct UnitSource {
    std::string name;                  // the name of our unit
    std::vector<SystemdUnit> units;    // the service or target first, then the sockets and timers that start it
    bool accepts = false;              // its socket has Accept=yes: each connection starts a process
    std::vector<std::string> left_out; // sockets and timers that could start it, but are switched off
    Specifiers specifiers;
    const SearchPath& search_path;
    const Lookup& lookup;
    const Links* links = nullptr; // what enables units, if the links decide that; null: their [Install] does

    [[nodiscard]] const SystemdUnit& main() const { return units.front(); }
    [[nodiscard]] const std::string& file() const { return main().files.front(); }
    [[nodiscard]] bool is_template() const { return name.ends_with('@'); }
    // The value in force of a directive of [Service]; empty if it is not set.
    [[nodiscard]] std::string_view value(std::string_view key) const { return main().text.value("Service", key); }
};

// Converts one unit whose files were gathered.
[[nodiscard]] Unit convert_source(const UnitSource& source);

} // namespace mi::convert
