// Releases storage: swap, mounts, loop and device-mapper devices. A child works through each list and notes its
// position, so that we know which item blocks it; that item is left alone, and the rest goes on.
#include "os/mount/release.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "os/file/runtime.hpp"
#include "os/mount/devices.hpp"
#include "os/mount/storage.hpp"
#include "os/process/process.hpp"
#include "os/process/timed_child.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::os {

namespace {

constexpr Span patience = std::chrono::seconds(5); // with one item, before the next one is tried
constexpr Span sync_patience = std::chrono::seconds(10);
constexpr Span most_for_rest = std::chrono::seconds(8); // the most time that is reserved for rest()
constexpr Span least = std::chrono::milliseconds(200);  // the least time that an operation gets

// Progress of the child, in memory that we share with it.
struct Notes {
    std::size_t at = 0;   // the current item
    Instant since{};      // when it started with that item
    std::size_t done = 0; // how many items succeeded
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

std::vector<Mount> mounts() { return read_mounts().value_or(std::vector<Mount>{}); }
std::vector<std::string> swaps() { return swap_areas(read_file("/proc/swaps").value_or("")); }

std::string words_for(const Mount& mount) { return "mount " + mount.point + " (" + mount.type + ")"; }
std::string words_for_swap(const std::string& area) { return "swap " + area; }
std::string words_for_device(const std::string& name) { return "device " + name; }

bool make_read_only(const Mount& mount) {
    return ::mount(nullptr, mount.point.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

bool running(pid_t child) { return ::waitpid(child, nullptr, WNOHANG) == 0; }

} // namespace

std::vector<Mount> freezable_mounts() {
    std::vector<Mount> writable = to_make_read_only(mounts());
    std::erase_if(writable, [](const Mount& mount) { return may_hang(mount.type); });
    return writable;
}

void thaw(const std::vector<Mount>& mounts, const std::function<void(const Mount&)>& thawed) {
    std::map<pid_t, const Mount*> children;
    for (const Mount& mount : mounts) {
        const pid_t child = ::fork();
        if (child == 0) {
            const Fd there(::open(mount.point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
            ::_exit(there && ::ioctl(there.get(), FITHAW, 0) == 0 ? 1 : 0); // EINVAL: it is not frozen
        }
        children[child] = &mount;
    }
    int status = 0;
    for (pid_t child = ::wait(&status); child > 0; child = ::wait(&status))
        if (auto at = children.find(child); at != children.end() && WIFEXITED(status) && WEXITSTATUS(status) == 1)
            thawed(*at->second);
}

Release::Release(Instant deadline, std::string kept, const Say& say)
    : end_(deadline), deadline_(deadline - std::min<Span>((deadline - monotonic_now()) / 4, most_for_rest)),
      kept_(std::move(kept)), say_(say) {}

Span Release::left() const { return deadline_ - monotonic_now(); }
Span Release::share() const { return std::max(left() / 3, least); }

// Applies `work` to each item, in a child. An item that blocks is skipped from then on. Returns how many succeeded.
template <typename Item, typename Work, typename Words>
std::size_t Release::work_through(const std::vector<Item>& all, Span longest, Work work, Words words) {
    std::vector<Item> items;
    for (const Item& item : all)
        if (!stuck_.contains(words(item)))
            items.push_back(item);
    SharedNotes notes;
    if (items.empty() || !notes)
        return 0;
    std::size_t from = 0;
    while (from < items.size() && left() > Span(0)) {
        pid_t straggler = 0;
        const Span limit = std::min(share(), longest);
        Outcome outcome = in_child(
            limit,
            [&] {
                for (notes->at = from; notes->at < items.size(); ++notes->at) {
                    notes->since = monotonic_now();
                    if (work(items[notes->at]))
                        ++notes->done;
                }
                return true;
            },
            &straggler);
        from = notes->at;
        if (outcome != Outcome::too_long || from >= items.size())
            break;
        // The list may be long although no item is slow: then go on from the current item.
        if ((monotonic_now() - notes->since) * 2 < limit)
            continue;
        std::string slow = words(items[from++]);
        say_(slow + " takes too long: going on without it");
        stuck_[std::move(slow)] = straggler;
    }
    return notes->done;
}

void Release::sync(Span longest) {
    pid_t straggler = 0;
    if (stuck_.contains("sync") || in_child(
                                       longest,
                                       [] {
                                           ::sync();
                                           return true;
                                       },
                                       &straggler) != Outcome::too_long)
        return;
    say_("sync takes too long: going on without it");
    stuck_["sync"] = straggler;
}

// Unmounts and detaches in rounds, as long as a round succeeds with something.
void Release::unmount_all() {
    for (int round = 0; round < 100 && left() > Span(0); ++round) {
        const std::vector<Mount> there = mounts();
        const Mount* root = mount_of("/", there);
        const Mount* keeper = kept_.empty() ? nullptr : mount_of(kept_, there);
        // Make it read-only first: a process in another mount namespace may have the file system mounted, too, and that
        // cannot be detected.
        auto work = [&](const Mount& mount) {
            const bool shared = keeper != nullptr &&
                                (mount.device == keeper->device || (root != nullptr && mount.device == root->device));
            if (!mount.read_only && !is_virtual(mount.type) && !may_hang(mount.type) && !shared)
                (void)make_read_only(mount);
            return ::umount2(mount.point.c_str(), UMOUNT_NOFOLLOW) == 0;
        };
        std::size_t done = work_through(to_unmount(there, kept_), patience, work, words_for);
        done += work_through(
            stacked_devices({}), patience, [](const std::string& name) { return detach(name); }, words_for_device);
        if (done == 0)
            return;
    }
}

// Forces the unmount of file systems whose server does not answer: they hold no data of ours, and must not delay the
// rest.
void Release::let_go_of_hanging() {
    std::vector<Mount> hanging;
    for (Mount& mount : to_unmount(mounts(), kept_))
        if (may_hang(mount.type))
            hanging.push_back(std::move(mount));
    for (const Mount& mount : hanging)
        if (auto at = stuck_.find(words_for(mount)); at != stuck_.end())
            let_go_.push_back(at->first + ": did not answer, and was let go of");
    for (const Mount& mount : hanging)
        stuck_.erase(words_for(mount));
    work_through(
        hanging, patience,
        [](const Mount& mount) { return ::umount2(mount.point.c_str(), MNT_FORCE | MNT_DETACH) == 0; }, words_for);
}

void Release::most() {
    sync(std::min(left() / 4, sync_patience));
    (void)in_child(std::min(left() / 6, patience), [&] { // those that were frozen since the shutdown began
        thaw(freezable_mounts(), [&](const Mount& mount) { say_(words_for(mount) + " was frozen"); });
        return true;
    });
    work_through(swaps(), left(), [](const std::string& area) { return ::swapoff(area.c_str()) == 0; }, words_for_swap);
    unmount_all();
    let_go_of_hanging();
    unmount_all(); // mounts below the hanging ones, or blocked by them
}

void Release::rest() {
    kept_.clear();
    deadline_ = end_;
    unmount_all();
    work_through(to_make_read_only(mounts()), patience, make_read_only, words_for);
    wait_for_stragglers();
    unmount_all(); // mounts that a writable mount kept busy
    if (const std::vector<Mount> writable = to_make_read_only(mounts()); !writable.empty() && left() > Span(0)) {
        // A process that cannot be killed has a file open for writing. The emergency remount (SysRq u) ignores open
        // files.
        say_("still writable: " + writable.front().point + "; asking the kernel for an emergency remount");
        (void)in_child(least, [] { return write_existing("/proc/sysrq-trigger", "u").has_value(); });
        for (Instant until = monotonic_now() + std::min(share(), patience);
             monotonic_now() < until && !to_make_read_only(mounts()).empty();)
            wait_for_a_child(std::chrono::milliseconds(50));
    }
    sync(share());
}

// An operation that seemed to hang may only be slow, such as a disk with much to write.
void Release::wait_for_stragglers() {
    bool said = false;
    for (const auto& [words, child] : stuck_) {
        while (child > 0 && running(child) && left() > least * 2) {
            if (!std::exchange(said, true))
                say_("waiting for " + words);
            wait_for_a_child(left() - least * 2);
        }
    }
    std::erase_if(stuck_, [](const auto& one) { return one.first != "sync" && !running(one.second); });
}

std::vector<std::string> Release::in_the_way() const {
    std::vector<std::string> lines = let_go_;
    for (const auto& [words, child] : stuck_)
        if (child > 0 && running(child)) {
            std::string channel = wait_channel(child);
            lines.push_back(words + ": does not come to its end" + (channel.empty() ? "" : ", waiting in " + channel));
        }
    const std::vector<Mount> there = mounts();
    std::vector<std::string> in_use;
    for (const Mount& mount : there)
        if (mount.point == "/" || (!kept_.empty() && lies_on(kept_, mount)))
            in_use.push_back(mount.source);
    for (const Mount& mount : to_make_read_only(there))
        if (kept_.empty() || !lies_on(kept_, mount))
            lines.push_back(words_for(mount) + ": still writable");
    for (const std::string& area : swaps())
        lines.push_back(words_for_swap(area) + ": still in use");
    for (const std::string& name : stacked_devices(in_use))
        lines.push_back(words_for_device(name) + ": still in use");
    return lines;
}

} // namespace mi::os
