#include "daemon/machine/reachability.hpp"

#include "base/scarce.hpp"
#include "daemon/control/control.hpp"
#include "daemon/machine/shutdown.hpp"
#include "os/crash/crash.hpp"
#include "os/file/runtime.hpp"
#include "os/socket/local_socket.hpp"
#include "os/socket/syslog_socket.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {

constexpr Span try_again = std::chrono::seconds(5); // where it cannot be made now
// What another syslogd has, between its unlink(2) and its bind(2), to take the socket of syslog(3) over.
constexpr Span takeover = std::chrono::seconds(2);

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Nothing tells when this has passed. What is in the way, or read-only, does tell.
bool passes_unseen(int code) { return means_scarce(code) || code == ENOSPC || code == EDQUOT; }

} // namespace

Reachability::Reachability(Context& context, const Shutdown& shutdown, Host& host, os::CrashGuard* guard, int watches)
    : context_(context), shutdown_(shutdown), host_(host), guard_(guard), paths_(Fd(watches)) {}

void Reachability::open() {
    if (paths_.fd() < 0)
        return;
    watch_ = context_.watch(paths_.fd(), [this] {
        paths_.drain();
        check(false);
        if (context_.logs.directory() != context_.place.log_directories.front())
            context_.logs.try_storage(); // perhaps it was that which was mounted
    });
}

void Reachability::serve(ControlServer& control) {
    control_ = &control;
    tell_guard();
}

void Reachability::check(bool closely) {
    again_ = never;
    if (shutdown_.over())
        return;
    auto made = os::make_directory(context_.place.run_directory, context_.place.mode == Mode::user ? 0700 : 0755);
    check_control(); // which may be elsewhere
    if (made)
        host_.check_notify_sockets(closely);
    else
        trouble(made.error(), "; services of type notify cannot become ready");
    check_kernel_log();
    check_syslog();
    // What is in the way of one does not always tell when it goes.
    if (watches())
        again_ = std::min(again_, host_.check_unit_sockets(paths_));
    watch(context_.place.run_directory);
    watch(directory_of(context_.place.control));
}

// Where the end of everything is our own, it would wait for what a watch leaves to the kernel (see os::PathWatch::leave()).
bool Reachability::watches() const { return context_.place.system() || !context_.engine.halting(); }

void Reachability::turn_ends() {
    if (watches())
        host_.watch_unit_sockets(paths_);
}

void Reachability::watch(const std::string& directory) {
    if (watches())
        paths_.watch(directory);
}

void Reachability::shutdown_begins() {
    if (!context_.place.system())
        paths_.leave();
}

// Where syslog(3) sends to us; empty: nowhere. Not in a place that is not ours alone, unless we are told to.
std::string Reachability::syslog_path() const {
    if (!context_.settings.syslog || !context_.settings.syslog_socket.empty())
        return context_.settings.syslog ? context_.settings.syslog_socket : std::string();
    const bool ours = context_.place.system() || (context_.place.mode == Mode::container &&
                                                  context_.place.first_process && !os::shares_devices("/dev"));
    return ours ? "/dev/log" : "";
}

void Reachability::check_kernel_log() {
    if (!context_.place.system() || !context_.settings.kernel || shutdown_.all_down())
        return;
    if (auto heard = context_.logs.hear_kernel(); !heard && !std::exchange(kernel_log_told_, true))
        context_.say(Priority::warning, heard.error().text() + "; the kernel's messages are not kept");
}

void Reachability::check_syslog() {
    const std::string path = syslog_path();
    const bool before = context_.logs.hears_syslog();
    if (path.empty() || shutdown_.all_down())
        return before && path.empty() ? context_.logs.hear_syslog({}) : void();
    const auto there = os::identity_of(path);
    if (before && !syslog_at_)
        syslog_at_ = there; // it came with us
    watch(directory_of(path));
    if (before && there && there == syslog_at_) {
        syslog_gone_ = never;
        return;
    }
    if (before && !there && waits_for_takeover())
        return;
    if (context_.place.system())
        os::lengthen_datagram_queues();
    auto socket = os::bind_syslog(path);
    if (!socket)
        return syslog_refused(path, socket.error());
    context_.logs.hear_syslog(std::move(*socket));
    syslog_at_ = os::identity_of(path);
    syslog_gone_ = never;
    syslog_taken_ = false;
    syslog_told_.clear();
    if (before)
        context_.say(Priority::warning, "the socket " + path + " was gone and is made again");
}

// The program that removes it may be about to put a socket of its own there, and keeps it then.
bool Reachability::waits_for_takeover() {
    const Instant now = context_.kernel.now();
    if (syslog_gone_ == never)
        syslog_gone_ = now;
    if (now - syslog_gone_ >= takeover)
        return false;
    again_ = std::min(again_, syslog_gone_ + takeover);
    return true;
}

// It may have had the socket of syslog(3), and has left its path.
void Reachability::unit_changed(core::UnitId, core::Phase, core::Phase to) {
    if (syslog_taken_ && !core::active(to))
        again_ = std::min(again_, context_.now + takeover);
}

void Reachability::syslog_refused(const std::string& path, const Fault& why) {
    if (passes_unseen(why.code))
        again_ = std::min(again_, context_.kernel.now() + try_again);
    const bool taken = why.code == EADDRINUSE;
    syslog_taken_ = taken;
    syslog_gone_ = never;
    // A container has what it has: without a /dev that we may write to there is none.
    if (context_.settings.syslog_socket.empty() && !context_.place.system() && !taken)
        return;
    std::string text = taken ? path + " is another program's: what is sent there by syslog(3) is its business"
                             : why.text() + "; what is sent by syslog(3) is not kept";
    if (std::exchange(syslog_told_, text) != text)
        context_.say(taken ? Priority::info : Priority::warning, text);
}

void Reachability::remove_syslog() {
    if (const std::string path = syslog_path(); syslog_at_ && os::identity_of(path) == syslog_at_)
        (void)::unlink(path.c_str());
}

void Reachability::trouble(const Fault& why, const std::string& what) {
    if (passes_unseen(why.code))
        again_ = context_.kernel.now() + try_again;
    if (std::string text = why.text() + what; std::exchange(told_, text) != text)
        context_.say(Priority::warning, text);
}

// A caretaker has nothing else to go by.
void Reachability::tell_guard() {
    if (guard_ != nullptr)
        guard_->page().control = control_->listener();
}

void Reachability::check_control() {
    if (control_ == nullptr)
        return;
    auto there = os::identity_of(context_.place.control);
    const bool before = control_->listener() >= 0;
    if (before && !control_at_)
        control_at_ = there; // it came with us
    if (before && there && there == control_at_)
        return;
    auto listener = os::listen_local(context_.place.control, 0666);
    Result<> listening = listener ? control_->listen_at(std::move(*listener)) : std::unexpected(listener.error());
    if (!listening)
        return trouble(listening.error(), "; minictl cannot reach us");
    control_at_ = os::identity_of(context_.place.control);
    context_.manager_moved = true;
    tell_guard();
    if (before)
        context_.say(Priority::warning, "the control socket " + context_.place.control + " was gone and is made again");
    told_.clear();
}

} // namespace mi::daemon
