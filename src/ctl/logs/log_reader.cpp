#include "ctl/logs/log_reader.hpp"

#include "base/directory.hpp"
#include "base/glob.hpp"
#include "base/read_at.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

namespace mi::ctl {
namespace {

namespace logs = wire::logs;

// Bytes to read at once: many units are open at the same time, and a line is short.
constexpr std::int64_t block = 32 * 1024;

// Gets the names in a directory, sorted; returns 0 or an errno.
int list(const std::string& path, std::vector<std::string>& names) {
    auto entries = list_directory(path);
    if (!entries)
        return entries.error().code;
    for (DirectoryEntry& entry : *entries)
        if (!entry.hidden())
            names.push_back(std::move(entry.name));
    std::sort(names.begin(), names.end());
    return 0;
}

// The time of rotation in the name of a rotated file, compressed or not.
std::optional<WallTime> rotation_of(std::string_view name) {
    const auto rotated = logs::parse_rotated_name(name);
    return rotated ? rotated : logs::parse_packed_name(name);
}

// The end of the last complete line; a line that is being written, or torn, is not read.
std::int64_t whole_lines(const LogFile& file, std::int64_t size) {
    std::string buffer;
    for (std::int64_t end = size; end > 0;) {
        std::int64_t begin = std::max<std::int64_t>(0, end - block);
        buffer.resize(static_cast<std::size_t>(end - begin));
        buffer.resize(file.read(buffer.data(), buffer.size(), begin));
        if (std::size_t at = buffer.rfind('\n'); at != buffer.npos)
            return begin + static_cast<std::int64_t>(at) + 1;
        end = begin;
    }
    return 0;
}

// A line that is not in our format: a mark of damage gets a high priority; any other text is shown unchanged.
logs::Line foreign_line(WallTime at, std::string_view text) {
    if (text.starts_with(PackedText::damage_mark))
        return {at, logs::Priority::err, logs::Source::init, false, text};
    return {at, logs::Priority::info, logs::Source::out, false, text};
}

} // namespace

bool LogFile::open() {
    constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    struct stat status{};
    if (!file)
        file = Fd(::open((place + "/" + name).c_str(), flags));
    if (!file && errno == ENOENT && logs::parse_rotated_name(name)) { // it was compressed meanwhile
        name = logs::packed_name(name);
        file = Fd(::open((place + "/" + name).c_str(), flags));
    }
    if (!file || ::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    device = status.st_dev;
    inode = status.st_ino;
    if (logs::parse_packed_name(name))
        packed = std::make_unique<PackedText>(file.get(), name);
    size = whole_lines(*this, packed ? packed->size() : status.st_size);
    return true;
}

void LogFile::close() {
    packed.reset();
    file.reset();
}

std::size_t LogFile::read(char* to, std::size_t count, std::int64_t at) const {
    if (packed)
        return packed->read(to, count, at);
    return read_at(file.get(), static_cast<std::uint64_t>(at), {to, count});
}

std::vector<LogFile> open_files(const std::string& place, std::uint64_t device, std::uint64_t inode, bool* known) {
    // Open `current` before listing the others: if it is rotated meanwhile, it is found twice instead of not at all.
    LogFile current{place, "current", 0, 0, Fd(), 0, {}};
    const bool has_current = current.open();
    std::vector<LogFile> files;
    std::vector<std::string> names;
    if (list(place, names) != 0)
        return files;
    for (const std::string& name : names) {
        struct stat status{};
        const auto rotated = rotation_of(name);
        if (!rotated || ::lstat((place + "/" + name).c_str(), &status) < 0 || !S_ISREG(status.st_mode) ||
            (has_current && status.st_ino == current.inode))
            continue;
        // While a file is compressed both forms exist: one is enough.
        if (files.empty() || rotation_of(files.back().name) != rotated)
            files.push_back({place, name, status.st_dev, status.st_ino, Fd(), 0, {}});
    }
    if (has_current)
        files.push_back(std::move(current));
    // Search from the newest file, because inode numbers are reused soon. The file that is searched for is held open,
    // or was until it was compressed.
    std::size_t after = files.size();
    for (; inode != 0 && after > 0; --after) {
        LogFile& file = files[after - 1];
        if (file.device == device && (file.inode == inode || (logs::parse_packed_name(file.name) && file.open() &&
                                                              file.packed->former_inode() == inode)))
            break;
        if (!file.current())
            file.close();
    }
    after = inode == 0 ? 0 : after;
    if (known != nullptr)
        *known = after > 0;
    files.erase(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(after));
    return files;
}

std::vector<UnitLog> open_logs(const std::vector<std::string>& directories, const std::vector<std::string>& patterns,
                               std::vector<std::string>& complaints) {
    std::map<std::string, UnitLog> found;
    auto wanted = [&](const std::string& unit) {
        return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
                   return matches_pattern(unit, pattern);
               });
    };
    for (const std::string& directory : directories) {
        std::vector<std::string> names;
        if (int code = list(directory, names); code != 0 && code != ENOENT)
            complaints.push_back(Fault{code, "read", directory}.text());
        for (const std::string& name : names) {
            const std::string unit = logs::unit_of_directory(name), place = directory + "/" + name;
            if (!wanted(unit))
                continue;
            std::vector<LogFile> files = open_files(place);
            struct stat status{};
            if (::stat((place + "/current").c_str(), &status) == 0 && ::access((place + "/current").c_str(), R_OK) < 0)
                complaints.push_back(Fault{errno, "read", place}.text());
            if (files.empty())
                continue;
            UnitLog& log = found[unit];
            log.unit = unit;
            std::move(files.begin(), files.end(), std::back_inserter(log.files));
        }
    }
    std::vector<UnitLog> all;
    for (auto& [name, log] : found)
        all.push_back(std::move(log));
    return all;
}

