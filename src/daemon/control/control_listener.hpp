// The listening socket of the control server. Lets in a bounded number of clients in a turn, and goes on when there are no
// descriptors left: then one client goes for another, and in the end the newcomer itself.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "loop/loop.hpp"

#include <functional>
#include <memory>

namespace mi::daemon {

class ControlListener {
public:
    // `welcome` gets each new client, `make_room` ends a client if there is one. Both are called in callbacks of the loop.
    ControlListener(loop::Loop& loop, std::function<void(Fd)> welcome, std::function<void()> make_room);

    // Listens there (non-blocking, owned from now on; none: nowhere) instead of at the socket before.
    Result<> listen_at(Fd socket);
    // Descriptor of the socket, -1: none.
    [[nodiscard]] int fd() const { return socket_.get(); }
    // The turn has ended: more clients are let in.
    void turn_ended();
    // When it is tried again after no client could be let in; never: clients are let in as they come.
    [[nodiscard]] Instant next_deadline() const { return rest_until_; }
    void due(Instant now);

private:
    void accept_some();

    loop::Loop& loop_;
    std::function<void(Fd)> welcome_;
    std::function<void()> make_room_;
    Fd socket_;
    Fd reserve_; // given up for a moment to get rid of a client when there are no descriptors left
    std::unique_ptr<loop::Watch> watch_;
    unsigned accepted_ = 0; // in this turn
    Instant rest_until_ = never;
};

} // namespace mi::daemon
