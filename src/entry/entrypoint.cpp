#include "entry/entrypoint.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "base/quiet_moment.hpp"
#include "base/signals.hpp"
#include "entry/leftovers.hpp"
#include "entry/signals.hpp"
#include "entry/terminal.hpp"
#include "os/crash/crash.hpp"
#include "os/crash/crash_report.hpp"
#include "os/process/idle_memory.hpp"
#include "os/process/limits.hpp"

namespace mi::entry {

namespace {

using namespace std::chrono_literals;

// The longest wait for a killed process: one in an uninterruptible wait would otherwise delay us for ever.
constexpr Span last_wait = 2s;
// The interval between SIGKILLs: as a subreaper we cannot kill all processes with one call, and they may fork
// meanwhile.
constexpr Span kill_again = 20ms;

// The state of COMMAND, in a memory page that survives a crash of ours.
struct Known {
    static constexpr std::uint32_t right_magic = 0x6d696570;
    std::uint32_t magic = right_magic;
    pid_t main = -1;
    bool in_front = false;       // COMMAND's group got the terminal from us, so we take it back later
    bool stop_passed_on = false; // a stop signal was passed on, and no SIGCONT since: COMMAND is meant to be stopped
    bool following_stop = false; // we stopped because COMMAND did
    bool over = false;
    int code = 0;            // COMMAND's exit code, once `over`
    bool restarting = false; // COMMAND was told to stop, and is to be started again
    Instant kill_at = never; // if it has not stopped by then
};

// Signals of a fault in our own code: never blocked while it runs, because a blocked fault ends the process without its
// handler.
constexpr SignalSet faults{only(SIGSEGV).bits | only(SIGBUS).bits | only(SIGILL).bits | only(SIGFPE).bits |
                           only(SIGABRT).bits | only(SIGTRAP).bits | only(SIGSYS).bits};

bool is_stop(int signal) { return signal == SIGTSTP || signal == SIGSTOP || signal == SIGTTIN || signal == SIGTTOU; }

// All data that the child needs between vfork and exec.
struct Start {
    char* const* command;
    int terminal; // whose foreground COMMAND enters; -1: none
    pid_t parent; // its death ends the child, too; 0: not needed, because a PID namespace does the same
    const Identity* identity = nullptr;
    int report = -1; // the child writes `error` here, too, if it has memory of its own; -1: it has not
    // errno of a failed exec; the child writes it into our memory. Volatile, because the compiler sees no reader before
    // _exit(2).
    volatile int error = 0;
};

// The child's part. It shares our memory while we wait, so it makes only system calls.
[[noreturn, gnu::noinline]] void become_command(Start& start) {
    ::setpgid(0, 0);
    // In the child and not in the parent, so that COMMAND never runs in the background.
    if (start.terminal >= 0)
        ::tcsetpgrp(start.terminal, ::getpid());
    if (start.parent != 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != start.parent)
            ::_exit(128 + SIGKILL);
    }
    block_signals(no_signal);
    const Identity* who = start.identity;
    if (who == nullptr ||
        (::setgroups(who->groups.size(), who->groups.data()) == 0 && ::setresgid(who->gid, who->gid, who->gid) == 0 &&
         ::setresuid(who->uid, who->uid, who->uid) == 0))
        ::execvp(start.command[0], start.command);
    const int error = errno;
    start.error = error;
    if (start.report >= 0) {
        [[maybe_unused]] const ssize_t told = ::write(start.report, &error, sizeof error);
    }
    ::_exit(127);
}

[[gnu::noinline]] pid_t start_command(Start& start) {
    // posix_spawn(3) cannot set a parent-death signal. vfork(2) suspends us until the exec, which is fine: there is
    // nothing to do meanwhile, and signals stay pending.
    pid_t pid = ::vfork(); // NOLINT(bugprone-unsafe-functions)
    if (pid == 0)
        become_command(start);
    return pid;
}

// The same for a command with another user. A process of another user must not share our memory, so it gets a copy.
pid_t start_as_other(Start& start) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    start.report = writing.get();
    const pid_t pid = ::fork();
    if (pid == 0)
        become_command(start);
    const int error = errno;
    writing = Fd();
    // It ends with the exec.
    int reason = 0;
    if (pid > 0 && ::read(reading.get(), &reason, sizeof reason) == sizeof reason)
        start.error = reason;
    errno = error;
    return pid;
}

