#include "daemon/log/own_lines.hpp"

#include "base/count.hpp"
#include "os/file/runtime.hpp"

#include <unistd.h>

#include <utility>

namespace mi::daemon {

namespace logs = wire::logs;

namespace {
constexpr std::size_t most_waiting = 4096; // lines, while the pipe is full, or one collector follows another
} // namespace

Result<Fd> OwnLines::open() {
    auto pipe = os::make_pipe();
    if (!pipe)
        return std::unexpected(pipe.error());
    if (auto done = os::set_blocking(pipe->write.get(), false); !done)
        return std::unexpected(done.error());
    pipe_ = std::move(pipe->write);
    return std::move(pipe->read);
}

void OwnLines::add(const std::string& unit, logs::Priority priority, std::string_view text, bool shown) {
    for (std::string& framed : logs::init_lines(unit, priority, text, shown))
        if (waiting_.size() < most_waiting)
            waiting_.push_back(std::move(framed));
        else
            ++lost_;
}

bool OwnLines::many_wait() const { return waiting_.size() >= most_waiting / 2; }

void OwnLines::write() {
    if (waiting_.empty())
        return;
    std::size_t written = 0;
    while (pipe_ && written < waiting_.size()) {
        const std::string& next = waiting_[written];
        if (::write(pipe_.get(), next.data(), next.size()) < 0)
            break; // full: the collector will read, and then we are told
        if (++written == waiting_.size() && lost_ > 0)
            waiting_.push_back(
                logs::init_lines({}, logs::Priority::warning,
                                 counted(std::exchange(lost_, 0), "line") + " of miniinit lost here: nobody read them")
                    .front());
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(written));
    if (waiting_.empty()) {
        watch_.reset();
    } else if (pipe_ && !watch_) {
        auto watch = kernel_.watch(pipe_.get(), [] {}, [this] { write(); });
        if (watch) { // else the next turn tries
            watch_ = std::move(*watch);
            watch_->want_writable(true);
        }
    }
}

} // namespace mi::daemon
