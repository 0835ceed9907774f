// The terminal as a screen to draw on: its alternate screen, every key as it is typed, and as it was before when we are
// gone. Plain ECMA-48 sequences, which every terminal of this century knows.
#pragma once

#include "base/fd.hpp"

#include <termios.h>

#include <optional>
#include <string_view>

namespace mi::ctl {

class Screen {
public:
    // Nothing where standard input or output is no terminal. Signals that would end us, and those of the terminal's, come
    // to signals() from now on, so that none of them leaves the terminal behind as it is.
    [[nodiscard]] static std::optional<Screen> open();
    ~Screen();
    Screen(Screen&& other) noexcept;
    Screen& operator=(Screen&&) = delete;
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    // Takes the terminal, and gives it back. Each may be called again.
    void enter();
    void leave();
    // Gives it back for what prints lines: keys still come one by one and unseen, and Ctrl-C is a signal again.
    void lend();

    struct Size {
        unsigned columns = 80, rows = 24;
    };
    [[nodiscard]] Size size() const;
    [[nodiscard]] int signals() const { return signals_.get(); }
    // The next signal that has come; 0: none.
    [[nodiscard]] int signal() const;
    // Gives the terminal back and stops, as Ctrl-Z does; takes it again when we go on.
    void suspend();
    // Gives it back and ends as the signal would have ended us.
    [[noreturn]] void end_by(int signal);
    // What a child needs before it executes or prints: the signals as they were.
    static void unblock_signals();

private:
    Screen() = default;
    termios before_{};
    Fd signals_;
    bool ours_ = false, alternate_ = false, live_ = true;
};

} // namespace mi::ctl
