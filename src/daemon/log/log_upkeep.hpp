// The log collector as a subsystem: its end, its deadlines, what it says, and new storage for logs.
#pragma once

#include "daemon/context.hpp"
#include "daemon/log/log_link.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/subsystem.hpp"

#include <functional>

namespace mi::os {
class CrashGuard;
}

namespace mi::daemon {

class LogUpkeep final : public Subsystem, public LogLink::Listener {
public:
    // `guard`: null where there is none. `save`: called when there is another collector, which must not be forgotten. `finished`:
    // called when the collector has written everything and ended, as it was asked to.
    // `said`: LogLink::Listener::line_said.
    using Said = std::function<void(const std::string&, bool, const std::string&)>;
    LogUpkeep(Context& context, OutputFlush& flush, os::CrashGuard* guard, std::function<void()> save,
              std::function<void()> finished, Said said)
        : context_(context), flush_(flush), guard_(guard), save_(std::move(save)), finished_(std::move(finished)),
          said_(std::move(said)) {}

    // What was started, or restored, by now.
    void adopt();
    void exited(const os::Exit& exit) override;
    [[nodiscard]] Instant next_deadline() const override { return context_.logs.next_deadline(); }
    void due(Instant now) override { context_.logs.due(now); }
    void save(state::ManagerImage& image) const override { context_.logs.tell(image); }
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override;

    void flushed(std::uint64_t token) override { flush_.flushed(token); }
    void log_trouble(const std::string& text) override { context_.say(Priority::warning, text); }
    void line_said(const std::string& unit, bool of_probe, const std::string& text) override {
        said_(unit, of_probe, text);
    }
    void counted(const wire::logs::Count& count) override;
    void collector_started() override;

private:
    void tell_guard();
    Context& context_;
    OutputFlush& flush_;
    os::CrashGuard* guard_;
    std::function<void()> save_, finished_;
    Said said_;
};

} // namespace mi::daemon
