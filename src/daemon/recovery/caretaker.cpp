#include "daemon/recovery/caretaker.hpp"

#include "base/clock.hpp"
#include "base/signals.hpp"
#include "daemon/control/control.hpp"
#include "daemon/machine/builtin.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/machine/signal_meaning.hpp"
#include "daemon/recovery/crash_overview.hpp"
#include "entry/leftovers.hpp"
#include "os/machine/watchdog.hpp"
#include "os/process/children.hpp"
#include "os/process/timed_child.hpp"
#include "os/socket/local_socket.hpp"
#include "wire/log_protocol.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>

namespace mi::daemon {

namespace {

using wire::logs::Priority;

constexpr Span last_wait = std::chrono::seconds(2); // for what was killed

constexpr char situation[] = "the init has crashed too often: it only takes care of what runs, and starts and stops "
                             "nothing. `minictl reexec` has it try anew, `minictl reboot` starts all anew";

// A shell on the console of a machine, started again when it has ended.
class Shell {
public:
    // Starts it where that is due. `at`: when it is to be seen to again.
    void see_to(Instant& at) {
        at = never;
        if (pid_ != 0 || taken_)
            return;
        if (const Instant now = monotonic_now(); now >= not_before_) {
            start();
            not_before_ = now + pause;
        }
        if (pid_ == 0)
            at = not_before_;
    }

    // Reaps the children that have ended, without waiting, and notes how for the init that comes after us. False where we have no child.
    bool reap(os::CrashPage& page) {
        bool others = false;
        for (;;) {
            int status = 0;
            const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
            if (pid <= 0) {
                taken_ = taken_ && !others; // whose the console was has perhaps gone
                return pid == 0 || errno != ECHILD;
            }
            others = others || pid != pid_;
            if (pid != pid_)
                os::note_collected(page, pid, status);
            if (pid == pid_) {
                pid_ = 0;
                taken_ = WIFEXITED(status) && WEXITSTATUS(status) == console_taken;
            }
        }
    }

private:
    static constexpr Span pause = std::chrono::seconds(1); // between two
    static constexpr int console_taken = 126;

    void start() {
        const core::Command command = builtin_shell().service.command;
        std::vector<char*> arguments;
        for (const std::string& word : command)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        char home[] = "HOME=/root", terminal[] = "TERM=linux", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        char* environment[] = {home, terminal, path, nullptr};
        pid_ = ::fork();
        if (pid_ != 0) {
            pid_ = std::max(pid_, 0);
            return;
        }
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::setsid();
        // A user who works there, at a getty or another shell, is not disturbed.
        const int console = ::open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (console < 0 || ::ioctl(console, TIOCSCTTY, 0) != 0)
            ::_exit(console_taken);
        for (int descriptor : {0, 1, 2})
            ::dup2(console, descriptor);
        ::execve(arguments[0], arguments.data(), environment);
        ::_exit(127);
    }

    pid_t pid_ = 0;
    bool taken_ = false;
    Instant not_before_{};
};

// The end of a container, or of what a user runs: all are asked, then made. Signals are blocked, ours too.
void end_everybody(Span grace, os::CrashPage& page) {
    constexpr pid_t no_group = std::numeric_limits<pid_t>::max(); // without /proc, no process can be found
    Shell shell;
    for (auto [signal, time] : {std::pair(SIGTERM, grace), std::pair(SIGKILL, last_wait)}) {
        entry::signal_leftovers(signal, no_group);
        entry::signal_leftovers(SIGCONT, no_group); // who is stopped obeys nothing else
        for (const Instant end = monotonic_now() + time; monotonic_now() < end;
             os::wait_for_a_child(end - monotonic_now()))
            if (!shell.reap(page))
                return;
    }
}

// Connections of clients that the old image has left without an answer: they are told. Not by being closed: their numbers
// stand in the state, and none is to mean something else by the time somebody reads that again.
void hang_up(const std::string& control) {
    for (int descriptor = 3; descriptor < 4096; ++descriptor) {
        sockaddr_un name{};
        socklen_t size = sizeof name;
        int listens = 0;
        socklen_t number = sizeof listens;
        if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) == 0 && name.sun_family == AF_UNIX &&
            control == name.sun_path && ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &number) == 0 &&
            listens == 0)
            ::shutdown(descriptor, SHUT_RDWR);
    }
}

// Where even the caretaker has crashed: no memory is asked for until there is an ending.
int bare(const Place& place, os::CrashGuard& guard, Span grace) {
    sigset_t all;
    ::sigfillset(&all);
    for (int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS})
        ::sigdelset(&all, fault);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    hang_up(place.control);
    if (guard.page().control > 2)
        ::close(guard.page().control); // no client is to wait for an answer
    Console(place.system()).line("the init has crashed even while it did next to nothing: it only reaps from now on");
    Shell shell;
    for (;;) {
        guard.forget_asked();
        shell.reap(guard.page());
        Instant again = never;
        if (place.system())
            shell.see_to(again);
        const timespec pause{1, 0};
        const int signal = again != never ? ::sigtimedwait(&all, nullptr, &pause) : ::sigwaitinfo(&all, nullptr);
        const core::Ending how = signal > 0 ? ending_meant(signal, place.system()) : core::Ending::none;
        if (how == core::Ending::none)
            continue;
        if (place.system())
            end_machine({.how = how, .state_directory = place.state_directory});
        end_everybody(grace, guard.page());
        return 1;
    }
}

class Caretaker final : public ControlHandler {
public:
    Caretaker(const Place& place, os::CrashGuard& guard, os::SignalQueue signals)
        : place_(place), guard_(guard), signals_(std::move(signals)), console_(place.system()) {}

