// The resource limits of setrlimit(2), with their names in a unit's `limits`.
#pragma once

#include <sys/resource.h>

#include <string_view>

namespace mi {

struct ResourceLimit {
    std::string_view name;
    int resource; // RLIMIT_*
    bool bytes;   // a size in bytes, not a count
};

inline constexpr ResourceLimit resource_limits[] = {
    {"as", RLIMIT_AS, true},           {"core", RLIMIT_CORE, true},
    {"cpu", RLIMIT_CPU, false},        {"data", RLIMIT_DATA, true},
    {"fsize", RLIMIT_FSIZE, true},     {"locks", RLIMIT_LOCKS, false},
    {"memlock", RLIMIT_MEMLOCK, true}, {"msgqueue", RLIMIT_MSGQUEUE, true},
    {"nice", RLIMIT_NICE, false},      {"nofile", RLIMIT_NOFILE, false},
    {"nproc", RLIMIT_NPROC, false},    {"rss", RLIMIT_RSS, true},
    {"rtprio", RLIMIT_RTPRIO, false},  {"rttime", RLIMIT_RTTIME, false},
    {"stack", RLIMIT_STACK, true},     {"sigpending", RLIMIT_SIGPENDING, false},
};

} // namespace mi
