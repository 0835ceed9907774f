// Surviving a fault of our own: the program runs again, as the same process, with every descriptor open, and reads its
// state from a memory file. Upgrade takes the same road, on purpose. What the state is, is the daemon's snapshot; the first
// page of that file is ours and tells the new image what became of the old one.
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

// How much of the program is trusted after its crashes: all of it; a caretaker, that starts and stops nothing; or nothing
// but reaping. The numbers are read by other versions of the program, so they never change; an unknown one counts as
// `caretaker`, which keeps everything as it is.
enum class Trust : std::uint32_t { all = 0, caretaker = 1, bare = 2 };

// The first page of the state. Two versions of the program read it: fields are added at the end and never moved, and what
// has never been written is 0.
struct CrashPage {
    static constexpr std::uint32_t right_magic = 0x6d696372;
    static constexpr std::size_t size = 4096; // the state itself begins there
    static constexpr std::size_t most_times = 8, most_trace = 32;

    std::uint32_t magic = 0;
    Trust trust = Trust::all;
    std::uint32_t limit = 0;          // crashes in a minute; with one more, `trust` is lowered
    std::uint32_t crashes = 0;        // since we were first started
    std::uint32_t reexecs = 0;        // likewise, those on purpose
    std::uint32_t deliberate = 0;     // the last one was on purpose: there is nothing to report
    std::int64_t times[most_times]{}; // of the latest crashes, nanoseconds since boot: crash N is at N % most_times
    char name[16]{};                  // of our process
    // For a caretaker, who knows nothing else: the listening control socket and the pipe of our own log lines; 0: none.
    std::int32_t control = 0, log = 0;
    std::int32_t program = 0, wake = 0; // the guard's own descriptors

    // The last crash.
    std::int32_t signal = 0;
    std::int32_t code = 0; // si_code
    std::int32_t sender = 0;
    std::uint32_t sender_user = 0;
    char sender_name[16]{};
    std::uint32_t sent = 0; // by another process: `sender`, 0 where it is of another PID namespace
    std::uint32_t traced = 0;
    std::int64_t time = 0;
    std::uint64_t address = 0; // of what could not be accessed, or executed
    // Addresses as in the program's file, for addr2line(1): where it happened (0: nowhere), and who had called.
    std::uint64_t pc = 0;
    std::uint64_t trace[most_trace]{};
    char text[160]{}; // what an assertion, or the want of memory, has said
    std::uint64_t scratch = 0;
    char directory[1024]{}; // where we were first started, for paths that were given relative to it
    // Children that a caretaker has collected, with what waitpid(2) told of them: the latest. Child N is at N % most_collected.
    static constexpr std::size_t most_collected = 192;
    struct Collected {
        std::int32_t pid, status;
    };
    std::uint32_t collected = 0;
    Collected children[most_collected]{};
};
static_assert(sizeof(CrashPage) <= CrashPage::size);

// A signal that somebody has sent us.
struct SentSignal {
    std::int32_t signal = 0;
    std::int32_t pid = 0; // 0: a process of another PID namespace
    std::uint32_t user = 0;
    char name[16]{};
};

// How many of the crashes were in the minute before `now`.
[[nodiscard]] unsigned recent_crashes(const CrashPage& page, Instant now);

// Has SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and SIGSYS run the program again, and with it failed assertions,
// want of memory and exceptions, which end in SIGABRT. In a program built with a sanitizer only SIGABRT: the others are what
// it is there to find.
//
// Such a signal from another process does not meet us in the middle of a statement that failed. It makes wake() readable,
// and the loop calls crash_now() where that is convenient; if it has not in a second, the next such signal is obeyed at
// once.
class CrashGuard {
public:
    // `state` is the memory file that another image has left, or none: one is made. The next image gets our `arguments` after
    // `--resume STATE`; it works in the same directory and has the same name. One guard at a time.
    [[nodiscard]] static Result<CrashGuard> arm(Fd state, std::span<char* const> arguments);
    CrashGuard(CrashGuard&&) noexcept;
    CrashGuard& operator=(CrashGuard&&) noexcept;
    ~CrashGuard();

    [[nodiscard]] CrashPage& page() const;
    // The memory file. What is to be kept begins at CrashPage::size.
    [[nodiscard]] int state() const;
    // An eventfd.
    [[nodiscard]] int wake() const;
    // Such a signal of another process, or nullptr: then crash_now(), or forget_asked().
    [[nodiscard]] const SentSignal* asked() const;
    void forget_asked();
    [[noreturn]] void crash_now();

    // Runs `program` (an O_PATH descriptor; -1: our own) instead of us, on purpose. Returns only where that failed; then
    // every descriptor above 2 has CLOEXEC.
    Fault run_again(int program = -1);

    // What has to stay open for all this.
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    struct State;
    explicit CrashGuard(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// A caretaker has collected a child: whoever comes after it hears of that.
void note_collected(CrashPage& page, pid_t child, int status);
// And hears by this, in order.
[[nodiscard]] std::vector<Exit> collected_exits(const CrashPage& page);

// Our own program, opened so that it can be executed whatever becomes of its name; empty where it cannot be found.
[[nodiscard]] Fd open_own_program();

// Why abort(3) is about to be called, for the report.
void note_reason(std::string_view text);

// CLOEXEC on every descriptor above 2: what the old image kept open for us is not for our children.
void close_all_on_exec();

} // namespace mi::os
