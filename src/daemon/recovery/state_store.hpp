// Saving what outlives PID 1's program, so that after a crash or a re-exec the next one goes on where this one was.
//
// - What a turn has changed is saved at its end. Records, effects that are decided and not done, and exits that are collected and
//   not seen to are saved together, so a crash finds either all of a change or none.
// - What cannot be taken back is saved on both sides. The intent to spawn is saved before the process is made, and its pid right
//   after: a crash in between finds no process, or one that the next program can adopt. An exit is saved before it is acted on, as
//   the kernel does not tell it twice.
// - A frame holds what has changed. Where that is more than the whole state was, the whole is written instead (keeper.hpp).
//
// Restoring is restore.cpp's.
#pragma once

#include "daemon/context.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/recovery/keeper.hpp"
#include "os/crash/crash.hpp"
#include "os/spawn/spawn.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class ControlServer;

// Children that were collected and not all seen to yet.
struct CollectedExits {
    std::vector<os::Exit> exits;
    std::size_t at = 0;     // the one that is being seen to
    std::uint32_t done = 0; // of those that are saved, since
};

class StateStore {
public:
    // What the saved items hold, made by those that know.
    struct Source {
        virtual ~Source() = default;
        [[nodiscard]] virtual state::ManagerImage image_of_manager() const = 0;
        [[nodiscard]] virtual state::UnitImage image_of_unit(core::UnitId unit) const = 0;
        // Nothing of the unit needs to be saved: it is as it is when it was just read.
        [[nodiscard]] virtual bool is_blank(core::UnitId unit) const = 0;
        [[nodiscard]] virtual state::ProcessImage image_of_process(pid_t pid) const = 0;
        [[nodiscard]] virtual state::ClientImage image_of_client(int fd, bool bytes) const = 0;
        // The only process that was made since the last save.
        [[nodiscard]] virtual state::SpawnImage image_of_spawn(core::UnitId unit, core::Role role,
                                                               const os::Start& start, const Launch& launch) const = 0;
    };
    // `keeper`: none where there is no memory for it; then nothing is saved. `paused`: until resume().
    StateStore(Context& context, Source& source, std::optional<Keeper> keeper, os::CrashGuard* guard,
               EffectQueue& effects, CollectedExits& exits, Processes& processes, bool paused)
        : context_(context), source_(source), keeper_(std::move(keeper)), guard_(guard), effects_(effects),
          exits_(exits), processes_(processes), paused_(paused) {}

    // From now on there are clients.
    void serve(ControlServer* control) { control_ = control; }
    // What the program before this one has saved is restored: it may be written over.
    void resume() { paused_ = false; }
    [[nodiscard]] bool keeps() const { return keeper_.has_value() && guard_ != nullptr; }

    // Saves what has changed.
    void save();
    // Saves everything. `bytes`: also what clients have sent and not been answered.
    void save_all(bool bytes);
    // The exits that were just collected.
    void save_exits();
    // A process that is there, and that nothing else saved tells of.
    void save_spawn(core::UnitId unit, core::Role role, const os::Start& start, const Launch& launch);
    // A copy of the whole state, for a program that shows that it can read it; the words say why there is none.
    [[nodiscard]] std::expected<Fd, std::string> copy();

private:
    void drop_moved();
    void save_moved(std::string& frame);
    void put_effects(std::string& frame);
    void put_exits(std::string& frame, std::size_t from) const;

    Context& context_;
    Source& source_;
    std::optional<Keeper> keeper_;
    os::CrashGuard* guard_;
    EffectQueue& effects_;
    CollectedExits& exits_;
    Processes& processes_;
    ControlServer* control_ = nullptr;
    bool paused_;
    core::Engine::Changes changes_;
    core::Engine::Halt saved_halt_ = core::Engine::Halt::no;
    bool spawn_saved_ = false;      // a process that nothing else there tells of
    std::size_t units_in_base_ = 0; // saved as a whole: those that were not as just read
    bool said_not_kept_ = false;
};

} // namespace mi::daemon
