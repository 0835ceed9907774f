// Lines as they are written: waits with inotify(7), never by looking again and again, and follows files through
// rotation, units that appear, and logs that move from one directory to another.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ctl/logs/log_reader.hpp"

namespace mi::ctl {

class Follower {
public:
    // Follows the units of `directories` that match `patterns`, from the ends of the files in `shown` on.
    static Result<Follower> start(std::vector<std::string> directories, std::vector<std::string> patterns,
                                  const std::vector<UnitLog>& shown);

    // Waits until something may have been written.
    Result<> wait();
    // Hands over what was written since the last call, in time order.
    void read(const std::function<void(const LogLine&)>& use);
    // Readable when `wait` would return.
    [[nodiscard]] int descriptor() const { return inotify_.get(); }

private:
    // A unit's directory, and how far its files have been read.
    struct Place {
        std::string unit;
        Fd file; // none: it has none yet
        std::unique_ptr<PackedText> packed;
        std::uint64_t device = 0, inode = 0;
        std::int64_t at = 0;
    };
    // The last line shown of a unit, and its place. When logs move to another directory the lines come by again
    // there: those up to this moment are known.
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
    Fd inotify_;
    std::map<int, std::string> watched_;  // paths by watch descriptor
    std::map<std::string, Place> places_; // by path
    std::map<std::string, Last> last_;    // by unit
    std::set<std::string> changed_;       // paths of places
};

} // namespace mi::ctl
