// Which log directory is in use, and moving what lies elsewhere into it: from the ring, from a directory that was
// used before a better one became writable. Lines of a unit keep their order, and each is moved exactly once even if
// this process is killed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "logd/courier.hpp"
#include "logd/units.hpp"

namespace mi::logd {

class Storage {
public:
    // `progress` is called again and again while files are moved, which may take long.
    Storage(Shared& shared, Units& units, Courier& courier, std::function<void()> progress)
        : shared_(shared), units_(units), courier_(courier), progress_(std::move(progress)) {}

    // The directories to use, best first. The first time also finishes what an earlier collector had in flight, in the
    // directory that one used. A Fault means that the estate is unusable.
    Result<> configure(const std::vector<std::string>& directories);

    // Looks for a better directory than the present one, changes to it and moves everything there. Without success
    // everything stays as it was, and `unfinished` says whether it is worth another try (what is there could not be
    // moved).
    void look();
    [[nodiscard]] bool unfinished() const { return unfinished_; }

    // The directory in use, -1: memory.
    [[nodiscard]] int directory() const { return directory_.get(); }
    // Its index, -1: memory.
    [[nodiscard]] int rank() const { return rank_; }
    [[nodiscard]] std::string path() const {
        return rank_ < 0 ? std::string() : directories_[static_cast<std::size_t>(rank_)];
    }

private:
    Result<> finish_move();
    void use(int rank, int directory);
    bool gather(int old_directory);
    bool move_directory(int from);
    bool move_unit(int from, const std::string& name);
    bool move_file(int from, const std::string& name, Unit& unit);
    bool copy(int from, int to) const;
    bool drain_ring();
    void note(Unit& unit, const Place& place, std::uint64_t size);

    Shared& shared_;
    Units& units_;
    Courier& courier_;
    std::function<void()> progress_;
    std::vector<std::string> directories_;
    bool started_ = false;
    bool unfinished_ = false;
    int rank_ = -1;
    Fd directory_; // none: memory
};

} // namespace mi::logd
