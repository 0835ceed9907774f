// A call on the control socket, and who makes it.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace mi::daemon {

// One call that waits for its answer. Never used twice.
enum class CallId : std::uint64_t {};

// Who is calling.
struct Caller {
    pid_t pid = 0; // 0: of another PID namespace
    uid_t uid = 0;
    gid_t gid = 0;
    bool may_act = false;
    bool more = false; // wants progress, not only the result
};

} // namespace mi::daemon
