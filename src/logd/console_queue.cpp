#include "logd/console_queue.hpp"

#include "base/clock.hpp"
#include "logd/shared.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace mi::logd {

namespace {

constexpr std::size_t most_for_device = 256 * 1024, most_for_reader = 512 * 1024;
// A busy machine may give it very little time, but some.
constexpr Span patience = std::chrono::seconds(30), patience_for_nothing = std::chrono::seconds(5);
constexpr std::size_t enough = 256 * 1024; // to be taken in `patience`

void await_room(int fd, Span time) {
    pollfd one{fd, POLLOUT, 0};
    (void)::poll(&one, 1, static_cast<int>(time / std::chrono::milliseconds(1)) + 1);
}

} // namespace

void ConsoleQueue::use(os::SharedOutput output, bool waits) {
    output_ = std::move(output);
    waits_ = patient_ = waits;
    text_.clear();
    begin_ = 0;
    waited_ = still_ = Span(0);
    taken_ = 0;
    left_out_ = 0;
    lines_ = &own_lines_;
}

void ConsoleQueue::count_in(std::uint64_t& lines) {
    left_out_ += lines;
    publish(lines, 0u);
    lines_ = &lines;
}

std::string* ConsoleQueue::room_for(std::size_t size) {
    const std::size_t most_waiting = waits_ ? most_for_reader : most_for_device;
    // A single line may be larger than all the room there is.
    while (waiting() > 0 && waiting() + size > most_waiting)
        if (!patient_ || !await()) {
            ++left_out_;
            return nullptr;
        }
    if (begin_ >= most_waiting) { // once for much that was written
        text_.erase(0, begin_);
        begin_ = 0;
    }
    publish(*lines_, *lines_ + 1);
    return &text_;
}

// Lets the reader take something. False: it is not waited for any longer.
bool ConsoleQueue::await() {
    const std::size_t before = waiting();
    if (!flush())
        return false;
    if (waiting() < before)
        return true;
    const Instant began = monotonic_now();
    await_room(output_.fd(), std::chrono::seconds(1));
    waited_ += monotonic_now() - began;
    still_ += monotonic_now() - began;
    if (while_waiting)
        while_waiting();
    patient_ = waited_ < patience && still_ < patience_for_nothing;
    return patient_;
}

std::uint64_t ConsoleQueue::lines_in(std::size_t from, std::size_t to) const {
    return static_cast<std::uint64_t>(std::count(text_.data() + from, text_.data() + to, '\n'));
}

bool ConsoleQueue::flush() {
    if (waiting() == 0)
        return true;
    const auto [bytes, there] = output_.write(std::string_view(text_).substr(begin_));
    publish(*lines_, *lines_ - lines_in(begin_, begin_ + bytes));
    begin_ += bytes;
    taken_ += bytes;
    if (bytes > 0)
        still_ = Span(0);
    if (!there) {
        left_out_ += lines_in(begin_, text_.size());
        publish(*lines_, 0u);
        begin_ = text_.size();
    }
    if (taken_ >= enough || waiting() == 0) {
        taken_ = 0;
        waited_ = Span(0);
    }
    if (waiting() == 0) {
        text_.clear();
        begin_ = 0;
        patient_ = waits_ && there;
    }
    return there;
}

void ConsoleQueue::flush_last(Span longest, Span most) {
    const Instant end = monotonic_now() + most;
    for (Instant until = monotonic_now() + longest; flush() && waiting() > 0;) {
        const Instant present = monotonic_now();
        if (present >= std::min(until, end))
            return;
        const std::size_t before = waiting();
        await_room(output_.fd(), std::min<Span>(std::min(until, end) - present, std::chrono::seconds(1)));
        if (while_waiting)
            while_waiting();
        if (flush() && waiting() < before)
            until = monotonic_now() + longest;
    }
}

} // namespace mi::logd
