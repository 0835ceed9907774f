#include "logd/courier.hpp"

#include "base/clock.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mi::logd {
namespace {

constexpr std::size_t notice_room = 512;
// One batch of 100-byte lines with their stamps fits, so it is one write.
constexpr std::size_t lines_room = 128 * 1024;
static_assert(lines_room > wire::logs::longest_prefix + wire::logs::longest_text + 1);

// A difference between wall clock and time since boot beyond this is a jump, and said.
constexpr std::int64_t jump = 1'000'000;
// A clock that is behind the last line by no more than this is waited for with equal stamps; one that is further behind
// begins a new file, so that within a file stamps never go back.
constexpr std::int64_t longest_wait = 60'000'000;
// A successor that begins to finish the same thing this often gives up: it is that which kills them.
constexpr std::uint32_t most_attempts = 50;

Result<std::size_t> bytes_in(int pipe) {
    int count = 0;
    if (::ioctl(pipe, FIONREAD, &count) < 0)
        return fault(errno, "look into holding pipe");
    return static_cast<std::size_t>(count);
}

} // namespace

Courier::Courier(Mapping& memory, Units& units, int holding_read, int holding_write)
    : memory_(memory), shared_(*memory), record_(shared_.record), units_(units), holding_read_(holding_read),
      holding_write_(holding_write), out_(new char[notice_room + lines_room]) {
    echo_.count_in(shared_.shown);
}

Progress Courier::progress() const { return std::bit_cast<Progress>(record_.progress); }

std::string_view Courier::rest_of_text() const {
    std::string_view text(shared_.input + carry_room - record_.head, record_.head + record_.moved);
    return text.substr(progress().from);
}

Result<> Courier::resume() {
    const auto step = wire::enumerator_of<Step>(record_.step);
    if (++record_.attempts > most_attempts)
        return fault(0, "finish what earlier collectors began");
    auto left = bytes_in(holding_read_);
    if (!left)
        return std::unexpected(left.error());
    if (step == Step::draining || step == Step::copying) { // storage.hpp has seen to it or will
        record_.attempts = 0;
        return {};
    }
    unit_ = &units_.enter({record_.unit, record_.unit_size});
    switch (step) {
    case Step::draining:
    case Step::copying: break; // not reached
    case Step::idle:
        units_.leave(*std::exchange(unit_, nullptr));
        if (*left > 0)
            return fault(0, "explain what is in the holding pipe");
        break;
    case Step::moving:
        record_.moved = static_cast<std::uint32_t>(std::min(*left, input_room));
        publish(record_.step, Step::reading);
        [[fallthrough]];
    case Step::reading:
        if (*left > record_.moved)
            return fault(0, "explain what is in the holding pipe");
        if (auto read = read_in(*left); !read)
            return read;
        publish(record_.step, Step::writing);
        [[fallthrough]];
    case Step::writing:
        keep_resumed();
        write_out();
        [[fallthrough]];
    case Step::storing: store_tail();
    }
    record_.attempts = 0;
    return {};
}

// Everything up to step `moving`: who, and the unfinished line in front of the input.
void Courier::begin(Stream& stream, bool take_tail) {
    record_.stream = stream.id;
    record_.source = wire::number_of(stream.source);
    record_.slot = stream.slot;
    record_.head = 0;
    Progress start{};
    if (stream.slot != 0) {
        const Slot& slot = shared_.slots[stream.slot - 1];
        record_.head = slot.size;
        start.continuing = slot.continuing;
        std::memcpy(shared_.input + carry_room - slot.size, bytes_of(stream.slot, slot.size), slot.size);
    }
    record_.moved = 0;
    record_.progress = std::bit_cast<std::uint64_t>(start);
    record_.take_tail = take_tail ? 1 : 0;
    record_.pending = 0;
    record_.unit_size = static_cast<std::uint32_t>(stream.unit->name.copy(record_.unit, sizeof record_.unit));
    unit_ = stream.unit;
    ++unit_->users;
}

