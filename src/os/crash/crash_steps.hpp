// What can still be done once our own program has failed: async-signal-safe, without memory, on whatever stack is left.
#pragma once

#include "os/crash/crash.hpp"

#include <ucontext.h>

#include <csignal>

namespace mi::os {

// Everything the handler needs, made ready beforehand.
struct CrashPlan {
    CrashPage* page = nullptr;
    pid_t pid = 0;
    int state = -1, program = -1, wake = -1;
    char** arguments = nullptr;
    std::uintptr_t stack_end = 0;      // of the stack that we were started on
    volatile sig_atomic_t depth = 0;   // faults, the handler's own included
    volatile sig_atomic_t counted = 0; // this crash stands in the page
    volatile sig_atomic_t reason = 0;  // the page's text speaks of this crash
    SentSignal asked;                  // signal 0: nobody has sent one
    volatile sig_atomic_t is_asked = 0;
    std::int64_t asked_at = 0; // nanoseconds since boot
};

// Who has sent this signal.
[[nodiscard]] SentSignal sender_of(int signal, const siginfo_t& info);
// Whether it was another process.
[[nodiscard]] bool was_sent(const siginfo_t& info, pid_t self);
// Puts a crash into the page: what happened, where, and then, as what may itself go wrong, who had called.
void note_sent(CrashPlan& plan, const SentSignal& sent);
void note_fault(CrashPlan& plan, int signal, const siginfo_t& info);
void note_place(CrashPlan& plan, const ucontext_t& context);
// One crash more; after too many, less is trusted. Once only.
void count_crash(CrashPlan& plan);
// Clears CLOEXEC of every descriptor.
void keep_descriptors();
// One attempt at `program` (-1: our own, by every way there is): returns if it failed.
void try_execute(const CrashPlan& plan, int program);
// Executes our program; where it cannot be had, reaps for ever as PID 1, else ends by `signal`.
[[noreturn]] void execute_again(CrashPlan& plan, int signal);

} // namespace mi::os
