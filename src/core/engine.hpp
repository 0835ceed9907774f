// The engine: gets events with their times, and returns the effects to perform. It makes no system call and reads no
// clock.
//
// Each event is applied to one record (events.cpp; from there lifecycle.cpp, descent.cpp). Then the engine settles
// (settle.cpp): it updates the counts of the neighbours, and looks at every unit whose counts have changed, until
// nothing changes. The time of a turn is in proportion to the units that it touches.
#pragma once

#include "core/deadlines.hpp"
#include "core/event.hpp"
#include "core/facts.hpp"
#include "core/graph.hpp"
#include "core/unit_list.hpp"

#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace mi::core {

class Engine {
public:
    struct Settings {
        std::uint32_t parallel_starts = 0; // 0: no limit
        std::uint64_t seed = 1;            // for the jitter of restart delays
    };

    Engine(Graph graph, Settings settings);

    // Applies an event and settles. Perform the effects in order; their outcomes come back as events.
    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // The two halves of step, for a turn with many events: apply all of them, then settle once.
    void apply(const Event& event, Instant now);
    void settle(Instant now);
    [[nodiscard]] std::vector<Effect> take_effects();

    // The earliest time at which a `due` event would have an effect.
    [[nodiscard]] Instant next_deadline();
    // The units for which a `due` event would have an effect.
    [[nodiscard]] std::vector<UnitId> due(Instant now);

    [[nodiscard]] const Graph& graph() const { return graph_; }
    [[nodiscard]] const Record& record(UnitId id) const { return records_[id]; }
    [[nodiscard]] const std::vector<Record>& records() const { return records_; }
    [[nodiscard]] const Facts& facts(UnitId id) const { return facts_[id]; }
    [[nodiscard]] const Counts& counts(UnitId id) const { return counts_[id]; }
    [[nodiscard]] bool halting() const { return halt_ != Halt::no; }
    // Whether Event::leave would let the unit go on running.
    [[nodiscard]] bool would_keep(UnitId id) const;
    // Number of units that must be stopped before they are down; number of units whose start is still to come or in
    // progress.
    [[nodiscard]] std::size_t active_units() const { return totals_.active; }
    [[nodiscard]] std::size_t coming_units() const { return totals_.coming; }

    // Takes a new set of units (the files were read again). A removed unit that still runs stays until it is down. A
    // running unit whose new definition has another kind or type, or is invalid, is first stopped with its old
    // definition; then the new one takes effect. Returns the units that are gone.
    [[nodiscard]] std::vector<UnitId> replace(std::vector<Unit> units, Instant now);
    // The new definition of a unit that still runs with its old one, which takes effect when it is down. Null: there is
    // none.
    [[nodiscard]] const Unit* later(UnitId id) const {
        auto at = later_.find(id);
        return at != later_.end() && !at->second.name.empty() ? &at->second : nullptr;
    }
    // The latest definition of a unit, even if it does not take effect until the unit is down.
    [[nodiscard]] const Unit& last_read(UnitId id) const {
        const Unit* other = later(id);
        return other != nullptr ? *other : graph_.unit(id);
    }
    // Whether the file of a running unit was gone at the last reading: then it is not started again.
    [[nodiscard]] bool is_gone(UnitId id) const {
        auto at = later_.find(id);
        return at != later_.end() && at->second.name.empty();
    }
    // Removes a unit that is down from the graph. Returns the units that are gone: this one, and those that only it
    // named.
    [[nodiscard]] std::vector<UnitId> remove(UnitId id, Instant now);
    // Adds a unit, or replaces an invalid one of that name.
    void add(Unit unit, Instant now);

    // --- saving and restoring ---
    // The progress of a shutdown, for restore().
    enum class Halt : std::uint8_t { no, stopping, final_target, last, done };
    [[nodiscard]] Halt halt() const { return halt_; }
    // The units whose records may have changed since the last call.
    struct Changes {
        bool all = false; // all records, and the set of units itself
        std::vector<UnitId> units;
    };
    void take_changes(Changes& changes);
    // Marks a unit: data of it outside of its record has changed.
    void mark(UnitId id) { (void)change(id); }
    void mark_all() { all_changed_ = true; }
    // Restores saved records, before anything is started; the graph must have the ids of that time. The caller restores
    // pending effects, which are not part of the records.
    void restore(const std::vector<std::pair<UnitId, Record>>& saved, Halt halt, Instant now);

