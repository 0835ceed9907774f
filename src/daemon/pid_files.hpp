// Waiting for the PID files of forking services, without looking twice at one that has not changed.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "core/record.hpp"

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
    [[nodiscard]] int fd() const { return inotify_.get(); }
    PidFiles();

    // `owner`: who may have written it besides root and us: the service's user.
    void await(core::UnitId unit, std::string path, std::optional<uid_t> owner);
    void forget(core::UnitId unit);
    [[nodiscard]] bool any() const { return !waiting_.empty(); }
    // Takes what inotify has to say, and watches again what did not exist before.
    void drain();
    // Whom the files name, or why they cannot be believed at all (os::read_pid_file); whether it is a process of the
    // service is the caller's to find out. Those that are not there yet, or empty yet, are left out.
    [[nodiscard]] std::vector<std::pair<core::UnitId, Result<pid_t>>> candidates() const;
    // Notes what is held against the unit's file; false where it is no more than last time.
    [[nodiscard]] bool is_news(core::UnitId unit, const std::string& doubt);
    void renumber(const std::function<core::UnitId(core::UnitId)>& fresh);

private:
    void watch(const std::string& path);
    void read_all();
    struct Awaited {
        std::string path;
        std::optional<uid_t> owner;
        std::string doubt{};
    };
    Fd inotify_;
    std::set<int> watches_; // of directories, as inotify numbers them
    std::map<core::UnitId, Awaited> waiting_;
};

} // namespace mi::daemon
