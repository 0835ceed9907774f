#include "ctl/logs/log_follow.hpp"

#include "base/directory.hpp"
#include "base/glob.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::ctl {
namespace {

namespace logs = wire::logs;

} // namespace

Result<Follower> Follower::start(std::vector<std::string> directories, std::vector<std::string> patterns,
                                 const std::vector<UnitLog>& shown) {
    Follower follower(std::move(directories), std::move(patterns));
    follower.inotify_.emplace(os::Inotify::Read::waits);
    if (follower.inotify_->fd() < 0)
        return fault(errno, "watch log directories");
    for (const UnitLog& log : shown) {
        for (const LogFile& file : log.files) {
            Place& place = follower.places_[file.place];
            place.unit = log.unit;
            place.device = file.device;
            place.inode = file.inode;
            if (file.current()) {
                place.file = Fd(::dup(file.file.get()));
                place.at = file.size;
            }
        }
        // Everything up to the last line of the last file has been shown.
        const LogFile& file = log.files.back();
        LogFile again{file.place, file.name, 0, 0, Fd(), 0, {}};
        if (!again.open())
            continue;
        LinesBackwards lines(again, 0, file.current() && again.inode == file.inode ? file.size : again.size);
        if (auto line = lines.next())
            follower.last_[log.unit] = {logs::parse_stamp(*line).value_or(WallTime{INT64_MIN}), file.place};
    }
    // Lines that were written between opening the files and watching them are found by reading everything once.
    follower.look();
    for (const auto& [path, place] : follower.places_) {
        follower.watch(path);
        follower.changed_.insert(path);
    }
    return follower;
}

void Follower::watch(const std::string& path) {
    const int watch = inotify_->add(path.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR);
    if (watch >= 0)
        watched_[watch] = path;
}

// Finds new units. Watches the parent of a log directory that does not exist yet.
void Follower::look() {
    for (const std::string& directory : directories_) {
        watch(directory);
        const auto entries = list_directory(directory);
        if (!entries) {
            std::string above = directory.substr(0, directory.rfind('/'));
            watch(above.empty() ? "/" : above);
            continue;
        }
        for (const DirectoryEntry& entry : *entries) {
            const std::string unit = logs::unit_of_directory(entry.name), path = directory + "/" + entry.name;
            if (entry.hidden() || places_.contains(path) ||
                !(patterns_.empty() || std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
                      return matches_pattern(unit, pattern);
                  })))
                continue;
            Place& place = places_[path];
            place.unit = unit;
            watch(path);
            changed_.insert(path);
        }
    }
}

Result<> Follower::wait() {
    if (!changed_.empty())
        return {};
    bool anew = false;
    const bool read = inotify_->read_some([&](const os::Inotify::Event& event) {
        auto path = watched_.find(event.watch);
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            anew = true;
            for (const auto& [place, unused] : places_)
                changed_.insert(place);
        } else if (path != watched_.end() && (event.mask & IN_IGNORED) != 0) {
            // It was removed; a directory of the same name would be a new one.
            places_.erase(path->second);
            watched_.erase(path);
            anew = true;
        } else if (path != watched_.end() && places_.contains(path->second)) {
            changed_.insert(path->second);
        } else {
            anew = true;
        }
    });
    if (!read && errno != EINTR)
        return fault(errno, "watch log directories");
    if (anew)
        look();
    return {};
}

void Follower::read(const std::function<void(const LogLine&)>& use) {
    std::vector<Owned> lines;
    for (const std::string& path : std::exchange(changed_, {}))
        if (auto place = places_.find(path); place != places_.end())
            read_place(path, place->second, lines);
    std::stable_sort(lines.begin(), lines.end(), [](const Owned& a, const Owned& b) { return a.line.at < b.line.at; });
    for (Owned& line : lines) {
        line.line.text = line.text;
        use({line.unit, line.line});
    }
}

void Follower::read_place(const std::string& path, Place& place, std::vector<Owned>& lines) {
    for (;;) {
        struct stat status{};
        if (place.file) {
            read_file(path, place, lines);
            if (::stat((path + "/current").c_str(), &status) == 0 && status.st_dev == place.device &&
                status.st_ino == place.inode)
                return;
        }
        // The files after the one that was read until now.
        bool known = false;
        std::vector<LogFile> files = open_files(path, place.device, place.inode, &known);
        if (files.empty() || !files[0].open())
            return;
        if (place.file && !known) // that file has been removed, and these may contain lines that were shown
            last_[place.unit].path.clear();
        place.file = std::move(files[0].file);
        place.packed = std::move(files[0].packed);
        place.device = files[0].device;
        place.inode = files[0].inode;
        place.at = 0;
    }
}

void Follower::read_file(const std::string& path, Place& place, std::vector<Owned>& lines) {
    struct stat status{};
    if (::fstat(place.file.get(), &status) < 0)
        return;
    const std::int64_t size = place.packed ? place.packed->size() : status.st_size;
    place.at = std::min(place.at, size); // a line was removed again after the disk was full
    LogFile file;
    file.file = std::move(place.file);
    file.packed = std::move(place.packed);
    Lines reader(file, place.at, size);
    while (auto text = reader.next()) {
        place.at += static_cast<std::int64_t>(text->size()) + 1;
        Last& last = last_[place.unit];
        auto line = logs::parse_line(*text);
        if (!line)
            line = logs::Line{last.at, logs::Priority::info, logs::Source::out, false, *text};
        if (last.path != path && line->at <= last.at)
            continue;
        last = {std::max(last.at, line->at), path};
        lines.push_back({place.unit, std::string(line->text), *line});
    }
    place.file = std::move(file.file);
    place.packed = std::move(file.packed);
}

} // namespace mi::ctl
