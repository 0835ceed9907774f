// The last stage's letting go of storage: swap, mounts, loop and device-mapper devices. By process 1, when nothing runs
// any more.
#pragma once

#include "base/time.hpp"
#include "os/machine/shutdown.hpp"

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace mi::os {

// Whatever can hang is done in a child, and what takes too long is left to itself: all of it ends by `deadline`.
class Release {
public:
    // What `kept` (a path; may be empty) lies on stays as it is until rest(), so that there is a place to report to.
    Release(Instant deadline, std::string kept, const Say& say);

    // Syncs, thaws what is frozen, turns swap off, unmounts, innermost first, again and again while it gets anywhere, and
    // detaches loop and device-mapper devices. Mounts whose server does not answer are let go of.
    void most();
    // The same with what was kept; what stays busy is made read-only, the root included. Syncs.
    void rest();
    // What has stayed, or does not come to its end: `mount /x (ext4): still writable`. /proc, /sys, /dev and /run may.
    [[nodiscard]] std::vector<std::string> in_the_way() const;

private:
    [[nodiscard]] Span left() const;
    [[nodiscard]] Span share() const; // a fair part of what time is left, for one piece of work
    template <typename Item, typename Work, typename Words>
    std::size_t work_through(const std::vector<Item>& all, Span longest, Work work, Words words);
    void sync(Span longest);
    void thaw_all();
    void unmount_all();
    void let_go_of_hanging();
    void wait_for_stragglers();

    Instant end_;
    Instant deadline_; // of this part
    std::string kept_;
    const Say& say_;
    std::map<std::string, pid_t> stuck_; // and the child that is busy with it; 0: it has ended
    std::vector<std::string> let_go_;
};

} // namespace mi::os
