// Signals that PID 1 gets: those that ask for an end of the machine, SIGHUP, and in a container with a main process all of them,
// which are for that one.
#pragma once

#include "daemon/context.hpp"
#include "daemon/options.hpp"

#include <bitset>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace mi::daemon {

class Shutdown;

class Signals {
public:
    struct Host {
        virtual ~Host() = default;
        // SIGCHLD: children have ended.
        virtual void reap() = 0;
        // SIGHUP: what there is of us is looked at, and units are read again.
        virtual void reload() = 0;
        // The process that is to become the main process of the unit, but is not its program yet; 0: none.
        [[nodiscard]] virtual pid_t main_on_its_way(core::UnitId unit) const = 0;
    };
    // To the main process of a container, where there is one.
    struct Forwarding {
        std::string entry; // its unit; empty: there is none
        std::vector<entry::SignalRewrite> rewrites;
        bool group = false;            // to its whole process group
        std::bitset<256> restart_on{}; // these are not sent: it is restarted
    };

    Signals(Context& context, Shutdown& shutdown, Host& host, Forwarding forwarding)
        : context_(context), shutdown_(shutdown), host_(host), forwarding_(std::move(forwarding)) {}

    // They are read from now on.
    void open();

private:
    void pending();
    void arrived(int number);
    [[nodiscard]] bool pressed_seven_times();
    void forward(int number);

    Context& context_;
    Shutdown& shutdown_;
    Host& host_;
    Forwarding forwarding_;
    std::unique_ptr<loop::Watch> watch_;
    std::deque<Instant> ctrl_alt_del_; // when it was pressed last
};

} // namespace mi::daemon
