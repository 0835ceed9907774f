// What the collector waits for: descriptors, each known by a number (epoll(7), level-triggered).
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/quiet_moment.hpp"
#include "base/time.hpp"
#include "os/process/idle_memory.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd {

// The numbers. Those below `packing_index` are streams.
constexpr std::uint32_t control_index = UINT32_MAX;
constexpr std::uint32_t server_index = control_index - wire::logs::most_servers; // of the first one
constexpr std::uint32_t console_index = server_index - 1;
constexpr std::uint32_t packing_index = console_index - 1;

class WaitSet {
public:
    WaitSet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

    // False: the descriptor cannot be waited for.
    bool add(int fd, std::uint32_t events, std::uint32_t index) { return control(EPOLL_CTL_ADD, fd, events, index); }
    // The same for one that is in the set, as long as it was not closed.
    bool change(int fd, std::uint32_t events, std::uint32_t index) { return control(EPOLL_CTL_MOD, fd, events, index); }
    // Closing is not enough where somebody else has the same open file: it would stay in the set.
    void remove(int fd) { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

    // What is ready, once something is or the time has come. Valid until the next call.
    [[nodiscard]] std::span<const epoll_event> wait(Instant until) {
        int count = wait_once(std::min(until, quiet_.next_deadline()));
        if (count <= 0 && quiet_.has_come(monotonic_now())) {
            os::give_back_idle_memory(); // the last thing before we wait on: what is used after it is mapped again
            if (monotonic_now() < until)
                count = wait_once(until);
        }
        quiet_.busy(monotonic_now());
        return {ready_.data(), static_cast<std::size_t>(std::max(count, 0))};
    }

private:
    int wait_once(Instant until) {
        int timeout = -1;
        if (until != never)
            timeout = static_cast<int>(
                std::max<std::int64_t>(0, (until - monotonic_now()) / std::chrono::milliseconds(1) + 1));
        return ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), timeout);
    }
    bool control(int operation, int fd, std::uint32_t events, std::uint32_t index) {
        epoll_event event{.events = events, .data = {.u32 = index}};
        return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
    }

    Fd epoll_;
    QuietMoment quiet_; // then memory is given back
    std::array<epoll_event, 64> ready_;
};

} // namespace mi::logd
