// Who speaks to PID 1 besides the control socket: the kernel and people by signals, services by notify messages.
#include "base/text.hpp"
#include "daemon/supervisor.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace mi::daemon {

using core::Ending;
using core::Event;

namespace {

constexpr int messages_a_turn = 128;
constexpr std::size_t longest_status = 256; // of STATUS=, in bytes

// What a signal means to the init of a machine.
Ending machine_ending(int number) {
    const int first = SIGRTMIN;
    if (number == SIGINT || number == SIGTERM || number == first + 5)
        return Ending::reboot;
    if (number == SIGUSR2 || number == SIGPWR || number == first + 4)
        return Ending::poweroff;
    if (number == SIGUSR1 || number == first + 3)
        return Ending::halt;
    return Ending::none;
}

// What it means to the init of a container, or of a user.
Ending container_ending(int number) {
    const int first = SIGRTMIN;
    if (number == SIGINT || number == SIGTERM || number == SIGQUIT || (number >= first + 3 && number <= first + 5))
        return Ending::exit;
    return Ending::none;
}

std::string without_controls(std::string_view text) {
    std::string clean(text.substr(0, longest_status));
    std::replace_if(clean.begin(), clean.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
    return clean;
}

} // namespace

void Supervisor::signals_pending() {
    // What a process said before it ended is heard before its end is.
    notify_pending();
    bool children = false;
    for (;;) {
        auto batch = signals_.read();
        if (!batch || batch->empty())
            break;
        for (const signalfd_siginfo& info : *batch) {
            if (info.ssi_signo == SIGCHLD)
                children = true;
            else
                signal_arrived(info);
        }
    }
    if (children)
        reap();
}

void Supervisor::signal_arrived(const signalfd_siginfo& info) {
    now_ = loop::now();
    int number = static_cast<int>(info.ssi_signo);
    if (!entry_.empty() && !engine_->halting()) {
        forward(number);
        return;
    }
    if (place_.system() && number == SIGINT) {
        // Seven Ctrl-Alt-Del in two seconds: somebody does not want to wait for the order of things.
        ctrl_alt_del_.push_back(now_);
        while (now_ - ctrl_alt_del_.front() > std::chrono::seconds(2))
            ctrl_alt_del_.pop_front();
        if (ctrl_alt_del_.size() >= 7) {
            say(Priority::alert, "Ctrl-Alt-Del seven times: rebooting at once");
            begin_ending(Ending::reboot, 0);
            give_up_at_ = now_;
            return;
        }
    }
    if (Ending how = place_.system() ? machine_ending(number) : container_ending(number); how != Ending::none) {
        begin_ending(how, 0);
        return;
    }
    if (number == SIGHUP) {
        Reread reread = this->reread();
        for (const std::string& problem : reread.problems)
            say(Priority::warning, problem);
        say(Priority::info, "units read again: " + std::to_string(reread.added.size()) + " added, " +
                                std::to_string(reread.changed.size()) + " changed, " +
                                std::to_string(reread.removed.size()) + " removed");
    } else if (place_.system() && number == SIGWINCH) {
        if (core::UnitId id = engine_->graph().find("kbrequest"); id != core::no_unit)
            engine_->apply({.kind = Event::Kind::start, .unit = id}, now_);
    }
}

// The main process of a container gets every signal that we get.
void Supervisor::forward(int number) {
    for (const SignalRewrite& rewrite : rewrites_)
        if (rewrite.from == number) {
            number = rewrite.to;
            break;
        }
    core::UnitId id = engine_->graph().find(entry_);
    if (number == 0 || id == core::no_unit)
        return;
    pid_t pid = engine_->record(id).main_pid;
    if (pid <= 0)
        return;
    // It may be gone already: then its exit is on its way to us.
    if (signal_group_)
        (void)os::signal_group(pid, number);
    else
        (void)os::send_signal(pid, number);
}

// --- sd_notify --------------------------------------------------------------------------------------------------------

void Supervisor::notify_pending() {
    for (int i = 0; notify_ && i < messages_a_turn; ++i) {
        auto message = notify_->receive();
        if (!message) {
            if (message.error().code == EMSGSIZE) {
                logs_.line({}, Priority::warning, "a notify message was too long and is ignored");
                continue;
            }
            return;
        }
        if (!*message)
            return;
        now_ = loop::now();
        notified(**message);
        // BARRIER=1: its descriptor is closed with the message, and everything before it has been acted on.
    }
}

void Supervisor::notified(const os::NotifyMessage& message) {
    core::UnitId id = processes_.owner(message.pid, engine_->graph());
    if (id == core::no_unit)
        return;
    const core::Unit& unit = engine_->graph().unit(id);
    const core::Record& record = engine_->record(id);
    if (unit.service.notify_access == core::NotifyAccess::main && message.pid != record.main_pid) {
        logs_.line(unit.name, Priority::warning,
                   "a notify message of process " + std::to_string(message.pid) +
                       " is ignored: it is not the main process (notify-access)");
        return;
    }
    for (std::string_view line : split(message.text, '\n')) {
        std::size_t at = line.find('=');
        if (at == std::string_view::npos)
            continue;
        std::string_view key = line.substr(0, at), value = line.substr(at + 1);
        if (key == "READY" && value == "1") {
            engine_->apply({.kind = Event::Kind::ready, .unit = id}, now_);
        } else if (key == "RELOADING" && value == "1") {
            engine_->apply({.kind = Event::Kind::reloading, .unit = id}, now_);
        } else if (key == "STATUS") {
            live_[id].status = without_controls(value);
            if (observer_ != nullptr)
                observer_->status_changed(id);
        } else if (key == "MAINPID") {
            auto pid = to_number<pid_t>(value);
            if (!pid || *pid <= 1 || processes_.owner(*pid, engine_->graph()) != id) {
                logs_.line(unit.name, Priority::warning,
                           "MAINPID=" + without_controls(value) + " is ignored: that is no process of this service");
            } else if (*pid != record.main_pid) {
                processes_.adopt_main(*pid, id);
                engine_->apply({.kind = Event::Kind::main_pid, .unit = id, .pid = *pid}, now_);
            }
        } else if (key == "EXTEND_TIMEOUT_USEC") {
            constexpr std::uint64_t most = 86'400'000'000; // a day
            if (auto micros = to_number<std::uint64_t>(value))
                engine_->apply({.kind = Event::Kind::extend,
                                .unit = id,
                                .span = std::chrono::microseconds(std::min(*micros, most))},
                               now_);
        }
    }
}

// --- notify-fd --------------------------------------------------------------------------------------------------------

void Supervisor::ready_pending(core::UnitId id) {
    Live& live = live_[id];
    char bytes[256];
    ssize_t got = live.ready ? ::read(live.ready.get(), bytes, sizeof bytes) : 0;
    if (got < 0)
        return; // EINTR, EAGAIN: it will be readable again
    now_ = loop::now();
    if (std::find(bytes, bytes + got, '\n') != bytes + got)
        engine_->apply({.kind = Event::Kind::ready, .unit = id}, now_);
    else if (got > 0)
        return;
    live.ready_watch.reset();
    live.ready.reset();
}

// --- memory -----------------------------------------------------------------------------------------------------------

void Supervisor::listen_to_memory() {
    if (resources_.memory_events() < 0)
        return;
    auto watch = loop_.watch(resources_.memory_events(), [this] { memory_events_pending(); });
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
    now_ = loop::now();
    for (core::UnitId id = 0; id < engine_->graph().size(); ++id)
        if (core::active(engine_->record(id).phase))
            if (auto words = resources_.killed_for_memory(engine_->graph().unit(id), now_, false))
                logs_.line(engine_->graph().name(id), Priority::err,
                           "out of memory (" + *words + "): the kernel has killed a process of it");
}

} // namespace mi::daemon
