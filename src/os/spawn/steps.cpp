// The list of steps, and the short ones: session, files, terminal, scheduling, limits, signals, exec.
#include "os/spawn/steps.hpp"

#include "os/spawn/plan_enums.hpp"
#include "os/spawn/walk.hpp"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <csignal>

namespace mi::os {
namespace {

constexpr int close_on_exec = FD_CLOEXEC;

// Makes `from` the descriptor `target`, without close-on-exec; also if they are the same.
BARE long place(int from, int target) {
    return from == target ? call(SYS_fcntl, from, F_SETFD, 0) : call(SYS_dup3, from, target, 0);
}

BARE bool new_session(const Child& child, Progress& progress) {
    progress.at(Step::session);
    switch (static_cast<Session>(child.orders->session)) {
    case Session::fresh: return progress.did(call(SYS_setsid));
    case Session::group: return progress.did(call(SYS_setpgid, 0, 0));
    case Session::keep: return true;
    }
    return true;
}

// A FIFO or device without a peer must not block here: open it without waiting, then make it blocking.
BARE long open_patiently(const Child& child, const OpenOrder& file) {
    const char* path = child.text(file.path);
    long fd = open_walked(AT_FDCWD, path, file.flags | O_NONBLOCK, file.mode);
    if (fd == -ENXIO && (file.flags & O_ACCMODE) == O_WRONLY)
        fd = open_walked(AT_FDCWD, path, (file.flags & ~(O_ACCMODE | O_CREAT)) | O_RDWR | O_NONBLOCK);
    if (fd >= 0 && (file.flags & O_NONBLOCK) == 0)
        call(SYS_fcntl, fd, F_SETFL, file.flags & O_APPEND);
    return fd;
}

BARE bool open_files(const Child& child, Progress& progress) {
    const OpenOrder* opens = child.all(child.orders->opens);
    for (std::uint32_t i = 0; i < child.orders->opens.count; ++i) {
        progress.at(Step::open_file, i);
        const long fd = open_patiently(child, opens[i]);
        if (!progress.did(fd) || !progress.did(place(static_cast<int>(fd), opens[i].target)))
            return false;
        if (fd != opens[i].target)
            call_close(static_cast<int>(fd));
    }
    return true;
}

// Sets the terminal as a login expects it: echo, line editing, the usual keys, output processing.
BARE void reset_line(int fd) {
    struct termios line;
    if (call(SYS_ioctl, fd, TCGETS, &line) < 0)
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
    call(SYS_ioctl, fd, TCSETS, &line);
}

BARE bool take_terminal(const Child& child, Progress& progress) {
    const Orders& orders = *child.orders;
    if (orders.terminal_given == 0)
        return true;
    progress.at(Step::terminal);
    // Without O_NONBLOCK, opening a serial line would wait for its carrier.
    const long fd = open_walked(AT_FDCWD, child.text(orders.terminal), O_RDWR | O_NONBLOCK);
    if (!progress.did(fd) || !progress.did(call(SYS_ioctl, fd, TIOCSCTTY, 1)))
        return false;
    call(SYS_fcntl, fd, F_SETFL, 0);
    if (orders.terminal_reset != 0)
        reset_line(static_cast<int>(fd));
    for (int target = 0; target < 3; ++target)
        if (orders.terminal_onto[target] != 0 && !progress.did(place(static_cast<int>(fd), target)))
            return false;
    if (fd > 2)
        call_close(static_cast<int>(fd));
    return true;
}

BARE bool take_foreground(const Child& child, Progress& progress) {
    if (child.orders->foreground < 0)
        return true;
    progress.at(Step::foreground);
    const int own = static_cast<int>(call(SYS_getpid));
    const long set = call(SYS_ioctl, child.orders->foreground, TIOCSPGRP, &own);
    // It is no terminal, or not our controlling one: then there is no foreground.
    return set == -ENOTTY || set == -ENXIO || progress.did(set);
}

BARE bool set_oom_score(const Child& child, Progress& progress) {
    if (child.orders->oom_score.given == 0)
        return true;
    progress.at(Step::oom_score);
    const int score = child.orders->oom_score.value;
    char digits[16];
    char* at = digits + sizeof digits;
    unsigned rest = static_cast<unsigned>(score < 0 ? -score : score);
    do {
        *--at = static_cast<char>('0' + rest % 10);
    } while ((rest /= 10) != 0);
    if (score < 0)
        *--at = '-';
    const long fd = call_open(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (!progress.did(fd))
        return false;
    const bool written = progress.did(call(SYS_write, fd, at, digits + sizeof digits - at));
    call_close(static_cast<int>(fd));
    return written;
}

// Sets the soft and the hard limit. `at_most`: if we may not set that much, at most our own hard limit.
BARE long set_limit(const LimitOrder& limit) {
    std::uint64_t both[] = {limit.soft, limit.hard}; // struct rlimit64
    const long done = call(SYS_prlimit64, 0, limit.resource, both, nullptr);
    std::uint64_t ours[2];
    if (done != -EPERM || limit.at_most == 0 || call(SYS_prlimit64, 0, limit.resource, nullptr, ours) < 0)
        return done;
    both[1] = limit.hard < ours[1] ? limit.hard : ours[1];
    both[0] = limit.soft < both[1] ? limit.soft : both[1];
    return call(SYS_prlimit64, 0, limit.resource, both, nullptr);
}

BARE bool set_limits(const Child& child, Progress& progress) {
    const LimitOrder* limits = child.all(child.orders->limits);
    for (std::uint32_t i = 0; i < child.orders->limits.count; ++i) {
        progress.at(Step::limits, i);
        if (!progress.did(set_limit(limits[i])))
            return false;
    }
    return true;
}

// Joins the network namespace, and closes its descriptor.
BARE bool join_network(const Child& child, Progress& progress) {
    if (child.orders->network < 0)
        return true;
    const bool joined = progress.did(Step::network, call(SYS_setns, child.orders->network, CLONE_NEWNET));
    call_close(child.orders->network);
    return joined;
}

BARE bool join_cgroup(const Child& child, Progress& progress) {
    if (child.orders->cgroup_procs < 0)
        return true;
    const bool joined = progress.did(Step::cgroup, call(SYS_write, child.orders->cgroup_procs, "0", 1));
    call_close(child.orders->cgroup_procs);
    return joined;
}

BARE bool set_schedule(const Child& child, Progress& progress) {
    const Orders& orders = *child.orders;
    if (orders.nice.given != 0 &&
        !progress.did(Step::nice, call(SYS_setpriority, 0 /* PRIO_PROCESS */, 0, orders.nice.value)))
        return false;
    if (!set_oom_score(child, progress))
        return false;
    if (orders.processors.count != 0 &&
        !progress.did(Step::processors, call(SYS_sched_setaffinity, 0, orders.processors.count * sizeof(long),
                                             child.all(orders.processors))))
        return false;
    if (orders.scheduling.given != 0) {
        const int priority = orders.scheduling_priority; // struct sched_param has only this field
        if (!progress.did(Step::scheduling, call(SYS_sched_setscheduler, 0, orders.scheduling.value, &priority)))
            return false;
    }
    constexpr int this_process = 1;
    return orders.io_priority.given == 0 ||
           progress.did(Step::io_priority, call(SYS_ioprio_set, this_process, 0, orders.io_priority.value));
}

BARE bool set_parent_death(const Child& child, Progress& progress) {
    if (child.orders->parent_death_signal == 0)
        return true;
    progress.at(Step::parent_death);
    if (!progress.did(call(SYS_prctl, PR_SET_PDEATHSIG, child.orders->parent_death_signal, 0, 0, 0)))
        return false;
    // A different parent means that ours died before prctl(2).
    return call(SYS_getppid) == child.orders->parent || progress.did(-ESRCH);
}

// Uses the kernel's own form of struct sigaction and of its mask.
BARE bool reset_signals(const Child& child, Progress& progress) {
    progress.at(Step::signals);
    // Handler, flags, restorer and mask, in an order that depends on the architecture: all zero means the default.
    unsigned long plain[8] = {};
    constexpr std::size_t mask_size = _NSIG / 8;
    const std::int32_t* ignored = child.all(child.orders->ignored_signals);
    for (std::uint32_t i = 0; i < child.orders->ignored_signals.count; ++i)
        if (!progress.did(call(SYS_rt_sigaction, ignored[i], plain, nullptr, mask_size)))
            return false;
    // The handler is the first member on all architectures but MIPS, where the flags are.
    unsigned long ignored_action[8] = {1 /* SIG_IGN */};
    if (child.orders->ignore_sigpipe != 0 &&
        !progress.did(call(SYS_rt_sigaction, SIGPIPE, ignored_action, nullptr, mask_size)))
        return false;
    return progress.did(call(SYS_rt_sigprocmask, SIG_SETMASK, plain, nullptr, mask_size));
}

// Writes our pid in digits after the `=` of the variables that need it.
BARE void fill_in_own_pid(const Child& child) {
    const std::uint32_t* indices = child.all(child.orders->own_pids);
    for (std::uint32_t i = 0; i < child.orders->own_pids.count; ++i) {
        char* at = child.environment[indices[i]];
        while (*at != '\0' && *at != '=')
            ++at;
        if (*at == '\0')
            continue;
        write_own_pid(at + 1); // the reserved room is StringList::own_pid_digits, and its NUL
    }
}

// Whether the program file exists, as this process sees it.
BARE bool is_there(const char* path) { return call(SYS_faccessat, AT_FDCWD, path, 0 /* F_OK */) == 0; }

BARE bool execute(const Child& child, Progress& progress) {
    fill_in_own_pid(child);
    const char* file = child.text(child.orders->file);
    progress.at(Step::exec);
    const int program = child.orders->program;
    if (program >= 0 && !progress.did(call(SYS_fcntl, program, F_SETFD, close_on_exec)))
        return false;
    constexpr int by_descriptor = 0x1000; // AT_EMPTY_PATH
    long failed = program >= 0 ? call(SYS_execveat, program, "", child.arguments, child.environment, by_descriptor)
                               : call(SYS_execve, file, child.arguments, child.environment);
    if (failed == -ENOEXEC && child.orders->shell_for_scripts != 0) { // `sh FILE ARG…`, as execvp(3) does
        char** arguments = child.arguments - 1;
        arguments[0] = const_cast<char*>("/bin/sh");
        arguments[1] = const_cast<char*>(file);
        failed = call(SYS_execve, "/bin/sh", arguments, child.environment);
    }
    child.report->item = failed == -ENOENT && is_there(file) ? exec_found : 0;
    return progress.did(failed);
}

} // namespace

// Writes step and item in the form of the first half of a Report: that of a slot in PID 1's progress memory.
BARE void Progress::tell() {
    const Orders& orders = *child_.orders;
#if defined(__arm__)
    // 64-bit arguments begin at an even position.
    call(SYS_pwrite64, orders.progress, child_.report, 4, 0, orders.slot, 0);
#elif defined(__i386__)
    call(SYS_pwrite64, orders.progress, child_.report, 4, orders.slot, 0);
#else
    call(SYS_pwrite64, orders.progress, child_.report, 4, static_cast<long>(orders.slot));
#endif
}

BARE bool place_descriptors(const Child& child) {
    Orders& orders = *child.orders;
    Progress progress(child);
    progress.at(Step::descriptors);
    constexpr unsigned unshare = 2; // CLOSE_RANGE_UNSHARE
    if (orders.own_table_up_to >= 0 && !progress.did(call(SYS_close_range, orders.own_table_up_to, ~0U, unshare)))
        return false;
    std::uint32_t shared = table_is_shared;
    if (child.table != nullptr &&
        !__atomic_compare_exchange_n(child.table, &shared, table_is_own, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        leave(127);
    MoveOrder* moves = child.all(orders.moves);
    for (std::uint32_t i = 0; orders.lift_moves != 0 && i < orders.moves.count; ++i) {
        progress.at(Step::stdio, i);
        const long lifted = call(SYS_fcntl, moves[i].source, F_DUPFD_CLOEXEC, orders.lift_above);
        if (!progress.did(lifted))
            return false;
        moves[i].source = static_cast<int>(lifted);
    }
    for (std::uint32_t i = 0; i < orders.moves.count; ++i) {
        progress.at(Step::stdio, i);
        if (!progress.did(place(moves[i].source, moves[i].target)))
            return false;
    }
    progress.at(Step::descriptors);
    const GapOrder* gaps = child.all(orders.gaps);
    for (std::uint32_t i = 0; i < orders.gaps.count; ++i) {
        const long closed = call(SYS_close_range, gaps[i].first, gaps[i].last, 0);
        // Before Linux 5.9 there is no close_range(2): then close-on-exec, which all our descriptors have, must be
        // enough.
        if (closed != -ENOSYS && !progress.did(closed))
            return false;
    }
    if (orders.executor < 0)
        return true;
    if (!carry_capabilities(child, progress))
        return false;
    progress.at(Step::executor);
    constexpr int empty_path = 0x1000; // AT_EMPTY_PATH
    if (!progress.did(call(SYS_fcntl, orders.executor, F_SETFD, close_on_exec)))
        return false;
    return progress.did(call(SYS_execveat, orders.executor, "", child.arguments, child.environment, empty_path));
}

BARE void carry_out(const Child& child) {
    const Orders& orders = *child.orders;
    Progress progress(child);
    // The program must not get these.
    const std::int32_t own[] = {orders.report, orders.progress};
    for (std::int32_t fd : own)
        if (fd >= 0 && !progress.did(Step::descriptors, call(SYS_fcntl, fd, F_SETFD, close_on_exec)))
            return;
    if (orders.umask != orders.own_umask)
        call(SYS_umask, orders.umask);
    static_cast<void>(
        join_network(child, progress) && join_cgroup(child, progress) && new_session(child, progress) &&
        open_files(child, progress) && take_terminal(child, progress) && take_foreground(child, progress) &&
        set_schedule(child, progress) && make_directories(child, progress) && give_secrets(child, progress) &&
        change_mounts(child, progress) && set_limits(child, progress) && change_identity(child, progress) &&
        (orders.directory == 0 || progress.did(Step::directory, call(SYS_chdir, child.text(orders.directory)))) &&
        set_parent_death(child, progress) && reset_signals(child, progress) && install_filter(child, progress) &&
        execute(child, progress));
}

BARE void leave(int code) {
    for (;;)
        call(SYS_exit_group, code);
}

} // namespace mi::os
