// Uses fcntl(2), statx(2), clone(2) and kcmp(2).
#include "os/socket/discard.hpp"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace mi::os {

bool is_harmless(int fd) {
    int type = 0;
    socklen_t length = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0)
        return true;
    if (::fcntl(fd, F_GETPIPE_SZ) >= 0 || ::fcntl(fd, F_GET_SEALS) >= 0)
        return true;
    // Files without a file system (eventfd, timerfd, epoll) have no file type. A plain fstat(2) would ask the server of
    // a remote file.
    struct statx about{};
    return ::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &about) == 0 &&
           (about.stx_mode & S_IFMT) == 0;
}

void close_harmless(Fd fd) {
    linger wait{};
    socklen_t length = sizeof wait;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &wait, &length) == 0 && wait.l_onoff != 0 && wait.l_linger > 0) {
        wait = {};
        // cannot fail: it is a socket, and this option exists for every socket
        (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
    }
}

Result<pid_t> close_aside(std::span<const int> fds) {
    long child = ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (child < 0)
        return fault(errno, "make a child that closes descriptors");
    if (child == 0) {
        for (int fd : fds)
            ::syscall(SYS_close, fd);
        for (;;)
            ::syscall(SYS_exit_group, 0);
    }
    return static_cast<pid_t>(child);
}

bool same_description(int a, int b) {
    pid_t self = ::getpid();
    return ::syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

} // namespace mi::os
