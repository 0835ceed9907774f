#include "daemon/socket/fd_store.hpp"

#include "os/file/open_file.hpp"
#include "state/snapshot.hpp"

#include "os/process/children.hpp"
#include "os/socket/discard.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

namespace mi::daemon {

namespace {
constexpr std::size_t most_unwanted = 512;
}

FdStore::FdStore(UnitTable& units, Children& children, std::function<void(core::UnitId)> changed)
    : units_(units), children_(children), changed_(std::move(changed)), hang_ups_(::epoll_create1(EPOLL_CLOEXEC)) {}

FdStore::Kept FdStore::keep(core::UnitId unit, std::string name, Fd fd, bool polled, std::size_t most) {
    std::vector<StoredFd>& mine = units_[unit].stored;
    if (std::ranges::any_of(mine, [&](const StoredFd& one) { return os::same_description(one.fd.get(), fd.get()); })) {
        discard(unit, std::move(fd));
        return Kept::already;
    }
    if (mine.size() >= most) {
        discard(unit, std::move(fd));
        return Kept::full;
    }
    StoredFd stored{std::move(fd), std::move(name)};
    // Asked whether it has hung up, a file of a remote server would ask that first.
    if (polled && os::is_harmless(stored.fd.get()))
        watch(unit, stored);
    mine.push_back(std::move(stored));
    changed_(unit);
    return Kept::yes;
}

void FdStore::adopt(core::UnitId unit, std::string name, Fd fd, bool polled) {
    StoredFd& stored = units_[unit].stored.emplace_back(std::move(fd), std::move(name));
    if (polled)
        watch(unit, stored);
}

void FdStore::watch(core::UnitId unit, StoredFd& stored) {
    const std::uint64_t whose = (std::uint64_t{unit} << 32) | static_cast<std::uint32_t>(stored.fd.get());
    epoll_event nothing_but_hang_up{.events = 0, .data = {.u64 = whose}};
    stored.watched =
        hang_ups_ && ::epoll_ctl(hang_ups_.get(), EPOLL_CTL_ADD, stored.fd.get(), &nothing_but_hang_up) == 0;
    watched_ += stored.watched ? 1 : 0;
}

void FdStore::unwatch(const StoredFd& stored) {
    if (!stored.watched)
        return;
    // Its open file may live on elsewhere, and would go on to be reported.
    (void)::epoll_ctl(hang_ups_.get(), EPOLL_CTL_DEL, stored.fd.get(), nullptr);
    --watched_;
}

void FdStore::drop_dead() {
    if (watched_ == 0)
        return;
    std::array<epoll_event, 64> events;
    int count = ::epoll_wait(hang_ups_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
        const auto unit = static_cast<core::UnitId>(event.data.u64 >> 32);
        const int fd = static_cast<int>(event.data.u64 & 0xffffffff);
        std::vector<StoredFd>& mine = units_[unit].stored;
        auto dead = std::ranges::find_if(mine, [fd](const StoredFd& one) { return one.watched && one.fd.get() == fd; });
        if (dead == mine.end())
            continue;
        unwatch(*dead);
        discard(unit, std::move(dead->fd));
        mine.erase(dead);
        changed_(unit);
    }
}

void FdStore::remove(core::UnitId unit, std::string_view name) {
    std::vector<StoredFd>& mine = units_[unit].stored;
    for (StoredFd& one : mine)
        if (one.name == name) {
            unwatch(one);
            discard(unit, std::move(one.fd));
        }
    if (std::erase_if(mine, [](const StoredFd& one) { return !one.fd; }) > 0)
        changed_(unit);
}

void FdStore::drop(core::UnitId unit) {
    if (units_[unit].stored.empty())
        return;
    drop_all(unit);
    changed_(unit);
}

void FdStore::drop_all(core::UnitId unit) {
    for (StoredFd& one : std::exchange(units_[unit].stored, {})) {
        unwatch(one);
        discard(unit, std::move(one.fd));
    }
}

bool FdStore::discard(core::UnitId unit, Fd fd) {
    if (!fd)
        return true;
    if (os::is_harmless(fd.get())) {
        os::close_harmless(std::move(fd));
        return true;
    }
    UnwantedFds& unwanted = unwanted_of(unit);
    unwanted.waiting.push_back(std::move(fd));
    if (unwanted.closer == 0)
        close_unwanted(unit);
    return unwanted.waiting.size() <= most_unwanted;
}

UnwantedFds& FdStore::unwanted_of(core::UnitId unit) {
    if (unit == core::no_unit)
        return unwanted_of_gone_;
    std::unique_ptr<UnwantedFds>& unwanted = units_[unit].unwanted;
    if (!unwanted)
        unwanted = std::make_unique<UnwantedFds>();
    return *unwanted;
}

void FdStore::close_unwanted(core::UnitId unit) {
    UnwantedFds& unwanted = unwanted_of(unit);
    std::vector<int> fds;
    for (const Fd& fd : unwanted.waiting)
        fds.push_back(fd.get());
    auto closer = os::close_aside(fds);
    if (!closer)
        return; // no process to be had now: the next one that comes takes these along
    unwanted.closer = *closer;
    closers_[*closer] = unit;
    children_.expect(*closer, *this);
    for (Fd& fd : unwanted.waiting)
        (void)fd.release();
    unwanted.waiting.clear();
}

void FdStore::exited(const os::Exit& exit) {
    auto closer = closers_.extract(exit.pid);
    const core::UnitId unit = closer.empty() ? core::no_unit : closer.mapped();
    UnwantedFds& unwanted = unwanted_of(unit);
    if (unwanted.closer != exit.pid)
        return;
    unwanted.closer = 0;
    if (!unwanted.waiting.empty())
        close_unwanted(unit);
    else if (unit != core::no_unit)
        units_[unit].unwanted.reset();
}

void FdStore::unit_gone(core::UnitId unit) {
    drop_all(unit);
    std::unique_ptr<UnwantedFds> theirs = std::move(units_[unit].unwanted);
    if (!theirs)
        return;
    // What hangs there hangs for no unit any more: it goes to what is left of all that are gone.
    std::ranges::move(theirs->waiting, std::back_inserter(unwanted_of_gone_.waiting));
    if (theirs->closer != 0)
        closers_[theirs->closer] = core::no_unit;
    if (unwanted_of_gone_.closer == 0)
        unwanted_of_gone_.closer = theirs->closer;
}

void FdStore::save_unit(core::UnitId unit, state::UnitImage& image) const {
    for (const StoredFd& stored : units_[unit].stored)
        image.stored.push_back({stored.fd.get(), stored.name, stored.watched, os::inode_of(stored.fd.get())});
}

void FdStore::restore_unit(core::UnitId unit, state::UnitImage& image) {
    for (state::StoredImage& stored : image.stored)
        adopt(unit, std::move(stored.name), Fd(stored.fd), stored.watched);
}

} // namespace mi::daemon
