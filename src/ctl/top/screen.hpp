// The terminal as a screen to draw on: uses the alternate screen, reads single keys, and restores the terminal at the
// end. Uses only common ECMA-48 sequences.
#pragma once

#include "base/fd.hpp"

#include <termios.h>

#include <optional>
#include <string_view>

namespace mi::ctl {

class Screen {
public:
    // nullopt if standard input or output is no terminal. From now on, signals that would end us, and those of the
    // terminal, are read with signal(), so that none of them leaves the terminal in this mode.
    [[nodiscard]] static std::optional<Screen> open();
    ~Screen();
    Screen(Screen&& other) noexcept;
    Screen& operator=(Screen&&) = delete;
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    // Take over the terminal, and give it back. Each may be called repeatedly.
    void enter();
    void leave();
    // Gives the terminal back for line output: keys are still read one by one and not shown, and Ctrl-C is a signal
    // again.
    void lend();

    struct Size {
        unsigned columns = 80, rows = 24;
    };
    [[nodiscard]] Size size() const;
    [[nodiscard]] int signals() const { return signals_.get(); }
    // The next signal; 0: none.
    [[nodiscard]] int signal() const;
    // Gives the terminal back and stops, as on Ctrl-Z; takes it over again when continued.
    void suspend();
    // Gives the terminal back, and ends as the signal would have ended us.
    [[noreturn]] void end_by(int signal);
    // Restores the signal mask; a child calls it before it executes a program or prints.
    static void unblock_signals();

private:
    Screen() = default;
    termios before_{};
    Fd signals_;
    bool ours_ = false, alternate_ = false, live_ = true;
};

} // namespace mi::ctl
