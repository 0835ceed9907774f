#include "os/process/any_readable.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>

namespace mi::os {

Result<AnyReadable> AnyReadable::make() {
    Fd set(::epoll_create1(EPOLL_CLOEXEC));
    if (!set)
        return fault(errno, "make a set of descriptors");
    return AnyReadable(std::move(set));
}

bool AnyReadable::add(int fd, std::uint64_t key) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    return ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void AnyReadable::remove(int fd) {
    (void)::epoll_ctl(set_.get(), EPOLL_CTL_DEL, fd, nullptr);
} // removing one that was never added is fine

void AnyReadable::ready(std::vector<std::uint64_t>& keys) const {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(set_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i)
        keys.push_back(events[static_cast<std::size_t>(i)].data.u64);
}

} // namespace mi::os
