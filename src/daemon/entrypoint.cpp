#include "daemon/entrypoint.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/signals.hpp"
#include "daemon/entry_leftovers.hpp"
#include "daemon/entry_signals.hpp"
#include "daemon/entry_terminal.hpp"

namespace mi::daemon {

namespace {

using namespace std::chrono_literals;

// How long a process that was killed may take to go: one in an uninterruptible wait would keep us for good.
constexpr Span last_wait = 2s;
// How often the killed are looked for again: as a subreaper we cannot kill all at one stroke, and they may fork meanwhile.
constexpr Span kill_again = 20ms;

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

void say(const std::string& line) {
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
    explicit Entrypoint(const Options& options) : options_(options) {
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
        tie_to_parent();
        terminal_ = Terminal::find();
        if (int failed = start())
            return failed;
        while (!over_) {
            siginfo_t about;
            int signal = next_signal(never, about);
            if (signal == SIGCHLD)
                collect();
            else
                pass_on(signal, about);
        }
        if (in_front_)
            terminal_.take_back();
        end_leftovers();
        return options_.success_exits.test(static_cast<std::size_t>(code_)) ? 0 : code_;
    }

private:
    // Subreaper and parent-death signal.
    void tie_to_parent() {
        if (::getpid() != 1)
            ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (int signal = options_.parent_death_signal) {
            pid_t parent = ::getppid();
            ::prctl(PR_SET_PDEATHSIG, signal);
            // It died before the kernel knew that we care.
            if (::getppid() != parent)
                ::kill(::getpid(), signal);
        }
    }

    // Makes COMMAND run; gives 0, or the exit code that says why it does not.
    int start() {
        Start start{.command = options_.command.data(),
                    .terminal = terminal_.ours() ? terminal_.fd() : -1,
                    .parent = ::getpid() != 1 ? ::getpid() : 0};
        in_front_ = start.terminal >= 0;
        main_ = start_command(start);
        int error = main_ < 0 ? errno : start.error;
        if (error == 0)
            return 0;
        std::string line = std::string("miniinit: cannot start \"") + start.command[0] + "\": ";
        if (main_ < 0)
            line += "fork: ";
        else
            ::waitpid(main_, nullptr, 0);
        if (in_front_)
            terminal_.take_back();
        line += ::strerrordesc_np(error) != nullptr ? ::strerrordesc_np(error) : "unknown error";
        // A file that is there and yet not found is a script or program whose interpreter is not.
        bool interpreter =
            error == ENOENT && std::strchr(start.command[0], '/') != nullptr && ::access(start.command[0], F_OK) == 0;
        if (interpreter)
            line += " (the file exists: what is missing is its interpreter or loader)";
        say(line + "\n");
        if (main_ < 0)
            return 125;
        return error == ENOENT && !interpreter ? 127 : 126;
    }

    void pass_on(int signal, siginfo_t& about) {
        if (signal == SIGCONT) {
            come_to_front();
            stop_passed_on_ = false;
            // We stopped because COMMAND did, all of its process group; so this is for all of it, whatever the options say.
            if (following_stop_) {
                following_stop_ = false;
                ::kill(-main_group(), SIGCONT);
                return;
            }
        }
        int send = sent_as_[static_cast<std::size_t>(signal)];
        if (send == 0)
            return;
        if (is_stop(send))
            stop_passed_on_ = true;
        if (options_.group)
            ::kill(-main_, send);
        else if (about.si_code == SI_QUEUE && send == signal)
            ::syscall(SYS_rt_sigqueueinfo, main_, send, &about); // with the value that came with it
        else
            ::kill(main_, send);
    }

    // Reaps whoever has exited; false when we have no child any more.
    bool collect() {
        for (;;) {
            int status = 0;
            pid_t pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
            if (pid == 0)
                return true;
            if (pid < 0)
                return errno != ECHILD;
            if (pid != main_ || over_)
                continue;
            if (WIFSTOPPED(status)) {
                follow_stop(WSTOPSIG(status));
                continue;
            }
            over_ = true;
            code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }

    // COMMAND was stopped: we stop too, so that the shell above notices, and wakes us with SIGCONT.
    void follow_stop(int signal) {
        // Stopped by somebody who knows its number and not at a terminal: they will continue it in the same way.
        if (!terminal_ && !stop_passed_on_)
            return;
        // Not SIGSTOP, which the kernel would obey even where nobody could continue us.
        int own = signal == SIGSTOP ? SIGTSTP : signal;
        block_signals(every_signal - only(own));
        // Typed at the keyboard, it would have stopped our whole process group, were COMMAND not in one of its own: a script
        // that waits for us, for one, which the shell waits for.
        ::kill(stop_passed_on_ ? ::getpid() : 0, own);
        block_signals(every_signal);
        // As PID 1 we cannot be stopped, but if our group is one outside the namespace, the shell out there has seen it stop.
        bool stopped = signal_waits(SIGCONT) || (::getpid() == 1 && ::getpgrp() == 0);
        if (stopped) {
            following_stop_ = true;
            in_front_ = false;
            return;
        }
        // Nobody is above us who could continue us, and so the kernel did not stop us. It would not have stopped COMMAND either
        // in our place, so a stop typed at the keyboard is undone, or the terminal would be dead. One that was sent stands.
        if (stop_passed_on_ || signal == SIGSTOP)
            return;
        if (terminal_.give(main_group()) || signal == SIGTSTP)
            ::kill(-main_group(), SIGCONT);
    }

    // We were continued; if the shell put us in the foreground, COMMAND gets it.
    void come_to_front() {
        if (terminal_.ours())
            in_front_ = terminal_.give(main_group());
    }

    // The process group of COMMAND: its own number, unless it made itself part of another one.
    pid_t main_group() const {
        pid_t group = ::getpgid(main_);
        return group > 0 ? group : main_;
    }

    // TERM to all that is left, time to obey, KILL. Ends as soon as nobody is left.
    void end_leftovers() {
        if (!collect())
            return;
        Instant deadline = monotonic_now() + options_.grace;
        signal_leftovers(SIGTERM, main_);
        signal_leftovers(SIGCONT, main_); // who is stopped obeys nothing else
        // The first signal to end may be a copy of the one that ended COMMAND; the second is somebody's impatience.
        for (int asked = 0; asked < 2;) {
            if (!collect())
                return;
            siginfo_t about;
            int signal = next_signal(deadline, about);
            if (signal == 0)
                break;
            if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)
                ++asked;
        }
        Instant end = monotonic_now() + last_wait;
        while (collect() && monotonic_now() < end) {
            signal_leftovers(SIGKILL, main_);
            Instant again = monotonic_now() + kill_again;
            siginfo_t about;
            while (collect() && next_signal(again, about) != 0) {
            }
        }
    }

    const Options& options_;
    std::array<int, last_signal + 1> sent_as_{}; // what each signal is sent on as; 0: not at all
    Terminal terminal_;
    pid_t main_ = -1;
    bool in_front_ = false;       // COMMAND's group has the terminal from us, so it is ours to take back
    bool stop_passed_on_ = false; // a stop signal was sent on and no SIGCONT since: COMMAND is meant to be stopped
    bool following_stop_ = false; // we stopped because COMMAND did
    bool over_ = false;
    int code_ = 0; // of COMMAND, once over_
};

} // namespace

int run_entrypoint(const Options& options) { return Entrypoint(options).run(); }

} // namespace mi::daemon