    // For tests: number of entries in the list of deadlines.
    [[nodiscard]] std::size_t deadlines() const { return deadlines_.size(); }
    // For tests: whether the stored facts and counts equal those computed from the records.
    [[nodiscard]] bool consistent() const;

private:
    // settle.cpp
    void rebuild();
    void adopt_graph();
    std::vector<UnitId> regraph(std::vector<Unit> fresh, const std::function<bool(UnitId)>& stays);
    void forget_gone(Record& record) const;
    [[nodiscard]] std::vector<char> running_and_wanted() const; // by id
    void put_off(std::vector<Unit>& fresh);
    bool take_up_later();
    void soften(std::vector<Unit>& fresh, const std::vector<char>& ran) const;
    void soften_new_requirements(UnitId id, Unit& fresh) const;
    [[nodiscard]] bool requires_already(UnitId id, UnitId other) const;
    void touch(UnitId id) { dirty_.add(id); }
    void look_at(UnitId id) { to_look_at_.add(id); }
    void refresh(UnitId id);
    void drain();
    void act(UnitId id);
    void act_on_waiting(UnitId id);
    void stay_down(UnitId id);
    void advance_halt();
    void stop_last_ones();
    void yield_to(UnitId id);
    [[nodiscard]] bool accepts_wishes() const { return halt_ == Halt::no || halt_ == Halt::final_target; }

    // events.cpp
    void apply_to_all(Event::Kind kind);
    void apply_to_unit(const Event& event);
    [[nodiscard]] bool is_in(UnitId id, Phase phase, Stage stage) const;
    [[nodiscard]] bool runs(UnitId id) const;
    void pass_deadlines();
    void go_on(UnitId id, Stage stage);
    void conditions_met(UnitId id);
    void condition_unmet(UnitId id, const std::string& which);
    void conditions_unknown(UnitId id, const std::string& why);
    void sockets_opened(UnitId id);
    void sockets_failed(UnitId id, const std::string& why, bool lasts);
    void overrun(UnitId id, const std::string& words);
    void spawned(UnitId id, Role role, std::int32_t pid);
    void spawn_failed(UnitId id, Role role, const std::string& why, bool lasts);
    void exited(const Event& event);
    void emptied(UnitId id);
    void ready(UnitId id);
    void reloading(UnitId id);
    void doubted(UnitId id, const std::string& doubt);
    void main_pid_known(UnitId id, std::int32_t pid);
    void extend(UnitId id, Span span);
    void alive(UnitId id);
    void says_it_hangs(UnitId id);
    void set_watchdog(UnitId id, Span span);
    void says_it_leaves(UnitId id);
    void set_frozen(UnitId id, bool frozen);

    // requests.cpp, rounds.cpp
    void ask_start(UnitId id, bool all, bool run);
    void ask_stop(UnitId id);
    void ask_restart(UnitId id);
    void take_parts_along(UnitId id);
    void restart_parts(UnitId id);
    void ask_reload(UnitId id);
    void reload_one(UnitId id);
    void ask_reset(UnitId id);
    void isolate(UnitId id);
    void start_followers(UnitId id, std::span<const UnitId> others);
    void come_round(UnitId from, UnitId to);
    void end_rounds(UnitId id, UnitId from);
    void forget_rounds(UnitId id);
    void begin_shutdown(bool keep);

    // lifecycle.cpp: the way up
    void begin_start(UnitId id);
    void start_from(UnitId id, Stage stage);
    void come_up(UnitId id);
    void arm(UnitId id);
    void disarm(UnitId id);
    void triggered_again(UnitId id);
    void back_up(UnitId id);
    void watch_over(UnitId id);
    [[nodiscard]] Reason stop_reason(UnitId id);
    [[nodiscard]] Reason unwanted_reason(UnitId id);
    [[nodiscard]] Reason whole_reason(UnitId id);
    void fail_start(UnitId id, Reason reason, std::string detail = {}, OwnEnd own_end = OwnEnd::failure);
    void ended(UnitId id);
    void leave(UnitId id, Reason reason);
    void hung(UnitId id, std::string detail);
    void main_exited(UnitId id, const ExitStatus& exit);
    void hook_exited(UnitId id, Role role, const ExitStatus& exit);
    bool run_next_command(UnitId id, Role role);
    void deadline_passed(UnitId id);

