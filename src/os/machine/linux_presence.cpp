#include "os/machine/linux_presence.hpp"

#include "os/socket/network_state.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mi::os {

namespace {

using Kind = Awaited::Kind;

// sysfs has no inotify, but everything in it comes with a uevent.
bool is_in_sysfs(const Awaited& thing) { return is_file(thing) && thing.name.starts_with("/sys/"); }

Result<Fd> open_mount_changes() {
    Fd table(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    if (!table)
        return fault(errno, "open", "/proc/self/mountinfo");
    return table;
}

bool add(int all, int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    return ::epoll_ctl(all, EPOLL_CTL_ADD, fd, &event) == 0;
}

} // namespace

LinuxPresence::LinuxPresence() : all_(::epoll_create1(EPOLL_CLOEXEC)) {}

Result<> LinuxPresence::keep(Fd& which, bool needed, Result<Fd> (*open)(), std::uint32_t events) {
    if (!needed || which) {
        if (!needed)
            which = Fd();
        return {};
    }
    auto opened = open();
    if (!opened)
        return std::unexpected(opened.error());
    if (!add(all_.get(), opened->get(), events))
        return fault(errno, "epoll_ctl");
    which = std::move(*opened);
    return {};
}

std::vector<std::string> LinuxPresence::watch(std::span<const Awaited> things, HangingMounts& hanging) {
    bool sysfs = false, network = false;
    std::vector<std::string> paths;
    for (const Awaited& thing : things) {
        sysfs = sysfs || is_in_sysfs(thing);
        network = network || thing.kind == Kind::interface || thing.kind == Kind::address;
        if (is_file(thing) && !is_in_sysfs(thing))
            paths.push_back(thing.name);
    }
    const bool mounts = !paths.empty() || std::ranges::find(things, Kind::mounted, &Awaited::kind) != things.end();
    std::vector<std::string> words;
    const auto say = [&](const Result<>& kept, const char* what) {
        if (!kept)
            words.push_back("changes of " + std::string(what) + " are not told of here: " + kept.error().text());
    };
    say(keep(devices_, sysfs, open_device_changes, EPOLLIN), "devices below /sys");
    say(keep(network_, network, open_network_changes, EPOLLIN), "the network");
    // The table is always readable; a change is an exceptional condition, told once.
    say(keep(mounts_, mounts, open_mount_changes, EPOLLPRI | EPOLLET), "the mount table");
    if (!mounts_)
        mount_state_ = Fd();
    else if (!mount_state_)
        mount_state_ = open_mount_changes().value_or(Fd());
    if (!paths.empty() && !paths_) {
        paths_.emplace();
        (void)add(all_.get(), paths_->fd(), EPOLLIN); // fails with the descriptor, which watch() tells of
    }
    if (paths_)
        for (const Fault& each : paths_->watch(paths, hanging))
            words.push_back("whether " + each.about + " comes or goes is not told of here: " +
                            (each.code == EXDEV ? "it is on a file system of the network, or of a user's"
                                                : ::strerrordesc_np(each.code)));
    return words;
}

LinuxPresence::Change LinuxPresence::take_change() {
    epoll_event ready[4];
    const int count = ::epoll_wait(all_.get(), ready, 4, 0);
    Change change = Change::none;
    // A change of the table is told once for each time that it is open: the wait for `all_` has taken it instead of us.
    pollfd state{.fd = mount_state_.get(), .events = POLLPRI, .revents = 0};
    if (mount_state_ && ::poll(&state, 1, 0) > 0)
        change = Change::now;
    for (int i = 0; i < count; ++i) {
        const int fd = ready[i].data.fd;
        if (fd == mounts_.get())
            continue;
        const bool any = paths_ && fd == paths_->fd() ? paths_->take_change() : take_messages(fd);
        if (any)
            change = std::max(change, fd == devices_.get() ? Change::soon : Change::now);
    }
    return change;
}

std::vector<std::optional<std::string>> LinuxPresence::look(std::span<const Awaited> things) {
    std::vector<std::optional<std::string>> faults(things.size());
    std::optional<Result<std::vector<Mount>>> mounts; // each is read once, if anybody asks
    std::optional<Result<std::vector<LocalAddress>>> addresses;
    for (std::size_t i = 0; i < things.size(); ++i) {
        const Awaited& thing = things[i];
        if (thing.kind == Kind::interface) {
            if (std::string why = interface_fault(thing.name); !why.empty())
                faults[i] = std::move(why);
        } else if (thing.kind == Kind::address) {
            if (!addresses)
                addresses = local_addresses();
            if (!*addresses)
                faults[i] = addresses->error().text();
            else if (!has_address(**addresses, thing.name))
                faults[i] = "";
        } else if (thing.kind == Kind::mounted) {
            if (!mounts)
                mounts = read_mounts();
            if (!*mounts)
                faults[i] = mounts->error().text();
            else if (std::ranges::find(**mounts, thing.name, &Mount::point) == (*mounts)->end())
                faults[i] = "";
        }
    }
    return faults;
}

} // namespace mi::os
