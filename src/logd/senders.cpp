#include "logd/senders.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/fd.hpp"
#include "os/cgroup/cgroup.hpp"
#include "os/process/process.hpp"

namespace mi::logd {
namespace {

// So soon no number comes round again: 32,768 processes would have to begin meanwhile.
constexpr Span not_again_within = std::chrono::seconds(5);
// When a process began is told in hundredths of a second.
constexpr Span inexact = std::chrono::milliseconds(20);
constexpr int most_ancestors = 16;

// A file of a process, as much as fits.
std::string_view read_of(pid_t process, const char* name, std::array<char, 4096>& room) {
    char path[48];
    std::snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = file ? ::read(file.get(), room.data(), room.size()) : -1;
    return {room.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

} // namespace

template <typename Key>
void Senders::add_to(std::unordered_map<Key, Owner>& owners, Key key, std::string_view unit) {
    if (key <= 0)
        return;
    Owner& owner = owners[key];
    if (owner.unit != unit) // a number that has come round
        owner = {std::string(unit), 0};
    ++owner.streams;
}

template <typename Key>
void Senders::remove_from(std::unordered_map<Key, Owner>& owners, Key key) {
    if (auto at = owners.find(key); at != owners.end() && --at->second.streams == 0)
        owners.erase(at);
}

void Senders::add(pid_t leader, std::uint64_t cgroup, std::string_view unit, Instant now) {
    add_to(leaders_, leader, unit);
    if (leader > 0) // it may be gone before anybody looks
        known_[static_cast<std::size_t>(leader) % known_.size()] = {leader, 0, now, std::string(unit)};
    add_to(by_number_, cgroup, unit);
}

void Senders::remove(pid_t leader, std::uint64_t cgroup) {
    remove_from(leaders_, leader);
    remove_from(by_number_, cgroup);
}

// False: the process is gone, or there are no cgroups. True with an empty unit: it is in none of ours.
bool Senders::by_cgroup(pid_t process, std::string& unit) const {
    std::array<char, 4096> room;
    if (prefix_.empty())
        return false;
    const std::string_view text = read_of(process, "cgroup", room);
    std::size_t at = text.starts_with("0::") ? 0 : text.find("\n0::");
    if (at == text.npos)
        return false;
    std::string_view path = text.substr(at + (at == 0 ? 3 : 4));
    path = path.substr(0, path.find('\n'));
    constexpr std::string_view gone = " (deleted)";
    if (path.ends_with(gone))
        path.remove_suffix(gone.size());
    if (path.starts_with(prefix_)) {
        path.remove_prefix(prefix_.size());
        unit = os::CgroupTree::unescape(path.substr(0, path.find('/'))).value_or(std::string());
    }
    return true;
}

std::string_view Senders::unit_of(pid_t process, std::uint64_t cgroup, Instant now, Span sent) {
    if (auto at = by_number_.find(cgroup); at != by_number_.end())
        return at->second.unit;
    if (process <= 0)
        return {};
    Known& known = known_[static_cast<std::size_t>(process) % known_.size()];
    if (known.process == process && known.seen == now) // the batch has asked already
        return known.unit;
    // The cgroup first: it may be on its way out.
    std::string unit;
    const bool told = by_cgroup(process, unit);
    std::array<char, 4096> room;
    auto stat = os::parse_stat(read_of(process, "stat", room));
    if (stat &&
        std::chrono::milliseconds(10) * stat->started > sent + inexact) { // it has the number of one that is gone
        stat.reset();
    } else if (!stat && told && !unit.empty()) { // it went between the two looks
        known = {process, 0, now, std::move(unit)};
        return known.unit;
    }
    if (!stat)
        return known.process == process && now - known.seen < not_again_within ? std::string_view(known.unit)
                                                                               : std::string_view();
    if (known.process == process && known.started == stat->started && unit.empty()) {
        known.seen = now;
        return known.unit;
    }
    const std::uint64_t started = stat->started;
    for (int i = 0; unit.empty() && stat && i < most_ancestors; ++i) {
        if (auto at = leaders_.find(stat->session); at != leaders_.end())
            unit = at->second.unit;
        if (stat->parent <= 1)
            break;
        stat = os::parse_stat(read_of(stat->parent, "stat", room));
    }
    known = {process, started, now, std::move(unit)};
    return known.unit;
}

} // namespace mi::logd