Result<Courier::Took> Courier::move(Stream& stream, std::size_t most) {
    begin(stream, false);
    publish(record_.step, Step::moving);
    ssize_t moved = ::splice(stream.pipe.get(), nullptr, holding_write_, nullptr, std::min(most, input_room),
                             SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved <= 0) {
        const int code = moved < 0 ? errno : 0;
        publish(record_.step, Step::idle);
        units_.leave(*std::exchange(unit_, nullptr));
        // Whatever else goes wrong with the pipe, it will bring nothing any more.
        return Took{0, code != EAGAIN && code != EINTR && code != ENOMEM};
    }
    record_.moved = static_cast<std::uint32_t>(moved);
    publish(record_.step, Step::reading);
    if (auto read = read_in(record_.moved); !read)
        return std::unexpected(read.error());
    if (stream.expected != nullptr || stream.source == Source::health)
        look(stream, rest_of_text(), false, begun(stream.slot));
    publish(record_.step, Step::writing);
    write_out();
    store_tail();
    stream.slot = record_.slot;
    return Took{static_cast<std::size_t>(moved), false};
}

Result<> Courier::move_tail(Stream& stream) {
    if (stream.slot == 0)
        return {};
    begin(stream, true);
    look(stream, rest_of_text(), true, begun(stream.slot));
    publish(record_.step, Step::writing);
    write_out();
    store_tail();
    stream.slot = record_.slot;
    return {};
}

// What is in flight from an earlier collector, as a whole: expectations of it are registered later.
void Courier::keep_resumed() {
    if (wire::enumerator_of<Source>(record_.source) >= Source::init)
        return;
    resumed_ = record_.stream;
    resumed_begun_ = begun(record_.slot);
    resumed_text_.assign(shared_.input + carry_room - record_.head, record_.head + record_.moved);
}

void Courier::expect(Stream& stream, const std::string& pattern) {
    stream.expected = pattern.empty() ? nullptr : std::make_unique<Expectation>(pattern);
    if (stream.expected == nullptr)
        return;
    stream.expected->matched = std::ranges::find(shared_.matched, stream.id) != std::end(shared_.matched);
    if (stream.id == resumed_)
        look(stream, resumed_text_, false, resumed_begun_);
}

Courier::Begun Courier::begun(std::uint32_t slot) const {
    if (slot == 0 || shared_.slots[slot - 1].continuing == 0)
        return {};
    return {true, std::string(shared_.carry[slot - 1], shared_.slots[slot - 1].before == overlap ? overlap : 0)};
}

// Before it is written: what has matched is on record when what was taken out of the pipe is.
void Courier::look(Stream& stream, std::string_view text, bool whole, const Begun& begun) {
    if (stream.source == Source::health) {
        const std::string_view line = last_line(text);
        if (!line.empty())
            stream.said = line.substr(0, wire::logs::longest_said);
    }
    Expectation* expected = stream.expected.get();
    if (expected == nullptr || expected->matched || !expected->look(text, whole, begun.in_pieces, begun.end))
        return;
    shared_.matched[shared_.matches % most_matches] = stream.id;
    publish(shared_.matches, shared_.matches + 1);
}

void Courier::deliver(Stream& stream, std::size_t size, std::uint64_t done_to) {
    begin(stream, false);
    record_.moved = static_cast<std::uint32_t>(size);
    record_.done_to = done_to;
    publish(record_.step, Step::writing);
    write_out();
    store_tail();
}

WallTime Courier::present() {
    read_clock();
    return now_;
}

// Takes the last `left` bytes of the batch out of the holding pipe.
Result<> Courier::read_in(std::size_t left) {
    char* const end = shared_.input + carry_room + record_.moved;
    while (left > 0) {
        ssize_t n = ::read(holding_read_, end - left, left);
        if (n > 0)
            left -= static_cast<std::size_t>(n);
        else if (n == 0 || errno != EINTR)
            return fault(n < 0 ? errno : 0, "read holding pipe");
    }
    return {};
}

void Courier::write_out() {
    read_clock();
    settle_pending();
    if (wire::enumerator_of<Source>(record_.source) >= Source::syslog)
        return write_letters();
    for (;;) {
        const std::string_view rest = rest_of_text();
        if (!has_line(rest, record_.take_tail != 0)) {
            if (can_keep(rest))
                return;
            record_.take_tail = 1; // no room for one more unfinished line: it is split here
            continue;
        }
        if (wire::enumerator_of<Source>(record_.source) != Source::init) {
            write_piece(*unit_, rest);
            continue;
        }
        // Lines of PID 1 are of many units; the stream's own has those that name none.
        std::string_view named = wire::logs::parse_init_line(rest.substr(0, rest.find('\n'))).unit;
        if (progress().continuing != 0 || named.empty()) {
            write_piece(*unit_, rest);
            continue;
        }
        Unit& unit = units_.enter(named);
        write_piece(unit, rest);
        units_.leave(unit);
    }
}

