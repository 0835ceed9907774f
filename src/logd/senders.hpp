// Whose message it is: from the pid that the kernel vouches for to the unit that this process belongs to. By its cgroup;
// where there is none of ours, by the leader of its session or of an ancestor's.
//
// A process that has sent something may be gone when we look, and its number may be another's by then. So who has begun
// after the message was sent is not its sender; and what is known of a process is kept for a while, and is believed as
// long as the process is the same (its start says so) or as it is too early for the number to have come round again.
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
    // A process of `unit` that leads a session; one stream of it more, and one less.
    void add_leader(pid_t process, std::string_view unit);
    void remove_leader(pid_t process);

    // The unit of the process that sent something at `sent` (since boot); empty: none, or nobody can tell any more. `now`: a
    // moment that all messages of a batch share. Valid until the next call.
    [[nodiscard]] std::string_view unit_of(pid_t process, Instant now, Span sent);

private:
    struct Known {
        pid_t process = 0;
        std::uint64_t started = 0;
        Instant seen{}; // alive
        std::string unit;
    };
    struct Leader {
        std::string unit;
        unsigned streams = 0;
    };
    [[nodiscard]] bool by_cgroup(pid_t process, std::string& unit) const;

    std::string prefix_;
    std::unordered_map<pid_t, Leader> leaders_;
    std::array<Known, 256> known_; // by the last bits of the number
};

} // namespace mi::logd
