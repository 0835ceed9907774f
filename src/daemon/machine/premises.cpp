// How others reach us, kept open: the control socket and the sockets for sd_notify(3) are made again where somebody has
// removed them, or has mounted something over them; so is the socket of syslog(3).
#include "os/premises.hpp"
#include "base/scarce.hpp"
#include "daemon/supervisor.hpp"
#include "os/local_socket.hpp"
#include "os/runtime.hpp"
#include "os/syslog_socket.hpp"

#include <cerrno>

namespace mi::daemon {

namespace {

constexpr Span try_again = std::chrono::seconds(5); // where it cannot be made now

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

// At the start (`closely`: in any case also each single socket), and when something has happened there.
void Supervisor::mind_premises(bool closely) {
    premises_again_ = never;
    if (over_)
        return;
    auto made = os::make_directory(context_.place.run_directory, context_.place.mode == Mode::user ? 0700 : 0755);
    mind_control(); // which may be elsewhere
    if (made)
        mind_notify(closely);
    else
        premises_trouble(made.error(), "; services of type notify cannot become ready");
    mind_kernel_log();
    mind_syslog();
    watch_premises(context_.place.run_directory);
    watch_premises(directory_of(context_.place.control));
}

// Where the end of everything is our own, it would wait for what a watch leaves to the kernel (see leave()).
void Supervisor::watch_premises(const std::string& directory) {
    if (context_.place.system() || !context_.engine.halting())
        premises_.watch(directory);
}

// Where syslog(3) sends to us; empty: nowhere. Not in a place that is not ours alone, unless we are told to.
std::string Supervisor::syslog_path() const {
    if (!context_.settings.syslog || !context_.settings.syslog_socket.empty())
        return context_.settings.syslog ? context_.settings.syslog_socket : std::string();
    const bool ours = context_.place.system() || (context_.place.mode == Mode::container &&
                                                  context_.place.first_process && !os::shares_devices("/dev"));
    return ours ? "/dev/log" : "";
}

void Supervisor::mind_kernel_log() {
    if (!context_.place.system() || !context_.settings.kernel || all_down_)
        return;
    if (auto heard = context_.logs.hear_kernel(); !heard && !std::exchange(kernel_log_told_, true))
        context_.say(Priority::warning, heard.error().text() + "; the kernel's messages are not kept");
}

void Supervisor::mind_syslog() {
    const std::string path = syslog_path();
    if (path.empty() || all_down_)
        return context_.logs.hears_syslog() && path.empty() ? context_.logs.hear_syslog({}) : void();
    const auto there = os::identity_of(path);
    const bool before = context_.logs.hears_syslog();
    if (before && !syslog_at_)
        syslog_at_ = there; // it came with us
    watch_premises(directory_of(path));
    if (before && there && there == syslog_at_)
        return;
    if (context_.place.system())
        os::lengthen_datagram_queues();
    auto socket = os::bind_syslog(path);
    if (!socket) {
        const int code = socket.error().code;
        if (means_scarce(code) || code == ENOSPC || code == EDQUOT)
            premises_again_ = loop::now() + try_again;
        // A container has what it has: without a /dev that we may write to there is none.
        if (context_.settings.syslog_socket.empty() && !context_.place.system() && code != EADDRINUSE)
            return;
        std::string text = code == EADDRINUSE
                               ? path + " is another program's: what is sent there by syslog(3) is its business"
                               : socket.error().text() + "; what is sent by syslog(3) is not kept";
        if (std::exchange(syslog_told_, text) != text)
            context_.say(code == EADDRINUSE ? Priority::info : Priority::warning, text);
        return;
    }
    context_.logs.hear_syslog(std::move(*socket));
    syslog_at_ = os::identity_of(path);
    syslog_told_.clear();
    if (before)
        context_.say(Priority::warning, "the socket " + path + " was gone and is made again");
}

// Said once. Where nothing tells when it has passed, it is tried again; what is in the way, or read-only, does tell.
void Supervisor::premises_trouble(const Fault& why, const std::string& what) {
    if (means_scarce(why.code) || why.code == ENOSPC || why.code == EDQUOT)
        premises_again_ = loop::now() + try_again;
    if (std::string text = why.text() + what; std::exchange(premises_told_, text) != text)
        context_.say(Priority::warning, text);
}

void Supervisor::mind_control() {
    if (!control_)
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
        return premises_trouble(listening.error(), "; minictl cannot reach us");
    control_at_ = os::identity_of(context_.place.control);
    context_.manager_moved = true;
    if (guard_ != nullptr)
        guard_->page().control = control_->listener(); // a caretaker has nothing else to go by
    if (before)
        context_.say(Priority::warning, "the control socket " + context_.place.control + " was gone and is made again");
    premises_told_.clear();
}

void Supervisor::mind_notify(bool closely) {
    for (const Notify::Trouble& trouble : notify_.remake_sockets(closely))
        premises_trouble(trouble.why, trouble.consequence);
}

} // namespace mi::daemon
