// Converts systemd's unit files and LSB init scripts into units of miniinit. A service, its drop-ins, its sockets and
// its timers become one unit. The room is pure: text comes in through a Lookup; TOML and remarks go out. Every
// directive is either converted or reported in a Remark. See miniinit-convert(7).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mi::convert {

// The effect of a directive that has no exact equal here.
enum class Weight : std::uint8_t {
    note, // it is not needed: nothing is lost
    near, // the unit has something similar; the remark says how it differs
    lost, // the unit has nothing for it
};

struct Remark {
    std::string file;
    std::uint32_t line = 0;
    std::string directive; // "ProtectClock=yes", on one line; empty if the remark is about the file
    Weight weight = Weight::lost;
    std::string why;
    bool operator==(const Remark&) const = default;
};

// `FILE:LINE: DIRECTIVE: no equal: WHY`, without a line end. Control characters are shown as ?, so that a foreign file
// cannot send commands to the terminal.
[[nodiscard]] std::string text(const Remark& remark);

// Reads files for the conversion. minictl reads the disk; tests have files in memory.
class Lookup {
public:
    Lookup() = default;
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    virtual ~Lookup() = default;

    // The text of a regular file; nothing if it does not exist or cannot be read.
    [[nodiscard]] virtual std::optional<std::string> text(const std::string& path) const = 0;
    // True if the path leads to /dev/null: that is how systemd masks a unit.
    [[nodiscard]] virtual bool is_mask(const std::string& path) const = 0;
    // The path that a symbolic link holds; empty if `path` is none.
    [[nodiscard]] virtual std::string link(const std::string& path) const {
        (void)path;
        return {};
    }
    // The names in a directory, sorted; empty if it does not exist.
    [[nodiscard]] virtual std::vector<std::string> names(const std::string& directory) const = 0;
};

// Where to look for drop-ins and for the units that other units name.
struct SearchPath {
    std::string root;                     // goes before every path of the foreign system; empty: this system
    std::vector<std::string> directories; // of unit files, with `root`; earlier ones win
};
// The search path of systemd, for the system below `root`.
[[nodiscard]] SearchPath search_path_of(std::string root);

// One unit that was made. If `fault` is not empty, the unit could not be made, and `fault` gives the reason.
struct Unit {
    std::string name; // the file is NAME.toml
    std::string toml;
    std::vector<Remark> remarks;    // sorted by file and line
    std::vector<std::string> files; // the files that the unit was made from
    std::string fault;
};

// Converts each of `files`: a path, or the name of a unit, which is searched for on the search path. A service, its
// sockets and its timers become one unit, even if several of them are named.
[[nodiscard]] std::vector<Unit> convert(std::span<const std::string> files, const SearchPath& search_path,
                                        const Lookup& lookup);

} // namespace mi::convert
