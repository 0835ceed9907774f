// The way down: every unit is stopped in order, within the time there is; then the log collector; then the loop ends. What is left
// of the machine after that is os::shutdown's.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/subsystem.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class Shutdown final : public Subsystem {
public:
    // How it ended: what is to become of the machine, and the exit code where it is a container that ends.
    struct Outcome {
        core::Ending how = core::Ending::none;
        int code = 0;
        Instant deadline = never;              // of the machine's whole shutdown
        std::vector<std::string> in_the_way{}; // of it so far, a line each
    };
    struct Host {
        virtual ~Host() = default;
        // It begins; `what`, for people: "reboot".
        virtual void shutdown_begins(std::string_view what) = 0;
        // It is over: what we have outside of this process goes.
        virtual void shutdown_is_over() = 0;
    };

    // `grace`: how long what was left beside the main process of a container may take, where there is a main process.
    Shutdown(Context& context, Processes& processes, Host& host, std::optional<Span> grace)
        : context_(context), processes_(processes), host_(host), grace_(grace) {}

    // Begins it, or changes the kind of the one that has begun. `keep`, for a switch of the root: units that say so go on.
    // `what`: its name for people, where `how` does not say it.
    void begin(core::Ending how, int code, bool keep = false, std::string_view what = {});
    // Straight to the last stage, and not so long there either.
    void hurry();
    // Every unit is down (or given up on): the collector writes what it has and ends.
    void units_are_down();
    // The collector has ended, too.
    void finish();

    [[nodiscard]] const Outcome& outcome() const { return outcome_; }
    [[nodiscard]] bool all_down() const { return all_down_; }
    [[nodiscard]] bool over() const { return over_; }

    void perform(const core::Effect&) override { units_are_down(); } // halt
    [[nodiscard]] Instant next_deadline() const override { return over_ ? never : std::min(give_up_at_, report_at_); }
    void due(Instant now) override;
    void exited(const os::Exit& exit) override;
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

    void save(state::ManagerImage& image) const override;
    void restore(const state::ManagerImage& image) override;

private:
    [[nodiscard]] Span last_part() const;
    void thaw();
    void report_slow_stops();
    void give_up();
    [[nodiscard]] std::string in_the_way(core::UnitId unit) const;
    [[nodiscard]] bool all_failed() const;

    Context& context_;
    Processes& processes_;
    Host& host_;
    std::optional<Span> grace_;
    Outcome outcome_;
    bool all_down_ = false;
    bool over_ = false;
    Instant give_up_at_ = never;             // shutdown-timeout
    Instant report_at_ = never;              // next progress line of a slow shutdown
    std::vector<std::string> may_be_frozen_; // mount points, by the exit code of the child that thaws, less 1
};

} // namespace mi::daemon
