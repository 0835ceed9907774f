#include "logd/mend.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/count.hpp"
#include "base/fd.hpp"
#include "base/read_at.hpp"
#include "wire/log_format.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

constexpr std::int64_t longest_line = logs::longest_prefix + logs::longest_text + 1;
constexpr std::int64_t sector = 512; // no disk writes less
constexpr std::int64_t least_looked_at = 64 * 1024, most_looked_at = 16 * 1024 * 1024, step = 1024 * 1024;

std::string read_range(int file, std::int64_t begin, std::int64_t end) {
    return read_at(file, static_cast<std::uint64_t>(begin),
                   static_cast<std::size_t>(std::max<std::int64_t>(0, end - begin)));
}

// Stamp of the last whole line in `tail`, which ends with a line end.
WallTime last_stamp(std::string_view tail) {
    tail.remove_suffix(1);
    std::size_t before = tail.rfind('\n');
    return logs::parse_stamp(tail.substr(before == tail.npos ? 0 : before + 1)).value_or(WallTime{});
}

// Where the file ends without the NULs at its end.
std::int64_t end_without_nuls(int file, std::int64_t size) {
    while (size > 0) {
        const std::int64_t begin = std::max<std::int64_t>(0, size - 64 * 1024);
        const std::string tail = read_range(file, begin, size);
        if (const std::size_t last = tail.find_last_not_of('\0'); last != tail.npos)
            return begin + static_cast<std::int64_t>(last) + 1;
        if (tail.empty())
            break;
        size = begin;
    }
    return size;
}

// A file looked at from some place on, a block at a time.
class View {
public:
    View(int file, std::int64_t size) : file_(file), size_(size) {}
    [[nodiscard]] int file() const { return file_; }
    [[nodiscard]] std::int64_t size() const { return size_; }
    // Some of what is at `at`, at least one byte; nothing at the file's end.
    std::string_view from(std::int64_t at) {
        if (at < begin_ || at >= begin_ + static_cast<std::int64_t>(block_.size())) {
            begin_ = at;
            block_ = read_range(file_, at, std::min(size_, at + 64 * 1024));
        }
        return std::string_view(block_).substr(static_cast<std::size_t>(at - begin_));
    }
    // Where `byte` is, from `at` on; the size: nowhere.
    std::int64_t find(char byte, std::int64_t at) {
        return seek(at, [byte](std::string_view text) { return text.find(byte); });
    }
    std::int64_t find_not(char byte, std::int64_t at) {
        return seek(at, [byte](std::string_view text) { return text.find_first_not_of(byte); });
    }
    // It was written to.
    void forget() { block_.clear(); }

private:
    template <typename Find>
    std::int64_t seek(std::int64_t at, Find&& find) {
        for (std::string_view text; !(text = from(at)).empty(); at += static_cast<std::int64_t>(text.size()))
            if (const std::size_t found = find(text); found != text.npos)
                return at + static_cast<std::int64_t>(found);
        return size_;
    }

    int file_;
    std::int64_t size_, begin_ = 0;
    std::string block_;
};

// The first stamp in a line that begins behind `at`, if there is one near.
WallTime stamp_behind(int file, std::int64_t at, std::int64_t size) {
    const std::string text = read_range(file, at, std::min(size, at + longest_line + std::int64_t{logs::stamp_size}));
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1))
        if (auto stamp = logs::parse_stamp(std::string_view(text).substr(end + 1)))
            return *stamp;
    return {};
}

// A line beginning: what is before it has long been on the disk, or is too much to look at.
std::int64_t begin_of_recent(View& view, WallTime last) {
    std::int64_t begin = std::max<std::int64_t>(0, view.size() - least_looked_at);
    while (begin > 0 && view.size() - begin < most_looked_at &&
           stamp_behind(view.file(), begin, view.size()).micros > last.micros - longest_unwritten)
        begin = std::max<std::int64_t>(0, begin - step);
    return begin == 0 ? 0 : std::min(view.size(), view.find('\n', begin) + 1);
}

