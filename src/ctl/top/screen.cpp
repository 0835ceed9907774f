#include "ctl/top/screen.hpp"

#include "ctl/text/terminal.hpp"

#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace mi::ctl {

namespace {

sigset_t ours() {
    sigset_t set;
    ::sigemptyset(&set);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH, SIGCHLD})
        ::sigaddset(&set, signal);
    return set;
}

} // namespace

std::optional<Screen> Screen::open() {
    Screen screen;
    if (::isatty(1) != 1 || ::tcgetattr(0, &screen.before_) != 0)
        return std::nullopt;
    const sigset_t set = ours();
    (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
    screen.signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!screen.signals_) {
        screen.live_ = false;
        unblock_signals();
        return std::nullopt;
    }
    return screen;
}

Screen::Screen(Screen&& other) noexcept
    : before_(other.before_), signals_(std::move(other.signals_)), ours_(other.ours_), alternate_(other.alternate_),
      live_(std::exchange(other.live_, false)) {}

Screen::~Screen() {
    if (live_)
        leave();
}

void Screen::enter() {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL | INLCR);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)::tcsetattr(0, TCSADRAIN, &raw);
    ours_ = true;
    // Use the alternate screen, hide the cursor, turn automatic line wrap off.
    if (!std::exchange(alternate_, true))
        (void)write_all(1, "\033[?1049h\033[?25l\033[?7l\033[2J");
}

void Screen::leave() {
    if (std::exchange(alternate_, false))
        (void)write_all(1, "\033[0m\033[?7h\033[?25h\033[?1049l");
    if (std::exchange(ours_, false))
        (void)::tcsetattr(0, TCSADRAIN, &before_);
}

void Screen::lend() {
    leave();
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    (void)::tcsetattr(0, TCSADRAIN, &keys);
    ours_ = true;
}

Screen::Size Screen::size() const {
    winsize got{};
    Size size;
    if (::ioctl(1, TIOCGWINSZ, &got) == 0 && got.ws_col > 0 && got.ws_row > 0)
        size = {got.ws_col, got.ws_row};
    return size;
}

int Screen::signal() const {
    signalfd_siginfo info{};
    return ::read(signals_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

void Screen::unblock_signals() {
    const sigset_t set = ours();
    (void)::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void Screen::suspend() {
    leave();
    (void)::kill(0, SIGSTOP);
    enter();
}

void Screen::end_by(int signal) {
    leave();
    (void)::signal(signal, SIG_DFL);
    (void)::raise(signal); // it is blocked, and so delivered when it is unblocked
    unblock_signals();
    ::_exit(128 + signal);
}

} // namespace mi::ctl
