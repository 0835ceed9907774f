#include "daemon/socket/fd_store.hpp"

#include "os/discard.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

namespace mi::daemon {

namespace {
constexpr std::size_t most_waste = 512;
}

FdStore::FdStore(std::function<void(pid_t)> made) : made_(std::move(made)), hang_ups_(::epoll_create1(EPOLL_CLOEXEC)) {}

FdStore::Kept FdStore::keep(core::UnitId unit, std::string name, Fd fd, bool polled, std::size_t most) {
    auto& mine = stored_[unit];
    if (std::ranges::any_of(mine, [&](const Stored& one) { return os::same_description(one.fd.get(), fd.get()); })) {
        discard(unit, std::move(fd));
        return Kept::already;
    }
    if (mine.size() >= most) {
        discard(unit, std::move(fd));
        return Kept::full;
    }
    Stored stored{std::move(fd), std::move(name)};
    // Asked whether it has hung up, a file of a remote server would ask that first.
    if (polled && os::is_harmless(stored.fd.get()))
        watch(stored);
    mine.push_back(std::move(stored));
    moved_.push_back(unit);
    return Kept::yes;
}

void FdStore::adopt(core::UnitId unit, std::string name, Fd fd, bool polled) {
    Stored& stored = stored_[unit].emplace_back(std::move(fd), std::move(name));
    if (polled)
        watch(stored);
}

void FdStore::watch(Stored& stored) const {
    epoll_event nothing_but_hang_up{.events = 0, .data = {.fd = stored.fd.get()}};
    stored.watched =
        hang_ups_ && ::epoll_ctl(hang_ups_.get(), EPOLL_CTL_ADD, stored.fd.get(), &nothing_but_hang_up) == 0;
}

void FdStore::unwatch(const Stored& stored) const {
    // Its open file may live on elsewhere, and would go on to be reported.
    if (stored.watched)
        (void)::epoll_ctl(hang_ups_.get(), EPOLL_CTL_DEL, stored.fd.get(), nullptr);
}

void FdStore::drop_dead() {
    std::array<epoll_event, 64> events;
    int count = ::epoll_wait(hang_ups_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i)
        for (auto& [unit, mine] : stored_) {
            auto dead = std::ranges::find_if(mine, [&](const Stored& one) {
                return one.watched && one.fd.get() == events[static_cast<std::size_t>(i)].data.fd;
            });
            if (dead == mine.end())
                continue;
            moved_.push_back(unit);
            unwatch(*dead);
            discard(unit, std::move(dead->fd));
            mine.erase(dead);
            break;
        }
}

void FdStore::remove(core::UnitId unit, std::string_view name) {
    auto mine = stored_.find(unit);
    if (mine == stored_.end())
        return;
    moved_.push_back(unit);
    for (Stored& one : mine->second)
        if (one.name == name) {
            unwatch(one);
            discard(unit, std::move(one.fd));
        }
    std::erase_if(mine->second, [](const Stored& one) { return !one.fd; });
}

void FdStore::drop(core::UnitId unit) {
    auto mine = stored_.find(unit);
    if (mine == stored_.end())
        return;
    moved_.push_back(unit);
    for (Stored& one : mine->second) {
        unwatch(one);
        discard(unit, std::move(one.fd));
    }
    stored_.erase(mine);
}

std::span<const FdStore::Stored> FdStore::descriptors_of(core::UnitId unit) const {
    auto mine = stored_.find(unit);
    return mine == stored_.end() ? std::span<const Stored>{} : mine->second;
}

bool FdStore::discard(core::UnitId unit, Fd fd) {
    if (!fd)
        return true;
    if (os::is_harmless(fd.get())) {
        os::close_harmless(std::move(fd));
        return true;
    }
    Waste& waste = waste_[unit];
    waste.waiting.push_back(std::move(fd));
    if (waste.closer == 0)
        close_waste(waste);
    return waste.waiting.size() <= most_waste;
}

void FdStore::close_waste(Waste& waste) const {
    std::vector<int> fds;
    for (const Fd& fd : waste.waiting)
        fds.push_back(fd.get());
    auto closer = os::close_aside(fds);
    if (!closer)
        return; // no process to be had now: the next one that comes takes these along
    waste.closer = *closer;
    if (made_)
        made_(*closer);
    for (Fd& fd : waste.waiting)
        (void)fd.release();
    waste.waiting.clear();
}

bool FdStore::closer_ended(pid_t pid) {
    for (auto at = waste_.begin(); at != waste_.end(); ++at) {
        if (at->second.closer != pid)
            continue;
        at->second.closer = 0;
        if (at->second.waiting.empty())
            waste_.erase(at);
        else
            close_waste(at->second);
        return true;
    }
    return false;
}

void FdStore::forget(core::UnitId unit) {
    drop(unit);
    std::erase(moved_, unit);
    auto at = waste_.find(unit);
    if (at == waste_.end())
        return;
    // What hangs there hangs for no unit any more: it goes to what is left of all that are gone.
    Waste theirs = std::move(at->second);
    waste_.erase(at);
    Waste& to = waste_[core::no_unit];
    std::ranges::move(theirs.waiting, std::back_inserter(to.waiting));
    if (to.closer == 0)
        to.closer = theirs.closer;
}

} // namespace mi::daemon
