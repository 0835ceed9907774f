// Recovery from a fault of our own: the program runs again in the same process, with every descriptor open, and reads
// its state from a memory file. An upgrade uses the same way. The first page of that file belongs to this room and
// tells the new image what happened to the old one; the rest is the daemon's snapshot.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "os/process/children.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace mi::os {

// How far the program is trusted after its crashes. all: it works as usual; caretaker: it starts and stops no unit;
// bare: it only reaps. Other versions of the program read these numbers, so they never change; an unknown number counts
// as `caretaker`, which keeps everything as it is.
enum class Trust : std::uint32_t { all = 0, caretaker = 1, bare = 2 };

// The first page of the state file. Two versions of the program read it: fields are added at the end and never moved,
// and a field that was never written is 0.
struct CrashPage {
    static constexpr std::uint32_t right_magic = 0x6d696372;
    static constexpr std::size_t size = 4096; // bytes; the state itself begins after them
    static constexpr std::size_t most_times = 8, most_trace = 32;

    std::uint32_t magic = 0;
    Trust trust = Trust::all;
    std::uint32_t limit = 0;          // crashes in a minute; one more lowers `trust`
    std::uint32_t crashes = 0;        // since our first start
    std::uint32_t reexecs = 0;        // runs again on purpose, since our first start
    std::uint32_t deliberate = 0;     // the last one was on purpose: there is nothing to report
    std::int64_t times[most_times]{}; // of the latest crashes, nanoseconds since boot: crash N is at N % most_times
    char name[16]{};                  // the name of our process (prctl(2), PR_SET_NAME)
    // For a caretaker, which has no other information: the listening control socket and the pipe of our own log lines;
    // 0: none.
    std::int32_t control = 0, log = 0;
    std::int32_t program = 0, wake = 0; // the guard's own descriptors

    // The last crash: its signal, as signal(7) numbers it.
    std::int32_t signal = 0;
    std::int32_t code = 0; // si_code
    std::int32_t sender = 0;
    std::uint32_t sender_user = 0;
    char sender_name[16]{};
    // 1: another process (`sender`) sent the signal; `sender` is 0 if it is in another PID namespace.
    std::uint32_t sent = 0;
    std::uint32_t traced = 0;
    std::int64_t time = 0;
    std::uint64_t address = 0; // the address that could not be accessed or executed
    // Addresses as in the program file, for addr2line(1): the faulting instruction (0: unknown), and its callers.
    std::uint64_t pc = 0;
    std::uint64_t trace[most_trace]{};
    char text[160]{}; // the message of an assertion or of a failed allocation
    std::uint64_t scratch = 0;
    char directory[1024]{}; // working directory at our first start, for paths that were given relative to it
    // Children that a caretaker has collected, with their status of waitpid(2): only the latest. Child N is at N %
    // most_collected.
    static constexpr std::size_t most_collected = 192;
    struct Collected {
        std::int32_t pid, status;
    };
    std::uint32_t collected = 0;
    Collected children[most_collected]{};
};
static_assert(sizeof(CrashPage) <= CrashPage::size);

// A signal that another process has sent us.
struct SentSignal {
    std::int32_t signal = 0;
    std::int32_t pid = 0; // 0: a process of another PID namespace
    std::uint32_t user = 0;
    char name[16]{};
};

// How many crashes happened in the minute before `now`.
[[nodiscard]] unsigned recent_crashes(const CrashPage& page, Instant now);

// Installs handlers that run the program again on SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and SIGSYS. Failed
// assertions, failed allocations and exceptions end in SIGABRT. In a program built with a sanitizer only SIGABRT is
// handled: the sanitizer reports the others.
//
// If another process sends such a signal, no statement of ours has failed. Then wake() becomes readable, and the loop
// calls crash_now() at a safe place; if it does not do so within a second, the next such signal takes effect at once.
class CrashGuard {
public:
    // `state` is the memory file of the previous image, or empty: then a new one is made. The next image gets our
    // `arguments` after `--resume STATE`; it works in the same directory and has the same name. Only one guard may
    // exist.
    [[nodiscard]] static Result<CrashGuard> arm(Fd state, std::span<char* const> arguments);
    CrashGuard(CrashGuard&&) noexcept;
    CrashGuard& operator=(CrashGuard&&) noexcept;
    ~CrashGuard();

    [[nodiscard]] CrashPage& page() const;
    // The memory file. The caller's state begins at CrashPage::size.
    [[nodiscard]] int state() const;
    // An eventfd(2).
    [[nodiscard]] int wake() const;
    // The signal that another process has sent, or nullptr. The caller then calls crash_now() or forget_asked().
    [[nodiscard]] const SentSignal* asked() const;
    void forget_asked();
    [[noreturn]] void crash_now();

    // Runs `program` (an O_PATH descriptor; -1: our own) in our place, on purpose. Returns only on failure; then every
    // descriptor above 2 has CLOEXEC.
    Fault run_again(int program = -1);

    // The descriptors that must stay open across exec.
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    struct State;
    explicit CrashGuard(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// A caretaker has collected a child: records this for the next image.
void note_collected(CrashPage& page, pid_t child, int status);
// The recorded exits, in order.
[[nodiscard]] std::vector<Exit> collected_exits(const CrashPage& page);

// Our own program, opened so that it can be executed even if its name is replaced or removed; empty if it cannot be
// found.
[[nodiscard]] Fd open_own_program();

// Records why abort(3) is about to be called, for the report.
void note_reason(std::string_view text);

// Sets CLOEXEC on every descriptor above 2: descriptors that the old image kept open for us must not reach our
// children.
void close_all_on_exec();

} // namespace mi::os
