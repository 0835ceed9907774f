// Moving lines from pipes into files so that each arrives exactly once, although this process may be killed (SIGKILL)
// at any instruction. Which pipe is due is collector.hpp's, where lines are kept is units.hpp's.
//
// What survives a kill: the services' pipes and the holding pipe (PID 1 keeps their ends), the shared memory, the
// files. One batch of one stream is in flight at a time, and Record::step says how far it is. Each step can be done
// again from its beginning, or from wherever it was cut off:
//
//   idle     Nothing is in flight; the holding pipe is empty.
//   moving   The record names the stream and its unit; its unfinished line (the "carry", from its slot) has been
//            copied in front of the input. splice(2) moves up to 64 KiB from the service's pipe into the holding
//            pipe. Bytes are in one of the two at any moment, never in both or none. Cut off before or after the
//            splice: what the holding pipe has (FIONREAD; only we write to it) is the batch, `moved` is that number;
//            nothing there: nothing happened.
//   reading  `moved` is known. read(2) copies from the holding pipe straight into the shared input; the kernel takes
//            a piece out of the pipe only once it has been copied. Cut off: the holding pipe still has `left` bytes,
//            so the first `moved - left` are in the input already. Go on reading behind them.
//   writing  The holding pipe is empty; carry and input together are the text. Piece by piece: format lines, note the
//            file, its size before and the size of the write (`pending`), write, note the progress. Cut off: if the
//            file has grown by the whole size, the write was made (an append-only file of one writer grows only after
//            its bytes are in it): note it. If not, truncate it to the size before and write that piece again from
//            the text. Stamps may differ, lines may not.
//   storing  All lines are written; what is left after the last line end is put into the stream's slot. The text is
//            untouched, so cut off: put it there again.
//
// Letters (letters.hpp) of sources that are no pipe come as a whole batch from who reads those: they are in the shared
// input already, the batch begins at `writing`, and `storing` also says how far its source is done with.
//
// Then idle. Two more steps are storage.hpp's (draining, copying); they are finished by trying again, which they see
// to. So `resume` in a new collector and the normal way of a batch are the same code, entered at different steps.
//
// Why unfinished lines are not simply left in the service's pipe: a pipe wakes its reader when it was empty or when a
// write has ended. A large write to a pipe that still holds something fills it and sleeps without a word, so
// edge-triggered waiting would never hear of it and level-triggered waiting would spin. Emptied pipes have neither
// problem (and no size of line can fill a small pipe for ever).
#pragma once

#include <memory>
#include <vector>

#include "logd/echo.hpp"
#include "logd/expectation.hpp"
#include "logd/forward.hpp"
#include "logd/letters.hpp"
#include "logd/lines.hpp"
#include "logd/units.hpp"

namespace mi::logd {

// One pipe that is read, or a socket or device (Source::syslog, Source::kernel).
struct Stream {
    StreamId id = 0; // 0: none
    Fd pipe;         // its read end
    Source source = Source::out;
    std::uint32_t slot = 0; // 1 + index of its slot, 0: no unfinished line
    Unit* unit = nullptr;
    std::int32_t leader = 0;  // of a session; 0: none
    std::uint64_t cgroup = 0; // by number; 0: none
    bool has_pidfds = false;  // a socket: messages come with a descriptor of their sender (os/process/pidfd.hpp)
    std::unique_ptr<Expectation> expected; // a line that somebody waits for; null: none
    std::string said;                      // Source::health: its last line so far
};

class Courier {
public:
    // `holding_read` and `holding_write` are the estate's, non-blocking.
    Courier(Mapping& memory, Units& units, int holding_read, int holding_write);

    // Finishes what an earlier collector had in flight. Call once the units know their directory, before anything else.
    Result<> resume();

    struct Took {
        std::size_t bytes = 0; // 0 and no end: nothing is there
        bool end = false;      // nothing will come any more
    };
    // Moves what the pipe has, at most one batch, and at most so many bytes. A Fault means that the estate is unusable.
    Result<Took> move(Stream& stream, std::size_t most = SIZE_MAX);
    // Writes the stream's unfinished line, marked as unended.
    Result<> move_tail(Stream& stream);
    // Where letters for `deliver` are put together.
    [[nodiscard]] std::span<char> desk() { return {shared_.input + carry_room, input_room}; }
    // Writes the letters in the first `size` bytes of the desk, then sets `done` of their source to `done_to`.
    void deliver(Stream& stream, std::size_t size, std::uint64_t done_to);
    // The present, as the stamps of the next batch have it.
    WallTime present();
    // The slot in which an earlier collector left an unfinished line of the stream, as Stream::slot.
    [[nodiscard]] std::uint32_t slot_of(StreamId id) const;
    // Begins to look for what is expected of the stream: also in what an earlier collector had in flight.
    void expect(Stream& stream, const std::string& pattern);
    // The text that an earlier collector had in flight may be a stream's of which something is expected; not from here on.
    void forget_resumed(StreamId id) {
        if (id == resumed_)
            resumed_text_.clear();
    }
    // Frees the slot of a stream that has ended.
    void release(Stream& stream);

    // Gives lines to a server, too, from now on; borrowed.
    void add_server(Forwarder& server) { servers_.push_back(&server); }
    // And to a console.
    [[nodiscard]] Echo& echo() { return echo_; }

    // Tries to tell, in the logs of units that lost lines, that they did.
    void tell_losses();

private:
    void begin(Stream& stream, bool take_tail);
    void keep_resumed();
    struct Begun { // of the first line of a text, what was written already
        bool in_pieces = false;
        std::string end;
    };
    [[nodiscard]] Begun begun(std::uint32_t slot) const;
    void look(Stream& stream, std::string_view text, bool whole, const Begun& begun);
    Result<> read_in(std::size_t left);
    void write_out();
    [[nodiscard]] Style style_of(Unit& unit, Source source);
    void write_piece(Unit& unit, std::string_view text);
    void note_pending(const Unit& unit, const Place& place, std::size_t size);
    void note_failure(Unit& unit, const Units::Appended& appended, std::string_view lines, std::size_t notices);
    void send_copies(const Unit& unit, std::string_view own_lines, std::string_view lines);
    void announce(std::string_view lines);
    void write_letters();
    void commit(Unit& unit);
    void store_tail();
    void store_before(Slot& slot);
    // Where an unfinished line of that size is kept.
    [[nodiscard]] char* bytes_of(std::uint32_t slot, std::size_t size) const;
    [[nodiscard]] std::uint32_t slot_for_tail() const;
    [[nodiscard]] bool can_keep(std::string_view rest);
    [[nodiscard]] Progress progress() const;
    [[nodiscard]] std::string_view rest_of_text() const;
    void read_clock();
    void settle_pending();
    [[nodiscard]] std::uint32_t allowance(Unit& unit) const;
    std::size_t write_notices(Unit& unit, std::int64_t jumped, std::int64_t behind);

    Mapping& memory_;
    Shared& shared_;
    Record& record_;
    Units& units_;
    std::vector<Forwarder*> servers_;
    Echo echo_;
    int holding_read_;
    int holding_write_;
    StreamId resumed_ = 0; // whose text was in flight when an earlier collector ended, and that text
    std::string resumed_text_;
    Begun resumed_begun_;
    Unit* unit_ = nullptr;        // of the batch; one user
    WallTime now_;                // one reading per batch
    std::unique_ptr<char[]> out_; // notices right-aligned in the first notice_room bytes, lines behind
    WallTime stamp_at_{-1};       // what stamp_ says
    char stamp_[wire::logs::stamp_size];
};

} // namespace mi::logd