Around find_moment(const LogFile& file, WallTime at) {
    Around around{0, file.size};
    while (around.behind - around.before > block) {
        // The first line with a stamp that begins after the middle.
        const std::int64_t middle = around.before + (around.behind - around.before) / 2;
        Lines lines(file, middle, around.behind);
        std::int64_t begin = middle;
        std::optional<WallTime> stamp;
        while (auto line = lines.next()) {
            if (begin > middle)
                stamp = logs::parse_stamp(*line);
            if (stamp)
                break;
            begin += static_cast<std::int64_t>(line->size()) + 1;
        }
        if (stamp && *stamp < at)
            around.before = begin;
        else if (stamp && begin < around.behind)
            around.behind = begin;
        else
            break; // one very long line: this is near enough
    }
    return around;
}

std::optional<std::string_view> Lines::next() {
    for (std::size_t looked = used_;;) {
        // NOLINTNEXTLINE(bugprone-not-null-terminated-result): a byte is looked for, not the end of a string
        const void* end = std::memchr(buffer_.data() + looked, '\n', buffer_.size() - looked);
        if (end != nullptr) {
            std::string_view line(buffer_.data() + used_, static_cast<const char*>(end));
            used_ += line.size() + 1;
            return line;
        }
        if (at_ >= end_)
            return std::nullopt;
        buffer_.erase(0, std::exchange(used_, 0));
        looked = buffer_.size();
        const std::int64_t size = std::min(block, end_ - at_);
        buffer_.resize(looked + static_cast<std::size_t>(size));
        const std::size_t got = file_->read(buffer_.data() + looked, static_cast<std::size_t>(size), at_);
        buffer_.resize(looked + got);
        at_ = got == 0 ? end_ : at_ + static_cast<std::int64_t>(got); // a file that has been shortened ends here
    }
}

