#include "logd/units.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "logd/directory.hpp"
#include "logd/mend.hpp"

namespace mi::logd {
namespace {

// An entry of the ring is this, the unit's name, the lines.
struct EntryHead {
    std::uint32_t lines_size, count, unit_size;
};

void to_ring(Ring& ring, std::uint64_t at, const void* from, std::size_t size) {
    std::size_t begin = at % ring_room, first = std::min(size, ring_room - begin);
    std::memcpy(ring.bytes + begin, from, first);
    std::memcpy(ring.bytes, static_cast<const char*>(from) + first, size - first);
}

void from_ring(const Ring& ring, std::uint64_t at, void* to, std::size_t size) {
    std::size_t begin = at % ring_room, first = std::min(size, ring_room - begin);
    std::memcpy(to, ring.bytes + begin, first);
    std::memcpy(static_cast<char*>(to) + first, ring.bytes, size - first);
}

} // namespace

RingEntry oldest_of(const Ring& ring) {
    EntryHead head;
    from_ring(ring, ring.tail, &head, sizeof head);
    RingEntry entry{std::string(std::min<std::size_t>(head.unit_size, wire::logs::longest_unit), '\0'),
                    std::string(std::min<std::size_t>(head.lines_size, ring_room), '\0'), 0, head.count};
    std::uint64_t at = ring.tail + sizeof head;
    from_ring(ring, at, entry.unit.data(), entry.unit.size());
    at += entry.unit.size();
    from_ring(ring, at, entry.lines.data(), entry.lines.size());
    entry.tail_after = at + entry.lines.size();
    return entry;
}

Units::Units(Shared& shared, std::size_t most_open) : shared_(shared), most_open_(most_open) {
    if (rlimit files{}; ::getrlimit(RLIMIT_FSIZE, &files) == 0)
        largest_file_ = files.rlim_max; // to which PID 1 has raised the soft one; RLIM_INFINITY is the largest number
}

void Units::use_directory(int directory) {
    while (close_oldest()) {
    }
    directory_ = directory;
    mended_.clear();
    for (auto& [name, unit] : units_)
        unit.last = {}; // the file there says
}

Unit& Units::enter(std::string_view name, const Limits* limits) {
    auto at = units_.find(name);
    if (at == units_.end()) {
        at = units_.try_emplace(std::string(name)).first;
        Unit& unit = at->second;
        unit.limits = limits_;
        unit.name = at->first;
        unit.clock_offset = shared_.clock_offset;
        for (std::uint32_t i = 0; i < shared_.losses_used; ++i) {
            const Loss& loss = shared_.losses[i];
            if (loss.lines > 0 && std::string_view(loss.unit, loss.unit_size) == name)
                unit.loss = i + 1;
        }
    }
    if (limits != nullptr)
        at->second.limits = *limits;
    ++at->second.users;
    return at->second;
}

void Units::leave(Unit& unit) {
    if (--unit.users == 0 && !unit.file)
        units_.erase(units_.find(unit.name));
}

void Units::close(Unit& unit) {
    open_.erase(unit.place);
    unit.file.reset();
    if (unit.users == 0)
        units_.erase(units_.find(unit.name));
}

bool Units::close_oldest() {
    if (open_.empty())
        return false;
    close(*open_.back());
    return true;
}

Result<> Units::open(Unit& unit) {
    if (in_memory())
        return {};
    if (unit.file) {
        if (unit.place != open_.begin())
            open_.splice(open_.begin(), open_, unit.place);
        return {};
    }
    if (open_.size() >= most_open_)
        close_oldest();
    const std::string name = wire::logs::directory_name(unit.name);
    for (;;) {
        int code = 0;
        if (auto directory = open_unit_directory(directory_, name, true)) {
            if (auto current = open_current(directory->get())) {
                mend_after_power_loss(directory->get(), unit, current->last);
                unit.file = std::move(current->file);
                unit.last = std::max(unit.last, current->last);
                unit.first = first_stamp(unit.file.get());
                open_.push_front(&unit);
                unit.place = open_.begin();
                return {};
            } else {
                code = current.error().code;
            }
        } else {
            code = directory.error().code;
        }
        if ((code != EMFILE && code != ENFILE) || !close_oldest())
            return fault(code, "open log of", std::string(unit.name));
    }
}

// Once for each unit of a log directory. What was rotated shortly before the power failed may not all have got to the disk either;
// what is not the youngest, and was rotated long before the last line, has.
void Units::mend_after_power_loss(int directory, const Unit& unit, WallTime last) {
    if (!mended_.emplace(unit.name).second)
        return;
    mend_gaps(directory, current_name, last);
    std::vector<std::string> files = log_files(directory);
    std::erase(files, current_name);
    if (!files.empty())
        rotated_.insert_or_assign(std::string(unit.name), unit.limits.compress);
    for (std::size_t i = files.size(); i-- > 0;) {
        auto rotated = wire::logs::parse_rotated_name(files[i]);
        if (i + 1 < files.size() && rotated->micros < last.micros - longest_unwritten)
            break;
        if (auto file = open_existing(directory, files[i])) { // as much as can be done
            mend_gaps(directory, files[i], file->last);
            last = last == WallTime{} ? file->last : last;
        }
    }
}

Result<Place> Units::place(Unit& unit, std::uint64_t size, WallTime now, bool rotate_first) {
    if (in_memory())
        return Place{0, 0, shared_.ring.head};
    struct stat status{};
    for (bool rotated = false, opened_again = false;;) {
        if (!unit.file)
            if (auto opened = open(unit); !opened)
                return std::unexpected(opened.error());
        if (::fstat(unit.file.get(), &status) < 0)
            return fault(errno, "look at log of", std::string(unit.name));
        if (status.st_nlink == 0 && !std::exchange(opened_again, true)) { // somebody removed it: lines would go nowhere
            close(unit);
            continue;
        }
        auto present = static_cast<std::uint64_t>(status.st_size);
        const std::uint64_t most =
            unit.limits.rotate_size > 0 ? std::min(unit.limits.rotate_size, largest_file_) : largest_file_;
        const bool full = present + size > most;
        const bool old = unit.limits.rotate_age > 0 && unit.first != WallTime{} &&
                         now.micros - unit.first.micros > std::int64_t{unit.limits.rotate_age} * 1'000'000;
        if (present == 0)
            unit.first = now;
        if (rotated || present == 0 || !(full || old || rotate_first))
            return Place{status.st_dev, status.st_ino, present};
        // Where it cannot be rotated (a full or read-only disk), it grows: lines are worth more than the limit.
        auto directory = open_unit_directory(directory_, wire::logs::directory_name(unit.name), true);
        rotated = true;
        if (directory && rotate(directory->get(), now, unit.limits.rotate_keep)) {
            rotated_.insert_or_assign(std::string(unit.name), unit.limits.compress);
            close(unit);
            if (rotate_first) // the clock is far behind: stamps of the new file begin with what it says
                unit.last = {};
        }
    }
}

Units::Appended Units::append(Unit& unit, std::string_view lines, const Place& at) {
    if (in_memory())
        return append_to_ring(unit, lines);
    std::size_t done = 0;
    while (done < lines.size()) {
        ssize_t n = ::write(unit.file.get(), lines.data() + done, lines.size() - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            Appended appended{0, errno};
            if (std::size_t end = lines.substr(0, done).rfind('\n'); end != lines.npos)
                appended.kept = end + 1;
            if (appended.kept < done && ::ftruncate(unit.file.get(), static_cast<off_t>(at.size + appended.kept)) < 0)
                close(unit); // opening it again mends it
            return appended;
        }
        done += static_cast<std::size_t>(n);
    }
    return {done, 0};
}

bool Units::settled(Unit& unit, const Place& at, std::uint64_t size) {
    if (at.device == 0 && at.inode == 0)
        return shared_.ring.head >= at.size + size;
    if (in_memory() || !open(unit))
        return false;
    struct stat status{};
    if (::fstat(unit.file.get(), &status) < 0 || status.st_dev != at.device || status.st_ino != at.inode)
        return false;
    auto present = static_cast<std::uint64_t>(status.st_size);
    if (present >= at.size + size)
        return true;
    if (present > at.size)
        (void)::ftruncate(unit.file.get(), static_cast<off_t>(at.size)); // fails only where writing again fails, too
    return false;
}

Units::Appended Units::append_to_ring(Unit& unit, std::string_view lines) {
    Ring& ring = shared_.ring;
    EntryHead head{static_cast<std::uint32_t>(lines.size()),
                   static_cast<std::uint32_t>(std::count(lines.begin(), lines.end(), '\n')),
                   static_cast<std::uint32_t>(unit.name.size())};
    const std::uint64_t size = sizeof head + unit.name.size() + lines.size();
    while (ring.head - ring.tail + size > ring_room)
        drop_oldest_of_ring();
    to_ring(ring, ring.head, &head, sizeof head);
    to_ring(ring, ring.head + sizeof head, unit.name.data(), unit.name.size());
    to_ring(ring, ring.head + sizeof head + unit.name.size(), lines.data(), lines.size());
    publish(ring.head, ring.head + size);
    return {lines.size(), 0};
}

void Units::drop_oldest_of_ring() {
    RingEntry entry = oldest_of(shared_.ring);
    Unit& unit = enter(entry.unit);
    count_loss(unit, entry.count, 0);
    publish(shared_.ring.tail, entry.tail_after);
    leave(unit);
}

Loss* Units::loss_of(const Unit& unit) const { return unit.loss == 0 ? nullptr : &shared_.losses[unit.loss - 1]; }

bool Units::has_losses() const {
    return std::any_of(shared_.losses, shared_.losses + shared_.losses_used,
                       [](const Loss& loss) { return loss.lines > 0; });
}

wire::logs::Count& Units::count_of(const Unit& unit) {
    auto at = counts_.find(unit.name);
    if (at == counts_.end())
        at = counts_.try_emplace(std::string(unit.name)).first;
    return at->second;
}

wire::logs::Counts Units::take_counts() {
    wire::logs::Counts taken;
    while (!counts_.empty() && taken.units.size() < wire::logs::most_counts) {
        auto one = counts_.extract(counts_.begin());
        one.mapped().unit = std::move(one.key());
        taken.units.push_back(std::move(one.mapped()));
    }
    return taken;
}

// A kill between the count and the note that the lines are done with makes the count too high by one batch: the lines
// themselves are never wrong.
void Units::count_loss(Unit& unit, std::uint64_t lines, int code) {
    if (lines == 0)
        return;
    count_of(unit).lost += lines;
    if (unit.loss == 0) {
        std::uint32_t row = 0;
        while (row < shared_.losses_used && shared_.losses[row].lines > 0)
            ++row;
        if (row == most_losses)
            return; // hundreds of units are losing lines at once: this one's count is lost as well
        Loss& loss = shared_.losses[row];
        loss.unit_size = static_cast<std::uint32_t>(unit.name.copy(loss.unit, sizeof loss.unit));
        publish(shared_.losses_used, std::max(shared_.losses_used, row + 1));
        unit.loss = row + 1;
    }
    Loss& loss = shared_.losses[unit.loss - 1];
    loss.code = code;
    publish(loss.lines, loss.lines + lines);
    if (code != over_rate && !unit.loss_reported)
        reports_.push_back({std::string(unit.name), loss.lines, code, false});
    unit.loss_reported = unit.loss_reported || code != over_rate;
}

void Units::clear_loss(Unit& unit) {
    if (unit.loss == 0)
        return;
    Loss& loss = shared_.losses[unit.loss - 1];
    if (loss.code != over_rate)
        reports_.push_back({std::string(unit.name), loss.lines, loss.code, true});
    publish(loss.lines, 0);
    unit.loss = 0;
    unit.loss_reported = false;
}

std::vector<std::string> Units::losers() const {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < shared_.losses_used; ++i)
        if (const Loss& loss = shared_.losses[i]; loss.lines > 0)
            names.emplace_back(loss.unit, loss.unit_size);
    return names;
}

} // namespace mi::logd
