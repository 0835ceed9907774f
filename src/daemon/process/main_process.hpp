// Which process is a service's main one, where that is not the one that we started: the PID files of forking services, and main
// processes whose end the kernel tells to their parent instead of us.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/pid_files.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/subsystem.hpp"

#include <string>

namespace mi::daemon {

class MainProcess final : public Subsystem {
public:
    struct Host {
        virtual ~Host() = default;
        // Collects the processes that have ended, and acts on each exit.
        virtual void collect() = 0;
        // Acts on everything that the unit has said by now.
        virtual void hear(core::UnitId unit) = 0;
    };
    MainProcess(Context& context, Processes& processes, PathInquiries& inquiries, Host& host)
        : context_(context), processes_(processes), inquiries_(inquiries),
          pid_files_(context.kernel, context.surroundings.hanging), host_(host) {}

    // Listens for PID files to appear.
    void open();
    // The start of a forking service is over when its PID file names a live process of it. Without a PID file the oldest
    // process that the start has left stands for all of them, and when that ends, the next: the service has ended when
    // nothing is left of it.
    void await_pid_file(core::UnitId unit);
    void perform(const core::Effect& effect) override { await_pid_file(effect.unit); }
    // Of a service that does not write it itself.
    void write_pid_file(const core::Unit& unit, pid_t pid);

    // Another process of the unit is its main one from now on.
    void adopt(core::UnitId unit, pid_t pid);
    // The main process `from` has ended: whether it has left its part to another, as the unit's PID file says, or, without
    // one, because something of the service is left.
    [[nodiscard]] bool handed_on(core::UnitId unit, pid_t from);
    // Waits for the end of a main process, if it is no child of ours.
    void watch(core::UnitId unit, pid_t pid);
    // It has ended, as something else than our own child.
    void gone(core::UnitId unit, pid_t pid);

    [[nodiscard]] Instant next_deadline() const override { return pid_files_.next_look(); }
    void due(Instant) override { check_pid_files(); }
    void children_ended() override { check_pid_files(); }
    void catch_up(core::UnitId unit) override; // an end that we have not been told of yet counts
    void run_ended(core::UnitId unit) override;
    void save_unit(core::UnitId unit, state::UnitImage& image) const override {
        image.from_pid_file = context_.units[unit].from_pid_file;
    }
    void restore_unit(core::UnitId unit, state::UnitImage& image) override {
        context_.units[unit].from_pid_file = image.from_pid_file;
    }
    void unit_gone(core::UnitId unit) override { pid_files_.forget(unit); }

private:
    void check_pid_files();
    void ask_for_pid_file(core::UnitId unit);
    void consider_pid_file(core::UnitId unit, const Result<pid_t>& named);
    [[nodiscard]] bool is_stray_of(core::UnitId unit, pid_t pid) const;
    [[nodiscard]] std::string doubt_about(core::UnitId unit, pid_t pid) const;
    void clear_pid_file(core::UnitId unit);
    [[nodiscard]] pid_t oldest_of(core::UnitId unit, pid_t but) const;
    void stand_in(core::UnitId unit);

    Context& context_;
    Processes& processes_;
    PathInquiries& inquiries_;
    PidFiles pid_files_;
    Host& host_;
    std::unique_ptr<loop::Watch> watch_; // of the directories that PID files are awaited in
};

} // namespace mi::daemon
