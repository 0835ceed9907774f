// Walks a path that a unit names (spawn/walk.hpp) for PID 1, and stops before a file system that may hang.
//
// Why PID 1 touches only what it has checked: a user may mount a FUSE file system over any directory of his own at any
// moment (fusermount(1)), also after we have read the mount table and before we touch the path. So the path is walked
// one component at a time. Each is opened with O_PATH, which sends no request to a FUSE server, and with
// RESOLVE_NO_XDEV, which refuses to enter another mount. At a mount, the walk looks up in the mount table which file
// system is mounted there; then it opens it with O_PATH, and looks up the mount of that descriptor in the table again.
// From there on only that descriptor is used. A mount that is put over the directory later covers the name and not the
// descriptor.
//
// Limits: before Linux 5.6 there is no openat2(2), and the mount table alone decides. Only root can mount a network
// file system, where opening with O_PATH may ask the server: if root mounts one in the same moment, PID 1 may wait for
// it. The table does not show what a local file system depends on (a disk that does not answer, an overlay on NFS).
#pragma once

#include "os/mount/mounts.hpp"
#include "os/spawn/walk.hpp"

#include <optional>
#include <string>

namespace mi::os {

// A path that was not touched, and why.
struct Untouched {
    std::string path;
    HangingMount on{}; // that it lies on, or
    std::string why{}; // another reason, in words: "somebody holds a lease on it"
    // "it lies on FUSE file system /mnt (fuse.sshfs)"
    [[nodiscard]] std::string text() const;
};

class MountJudge {
public:
    // Null: enter every file system.
    explicit MountJudge(HangingMounts* hanging) : hanging_(hanging) {}

    // walk() and open_walked() of walk.hpp. -EXDEV: the path was not touched, and `untouched` says why; from then on
    // every call returns that.
    long walk(const std::string& path, Walked& found, WalkRules rules);
    long open(const std::string& path, int flags, WalkRules rules, int start = -100 /* AT_FDCWD */);

    // The first path that was not touched because it may hang.
    [[nodiscard]] const std::optional<Untouched>& untouched() const { return untouched_; }
    void leave_untouched(Untouched what) { untouched_ = std::move(what); }
    // False: no path is refused, so a walk may take any time.
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
