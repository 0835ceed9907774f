// The course of this boot, collected from several replies, and which unit waited for which. boot_view.hpp and plot.hpp
// show it. Only read_boot talks to the init.
#pragma once

#include "ctl/client.hpp"
#include "wire/messages.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

// A unit, its first start, and its dependencies. Times: microseconds since boot.
struct BootUnit {
    struct Need {
        std::size_t unit = 0; // index in Boot::units
        core::Relation relation = core::Relation::requirement;
    };
    std::string name, description;
    core::Kind kind = core::Kind::service;
    core::Phase state = core::Phase::down; // present state
    std::string reason;                    // of the present state
    std::optional<std::string> cause;      // the unit that `reason` names
    std::optional<wire::Exit> exit;        // last exit
    std::optional<std::int32_t> pid;
    std::optional<wire::FirstStart> first; // nullopt: it was never wanted
    std::vector<Need> needs;               // requires, wants, milestones, after
    std::vector<std::size_t> conflicts;
};

struct Boot {
    wire::Overview overview;
    std::int64_t init = 0; // when the init was executed
    std::optional<std::int64_t> units_loaded, target_reached;
    std::int64_t now = 0;
    // When the boot was over: when the target was reached or, without a target, all units wanted at boot were up or had
    // failed. nullopt: it is not over.
    std::optional<std::int64_t> end;
    std::vector<BootUnit> units; // sorted by name
    // The index of the unit with that name; nullopt: there is none.
    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
    // The index of the target of the boot; without a target, that of the unit that was up last.
    [[nodiscard]] std::optional<std::size_t> goal() const;
    // Whether the unit was wanted before the boot was over.
    [[nodiscard]] bool took_part(const BootUnit& unit) const;
};

// Gets the data from the init.
[[nodiscard]] std::expected<Boot, Failure> read_boot(Client& client);

// When the units that wait for this one could go on, because it was up or had ended.
[[nodiscard]] std::optional<std::int64_t> settled(const BootUnit& unit);
// How long its start took, or has taken so far, in microseconds; nullopt: it has not started. `first.up` tells whether
// the start succeeded.
[[nodiscard]] std::optional<std::int64_t> took(const Boot& boot, const BootUnit& unit);

// The unit that this unit waited for last, if any. Only a unit that was settled when the start began can have delayed
// it. For a unit that has not started: the unit that it still waits for, or whose failure made it fail.
[[nodiscard]] std::optional<std::size_t> waited_for(const Boot& boot, std::size_t unit);

// One unit in a chain of waiting. `gap`: microseconds from the end of its wait to its start (for example for a free
// place among `parallel-starts`).
struct ChainLink {
    std::size_t unit = 0;
    std::int64_t gap = 0;
};
// The chain from `unit` down to a unit that waited for none: after each unit the one it waited for last.
[[nodiscard]] std::vector<ChainLink> chain_of(const Boot& boot, std::size_t unit);

} // namespace mi::ctl
