#include "daemon/notify/sd_notify.hpp"

#include "base/text.hpp"
#include "daemon/notify/notice.hpp"
#include "os/file/open_file.hpp"
#include "os/file/runtime.hpp"
#include "os/process/process.hpp"

#include <algorithm>
#include <cerrno>

namespace mi::daemon {

using core::Event;
using core::NotifyAccess;

namespace {

// How much is read of one unit within a breath, in however many turns: a unit that sends faster is not read until the breath is over.
// A descriptor counts as a message, as it is about as much work. All units together have some time in a turn; when it is over, each
// of the others is still heard, but not at length.
constexpr std::size_t messages_a_breath = 128, at_least = 8;
constexpr Span breath = std::chrono::milliseconds(5);
constexpr Span time_a_turn = std::chrono::milliseconds(2);
constexpr unsigned most_numbers = 64; // tried for a path that is free

} // namespace

std::expected<void, std::string> Notify::open_line(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    UnitRun& live = context_.units[id];
    NotifyAccess access = core::heard_of(unit.service);
    if (live.line || access == NotifyAccess::none || directory_.empty())
        return {};
    std::optional<uid_t> only = speaker_of(unit);
    std::string path;
    Result<os::NotifySocket> socket = fault(EADDRINUSE, "bind");
    for (unsigned i = 0; i < most_numbers && !socket && socket.error().code == EADDRINUSE; ++i) {
        path = directory_ + "/" + std::to_string(++lines_made_);
        socket = os::NotifySocket::bind(path, only);
    }
    if (!socket)
        return std::unexpected("notify socket: " + socket.error().text());
    live.line =
        std::make_unique<NotifyLine>(std::move(*socket), std::move(path), context_.user_of(unit).value_or(::geteuid()));
    if (auto watching = watch_line(id); !watching) {
        live.line.reset();
        return std::unexpected("notify socket: " + watching.error().text());
    }
    return {};
}

Result<> Notify::watch_line(core::UnitId id) {
    NotifyLine& line = *context_.units[id].line;
    auto watch = context_.kernel.watch(line.socket.fd(), [this, id] { hear(id, messages_a_breath); });
    if (!watch)
        return std::unexpected(watch.error());
    line.watch = std::move(*watch);
    line.paused = false;
    return {};
}

// The user whose processes alone can write to the socket. With notify-access all, the processes of the unit may have become any
// user: then each message is checked for whom it comes from.
std::optional<uid_t> Notify::speaker_of(const core::Unit& unit) {
    return core::heard_of(unit.service) == NotifyAccess::all ? std::nullopt : context_.user_of(unit);
}

// The senders of what is still unread are gone, but the descriptors that they have sent are ours to close.
void Notify::run_ended(core::UnitId id) {
    UnitRun& live = context_.units[id];
    for (std::size_t i = 0; live.line && i < NotifyLine::most_unread; ++i) {
        auto message = live.line->socket.receive();
        if (!message || !*message)
            break;
        for (Fd& fd : (*message)->fds)
            (void)fd_store_.discard(id, std::move(fd)); // the line ends anyway
    }
    live.line.reset();
}

// Each complaint is said once a run.
void Notify::complain(core::UnitId id, NotifyLine::Complaint what, const std::string& text) {
    NotifyLine& line = *context_.units[id].line;
    if ((line.complaints & what) != 0)
        return;
    line.complaints |= what;
    context_.log(id, Priority::warning, text);
}

// Reads what has come, up to `most`: a unit that floods us waits a little, and only its own messages wait with it.
void Notify::hear(core::UnitId id, std::size_t most) {
    if (!context_.units[id].line)
        return;
    pending_starts_.conclude(id);
    NotifyLine& line = *context_.units[id].line;
    if (line.turn != context_.turn) {
        line.turn = context_.turn;
        line.believed.clear();
    }
    context_.now = context_.kernel.now();
    if (hearing_turn_ != context_.turn) {
        hearing_turn_ = context_.turn;
        hear_until_ = context_.now + time_a_turn;
    }
    const bool all = most > messages_a_breath; // whatever it takes: the unit is about to be judged
    if (all || context_.now - line.heard_since >= breath) {
        line.heard_since = context_.now;
        line.heard = 0;
    }
    while (line.heard < most && (all || line.heard < at_least || context_.now < hear_until_)) {
        auto message = line.socket.receive();
        if (!message) {
            complain(id, NotifyLine::too_long, "its notify socket: " + message.error().text());
            return;
        }
        if (!*message)
            return;
        context_.now = context_.kernel.now();
        line.heard += 1 + (*message)->fds.size();
        heard(id, **message);
        // Descriptors that were not taken. A barrier (BARRIER=1) is let go at the end of the turn, when all that was said before it
        // has been acted on.
        bool bearable = true;
        for (Fd& fd : (*message)->fds)
            bearable = fd_store_.discard(id, std::move(fd)) && bearable;
        if (!bearable) {
            complain(id, NotifyLine::shut,
                     "it has sent too many descriptors that cannot be closed: its messages are not read any more");
            line.watch.reset();
            return;
        }
    }
    if (!line.paused && line.watch) {
        line.paused = true;
        line.watch->want_readable(false);
        listen_again_ = std::min(listen_again_, context_.now + breath);
    }
}

void Notify::due(Instant) {
    listen_again_ = never;
    for (core::UnitId id : context_.graph().ids())
        if (UnitRun& live = context_.units[id]; live.line && live.line->paused && live.line->watch) {
            live.line->paused = false;
            live.line->watch->want_readable(true);
        }
}

bool Notify::believes(core::UnitId id, const os::NotifyMessage& message) {
    const core::Unit& unit = context_.unit(id);
    NotifyLine& line = *context_.units[id].line;
    NotifyAccess access = line.access.value_or(core::heard_of(unit.service));
    pid_t pid = message.pid;
    if (pid <= 0 || access == NotifyAccess::none)
        return false;
    if (pid == context_.record(id).main_pid)
        return true;
    if (access == NotifyAccess::main)
        return false;
    if (const Processes::Known* known = processes_.find(pid))
        return known->unit == id;
    if (access == NotifyAccess::exec)
        return false;
    if (std::ranges::find(line.believed, pid) != line.believed.end())
        return true;
    if (processes_.belongs(pid, id, unit.name)) {
        line.believed.push_back(pid);
        return true;
    }
    // It has said its word and ended, as `systemd-notify` in a script does: its unit cannot be found out any more. That it
    // knew this socket, and who it was, has to do.
    return !context_.kernel.exists(pid) && (message.uid == 0 || message.uid == line.user);
}

void Notify::heard(core::UnitId id, os::NotifyMessage& message) {
    const core::Unit& unit = context_.unit(id);
    UnitRun& live = context_.units[id];
    context_.engine.mark(id);
    if (message.long_)
        return complain(id, NotifyLine::too_long, "a notify message of it was too long and is ignored");
    if (!believes(id, message))
        return complain(id, NotifyLine::stranger,
                        "a notify message of process " + std::to_string(message.pid) + ", user " +
                            std::to_string(message.uid) +
                            ", is ignored: not one of those that notify-access lets speak (said once)");
    if (message.cut)
        complain(id, NotifyLine::cut, "descriptors that it has sent are lost: we cannot have that many");
    auto tell = [&](Event::Kind kind, Span span = Span{0}) {
        context_.apply({.kind = kind, .unit = id, .span = span});
    };
    Notice notice = read_notice(message.text);
    if (notice.main_pid)
        name_main(id, *notice.main_pid);
    if (notice.heard)
        live.line->access = notice.heard;
    if (notice.trouble)
        live.trouble = *notice.trouble;
    if (notice.status) {
        live.status = *notice.status;
        if (context_.observer != nullptr)
            context_.observer->status_changed(id);
    }
    if (notice.watchdog)
        tell(Event::Kind::watchdog, *notice.watchdog);
    if (notice.extend)
        tell(Event::Kind::extend, *notice.extend);
    if (notice.reloading)
        tell(Event::Kind::reloading);
    if (notice.ready)
        tell(Event::Kind::ready);
    if (notice.stopping)
        tell(Event::Kind::leaving);
    if (notice.alive)
        tell(Event::Kind::alive);
    if (notice.hung)
        tell(Event::Kind::hung);
    if (notice.give_up)
        fd_store_.remove(id, notice.name);
    if (notice.keep)
        for (Fd& fd : std::exchange(message.fds, {}))
            if (fd_store_.keep(id, notice.name, std::move(fd), notice.polled, unit.service.fd_store_max) ==
                FdStore::Kept::full)
                complain(id, NotifyLine::store_full,
                         "a descriptor that it has sent is not kept: it has " +
                             std::to_string(unit.service.fd_store_max) + " already (fd-store-max)");
    if (notice.barrier)
        for (Fd& fd : std::exchange(message.fds, {}))
            barriers_.emplace_back(id, std::move(fd));
}

// At the end of a turn: all that was said before a barrier has been acted on.
void Notify::turn_ends() {
    for (auto& [id, fd] : std::exchange(barriers_, {}))
        (void)fd_store_.discard(id, std::move(fd)); // one too many to close shows with the next message
}

// MAINPID=: another process of the service takes the part of the main one.
void Notify::name_main(core::UnitId id, const std::string& text) {
    const std::string& name = context_.name(id);
    auto pid = to_number<pid_t>(text);
    auto refuse = [&](std::string_view why) {
        complain(id, NotifyLine::bad_main_pid, "MAINPID=" + text + " is ignored: " + std::string(why));
    };
    if (pid && *pid == context_.record(id).main_pid)
        return;
    if (!pid || *pid <= 1 || !processes_.belongs(*pid, id, name))
        return refuse("that is no process of this service");
    if (const Processes::Known* known = processes_.find(*pid); known != nullptr && known->role != core::Role::main)
        return refuse("that is one of its commands");
    if (!context_.kernel.exists(*pid))
        return refuse("that process has ended");
    main_process_.adopt(id, *pid);
}

// --- others remove them, or mount something over them -----------------------------------------------------------------

std::vector<Notify::Trouble> Notify::remake_sockets(bool closely) {
    const auto before = directory_at_;
    if (auto made = os::make_directory(context_.place.notify); !made)
        return {{made.error(), "; services of type notify cannot become ready"}};
    directory_ = context_.place.notify;
    directory_at_ = os::identity_of(directory_);
    if (!before || (before == directory_at_ && !closely))
        return {};
    std::vector<Trouble> troubles;
    auto trouble = [&](core::UnitId id, const Fault& why) {
        troubles.push_back({why, "; " + context_.name(id) + " cannot say that it is well"});
    };
    std::size_t made_again = 0;
    for (core::UnitId id : context_.graph().ids()) {
        NotifyLine* line = context_.units[id].line.get();
        // In another directory a socket of that name is another one: that of before something was mounted, say.
        if (line == nullptr || (before == directory_at_ && os::identity_of(line->path)))
            continue;
        auto socket = os::NotifySocket::bind(line->path, speaker_of(context_.unit(id)));
        if (!socket) {
            if (socket.error().code != EADDRINUSE) // it answers: of a run that began in this directory
                trouble(id, socket.error());
            continue;
        }
        hear_all(id); // what was said at the one before
        line->watch.reset();
        line->socket = std::move(*socket);
        context_.engine.mark(id);
        ++made_again;
        if (auto watching = watch_line(id); !watching)
            trouble(id, watching.error());
    }
    if (made_again > 0)
        context_.say(Priority::warning, "notify sockets were gone and are made again: " + std::to_string(made_again));
    return troubles;
}

// --- saved state ------------------------------------------------------------------------------------------------------

std::optional<state::LineImage> Notify::image_of_line(core::UnitId id) const {
    const NotifyLine* own = context_.units[id].line.get();
    if (own == nullptr)
        return std::nullopt;
    state::LineImage line{own->socket.fd(), own->path, own->user, {}, own->complaints};
    line.access = own->access;
    line.inode = os::inode_of(line.fd);
    return line;
}

void Notify::restore_line(core::UnitId id, const state::LineImage& image) {
    auto line = std::make_unique<NotifyLine>(os::NotifySocket::adopt(Fd(image.fd)), image.path, image.user);
    if (image.access)
        line->access = *image.access;
    line->complaints = image.complaints;
    context_.units[id].line = std::move(line);
    (void)watch_line(id);
}

} // namespace mi::daemon
