// sd_notify(3): what services say of themselves, which of their processes are believed, and what follows from it. Each run has a
// socket of its own to speak at (notify_line.hpp); the words of a message are read by notice.hpp.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/socket/fd_store.hpp"
#include "daemon/start/pending_starts.hpp"
#include "daemon/subsystem.hpp"
#include "os/file/path_watch.hpp"
#include "os/socket/notify_socket.hpp"
#include "state/snapshot.hpp"

#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mi::daemon {

class Notify final : public Subsystem {
public:
    // Something that could not be made, and for the user what that means.
    struct Trouble {
        Fault why;
        std::string consequence;
    };

    Notify(Context& context, const Processes& processes, MainProcess& main_process, FdStore& fd_store,
           PendingStarts& pending_starts)
        : context_(context), processes_(processes), main_process_(main_process), fd_store_(fd_store),
          pending_starts_(pending_starts) {}

    // Gives the run that begins a socket, if the unit may speak and the run has none yet. The words say why there is none: a unit
    // of type notify could not come up without.
    [[nodiscard]] std::expected<void, std::string> open_line(core::UnitId unit);
    // Reads and acts on everything that the unit has said by now: it is about to be judged.
    void hear_all(core::UnitId unit) { hear(unit, NotifyLine::most_unread); }
    // Makes the directory of the sockets if it is not there, and every socket that is gone or that something was mounted over.
    // `closely`: looks at each socket, even if the directory is the same as before.
    [[nodiscard]] std::vector<Trouble> remake_sockets(bool closely);

    void catch_up(core::UnitId unit) override { hear_all(unit); }
    void run_ended(core::UnitId unit) override;
    // Everything that was said before a barrier (BARRIER=1) has been acted on.
    void turn_ends() override;
    [[nodiscard]] Instant next_deadline() const override { return listen_again_; }
    void due(Instant now) override; // listens again to those that had said too much at once

    // --- saved state ---
    void save(state::ManagerImage& image) const override { image.lines_made = lines_made_; }
    void restore(const state::ManagerImage& image) override { lines_made_ = image.lines_made; }
    void save_unit(core::UnitId unit, state::UnitImage& image) const override { image.line = image_of_line(unit); }
    void restore_unit(core::UnitId unit, state::UnitImage& image) override {
        if (image.line)
            restore_line(unit, *image.line);
    }
    [[nodiscard]] std::optional<state::LineImage> image_of_line(core::UnitId unit) const;
    void restore_line(core::UnitId unit, const state::LineImage& image);

private:
    [[nodiscard]] Result<> watch_line(core::UnitId unit);
    [[nodiscard]] std::optional<uid_t> speaker_of(const core::Unit& unit);
    void complain(core::UnitId unit, NotifyLine::Complaint what, const std::string& text);
    void hear(core::UnitId unit, std::size_t most);
    [[nodiscard]] bool believes(core::UnitId unit, const os::NotifyMessage& message);
    void heard(core::UnitId unit, os::NotifyMessage& message);
    void name_main(core::UnitId unit, const std::string& text);

    Context& context_;
    const Processes& processes_;
    MainProcess& main_process_;
    FdStore& fd_store_;
    PendingStarts& pending_starts_;
    std::string directory_;                             // empty: none could be made
    std::optional<os::FileIdentity> directory_at_;      // what was there when we made it
    std::uint64_t lines_made_ = 0;                      // sockets, ever: their names are not used again
    std::vector<std::pair<core::UnitId, Fd>> barriers_; // BARRIER=1 of this turn
    Instant listen_again_ = never;                      // to units that have said too much at once
    std::uint64_t hearing_turn_ = 0;                    // the last turn in which a unit was heard,
    Instant hear_until_{};                              // and until when units are heard at length in it
};

} // namespace mi::daemon