void say(const std::string& text) {
    const std::string line = printable(text, Keep::lines);
    // If standard error cannot be written, there is no other place to report this.
    [[maybe_unused]] ssize_t size = ::write(STDERR_FILENO, line.data(), line.size());
}

// Opens /dev/null for those of standard input, output and error that are closed, so that no other descriptor of ours or
// COMMAND's gets their numbers. In a container without /dev/null they stay closed.
void fill_standard_descriptors() {
    pollfd standard[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
    if (::poll(standard, 3, 0) <= 0)
        return;
    for (const pollfd& descriptor : standard)
        if ((descriptor.revents & POLLNVAL) != 0)
            ::open("/dev/null", O_RDWR); // open(2) takes the lowest free number, which is this one
}

class Entrypoint {
public:
    Entrypoint(const CommandOptions& options, std::span<char* const> arguments)
        : options_(options), arguments_(arguments) {
        for (int signal = 1; signal <= last_signal; ++signal)
            sent_as_[static_cast<std::size_t>(signal)] = signal;
        for (const SignalRewrite& rewrite : options.rewrites)
            sent_as_[static_cast<std::size_t>(rewrite.from)] = rewrite.to;
    }

    int run() {
        // Before all else: from here on no signal is lost, and none can end us.
        block_signals(every_signal);
        fill_standard_descriptors();
        stop_ignoring_signals();
        const bool before = arm();
        tie_to_parent();
        terminal_ = Terminal::find();
        if (before)
            for (const std::string& line : os::crash_report(guard_->page(), monotonic_now()))
                say("miniinit: " + line + "\n");
        else if (int failed = start())
            return failed;
        // COMMAND runs in the directory that we were started in. We leave it, so that it can be unmounted when COMMAND
        // leaves it; unless COMMAND is to be started there again.
        if (options_.restart_on.none()) {
            [[maybe_unused]] const int left = ::chdir("/");
        }
        collect(); // signals that the previous image has read do not arrive again
        for (;;) {
            supervise();
            if (known_->in_front)
                terminal_.take_back();
            end_leftovers();
            if (!known_->restarting)
                break;
            known_->over = known_->restarting = false;
            if (int failed = start())
                return failed;
        }
        return options_.success_exits.test(static_cast<std::size_t>(known_->code)) ? 0 : known_->code;
    }

private:
    // Prepares the recovery from a crash. True: there was a crash, and we continue after it. If this fails, we run
    // without it.
    bool arm() {
        const bool resumes = options_.resume_fd >= 0;
        auto guard = os::CrashGuard::arm(Fd(options_.resume_fd), arguments_);
        signals_ = signals_to_read();
        if (!guard || !signals_)
            return false;
        constexpr std::size_t size = 4096;
        void* page = MAP_FAILED;
        if (resumes || ::ftruncate(guard->state(), os::CrashPage::size + size) == 0)
            page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, guard->state(), os::CrashPage::size);
        if (page == MAP_FAILED)
            return false;
        known_ = resumes ? static_cast<Known*>(page) : new (page) Known;
        if (resumes)
            os::close_all_on_exec(); // the previous image kept the descriptors open for us
        guard_ = std::move(*guard);
        if (guard_->page().trust != os::Trust::all)
            block_signals(every_signal); // it has crashed too often: let the next fault end us
        else
            held_ = every_signal - faults;
        return resumes;
    }

    // Waits for the next signal; 0: none came until the deadline.
    int wait(Instant deadline, siginfo_t& about) {
        if (!guard_)
            return next_signal(deadline, about);
        // A fault signal sent by another process is not blocked: the guard reports it.
        while (wait_readable({signals_.get(), guard_->wake()}, deadline)) {
            if (const os::SentSignal* asked = guard_->asked()) {
                const int signal = asked->signal;
                about = {};
                about.si_code = SI_USER;
                guard_->forget_asked();
                return signal;
            }
            if (const int signal = read_signal(signals_.get(), about))
                return signal;
        }
        return 0;
    }

    // Becomes a subreaper, and sets the parent-death signal.
    void tie_to_parent() {
        if (::getpid() != 1)
            ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (int signal = options_.parent_death_signal) {
            pid_t parent = ::getppid();
            ::prctl(PR_SET_PDEATHSIG, signal);
            // The parent died before prctl(2) took effect.
            if (::getppid() != parent)
                ::raise(signal); // is_own_doing() would ignore some signals from kill(2) to ourselves
        }
    }

    // Until COMMAND has ended.
    void supervise() {
        for (bool is_busy = true; !known_->over;) {
            if (is_busy)
                quiet_.busy(monotonic_now());
            siginfo_t about;
            const int signal = wait(std::min(known_->kill_at, quiet_.next_deadline()), about);
            const Instant now = monotonic_now();
            is_busy = signal != 0;
            if (signal == SIGCHLD)
                collect();
            else if (signal == 0 && known_->kill_at <= now)
                kill_command();
            else if (signal == 0 && quiet_.has_come(now))
                os::give_back_idle_memory(); // COMMAND runs for a while
            else if (signal == 0)
                continue;
            else if (options_.restart_on.test(static_cast<std::size_t>(signal)))
                begin_restart();
            else
                pass_on(signal, about);
        }
        known_->kill_at = never;
    }

    // COMMAND gets the signal by which it is stopped, and the usual time.
    void begin_restart() {
        if (known_->restarting)
            return;
        known_->restarting = true;
        known_->kill_at = monotonic_now() + options_.grace;
        const int stop = sent_as_[SIGTERM] != 0 ? sent_as_[SIGTERM] : SIGTERM;
        for (const int signal : {stop, SIGCONT}) // a stopped process handles no other signal
            ::kill(options_.group ? -known_->main : known_->main, signal);
    }

    // The time is over. (A deadline is the only reason for which there is no signal.)
    void kill_command() {
        known_->kill_at = never;
        ::kill(known_->main, SIGKILL);
    }

    // Starts COMMAND; returns 0, or the exit code that tells why it could not be started.
    int start() {
        Start start{.command = options_.command.data(),
                    .terminal = terminal_.ours() ? terminal_.fd() : -1,
                    .parent = ::getpid() != 1 ? ::getpid() : 0,
                    .identity = options_.identity ? &*options_.identity : nullptr};
        known_->in_front = start.terminal >= 0;
        known_->main = start.identity != nullptr ? start_as_other(start) : start_command(start);
        int error = known_->main < 0 ? errno : start.error;
        if (error == 0)
            return 0;
        std::string line = std::string("miniinit: cannot start \"") + start.command[0] + "\": ";
        if (known_->main < 0)
            line += "fork: ";
        else
            ::waitpid(known_->main, nullptr, 0);
        if (known_->in_front)
            terminal_.take_back();
        line += ::strerrordesc_np(error) != nullptr ? ::strerrordesc_np(error) : "unknown error";
        // ENOENT although the file exists: its interpreter is missing.
        bool interpreter =
            error == ENOENT && std::strchr(start.command[0], '/') != nullptr && ::access(start.command[0], F_OK) == 0;
        if (interpreter)
            line += " (the file exists: what is missing is its interpreter or loader)";
        say(line + "\n");
        if (known_->main < 0)
            return 125;
        return error == ENOENT && !interpreter ? 127 : 126;
    }

    void pass_on(int signal, siginfo_t& about) {
        if (os::is_own_doing(signal, about.si_code, about.si_pid))
            return;
        if (signal == SIGCONT) {
            come_to_front();
            known_->stop_passed_on = false;
            // We stopped because COMMAND's whole process group stopped; so continue the whole group, whatever the
            // options are.
            if (known_->following_stop) {
                known_->following_stop = false;
                ::kill(-main_group(), SIGCONT);
                return;
            }
        }
        if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)
            known_->restarting = false; // who ends us means that
        int send = sent_as_[static_cast<std::size_t>(signal)];
        if (send == 0)
            return;
        if (is_stop(send))
            known_->stop_passed_on = true;
        if (options_.group)
            ::kill(-known_->main, send);
        else if (about.si_code == SI_QUEUE && send == signal)
            ::syscall(SYS_rt_sigqueueinfo, known_->main, send, &about); // with its value (sigqueue(3))
        else
            ::kill(known_->main, send);
    }

    // Reaps all children that have exited; false: we have no child any more.
    bool collect() {
        // Record the exit before reaping it: after a crash in between, it must still be known.
        siginfo_t end{};
        if (!known_->over && ::waitid(P_PID, static_cast<id_t>(known_->main), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            end.si_pid == known_->main) {
            known_->code = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
            known_->over = true;
        }
        for (;;) {
            int status = 0;
            pid_t pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
            if (pid == 0)
                return true;
            if (pid < 0)
                return errno != ECHILD;
            if (pid != known_->main || known_->over)
                continue;
            if (WIFSTOPPED(status)) {
                follow_stop(WSTOPSIG(status));
                continue;
            }
            known_->over = true;
            known_->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }

    // COMMAND was stopped: stop ourselves, too, so that the shell above us notices it and later continues us with
    // SIGCONT.
    void follow_stop(int signal) {
        // A process that knows COMMAND's pid stopped it, without a terminal; it will continue COMMAND in the same way.
        if (!terminal_ && !known_->stop_passed_on)
            return;
        // Do not use SIGSTOP for ourselves: the kernel would stop us even if no process could continue us.
        int own = signal == SIGSTOP ? SIGTSTP : signal;
        block_signals(held_ - only(own));
        // A stop from the keyboard would have stopped our whole process group if COMMAND were in it: for example a
        // script that waits for us, and for which the shell waits.
        ::kill(known_->stop_passed_on ? ::getpid() : 0, own);
        block_signals(held_);
        // As PID 1 we cannot be stopped; but if our group is one outside the namespace, the shell there has seen that
        // group stop.
        bool stopped = signal_waits(SIGCONT) || (::getpid() == 1 && ::getpgrp() == 0);
        if (stopped) {
            known_->following_stop = true;
            known_->in_front = false;
            return;
        }
        // We have no parent that could continue us (an orphaned process group), so the kernel did not stop us. It would
        // not have stopped COMMAND in our place either: so undo a stop from the keyboard, or the terminal would hang. A
        // stop that was sent stays.
        if (known_->stop_passed_on || signal == SIGSTOP)
            return;
        if (terminal_.give(main_group()) || signal == SIGTSTP)
            ::kill(-main_group(), SIGCONT);
    }

    // We were continued. If the shell has put us in the foreground, give it to COMMAND.
    void come_to_front() {
        if (terminal_.ours())
            known_->in_front = terminal_.give(main_group());
    }

    // The process group of COMMAND: its own pid, unless COMMAND has joined another group.
    pid_t main_group() const {
        pid_t group = ::getpgid(known_->main);
        return group > 0 ? group : known_->main;
    }

    // In a container everything ends with COMMAND. When it is started again, what others have started there goes on.
    void signal_others(int signal) const {
        if (known_->restarting)
            signal_descendants(signal, known_->main);
        else
            signal_leftovers(signal, known_->main);
    }

    // Sends SIGTERM to all remaining processes, waits, then sends SIGKILL. Returns as soon as none is left.
    void end_leftovers() {
        if (!collect())
            return;
        Instant deadline = monotonic_now() + options_.grace;
        signal_others(SIGTERM);
        signal_others(SIGCONT); // a stopped process handles no other signal
        // The first signal may be a copy of the one that has ended COMMAND; the second means that the user is
        // impatient.
        for (int asked = 0; asked < 2;) {
            if (!collect())
                return;
            siginfo_t about;
            int signal = wait(deadline, about);
            if (signal == 0)
                break;
            if (signal != SIGTERM && signal != SIGINT && signal != SIGQUIT)
                continue;
            known_->restarting = false;
            ++asked;
        }
        Instant end = monotonic_now() + last_wait;
        while (collect() && monotonic_now() < end) {
            signal_others(SIGKILL);
            Instant again = monotonic_now() + kill_again;
            siginfo_t about;
            while (collect() && wait(again, about) != 0) {
            }
        }
    }

    const CommandOptions& options_;
    std::span<char* const> arguments_;
    std::array<int, last_signal + 1> sent_as_{}; // the signal to pass on for each signal; 0: none
    Terminal terminal_;
    std::optional<os::CrashGuard> guard_;
    Fd signals_;                    // reads all blocked signals
    SignalSet held_ = every_signal; // blocked while our own code runs
    Known own_;                     // used if there is no shared page
    Known* known_ = &own_;
    QuietMoment quiet_;
};

} // namespace

int run_entrypoint(const CommandOptions& options, std::span<char* const> arguments) {
    return Entrypoint(options, arguments).run();
}

bool is_entrypoint_state(int memory) {
    std::uint32_t magic = 0;
    return ::pread(memory, &magic, sizeof magic, os::CrashPage::size) == sizeof magic && magic == Known::right_magic;
}

} // namespace mi::entry
