// The sockets for sd_notify(3), made again where they are gone.
#include "daemon/supervisor.hpp"
#include "os/runtime.hpp"

#include <cerrno>

namespace mi::daemon {

void Supervisor::mind_notify(bool closely) {
    const auto before = notify_at_;
    if (auto made = os::make_directory(context_.place.notify); !made)
        return reachability_.trouble(made.error(), "; services of type notify cannot become ready");
    notify_directory_ = context_.place.notify;
    notify_at_ = os::identity_of(context_.place.notify);
    if (!before || (before == notify_at_ && !closely))
        return;
    std::size_t made_again = 0;
    for (core::UnitId id : context_.graph().ids()) {
        NotifyLine* line = context_.units[id].line.get();
        // In another directory a socket of that name is another one: that of before something was mounted, say.
        if (line == nullptr || (before == notify_at_ && os::identity_of(line->path)))
            continue;
        auto socket = os::NotifySocket::bind(line->path, speaker_of(context_.unit(id)));
        if (!socket) {
            if (socket.error().code != EADDRINUSE) // it answers: of a run that began in this directory
                reachability_.trouble(socket.error(), "; " + context_.name(id) + " cannot say that it is well");
            continue;
        }
        hear(id, NotifyLine::most_unread); // what was said at the one before
        line->watch.reset();
        line->socket = std::move(*socket);
        context_.engine.mark(id);
        ++made_again;
        if (auto watching = watch_line(id); !watching)
            reachability_.trouble(watching.error(), "; " + context_.name(id) + " cannot say that it is well");
    }
    if (made_again > 0)
        context_.say(Priority::warning, "notify sockets were gone and are made again: " + std::to_string(made_again));
}

} // namespace mi::daemon