std::optional<std::string_view> LinesBackwards::next() {
    for (;;) {
        // The first `left_` bytes of the buffer end with a line end; the last line of them is the next one.
        if (left_ > 0) {
            const void* end = left_ > 1 ? ::memrchr(buffer_.data(), '\n', left_ - 1) : nullptr;
            if (end != nullptr || at_ == begin_) {
                const std::size_t start =
                    end == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data()) + 1;
                std::string_view line(buffer_.data() + start, left_ - 1 - start);
                left_ = start;
                return line;
            }
        }
        if (at_ <= begin_)
            return std::nullopt;
        const std::int64_t size = std::min(block, at_ - begin_);
        std::string more(static_cast<std::size_t>(size), '\n');
        if (file_->read(more.data(), more.size(), at_ - size) != more.size())
            return std::nullopt; // the file was shortened
        at_ -= size;
        more.append(buffer_, 0, left_);
        buffer_ = std::move(more);
        left_ = buffer_.size();
    }
}

Merge::Merge(std::vector<UnitLog>& all, const Range& range, bool backwards) : range_(range), backwards_(backwards) {
    trails_.reserve(all.size());
    for (UnitLog& log : all) {
        trails_.push_back({&log, backwards ? log.files.size() : 0, {}, {}, {}, {}, false});
        if (advance(trails_.back()))
            heap_.push_back(trails_.size() - 1);
    }
    std::make_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return later(a, b); });
}

// Whether trail `a` comes after trail `b`. With equal times units are sorted by name, and backwards is the exact
// reverse.
bool Merge::later(std::size_t a, std::size_t b) const {
    const WallTime x = trails_[a].key, y = trails_[b].key;
    if (backwards_)
        return x != y ? x < y : a < b;
    return x != y ? x > y : a > b;
}

std::optional<LogLine> Merge::next() {
    auto order = [this](std::size_t a, std::size_t b) { return later(a, b); };
    if (shown_ && advance(trails_[*shown_])) {
        heap_.push_back(*shown_);
        std::push_heap(heap_.begin(), heap_.end(), order);
    }
    shown_.reset();
    if (heap_.empty())
        return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), order);
    shown_ = heap_.back();
    heap_.pop_back();
    const Trail& trail = trails_[*shown_];
    return LogLine{trail.log->unit, trail.line};
}

bool Merge::open_next(Trail& trail) {
    std::vector<LogFile>& files = trail.log->files;
    trail.lines.reset();
    trail.backwards.reset();
    for (;;) {
        // The file that was open until now.
        const std::size_t old = backwards_ ? trail.file : trail.file - 1;
        if (old < files.size() && !files[old].current())
            files[old].close();
        if (backwards_ ? trail.file == 0 : trail.file == files.size())
            return false;
        LogFile& file = files[backwards_ ? --trail.file : trail.file++];
        // No line in a rotated file is newer than its name says.
        auto youngest = rotation_of(file.name);
        if (range_.since && youngest && *youngest < *range_.since)
            continue;
        if (!file.current() && !file.open())
            continue;
        const std::int64_t begin = range_.since ? find_moment(file, *range_.since).before : 0;
        const std::int64_t end = range_.until ? find_moment(file, {range_.until->micros + 1}).behind : file.size;
        if (backwards_)
            trail.backwards.emplace(file, begin, end);
        else
            trail.lines.emplace(file, begin, end);
        return true;
    }
}

bool Merge::advance(Trail& trail) {
    for (;;) {
        std::optional<std::string_view> text;
        if (backwards_ ? trail.backwards.has_value() : trail.lines.has_value())
            text = backwards_ ? trail.backwards->next() : trail.lines->next();
        if (!text) {
            if (!open_next(trail))
                return false;
            continue;
        }
        auto line = logs::parse_line(*text);
        if (!line)
            line = foreign_line(trail.key, *text);
        if ((range_.since && line->at < *range_.since) || (range_.until && line->at > *range_.until))
            continue;
        trail.key = !trail.started ? line->at
                    : backwards_   ? std::min(trail.key, line->at)
                                   : std::max(trail.key, line->at);
        trail.started = true;
        trail.line = *line;
        return true;
    }
}

} // namespace mi::ctl
