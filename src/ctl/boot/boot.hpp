// What is known of how this boot went, put together from several replies, and what follows from it: which unit waited for
// which. How it is told is boot_view.hpp's and plot.hpp's. Nothing but read_boot talks to anyone.
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

// A unit, how it came up for the first time, and what it depends on. Times: microseconds since boot.
struct BootUnit {
    struct Need {
        std::size_t unit = 0; // index in Boot::units
        core::Relation relation = core::Relation::requirement;
    };
    std::string name, description;
    core::Kind kind = core::Kind::service;
    core::Phase state = core::Phase::down; // now
    std::string reason;                    // of that state
    std::optional<std::string> cause;      // the unit that this speaks of
    std::optional<wire::Exit> exit;        // the last one
    std::optional<std::int32_t> pid;
    std::optional<wire::FirstStart> first; // none: it was never wanted
    std::vector<Need> needs;               // requires, wants, milestones, after
    std::vector<std::size_t> conflicts;
};

struct Boot {
    wire::Overview overview;
    std::int64_t init = 0; // when the init was executed
    std::optional<std::int64_t> units_loaded, target_reached;
    std::int64_t now = 0;
    // When the boot was over: the target reached or, without a target, everything that was wanted from the beginning up or
    // failed. None: it is not over.
    std::optional<std::int64_t> end;
    std::vector<BootUnit> units; // by name
    // The unit of that name; nothing where there is none.
    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
    // The index of the target that was to be reached; where there is none, of the unit that was up last.
    [[nodiscard]] std::optional<std::size_t> goal() const;
    // Whether the unit was wanted before the boot was over.
    [[nodiscard]] bool took_part(const BootUnit& unit) const;
};

// Asks the init.
[[nodiscard]] std::expected<Boot, Failure> read_boot(Client& client);

// When those that wait for the unit could go on, whatever had become of it.
[[nodiscard]] std::optional<std::int64_t> settled(const BootUnit& unit);
// How long its start took, or has taken so far; none: it was not started. Whether it did start is `first.up`.
[[nodiscard]] std::optional<std::int64_t> took(const Boot& boot, const BootUnit& unit);

// What the unit waited for last, if for anything. Only what was settled when its start began can have decided when that was;
// for a unit that has not started, what it still waits for or what has failed it.
[[nodiscard]] std::optional<std::size_t> waited_for(const Boot& boot, std::size_t unit);

// One unit of a chain of waiting, and how long after what it waited for its own start began (for a free place among
// `parallel-starts`, say).
struct ChainLink {
    std::size_t unit = 0;
    std::int64_t gap = 0;
};
// From `unit` down to what waited for nothing: after each unit what it waited for last.
[[nodiscard]] std::vector<ChainLink> chain_of(const Boot& boot, std::size_t unit);

} // namespace mi::ctl
