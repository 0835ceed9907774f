#include "entry/entrypoint.hpp"

#include <fcntl.h>
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
#include "base/signals.hpp"
#include "entry/leftovers.hpp"
#include "entry/signals.hpp"
#include "entry/terminal.hpp"
#include "os/crash/crash.hpp"
#include "os/crash/crash_report.hpp"
#include "os/process/limits.hpp"

namespace mi::entry {

namespace {

using namespace std::chrono_literals;

// How long a process that was killed may take to go: one in an uninterruptible wait would keep us for good.
constexpr Span last_wait = 2s;
// How often the killed are looked for again: as a subreaper we cannot kill all at one stroke, and they may fork meanwhile.
constexpr Span kill_again = 20ms;

// What we know of COMMAND, in a page that outlives us.
struct Known {
    static constexpr std::uint32_t right_magic = 0x6d696570;
    std::uint32_t magic = right_magic;
    pid_t main = -1;
    bool in_front = false;       // COMMAND's group has the terminal from us, so it is ours to take back
    bool stop_passed_on = false; // a stop signal was sent on and no SIGCONT since: COMMAND is meant to be stopped
    bool following_stop = false; // we stopped because COMMAND did
    bool over = false;
    int code = 0; // of COMMAND, once over
};

// Signals that end a program which has gone wrong: never blocked while our own code runs, as they would end us then.
constexpr SignalSet faults{only(SIGSEGV).bits | only(SIGBUS).bits | only(SIGILL).bits | only(SIGFPE).bits |
                           only(SIGABRT).bits | only(SIGTRAP).bits | only(SIGSYS).bits};

bool is_stop(int signal) { return signal == SIGTSTP || signal == SIGSTOP || signal == SIGTTIN || signal == SIGTTOU; }

// Everything the child does between vfork and exec, as data.
struct Start {
    char* const* command;
    int terminal; // the one to come to the foreground of; -1: none
    pid_t parent; // whose death ends the child too; 0: nobody's, since a PID namespace sees to it
    // errno of an exec that failed; the child leaves it here, in our memory. Volatile: what is written on the way to _exit is
    // to a compiler seen by nobody.
    volatile int error = 0;
};

// The child's part. It borrows our memory while we sleep, so: system calls only.
[[noreturn, gnu::noinline]] void become_command(Start& start) {
    ::setpgid(0, 0);
    // Here and not in the parent, so that COMMAND never runs in the background.
    if (start.terminal >= 0)
        ::tcsetpgrp(start.terminal, ::getpid());
    if (start.parent != 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != start.parent)
            ::_exit(128 + SIGKILL);
    }
    block_signals(no_signal);
    ::execvp(start.command[0], start.command);
    start.error = errno;
    ::_exit(127);
}

[[gnu::noinline]] pid_t start_command(Start& start) {
    // Not posix_spawn(3), which knows no parent-death signal. To be suspended until the exec is what we want: there is nothing
    // to do before it, and signals wait, blocked.
    pid_t pid = ::vfork(); // NOLINT(bugprone-unsafe-functions)
    if (pid == 0)
        become_command(start);
    return pid;
}

void say(const std::string& text) {
    const std::string line = printable(text, Keep::lines);
    // Nobody is left to be told where standard error does not take it.
    [[maybe_unused]] ssize_t size = ::write(STDERR_FILENO, line.data(), line.size());
}

// What is closed of standard input, output and error becomes /dev/null, so that no descriptor we or COMMAND open is taken for
// one of them. A container without /dev/null has to live with it.
void fill_standard_descriptors() {
    pollfd standard[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
    if (::poll(standard, 3, 0) <= 0)
        return;
    for (const pollfd& descriptor : standard)
        if ((descriptor.revents & POLLNVAL) != 0)
            ::open("/dev/null", O_RDWR); // the lowest free number is this one
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
        // First of all: from here on no signal is lost, and none can end us.
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
        // COMMAND is where we were started. We hold nothing there, so that it can be unmounted when COMMAND leaves it.
        [[maybe_unused]] const int left = ::chdir("/");
        collect(); // what was told to the program before us is not told again
        while (!known_->over) {
            siginfo_t about;
            int signal = wait(never, about);
            if (signal == SIGCHLD)
                collect();
            else
                pass_on(signal, about);
        }
        if (known_->in_front)
            terminal_.take_back();
        end_leftovers();
        return options_.success_exits.test(static_cast<std::size_t>(known_->code)) ? 0 : known_->code;
    }

private:
    // From here on a crash is not the end. True: there was one, and we go on. Where it cannot be had, we do without.
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
            os::close_all_on_exec(); // they were kept open for us
        guard_ = std::move(*guard);
        if (guard_->page().trust != os::Trust::all)
            block_signals(every_signal); // it has happened too often: the next one is the end
        else
            held_ = every_signal - faults;
        return resumes;
    }

