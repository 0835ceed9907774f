#include "daemon/machine/signals.hpp"

#include "daemon/machine/shutdown.hpp"
#include "daemon/machine/signal_meaning.hpp"
#include "os/process/limits.hpp"

#include <csignal>

namespace mi::daemon {

void Signals::open() {
    watch_ = context_.watch(context_.kernel.signals(), [this] { pending(); });
}

void Signals::pending() {
    bool children = false;
    for (bool more = true; more;) {
        auto batch = context_.kernel.read_signals();
        if (!batch)
            break;
        more = batch->size() == os::SignalQueue::batch;
        for (const signalfd_siginfo& info : *batch) {
            if (info.ssi_signo == SIGCHLD)
                children = true;
            else if (!os::is_own_doing(static_cast<int>(info.ssi_signo), info.ssi_code,
                                       static_cast<pid_t>(info.ssi_pid)))
                arrived(static_cast<int>(info.ssi_signo));
        }
    }
    if (children)
        host_.reap();
}

void Signals::arrived(int number) {
    context_.now = context_.kernel.now();
    if (!forwarding_.entry.empty() && !context_.engine.halting())
        return forward(number);
    if (context_.place.system() && number == SIGINT && pressed_seven_times()) {
        context_.say(Priority::alert, "Ctrl-Alt-Del seven times: rebooting at once");
        shutdown_.begin(core::Ending::reboot, 0);
        shutdown_.hurry();
    } else if (auto how = ending_meant(number, context_.place.system()); how != core::Ending::none) {
        shutdown_.begin(how, 0);
    } else if (number == SIGHUP) {
        host_.reload();
    }
}

// Ctrl-Alt-Del, in two seconds: somebody does not want to wait for the order of things.
bool Signals::pressed_seven_times() {
    ctrl_alt_del_.push_back(context_.now);
    while (context_.now - ctrl_alt_del_.front() > std::chrono::seconds(2))
        ctrl_alt_del_.pop_front();
    return ctrl_alt_del_.size() >= 7;
}

// The main process of a container gets every signal that we get.
void Signals::forward(int number) {
    if (forwarding_.restart_on.test(static_cast<std::size_t>(number))) {
        if (const core::UnitId unit = context_.graph().find(forwarding_.entry); unit != core::no_unit)
            context_.apply({.kind = core::Event::Kind::restart, .unit = unit});
        return;
    }
    for (const entry::SignalRewrite& rewrite : forwarding_.rewrites)
        if (rewrite.from == number) {
            number = rewrite.to;
            break;
        }
    const core::UnitId unit = context_.graph().find(forwarding_.entry);
    if (number == 0 || unit == core::no_unit)
        return;
    pid_t pid = context_.record(unit).main_pid;
    if (pid <= 0) // perhaps it has not become its program yet: then it finds the signal as its first
        pid = host_.main_on_its_way(unit);
    if (pid <= 0)
        return;
    // It may be gone already: then its exit is on its way to us.
    if (forwarding_.group)
        (void)context_.kernel.signal_group(pid, number);
    else
        (void)context_.kernel.send_signal(pid, number);
}

} // namespace mi::daemon