    // False where it cannot work.
    bool run() {
        auto signals = loop_.watch(signals_.fd(), [this] { signals_pending(); });
        auto sent = loop_.watch(guard_.wake(), [this] { fault_sent(); });
        if (!signals || !sent)
            return false;
        for (const std::string& line : os::crash_report(guard_.page(), monotonic_now()))
            say(Priority::alert, line);
        say(Priority::alert, situation);
        serve();
        loop_.set_due([this] {
            if (control_)
                control_->due(monotonic_now());
            reap();
        });
        loop_.set_turn_end([this] {
            if (control_) {
                (void)control_->take_calls();
                control_->finish_turn();
            }
            loop_.wake_at(control_ ? std::min(again_, control_->next_deadline()) : again_);
            if (ending_ == core::Ending::none)
                return;
            if (control_)
                control_->flush();
            if (place_.system())
                end_machine({.how = ending_, .state_directory = place_.state_directory});
            loop_.stop();
        });
        reap();
        loop_.run();
        return true;
    }

    void call(CallId id, const Caller&, wire::Request request) override {
        if (std::holds_alternative<wire::Ping>(request)) {
            control_->reply(id, wire::Nothing{});
        } else if (std::holds_alternative<wire::GetOverview>(request)) {
            control_->reply(id, overview());
        } else if (const auto* shutdown = std::get_if<wire::Shutdown>(&request)) {
            control_->reply(id, wire::Nothing{});
            end(!place_.system()                          ? core::Ending::exit
                : shutdown->how == wire::Ending::poweroff ? core::Ending::poweroff
                : shutdown->how == wire::Ending::reboot   ? core::Ending::reboot
                                                          : core::Ending::halt);
        } else if (std::holds_alternative<wire::Reexec>(request)) {
            control_->error(id, wire::NotSupported{try_anew()});
        } else {
            control_->error(id, wire::NotSupported{situation});
        }
    }
    void gone(CallId) override {}

private:
    void say(Priority priority, const std::string& text) {
        console_.line(text);
        if (const int log = guard_.page().log; log > 2)
            for (const std::string& framed : wire::logs::init_lines({}, priority, text))
                if (::write(log, framed.data(), framed.size()) < 0)
                    return; // full: the console has it
    }

    void serve() {
        hang_up(place_.control);
        Fd listener(guard_.page().control);
        int listens = 0;
        socklen_t size = sizeof listens;
        if (listener.get() < 3 || ::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
            listens == 0) {
            (void)listener.release(); // whatever it is, it is not ours
            if (auto fresh = os::listen_local(place_.control, 0666)) {
                listener = std::move(*fresh);
                guard_.page().control = listener.get();
            }
        }
        ControlSettings settings;
        settings.owner = ::getuid();
        if (listener)
            if (auto server = ControlServer::make(loop_, std::move(listener), *this, settings))
                control_ = std::move(*server);
        if (!control_)
            say(Priority::err, "there is no control socket; signals are obeyed");
    }

    wire::Overview overview() const {
        wire::Overview overview;
        overview.version = MINIINIT_VERSION;
        overview.mode = place_.system()             ? wire::Mode::system
                        : place_.mode == Mode::user ? wire::Mode::user
                                                    : wire::Mode::container;
        overview.state = wire::ManagerState::caretaker;
        overview.pid = ::getpid();
        overview.log_directory = place_.log_directories.front();
        describe_crashes(guard_.page(), overview);
        return overview;
    }

    // The whole init again. Gives why that cannot be executed.
    std::string try_anew() {
        os::CrashPage& page = guard_.page();
        say(Priority::notice, "trying anew");
        page.trust = os::Trust::all;
        std::ranges::fill(page.times, 0);
        std::string why = guard_.run_again().text();
        page.trust = os::Trust::caretaker;
        return why;
    }

    void end(core::Ending how) {
        if (std::exchange(ending_, how) == core::Ending::none)
            say(Priority::notice, "everything that runs is ended");
    }

    void signals_pending() {
        for (;;) {
            auto batch = signals_.read();
            if (!batch || batch->empty())
                break;
            for (const signalfd_siginfo& info : *batch)
                if (auto how = ending_meant(static_cast<int>(info.ssi_signo), place_.system());
                    how != core::Ending::none)
                    end(how);
        }
        reap();
    }

    // We are not at fault ourselves, and our end would help no user.
    void fault_sent() {
        if (const os::SentSignal* sent = guard_.asked())
            say(Priority::warning,
                signal_name(sent->signal) + " of process " + std::to_string(sent->pid) + " is ignored");
        guard_.forget_asked();
    }

    void reap() {
        shell_.reap(guard_.page());
        again_ = never;
        if (place_.system())
            shell_.see_to(again_);
    }

    const Place& place_;
    os::CrashGuard& guard_;
    os::SignalQueue signals_;
    Console console_;
    loop::AsioLoop loop_;
    std::unique_ptr<ControlServer> control_;
    core::Ending ending_ = core::Ending::none;
    Shell shell_;
    Instant again_ = never; // when it is looked after
};

} // namespace

int take_care(const Options& options, const Place& place, os::CrashGuard& guard) {
    os::close_all_on_exec(); // what was kept open for us is not for a shell
    if (::chdir("/") != 0) {
    } // then not
    if (place.system() && os::Watchdog::is_running()) // it is not fed any more
        if (auto dog = os::Watchdog::open(std::chrono::minutes(1)))
            (void)dog->disarm();
    if (guard.page().trust == os::Trust::caretaker)
        if (auto signals = os::SignalQueue::open())
            if (Caretaker(place, guard, std::move(*signals)).run()) {
                end_everybody(options.grace, guard.page());
                return 1;
            }
    return bare(place, guard, options.grace);
}

} // namespace mi::daemon
