// Who speaks to PID 1 besides the control socket and sd_notify(3): the kernel and people by signals, services on notify-fd.
#include "daemon/machine/signal_meaning.hpp"
#include "daemon/supervisor.hpp"
#include "os/limits.hpp"

#include <unistd.h>

#include <algorithm>
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
        UnitFiles::Reread reread = unit_files_.reread();
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
        pid = starter_.pending().pid_of(id, core::Role::main);
    if (pid <= 0)
        return;
    // It may be gone already: then its exit is on its way to us.
    if (signal_group_)
        (void)os::signal_group(pid, number);
    else
        (void)os::send_signal(pid, number);
}

// --- notify-fd --------------------------------------------------------------------------------------------------------

void Supervisor::watch_ready(core::UnitId id) {
    auto watch = context_.loop.watch(context_.units[id].ready.get(), [this, name = context_.name(id)] {
        if (core::UnitId now = context_.graph().find(name); now != core::no_unit)
            ready_pending(now, 1);
    });
    if (watch)
        context_.units[id].ready_watch = std::move(*watch);
}

void Supervisor::ready_pending(core::UnitId id, int most_reads) {
    UnitRun& live = context_.units[id];
    if (!live.ready)
        return;
    char bytes[4096];
    ssize_t got = 1;
    bool said = false;
    for (int i = 0; i < most_reads && got > 0 && !said; ++i) {
        got = ::read(live.ready.get(), bytes, sizeof bytes);
        said = got > 0 && std::find(bytes, bytes + got, '\n') != bytes + got;
    }
    if (got != 0 && !said)
        return; // EINTR, EAGAIN: it will be readable again
    if (said) {
        context_.now = loop::now();
        starter_.pending().conclude(id);
        context_.engine.apply({.kind = Event::Kind::ready, .unit = id}, context_.now);
    }
    live.ready_watch.reset();
    live.ready.reset();
    context_.engine.mark(id);
}

// --- memory -----------------------------------------------------------------------------------------------------------

void Supervisor::listen_to_memory() {
    if (resources_.memory_events() < 0)
        return;
    auto watch = context_.loop.watch(resources_.memory_events(), [this] { memory_events_pending(); });
    if (watch)
        memory_watch_ = std::move(*watch);
}

// A service at its memory-high has an event every 10 ms: one look a second is enough to tell of kills, as the end of a
// process that we started ourselves is looked into at once.
void Supervisor::memory_events_pending() {
    constexpr Span pause = std::chrono::seconds(1);
    bool waited = memory_again_ != never;
    memory_again_ = never;
    if (memory_watch_)
        memory_watch_->want_readable(true);
    if (!resources_.memory_kill_happened()) {
        if (!waited && memory_watch_) {
            memory_watch_->want_readable(false);
            memory_again_ = loop::now() + pause;
        }
        return;
    }
    context_.now = loop::now();
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            if (auto words = resources_.killed_for_memory(context_.unit(id), context_.now, false))
                context_.logs.line(context_.name(id), Priority::err,
                                   "out of memory (" + *words + "): the kernel has killed a process of it");
}

// --- timers -----------------------------------------------------------------------------------------------------------

void Supervisor::time_has_come(core::UnitId unit) {
    context_.now = loop::now();
    context_.engine.apply({.kind = Event::Kind::trigger, .unit = unit}, context_.now);
}

void Supervisor::timer_trouble(const std::string& text) { context_.say(Priority::warning, text); }

} // namespace mi::daemon
