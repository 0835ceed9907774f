// Letting go of everything that stores: swap, mounts, loop and device-mapper devices. Each round is done by a child
// that notes where it is, so that we know what held it up.
#include "os/storage.hpp"

#include "base/text.hpp"
#include "os/devices.hpp"
#include "os/runtime.hpp"
#include "os/shutdown.hpp"
#include "os/timed_child.hpp"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace mi::os {

bool is_virtual(std::string_view type) {
    constexpr std::string_view types[] = {"proc",     "sysfs",     "devtmpfs",    "devpts",     "tmpfs",   "ramfs",
                                          "rootfs",   "cgroup",    "cgroup2",     "securityfs", "debugfs", "tracefs",
                                          "pstore",   "bpf",       "configfs",    "mqueue",     "fusectl", "hugetlbfs",
                                          "efivarfs", "selinuxfs", "binfmt_misc", "rpc_pipefs", "nsfs",    "squashfs",
                                          "iso9660",  "erofs",     "cramfs",      "autofs"};
    return std::ranges::find(types, type) != std::end(types);
}

static bool is_api(const Mount& mount) {
    for (std::string_view point : {"/proc", "/sys", "/dev", "/run"}) {
        if (mount.point == point)
            return true;
        bool below = mount.point.starts_with(point) && mount.point[point.size()] == '/';
        if (below && point != "/run" && is_virtual(mount.type))
            return true;
    }
    return false;
}

std::vector<Mount> to_unmount(const std::vector<Mount>& mounts) {
    std::vector<Mount> chosen;
    for (const Mount& mount : mounts)
        if (mount.point != "/" && !is_api(mount))
            chosen.push_back(mount);
    std::ranges::reverse(chosen); // what was mounted last lies innermost
    return chosen;
}

std::vector<Mount> to_make_read_only(const std::vector<Mount>& mounts) {
    std::vector<Mount> chosen;
    for (const Mount& mount : mounts)
        if (!mount.read_only && !is_virtual(mount.type))
            chosen.push_back(mount);
    std::ranges::reverse(chosen);
    std::ranges::stable_partition(chosen, [](const Mount& mount) { return mount.point != "/"; });
    return chosen;
}

std::vector<std::string> swap_areas(std::string_view text) {
    std::vector<std::string> areas;
    for (std::string_view line : split(text, '\n')) {
        std::string_view path = line.substr(0, line.find_first_of(" \t"));
        if (path.starts_with('/'))
            areas.emplace_back(path);
    }
    return areas;
}

namespace {

// What a child that works through a list leaves for us, in memory we share.
struct Notes {
    std::size_t at = 0;   // the item it is busy with
    std::size_t done = 0; // how many succeeded
    int codes[4096] = {}; // by item: errno
};

class SharedNotes {
public:
    SharedNotes() {
        void* page = ::mmap(nullptr, sizeof(Notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        notes_ = page == MAP_FAILED ? nullptr : static_cast<Notes*>(page);
    }
    SharedNotes(const SharedNotes&) = delete;
    SharedNotes& operator=(const SharedNotes&) = delete;
    ~SharedNotes() {
        if (notes_ != nullptr)
            ::munmap(notes_, sizeof(Notes));
    }
    explicit operator bool() const { return notes_ != nullptr; }
    Notes* operator->() const { return notes_; }

private:
    Notes* notes_ = nullptr;
};

class Releaser {
public:
    Releaser(Span limit, const Say& say) : deadline_(monotonic_now() + limit), say_(say) {}

    void swap_off() {
        std::vector<std::string> areas = swap_areas(read_file("/proc/swaps").value_or(""));
        work_through(
            areas, [](const std::string& area) { return ::swapoff(area.c_str()) == 0; },
            [](const std::string& area) { return "swap " + area; });
    }

    // Rounds of unmounting and detaching while they get anywhere.
    void unmount_all() {
        for (int round = 0; round < 100 && left() > Span(0); ++round) {
            std::size_t done = work_through(
                to_unmount(mounts()),
                [](const Mount& mount) { return ::umount2(mount.point.c_str(), UMOUNT_NOFOLLOW) == 0; }, words_for);
            std::size_t devices = 0;
            if (in_child(share(), [&] { return detach_devices() > 0; }) == Outcome::done)
                devices = 1;
            if (done + devices == 0)
                return;
        }
    }

    void make_read_only() {
        work_through(
            to_make_read_only(mounts()),
            [](const Mount& mount) {
                return ::mount(nullptr, mount.point.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
            },
            words_for);
    }

    // A server that does not answer has nothing of ours to lose; what hangs on it must not hold up the reboot.
    void let_go_of_hanging() {
        std::vector<Mount> hanging;
        for (Mount& mount : to_unmount(mounts()))
            if (may_hang(mount.type))
                hanging.push_back(std::move(mount));
        stuck_.clear();
        work_through(
            hanging, [](const Mount& mount) { return ::umount2(mount.point.c_str(), MNT_FORCE | MNT_DETACH) == 0; },
            words_for);
    }

    [[nodiscard]] std::vector<std::string> still_there() const {
        std::vector<std::string> lines;
        for (const Mount& mount : to_make_read_only(mounts()))
            lines.push_back(words_for(mount) + ": still writable");
        for (const std::string& area : swap_areas(read_file("/proc/swaps").value_or("")))
            lines.push_back("swap " + area + ": still in use");
        return lines;
    }

    // A fair part of what time is left, for one piece of work.
    [[nodiscard]] Span share() const { return std::max<Span>(left() / 3, std::chrono::milliseconds(200)); }

private:
    [[nodiscard]] Span left() const { return deadline_ - monotonic_now(); }
    static std::vector<Mount> mounts() { return read_mounts().value_or(std::vector<Mount>{}); }
    static std::string words_for(const Mount& mount) { return "mount " + mount.point + " (" + mount.type + ")"; }

    // Does `work` to each item, in a child. An item that holds it up is left out from then on. How many succeeded.
    template <typename Item, typename Work, typename Words>
    std::size_t work_through(const std::vector<Item>& all, Work work, Words words) {
        std::vector<Item> items;
        for (const Item& item : all)
            if (!stuck_.contains(words(item)) && items.size() < std::size(Notes{}.codes))
                items.push_back(item);
        SharedNotes notes;
        if (items.empty() || !notes)
            return 0;
        std::size_t from = 0;
        while (from < items.size() && left() > Span(0)) {
            Outcome outcome = in_child(share(), [&] {
                for (notes->at = from; notes->at < items.size(); ++notes->at) {
                    if (work(items[notes->at]))
                        ++notes->done;
                    else
                        notes->codes[notes->at] = errno;
                }
                return true;
            });
            if (outcome != Outcome::too_long)
                break;
            say_(words(items[notes->at]) + ": takes too long, left behind");
            stuck_.insert(words(items[notes->at]));
            from = notes->at + 1;
        }
        return notes->done;
    }

    Instant deadline_;
    const Say& say_;
    std::set<std::string> stuck_;
};

} // namespace

std::vector<std::string> release_storage(Span limit, const Say& say) {
    if (::getpid() != 1)
        return {"not process 1: nothing is unmounted"};
    Releaser releaser(limit, say);
    if (!sync_within(releaser.share()))
        say("sync takes too long, going on");
    releaser.swap_off();
    releaser.unmount_all();
    releaser.make_read_only();
    releaser.unmount_all(); // what a writable mount had kept busy
    releaser.let_go_of_hanging();
    if (!sync_within(releaser.share()))
        say("sync takes too long, going on");
    return releaser.still_there();
}

} // namespace mi::os
