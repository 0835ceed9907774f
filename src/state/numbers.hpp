// The numbers of everything that is saved for the next program image: one table for each enumeration (see
// wire/numbers.hpp for the rules). A program reads state that an earlier or a later version has saved, so a number here
// never changes its meaning.
//
// `fallback` is the meaning of an unknown number in something that cannot be dropped. An enumeration without one is
// only used in items that are dropped as a whole. If the right answer depends on the rest of the record, unknown.cpp
// decides, and the fallback is only the last resort.
#pragma once

#include "core/engine.hpp"
#include "core/event.hpp"
#include "core/record.hpp"
#include "core/unit.hpp"
#include "state/items.hpp"
#include "wire/enums.hpp"
#include "wire/log_numbers.hpp"
#include "wire/numbers.hpp"

namespace mi::wire {

// For a first start, which only a chart shows. For a record see state::settle_record(): there it depends on the running
// processes.
template <>
struct Numbers<core::Phase> {
    using enum core::Phase;
    static constexpr std::string_view name = "phase";
    static constexpr core::Phase fallback = down;
    static constexpr Numbered<core::Phase> rows[] = {
        {down, 0},    {waiting, 1}, {starting, 2}, {up, 3},     {reloading, 4}, {stopping, 5},
        {backoff, 6}, {done, 7},    {skipped, 8},  {failed, 9}, {invalid, 10},
    };
};

template <>
struct Numbers<core::Asked> {
    using enum core::Asked;
    static constexpr std::string_view name = "request";
    static constexpr core::Asked fallback = nothing; // for a unit at rest; a running one is left running
    static constexpr Numbered<core::Asked> rows[] = {{nothing, 0}, {up, 1}, {down, 2}, {up_alone, 3}};
};

template <>
struct Numbers<core::Role> {
    using enum core::Role;
    static constexpr std::string_view name = "role";
    static constexpr core::Role fallback =
        none; // its pid is forgotten, too: the process ends with the rest of the unit
    static constexpr Numbered<core::Role> rows[] = {{none, 0},       {pre_start, 1},  {main, 2},
                                                    {post_start, 3}, {reload, 4},     {stop, 5},
                                                    {post_stop, 6},  {connection, 7}, {probe, 8}};
};

template <>
struct Numbers<core::Stage> {
    using enum core::Stage;
    static constexpr std::string_view name = "stage";
    static constexpr core::Stage fallback = none; // for a phase without stages
    static constexpr Numbered<core::Stage> rows[] = {
        {none, 0},  {conditions, 1}, {sockets, 2},    {idle, 3},        {pre_start, 4},
        {main, 5},  {pid_file, 6},   {post_start, 7}, {stop, 8},        {terminate, 9},
        {kill, 10}, {sweep, 11},     {post_stop, 12}, {last_sweep, 13}, {health, 14},
    };
};

// Only shown to people.
template <>
struct Numbers<core::Reason> {
    using enum core::Reason;
    static constexpr std::string_view name = "reason";
    static constexpr core::Reason fallback = none;
    static constexpr Numbered<core::Reason> rows[] = {
        {none, 0},
        {asked, 1},
        {unneeded, 2},
        {dependency_failed, 3},
        {dependency_stopped, 4},
        {conflict, 5},
        {condition, 6},
        {spawn_failed, 7},
        {exited, 8},
        {start_timeout, 9},
        {stop_timeout, 10},
        {pre_start_failed, 11},
        {post_start_failed, 12},
        {protocol, 13},
        {restart_limit, 14},
        {restarting, 15},
        {watchdog, 16},
        {leaving, 17},
        {trigger_limit, 18},
        {shutdown, 19},
        {file, 20},
        {sockets_failed, 21},
        {conditions_unknown, 22},
        {unhealthy, 23},
        {await_timeout, 24},
        {await_lost, 25},
        {whole_stopped, 26},
    };
};

// What is not known is found out: it is looked again.
template <>
struct Numbers<core::Presence> {
    using enum core::Presence;
    static constexpr std::string_view name = "presence";
    static constexpr core::Presence fallback = unknown;
    static constexpr Numbered<core::Presence> rows[] = {
        {unknown, 0}, {missing, 1}, {missing_for_now, 2}, {there, 3}, {lost, 4}};
};

// An unknown state of health is found out: the unit is probed.
template <>
struct Numbers<core::Health> {
    using enum core::Health;
    static constexpr std::string_view name = "health";
    static constexpr core::Health fallback = starting;
    static constexpr Numbered<core::Health> rows[] = {{none, 0}, {starting, 1}, {healthy, 2}, {unhealthy, 3}};
};

// How a process ended: in a record, an unknown kind counts as "no exit known". An exit of an unknown kind is dropped;
// the end of its process is noticed in another way.
template <>
struct Numbers<core::ExitStatus::Kind> {
    using enum core::ExitStatus::Kind;
    static constexpr std::string_view name = "kind of exit";
    static constexpr core::ExitStatus::Kind fallback = none;
    static constexpr Numbered<core::ExitStatus::Kind> rows[] = {{none, 0}, {code, 1}, {signal, 2}};
};

// An effect with any unknown enumerator is dropped, because doing something else might end the machine. A unit that
// waits for its outcome has a deadline, or an operator can repeat the request.
template <>
struct Numbers<core::Effect::Kind> {
    using enum core::Effect::Kind;
    static constexpr std::string_view name = "kind of effect";
    static constexpr Numbered<core::Effect::Kind> rows[] = {
        {check_conditions, 0},
        {open_sockets, 1},
        {close_sockets, 2},
        {arm, 3},
        {disarm, 4},
        {spawn, 5},
        {await_pid_file, 6},
        {signal, 7},
        {sweep, 8},
        {changed, 9},
        {release, 10},
        {conclude, 11},
        {halt, 12},
        {health, 13},
    };
};

// For a sweep in progress: only the processes that we started, which is never more than was meant.
template <>
struct Numbers<core::Effect::Scope> {
    using enum core::Effect::Scope;
    static constexpr std::string_view name = "scope";
    static constexpr core::Effect::Scope fallback = main;
    static constexpr Numbered<core::Effect::Scope> rows[] = {{main, 0}, {everything, 1}};
};

// How the machine ends, in the manager's item: see state::settle_ending().
template <>
struct Numbers<core::Ending> {
    using enum core::Ending;
    static constexpr std::string_view name = "ending";
    static constexpr core::Ending fallback = none;
    static constexpr Numbered<core::Ending> rows[] = {{none, 0},  {poweroff, 1}, {reboot, 2},     {halt, 3},
                                                      {kexec, 4}, {exit, 5},     {switch_root, 6}};
};

// How far the shutdown has come: see state::settle_ending().
template <>
struct Numbers<core::Engine::Halt> {
    using enum core::Engine::Halt;
    static constexpr std::string_view name = "stage of the shutdown";
    static constexpr core::Engine::Halt fallback = no;
    static constexpr Numbered<core::Engine::Halt> rows[] = {
        {no, 0}, {stopping, 1}, {final_target, 2}, {last, 3}, {done, 4}};
};

// A scheduled shutdown of an unknown kind is dropped as a whole.
template <>
struct Numbers<Ending> {
    using enum Ending;
    static constexpr std::string_view name = "scheduled ending";
    static constexpr Numbered<Ending> rows[] = {{poweroff, 0}, {reboot, 1}, {halt, 2}, {kexec, 3}};
};

// A socket of an unknown kind is dropped (and so closed).
template <>
struct Numbers<core::Listen::Kind> {
    using enum core::Listen::Kind;
    static constexpr std::string_view name = "kind of socket";
    static constexpr Numbered<core::Listen::Kind> rows[] = {
        {stream, 0}, {datagram, 1}, {sequential_packet, 2}, {fifo, 3}};
};

// The processes of a unit that may notify; an unknown value is dropped, and the unit file decides again.
template <>
struct Numbers<core::NotifyAccess> {
    using enum core::NotifyAccess;
    static constexpr std::string_view name = "notify-access";
    static constexpr Numbered<core::NotifyAccess> rows[] = {{none, 0}, {main, 1}, {exec, 2}, {all, 3}};
};

// The result that a client waits for; with an unknown value the client is told to ask again.
template <>
struct Numbers<state::Goal> {
    using enum state::Goal;
    static constexpr std::string_view name = "call";
    static constexpr Numbered<state::Goal> rows[] = {{events, 0}, {start, 1},      {stop, 2},  {restart, 3},
                                                     {reload, 4}, {isolate, 5},    {state, 6}, {end, 7},
                                                     {reexec, 8}, {switch_root, 9}};
};

// An item of an unknown kind is skipped. 0 was never used.
template <>
struct Numbers<state::Tag> {
    using enum state::Tag;
    static constexpr std::string_view name = "kind of item";
    static constexpr std::array<std::uint8_t, 1> retired{0};
    static constexpr Numbered<state::Tag> rows[] = {{manager, 1}, {unit, 2}, {process, 3}, {stream, 4}, {client, 5},
                                                    {effect, 6},  {exit, 7}, {spawn, 8},   {done, 9}};
};

} // namespace mi::wire
