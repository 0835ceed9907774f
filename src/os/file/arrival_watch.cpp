#include "os/file/arrival_watch.hpp"

#include "os/file/walked_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace mi::os {

namespace {

constexpr int most_links = 40; // the kernel's own limit (MAXSYMLINKS)

// Takes the first component off a path.
std::string take_component(std::string& path) {
    const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::string component = path.substr(begin, end - begin);
    path.erase(0, end);
    return component;
}

} // namespace

std::vector<Fault> ArrivalWatch::watch(std::span<const std::string> paths, HangingMounts& hanging) {
    const std::vector<Name> before = std::exchange(names_, {});
    std::vector<Fault> faults;
    for (const std::string& path : paths) {
        MountJudge judge(&hanging);
        if (auto watched = follow(path, judge); !watched)
            faults.push_back(watched.error());
    }
    int last = -1; // a directory may be there for several names, one after the other
    for (const auto& [number, name] : before) {
        const bool is_needed = std::ranges::find(names_, number, &Name::first) != names_.end();
        if (!is_needed && std::exchange(last, number) != number)
            inotify_.remove(number);
    }
    return faults;
}

// The watch comes before the look: what comes in between is reported.
Result<> ArrivalWatch::follow(const std::string& path, MountJudge& judge) {
    std::string done = "/", rest = path;
    int links = 0;
    for (std::string name = take_component(rest); !name.empty(); name = take_component(rest)) {
        if (name == ".")
            continue;
        if (name == "..") { // `done` has no links
            done.erase(std::max<std::size_t>(done.rfind('/'), 1));
            continue;
        }
        const std::string next = done == "/" ? done + name : done + '/' + name;
        const Fd directory(static_cast<int>(judge.open(done, O_PATH | O_DIRECTORY, {.any_link = true})));
        if (judge.untouched())
            return fault(EXDEV, "watch", path);
        if (!directory)
            return {}; // it is gone again, and its own directory is watched
        if (auto noted = note(directory.get(), name, path); !noted)
            return noted;
        const long entry = judge.open(next, O_PATH, {.any_link = true, .last = LastLink::meant});
        const Fd held(static_cast<int>(entry));
        std::array<char, PATH_MAX> text;
        const ssize_t size =
            entry == -ELOOP ? ::readlinkat(directory.get(), name.c_str(), text.data(), text.size()) : -1;
        if (size > 0 && ++links <= most_links) {
            rest.insert(0, "/" + std::string(text.data(), static_cast<std::size_t>(size)));
            if (text[0] == '/')
                done = "/";
        } else if (entry < 0) {
            return {};
        } else {
            done = next;
        }
    }
    return {};
}

Result<> ArrivalWatch::note(int directory, const std::string& name, const std::string& about) {
    constexpr std::uint32_t changes =
        IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    const Result<int> number = inotify_.add_directory(directory, changes);
    if (!number)
        return fault(number.error().code, "watch", about);
    names_.emplace_back(*number, name);
    return {};
}

bool ArrivalWatch::take_change() {
    bool changed = false;
    inotify_.read_all([&](const Inotify::Event& event) {
        // IN_IGNORED follows something else that was told, or our own removal of the watch.
        if ((event.mask & (IN_Q_OVERFLOW | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
            changed = true;
        else if (!event.name.empty())
            changed = changed || std::ranges::find(names_, Name(event.watch, event.name)) != names_.end();
    });
    return changed;
}

} // namespace mi::os
