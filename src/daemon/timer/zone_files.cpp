#include "daemon/timer/zone_files.hpp"

#include "os/file/runtime.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {
constexpr std::size_t largest = 64 * 1024; // the largest there is has 4 KB
}

const calendar::Zone* ZoneFiles::find(const std::string& name) {
    if (name.empty())
        return local();
    return name == "UTC" ? &utc_ : from_database(name);
}

const calendar::Zone* ZoneFiles::local() {
    if (places_.rule.empty()) {
        const calendar::Zone* zone = from_file(places_.local);
        return zone != nullptr ? zone : &utc_;
    }
    if (!by_rule_)
        by_rule_ = calendar::Zone::from_rule(places_.rule);
    if (by_rule_)
        return &*by_rule_;
    std::string name = places_.rule.substr(places_.rule.front() == ':' ? 1 : 0);
    const calendar::Zone* zone = name.starts_with('/') ? from_file(name) : from_database(name);
    if (zone == nullptr && !std::exchange(rule_complained_, true))
        complaints_.push_back("there is no time zone " + places_.rule + ", as TZ says: UTC counts");
    return zone != nullptr ? zone : &utc_;
}

const calendar::Zone* ZoneFiles::from_database(const std::string& name) {
    if (name.empty() || name.find("..") != name.npos)
        return nullptr;
    for (const std::string& directory : places_.databases)
        if (const calendar::Zone* zone = from_file(directory + "/" + name))
            return zone;
    return nullptr;
}

const calendar::Zone* ZoneFiles::from_file(const std::string& path) {
    Known& known = files_[path];
    auto zone = [&] { return known.zone ? &*known.zone : nullptr; };
    if (std::exchange(known.generation, generation_) == generation_)
        return zone();
    auto complain = [&](const std::string& why) {
        if (!std::exchange(known.complained, true))
            complaints_.push_back(why);
    };
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0) {
        int code = errno;
        known.zone.reset();
        known.identity = {};
        if (code != ENOENT && code != ENOTDIR)
            complain(Fault{code, "look at", path}.text());
        return nullptr;
    }
    Identity identity{about.st_dev, about.st_ino, static_cast<std::uint64_t>(about.st_size),
                      about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec};
    if (identity == known.identity)
        return zone();
    known = {.identity = identity, .generation = generation_};
    auto bytes = os::read_file(path, largest);
    if (!bytes) {
        complain(bytes.error().text());
        return nullptr;
    }
    auto read = calendar::Zone::from_file(*bytes);
    if (!read)
        complain("the zone file " + path + " " + std::string(read.error()));
    else
        known.zone = std::move(*read);
    return zone();
}

std::vector<std::string> ZoneFiles::take_complaints() { return std::exchange(complaints_, {}); }

int ZoneFiles::watch() {
    if (inotify_ || !places_.rule.empty())
        return inotify_ ? inotify_->fd() : -1;
    inotify_.emplace();
    std::string directory = places_.local.substr(0, places_.local.rfind('/'));
    // The directory: the file is replaced as a whole, and may not be there yet.
    if (inotify_->add(directory.c_str(), IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
        inotify_.reset();
    return inotify_ ? inotify_->fd() : -1;
}

bool ZoneFiles::local_changed() {
    const std::string name = places_.local.substr(places_.local.rfind('/') + 1);
    bool ours = false;
    if (inotify_)
        inotify_->read_all([&](const os::Inotify::Event& event) {
            ours = ours || (event.mask & IN_Q_OVERFLOW) != 0 || event.name == name;
        });
    return ours;
}

} // namespace mi::daemon
