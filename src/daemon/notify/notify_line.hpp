// Where the processes of one run of a unit speak to us (NOTIFY_SOCKET). Each run has a socket of its own: so a message tells
// its unit even when its sender is gone by the time it is read, one service cannot crowd out another's messages, and what is
// left of an earlier run cannot speak for this one.
#pragma once

#include "core/unit.hpp"
#include "loop/loop.hpp"
#include "os/socket/notify_socket.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mi::daemon {

struct NotifyLine {
    static constexpr std::size_t most_unread = 1024; // messages: more than a queue holds

    // What is complained of, each at most once a run: a service that errs may err a thousand times a second.
    enum Complaint : unsigned { stranger = 1, too_long = 2, cut = 4, bad_main_pid = 8, store_full = 16, shut = 32 };

    NotifyLine(os::NotifySocket bound, std::string where, uid_t as)
        : socket(std::move(bound)), path(std::move(where)), user(as) {}
    NotifyLine(const NotifyLine&) = delete;
    NotifyLine& operator=(const NotifyLine&) = delete;
    ~NotifyLine() { ::unlink(path.c_str()); } // gone already: as well

    os::NotifySocket socket;
    std::string path;
    uid_t user; // whom its processes begin as
    std::unique_ptr<loop::Watch> watch;
    std::optional<core::NotifyAccess> access; // NOTIFYACCESS=
    std::vector<pid_t> believed;              // in this turn, after a look at who they are
    std::uint64_t turn = 0;                   // the last one in which something was read
    Instant heard_since{};                    // when the count of what was heard began
    std::size_t heard = 0;                    // messages and descriptors since then
    bool paused = false;                      // enough for now
    unsigned complaints = 0;
};

} // namespace mi::daemon
