#include "daemon/log/held_pipes.hpp"

#include <poll.h>

#include <algorithm>

namespace mi::daemon {

using wire::logs::StreamId;

namespace {

// As the set has it.
std::uint64_t key_of(StreamId stream, int fd) { return std::uint64_t{stream} << 32 | static_cast<std::uint32_t>(fd); }

// Whether there is something to read. What cannot be looked at is not held either.
bool is_filled(short events) { return (events & ~POLLHUP) != 0; }

} // namespace

HeldPipes::HeldPipes(Kernel& kernel, std::function<void()> news) : kernel_(kernel), news_(std::move(news)) {
    if (auto set = os::AnyReadable::make())
        quiet_ = std::move(*set);
}

bool HeldPipes::add(StreamId stream, int pipe) {
    if (!quiet_)
        return false;
    if (look_at_ == never)
        look_at_ = kernel_.now() + first_look;
    new_.push_back({stream, pipe});
    ++count_;
    return true;
}

void HeldPipes::remove(StreamId stream, int pipe) {
    --count_;
    if (std::erase_if(new_, [stream](const Pipe& one) { return one.stream == stream; }) == 0)
        quiet_->remove(pipe);
}

HeldPipes::Found HeldPipes::take() {
    Found found;
    look_at_quiet(found);
    look_at_new(found);
    count_ -= found.filled.size() + found.ended.size();
    return found;
}

void HeldPipes::look_at_quiet(Found& found) {
    if (count_ == new_.size())
        return;
    std::vector<std::uint64_t> ready;
    for (std::size_t seen = 0;; seen = ready.size()) {
        quiet_->ready(ready);
        if (ready.size() == seen)
            return;
        for (std::size_t i = seen; i < ready.size(); ++i) {
            pollfd one{static_cast<int>(ready[i] & UINT32_MAX), POLLIN, 0};
            const bool looked = ::poll(&one, 1, 0) == 1;
            (!looked || is_filled(one.revents) ? found.filled : found.ended)
                .push_back(static_cast<StreamId>(ready[i] >> 32));
            quiet_->remove(one.fd);
        }
    }
}

void HeldPipes::look_at_new(Found& found) {
    const bool first_look_is_over = look_at_ <= kernel_.now();
    if (first_look_is_over) // else it stays, also where another has ended: a deadline that moves costs a system call
        look_at_ = never;
    if (new_.empty())
        return;
    std::vector<pollfd> looks;
    looks.reserve(new_.size());
    for (const Pipe& pipe : new_)
        looks.push_back({pipe.fd, POLLIN, 0});
    if (::poll(looks.data(), looks.size(), 0) < 0) // no memory for it: none of them is held
        std::ranges::for_each(looks, [](pollfd& look) { look.revents = POLLIN; });
    std::size_t at = 0;
    std::erase_if(new_, [&](const Pipe& pipe) {
        const short events = looks[at++].revents;
        if (events == 0 && (!first_look_is_over || make_quiet(pipe)))
            return first_look_is_over;
        (events == 0 || is_filled(events) ? found.filled : found.ended).push_back(pipe.stream);
        return true;
    });
}

bool HeldPipes::make_quiet(const Pipe& pipe) {
    if (!watch_) {
        auto watch = kernel_.watch(quiet_->fd(), [this] { news_(); });
        if (!watch)
            return false;
        watch_ = std::move(*watch);
    }
    return quiet_->add(pipe.fd, key_of(pipe.stream, pipe.fd));
}

} // namespace mi::daemon