void Courier::write_letters() {
    for (std::string_view rest = rest_of_text(); !rest.empty(); rest = rest_of_text()) {
        const auto next = read_letter(rest);
        Unit& unit = units_.enter(next ? next->letter.unit : unit_->name);
        write_piece(unit, rest);
        units_.leave(unit);
    }
}

void Courier::read_clock() {
    std::int64_t offset = 0;
    // Being stopped between the two readings would look like a jump, so a jump is looked at again.
    for (int tries = 0; tries < 3; ++tries) {
        now_ = wall_now();
        offset = now_.micros - micros({boottime_now()});
        if (std::abs(offset - shared_.clock_offset) < jump)
            break;
    }
    shared_.clock_offset = offset;
}

// A write that a killed collector had begun.
void Courier::settle_pending() {
    if (record_.pending == 0)
        return;
    Unit& unit =
        units_.enter(record_.target_size == 0 ? unit_->name : std::string_view(record_.target, record_.target_size));
    if (units_.settled(unit, {record_.device, record_.inode, record_.offset}, record_.size)) {
        const std::size_t taken = std::bit_cast<Progress>(record_.progress_after).from - progress().from;
        echo_.leave_out(wire::enumerator_of<Source>(record_.source),
                        static_cast<std::uint64_t>(std::ranges::count(rest_of_text().substr(0, taken), '\n')));
        commit(unit);
    }
    publish(record_.pending, 0u);
    units_.leave(unit);
}

// What is about to be written, and where: a successor finds out how much of it was.
void Courier::note_pending(const Unit& unit, const Place& place, std::size_t size) {
    record_.device = place.device;
    record_.inode = place.inode;
    record_.offset = place.size;
    record_.size = size;
    record_.told = units_.in_memory() ? 0 : unit.loss;
    record_.target_size = 0;
    if (&unit != unit_) // a line of PID 1's about another unit
        record_.target_size = static_cast<std::uint32_t>(unit.name.copy(record_.target, sizeof record_.target));
    publish(record_.pending, 1u);
}

namespace {

// The number of lines in the first `kept` bytes of what was formatted. Bytes are read again only where that number is not known:
// when a part could not be written, and for the init's own lines, which formatting does not count.
std::uint64_t kept_lines(std::string_view formatted, std::size_t kept, const Cut& cut, Source source) {
    if (kept == formatted.size() && source != Source::init)
        return cut.lines;
    return static_cast<std::uint64_t>(std::ranges::count(formatted.substr(0, kept), '\n'));
}

} // namespace

// How the lines of the record are written into the log of `unit`.
Style Courier::style_of(Unit& unit, Source source) {
    return {.stamp = {stamp_, sizeof stamp_},
            .source = source,
            .continuing = progress().continuing,
            .take_tail = record_.take_tail != 0,
            .unit = unit.name,
            .own_unit = unit_->name,
            .least = unit.limits.level,
            .most_lines = source == Source::kernel ? UINT32_MAX : allowance(unit)};
}

// Writes some of the lines at the beginning of `rest`, at least one.
void Courier::write_piece(Unit& unit, std::string_view rest) {
    auto opened = units_.open(unit);
    const std::int64_t jumped = unit.clock_offset == 0 ? 0 : shared_.clock_offset - unit.clock_offset;
    const std::int64_t behind = unit.last.micros - now_.micros;
    const bool rotate_first = behind > longest_wait;
    WallTime stamp = behind > 0 && !rotate_first ? unit.last : now_;
    if (stamp != stamp_at_)
        wire::logs::write_stamp(stamp_at_ = stamp, stamp_);

    const std::size_t notices = write_notices(unit, jumped, rotate_first ? behind : 0);
    const std::span<char> room(out_.get() + notice_room, lines_room);
    const auto source = wire::enumerator_of<Source>(record_.source);
    const Style style = style_of(unit, source);
    Cut cut;
    if (source < Source::syslog) {
        cut = format_lines(rest, style, room);
    } else {
        const WallTime before = notices > 0 ? stamp : rotate_first ? WallTime{} : unit.last;
        const LetterCut letters = format_letters(rest, style, before, stamp, room);
        cut = letters;
        if (cut.written > 0)
            stamp = letters.last;
    }
    const std::string_view lines(out_.get() + notice_room - notices, notices + cut.written);

    unit.lines += cut.lines;
    record_.progress_after =
        std::bit_cast<std::uint64_t>(Progress{progress().from + static_cast<std::uint32_t>(cut.taken), cut.continuing});
    // Nothing of it is kept, and what is to be told is told with the next that is.
    if (cut.written == 0 && cut.taken > 0) {
        record_.told = 0;
        commit(unit);
        return units_.count_loss(unit, cut.dropped, over_rate);
    }
    Units::Appended appended;
    Result<Place> place =
        opened ? units_.place(unit, lines.size(), now_, rotate_first) : Result<Place>(std::unexpected(opened.error()));
    if (place) {
        note_pending(unit, *place, lines.size());
        appended = units_.append(unit, lines, *place);
    } else {
        appended.code = place.error().code;
    }
    send_copies(unit, source == Source::init ? rest.substr(0, cut.taken) : "", lines);
    if (appended.kept > 0) {
        unit.last = stamp;
        unit.clock_offset = shared_.clock_offset;
    }
    if (appended.kept > notices)
        units_.count_kept(unit, kept_lines(lines.substr(notices), appended.kept - notices, cut, source));
    if (appended.code != 0)
        note_failure(unit, appended, lines, notices);
    commit(unit);
    units_.count_loss(unit, cut.dropped, over_rate);
}