    // health.cpp
    [[nodiscard]] bool may_probe(UnitId id) const;
    void await_health(UnitId id);
    void adopt_health(UnitId id);
    void plan_probe(UnitId id, Span in);
    void rest_probes(UnitId id);
    void end_probe(UnitId id);
    void probe_due(UnitId id);
    void probe_ended(UnitId id, std::int32_t pid, bool good, std::string words, bool lasts);
    void probe_not_made(UnitId id, const std::string& why, bool lasts);
    void probe_succeeded(UnitId id);
    void probe_failed(UnitId id, std::string words, bool lasts);
    void line_matched(UnitId id);
    void probe_said(UnitId id, const std::string& words);
    void set_health(UnitId id, Health health);
    void became_unhealthy(UnitId id);

    // await.cpp
    [[nodiscard]] bool waits_for_presence(UnitId id);
    void all_there(UnitId id);
    void something_missing(UnitId id, const std::string& what);
    void await_in_vain(UnitId id);
    void forget_presence();

    // descent.cpp: down
    void begin_stop(UnitId id, Reason reason);
    void run_again(UnitId id);
    void no_longer_done(UnitId id);
    void sweep(UnitId id, bool gently);
    void tear_down_from(UnitId id, Stage stage);
    void finish(UnitId id);
    void retry_or_fail(UnitId id);
    [[nodiscard]] static bool is_beyond_limit(const Service& settings, std::uint32_t tries);
    [[nodiscard]] Span delay_before(UnitId id, std::uint32_t tries) const;
    void give_up(UnitId id);
    void fail(UnitId id, Reason reason);
    [[nodiscard]] bool awaits_next_run(UnitId id, Reason reason) const;
    void conclude(UnitId id, ExitAction action, int code);

    // engine.cpp
    void set_phase(UnitId id, Phase phase);
    void set_phase(UnitId id, Phase phase, Reason reason, UnitId cause = no_unit);
    void give_up_keeping(UnitId id);
    void set_deadline(UnitId id, Span span);
    void clear_deadline(UnitId id) {
        if (records_[id].deadline != never)
            change(id).deadline = never;
    }
    // Returns a record for changing, and marks it as changed.
    Record& change(UnitId id) {
        changed_.add(id);
        return records_[id];
    }
    [[nodiscard]] UnitId next_due() { return deadlines_.first(records_); }
    [[nodiscard]] UnitId next_probe() { return probes_.first(records_); }
    void emit(Effect effect) { effects_.push_back(effect); }
    void emit_spawn(UnitId id, Role role, std::uint8_t index);
    [[nodiscard]] const Service& service(UnitId id) const { return graph_.unit(id).service; }
    [[nodiscard]] const std::vector<Command>& commands(UnitId id, Role role) const;
    [[nodiscard]] bool succeeded(UnitId id, const ExitStatus& exit) const;
    [[nodiscard]] OwnEnd own_end(UnitId id, const ExitStatus& exit) const {
        return succeeded(id, exit) ? OwnEnd::success : OwnEnd::failure;
    }

    Graph graph_;
    Settings settings_;
    std::vector<Record> records_;
    std::vector<Facts> facts_;
    std::vector<Counts> counts_;
    std::map<UnitId, Unit>
        later_; // what was read of units that still run as something else; without a name: it is gone
    Halt halt_ = Halt::no;
    Instant now_{};
    std::vector<Effect> effects_;

    Deadlines deadlines_{&Record::deadline};
    Deadlines probes_{&Record::probe_at};

    UnitList<std::vector<UnitId>> changed_; // records, since take_changes()
    bool all_changed_ = true;
    UnitList<std::vector<UnitId>> dirty_;     // facts to compute again
    UnitList<std::deque<UnitId>> to_look_at_; // units whose next step may have become possible
    std::deque<UnitId> for_a_slot_;           // ready to start, but parallel_starts are starting
    bool adopting_ = false;                   // facts are being made anew: no request is new
    // How many units are in the phases `starting` and `stopping`, and of how many these facts are true.
    struct Totals {
        std::size_t starting = 0, stopping = 0, active = 0, coming = 0;
    };
    Totals totals_;
};

} // namespace mi::core
