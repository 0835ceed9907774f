// A network namespace made by a child, since its maker is in it for good.
#include "os/progress.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace mi::os {

BARE void make_network_namespace(ChildOrders& orders) {
    Progress progress(orders.report);
    if (!progress.did(Step::network_namespace, ::unshare(CLONE_NEWNET)))
        return;
    int any = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!progress.did(any))
        return;
    // The descriptor table is our parent's, which goes on with it.
    int space = ::ioctl(any, SIOCGSKNS);
    if (space < 0 && errno != EPERM)
        space = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (progress.did(space)) {
        ifreq loopback{};
        ::strcpy(loopback.ifr_name, "lo");
        loopback.ifr_flags = IFF_UP;
        progress.did(Step::loopback, ::ioctl(any, SIOCSIFFLAGS, &loopback));
    }
    orders.found = space;
    ::close(any);
}

} // namespace mi::os
