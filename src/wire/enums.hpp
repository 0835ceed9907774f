// The words of every enumeration that is sent or shown as text: in JSON an enumerator is its word. One table for each
// enumeration. Its number, for saved state and binary messages, is in numbers.hpp.
#pragma once

#include "core/record.hpp"
#include "core/unit.hpp"
#include "wire/numbers.hpp"

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace mi::wire {

// The role of the manager.
enum class Mode : std::uint8_t { system, container, user };
// The state of the machine. `degraded`: it runs, but a unit has failed. `caretaker`: after crashes, the manager only
// keeps running units up.
enum class ManagerState : std::uint8_t { starting, running, degraded, stopping, caretaker };
// How the machine ends: see reboot(2). In a container each of them ends the container.
enum class Ending : std::uint8_t { poweroff, reboot, halt, kexec };
// The subject of an event: a unit's state, its status text, the manager itself, or a unit's health.
enum class EventKind : std::uint8_t { state, status, manager, health };
// The type of a metric, as in systemd's io.systemd.Metrics: a number that only grows, one that goes up and down, or a word.
enum class MetricType : std::uint8_t { counter, gauge, string };
// The result for one unit of Start and similar methods.
enum class JobOutcome : std::uint8_t {
    reached,       // the requested state is reached, or without `wait` on its way
    failed,        // it cannot reach the state by itself: its state and reason say why
    superseded,    // it was to be stopped, but was started again meanwhile
    reload_failed, // it continues with its old settings
    gone,          // the unit does not exist any more
};

// `type` is the name of the enumeration in the interface description, `about` its description there, `count` the number
// of enumerators (they count up from 0), `word` the text of one. Words consist of letters, digits and single
// underscores, as Varlink requires.
template <typename E>
struct Words;

template <>
struct Words<core::Phase> {
    static constexpr std::string_view type = "State", about = "How far a unit is: see miniinit(8).";
    static constexpr unsigned count = static_cast<unsigned>(core::Phase::invalid) + 1;
    static std::string_view word(core::Phase value) { return core::name(value); }
};

// Checks a table against its enumeration: a new enumerator does not compile until it has a word.
template <typename E, unsigned count>
constexpr bool is_complete = is_enumerator<static_cast<E>(count - 1)>() && !is_enumerator<static_cast<E>(count)>();
static_assert(is_complete<core::Phase, Words<core::Phase>::count>);

// For an enumeration whose words are given here.
#define MI_WORDS(ENUM, TYPE, ABOUT, ...)                                                                               \
    template <>                                                                                                        \
    struct Words<ENUM> {                                                                                               \
        static constexpr std::string_view type = TYPE, about = ABOUT;                                                  \
        static constexpr std::string_view words[] = {__VA_ARGS__};                                                     \
        static constexpr unsigned count = sizeof words / sizeof words[0];                                              \
        static constexpr std::string_view word(ENUM value) { return words[static_cast<unsigned>(value)]; }             \
    };                                                                                                                 \
    static_assert(is_complete<ENUM, Words<ENUM>::count>)

MI_WORDS(core::Stage, "Stage", "Where inside starting or stopping a unit is.", "none", "conditions", "sockets", "idle",
         "pre_start", "main", "pid_file", "health", "post_start", "stop", "terminate", "kill", "sweep", "post_stop",
         "last_sweep");
MI_WORDS(core::Role, "Role", "Which of a unit's processes: the main one, or a command around it.", "none", "pre_start",
         "main", "post_start", "reload", "stop", "post_stop", "connection", "probe");
MI_WORDS(core::Reason, "Reason", "Why a unit is in its state: see miniinit(8).", "none", "asked", "unneeded",
         "dependency_failed", "dependency_stopped", "conflict", "condition", "spawn_failed", "exited", "start_timeout",
         "stop_timeout", "pre_start_failed", "post_start_failed", "protocol", "restart_limit", "restarting", "watchdog",
         "leaving", "trigger_limit", "shutdown", "file", "sockets_failed", "conditions_unknown", "unhealthy",
         "await_timeout", "await_lost", "whole_stopped");
MI_WORDS(core::Health, "Health", "What the probes of a unit say of it; none: it has none, or does not run.", "none",
         "starting", "healthy", "unhealthy");
MI_WORDS(core::Kind, "Kind", "What a unit is: something that runs, or a state to reach.", "service", "target");
MI_WORDS(core::Relation, "Relation", "What a unit has to do with another.", "requires", "wants", "milestones", "after",
         "before", "conflicts", "required_by", "wanted_by", "on_failure", "on_success", "part_of", "reload_with");
MI_WORDS(core::Asked, "Asked",
         "What somebody has said about a unit itself; up_alone: although what it is part of is stopped.", "nothing",
         "up", "down", "up_alone");
MI_WORDS(core::ExitStatus::Kind, "ExitKind", "How a process ended: not yet, by itself, or by a signal.", "none", "code",
         "signal");
MI_WORDS(Mode, "Mode", "What the manager runs as.", "system", "container", "user");
MI_WORDS(ManagerState, "ManagerState",
         "How far the machine is. `degraded`: running, and something has failed; the `caretaker` only keeps what runs, "
         "after crashes.",
         "starting", "running", "degraded", "stopping", "caretaker");
MI_WORDS(Ending, "Ending", "How the machine ends; in a container every one of them ends the container.", "poweroff",
         "reboot", "halt", "kexec");
MI_WORDS(EventKind, "EventKind",
         "What an event tells of: a unit's state, its status text, the manager itself, or a unit's health.", "state",
         "status", "manager", "health");
MI_WORDS(JobOutcome, "JobOutcome",
         "What became of a unit: `reached` is what was asked for; `failed`, it will not get there by itself; "
         "`superseded`, a stop after which it was started again; `reload_failed`, it goes on as it was; `gone`.",
         "reached", "failed", "superseded", "reload_failed", "gone");
MI_WORDS(MetricType, "MetricFamilyType", "What the values of a family are.", "counter", "gauge", "string");
#undef MI_WORDS

// The word of an enumerator.
template <typename E>
[[nodiscard]] std::string_view word(E value) {
    return Words<E>::word(value);
}

// The enumerator of a word. False, and `value` is unchanged, if there is none.
template <typename E>
[[nodiscard]] bool from_word(std::string_view text, E& value) {
    for (unsigned i = 0; i < Words<E>::count; ++i)
        if (Words<E>::word(static_cast<E>(i)) == text) {
            value = static_cast<E>(i);
            return true;
        }
    return false;
}

} // namespace mi::wire
