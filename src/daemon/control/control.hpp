// The control socket inside PID 1: connections, their buffers, who may do what. It turns bytes into wire::Requests for a
// ControlHandler and its answers back into bytes. What a request does is the handler's; what it looks like on the wire is
// wire's.
//
// A client, however hostile, costs its own bounded buffers and a share of our time that is bounded as well:
//  - It is never waited for. Where all together hold too much, the greediest is dropped, and what it held is freed at once.
//  - Those who may act are served as they come, a few calls each in a turn.
//  - All others share one budget of time in each turn, and share it by user: the user who has cost the least comes next, and of
//    his connections the one that has waited longest (fair_queue.hpp). What does not fit waits for the next turn, in which
//    everything else, children, timers, services and those who may act, comes first again.
//  - An answer that may be large is made as it is read, and none is made for a client that is gone or does not read.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "daemon/control/call.hpp"
#include "daemon/control/list_reply.hpp"
#include "loop/loop.hpp"
#include "state/snapshot.hpp"
#include "wire/messages.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace mi::daemon {

// The other side of the socket: the manager. `call` may be answered inside it or at any time later, by reply, error or
// reply_list of the server, exactly once (and by any number of `continues` replies before, where caller.more). `call` runs in
// callbacks of the loop and in take_calls, `gone` in finish_turn, the function given to reply_list in finish_turn and flush; none
// of them inside reply or error.
struct ControlHandler {
    virtual ~ControlHandler() = default;
    // A valid request that the caller is allowed to make.
    virtual void call(CallId id, const Caller& caller, wire::Request request) = 0;
    // The caller has gone before it was answered: forget the call. Answering it all the same does no harm.
    virtual void gone(CallId id) = 0;
};

// What a list of names takes, in bytes: to be charged to a client.
[[nodiscard]] std::size_t memory_of(const std::vector<std::string>& names);

struct ControlSettings {
    uid_t owner = 0;            // who may act besides root: the user whose manager this is
    std::optional<gid_t> group; // whose members may act
    std::size_t connections = 1200;
    std::size_t per_user = 200;         // of these, for each user who may not act
    std::size_t in_limit = 128 << 10;   // bytes of one request
    std::size_t out_limit = 1 << 20;    // bytes waiting to be read when another reply is to be added
    std::size_t total_limit = 16 << 20; // bytes held for all clients
    // Of those who may not act: bytes held for each user, and for all of them; and the time that all of them have in a turn for
    // their calls, and again for their answers. A single call may take longer.
    std::size_t user_limit = 4 << 20;
    std::size_t others_limit = 8 << 20;
    Span others_time = std::chrono::milliseconds(1);
};

class ControlServer {
    struct State;

public:
    // Serves the listening socket (non-blocking, owned from now on; none: until listen_at). Loop and handler outlive the
    // server.
    [[nodiscard]] static Result<std::unique_ptr<ControlServer>> make(loop::Loop& loop, Fd listener,
                                                                     ControlHandler& handler, ControlSettings settings);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Answers a call; `continues`: more replies follow (only where caller.more; a caller without it hears the last alone).
    // Of a call whose caller is gone nothing is left to answer: ignored.
    void reply(CallId id, const wire::Reply& reply, bool continues = false);
    void error(CallId id, const wire::Error& error);
    // The same reply to many calls, encoded once; all of them continue. For events.
    void broadcast(std::span<const CallId> ids, const wire::Reply& reply);
    // Answers with a list: `empty` is the reply with that list, its last field, empty, and `next` appends one element
    // (wire::append_element), or is false at the end. It is called as fast as the client reads, perhaps long after this, so it
    // must know how to go on after the units have been read again. A reply that is not read costs the memory of `next` alone,
    // which is about `bytes`.
    void reply_list(CallId id, const wire::Reply& empty, ListReply::Next next, std::size_t bytes);
    // The same for an answer of many messages. `next` appends one message (wire::append_one_reply), and returns false for
    // the last one. For interfaces with one item in each reply.
    void reply_each(CallId id, ListReply::Next next, std::size_t bytes);
    // The handler keeps so many bytes for this call until it is answered: they count as the client's.
    void charge(CallId id, std::size_t bytes);

    // Whether anybody still waits for this call.
    [[nodiscard]] bool waiting(CallId id) const;

    // The clients as they are saved and restored.
    class Clients {
    public:
        explicit Clients(State& state) : state_(state) {}
        // Those that came, went, asked or were answered since this was last asked, by descriptor.
        [[nodiscard]] std::vector<int>& moved();
        [[nodiscard]] std::vector<int> all() const;
        // What there is to a client; `open` is false where there is none. With `bytes`, also what is on its way.
        [[nodiscard]] state::ClientImage tell(int fd, bool bytes) const;
        [[nodiscard]] std::uint64_t last_call() const;
        // Goes on serving a client of the program before this one: its call waits under the number it had.
        void adopt(state::ClientImage client);
        void set_last_call(std::uint64_t last);

    private:
        State& state_;
    };

    // Barriers. What is answered after `hold` reaches no client before that barrier (and every earlier one) is released.
    // What was answered before it is not delayed by it.
    using Barrier = std::uint64_t;
    [[nodiscard]] Barrier hold();
    void release(Barrier barrier);

    // To be called in every turn when what comes first is done: makes the calls of those who may not act, as far as their time
    // goes. False: there were none.
    bool take_calls();
    // To be called at the end of every turn: sends what was answered in it, and says who is gone.
    void finish_turn();
    // Writes what can be written without waiting: before re-exec and at the very end.
    void flush();

    // For the snapshot.
    [[nodiscard]] Clients clients();
    // Another listening socket in the place of the one before; connections stay.
    Result<> listen_at(Fd listener);
    // When there is something to do again: at once (a moment that has passed) where somebody waits for the next turn; and where
    // no client could be let in for want of descriptors, when it is tried again.
    [[nodiscard]] Instant next_deadline() const;
    void due(Instant now);

    // Who else may act, on connections made from now on (the manager's settings were read again).
    void set_group(std::optional<gid_t> group);
    // For a report or a test: connections open, bytes held for all of them.
    [[nodiscard]] std::size_t connections() const;
    [[nodiscard]] std::size_t buffered() const;
    // Descriptor of the listening socket, -1: none.
    [[nodiscard]] int listener() const;

private:
    explicit ControlServer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace mi::daemon
