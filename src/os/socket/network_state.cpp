#include "os/socket/network_state.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace mi::os {

namespace {

Result<Fd> open_netlink(int protocol, std::uint32_t groups, const char* doing) {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    sockaddr_nl address{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = groups};
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fault(errno, doing);
    return socket;
}

// One message of a dump. Nothing where it is of no use to anybody.
void add_address(const nlmsghdr& header, std::vector<LocalAddress>& addresses) {
    const auto* about = static_cast<const ifaddrmsg*>(NLMSG_DATA(&header));
    std::uint32_t flags = about->ifa_flags;
    LocalAddress found;
    int rest = static_cast<int>(IFA_PAYLOAD(&header));
    for (const rtattr* part = IFA_RTA(about); RTA_OK(part, rest); part = RTA_NEXT(part, rest)) {
        const auto* bytes = static_cast<const unsigned char*>(RTA_DATA(part));
        // Of a point-to-point link IFA_ADDRESS is the other end. IFA_LOCAL, where there is one, is ours.
        if (part->rta_type == IFA_LOCAL || (part->rta_type == IFA_ADDRESS && found.bytes.empty()))
            found.bytes.assign(bytes, bytes + RTA_PAYLOAD(part));
        else if (part->rta_type == IFA_FLAGS)
            std::memcpy(&flags, bytes, sizeof flags);
    }
    const bool tried = (flags & IFA_F_TENTATIVE) != 0 && (flags & IFA_F_OPTIMISTIC) == 0;
    if (tried || (flags & IFA_F_DADFAILED) != 0 || found.bytes.size() < 4)
        return;
    const bool link_local = found.bytes.size() == 4 && found.bytes[0] == 169 && found.bytes[1] == 254;
    found.reachable = about->ifa_scope < RT_SCOPE_LINK && !link_local;
    addresses.push_back(std::move(found));
}

} // namespace

Result<Fd> open_network_changes() {
    return open_netlink(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, "open rtnetlink(7)");
}

Result<Fd> open_device_changes() { return open_netlink(NETLINK_KOBJECT_UEVENT, 1, "open the kernel's uevents"); }

bool take_messages(int fd) {
    constexpr int most = 1000; // in a storm the rest is left for the next time
    char start;
    bool any = false;
    for (int i = 0; i < most; ++i) {
        if (::recv(fd, &start, sizeof start, MSG_TRUNC) >= 0 || errno == ENOBUFS) // ENOBUFS: some were lost
            any = true;
        else if (errno != EINTR)
            break;
    }
    return any;
}

std::string interface_fault(const std::string& name) {
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq about{};
    name.copy(about.ifr_name, sizeof about.ifr_name - 1);
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &about) != 0)
        return errno == ENODEV ? "there is none" : ::strerrordesc_np(errno);
    const auto flags = static_cast<unsigned>(about.ifr_flags);
    return (flags & IFF_UP) == 0 ? "it is down" : (flags & IFF_RUNNING) == 0 ? "no carrier" : "";
}

Result<std::vector<LocalAddress>> local_addresses() {
    auto socket = open_netlink(NETLINK_ROUTE, 0, "open rtnetlink(7)");
    if (!socket)
        return std::unexpected(socket.error());
    struct {
        nlmsghdr header;
        ifaddrmsg about;
    } question{};
    question.header.nlmsg_len = sizeof question;
    question.header.nlmsg_type = RTM_GETADDR;
    question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    if (::send(socket->get(), &question, sizeof question, 0) < 0)
        return fault(errno, "ask for addresses by rtnetlink(7)");
    std::vector<LocalAddress> addresses;
    alignas(nlmsghdr) std::array<char, 16384> bytes;
    for (;;) { // the kernel has answered, so nothing is waited for
        const ssize_t got = ::recv(socket->get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault(errno, "read addresses by rtnetlink(7)");
        auto rest = static_cast<unsigned>(got);
        for (const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data()); NLMSG_OK(header, rest);
             header = NLMSG_NEXT(header, rest)) {
            if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
                return addresses;
            if (header->nlmsg_type == RTM_NEWADDR)
                add_address(*header, addresses);
        }
    }
}

bool has_address(const std::vector<LocalAddress>& addresses, const std::string& wanted) {
    std::array<unsigned char, 16> bytes{};
    const std::size_t size = ::inet_pton(AF_INET, wanted.c_str(), bytes.data()) == 1    ? 4
                             : ::inet_pton(AF_INET6, wanted.c_str(), bytes.data()) == 1 ? 16
                                                                                        : 0;
    return std::ranges::any_of(addresses, [&](const LocalAddress& each) {
        return size == 0 ? each.reachable
                         : each.bytes.size() == size && std::memcmp(each.bytes.data(), bytes.data(), size) == 0;
    });
}

} // namespace mi::os
