// Loads units from files: the search path, drop-ins, masks, templates, the bundle file, and checks of their
// permissions. keys.hpp gives keys their meaning; the core's graph checks the relations between units.
//
// Loading never fails as a whole. A file that cannot be used gives an invalid unit (`Unit::fault`) and a Problem, and
// the rest is read as if the file did not exist.
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

// The directory of the units that miniinit ships.
inline constexpr char shipped_units[] = "/usr/lib/miniinit";

// The places that units come from, and the users to trust. The default is that of PID 1 of a machine.
struct Source {
    // The search path; the first file of a name wins as a whole. The first directory is the administrator's: its
    // `enabled/` and `disabled/` contain the links of `minictl enable` and `disable`.
    std::vector<std::string> directories = {"/etc/miniinit", "/run/miniinit/units", shipped_units,
                                            "/run/miniinit/systemd"};
    // A missing directory of `directories` is a problem (`--units DIR`), and does not count as empty.
    bool directories_required = false;
    // The directory of units that exist only while they run (`minictl run`): read after `directories`, also with
    // `--units`. Empty: none.
    std::string transient;
    // The file with the manager's settings, and units under `[units.NAME]`, which win over those of `directories`.
    // Empty: none.
    std::string config = "/etc/miniinit.toml";
    bool config_required = false; // a missing file is a problem (`--config FILE`)
    // A prefix for every path; links are resolved inside it (`--root DIR`). Empty: the running system.
    std::string root;
    // Read files even if other users can write to them (`--allow-insecure-units`).
    bool allow_insecure = false;
    // The user who may own and write the files besides root: 0, or in user mode the user.
    uid_t owner = 0;
    // Tests only: a unit with neither [service] nor [target] is a service that runs /bin/true.
    bool bare_is_service = false;
};

// The source of user mode: CONFIG_HOME/miniinit, /etc/miniinit/user, RUNTIME/units, /usr/lib/miniinit/user, and
// CONFIG_HOME/miniinit.toml, for `owner`. CONFIG_HOME is $XDG_CONFIG_HOME; RUNTIME the run directory ($XDG_RUNTIME_DIR/miniinit).
[[nodiscard]] Source user_source(const std::string& config_home, const std::string& runtime, uid_t owner);

// The source of system and container mode: /etc/miniinit, RUNTIME/units, /usr/lib/miniinit, RUNTIME/systemd (units made of
// systemd's), and /etc/miniinit.toml.
[[nodiscard]] Source system_source(const std::string& runtime, uid_t owner);

// The result. Units are sorted by name, and names are unique.
struct Loaded {
    std::vector<core::Unit> units;
    std::vector<std::string> templates; // the names of all templates, `getty@`; only from load()
    core::ManagerSettings manager;
    std::vector<Problem> problems; // errors and warnings in order of file and line; each problem of a file once
};

// Reads everything: every unit of the bundle and the search path, and every instance of a template that one of them, or
// a link in `enabled/`, names. `also` names further instances (the default target, for example).
[[nodiscard]] Loaded load(const Source& source, std::span<const std::string> also = {});

// Reads the manager's settings alone. Their problems are those of load().
[[nodiscard]] core::ManagerSettings read_settings(const Source& source);

// Reads one unit by name, or an instance of a template: one unit, or none (without a problem) if no file defines it.
// The manager's settings are included, because the bundle was read.
[[nodiscard]] Loaded load_one(const Source& source, std::string_view name);

// Reads the units and settings of a TOML text that has the form of /etc/miniinit.toml. `filename` is for messages.
// Reads no file; of `source` only `bare_is_service` is used. Templates are instantiated as in `load`.
[[nodiscard]] Loaded read_bundle(std::string_view text, std::string_view filename, const Source& source = {});

// Reads one file for `minictl verify FILE`: a unit named after the file, or a bundle if it has [units], [manager] or
// [defaults], or is called miniinit.toml. Ignores its permissions.
[[nodiscard]] Loaded read_file(const Source& source, const std::string& path);

// Reads a unit from a text that may not be in a file yet; `filename` is for messages. Its commands are not checked for
// shell syntax: see check_commands in commands.hpp.
[[nodiscard]] Loaded read_text(std::string_view name, std::string_view text, std::string_view filename);

// The reason why `name` is no unit name; empty if it is one. A name is 1 to 200 of A-Z a-z 0-9 _ . @ : - and does not
// start with '.', '-' or '@'; `miniinit`, `kernel` and `syslog` are reserved for the logs of those.
[[nodiscard]] std::string_view name_fault(std::string_view name);

// One line of `minictl show`: a setting in force and its origin.
struct Setting {
    std::string key;   // "service.restart", "description", "listen[0].stream"
    std::string value; // as TOML
    std::string place; // "FILE:LINE", or "default"
    bool operator==(const Setting&) const = default;
};
// Every key of the unit with its value, in the order of the key table, with the defaults that apply to its kind. Fault
// ENOENT: no file defines it.
[[nodiscard]] Result<std::vector<Setting>> resolve(const Source& source, std::string_view name);

// The access of other users than the owner to a file. A file made from it must not give any user more access.
struct Rights {
    mode_t mode = 0644;
    gid_t group = any_group; // the group of the group bits; any_group: the owning group does not matter
    static constexpr gid_t any_group = static_cast<gid_t>(-1);
    // Keeps only the rights that both grant.
    void limit(const Rights& other);
    bool operator==(const Rights&) const = default;
};

// One file that defines a unit, for `minictl cat`. From a bundle, only the unit's own tables.
struct FileText {
    std::string path;
    std::string text;
    Rights rights{};
    bool operator==(const FileText&) const = default;
};
// The unit's file, then its drop-ins in the order in which they apply. Fault ENOENT: no file defines it.
[[nodiscard]] Result<std::vector<FileText>> cat(const Source& source, std::string_view name);

// `minictl enable` and `disable`: makes the link NAME in `enabled/` or `disabled/` of the first directory of the source
// (below its root), and removes the one in the other. The caller checks that the unit exists. True if anything changed.
[[nodiscard]] Result<bool> set_enabled(const Source& source, std::string_view name, bool enabled);

// `minictl mask` and `unmask`: makes or removes the link NAME.toml to /dev/null in the first directory of the source.
// Fault EEXIST: a file of that name exists. True if anything changed.
[[nodiscard]] Result<bool> set_masked(const Source& source, std::string_view name, bool masked);

} // namespace mi::config
