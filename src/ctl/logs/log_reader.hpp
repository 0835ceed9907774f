// Reads log files: finds them, reads their lines forwards and backwards, and merges the lines of many units in time
// order. logs.hpp decides which lines to show, and how.
//
// Within a file the stamps never decrease, so a time is found by bisection; the files of a unit follow each other.
// Lines are merged by stamp, but always keep their order within a unit.
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

// One file up to a size that ends with a line end: lines written later are not part of it. `current` is opened when it
// is found; a rotated file, which never changes, when it is read. For a compressed file, sizes and positions are those
// of its text.
struct LogFile {
    std::string place; // the unit's directory
    std::string name;
    std::uint64_t device = 0, inode = 0;
    Fd file;
    std::int64_t size = 0;
    std::unique_ptr<PackedText> packed; // an open compressed file

    [[nodiscard]] bool current() const { return name == "current"; }
    // False: it does not exist any more, or we may not read it.
    bool open();
    void close();
    // Reads its text from `at` on; returns the number of bytes.
    std::size_t read(char* to, std::size_t count, std::int64_t at) const;
};

// The files of a unit, oldest first.
struct UnitLog {
    std::string unit;
    std::vector<LogFile> files;
};

// The units with a log in `directories` that match one of `patterns` (none: all), sorted by name. A directory that we
// may not read adds a line to `complaints`.
[[nodiscard]] std::vector<UnitLog> open_logs(const std::vector<std::string>& directories,
                                             const std::vector<std::string>& patterns,
                                             std::vector<std::string>& complaints);

// The files of one unit in one log directory: those after the one with that inode, or all if it is not found (then
// `known` is false).
[[nodiscard]] std::vector<LogFile> open_files(const std::string& place, std::uint64_t device = 0,
                                              std::uint64_t inode = 0, bool* known = nullptr);

// Two starts of lines in the file, close to each other: every line before the first is earlier than `at`, and no line
// from the second on is.
struct Around {
    std::int64_t before = 0, behind = 0;
};
[[nodiscard]] Around find_moment(const LogFile& file, WallTime at);

// Reads the lines of one file (which must outlive this) between two starts of lines, one after the other.
class Lines {
public:
    Lines(const LogFile& file, std::int64_t begin, std::int64_t end) : file_(&file), at_(begin), end_(end) {}
    // The next line without its line end, valid until the next call.
    std::optional<std::string_view> next();

private:
    const LogFile* file_;
    std::int64_t at_, end_; // position in the file after the buffer, and of the end
    std::string buffer_;
    std::size_t used_ = 0;
};

// The same from the last line to the first.
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

// A line and its origin. A line that is not in our format has the stamp of its neighbour, and the whole line as its
// text.
struct LogLine {
    std::string_view unit;
    wire::logs::Line line;
};

struct Range {
    std::optional<WallTime> since, until; // both inclusive
};

// Merges all lines of `logs` within the range in time order, or backwards.
class Merge {
public:
    // `logs` must outlive this; its rotated files are opened and closed.
    Merge(std::vector<UnitLog>& logs, const Range& range, bool backwards);
    // Valid until the next call.
    [[nodiscard]] std::optional<LogLine> next();

private:
    // The lines of one unit: the next one, and the position after it.
    struct Trail {
        UnitLog* log;
        std::size_t file; // number of files read; backwards: still to be read
        std::optional<Lines> lines;
        std::optional<LinesBackwards> backwards;
        wire::logs::Line line;
        WallTime key; // the stamp, made non-decreasing
        bool started = false;
    };
    bool advance(Trail& trail);
    bool open_next(Trail& trail);
    [[nodiscard]] bool later(std::size_t a, std::size_t b) const;

    Range range_;
    bool backwards_;
    std::vector<Trail> trails_;
    std::vector<std::size_t> heap_; // indices into trails_, as a heap with the next line on top
    std::optional<std::size_t> shown_;
};

} // namespace mi::ctl