std::string prefix_of(WallTime at) {
    char stamp[logs::stamp_size], prefix[logs::longest_prefix];
    logs::write_stamp(at, stamp);
    return {prefix,
            logs::write_prefix({stamp, sizeof stamp}, logs::Priority::warning, logs::Source::init, false, prefix)};
}

// Whole lines with that prefix and `text` in the first, exactly `size` bytes of them; blanks fill them.
std::string lines_of(const std::string& prefix, std::string_view text, std::size_t size) {
    std::string lines;
    while (lines.size() < size) {
        std::size_t length = std::min(size - lines.size(), std::size_t{longest_line});
        // What is left over must be a line, too.
        if (const std::size_t left = size - lines.size() - length; left > 0 && left <= prefix.size())
            length -= prefix.size() + 1;
        std::string line = prefix + std::string(std::exchange(text, {}));
        line.resize(length - 1, ' ');
        lines += line + '\n';
    }
    return lines;
}

// What stands in the gap from now on, `size` bytes of it; nothing where that is too few for a line. `rest`: the end of a
// line that began in the gap comes right behind it.
std::string filling(std::int64_t size, std::int64_t lost, WallTime at, bool rest) {
    const std::string prefix = prefix_of(at);
    const std::string count = counted(lost, "byte is", "bytes are");
    const std::string text = count + " lost here: the machine went down before they were on its disk";
    const auto room = static_cast<std::size_t>(size);
    const std::string end_of_line = prefix + "the end of a lost line: ";
    if (!rest)
        return room > prefix.size() + 5 ? lines_of(prefix, room > prefix.size() + text.size() ? text : "lost", room)
                                        : std::string();
    if (room > end_of_line.size() + prefix.size() + text.size())
        return lines_of(prefix, text, room - end_of_line.size()) + end_of_line;
    if (room < prefix.size() + 5)
        return {};
    std::string line = prefix + "lost: ";
    if (room > prefix.size() + count.size() + 12)
        line = prefix + count + " lost here: ";
    line.resize(room, ' ');
    return line;
}

bool write_at(int file, std::string_view text, std::int64_t at) {
    while (!text.empty()) {
        ssize_t n = ::pwrite(file, text.data(), text.size(), at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(n));
        at += n;
    }
    return true;
}

// `begin` to `end` are NULs that are none of a service.
bool fill(View& view, int writer, std::int64_t begin, std::int64_t end) {
    const std::int64_t looked = std::max<std::int64_t>(0, begin - 2 * longest_line);
    const std::string before = read_range(view.file(), looked, begin);
    const std::size_t line_end = before.rfind('\n');
    const std::size_t line = line_end == before.npos ? 0 : line_end + 1;
    const std::string_view torn = std::string_view(before).substr(line);
    WallTime at = logs::parse_stamp(torn).value_or(WallTime{});
    std::string filled;
    if (!torn.empty() && logs::parse_line(torn))
        filled = "\n"; // its beginning is whole
    else if (line_end != before.npos || looked == 0)
        begin -= static_cast<std::int64_t>(torn.size());
    if (at == WallTime{} && line > 0)
        at = last_stamp(std::string_view(before).substr(0, line));
    const std::string behind = read_range(view.file(), end, std::min(view.size(), end + longest_line));
    const std::size_t rest = behind.find('\n');
    const bool whole = rest != behind.npos && logs::parse_line(std::string_view(behind).substr(0, rest)).has_value();
    if (at == WallTime{})
        at = stamp_behind(view.file(), end, view.size());
    const std::int64_t room = end - begin - static_cast<std::int64_t>(filled.size());
    const std::string lines = filling(room, end - begin, at, !whole);
    if (!lines.empty())
        return write_at(writer, filled + lines, begin);
    // Too few bytes for a line: they go to the end of the line before.
    filled.assign(static_cast<std::size_t>(end - begin), '~');
    if (whole)
        filled.back() = '\n';
    if (begin > 0) {
        filled.insert(filled.begin(), ' ');
        --begin;
    }
    return write_at(writer, filled, begin);
}

