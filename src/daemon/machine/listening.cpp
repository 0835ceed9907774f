// Who speaks to PID 1 besides the control socket and services: the kernel and people by signals.
#include "daemon/machine/signal_meaning.hpp"
#include "daemon/supervisor.hpp"
#include "os/limits.hpp"

#include <csignal>

namespace mi::daemon {

using core::Ending;
using core::Event;

void Supervisor::signals_pending() {
    bool children = false;
    for (;;) {
        auto batch = signals_.read();
        if (!batch || batch->empty())
            break;
        for (const signalfd_siginfo& info : *batch) {
            if (info.ssi_signo == SIGCHLD)
                children = true;
            else if (!os::is_own_doing(static_cast<int>(info.ssi_signo), info.ssi_code,
                                       static_cast<pid_t>(info.ssi_pid)))
                signal_arrived(info);
        }
    }
    if (children)
        reap();
}

void Supervisor::signal_arrived(const signalfd_siginfo& info) {
    context_.now = loop::now();
    int number = static_cast<int>(info.ssi_signo);
    if (!entry_.empty() && !context_.engine.halting()) {
        forward(number);
        return;
    }
    if (context_.place.system() && number == SIGINT) {
        // Seven Ctrl-Alt-Del in two seconds: somebody does not want to wait for the order of things.
        ctrl_alt_del_.push_back(context_.now);
        while (context_.now - ctrl_alt_del_.front() > std::chrono::seconds(2))
            ctrl_alt_del_.pop_front();
        if (ctrl_alt_del_.size() >= 7) {
            context_.say(Priority::alert, "Ctrl-Alt-Del seven times: rebooting at once");
            begin_ending(Ending::reboot, 0);
            hurry();
            return;
        }
    }
    if (Ending how = ending_meant(number, context_.place.system()); how != Ending::none) {
        begin_ending(how, 0);
        return;
    }
    if (number == SIGHUP) {
        mind_premises(true);
        Reread reread = this->reread();
        for (const std::string& problem : reread.problems)
            context_.say(Priority::warning, problem);
        context_.say(Priority::info, "units read again: " + std::to_string(reread.added.size()) + " added, " +
                                         std::to_string(reread.changed.size()) + " changed, " +
                                         std::to_string(reread.removed.size()) + " removed");
    }
}

// The main process of a container gets every signal that we get.
void Supervisor::forward(int number) {
    for (const SignalRewrite& rewrite : rewrites_)
        if (rewrite.from == number) {
            number = rewrite.to;
            break;
        }
    core::UnitId id = context_.graph().find(entry_);
    if (number == 0 || id == core::no_unit)
        return;
    pid_t pid = context_.record(id).main_pid;
    if (pid <= 0) // perhaps it has not become its program yet: then it finds the signal as its first
        pid = pid_on_its_way(id, core::Role::main);
    if (pid <= 0)
        return;
    // It may be gone already: then its exit is on its way to us.
    if (signal_group_)
        (void)os::signal_group(pid, number);
    else
        (void)os::send_signal(pid, number);
}

// --- timers -----------------------------------------------------------------------------------------------------------

void Supervisor::time_has_come(core::UnitId unit) {
    context_.now = loop::now();
    context_.engine.apply({.kind = Event::Kind::trigger, .unit = unit}, context_.now);
}

void Supervisor::timer_trouble(const std::string& text) { context_.say(Priority::warning, text); }

} // namespace mi::daemon
