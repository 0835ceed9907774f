// From files to units: the search path, drop-ins, masks, templates, the bundle file, and who may have written them.
// What a key means is keys.hpp's; what units mean to each other is the core's graph.
//
// Nothing here fails as a whole. A file that cannot be used gives an invalid unit (`Unit::fault`) and a Problem, and
// the rest is read as if it were not there.
#pragma once

#include "base/result.hpp"
#include "config/problem.hpp"
#include "core/unit.hpp"

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::config {

// Where the units are that come with us.
inline constexpr char shipped_units[] = "/usr/lib/miniinit";

// Where units come from, and whom to trust. The default is what PID 1 of a machine reads.
struct Source {
    // The search path, first match wins whole. The first one is the admin's: its `enabled/` and `disabled/` hold the
    // links of `minictl enable` and `disable`.
    std::vector<std::string> directories = {"/etc/miniinit", "/run/miniinit/units", shipped_units};
    // A directory of `directories` that is missing is a problem (`--units DIR`), rather than empty.
    bool directories_required = false;
    // Units that exist only as long as they run (`minictl run`): read after those of `directories`, also where those are
    // named by `--units`. Empty: none.
    std::string transient;
    // The manager's settings, and units under `[units.NAME]`, which go before those of `directories`. Empty: none.
    std::string config = "/etc/miniinit.toml";
    bool config_required = false; // missing is a problem (`--config FILE`)
    // Put before every path, and links are resolved inside it (`--root DIR`). Empty: the running system.
    std::string root;
    // Read files whoever can write them (`--allow-insecure-units`).
    bool allow_insecure = false;
    // Who besides root may own and write them: 0, or the user himself in user mode.
    uid_t owner = 0;
    // Tests only: a unit with neither [service] nor [target] is a service that runs /bin/true.
    bool bare_is_service = false;
};

// The source of user mode: CONFIG_HOME/miniinit, /etc/miniinit/user, RUNTIME/units, /usr/lib/miniinit/user, and
// CONFIG_HOME/miniinit.toml, for `owner`. CONFIG_HOME is $XDG_CONFIG_HOME; RUNTIME the run directory ($XDG_RUNTIME_DIR/miniinit).
[[nodiscard]] Source user_source(const std::string& config_home, const std::string& runtime, uid_t owner);

// The source of system and container mode: /etc/miniinit, RUNTIME/units, /usr/lib/miniinit, and /etc/miniinit.toml.
[[nodiscard]] Source system_source(const std::string& runtime, uid_t owner);

// What was read. Units are sorted by name, and no two have the same name.
struct Loaded {
    std::vector<core::Unit> units;
    std::vector<std::string> templates; // the names of all that there are, `getty@`; told by load() alone
    core::ManagerSettings manager;
    std::vector<Problem> problems; // in order of file and line, errors and warnings; nothing about a file twice
};

// Reads everything: every unit of the bundle and the search path, and every instance of a template that one of them, or
// a link in `enabled/`, names. `also` names further instances to make (the default target, say).
[[nodiscard]] Loaded load(const Source& source, std::span<const std::string> also = {});

// Reads one unit by name, instances of templates included: one unit, or none where no file defines it (no problem
// then). The manager's settings come along, since the bundle had to be read.
[[nodiscard]] Loaded load_one(const Source& source, std::string_view name);

// The units and settings of one TOML text as it would stand in /etc/miniinit.toml. `filename` is for messages. Reads
// no file; of `source` only `bare_is_service` is looked at. Templates are instantiated as in `load`.
[[nodiscard]] Loaded read_bundle(std::string_view text, std::string_view filename, const Source& source = {});

// Reads one file for `minictl verify FILE`: a unit named by the file, or a bundle where it has [units], [manager] or
// [defaults], or is called miniinit.toml. Its permissions are not looked at.
[[nodiscard]] Loaded read_file(const Source& source, const std::string& path);

// Reads a unit from a text that need not be in any file yet; `filename` is for messages. Its commands are taken for what was
// meant: see check_commands in commands.hpp.
[[nodiscard]] Loaded read_text(std::string_view name, std::string_view text, std::string_view filename);

// A unit's name is 1 to 200 of A-Z a-z 0-9 _ . @ : - and starts with neither '.', '-' nor '@'; `miniinit`, `kernel` and
// `syslog` are reserved for the logs of those. The reason why `name` is none; empty where it is one.
[[nodiscard]] std::string_view name_fault(std::string_view name);

// One line of `minictl show`: a setting in force and where it comes from.
struct Setting {
    std::string key;   // "service.restart", "description", "listen[0].stream"
    std::string value; // as TOML
    std::string place; // "FILE:LINE", or "default"
    bool operator==(const Setting&) const = default;
};
// Every key of the unit with its value, in the order of the key table; defaults included where they apply to its kind.
// ENOENT: no file defines it.
[[nodiscard]] Result<std::vector<Setting>> resolve(const Source& source, std::string_view name);

// Who may read and write a file besides its owner: what is made from it must not give anybody more.
struct Rights {
    mode_t mode = 0644;
    gid_t group = any_group; // whose rights those of the group are
    static constexpr gid_t any_group = static_cast<gid_t>(-1);
    // Those that both give.
    void limit(const Rights& other);
    bool operator==(const Rights&) const = default;
};

// One file that defines a unit, for `minictl cat`. Of a bundle only the unit's own tables.
struct FileText {
    std::string path;
    std::string text;
    Rights rights{};
    bool operator==(const FileText&) const = default;
};
// The unit's file first, then its drop-ins in the order in which they apply. ENOENT: no file defines it.
[[nodiscard]] Result<std::vector<FileText>> cat(const Source& source, std::string_view name);

// `minictl enable` and `disable`: makes the link NAME in `enabled/` or `disabled/` of the first directory of the source
// (below its root), and removes the one in the other. Whether the unit exists is the caller's question. True if
// anything changed.
[[nodiscard]] Result<bool> set_enabled(const Source& source, std::string_view name, bool enabled);

// `minictl mask` and `unmask`: makes or removes the link NAME.toml to /dev/null in the first directory of the source. EEXIST
// where a file of that name is there. True if anything changed.
[[nodiscard]] Result<bool> set_masked(const Source& source, std::string_view name, bool masked);

} // namespace mi::config
