#include "logd/storage.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include "base/clock.hpp"
#include "logd/directory.hpp"

namespace mi::logd {
namespace {

struct Identity {
    std::uint64_t device = 0, inode = 0;
    bool operator==(const Identity&) const = default;
};

Identity identity_of(int directory) {
    struct stat status{};
    if (directory < 0 || ::fstat(directory, &status) < 0)
        return {};
    return {status.st_dev, status.st_ino};
}

Fd open_if_there(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

} // namespace

Result<> Storage::configure(const std::vector<std::string>& directories) {
    directories_ = directories;
    if (!started_) {
        // What is in flight belongs where the earlier collector worked, so that is where it is looked for.
        const Identity wanted{shared_.log_device, shared_.log_inode};
        for (std::size_t i = 0; i < directories_.size() && wanted != Identity{}; ++i)
            if (Fd directory = open_if_there(directories_[i]); directory && identity_of(directory.get()) == wanted) {
                use(static_cast<int>(i), directory.get());
                directory_ = std::move(directory);
                break;
            }
        if (auto resumed = courier_.resume(); !resumed)
            return resumed;
        if (auto finished = finish_move(); !finished)
            return finished;
        started_ = true;
    }
    look();
    return {};
}

void Storage::use(int rank, int directory) {
    units_.use_directory(directory);
    rank_ = rank;
    const Identity identity = identity_of(directory);
    shared_.log_device = identity.device;
    shared_.log_inode = identity.inode;
}

// A move that a killed collector had begun: made, or not begun. Trying again is look's business.
Result<> Storage::finish_move() {
    Record& record = shared_.record;
    const auto step = wire::enumerator_of<Step>(record.step);
    if (step != Step::draining && step != Step::copying)
        return {};
    Unit& unit = units_.enter({record.unit, record.unit_size});
    if (record.pending != 0 && units_.settled(unit, {record.device, record.inode, record.offset}, record.size)) {
        if (step == Step::draining) {
            publish(shared_.ring.tail, record.tail_after);
        } else {
            const std::string name = wire::logs::directory_name(unit.name);
            for (const std::string& path : directories_) {
                Fd directory = open_if_there(path);
                if (!directory || identity_of(directory.get()) == identity_of(directory_.get()))
                    continue;
                if (auto from = open_unit_directory(directory.get(), name, false))
                    (void)::unlinkat(from->get(), std::string(record.file, record.file_size).c_str(), 0);
            }
        }
    }
    units_.leave(unit);
    publish(record.pending, 0u);
    publish(record.step, Step::idle);
    return {};
}

void Storage::look() {
    unfinished_ = false;
    const Identity present = identity_of(directory_.get());
    for (std::size_t i = 0; i < directories_.size(); ++i) {
        if (directory_ && static_cast<int>(i) > rank_)
            break;
        auto better = open_log_directory(directories_[i]);
        if (!better)
            continue;
        if (directory_ && identity_of(better->get()) == present) {
            unfinished_ = !gather(-1);
            return;
        }
        const int old_rank = rank_;
        use(static_cast<int>(i), better->get());
        if (!gather(directory_.get())) {
            use(old_rank, directory_.get());
            unfinished_ = true;
            return;
        }
        directory_ = std::move(*better);
        return;
    }
}

// Moves everything that lies elsewhere into the directory in use: from the one used until now, from those that are
// worse, from memory. That is also its order in time.
bool Storage::gather(int old_directory) {
    const Identity old = identity_of(old_directory), present{shared_.log_device, shared_.log_inode};
    if (old_directory >= 0 && !move_directory(old_directory))
        return false;
    for (std::size_t i = static_cast<std::size_t>(rank_) + 1; i < directories_.size(); ++i) {
        Fd worse = open_if_there(directories_[i]);
        const Identity identity = identity_of(worse.get());
        if (worse && identity != old && identity != present && !move_directory(worse.get()))
            return false;
    }
    return drain_ring();
}

bool Storage::move_directory(int from) {
    for (const std::string& name : unit_directories(from))
        if (wire::logs::directory_name(wire::logs::unit_of_directory(name)) == name && !move_unit(from, name))
            return false;
    return true;
}

bool Storage::move_unit(int from, const std::string& name) {
    auto directory = open_unit_directory(from, name, false);
    if (!directory)
        return true; // not a directory, or not ours
    Unit& unit = units_.enter(wire::logs::unit_of_directory(name));
    bool moved = true;
    for (const std::string& file : log_files(directory->get()))
        moved = moved && move_file(directory->get(), file, unit);
    units_.leave(unit);
    if (moved)
        (void)::unlinkat(from, name.c_str(), AT_REMOVEDIR); // stays where something foreign is in it
    return moved;
}

bool Storage::move_file(int from, const std::string& name, Unit& unit) {
    auto source = open_existing(from, name);
    struct stat status{};
    if (!source || ::fstat(source->file.get(), &status) < 0)
        return true; // nothing that can be read, now or later
    if (status.st_size > 0) {
        if (!units_.open(unit))
            return false;
        const WallTime first = first_stamp(source->file.get());
        auto place = units_.place(unit, static_cast<std::uint64_t>(status.st_size), wall_now(), first < unit.last);
        if (!place)
            return false;
        Record& record = shared_.record;
        note(unit, *place, static_cast<std::uint64_t>(status.st_size));
        record.file_size = static_cast<std::uint32_t>(name.copy(record.file, sizeof record.file));
        publish(record.step, Step::copying);
        const bool copied = copy(source->file.get(), Units::file_of(unit));
        if (!copied)
            (void)units_.settled(unit, *place, static_cast<std::uint64_t>(status.st_size)); // takes it back
        else
            (void)::unlinkat(from, name.c_str(), 0);
        publish(record.pending, 0u);
        publish(record.step, Step::idle);
        unit.last = source->last;
        return copied;
    }
    (void)::unlinkat(from, name.c_str(), 0);
    return true;
}

// All of `from`, from its beginning, to the end of `to`: in whole lines, as everything that is appended (mend.hpp says why).
bool Storage::copy(int from, int to) const {
    std::string buffer(64 * 1024, '\0');
    for (off_t at = 0;;) {
        ssize_t got = ::pread(from, buffer.data(), buffer.size(), at);
        if (got <= 0)
            return got == 0;
        if (std::size_t end = std::string_view(buffer.data(), static_cast<std::size_t>(got)).rfind('\n');
            end != buffer.npos)
            got = static_cast<ssize_t>(end) + 1;
        at += got;
        progress_();
        for (ssize_t done = 0; done < got;) {
            ssize_t n = ::write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
            if (n < 0)
                return false;
            done += n;
        }
    }
}

bool Storage::drain_ring() {
    Ring& ring = shared_.ring;
    if (ring.head == ring.tail)
        return true;
    courier_.tell_losses(); // the oldest lines are what memory had no room for
    while (ring.head != ring.tail) {
        progress_();
        RingEntry entry = oldest_of(ring);
        Unit& unit = units_.enter(entry.unit);
        auto opened = units_.open(unit);
        const WallTime first = wire::logs::parse_stamp(entry.lines).value_or(WallTime{});
        auto place = opened ? units_.place(unit, entry.lines.size(), wall_now(), first < unit.last)
                            : Result<Place>(std::unexpected(opened.error()));
        bool written = false;
        if (place) {
            note(unit, *place, entry.lines.size());
            shared_.record.tail_after = entry.tail_after;
            publish(shared_.record.step, Step::draining);
            auto appended = units_.append(unit, entry.lines, *place);
            written = appended.code == 0;
            if (written)
                publish(ring.tail, entry.tail_after);
            else if (appended.kept > 0)
                (void)units_.settled(unit, *place, entry.lines.size()); // takes it back
            publish(shared_.record.pending, 0u);
            publish(shared_.record.step, Step::idle);
            unit.last = wire::logs::parse_stamp(entry.lines).value_or(unit.last);
        }
        units_.leave(unit);
        if (!written)
            return false;
    }
    // The pages go back to the system.
    (void)::madvise(ring.bytes, ring_room, MADV_REMOVE);
    return true;
}

// The record of a write that is about to be made, but for its step.
void Storage::note(Unit& unit, const Place& place, std::uint64_t size) {
    Record& record = shared_.record;
    record.unit_size = static_cast<std::uint32_t>(unit.name.copy(record.unit, sizeof record.unit));
    record.device = place.device;
    record.inode = place.inode;
    record.offset = place.size;
    record.size = size;
    record.told = 0;
    publish(record.pending, 1u);
}

} // namespace mi::logd
