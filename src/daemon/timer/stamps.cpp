#include "daemon/timer/stamps.hpp"

#include "os/file/runtime.hpp"
#include "os/process/helper_child.hpp"
#include "wire/log_format.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::daemon {

namespace {
constexpr std::size_t largest = 256;
constexpr WallTime year_2200{7'258'118'400'000'000};
} // namespace

std::optional<Stamp> Stamps::parse(std::string_view text) {
    constexpr std::size_t size = wire::logs::stamp_size;
    auto at = wire::logs::parse_stamp(text.substr(0, size));
    if (!at || text.size() != size + 5 || *at < WallTime{} || *at >= year_2200)
        return std::nullopt;
    std::string_view word = text.substr(size);
    if (word != " ran\n" && word != " met\n")
        return std::nullopt;
    return Stamp{*at, word == " ran\n"};
}

std::string Stamps::text(Stamp stamp) { return wire::logs::stamp_of(stamp.at) + (stamp.ran ? " ran\n" : " met\n"); }

// Names of units are names of files: no '/', no leading '.'.
std::string Stamps::path(const std::string& unit) const { return directory_ + "/" + unit; }

Result<std::optional<Stamp>> Stamps::read(const std::string& unit) const {
    auto contents = os::read_file(path(unit), largest);
    if (!contents && (contents.error().code == ENOENT || contents.error().code == ENOTDIR))
        return std::nullopt;
    if (!contents)
        return std::unexpected(contents.error());
    auto stamp = parse(*contents);
    if (!stamp)
        return fault(0, "no last run is to be read in", path(unit));
    return stamp;
}

void Stamps::write(const std::string& unit, Stamp stamp) {
    if (std::ranges::any_of(writing_, [&](const auto& one) { return one.second == unit; })) {
        to_follow_[unit] = stamp;
        return;
    }
    const std::string to = path(unit), contents = text(stamp);
    auto child = os::start_helper("timer-stamp", [&] {
        // One that has run is never forgotten for one that was only met: its record may have come with a mount.
        auto there = read(unit);
        if (!stamp.ran && there && *there && (*there)->ran)
            return EEXIST;
        auto done = os::make_directory(directory_, 0755);
        if (done)
            done = os::write_file_atomically(to, contents, 0644);
        return done ? 0 : std::clamp(done.error().code, 1, 255);
    });
    // Without a child there is no stamp: the next run writes the next.
    if (!child)
        return;
    writing_[*child] = unit;
    if (made_)
        made_(*child);
}

std::optional<Stamps::Written> Stamps::exited(pid_t pid, int code) {
    auto at = writing_.find(pid);
    if (at == writing_.end())
        return std::nullopt;
    Written written{std::move(at->second), code < 0 ? EINTR : code};
    writing_.erase(at);
    if (auto next = to_follow_.find(written.unit); next != to_follow_.end()) {
        Stamp stamp = next->second;
        to_follow_.erase(next);
        write(written.unit, stamp);
    }
    return written;
}

} // namespace mi::daemon
