// Whose message it is: from the pid that the kernel vouches for to the unit that this process belongs to. By its cgroup;
// where there is none of ours, by the leader of its session or of an ancestor's.
//
// A process that has sent something may be gone when we look, and its number may be another's by then. So who has begun
// after the message was sent is not its sender; and what is known of a process is kept for a while, and is believed as
// long as the process is the same (its start says so) or as it is too early for the number to have come round again. A
// kernel that tells the cgroup of who is gone (os/process/pidfd.hpp) leaves no doubt.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.hpp"

namespace mi::logd {

class Senders {
public:
    // What stands before a unit's name in /proc/PID/cgroup; empty: there are no cgroups of ours.
    void use_cgroups(std::string prefix) { prefix_ = std::move(prefix); }
    // A process of `unit` that leads a session and has just been started, in a cgroup (by number; 0: none is known): one stream
    // of it more, and one less.
    void add(pid_t leader, std::uint64_t cgroup, std::string_view unit, Instant now);
    void remove(pid_t leader, std::uint64_t cgroup);

    // The unit of the process that sent something at `sent` (since boot), and is or was in that cgroup (0: not known); empty:
    // none, or it cannot be told any more. `now`: a moment that all messages of a batch share. Valid until the next call.
    [[nodiscard]] std::string_view unit_of(pid_t process, std::uint64_t cgroup, Instant now, Span sent);

private:
    struct Known {
        pid_t process = 0;
        std::uint64_t started = 0;
        Instant seen{}; // alive
        std::string unit;
    };
    // What streams are of.
    struct Owner {
        std::string unit;
        unsigned streams = 0;
    };
    template <typename Key>
    static void add_to(std::unordered_map<Key, Owner>& owners, Key key, std::string_view unit);
    template <typename Key>
    static void remove_from(std::unordered_map<Key, Owner>& owners, Key key);
    [[nodiscard]] bool by_cgroup(pid_t process, std::string& unit) const;

    std::string prefix_;
    std::unordered_map<pid_t, Owner> leaders_;
    std::unordered_map<std::uint64_t, Owner> by_number_; // of cgroups
    std::array<Known, 256> known_;                       // by the last bits of the number
};

} // namespace mi::logd
