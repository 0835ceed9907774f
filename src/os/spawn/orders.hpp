// A plan in the form that a child performs: one block of memory without pointers, so that it can be copied from PID 1's
// memory into the executor's. orders_builder.cpp makes it, steps.cpp performs it.
#pragma once

#include "os/spawn/step.hpp"

#include <linux/filter.h>

#include <cstdint>

namespace mi::os {

// The position of a text in the block; 0: there is none. It ends with a zero byte.
using Text = std::uint32_t;

// An array in the block.
template <typename T>
struct Array {
    std::uint32_t at = 0;
    std::uint32_t count = 0;
};

// A number that may be absent.
struct Maybe {
    std::uint32_t given = 0;
    std::int32_t value = 0;
};

struct MoveOrder {
    std::int32_t source, target;
};
struct GapOrder {
    std::uint32_t first, last;
};
struct OpenOrder {
    Text path;
    std::int32_t flags;
    std::uint32_t mode;
    std::int32_t target;
};
struct LimitOrder {
    std::int32_t resource;
    std::uint32_t at_most;
    std::uint64_t soft, hard;
};
struct DirectoryOrder {
    Text base;
    Array<Text> components;
    std::uint32_t parents_mode, mode, owner, group;
    std::uint32_t make_base, keep_owner, ours;
};
struct SecretOrder {
    Text name, path;
    std::uint32_t variable; // index of the variable that it becomes the value of
};
struct MountOrder {
    std::uint32_t kind; // MountChange::Kind
    Text path, source;
    std::uint32_t optional, make;
    std::int32_t tree; // what has been taken hold of for it; -1
};

// Fields as in Plan, where not said otherwise.
struct Orders {
    std::uint32_t size = 0; // of the whole block, in bytes
    Text file = 0;
    std::int32_t program = -1;
    std::uint32_t shell_for_scripts = 0;
    Array<std::uint32_t> own_pids; // indices of the variables whose value is the child's own pid

    // Descriptors. Done first, in PID 1's memory also where the rest is the executor's.
    std::int32_t own_table_up_to = -1; // the descriptor table is shared with PID 1: take a copy of what is below this
    std::uint32_t lift_moves = 0;      // sources may be in the way of targets
    std::int32_t lift_above = 3;       // every target is below this
    Array<MoveOrder> moves;            // sources as the child finds them
    Array<GapOrder> gaps;              // descriptors to close once the moves are done
    std::int32_t executor = -1;        // the image to go on in, as the moves have placed it; -1: go on here
    std::uint64_t carried = 0;         // capabilities that its exec would take away, as we are not root
    // Placed by the moves too, and closed when they have been used; -1: none.
    std::int32_t report = -1;       // where a fault is written to, as a Report
    std::int32_t progress = -1;     // memory where the step that is being done is written to
    std::int32_t cgroup_procs = -1; // to write to, where clone could not put us there
    std::int32_t network = -1;
    std::uint32_t slot = 0; // where in that memory, in bytes

    Array<OpenOrder> opens;
    std::uint32_t session = 0; // Session
    std::int32_t foreground = -1;
    std::uint32_t terminal_given = 0;
    Text terminal = 0;
    std::uint32_t terminal_reset = 0;
    std::uint32_t terminal_onto[3] = {};

    std::uint32_t umask = 022, own_umask = 022; // own_umask: that of PID 1
    Text directory = 0;
    Maybe nice, oom_score, io_priority, scheduling;
    std::int32_t scheduling_priority = 0;
    Array<LimitOrder> limits;
    Array<unsigned long> processors;

    Array<DirectoryOrder> directories;
    Text credentials_above = 0, credentials_name = 0;
    std::uint32_t credentials_owner = 0, credentials_group = 0;
    Array<SecretOrder> credentials, environment_from;
    std::uint32_t mounts_given = 0;
    Array<MountOrder> mounts;
    Text nothing = 0;
    Text root = 0;

    Maybe user, group;
    std::uint32_t groups_given = 0;
    Array<std::uint32_t> groups;
    std::uint32_t no_new_privileges = 0;
    std::uint32_t keeping_given = 0, kept_given = 0, by_ambience = 0;
    std::uint64_t bounding = 0, kept = 0;
    std::uint32_t keeps_capabilities = 0; // a change of user would leave them (securebits)
    std::int32_t parent_death_signal = 0;
    std::int32_t parent = 0;
    Array<std::int32_t> ignored_signals; // whose dispositions are not the default
    std::uint32_t ignore_sigpipe = 0;
    std::uint32_t filter_given = 0;
    Array<sock_filter> filter;
};

// Bytes of a secret, and of a variable that is made of one, with its name: the kernel takes no longer word.
constexpr unsigned most_of_secret = 1024 * 1024;
constexpr unsigned most_of_variable = 128 * 1024;

// How far a child has come, or why it could not become its program.
struct Report {
    std::uint16_t step = 0; // Step
    std::uint16_t item = 0; // which of the plan's moves, opens, limits, directories or mounts; see also exec_found
    std::int32_t code = 0;  // errno; 0: nothing has failed
};
// As the item of Step::exec: the file is there, as the child sees it; so what is missing is its interpreter.
constexpr std::uint16_t exec_found = 1;

// How orders travel to the executor: at the end of its arguments, as so many words as the mark's last letter says (a digit),
// each without a zero byte (orders_text.hpp), and the mark.
constexpr char orders_mark[] = "\1miniinit-orders ";
constexpr unsigned most_pieces = 9;
constexpr unsigned piece_size = 100 * 1000;  // of a word; the kernel takes 131,072 bytes
constexpr unsigned most_orders = 512 * 1024; // bytes of a block

} // namespace mi::os
