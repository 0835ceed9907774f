// Root's walk of a path that a unit names (spawn/walk.hpp), for PID 1: it stops before a file system that may hang.
//
// What was judged is what is touched. A user may mount a FUSE file system over any directory of his at any moment
// (fusermount), also between a look at the mount table and the touch. So the path is walked one component at a time, each opened
// with O_PATH, which asks no FUSE server, and in a way that refuses to enter another mount (RESOLVE_NO_XDEV). Where a mount
// is met, the mount table is asked what is mounted there; then it is opened with O_PATH, and the table is asked again, for
// the mount that this descriptor is of. Only that descriptor is used from there on. A mount that is put over the directory
// later covers the name and not the descriptor.
//
// What remains: before Linux 5.6 there is no openat2(2), and the mount table alone decides. Only root can mount a network's
// file system, of which opening with O_PATH may ask the server: if he does so in the same moment, PID 1 may wait for it. And
// whatever waits below a local file system (a disk that does not answer, an overlay on NFS) is not to be seen in the table.
#pragma once

#include "os/mount/mounts.hpp"
#include "os/spawn/walk.hpp"

#include <optional>
#include <string>

namespace mi::os {

// What was not touched, and why.
struct Untouched {
    std::string path;
    HangingMount on; // no type: somebody holds a lease on the file
    // "it lies on FUSE file system /mnt (fuse.sshfs)"
    [[nodiscard]] std::string text() const;
};

class MountJudge {
public:
    // Null: every file system is entered.
    explicit MountJudge(HangingMounts* hanging) : hanging_(hanging) {}

    // walk() and open_walked() of walk.hpp; -EXDEV: `untouched` says why not. From then on nothing is touched any more.
    long walk(const std::string& path, Walked& found, WalkRules rules);
    long open(const std::string& path, int flags, WalkRules rules, int start = -100 /* AT_FDCWD */);

    // The first path that was not touched, as it may hang.
    [[nodiscard]] const std::optional<Untouched>& untouched() const { return untouched_; }
    void leave_untouched(Untouched what) { untouched_ = std::move(what); }
    // Whether there is anything to be told: else it may take as long as it likes.
    [[nodiscard]] bool may_refuse() const { return hanging_ != nullptr; }

private:
    bool may_not_begin(const std::string& path);
    WalkRules with_judge(WalkRules rules);
    long judged(const std::string& path, long code);
    static long enter_mount(void* self, int above, const char* name);

    HangingMounts* hanging_;
    std::optional<HangingMount> met_;
    std::optional<Untouched> untouched_;
};

} // namespace mi::os
