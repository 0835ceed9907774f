// From what other inits read to our units: systemd's unit files (with their drop-ins, and a service with its sockets and
// timers as one unit) and LSB init scripts. Pure: text goes in through a Lookup, TOML and remarks come out. Nothing is
// dropped in silence: a directive is converted, or a Remark tells what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mi::convert {

// What became of a directive that has no exact equal.
enum class Weight : std::uint8_t {
    note, // it is not needed here: nothing is lost
    near, // what was written instead differs in the way the words say
    lost, // it has no equal
};

struct Remark {
    std::string file;
    std::uint32_t line = 0;
    std::string directive; // "ProtectClock=yes", in one line; empty: it is about the file
    Weight weight = Weight::lost;
    std::string why;
    bool operator==(const Remark&) const = default;
};

// `FILE:LINE: DIRECTIVE: no equal: WHY`, without a line end and with nothing that could drive a terminal.
[[nodiscard]] std::string text(const Remark& remark);

// The files that there are.
class Lookup {
public:
    Lookup() = default;
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    virtual ~Lookup() = default;

    // The text of a regular file; nothing where there is none that could be read.
    [[nodiscard]] virtual std::optional<std::string> text(const std::string& path) const = 0;
    // Whether it leads to /dev/null, which takes a unit out of use.
    [[nodiscard]] virtual bool is_mask(const std::string& path) const = 0;
    // What is in a directory, sorted; nothing where there is none.
    [[nodiscard]] virtual std::vector<std::string> names(const std::string& directory) const = 0;
};

// Where to look for partners, drop-ins and what units name.
struct SearchPath {
    std::string root;                     // put before every path of the system the units belong to; empty: this one
    std::vector<std::string> directories; // of unit files, with `root`; the first one counts
};
// That of systemd for the system below `root`.
[[nodiscard]] SearchPath search_path_of(std::string root);

// One unit made. Where `fault` is not empty there is none, and this is why.
struct Unit {
    std::string name; // of the file: NAME.toml
    std::string toml;
    std::vector<Remark> remarks;    // by file and line
    std::vector<std::string> files; // it was made from
    std::string fault;
};

// Converts each of `files`: a path, or the name of a unit that is then looked for on the search path. A service, its sockets
// and its timers make one unit, however many of them are named.
[[nodiscard]] std::vector<Unit> convert(std::span<const std::string> files, const SearchPath& search_path,
                                        const Lookup& lookup);

} // namespace mi::convert
