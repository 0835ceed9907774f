// Where lines go besides their files, the console (echo.hpp) and syslog servers (forward.hpp): sends what a turn has brought,
// and waits for those that are slow.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <string>

#include "base/time.hpp"
#include "logd/courier.hpp"
#include "logd/init_socket.hpp"
#include "logd/wait_set.hpp"

namespace mi::logd {

class Outputs {
public:
    // `waiting_long` is called again and again while a slow reader of the output is waited for.
    Outputs(Courier& courier, WaitSet& waiting, InitSocket& init, std::function<void()> waiting_long);

    // Uses these from now on. A server stays, once it is used.
    void configure(const wire::logs::Configure& message);
    // At the end of each turn: sends what can be sent now.
    void run();
    // When a server is to be tried again.
    [[nodiscard]] Instant next_deadline() const;
    // At the end of the collector: sends the rest, for a moment, to those that can be reached.
    void run_last();

private:
    // A server, and what epoll waits for at which of its descriptors.
    struct Server {
        explicit Server(const std::string& address, std::size_t room) : link(address, room) {}
        Forwarder link;
        int watched = -1;
        bool for_writing = false;
    };

    void show();
    void run(Server& server, std::uint32_t index);

    Courier& courier_;
    WaitSet& waiting_;
    InitSocket& init_;
    std::deque<Server> servers_;
    std::array<int, 2> consoles_{-1, -1}; // that are waited for
};

} // namespace mi::logd
