// Names of units as people type them: with the suffix that systemd gives them (`web.service`), or that of their file
// (`web.toml`), and patterns (`'web*'`), for every verb that takes units.
#pragma once

#include "ctl/context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

// A name without the suffix that it may have, and what the suffix says that it is.
struct Suffixed {
    enum class Kind : std::uint8_t { any, service, target, timer, socket };
    std::string_view name;
    Kind kind = Kind::any;
    std::string_view suffix; // with its dot; empty: none
};
[[nodiscard]] Suffixed without_suffix(std::string_view word);

[[nodiscard]] bool is_pattern(std::string_view word);

// Whether the verb would do something to a unit that is like this.
[[nodiscard]] bool fits(const Verb& verb, const wire::UnitStatus& unit);

// Where among its operands the first unit stands: behind SIGNAL of `signal`.
[[nodiscard]] std::size_t first_unit(const Verb& verb);

// Puts names in the place of what was typed for units, among the words of the verb: those that the init knows, or that there are
// files of. A name that a unit really has stays as it is. A pattern becomes the names of all units that match and that the verb
// would do something to. What is wrong was said, and the exit code is the result; so it is where nothing is left to do, with 0.
// Nothing: the verb can be called.
[[nodiscard]] std::optional<int> name_units(Context& context);

} // namespace mi::ctl
