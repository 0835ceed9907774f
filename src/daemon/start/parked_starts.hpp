// A start whose environment files or program lie on a file system that may hang waits for the answer, parked, while everything
// else goes on. Saved state has it as what it was: a process that is to be made, whose files the next program asks for again.
#pragma once

#include "daemon/context.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/start/start_files.hpp"
#include "daemon/subsystem.hpp"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

// The command of a unit that runs in this role: the one at `index`, where there is a list of them.
[[nodiscard]] const core::Command& command_of(const core::Unit& unit, core::Role role, std::size_t index);

// Whether a process of this role is one of a start, and is not wanted any more once its unit is to stop.
[[nodiscard]] bool is_part_of_starting(core::Role role);

class ParkedStarts final : public Subsystem {
public:
    // `entry`: the name of the unit that is a container's main process, or empty.
    ParkedStarts(Context& context, PathInquiries& inquiries, EffectQueue& effects, const std::string& entry)
        : context_(context), inquiries_(inquiries), effects_(effects), entry_(entry) {}

    // What was found for this start, or why it fails. Nothing: that is not known yet, and the effect is queued again when it is
    // (a connection's is not: its socket is served again).
    using Files = std::expected<StartFiles, NoStart>;
    [[nodiscard]] std::optional<Files> files_for(const core::Effect& effect);
    // Starts that are parked and not wanted any more; they are forgotten.
    [[nodiscard]] std::vector<core::Effect> take_unwanted();
    void unit_gone(core::UnitId unit) override;

private:
    struct Parked {
        core::Effect effect;
        std::uint64_t digest = 0; // of the unit that it was asked for
        std::optional<Files> files{};
        bool waits = false; // longer than the call that began it
    };
    [[nodiscard]] std::vector<Parked>::iterator find(const core::Effect& effect);
    void ask(const core::Effect& effect, const StartFiles* found);
    void answered(const core::Effect& effect, const StartFiles* found, const PathInquiries::Answer& answers);

    Context& context_;
    PathInquiries& inquiries_;
    EffectQueue& effects_;
    const std::string& entry_;
    std::vector<Parked> parked_;
};

} // namespace mi::daemon
