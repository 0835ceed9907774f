// The units whose lines are kept, and the place where that is: a log directory, or the ring in memory as long as
// there is none. Opens files when they get their first line, keeps the most recently used ones open, rotates them,
// and counts what could not be kept. What is written when, and how it survives a kill, is courier.hpp's.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/time.hpp"
#include "logd/shared.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd {

struct Unit {
    Limits limits;
    std::uint32_t users = 0;          // streams, and other holders of a reference
    std::uint32_t loss = 0;           // 1 + index of its row in Shared::losses
    bool forward = true;              // its lines go to the servers, too
    bool loss_reported = false;       // PID 1 knows that lines are being lost
    Fd file;                          // `current`, or none
    WallTime last;                    // stamp of its last line
    WallTime first;                   // and of the first in its file
    std::int64_t span = -1;           // of its rate-limit, since boot, in which
    std::uint32_t lines = 0;          // so many lines were taken
    std::int64_t clock_offset;        // as of its last line: see Shared::clock_offset
    std::list<Unit*>::iterator place; // among the open ones
    std::string_view name;            // the key under which it is kept
};

// A file as it is known again after a kill; the ring is device 0, inode 0, its size the ring's head.
struct Place {
    std::uint64_t device = 0, inode = 0, size = 0;
};

class Units {
public:
    // `most_open`: files kept open at the same time.
    Units(Shared& shared, std::size_t most_open);

    // Where files go from now on; none: the ring. Closes what is open in the old place.
    void use_directory(int directory);
    [[nodiscard]] bool in_memory() const { return directory_ < 0; }
    void use_limits(const Limits& limits) { limits_ = limits; }

    // The unit of that name, one user more; with `limits` if they are given.
    Unit& enter(std::string_view name, const Limits* limits = nullptr);
    // One user less; forgets it where it was the last and nothing is open.
    void leave(Unit& unit);

    // Makes sure that the unit's file is open (in memory: nothing to do), so that `last` is known.
    Result<> open(Unit& unit);
    // Where the next `size` bytes will land, after a rotation if they would make the file too large or `rotate_first`
    // says so.
    Result<Place> place(Unit& unit, std::uint64_t size, WallTime now, bool rotate_first);

    // Appends lines. `kept` is less than their size only with an errno, and counts whole lines: half a line is taken
    // back.
    struct Appended {
        std::size_t kept = 0;
        int code = 0;
    };
    Appended append(Unit& unit, std::string_view lines, const Place& at);
    // After a kill: whether `size` bytes at `at` are there; if not, all traces of them are gone afterwards.
    bool settled(Unit& unit, const Place& at, std::uint64_t size);

    // Counts lines of the unit that could not be kept (code: errno, 0: the ring was full).
    void count_loss(Unit& unit, std::uint64_t lines, int code);
    // Counts lines of the unit that were kept.
    void count_kept(const Unit& unit, std::uint64_t lines) { count_of(unit).lines += lines; }
    // Whether some have had lines since they were last asked for; up to most_counts of them.
    [[nodiscard]] bool has_counts() const { return !counts_.empty(); }
    [[nodiscard]] wire::logs::Counts take_counts();
    // The loss that the unit's log does not tell yet, or null.
    [[nodiscard]] Loss* loss_of(const Unit& unit) const;
    // It is told now.
    void clear_loss(Unit& unit);
    [[nodiscard]] bool has_losses() const;
    // Names of units with losses.
    [[nodiscard]] std::vector<std::string> losers() const;
    // What PID 1 should hear since the last call.
    std::vector<wire::logs::Dropped> take_reports() { return std::exchange(reports_, {}); }

    // Units of which files were rotated since the last call, and whether they are to be compressed.
    std::map<std::string, bool, std::less<>> take_rotated() { return std::exchange(rotated_, {}); }

    // The open file of a unit, -1: none.
    [[nodiscard]] static int file_of(const Unit& unit) { return unit.file.get(); }

private:
    wire::logs::Count& count_of(const Unit& unit);
    void close(Unit& unit);
    bool close_oldest();
    void mend_after_power_loss(int directory, const Unit& unit, WallTime last);
    Appended append_to_ring(Unit& unit, std::string_view lines);
    void drop_oldest_of_ring();

    Shared& shared_;
    std::size_t most_open_;
    std::uint64_t largest_file_ = UINT64_MAX; // RLIMIT_FSIZE: a log is rotated before it
    int directory_ = -1;
    Limits limits_;
    std::map<std::string, Unit, std::less<>> units_;
    std::list<Unit*> open_;                     // most recently used first
    std::set<std::string, std::less<>> mended_; // units whose files were looked at for gaps
    std::map<std::string, bool, std::less<>> rotated_;
    std::vector<wire::logs::Dropped> reports_;
    std::map<std::string, wire::logs::Count, std::less<>> counts_; // since they were last taken
};

// An entry of the ring.
struct RingEntry {
    std::string unit;
    std::string lines;
    std::uint64_t tail_after; // Ring::tail once it is taken out
    std::uint64_t count;      // of lines
};
// The oldest entry; the ring must not be empty.
[[nodiscard]] RingEntry oldest_of(const Ring& ring);

} // namespace mi::logd
