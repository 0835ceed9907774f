// Names of units as users type them, for every verb that takes units: with systemd's suffixes (`web.service`), with
// that of a unit file (`web.toml`), and patterns (`'web*'`).
#pragma once

#include "ctl/context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

// A name without its suffix, and the kind that the suffix names.
struct Suffixed {
    enum class Kind : std::uint8_t { any, service, target, timer, socket };
    std::string_view name;
    Kind kind = Kind::any;
    std::string_view suffix; // with its dot; empty: none
};
[[nodiscard]] Suffixed without_suffix(std::string_view word);

[[nodiscard]] bool is_pattern(std::string_view word);

// Whether the verb would have an effect on a unit in this state.
[[nodiscard]] bool fits(const Verb& verb, const wire::UnitStatus& unit);

// The index of the first unit among the operands: 1 for `signal`, after SIGNAL.
[[nodiscard]] std::size_t first_unit(const Verb& verb);

// Replaces the typed words by names of units: of those that the init knows, or that have files. A name that a unit
// really has stays unchanged. A pattern becomes the names of all matching units on which the verb would have an effect.
// Returns an exit code after reporting an error, or 0 if there is nothing to do; nullopt: the verb can run.
[[nodiscard]] std::optional<int> name_units(Context& context);

} // namespace mi::ctl
