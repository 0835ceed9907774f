// Waiting for the PID files of forking services, without looking twice at one that has not changed.
#pragma once

#include "base/result.hpp"
#include "core/record.hpp"
#include "daemon/kernel.hpp"
#include "os/file/inotify.hpp"
#include "os/mount/mounts.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mi::daemon {

class PidFiles {
public:
    // Readable when something happened in a directory that is waited for; -1 where inotify(7) is not to be had (then only
    // `candidates` after other events looks again).
    [[nodiscard]] int fd() const { return inotify_.fd(); }
    PidFiles(Kernel& kernel, os::HangingMounts& hanging);

    // `owner`: who may have written it besides root and us: the service's user.
    void await(core::UnitId unit, std::string path, std::optional<uid_t> owner);
    void forget(core::UnitId unit);
    // Takes what inotify has to say, and watches again what did not exist before.
    void drain();
    // Whom the files name, or why they cannot be believed at all (os::pid_in); whether it is a process of the service is
    // the caller's to find out.
    [[nodiscard]] std::vector<std::pair<core::UnitId, Result<pid_t>>> candidates();
    // Those whose files may hang are not among them, nor does inotify(7) tell of them: they are looked at from time to time,
    // by somebody else. Those whose time has come; they are asked for once, until `looked`.
    [[nodiscard]] std::vector<core::UnitId> to_look_at(Instant now);
    void looked(core::UnitId unit, Instant again);
    [[nodiscard]] Instant next_look() const;
    // Whether there is something to be said against a file, rather than to be waited for: it is neither missing nor empty.
    [[nodiscard]] static bool is_there(const Result<pid_t>& named);
    // Notes what is held against the unit's file; false where it is no more than last time.
    [[nodiscard]] bool is_news(core::UnitId unit, const std::string& doubt);

private:
    struct Awaited {
        std::string path;
        std::optional<uid_t> owner;
        std::string doubt{};
        bool apart = false; // it may hang
        Instant look_at{};  // if so
    };
    void watch(Awaited& awaited);

    Kernel& kernel_;
    os::HangingMounts& hanging_;
    os::Inotify inotify_;
    std::set<int> watches_; // of directories, as inotify numbers them
    std::map<core::UnitId, Awaited> waiting_;
};

} // namespace mi::daemon
