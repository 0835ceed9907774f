// The life of PID 1 after its start: one turn after another, each from one wake-up of the loop.
//
//   callbacks  descriptors were read and deadlines came: subsystems told the engine (Context::apply), or registered what they need
//   pump       settle the engine; perform its effects, whose outcomes are told to it again; until nothing follows any more
//   answer     clients and the collector are sent what the turn has brought
//   save       what has changed is saved, with what is still unsent, so that a crash from here on loses nothing
//              (recovery/state_store.hpp)
//   wait       the one timer is set to the earliest deadline of any subsystem, and of the engine
//
// Why this order is right:
// - Children are collected before a deadline is judged: a process that has ended is not late.
// - A turn is bounded: so many processes are made, so many exits collected, so much is read from one client or service. What is left
//   comes in the next turn, after everything else has had its share.
// - An effect may be performed twice (a crash may come between the deed and its being saved), and each is safe to repeat. A process
//   is the exception: its intent is saved before it is made, and its pid right after.
// - Nothing is asked "is that yours?": a child is registered with its owner when it is made, an effect goes to the subsystems that
//   were registered for its kind, and a unit's data lies in the table by an id that never changes.
#pragma once

#include "daemon/context.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/recovery/state_store.hpp"
#include "daemon/subsystem.hpp"

#include <array>
#include <initializer_list>
#include <vector>

namespace mi::daemon {

class ControlServer;
class OutputFlush;
class Shutdown;
class Starter;
class Succession;
class Sweeper;
class TransientUnits;

class Turn {
public:
    // What has a place of its own in the turn.
    struct Parts {
        EffectQueue& effects;
        CollectedExits& exits;
        const std::vector<Subsystem*>& subsystems; // in the order in which they are seen to
        Subsystem& unit_processes;                 // the owner of every child that no other was registered for
        Starter& starter;
        Sweeper& sweeper;
        TransientUnits& transient_units;
        OutputFlush& output_flush;
        StateStore& store;
        Succession& succession;
        const Shutdown& shutdown;
        os::CrashGuard* guard; // null: a crash is the end
    };
    Turn(Context& context, const Parts& parts);

    // Effects of that kind are for these, in this order.
    void performs(core::Effect::Kind kind, std::initializer_list<Subsystem*> subsystems);
    // From now on there are clients.
    void serve(ControlServer* control) { control_ = control; }
    // The loop calls us from now on.
    void open();
    // One turn: after the callbacks of a wake-up, and once before the loop runs.
    void take();
    // Collects the children that have ended, and acts on each exit.
    void reap();
    // Acts on the end of one.
    void exited(const os::Exit& exit);

private:
    void pump();
    void perform(const core::Effect& effect);
    void follow_spawn();
    void due();
    void set_timer();

    Context& context_;
    Parts parts_;
    std::array<std::vector<Subsystem*>, core::Effect::kinds> performers_;
    ControlServer* control_ = nullptr;
    bool more_to_reap_ = false;
};

} // namespace mi::daemon
