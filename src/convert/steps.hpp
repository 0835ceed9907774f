// The steps of the conversion. Each reads the source, and what earlier steps have found out, and returns what it has made.
#pragma once

#include "convert/output.hpp"
#include "convert/source.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// Every directive of a section that has one equal, by its row in directives.cpp.
[[nodiscard]] Output convert_rows(const Source& source, const SystemdUnit& unit, std::string_view section);

// [Unit] and [Install]: how units hang together.
struct Relations {
    Output output;
    bool installed = false; // something starts the service itself, and not only its sockets and timers
};
[[nodiscard]] Relations convert_relations(const Source& source);
// Condition…= and Assert…=.
[[nodiscard]] Output convert_conditions(const Source& source);

// [Socket] of all sockets. `on_demand`: nothing but a connection starts the service.
struct Sockets {
    Output output;
    std::size_t count = 0; // of addresses
};
[[nodiscard]] Sockets convert_sockets(const Source& source, bool on_demand);

// Which account a service runs as.
struct Identity {
    bool is_dynamic = false;
    bool is_root = false;        // it is started as root
    bool changes_itself = false; // User= and Group= are what it goes over to by itself: `!` or `+` before its program
};
[[nodiscard]] Identity identity_of(const Source& source);

// Type, Restart, timeouts, signals.
struct Service {
    Output output;
    std::string type;         // "simple", "oneshot", "forking", "notify", "notify-reload"
    bool was_oneshot = false; // it is a oneshot, and was one under systemd
};
[[nodiscard]] Service convert_service(const Source& source);

// Accounts, environment, scheduling, streams. `sockets`: how many addresses it listens at.
[[nodiscard]] Output convert_process(const Source& source, const Identity& identity, std::size_t sockets);

// What a service is kept away from, and the directories that are made for it.
struct Confinement {
    Output output;
    std::vector<std::string> commands; // as TOML: they make the directories as they are to be, before the service's own
};
[[nodiscard]] Confinement convert_confinement(const Source& source, const Identity& identity);

// Exec…=. `preparations`: commands, as TOML, that go before those of the unit.
[[nodiscard]] Output convert_commands(const Source& source, const Identity& identity, const Service& service,
                                      const std::vector<std::string>& preparations);

// [Timer] of all timers.
[[nodiscard]] Output convert_timers(const Source& source);

// Remarks about the directives that no step has taken. `taken`: those that were.
[[nodiscard]] Output report_rest(const Source& source, const std::vector<const Assignment*>& taken);

} // namespace mi::convert
