// Reading log files: which there are, their lines forwards and backwards, those of many units merged in time order.
// What is shown of them, and how, is logs.hpp's.
//
// Within a file stamps never go back, so a moment is found by bisection; the files of a unit follow each other. Lines
// are merged by stamp, but never out of the order they have in their unit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ctl/logs/packed_text.hpp"
#include "wire/log_format.hpp"

namespace mi::ctl {

// One file up to a size that ends with a line end: what is written later is not part of it. `current` is opened when
// it is found; a rotated one, which does not change, when its turn comes. Of a compressed one everything is about its text.
struct LogFile {
    std::string place; // the directory of the unit
    std::string name;
    std::uint64_t device = 0, inode = 0;
    Fd file;
    std::int64_t size = 0;
    std::unique_ptr<PackedText> packed; // an open one that is compressed

    [[nodiscard]] bool current() const { return name == "current"; }
    // False: it is not there any more, or may not be read.
    bool open();
    void close();
    // Its text from `at` on: how many bytes there were.
    std::size_t read(char* to, std::size_t count, std::int64_t at) const;
};

// The files of a unit, oldest first.
struct UnitLog {
    std::string unit;
    std::vector<LogFile> files;
};

// The units that have a log in `directories` and match one of `patterns` (none: all), by name. A directory that may
// not be read gets a line in `complaints`.
[[nodiscard]] std::vector<UnitLog> open_logs(const std::vector<std::string>& directories,
                                             const std::vector<std::string>& patterns,
                                             std::vector<std::string>& complaints);

// The files of one unit in one log directory: those after the one with that inode, or (not `known`) all.
[[nodiscard]] std::vector<LogFile> open_files(const std::string& place, std::uint64_t device = 0,
                                              std::uint64_t inode = 0, bool* known = nullptr);

// Whether `name` matches a shell pattern of `*`, `?` and `[…]`.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

// Two line beginnings in the file, near each other: every line before the first is earlier than `at`, every one from
// the second on is not.
struct Around {
    std::int64_t before = 0, behind = 0;
};
[[nodiscard]] Around find_moment(const LogFile& file, WallTime at);

// The lines of one file, which must outlive this, between two line beginnings, one after the other.
class Lines {
public:
    Lines(const LogFile& file, std::int64_t begin, std::int64_t end) : file_(&file), at_(begin), end_(end) {}
    // The next line without its line end; it stays valid until the next call.
    std::optional<std::string_view> next();

private:
    const LogFile* file_;
    std::int64_t at_, end_; // in the file, of what is not in the buffer yet
    std::string buffer_;
    std::size_t used_ = 0;
};

// The same, the last one first.
class LinesBackwards {
public:
    LinesBackwards(const LogFile& file, std::int64_t begin, std::int64_t end) : file_(&file), begin_(begin), at_(end) {}
    std::optional<std::string_view> next();

private:
    const LogFile* file_;
    std::int64_t begin_, at_;
    std::string buffer_;
    std::size_t left_ = 0;
};

// A line and where it is from. One that is not in our format has the stamp of its neighbour and the whole as its text.
struct LogLine {
    std::string_view unit;
    wire::logs::Line line;
};

struct Range {
    std::optional<WallTime> since, until; // both included
};

// All lines of `logs` within the range, merged in time order, or backwards.
class Merge {
public:
    // `logs` must outlive this; rotated files in it are opened and closed.
    Merge(std::vector<UnitLog>& logs, const Range& range, bool backwards);
    // Valid until the next call.
    [[nodiscard]] std::optional<LogLine> next();

private:
    // One unit's lines: the next one, and where to go on.
    struct Trail {
        UnitLog* log;
        std::size_t file; // how many are behind us; backwards: ahead of us
        std::optional<Lines> lines;
        std::optional<LinesBackwards> backwards;
        wire::logs::Line line;
        WallTime key; // the stamp, but never out of order
        bool started = false;
    };
    bool advance(Trail& trail);
    bool open_next(Trail& trail);
    [[nodiscard]] bool later(std::size_t a, std::size_t b) const;

    Range range_;
    bool backwards_;
    std::vector<Trail> trails_;
    std::vector<std::size_t> heap_; // of indices into trails_, the one that is next on top
    std::optional<std::size_t> shown_;
};

} // namespace mi::ctl
