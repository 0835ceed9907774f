#include "logd/outputs.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"

namespace mi::logd {
namespace {

constexpr Span last_words = std::chrono::milliseconds(500); // at the end

} // namespace

Outputs::Outputs(Courier& courier, WaitSet& waiting, InitSocket& init, std::function<void()> waiting_long)
    : courier_(courier), waiting_(waiting), init_(init) {
    courier_.echo().on_waiting(std::move(waiting_long));
}

void Outputs::configure(const wire::logs::Configure& message) {
    for (const std::string& server : message.forward)
        if (std::ranges::none_of(servers_, [&](const Server& one) { return one.link.server() == server; }))
            courier_.add_server(servers_.emplace_back(server, message.forward_queue).link);
    courier_.echo().use({message.console, message.console_level, message.console_format, message.console_colour});
}

void Outputs::run() {
    show();
    for (std::size_t i = 0; i < servers_.size(); ++i)
        run(servers_[i], server_index + static_cast<std::uint32_t>(i));
}

Instant Outputs::next_deadline() const {
    Instant next = never;
    for (const Server& server : servers_)
        next = std::min(next, server.link.next_try());
    return next;
}

void Outputs::show() {
    Echo& echo = courier_.echo();
    echo.flush();
    if (std::string trouble = echo.take_trouble(); !trouble.empty())
        init_.say(wire::logs::Trouble{std::move(trouble)});
    const std::array<int, 2> waits_for = echo.waits_for();
    for (std::size_t i = 0; i < consoles_.size(); ++i) {
        const int fd = waits_for[i];
        int& watched = consoles_[i];
        if (fd == watched)
            continue;
        // A number that was closed has left the set by itself; another's of that number is not ours.
        if (watched >= 0 && fd < 0)
            waiting_.remove(watched);
        watched = fd >= 0 && waiting_.add(fd, EPOLLOUT, console_index) ? fd : -1;
    }
}

void Outputs::run(Server& server, std::uint32_t index) {
    server.link.run(monotonic_now());
    if (std::string trouble = server.link.take_trouble(); !trouble.empty())
        init_.say(wire::logs::Trouble{trouble.substr(0, wire::logs::longest_path)});
    const int fd = server.link.fd();
    const bool writing = server.link.wants_writable();
    if (fd == server.watched && writing == server.for_writing)
        return;
    // One that is closed has left the set by itself, and its number may be another's.
    const std::uint32_t events = EPOLLRDHUP | (writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
    if (fd >= 0 && !waiting_.change(fd, events, index))
        (void)waiting_.add(fd, events, index);
    server.watched = fd;
    server.for_writing = writing;
}

void Outputs::run_last() {
    courier_.echo().flush_last();
    const Instant end = monotonic_now() + last_words;
    for (Server& server : servers_)
        for (;;) {
            server.link.run(monotonic_now());
            const Instant present = monotonic_now();
            if (server.link.idle() || server.link.fd() < 0 || present >= end)
                break;
            pollfd one{server.link.fd(), static_cast<short>(server.link.wants_writable() ? POLLOUT : POLLRDHUP), 0};
            (void)::poll(&one, 1, static_cast<int>((end - present) / std::chrono::milliseconds(10)) + 1);
        }
}

} // namespace mi::logd
