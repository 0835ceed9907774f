// Starts that are not decided yet: the process is there, and whether it has become its program is not known. PID 1 never waits for
// that. As long as it lasts the engine has no pid for the process (core::pid_pending), so what ends it early is seen to here.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/subsystem.hpp"
#include "os/spawn/spawn.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

namespace mi::daemon {

class PendingStarts final : public Subsystem {
public:
    // What is told of a start when it is decided.
    struct Listener {
        virtual ~Listener() = default;
        virtual void became_its_program(core::UnitId unit, core::Role role, pid_t pid) = 0;
        // The process ends by itself, and belongs to no unit any more. The words and the step are in `why`.
        virtual void failed_on_its_way(const core::Effect& effect, pid_t pid, os::SpawnFault why) = 0;
        // It was killed as its unit is to end; `where`: the step that it stood at.
        virtual void given_up_on_its_way(core::UnitId unit, core::Role role, pid_t pid, const std::string& where) = 0;
    };
    PendingStarts(Context& context, Processes& processes, Listener& listener)
        : context_(context), processes_(processes), listener_(listener) {}

    // The process `pid` of `effect` was made, and the start is not decided. Of the processes we know, too.
    void await(pid_t pid, const core::Effect& effect, os::Start start);
    // Before something is done about a unit's word or its end: what can be known of its starts by now is told first.
    void conclude(core::UnitId unit);
    // The unit is to end, and its process has not begun to run its program: nothing in it could be asked to end.
    void give_up(core::UnitId unit);
    // The process has ended. True: before it became its program, and the listener has heard all there is to say.
    [[nodiscard]] bool ended(pid_t pid);
    // The pid of a start that is not decided; 0: there is none.
    [[nodiscard]] pid_t pid_of(core::UnitId unit, core::Role role) const;

    [[nodiscard]] Instant next_deadline() const override;
    void due(Instant now) override;

    // --- for saved state ---
    [[nodiscard]] bool contains(pid_t pid) const { return pending_.contains(pid); }
    // The descriptor that tells of it, and its inode; -1: nothing tells.
    [[nodiscard]] std::pair<int, std::uint64_t> report_of(pid_t pid) const;
    // One that was not decided when the program before this one ended. True: it is not now either, as far as we can know.
    bool take_up(pid_t pid, const core::Effect& effect, int report);

private:
    struct Pending {
        core::UnitId unit = core::no_unit;
        core::Role role = core::Role::none;
        std::uint8_t index = 0; // of a command
        os::Start start;
        std::unique_ptr<loop::Watch> watch; // null: it is looked at from time to time
        Instant look_at = never;
        Span look_in{0};
        std::string given_up; // where it stood when it was ended
    };
    void look_at(pid_t pid);
    void conclude_one(pid_t pid);

    Context& context_;
    Processes& processes_;
    Listener& listener_;
    std::unordered_map<pid_t, Pending> pending_;
};

} // namespace mi::daemon
