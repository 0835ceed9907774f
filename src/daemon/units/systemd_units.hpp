// Units of systemd's directories: a child makes ours of them (generator/generator.hpp) into the last place of the search path.
//
// At a boot this happens before the first unit is read, and PID 1 waits for it: what is ordered before the mounts of a
// machine has to be known when they are made, so that a boot which began without these units could break what they say, and
// would have to be told which units are late. The wait has a limit, and all that others can hold up is done by the child.
// Later (`reload-units`) PID 1 goes on meanwhile, and reads its units again when the child has ended.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mi::daemon {

// Makes the units, or removes those of an earlier time where the settings want none, and waits for that. Returns what is to
// be said, a sentence each.
[[nodiscard]] std::vector<std::string> convert_at_boot(const Place& place, const core::ManagerSettings& settings);

// What of the directives of a unit was lost when it was converted, with file and line; empty for a unit that is native.
[[nodiscard]] std::vector<std::string> lost_in_conversion(const Place& place, const core::Unit& unit);

class SystemdUnits final : public Subsystem {
public:
    explicit SystemdUnits(Context& context) : context_(context) {}

    // Brings them up to date and calls `then`: at once where there is nothing to do, else in a later turn.
    void refresh(std::function<void()> then);
    // What went wrong the last time, a sentence each.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

    void exited(const os::Exit& exit) override;
    [[nodiscard]] Instant next_deadline() const override { return ended_ ? Instant{} : deadline_; }
    void due(Instant now) override;

private:
    void start();
    void answer(std::vector<std::string> problems);

    Context& context_;
    pid_t child_ = 0; // 0: none runs
    Instant deadline_ = never;
    bool too_long_ = false;
    bool ended_ = false; // those who wait are told at the next due()
    int code_ = 0;
    std::vector<std::string> problems_;
    std::vector<std::function<void()>> waiting_; // for the child that runs
    std::vector<std::function<void()>> next_;    // for the one after it, as something may have changed since it began
};

} // namespace mi::daemon
