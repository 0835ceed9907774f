// The collector's end of the socket to PID 1: messages with descriptors come in, and what PID 1 does not take yet waits here.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "logd/wait_set.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd {

class InitSocket {
public:
    // The descriptor stays open.
    InitSocket(int socket, WaitSet& waiting)
        : socket_(socket), waiting_(waiting), bytes_(wire::logs::longest_message) {}

    // From now on it is waited for, as `control_index`.
    [[nodiscard]] bool open() { return waiting_.add(socket_, EPOLLIN, control_index); }

    // Takes the next message out of the socket. False: there is none now, or PID 1 is gone.
    [[nodiscard]] bool receive();
    // The message that was received last, and the descriptors that came with it; both until the next one. A Fault means
    // that a different program sent it.
    [[nodiscard]] Result<wire::logs::ToCollector> message() const {
        return wire::logs::decode_to_collector({bytes_.data(), size_});
    }
    [[nodiscard]] std::vector<Fd>& descriptors() { return descriptors_; }
    // PID 1 is gone.
    [[nodiscard]] bool closed() const { return closed_; }

    // Sends a message, now or as soon as there is room for it.
    void say(const wire::logs::FromCollector& message);
    // Sends what waits, as far as there is room.
    void send();

private:
    int socket_;
    WaitSet& waiting_;
    std::vector<char> bytes_;
    std::size_t size_ = 0;
    std::vector<Fd> descriptors_;
    bool closed_ = false;
    std::deque<std::string> to_send_;
    bool for_writing_ = false;
};

} // namespace mi::logd
