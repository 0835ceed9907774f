// The child's side of a start. It runs in its parent's memory: system calls only, no allocation, nothing that a lock or
// the parent's errno could be in the way of.
#include "os/child.hpp"

#include "os/progress.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace mi::os {
namespace {

// `from` becomes `target`, without CLOEXEC; also where they are the same.
BARE long place(int from, int target) { return from == target ? ::fcntl(from, F_SETFD, 0) : ::dup2(from, target); }

BARE bool leave_descriptors(ChildOrders& orders, Progress& progress) {
    if (orders.own_table_up_to < 0)
        return true;
    progress.at(Step::descriptors);
    return progress.did(::syscall(SYS_close_range, orders.own_table_up_to, ~0U, 2U /* CLOSE_RANGE_UNSHARE */));
}

BARE bool new_session(const Plan& plan, Progress& progress) {
    progress.at(Step::session);
    switch (plan.session) {
    case Session::fresh: return progress.did(::setsid());
    case Session::group: return progress.did(::setpgid(0, 0));
    case Session::keep: return true;
    }
    __builtin_unreachable();
}

BARE bool move_descriptors(ChildOrders& orders, Progress& progress) {
    Move* moves = orders.moves.data();
    std::size_t count = orders.moves.size();
    if (orders.lift_moves) {
        int above = 3;
        for (std::size_t i = 0; i < count; ++i)
            above = moves[i].target >= above ? moves[i].target + 1 : above;
        for (std::size_t i = 0; i < count; ++i) {
            progress.at(Step::stdio, i);
            int lifted = ::fcntl(moves[i].source, F_DUPFD_CLOEXEC, above);
            if (!progress.did(lifted))
                return false;
            moves[i].source = lifted;
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        progress.at(Step::stdio, i);
        if (!progress.did(place(moves[i].source, moves[i].target)))
            return false;
    }
    progress.at(Step::descriptors);
    for (const auto& [first, last] : orders.gaps)
        // Before Linux 5.9 there is no close_range; then CLOEXEC, which all of ours have, has to do.
        if (::syscall(SYS_close_range, first, last, 0U) != 0 && errno != ENOSYS)
            return progress.did(-1);
    return true;
}

// A FIFO or device without a peer must not hold us here: open without waiting, then wait in use as usual.
BARE int open_patiently(const Open& file) {
    int flags = file.flags | O_CLOEXEC | O_NOCTTY;
    int fd = ::open(file.path.c_str(), flags | O_NONBLOCK, file.mode);
    if (fd < 0 && errno == ENXIO && (flags & O_ACCMODE) == O_WRONLY)
        fd = ::open(file.path.c_str(), (flags & ~(O_ACCMODE | O_CREAT | O_TRUNC)) | O_RDWR | O_NONBLOCK);
    if (fd >= 0 && (file.flags & O_NONBLOCK) == 0)
        ::fcntl(fd, F_SETFL, file.flags & O_APPEND);
    return fd;
}

BARE bool open_files(const Plan& plan, Progress& progress) {
    std::size_t item = 0;
    for (const Open& file : plan.opens) {
        progress.at(Step::open_file, item++);
        int fd = open_patiently(file);
        if (!progress.did(fd) || !progress.did(place(fd, file.target)))
            return false;
    }
    return true;
}

// As a login expects to find a line: echo, line editing, the usual keys, output as it comes.
BARE void reset_line(int fd) {
    struct termios line;
    if (::tcgetattr(fd, &line) != 0)
        return;
    line.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | INLCR | IGNCR | IXOFF);
    line.c_iflag |= ICRNL | IXON;
    line.c_oflag |= OPOST | ONLCR;
    line.c_cflag |= CREAD | HUPCL;
    line.c_lflag &= ~static_cast<tcflag_t>(ECHONL | NOFLSH | TOSTOP);
    line.c_lflag |= ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
    constexpr cc_t control = 0x1f;
    line.c_cc[VINTR] = 'C' & control;
    line.c_cc[VQUIT] = '\\' & control;
    line.c_cc[VERASE] = 0x7f;
    line.c_cc[VKILL] = 'U' & control;
    line.c_cc[VEOF] = 'D' & control;
    line.c_cc[VSTART] = 'Q' & control;
    line.c_cc[VSTOP] = 'S' & control;
    line.c_cc[VSUSP] = 'Z' & control;
    line.c_cc[VTIME] = 0;
    line.c_cc[VMIN] = 1;
    ::tcsetattr(fd, TCSANOW, &line);
}

BARE bool take_terminal(const Plan& plan, Progress& progress) {
    if (!plan.terminal)
        return true;
    const Terminal& terminal = *plan.terminal;
    progress.at(Step::terminal);
    // Without O_NONBLOCK a serial line would wait for its carrier.
    int fd = ::open(terminal.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (!progress.did(fd) || !progress.did(::ioctl(fd, TIOCSCTTY, 1)))
        return false;
    ::fcntl(fd, F_SETFL, 0);
    if (terminal.reset)
        reset_line(fd);
    for (int target = 0; target < 3; ++target)
        if (terminal.onto[static_cast<std::size_t>(target)] && !progress.did(place(fd, target)))
            return false;
    return true;
}

BARE bool take_foreground(const Plan& plan, Progress& progress) {
    if (plan.foreground < 0)
        return true;
    progress.at(Step::foreground);
    pid_t own = static_cast<pid_t>(::syscall(SYS_getpid));
    // Not a terminal, or not ours: then there is no foreground to be in.
    return ::ioctl(plan.foreground, TIOCSPGRP, &own) == 0 || errno == ENOTTY || errno == ENXIO || progress.did(-1);
}

BARE bool set_oom_score(const Plan& plan, Progress& progress) {
    if (!plan.oom_score)
        return true;
    progress.at(Step::oom_score);
    char digits[16];
    char* at = digits + sizeof digits;
    int rest = *plan.oom_score < 0 ? -*plan.oom_score : *plan.oom_score;
    do {
        *--at = static_cast<char>('0' + rest % 10);
    } while ((rest /= 10) != 0);
    if (*plan.oom_score < 0)
        *--at = '-';
    int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (!progress.did(fd))
        return false;
    bool written = progress.did(::write(fd, at, static_cast<std::size_t>(digits + sizeof digits - at)));
    ::close(fd);
    return written;
}

BARE bool set_limits(const Plan& plan, Progress& progress) {
    std::size_t item = 0;
    for (const Limit& limit : plan.limits) {
        progress.at(Step::limits, item++);
        rlimit64 both{limit.soft, limit.hard};
        if (!progress.did(::syscall(SYS_prlimit64, 0, limit.resource, &both, nullptr)))
            return false;
    }
    return true;
}

BARE bool move_into_network(const Plan& plan, Progress& progress) {
    return plan.network < 0 || progress.did(Step::network, ::setns(plan.network, CLONE_NEWNET));
}

BARE bool set_schedule(const Plan& plan, Progress& progress) {
    if (!plan.processors.empty() &&
        !progress.did(Step::processors, ::syscall(SYS_sched_setaffinity, 0, plan.processors.size() * sizeof(long),
                                                  plan.processors.data())))
        return false;
    if (plan.scheduling) {
        sched_param how{};
        how.sched_priority = plan.scheduling->priority;
        if (!progress.did(Step::scheduling, ::syscall(SYS_sched_setscheduler, 0, plan.scheduling->policy, &how)))
            return false;
    }
    constexpr int this_process = 1;
    return !plan.io_priority ||
           progress.did(Step::io_priority, ::syscall(SYS_ioprio_set, this_process, 0, *plan.io_priority));
}

BARE bool set_parent_death(const ChildOrders& orders, Progress& progress) {
    if (orders.plan->parent_death_signal == 0)
        return true;
    progress.at(Step::parent_death);
    if (!progress.did(::prctl(PR_SET_PDEATHSIG, orders.plan->parent_death_signal, 0, 0, 0)))
        return false;
    if (::syscall(SYS_getppid) == orders.parent)
        return true;
    errno = ESRCH; // it died before we asked
    return progress.did(-1);
}

// The kernel's own form of struct sigaction and of its mask: libc's refuse signals 32 and 33.
BARE bool reset_signals(const ChildOrders& orders, Progress& progress) {
    progress.at(Step::signals);
    unsigned long plain[8] = {}; // handler, flags, restorer, mask in some order: all zero is the default
    constexpr std::size_t mask_size = _NSIG / 8;
    for (int signal : orders.ignored_signals)
        if (!progress.did(::syscall(SYS_rt_sigaction, signal, plain, nullptr, mask_size)))
            return false;
    return progress.did(::syscall(SYS_rt_sigprocmask, SIG_SETMASK, plain, nullptr, mask_size));
}

// In digits, and a zero behind them.
BARE void write_own_pid(const ChildOrders& orders) {
    if (orders.own_pids.empty())
        return;
    auto own = static_cast<unsigned long>(::syscall(SYS_getpid));
    char digits[StringList::own_pid_digits];
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + own % 10);
    } while ((own /= 10) != 0 && count < sizeof digits);
    for (char* at : orders.own_pids) {
        for (std::size_t i = 0; i < count; ++i)
            at[i] = digits[count - 1 - i];
        at[count] = '\0';
    }
}

