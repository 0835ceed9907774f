#include "logd/total.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logd/directory.hpp"
#include "wire/log_format.hpp"
#include "wire/log_pack.hpp"

namespace mi::logd {
namespace {

// What it takes on the disk.
std::uint64_t size_of(int directory, const char* name) {
    struct stat status{};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
        return 0;
    return static_cast<std::uint64_t>(status.st_size);
}

} // namespace

void Total::changed(int logs, std::string_view unit) {
    if (limit_ == 0 || logs < 0)
        return;
    struct stat status{};
    if (::fstat(logs, &status) < 0)
        return;
    if (const std::pair<dev_t, ino_t> present{status.st_dev, status.st_ino}; logs_ != present) {
        logs_ = present;
        size_ = 0;
        places_.clear();
        files_.clear();
        for (const std::string& name : unit_directories(logs))
            look(logs, name);
    } else {
        look(logs, wire::logs::directory_name(unit));
    }
    trim(logs);
}

void Total::forget(const std::string& name) {
    auto place = places_.find(name);
    if (place == places_.end())
        return;
    for (WallTime at : place->second.files)
        files_.erase({at, name});
    size_ -= place->second.size;
    places_.erase(place);
}

void Total::look(int logs, const std::string& name) {
    forget(name);
    auto directory = open_unit_directory(logs, name, false);
    if (!directory)
        return;
    Place& place = places_[name];
    place.size = size_of(directory->get(), current_name);
    for (const Rotated& file : rotated_files(directory->get())) {
        const std::uint64_t size = size_of(directory->get(), file.name.c_str());
        place.files.insert(file.at);
        place.size += size;
        files_[{file.at, name}] += size;
    }
    size_ += place.size;
}

void Total::trim(int logs) {
    while (size_ > limit_ && !files_.empty()) {
        const auto [key, size] = *files_.begin();
        const auto& [at, name] = key;
        if (auto directory = open_unit_directory(logs, name, false)) {
            const std::string file = wire::logs::rotated_name(at);
            (void)::unlinkat(directory->get(), file.c_str(), 0);
            (void)::unlinkat(directory->get(), wire::logs::packed_name(file).c_str(), 0);
        }
        Place& place = places_[name];
        place.files.erase(at);
        place.size -= size;
        size_ -= size;
        files_.erase(files_.begin());
    }
}

} // namespace mi::logd
