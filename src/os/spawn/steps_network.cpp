// Makes a network namespace in a child, because the process that makes it stays in it.
#include "os/spawn/steps.hpp"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sys/socket.h>

namespace mi::os {

BARE void make_network_namespace(Report& report, int& found) {
    Child child{.report = &report};
    Progress progress(child);
    if (!progress.did(Step::network_namespace, call(SYS_unshare, CLONE_NEWNET)))
        return;
    const long any = call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!progress.did(any))
        return;
    // The descriptor table is shared with the parent, which gets the descriptor in this way.
    long space = call(SYS_ioctl, any, SIOCGSKNS, 0);
    if (space < 0 && space != -EPERM)
        space = call_open(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (progress.did(space)) {
        struct ifreq loopback{};
        loopback.ifr_name[0] = 'l';
        loopback.ifr_name[1] = 'o';
        loopback.ifr_flags = IFF_UP;
        progress.did(Step::loopback, call(SYS_ioctl, any, SIOCSIFFLAGS, &loopback));
        found = static_cast<int>(space);
    }
    call_close(static_cast<int>(any));
}

} // namespace mi::os
