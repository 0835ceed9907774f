// Releases storage in the last stage: swap, mounts, loop and device-mapper devices. Process 1 calls this when no other
// process runs.
#pragma once

#include "base/time.hpp"
#include "os/machine/shutdown.hpp"
#include "os/mount/mounts.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mi::os {

// The mounts that may be of frozen file systems (fsfreeze(8)), as far as asking them cannot hang in a server.
[[nodiscard]] std::vector<Mount> freezable_mounts();
// Thaws what is frozen of them, all at once, because one that hangs says nothing about the others; each in a child. Waits for all
// of them (so this is for a child, too), and calls `thawed` for each that was frozen.
void thaw(const std::vector<Mount>& mounts, const std::function<void(const Mount&)>& thawed);

// Runs every operation that may hang in a child, and abandons one that takes too long: all of it ends by `deadline`.
class Release {
public:
    // The mount on which `kept` (a path; may be empty) lies stays until rest(), so that reports can still be written
    // there.
    Release(Instant deadline, std::string kept, const Say& say);

    // Syncs, thaws frozen file systems, turns swap off, unmounts (innermost first, repeated as long as it helps), and
    // detaches loop and device-mapper devices. File systems whose server does not answer are detached lazily
    // (umount2(2), MNT_DETACH).
    void most();
    // The same for `kept`; makes busy mounts read-only, the root included. Syncs.
    void rest();
    // The mounts that are still there or operations that have not ended: `mount /x (ext4): still writable`. /proc,
    // /sys, /dev and /run do not count.
    [[nodiscard]] std::vector<std::string> in_the_way() const;

private:
    [[nodiscard]] Span left() const;
    [[nodiscard]] Span share() const; // a fair part of the remaining time, for one operation
    template <typename Item, typename Work, typename Words>
    std::size_t work_through(const std::vector<Item>& all, Span longest, Work work, Words words);
    void sync(Span longest);
    void unmount_all();
    void let_go_of_hanging();
    void wait_for_stragglers();

    Instant end_;
    Instant deadline_; // of the present part
    std::string kept_;
    const Say& say_;
    std::map<std::string, pid_t> stuck_; // with the child that is busy with it; 0: the child has ended
    std::vector<std::string> let_go_;
};

} // namespace mi::os
