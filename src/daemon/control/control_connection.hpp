// One client of the control socket: its two buffers, and what of them may be sent. Whose turn it is, who may do what and when
// a client is dropped is control.cpp's.
#pragma once

#include "base/fd.hpp"
#include "daemon/control/call.hpp"
#include "daemon/control/list_reply.hpp"
#include "loop/loop.hpp"
#include "wire/varlink.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mi::daemon {

// The barriers that are still closed. What was queued behind one of them may go once it and all before it are open.
class Barriers {
public:
    [[nodiscard]] std::uint64_t add() {
        closed_.push_back(++last_);
        return last_;
    }
    void remove(std::uint64_t barrier) {
        std::erase(closed_, barrier);
        removed_ = true;
    }
    // Whether some were removed since this was last asked, so that more may go.
    [[nodiscard]] bool take_removed() { return std::exchange(removed_, false); }
    [[nodiscard]] std::optional<std::uint64_t> newest() const {
        return closed_.empty() ? std::nullopt : std::optional(closed_.back());
    }
    // Whether what was queued behind `barrier` may go.
    [[nodiscard]] bool open(std::uint64_t barrier) const { return closed_.empty() || closed_.front() > barrier; }

private:
    std::deque<std::uint64_t> closed_; // ascending
    std::uint64_t last_ = 0;
    bool removed_ = false;
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

// The call that is being answered.
struct OpenCall {
    CallId id{};                   // 0: none
    bool more = false;             // it takes more than one reply
    std::size_t memory = 0;        // that the handler holds for it
    std::optional<ListReply> list; // the answer, if that is made as it is read

    [[nodiscard]] explicit operator bool() const { return id != CallId{}; }
    // It is answered.
    void end() {
        id = CallId{};
        memory = 0;
        list.reset();
    }
};

struct Connection {
    Connection(Fd socket, Caller who, std::size_t in_limit) : fd(std::move(socket)), caller(who), in(in_limit) {}

    // How many bytes of answers may lie unread when another call is made.
    static constexpr std::size_t answers_ahead = 64 << 10;

    enum class Io : std::uint8_t { fine, again, ended };

    // Reads once. `ended`: the client is gone or talks nonsense.
    [[nodiscard]] Io read_some();
    // Sends what may go; refills from a list as there is room, until then at most, and not for one who has gone. `fine`: more
    // could be sent at once.
    [[nodiscard]] Io send_some(const Barriers& barriers, Instant until);
    // Whether the other end is closed, so that no client could read an answer.
    [[nodiscard]] bool hung_up() const;
    // Whether the next call has to wait.
    [[nodiscard]] bool busy() const { return call || out.size() >= answers_ahead; }
    // Bytes that are held for it.
    [[nodiscard]] std::size_t memory() const { return in.memory() + out.memory() + call.memory; }
    // Its end: all that it takes is given back at once, though others may still have a pointer to it.
    void let_go();

    Fd fd;
    std::unique_ptr<loop::Watch> watch;
    Caller caller;
    wire::Framer in;
    OutBuffer out;
    OpenCall call;
    bool read_ended = false; // it will send no more, but may still read
    bool closing = false;    // closed as soon as everything is sent
    bool dead = false;
    std::uint64_t inode = 0;       // of its socket
    std::optional<CallId> told;    // the call that the snapshot has on record, if it knows of this client
    bool dirty = false;            // in the server's list of those to be told something, or looked at
    bool calling = false;          // in its list of those who have something to say
    unsigned calls = 0, reads = 0; // in this turn
    std::size_t charged = 0;       // its share of the server's total
    std::size_t place = 0;         // in the server's list
    std::uint64_t active = 0;      // when it was last heard of
};

} // namespace mi::daemon
