#include "os/process/any_readable.hpp"

#include <sys/epoll.h>

#include <cerrno>

namespace mi::os {

Result<AnyReadable> AnyReadable::make() {
    Fd set(::epoll_create1(EPOLL_CLOEXEC));
    if (!set)
        return fault(errno, "make a set of descriptors");
    return AnyReadable(std::move(set));
}

bool AnyReadable::add(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    return ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void AnyReadable::remove(int fd) {
    (void)::epoll_ctl(set_.get(), EPOLL_CTL_DEL, fd, nullptr);
} // one never added is fine

} // namespace mi::os
