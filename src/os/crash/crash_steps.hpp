// The steps that still work after a fault of our own: async-signal-safe (signal-safety(7)), without allocation, on the
// alternate stack.
#pragma once

#include "os/crash/crash.hpp"

#include <ucontext.h>

#include <csignal>

namespace mi::os {

// All data that the handler needs, prepared beforehand.
struct CrashPlan {
    CrashPage* page = nullptr;
    pid_t pid = 0;
    int state = -1, program = -1, wake = -1;
    char** arguments = nullptr;
    std::uintptr_t stack_end = 0;      // end of our first stack
    volatile sig_atomic_t depth = 0;   // number of faults, including those in the handler itself
    volatile sig_atomic_t counted = 0; // 1: this crash is counted in the page
    volatile sig_atomic_t reason = 0;  // 1: the text in the page is about this crash
    SentSignal asked;                  // signal 0: none was sent
    volatile sig_atomic_t is_asked = 0;
    std::int64_t asked_at = 0; // nanoseconds since boot
};

// The sender of this signal.
[[nodiscard]] SentSignal sender_of(int signal, const siginfo_t& info);
// Whether another process sent the signal.
[[nodiscard]] bool was_sent(const siginfo_t& info, pid_t self);
// Writes a crash into the page: first the signal and the place; the callers last, because looking for them may fail.
void note_sent(CrashPlan& plan, const SentSignal& sent);
void note_fault(CrashPlan& plan, int signal, const siginfo_t& info);
void note_place(CrashPlan& plan, const ucontext_t& context);
// Counts one more crash, once; after too many, lowers the trust.
void count_crash(CrashPlan& plan);
// Clears CLOEXEC of every descriptor.
void keep_descriptors();
// Tries once to execute `program` (-1: our own, in every possible way). Returns on failure.
void try_execute(const CrashPlan& plan, int program);
// Executes our program again. If that is impossible, PID 1 reaps for ever; any other process ends by `signal`.
[[noreturn]] void execute_again(CrashPlan& plan, int signal);

} // namespace mi::os
