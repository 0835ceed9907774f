// One client of the control socket: its two buffers, and what of them may be sent. Whose turn it is, who may do what and when
// a client is dropped is control.cpp's.
#pragma once

#include "base/fd.hpp"
#include "daemon/control.hpp"
#include "loop/loop.hpp"
#include "wire/varlink.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace mi::daemon {

// The barriers that are still closed. What was queued behind one of them may go once it and all before it are open.
class Barriers {
public:
    [[nodiscard]] std::uint64_t add() {
        closed_.push_back(++last_);
        return last_;
    }
    void remove(std::uint64_t barrier) { std::erase(closed_, barrier); }
    [[nodiscard]] std::optional<std::uint64_t> newest() const {
        return closed_.empty() ? std::nullopt : std::optional(closed_.back());
    }
    // Whether what was queued behind `barrier` may go.
    [[nodiscard]] bool open(std::uint64_t barrier) const { return closed_.empty() || closed_.front() > barrier; }

private:
    std::deque<std::uint64_t> closed_; // ascending
    std::uint64_t last_ = 0;
};

// Bytes on their way to one client, some of them behind barriers.
class OutBuffer {
public:
    // Where the next message is to be appended; it belongs behind the newest barrier that is closed.
    std::string& append_to(const Barriers& barriers);
    // What may be sent now.
    [[nodiscard]] std::string_view sendable(const Barriers& barriers);
    void sent(std::size_t bytes);
    [[nodiscard]] std::size_t size() const { return bytes_.size() - begin_; }
    [[nodiscard]] std::string_view unsent() const { return std::string_view(bytes_).substr(begin_); }
    [[nodiscard]] std::size_t memory() const { return bytes_.capacity(); }

private:
    // The bytes from `begin` on (counted from the first ever) wait for `barrier`.
    struct Mark {
        std::uint64_t barrier;
        std::uint64_t begin;
    };
    std::string bytes_;
    std::size_t begin_ = 0;     // of what is not sent yet
    std::uint64_t dropped_ = 0; // bytes that were before bytes_[0]
    std::vector<Mark> marks_;
};

struct Connection {
    Connection(Fd socket, Caller who, std::size_t in_limit) : fd(std::move(socket)), caller(who), in(in_limit) {}

    // What a client may make us do in one turn, so that none of them can keep a turn from ending.
    static constexpr unsigned calls_a_turn = 16, reads_a_turn = 4;
    // How much is read ahead of a call that is not answered yet.
    static constexpr std::size_t read_ahead = 32 << 10;

    enum class Io : std::uint8_t { fine, again, ended };

    // Reads once. `ended`: the client is gone or talks nonsense.
    [[nodiscard]] Io read_some();
    // Sends what may go; refills from `units` as there is room, so much at most that a turn stays short.
    [[nodiscard]] Io send_some(const Barriers& barriers);
    // Appends units to the reply that is being streamed, up to a portion's size. True: more may follow.
    bool add_units(const Barriers& barriers);
    [[nodiscard]] std::size_t memory() const { return in.memory() + out.memory(); }

    Fd fd;
    std::unique_ptr<loop::Watch> watch;
    Caller caller;
    wire::Framer in;
    OutBuffer out;
    CallId call{};                 // the one that is being answered; 0: none
    bool more = false;             // it takes more than one reply
    ControlServer::NextUnit units; // the rest of the answer to List
    bool units_open = false;       // a reply is begun in `out`, with its list of units open
    bool read_ended = false;       // it will send no more, but may still read
    bool closing = false;          // closed as soon as everything is sent
    bool dead = false;
    std::uint64_t inode = 0;       // of its socket
    CallId told{};                 // the call that the snapshot has on record
    bool on_record = false;        // the snapshot knows of this client
    bool dirty = false;            // in the server's list of those to see to at the end of the turn
    unsigned calls = 0, reads = 0; // in this turn
    std::size_t charged = 0;       // its share of the server's total
    std::size_t place = 0;         // in the server's list
    std::uint64_t active = 0;      // when it was last heard of
};

} // namespace mi::daemon