// Lines go to the console and to servers, too, whether or not there was room for them in the file.
void Courier::send_copies(const Unit& unit, std::string_view own_lines, std::string_view lines) {
    echo_.take(unit.name, lines);
    announce(own_lines);
    if (unit.forward)
        for (Forwarder* server : servers_)
            server->take(unit.name, lines);
}

// Of lines of PID 1 those go to the console that are marked for it.
void Courier::announce(std::string_view lines) {
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
        if (const auto line = wire::logs::parse_init_line(lines.substr(0, end)); line.shown)
            echo_.announce({stamp_, sizeof stamp_}, line.priority, line.text);
        lines.remove_prefix(end + 1);
    }
}

// Not all of it could be written; the first `notices` bytes are no lines of the unit's.
void Courier::note_failure(Unit& unit, const Units::Appended& appended, std::string_view lines, std::size_t notices) {
    if (record_.told != 0 && appended.kept >= notices)
        units_.clear_loss(unit);
    const std::string_view lost = lines.substr(std::max(appended.kept, notices));
    units_.count_loss(unit, static_cast<std::uint64_t>(std::count(lost.begin(), lost.end(), '\n')), appended.code);
    record_.told = 0;
}

// How many lines of it may still be taken in this span of its rate-limit.
std::uint32_t Courier::allowance(Unit& unit) const {
    if (unit.limits.rate_limit == 0)
        return UINT32_MAX;
    // Since boot: that clock never jumps.
    const std::int64_t span =
        (now_.micros - shared_.clock_offset) / (std::int64_t{unit.limits.rate_seconds} * 1'000'000);
    if (span != unit.span) {
        unit.span = span;
        unit.lines = 0;
    }
    return unit.limits.rate_limit - std::min(unit.limits.rate_limit, unit.lines);
}

// What was pending is done: in the file, or counted as lost.
void Courier::commit(Unit& unit) {
    if (record_.told != 0) {
        unit.loss = record_.told;
        units_.clear_loss(unit);
        record_.told = 0;
    }
    publish(record_.progress, record_.progress_after);
    publish(record_.pending, 0u);
}

// Lines that stand before those of the batch; returns their size.
std::size_t Courier::write_notices(Unit& unit, std::int64_t jumped, std::int64_t behind) {
    char text[notice_room];
    std::size_t size = 0;
    auto begin = [&](Priority priority) {
        size += wire::logs::write_prefix({stamp_, sizeof stamp_}, priority, Source::init, false, text + size);
    };
    if (jumped > jump || jumped < -jump) {
        begin(Priority::notice);
        size += static_cast<std::size_t>(std::snprintf(text + size, 100, "the clock jumped by %c%lld.%03lld s\n",
                                                       jumped < 0 ? '-' : '+', std::llabs(jumped) / 1'000'000,
                                                       std::llabs(jumped) / 1'000 % 1'000));
    } else if (behind > 0) {
        begin(Priority::notice);
        size += static_cast<std::size_t>(
            std::snprintf(text + size, 100, "the clock is %lld.%03lld s behind the last line\n",
                          static_cast<long long>(behind) / 1'000'000, static_cast<long long>(behind) / 1'000 % 1'000));
    }
    // In memory the oldest lines go first, and this one would go with them: it is told when they reach a file.
    if (const Loss* loss = units_.loss_of(unit); loss != nullptr && loss->lines > 0 && !units_.in_memory()) {
        const char* why = loss->code == 0           ? "memory was full"
                          : loss->code == over_rate ? "more than its rate-limit"
                                                    : ::strerrordesc_np(loss->code);
        begin(Priority::warning);
        size += static_cast<std::size_t>(
            std::snprintf(text + size, 150, "%llu line%s lost here: %s\n", static_cast<unsigned long long>(loss->lines),
                          loss->lines == 1 ? "" : "s", why != nullptr ? why : "unknown error"));
    }
    std::memcpy(out_.get() + notice_room - size, text, size);
    return size;
}