// Ends the torn line that begins at `begin`, and marks it as one whose original has no end here. One write, so that another loss
// of power leaves the line torn as it was, or marked; the file is for appending, which is not where the mark goes.
bool end_marked(int file, std::string_view torn, std::int64_t begin) {
    const std::size_t colon = torn.find(':', logs::stamp_size);
    std::string rest(torn.substr(std::min(colon, torn.size())));
    if (colon != torn.npos && torn[colon - 1] != '+')
        rest.insert(rest.begin(), '+');
    rest += '\n';
    const int flags = ::fcntl(file, F_GETFL);
    if (flags < 0 || ::fcntl(file, F_SETFL, flags & ~O_APPEND) < 0)
        return false;
    const bool written = write_at(file, rest, begin + static_cast<std::int64_t>(std::min(colon, torn.size())));
    return ::fcntl(file, F_SETFL, flags) == 0 && written;
}

} // namespace

Result<WallTime> mend_end(int file) {
    struct stat status{};
    if (::fstat(file, &status) < 0)
        return fault(errno, "look at log file");
    if (!S_ISREG(status.st_mode))
        return fault(EINVAL, "use as log file");
    std::int64_t size = status.st_size;
    if (size > 0 && read_range(file, size - 1, size) == std::string_view("\0", 1)) {
        size = end_without_nuls(file, size);
        if (::ftruncate(file, size) < 0)
            return fault(errno, "truncate torn line of log file");
    }
    if (size == 0)
        return WallTime{};
    // A line is nearly always short, so look at little first.
    for (std::int64_t look : {std::int64_t{2048}, 2 * longest_line}) {
        const std::string tail = read_range(file, std::max<std::int64_t>(0, size - look), size);
        if (tail.ends_with('\n') && (tail.rfind('\n', tail.size() - 2) != tail.npos || look > 2048))
            return last_stamp(tail);
        if (look == 2048)
            continue;
        const std::size_t end = tail.rfind('\n');
        const std::size_t begin = end == tail.npos ? 0 : end + 1;
        const std::string_view torn = std::string_view(tail).substr(begin);
        const bool ours = logs::parse_line(torn).has_value(), whole_beginning = begin == 0 || ours;
        if (!whole_beginning && ::ftruncate(file, size - static_cast<std::int64_t>(torn.size())) < 0)
            return fault(errno, "truncate torn line of log file");
        if (whole_beginning && !(ours ? end_marked(file, torn, size - static_cast<std::int64_t>(torn.size()))
                                      : ::write(file, "\n", 1) == 1))
            return fault(errno, "end torn line of log file");
        auto stamp = logs::parse_stamp(torn);
        if (whole_beginning && stamp)
            return *stamp;
        return begin == 0 ? WallTime{} : last_stamp(std::string_view(tail).substr(0, begin));
    }
    return WallTime{};
}

void mend_gaps(int directory, const std::string& name, WallTime last) {
    // Appending is what another descriptor of the file is for: this one writes into the middle.
    Fd file(::openat(directory, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode))
        return;
    View view(file.get(), status.st_size);
    for (std::int64_t at = view.find('\0', begin_of_recent(view, last)); at < view.size(); at = view.find('\0', at)) {
        const std::int64_t begin = at;
        at = view.find_not('\0', begin);
        if (at == view.size())
            return;
        const bool instead_of_line = begin == 0 || read_range(file.get(), begin - 1, begin) == "\n";
        if (!instead_of_line && (begin % sector != 0 || at % sector != 0))
            continue;
        if (!fill(view, file.get(), begin, at))
            return;
        view.forget();
    }
}

} // namespace mi::logd
