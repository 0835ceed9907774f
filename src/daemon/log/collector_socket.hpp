// PID 1's end of the socket to the log collector. Packets go out in their order, some with the read ends of pipes, and wait while
// the collector does not read; PID 1 never waits.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/kernel.hpp"
#include "wire/log_protocol.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class CollectorSocket {
public:
    using Callback = std::function<void()>;
    // `readable`: there is something for receive(). `sent`: some that waited were sent. `pipe_of`: the descriptor of a stream
    // that goes with a packet; -1: it is gone, and so does not go.
    CollectorSocket(Kernel& kernel, Callback readable, Callback sent, std::function<int(wire::logs::StreamId)> pipe_of)
        : kernel_(kernel), readable_(std::move(readable)), sent_(std::move(sent)), pipe_of_(std::move(pipe_of)) {}

    // Makes a new one, and gives the end that is for the collector.
    [[nodiscard]] Result<Fd> open();
    // Goes on with that of the program before us.
    [[nodiscard]] Result<> adopt(Fd socket);
    // There is no collector any more: what waits for it is forgotten.
    void close();
    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(socket_); }
    [[nodiscard]] int fd() const { return socket_.get(); }

    // For send(): the descriptors of `streams`, in their order, go with the packet.
    void add(std::string packet, std::vector<wire::logs::StreamId> streams = {});
    void add(const wire::logs::ToCollector& message) { add(wire::logs::encode(message)); }
    // As many as the collector takes; more when it has read, or when the system has room.
    void send();
    // Whether all was sent.
    [[nodiscard]] bool idle() const { return queue_.empty(); }
    void forget_waiting() { queue_.clear(); }

    // The next packet, until the call after it; empty: there is none, or the collector has hung up (its exit follows).
    [[nodiscard]] Result<std::string_view> receive();

    [[nodiscard]] Instant next_deadline() const { return send_again_at_; }

private:
    [[nodiscard]] Result<std::unique_ptr<loop::Watch>> watch(int fd);

    Kernel& kernel_;
    Callback readable_, sent_;
    std::function<int(wire::logs::StreamId)> pipe_of_;
    Fd socket_;
    std::unique_ptr<loop::Watch> watch_;
    struct Packet {
        std::string bytes;
        std::vector<wire::logs::StreamId> streams;
    };
    std::vector<Packet> queue_;
    std::vector<char> buffer_;
    Instant send_again_at_ = never;
};

} // namespace mi::daemon
