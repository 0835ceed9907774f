#include "daemon/entry_signals.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/signals.hpp"

namespace mi::daemon {

namespace {

// What rt_sigaction(2) takes, which is not the C library's struct sigaction.
struct KernelAction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
};

constexpr std::size_t set_size = sizeof(std::uint64_t);

} // namespace

void block_signals(SignalSet set) { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set.bits, nullptr, set_size); }

void stop_ignoring_signals() {
    constexpr KernelAction by_default{};
    for (int signal = 1; signal <= last_signal; ++signal) {
        KernelAction action{};
        if (::syscall(SYS_rt_sigaction, signal, nullptr, &action, set_size) == 0 && action.handler == SIG_IGN)
            ::syscall(SYS_rt_sigaction, signal, &by_default, nullptr, set_size);
    }
}

bool signal_waits(int signal) {
    std::uint64_t pending = 0;
    ::syscall(SYS_rt_sigpending, &pending, set_size);
    return (pending & only(signal).bits) != 0;
}

int next_signal(Instant deadline, siginfo_t& about) {
    for (;;) {
        timespec left{};
        if (deadline != never) {
            Span span = std::max(deadline - monotonic_now(), Span{0});
            left.tv_sec = static_cast<std::time_t>(span.count() / 1'000'000'000);
            left.tv_nsec = static_cast<long>(span.count() % 1'000'000'000);
        }
        long signal =
            ::syscall(SYS_rt_sigtimedwait, &every_signal.bits, &about, deadline != never ? &left : nullptr, set_size);
        if (signal > 0)
            return static_cast<int>(signal);
        if (errno == EAGAIN)
            return 0;
        // EINTR: we were stopped and continued, or traced.
    }
}

Instant monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

} // namespace mi::daemon
