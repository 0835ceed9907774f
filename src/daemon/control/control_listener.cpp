#include "daemon/control/control_listener.hpp"

#include "base/clock.hpp"
#include "os/socket/local_socket.hpp"

#include <fcntl.h>

#include <chrono>
#include <optional>
#include <utility>

namespace mi::daemon {

namespace {

// Without /dev there is none, and little is lost.
Fd open_reserve() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

} // namespace

ControlListener::ControlListener(loop::Loop& loop, std::function<void(Fd)> welcome, std::function<void()> make_room)
    : loop_(loop), welcome_(std::move(welcome)), make_room_(std::move(make_room)), reserve_(open_reserve()) {}

Result<> ControlListener::listen_at(Fd socket) {
    if (socket) {
        Result<std::unique_ptr<loop::Watch>> watch = loop_.watch(socket.get(), [this] { accept_some(); });
        if (!watch)
            return std::unexpected(watch.error());
        watch_ = std::move(*watch); // the one before ends before its socket is closed
    }
    socket_ = std::move(socket);
    return {};
}

void ControlListener::accept_some() {
    constexpr unsigned accepts_a_turn = 32;
    constexpr Span rest = std::chrono::milliseconds(500);
    for (bool made_room = false; accepted_ < accepts_a_turn;) {
        Result<std::optional<Fd>> fd = os::accept_local(socket_.get());
        if (fd && !*fd)
            return;
        ++accepted_;
        if (fd) {
            welcome_(std::move(**fd));
            continue;
        }
        // Out of descriptors (or memory). One client goes; and where that does not help, the newcomer itself, so that it does
        // not wake us for ever.
        if (!std::exchange(made_room, true)) {
            make_room_();
            continue;
        }
        reserve_.reset();
        const bool rid_of = os::accept_local(socket_.get()).has_value(); // closed at once
        reserve_ = open_reserve();
        // The whole system may have none left: then the clients that wait would wake us again and again.
        if (!rid_of)
            rest_until_ = monotonic_now() + rest;
        break;
    }
    watch_->want_readable(false); // until the next turn
}

void ControlListener::turn_ended() {
    if (std::exchange(accepted_, 0) != 0 && watch_)
        watch_->want_readable(rest_until_ == never);
}

void ControlListener::due(Instant now) {
    if (now < rest_until_)
        return;
    rest_until_ = never;
    if (watch_)
        watch_->want_readable(true);
}

} // namespace mi::daemon
