#include "entry/signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "base/clock.hpp"
#include "base/signals.hpp"

namespace mi::entry {

namespace {

// The kernel's struct for rt_sigaction(2), which differs from the C library's struct sigaction.
struct KernelAction {
    void (*handler)(int);
    unsigned long flags;
#ifndef __riscv // RISC-V has no such field
    void (*restorer)();
#endif
    std::uint32_t mask[2];
};

constexpr std::size_t set_size = sizeof(std::uint64_t);

timespec time_to(Instant deadline) {
    if (deadline == never)
        return {};
    const Span span = std::max(deadline - monotonic_now(), Span{0});
    return {static_cast<std::time_t>(span.count() / 1'000'000'000), static_cast<long>(span.count() % 1'000'000'000)};
}

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
        const timespec span = time_to(deadline);
        // In the form of this system call: on 32-bit machines the C library's struct may have wider seconds.
        const long left[] = {static_cast<long>(span.tv_sec), span.tv_nsec};
        long signal =
            ::syscall(SYS_rt_sigtimedwait, &every_signal.bits, &about, deadline != never ? left : nullptr, set_size);
        if (signal > 0)
            return static_cast<int>(signal);
        if (errno == EAGAIN)
            return 0;
        // EINTR: we were stopped and continued, or traced.
    }
}

Fd signals_to_read() {
    return Fd(static_cast<int>(::syscall(SYS_signalfd4, -1, &every_signal.bits, set_size, O_CLOEXEC | O_NONBLOCK)));
}

int read_signal(int descriptor, siginfo_t& about) {
    signalfd_siginfo told{};
    if (::read(descriptor, &told, sizeof told) != sizeof told)
        return 0;
    about = {};
    about.si_signo = static_cast<int>(told.ssi_signo);
    about.si_code = told.ssi_code;
    about.si_pid = static_cast<pid_t>(told.ssi_pid);
    about.si_uid = told.ssi_uid;
    about.si_value.sival_ptr =
        reinterpret_cast<void*>(static_cast<std::uintptr_t>(told.ssi_ptr)); // NOLINT(performance-no-int-to-ptr)
    return about.si_signo;
}

bool wait_readable(std::initializer_list<int> descriptors, Instant deadline) {
    std::array<pollfd, 4> all{};
    std::transform(descriptors.begin(), descriptors.end(), all.begin(), [](int fd) { return pollfd{fd, POLLIN, 0}; });
    for (;;) {
        const timespec left = time_to(deadline);
        const int ready = ::ppoll(all.data(), descriptors.size(), deadline != never ? &left : nullptr, nullptr);
        if (ready > 0)
            return true;
        if (ready == 0)
            return false;
        // EINTR: a signal that is not blocked was handled, or we were traced.
    }
}

} // namespace mi::entry
