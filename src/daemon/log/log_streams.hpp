// Whose output the collector is to read: the read end of every pipe, which PID 1 keeps until the collector has reached its end, so
// that nothing is lost with a collector. It reads no log bytes itself.
#pragma once

#include "base/fd.hpp"
#include "base/time.hpp"
#include "daemon/kernel.hpp"
#include "daemon/log/held_pipes.hpp"
#include "state/snapshot.hpp"
#include "wire/log_protocol.hpp"

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace mi::daemon {

struct LogStream {
    std::string unit;
    wire::logs::Source source;
    wire::logs::Limits limits;
    Fd pipe;
    std::uint64_t inode = 0; // of the pipe
    pid_t leader = 0;        // the process that leads the session; 0: none
    bool forward = true;
    std::uint64_t cgroup = 0; // by number; 0: none
    bool is_watched = false;  // by CollectorHealth
    bool is_held = false;     // the collector has not been given it: see held_pipes.hpp
    std::string expected;     // a pattern: that a line of it matches is to be told; empty: nothing is
};

class LogStreams {
public:
    using StreamId = wire::logs::StreamId;

    // `closing`: a stream is about to be closed.
    LogStreams(Kernel& kernel, std::function<void(const LogStream&)> closing)
        : closing_(std::move(closing)), held_(kernel, [this] { look_at_held(); }) {}

    // One stream more. With `may_wait` the collector is given it when there is something in it.
    StreamId add(LogStream stream, bool may_wait);
    // One of the program before this one.
    void restore(const state::StreamImage& image);
    // It has ended.
    void forget(StreamId id);

    [[nodiscard]] const LogStream* find(StreamId id) const;
    // What is expected of it from now on; empty: nothing. True: that is something else than before.
    bool expect(StreamId id, const std::string& pattern);
    [[nodiscard]] std::unordered_map<StreamId, LogStream>& all() { return streams_; }
    [[nodiscard]] const std::unordered_map<StreamId, LogStream>& all() const { return streams_; }

    // Finds out in which of those that are held there is something by now, and closes those in which there will be nothing.
    void look_at_held();
    // From now on none is held.
    void release_held();

    // Streams to hand over, at most as many as one message takes. Empty: there are none.
    struct Batch {
        wire::logs::Attach message;
        std::vector<StreamId> streams;
    };
    [[nodiscard]] Batch next_batch();
    [[nodiscard]] bool has_new() const { return !to_attach_.empty(); }
    // There is another collector: all but those that are held are to be handed over again, our own lines last, as they follow
    // what is in the others.
    void offer_all();

    // The collector had no descriptor for them. offer_refused() offers them again.
    void refuse(const std::vector<StreamId>& streams, Instant again_at);
    void offer_refused();
    [[nodiscard]] std::size_t refused() const { return refused_.size(); }
    void forget_refused();

    // For the snapshot: a stream, and which of them came, changed or went since last asked.
    [[nodiscard]] state::StreamImage tell(StreamId id) const;
    [[nodiscard]] std::vector<StreamId>& moved() { return moved_; }
    [[nodiscard]] StreamId last() const { return last_; }
    void go_on_after(StreamId last) { last_ = std::max(last_, last); }

    // When look_at_held() is due, and offer_refused().
    [[nodiscard]] Instant look_at() const { return held_.next_deadline(); }
    [[nodiscard]] Instant offer_at() const { return offer_at_; }

private:
    std::function<void(const LogStream&)> closing_;
    std::unordered_map<StreamId, LogStream> streams_;
    HeldPipes held_;
    StreamId last_ = 0;
    std::vector<StreamId> to_attach_;
    std::vector<StreamId> refused_;
    std::vector<StreamId> moved_;
    Instant offer_at_ = never;
};

} // namespace mi::daemon
