// The steps of a child between clone and exec, as one list of system calls. The same code runs in two places: in PID
// 1's memory, where the child has PID 1's own credentials until its exec, and in the executor image, which has its own
// memory (spawn.cpp argues which one, and why). So this code does not allocate, use errno, or call the C library.
#pragma once

#include "os/spawn/call.hpp"
#include "os/spawn/orders.hpp"

#include <cstddef>

namespace mi::os {

constexpr std::uint32_t table_is_shared = 0, table_is_own = 1, start_is_cancelled = 2;

// Orders being performed, and the child's own data.
struct Child {
    Orders* orders = nullptr;   // at the beginning of their block
    char** arguments = nullptr; // the entry before the first one may be overwritten
    char** environment = nullptr;
    Report* report = nullptr;    // always holds the present step
    bool tells_progress = false; // also write it to Orders::progress
    // While the descriptor table is shared with PID 1: the word by which PID 1 and the child agree whether the child
    // goes on. The first one to change it from table_is_shared decides.
    std::uint32_t* table = nullptr;

    template <typename T>
    [[nodiscard]] BARE T* all(const Array<T>& array) const {
        return reinterpret_cast<T*>(reinterpret_cast<char*>(orders) + array.at);
    }
    [[nodiscard]] BARE const char* text(Text at) const { return reinterpret_cast<const char*>(orders) + at; }
};

// Records each step, and its failure.
class Progress {
public:
    BARE explicit Progress(const Child& child) : child_(child) {}
    BARE void at(Step step, std::size_t item = 0) {
        child_.report->step = static_cast<std::uint16_t>(step);
        child_.report->item = static_cast<std::uint16_t>(item);
        if (child_.tells_progress && may_hang(step))
            tell();
    }
    BARE bool did(long result) {
        if (result >= 0)
            return true;
        child_.report->code = static_cast<std::int32_t>(-result);
        return false;
    }
    BARE bool did(Step step, long result) {
        at(step);
        return did(result);
    }

private:
    // Whether the file system, a device or a cgroup may keep the child there.
    BARE static bool may_hang(Step step) {
        return step == Step::cgroup || step == Step::open_file || step == Step::terminal ||
               step == Step::own_directory || step == Step::credential || step == Step::environment_from ||
               step == Step::mount || step == Step::root || step == Step::directory || step == Step::exec;
    }
    BARE void tell();
    const Child& child_;
};

// Descriptors: takes a table of its own and places what the child is to have. Where `executor` is placed, executes it with
// `arguments`, and does not return then. False: the report says what has failed.
BARE bool place_descriptors(const Child& child);
// All the rest, and the program; returns where that has failed, as the report says.
BARE void carry_out(const Child& child);

// Ends the child.
[[noreturn]] BARE void leave(int code);

// The other side of a start by the executor: finds the orders at the end of `arguments` (see orders_mark), unpacks them into
// `block`, of most_orders bytes, wipes them so that `ps` does not show them, carries them out, and ends. The entry before
// the first argument may be written to, as it may where the kernel has put them: that is their number.
[[noreturn]] BARE void execute_orders(long count, char** arguments, char** environment, char* block);

// --- private to the steps_*.cpp ---
BARE bool make_directories(const Child& child, Progress& progress);
// Files and variables from secrets; only in the executor: what it reads stays in its memory.
BARE bool give_secrets(const Child& child, Progress& progress);
BARE bool change_mounts(const Child& child, Progress& progress);
// Before the exec of the executor: Orders::carried survive it, by being ambient.
BARE bool carry_capabilities(const Child& child, Progress& progress);
// User, groups, capabilities and no_new_privileges.
BARE bool change_identity(const Child& child, Progress& progress);
// Last of all.
BARE bool install_filter(const Child& child, Progress& progress);

// A network namespace with a loopback that is up, as a descriptor of the table we share, in `found`. Done by a child, since its
// maker is in it for good.
BARE void make_network_namespace(Report& report, int& found);

} // namespace mi::os