// Puts what is unfinished into the stream's slot, or frees that.
void Courier::store_tail() {
    const std::string_view rest = rest_of_text();
    const bool keep = !rest.empty() || progress().continuing != 0;
    if (keep) {
        record_.slot = slot_for_tail();
        publish(shared_.slots_used, std::max(shared_.slots_used, record_.slot));
    }
    publish(record_.step, Step::storing);
    if (wire::enumerator_of<Source>(record_.source) == Source::syslog)
        publish(shared_.mail.done, record_.done_to);
    else if (wire::enumerator_of<Source>(record_.source) == Source::kernel)
        publish(shared_.kernel_next, record_.done_to);
    if (record_.slot != 0) {
        Slot& slot = shared_.slots[record_.slot - 1];
        if (keep) {
            std::memcpy(bytes_of(record_.slot, rest.size()), rest.data(), rest.size());
            slot.size = static_cast<std::uint32_t>(rest.size());
            store_before(slot);
            slot.continuing = progress().continuing;
            publish(slot.stream, record_.stream);
        } else {
            publish(slot.stream, StreamId{0});
        }
    }
    publish(record_.step, Step::idle);
    if (!keep)
        record_.slot = 0;
    units_.leave(*std::exchange(unit_, nullptr));
}

// Of a line in pieces, the end of what is written: what is looked for may begin there. Pieces are much longer than that.
void Courier::store_before(Slot& slot) {
    const std::size_t from = progress().from;
    const bool is_first = slot.stream != record_.stream || slot.continuing == 0;
    if (from < overlap && !is_first && progress().continuing != 0)
        return; // nothing was written
    slot.before = 0;
    if (progress().continuing == 0 || from < overlap || !memory_.reserve(record_.slot))
        return;
    std::memcpy(shared_.carry[record_.slot - 1], shared_.input + carry_room - record_.head + from - overlap, overlap);
    slot.before = overlap;
}

// The stream's own, or a free one; 0: there is none.
std::uint32_t Courier::slot_for_tail() const {
    if (record_.slot != 0)
        return record_.slot;
    std::uint32_t index = 0;
    while (index < shared_.slots_used && shared_.slots[index].stream != 0)
        ++index;
    return index < most_slots ? index + 1 : 0;
}

// Whether there is room for an unfinished line until its rest comes.
bool Courier::can_keep(std::string_view rest) {
    if (rest.empty())
        return true;
    const std::uint32_t slot = slot_for_tail();
    return slot != 0 && (rest.size() <= sizeof(Slot::bytes) || memory_.reserve(slot));
}

char* Courier::bytes_of(std::uint32_t slot, std::size_t size) const {
    return size <= sizeof(Slot::bytes) ? shared_.slots[slot - 1].bytes : shared_.carry[slot - 1] + overlap;
}

std::uint32_t Courier::slot_of(StreamId id) const {
    for (std::uint32_t i = 0; i < shared_.slots_used; ++i)
        if (shared_.slots[i].stream == id)
            return i + 1;
    return 0;
}

void Courier::release(Stream& stream) {
    if (stream.slot != 0)
        publish(shared_.slots[stream.slot - 1].stream, StreamId{0});
    stream.slot = 0;
}

void Courier::tell_losses() {
    // A batch without a stream and without text, whose one piece is only a notice.
    for (const std::string& name : units_.losers()) {
        Unit& unit = units_.enter(name);
        Stream none;
        none.unit = &unit;
        begin(none, false);
        publish(record_.step, Step::writing);
        read_clock();
        write_piece(unit, {});
        store_tail();
        units_.leave(unit);
    }
}

} // namespace mi::logd
