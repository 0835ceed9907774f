// Follows logs as they are written. Waits with inotify(7) instead of polling, and follows rotated files, new units, and
// logs that move to another directory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ctl/logs/log_reader.hpp"
#include "os/file/inotify.hpp"

namespace mi::ctl {

class Follower {
public:
    // Follows the units of `directories` that match `patterns`, from the ends of the files in `shown`.
    static Result<Follower> start(std::vector<std::string> directories, std::vector<std::string> patterns,
                                  const std::vector<UnitLog>& shown);

    // Waits until something may have been written.
    Result<> wait();
    // Passes the lines written since the last call to `use`, in time order.
    void read(const std::function<void(const LogLine&)>& use);
    // Readable when `wait` would return.
    [[nodiscard]] int descriptor() const { return inotify_->fd(); }

private:
    // A unit's directory, and the position up to which its files have been read.
    struct Place {
        std::string unit;
        Fd file; // empty: there is no file yet
        std::unique_ptr<PackedText> packed;
        std::uint64_t device = 0, inode = 0;
        std::int64_t at = 0;
    };
    // The last shown line of a unit, and its place. When logs move to another directory the same lines appear there
    // again: those up to this time have been shown.
    struct Last {
        WallTime at{INT64_MIN};
        std::string path;
    };
    struct Owned {
        std::string unit, text;
        wire::logs::Line line;
    };
    Follower(std::vector<std::string> directories, std::vector<std::string> patterns)
        : directories_(std::move(directories)), patterns_(std::move(patterns)) {}
    void look();
    void watch(const std::string& path);
    void read_place(const std::string& path, Place& place, std::vector<Owned>& lines);
    void read_file(const std::string& path, Place& place, std::vector<Owned>& lines);

    std::vector<std::string> directories_, patterns_;
    std::optional<os::Inotify> inotify_;
    std::map<int, std::string> watched_;  // paths by inotify watch descriptor
    std::map<std::string, Place> places_; // by path
    std::map<std::string, Last> last_;    // by unit
    std::set<std::string> changed_;       // paths of `places_`
};

} // namespace mi::ctl
