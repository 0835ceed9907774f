#include "daemon/machine/console.hpp"

#include "base/clock.hpp"
#include "base/count.hpp"
#include "base/printable.hpp"
#include "base/utf8.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

namespace {
constexpr std::size_t longest = 1000, most_waiting = 64 * 1024; // bytes
} // namespace

Console::Console(bool device, Span patience) : output_(STDERR_FILENO), patience_(patience) {
    if (!device)
        return;
    if (Fd own(::open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)); own) {
        output_ = os::SharedOutput(std::move(own));
        device_ = true;
    }
}

Console::~Console() {
    watch_.reset();
    loop_ = nullptr;
    await();
}

void Console::line(std::string_view text) {
    if (waiting_.size() > most_waiting) {
        ++lost_;
    } else {
        if (lost_ > 0)
            put(counted(std::exchange(lost_, 0), "line is", "lines are") +
                " lost here: they found no room (the log has them)");
        put(text);
    }
    write();
    if (loop_ == nullptr)
        await();
}

void Console::put(std::string_view text) {
    waiting_ += "miniinit: ";
    append_printable(waiting_, cut_text(text, longest), Keep::tabs);
    waiting_ += device_ ? "\r\n" : "\n"; // the console may be in raw mode
}

// As much as there is room for.
void Console::write() {
    const auto [bytes, there] = output_.write(waiting_);
    waiting_.erase(0, there ? bytes : waiting_.size()); // if it has vanished, that is no reason to do anything else
    if (waiting_.empty()) {
        watch_.reset();
        between_.reset();
    } else if (loop_ != nullptr && !watch_) {
        watch();
    }
}

// Where that cannot be had, the next line tries.
void Console::watch() {
    auto there_is_room = [this] { write(); };
    if (!device_) {
        between_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
        epoll_event event{};
        event.events = EPOLLOUT;
        if (!between_ || ::epoll_ctl(between_.get(), EPOLL_CTL_ADD, output_.fd(), &event) != 0)
            return;
    }
    auto made =
        device_ ? loop_->watch(output_.fd(), [] {}, there_is_room) : loop_->watch(between_.get(), there_is_room);
    if (!made)
        return;
    watch_ = std::move(*made);
    if (device_) {
        watch_->want_readable(false);
        watch_->want_writable(true);
    }
}

void Console::await() {
    const Instant began = monotonic_now();
    while (!waiting_.empty() && patience_ > Span(0)) {
        pollfd ready{output_.fd(), POLLOUT, 0};
        (void)::poll(&ready, 1, 10);
        const std::size_t before = waiting_.size();
        write();
        if (waiting_.size() == before && monotonic_now() - began >= patience_)
            break;
    }
    patience_ -= std::min(patience_, monotonic_now() - began);
}

} // namespace mi::daemon