    // The next signal; 0: none came until then.
    int wait(Instant deadline, siginfo_t& about) {
        if (!guard_)
            return next_signal(deadline, about);
        // One of the faults that somebody sent is not blocked: the guard tells of it.
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

    // Subreaper and parent-death signal.
    void tie_to_parent() {
        if (::getpid() != 1)
            ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (int signal = options_.parent_death_signal) {
            pid_t parent = ::getppid();
            ::prctl(PR_SET_PDEATHSIG, signal);
            // It died before the kernel knew that we care.
            if (::getppid() != parent)
                ::raise(signal); // not as kill(2), by which we would seem to have done something wrong
        }
    }

    // Makes COMMAND run; gives 0, or the exit code that says why it does not.
    int start() {
        Start start{.command = options_.command.data(),
                    .terminal = terminal_.ours() ? terminal_.fd() : -1,
                    .parent = ::getpid() != 1 ? ::getpid() : 0};
        known_->in_front = start.terminal >= 0;
        known_->main = start_command(start);
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
        // A file that is there and yet not found is a script or program whose interpreter is not.
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
            // We stopped because COMMAND did, all of its process group; so this is for all of it, whatever the options say.
            if (known_->following_stop) {
                known_->following_stop = false;
                ::kill(-main_group(), SIGCONT);
                return;
            }
        }
        int send = sent_as_[static_cast<std::size_t>(signal)];
        if (send == 0)
            return;
        if (is_stop(send))
            known_->stop_passed_on = true;
        if (options_.group)
            ::kill(-known_->main, send);
        else if (about.si_code == SI_QUEUE && send == signal)
            ::syscall(SYS_rt_sigqueueinfo, known_->main, send, &about); // with the value that came with it
        else
            ::kill(known_->main, send);
    }

    // Reaps whoever has exited; false when we have no child any more.
    bool collect() {
        // Before it is reaped: where we crash just then, its end must be known all the same.
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

    // COMMAND was stopped: we stop too, so that the shell above notices, and wakes us with SIGCONT.
    void follow_stop(int signal) {
        // Stopped by somebody who knows its number and not at a terminal: they will continue it in the same way.
        if (!terminal_ && !known_->stop_passed_on)
            return;
        // Not SIGSTOP, which the kernel would obey even where nobody could continue us.
        int own = signal == SIGSTOP ? SIGTSTP : signal;
        block_signals(held_ - only(own));
        // Typed at the keyboard, it would have stopped our whole process group, were COMMAND not in one of its own: a script
        // that waits for us, for one, which the shell waits for.
        ::kill(known_->stop_passed_on ? ::getpid() : 0, own);
        block_signals(held_);
        // As PID 1 we cannot be stopped, but if our group is one outside the namespace, the shell out there has seen it stop.
        bool stopped = signal_waits(SIGCONT) || (::getpid() == 1 && ::getpgrp() == 0);
        if (stopped) {
            known_->following_stop = true;
            known_->in_front = false;
            return;
        }
        // Nobody is above us who could continue us, and so the kernel did not stop us. It would not have stopped COMMAND either
        // in our place, so a stop typed at the keyboard is undone, or the terminal would be dead. One that was sent stands.
        if (known_->stop_passed_on || signal == SIGSTOP)
            return;
        if (terminal_.give(main_group()) || signal == SIGTSTP)
            ::kill(-main_group(), SIGCONT);
    }

    // We were continued; if the shell put us in the foreground, COMMAND gets it.
    void come_to_front() {
        if (terminal_.ours())
            known_->in_front = terminal_.give(main_group());
    }

    // The process group of COMMAND: its own number, unless it made itself part of another one.
    pid_t main_group() const {
        pid_t group = ::getpgid(known_->main);
        return group > 0 ? group : known_->main;
    }

    // TERM to all that is left, time to obey, KILL. Ends as soon as nobody is left.
    void end_leftovers() {
        if (!collect())
            return;
        Instant deadline = monotonic_now() + options_.grace;
        signal_leftovers(SIGTERM, known_->main);
        signal_leftovers(SIGCONT, known_->main); // who is stopped obeys nothing else
        // The first signal to end may be a copy of the one that ended COMMAND; the second is somebody's impatience.
        for (int asked = 0; asked < 2;) {
            if (!collect())
                return;
            siginfo_t about;
            int signal = wait(deadline, about);
            if (signal == 0)
                break;
            if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)
                ++asked;
        }
        Instant end = monotonic_now() + last_wait;
        while (collect() && monotonic_now() < end) {
            signal_leftovers(SIGKILL, known_->main);
            Instant again = monotonic_now() + kill_again;
            siginfo_t about;
            while (collect() && wait(again, about) != 0) {
            }
        }
    }

    const CommandOptions& options_;
    std::span<char* const> arguments_;
    std::array<int, last_signal + 1> sent_as_{}; // what each signal is sent on as; 0: not at all
    Terminal terminal_;
    std::optional<os::CrashGuard> guard_;
    Fd signals_;                    // where all that is blocked can be read
    SignalSet held_ = every_signal; // blocked while our own code runs
    Known own_;                     // where there is no such page
    Known* known_ = &own_;
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
