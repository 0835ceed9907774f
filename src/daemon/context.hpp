// What every part of PID 1 works with, made once and given to each subsystem by reference.
#pragma once

#include "core/engine.hpp"
#include "daemon/announcer.hpp"
#include "daemon/kernel.hpp"
#include "daemon/log/log_link.hpp"
#include "daemon/place.hpp"
#include "daemon/process/children.hpp"
#include "daemon/start/launch.hpp"
#include "daemon/unit_table.hpp"
#include "state/snapshot.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mi::daemon {

enum class CallId : std::uint64_t; // control/call.hpp

// Who hears of changes: the manager of control calls.
struct Observer {
    virtual ~Observer() = default;
    virtual void changed(core::UnitId unit, core::Phase from, core::Phase to) = 0;
    virtual void status_changed(core::UnitId unit) = 0;
    virtual void health_changed(core::UnitId unit) = 0;
    virtual void announced(const std::string& text) = 0;
    virtual void not_reexecuted(const std::string& why) = 0;
    // A switch of the root that was asked for begins, or something else does instead.
    virtual void switching_root(bool begins) = 0;
    // For the snapshot: what a call waits for. False: it cannot be waited for by another program.
    [[nodiscard]] virtual bool tell(CallId call, state::ClientImage& image) const = 0;
    virtual void turn_ended() = 0;
};

struct Context {
    Kernel& kernel;
    const Place& place;
    core::ManagerSettings& settings;
    Surroundings& surroundings;
    core::Engine& engine;
    UnitTable& units;
    LogLink& logs;
    Announcer& announcer;
    Children& children;

    Instant now{};                // of what is being seen to: set at the start of each callback
    std::uint64_t turn = 0;       // its number
    Observer* observer = nullptr; // none before the control socket is there
    bool manager_moved = true;    // what is saved of the manager itself has changed

    [[nodiscard]] const core::Graph& graph() const { return engine.graph(); }
    [[nodiscard]] const core::Unit& unit(core::UnitId id) const { return engine.graph().unit(id); }
    [[nodiscard]] const std::string& name(core::UnitId id) const { return engine.graph().name(id); }
    // The user that a unit names; none where it names none, or one that is not known (which fails its start).
    [[nodiscard]] std::optional<uid_t> user_of(const core::Unit& unit) const {
        if (!core::account_of(unit).empty())
            if (auto found = surroundings.user_of(unit))
                return found->uid;
        return std::nullopt;
    }
    [[nodiscard]] const core::Record& record(core::UnitId id) const { return engine.record(id); }
    // Tells the engine; what follows from it is done later in this turn.
    void apply(const core::Event& event) { engine.apply(event, now); }
    // Watches a descriptor of our own. What cannot be watched is said, and lived without.
    [[nodiscard]] std::unique_ptr<loop::Watch> watch(int fd, loop::Loop::Callback readable) {
        auto watched = kernel.watch(fd, std::move(readable));
        if (!watched)
            say(Priority::err, watched.error().text());
        return watched ? std::move(*watched) : nullptr;
    }
    // On the console (or stderr), in our log, and to clients.
    void say(Priority priority, const std::string& text) { announcer.say(priority, text); }
    // In the log of a unit.
    void log(core::UnitId id, Priority priority, const std::string& text) { logs.line(name(id), priority, text); }
};

} // namespace mi::daemon
