#include "os/process/pidfd.hpp"

#include "base/fd.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mi::os {

namespace {

// The headers of the oldest system that we build on have none of these; linux/pidfd.h gives them other names.
struct Info {
    std::uint64_t mask, cgroup;
    std::uint32_t process[11];
    std::int32_t exit_code;
};
static_assert(sizeof(Info) == 64);
constexpr unsigned long get_info = _IOWR(0xff, 11, Info);
constexpr std::uint64_t of_cgroup = 1 << 2, of_exit = 1 << 3;
constexpr int pass_pidfd = 76, pass_rights = 83; // SO_PASSPIDFD, SO_PASSRIGHTS

} // namespace

std::uint64_t cgroup_of(int pidfd) {
    Info info{.mask = of_cgroup | of_exit};
    return ::ioctl(pidfd, get_info, &info) == 0 && (info.mask & of_cgroup) != 0 ? info.cgroup : 0;
}

void ask_for_senders(int socket) {
    const Fd own(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    const int on = 1, off = 0;
    if (own && cgroup_of(own.get()) != 0 && ::setsockopt(socket, SOL_SOCKET, pass_rights, &off, sizeof off) == 0)
        (void)::setsockopt(socket, SOL_SOCKET, pass_pidfd, &on, sizeof on);
}

bool asks_for_senders(int socket) {
    int on = 0;
    socklen_t size = sizeof on;
    return ::getsockopt(socket, SOL_SOCKET, pass_pidfd, &on, &size) == 0 && on != 0;
}

} // namespace mi::os
