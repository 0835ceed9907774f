// Lines for another machine's log: to one syslog server, by UDP or TCP (RFC 5424, 5426, 6587). Lines wait in a queue of
// bounded size while the server is away, and the collector never waits for it. What finds no room is counted, and the server is
// told. The files are the log; this is a copy that may be incomplete, and says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/time.hpp"
#include "logd/server_address.hpp"
#include "wire/log_format.hpp"

namespace mi::logd {

// One line as RFC 5424 has it: APP-NAME is the unit, MSGID the source, PROCID the pid in a syslog text `TAG[PID]: `, and
// `number` the meta data's sequenceId. Appended to `to`; with `counted`, behind its length (RFC 6587).
void put_forwarded(std::string& to, std::string_view host, std::string_view unit, const wire::logs::Line& line,
                   std::uint32_t number, bool counted);

class Forwarder {
public:
    Forwarder(std::string server, std::size_t room) : server_(std::move(server)), room_(room) {}

    // Lines of a file, whole ones, of `unit`.
    void take(std::string_view unit, std::string_view lines);
    // Does what can be done now: connects, sends, hears that the server has gone. To be called after `take`, when the
    // descriptor is ready, and at next_try().
    void run(Instant now);

    // What to wait for: -1, nothing.
    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] bool wants_writable() const { return connecting_ || blocked_; }
    [[nodiscard]] Instant next_try() const { return next_try_; }
    [[nodiscard]] bool idle() const { return waiting() == 0 && sent_.empty(); }
    [[nodiscard]] bool connected() const { return socket_ && !connecting_; }
    [[nodiscard]] const std::string& server() const { return server_; }
    // What PID 1 should say since the last call; empty: nothing.
    [[nodiscard]] std::string take_trouble() { return std::exchange(trouble_, {}); }

private:
    [[nodiscard]] std::size_t waiting() const { return queue_.size() - queue_at_; }
    void put(std::string_view unit, std::string_view lines);
    void tell_dropped();
    void connect(Instant now);
    void fail(Instant now, const Fault& fault);
    void lose_connection(Instant now, int code);
    void forget_arrived();
    bool next_piece();
    void send_stream(Instant now);
    void send_datagrams(Instant now);

    std::string server_, host_; // theirs and ours
    std::size_t room_;
    // Entries of a head (EntryHead), the unit's name, lines; those before `queue_at_` are done, and of the first one the
    // lines before `line_at_`.
    std::string queue_;
    std::size_t queue_at_ = 0, line_at_ = 0;
    std::uint64_t dropped_ = 0; // lines since the last one that found room
    // TCP: messages that may not have arrived yet, and how many of their bytes the socket has; UDP: the next message.
    std::string sent_;
    std::size_t sent_to_ = 0;
    Fd socket_;
    bool stream_ = false, connecting_ = false, blocked_ = false;
    bool failing_ = false; // and that was said
    Instant next_try_ = never;
    Span pause_{0};        // before the next try
    unsigned arrived_ = 0; // datagrams without an error since the last one
    std::uint32_t number_ = 0;
    std::string trouble_;
};

} // namespace mi::logd