BARE bool execute(const ChildOrders& orders, Progress& progress) {
    const Plan& plan = *orders.plan;
    write_own_pid(orders);
    progress.at(Step::exec);
    ::syscall(SYS_execve, plan.file.c_str(), orders.arguments, orders.environment);
    if (errno == ENOEXEC && orders.shell_arguments != nullptr)
        ::syscall(SYS_execve, "/bin/sh", orders.shell_arguments, orders.environment);
    return progress.did(-1);
}

BARE bool carry_out(ChildOrders& orders, Progress& progress) {
    const Plan& plan = *orders.plan;
    if (plan.umask != orders.own_umask)
        ::umask(plan.umask);
    return move_into_network(plan, progress) && leave_descriptors(orders, progress) &&
           (orders.cgroup_procs < 0 || progress.did(Step::cgroup, ::write(orders.cgroup_procs, "0", 1))) &&
           new_session(plan, progress) && move_descriptors(orders, progress) && open_files(plan, progress) &&
           take_terminal(plan, progress) && take_foreground(plan, progress) &&
           (!plan.nice || progress.did(Step::nice, ::syscall(SYS_setpriority, PRIO_PROCESS, 0, *plan.nice))) &&
           set_oom_score(plan, progress) && set_schedule(plan, progress) && make_directories(plan, progress) &&
           change_mounts(orders, progress) && set_limits(plan, progress) && change_identity(orders, progress) &&
           (plan.directory.empty() || progress.did(Step::directory, ::chdir(plan.directory.c_str()))) &&
           set_parent_death(orders, progress) && reset_signals(orders, progress) && install_filter(orders, progress) &&
           execute(orders, progress);
}

// Only in a child with its own copy of our memory, so that any function may be called.
void speak_of(const ChildOrders& orders) {
    std::string line = "cannot start " + orders.plan->file + ": " + std::string(name(orders.report.step)) + ": " +
                       std::strerror(orders.report.code) + "\n";
    [[maybe_unused]] ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace

BARE void be_child(ChildOrders& orders) {
    Progress progress(orders.report);
    if (orders.errand != nullptr)
        orders.errand(orders);
    else
        carry_out(orders, progress);
    if (orders.speak)
        speak_of(orders);
    for (;;)
        ::syscall(SYS_exit_group, 127);
}

} // namespace mi::os
