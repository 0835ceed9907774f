// Whose each child of ours is: the subsystem that made it hears of its end, and no other is asked.
#pragma once

#include <sys/types.h>

#include <unordered_map>

namespace mi::daemon {

class Subsystem;

class Children {
public:
    // `pid` has just been made: its end is `owner`'s to hear of.
    void expect(pid_t pid, Subsystem& owner) { owners_[pid] = &owner; }
    // The owner of a child that has ended, which is none of ours any more; null: nothing of ours has made it, it is an orphan.
    [[nodiscard]] Subsystem* take(pid_t pid) {
        auto owner = owners_.extract(pid);
        return owner.empty() ? nullptr : owner.mapped();
    }

private:
    std::unordered_map<pid_t, Subsystem*> owners_;
};

} // namespace mi::daemon
