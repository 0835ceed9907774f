// What control calls do: requests become events for the engine, records become statuses, and calls that wait are answered
// when what they wait for has happened.
#pragma once

#include "base/clock.hpp"
#include "daemon/control/control.hpp"
#include "daemon/parts.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace mi::daemon {

// How much is told of a unit: what costs nothing, what it uses besides, or everything.
enum class Detail : std::uint8_t { plain, usage, all };

// What a list of names takes, in bytes.
[[nodiscard]] std::size_t memory_of(const std::vector<std::string>& names);

class Manager final : public ControlHandler, public Observer {
public:
    explicit Manager(Parts& parts) : parts_(parts) {}

    void call(CallId id, const Caller& caller, wire::Request request) override;
    void gone(CallId id) override;

    void changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void status_changed(core::UnitId unit) override;
    void announced(const std::string& text) override;
    void not_reexecuted(const std::string& why) override;
    void switching_root(bool begins) override;
    [[nodiscard]] bool tell(CallId call, state::ClientImage& image) const override;
    // A call of the program before us: it waits on.
    void adopt(const state::ClientImage& image);
    void turn_ended() override;

private:
    using Goal = state::Goal; // never `events` here: who subscribes waits for no end
    // A call that waits. Units by name: they may be read again meanwhile.
    struct Job {
        Goal goal = Goal::start;
        std::vector<std::string> units;
        std::vector<std::string> not_read;   // those that ran, whose files were not read again for it
        core::Phase state = core::Phase::up; // for Goal::state
        bool more = false;
    };
    struct Subscription {
        std::vector<std::string> units; // in their order; none: everything
    };

    void answer(CallId id, const Caller& caller, const wire::Ping&);
    void answer(CallId id, const Caller& caller, const wire::GetOverview&);
    void answer(CallId id, const Caller& caller, const wire::List& list);
    void answer(CallId id, const Caller& caller, const wire::Status& status);
    void answer(CallId id, const Caller& caller, const wire::Explain& explain);
    void answer(CallId id, const Caller& caller, const wire::Tree& tree);
    void answer_with(CallId id, std::vector<std::string> units, Detail detail);
    void act(CallId id, const Caller& caller, const std::vector<std::string>& units, Goal goal, bool wait,
             bool arm = false);
    void answer(CallId id, const Caller& caller, const wire::Start& start);
    void answer(CallId id, const Caller& caller, const wire::Stop& stop);
    void answer(CallId id, const Caller& caller, const wire::Restart& restart);
    void answer(CallId id, const Caller& caller, const wire::TryRestart& restart);
    void answer(CallId id, const Caller& caller, const wire::Reload& reload);
    void answer(CallId id, const Caller& caller, const wire::Signal& signal);
    void answer(CallId id, const Caller& caller, const wire::Freeze& freeze);
    void answer(CallId id, const Caller& caller, const wire::Thaw& thaw);
    void answer(CallId id, const Caller& caller, const wire::Reset& reset);
    void answer(CallId id, const Caller& caller, const wire::Wait& wait);
    void answer(CallId id, const Caller& caller, const wire::Target& target);
    void answer(CallId id, const Caller& caller, const wire::Events& events);
    void answer(CallId id, const Caller& caller, const wire::ReloadUnits&);
    void answer(CallId id, const Caller& caller, const wire::Shutdown& shutdown);
    void answer(CallId id, const Caller& caller, const wire::CancelShutdown& cancel);
    void answer(CallId id, const Caller& caller, const wire::SwitchRoot& to);
    void answer(CallId id, const Caller& caller, const wire::Probe&);
    void answer(CallId id, const Caller& caller, const wire::BootTimes&);

    void answer(CallId id, const Caller& caller, const wire::Run& run);
    void answer(CallId id, const Caller& caller, const wire::Reexec&);

    [[nodiscard]] std::optional<wire::ScheduledShutdown> told(const std::optional<ScheduledEnd>& end) const;
    // Which units can be named: those that are there, whoever asks; instances of templates too (as long as few lie idle),
    // for which files are read; or all that there are files of, if they are usable.
    enum class Named : std::uint8_t { loaded, templates, startable };
    [[nodiscard]] static Named to_look(const Caller& caller) {
        return caller.may_act ? Named::templates : Named::loaded;
    }
    // The ids of all names, each once, or nothing after the error was answered.
    [[nodiscard]] bool find(CallId id, const std::vector<std::string>& names, Named which,
                            std::vector<core::UnitId>& ids);
    [[nodiscard]] std::string why_not_reload(core::UnitId id) const;
    void read_again(const std::vector<std::string>& names);
    [[nodiscard]] std::string what_to_do(core::UnitId unit) const;
    [[nodiscard]] bool can_restart(CallId id, const std::vector<core::UnitId>& units);
    void tell_of_files(const Job& job, wire::Progress& progress) const;
    void set_frozen(CallId id, const std::vector<std::string>& units, bool frozen);
    void begin(CallId id, const Caller& caller, Goal goal, const std::vector<core::UnitId>& ids, bool wait);
    // Whether the unit has got where the goal wants it, and how.
    [[nodiscard]] bool settled(Goal goal, core::UnitId unit, wire::JobResult& result) const;
    void publish_statuses();
    [[nodiscard]] wire::Event event_of(core::UnitId unit, core::Phase from, core::Phase to) const;
    void publish(const wire::Event& event);
    void tell(const core::Event& event); // applied now, performed in this turn

    Parts& parts_;
    std::map<CallId, Job> jobs_;
    std::map<CallId, Subscription> subscriptions_;
    std::set<std::string> statuses_; // of these units, not published yet
    wire::Features probed_;          // what Probe found last
    Instant probed_at_{};
    bool moved_ = false; // something changed in this turn that jobs may have waited for
};

[[nodiscard]] wire::UnitStatus status_of(const Parts& parts, core::UnitId unit, Detail detail);

} // namespace mi::daemon
