// PID 1's side of the log collector: what is said to it and heard from it. It gives it what it is to read: log_streams.hpp has
// the pipes, own_lines.hpp what PID 1 says itself, collector_socket.hpp the way there, collector_process.hpp the process.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/kernel.hpp"
#include "daemon/log/collector_health.hpp"
#include "daemon/log/collector_process.hpp"
#include "daemon/log/collector_socket.hpp"
#include "daemon/log/log_streams.hpp"
#include "daemon/log/own_lines.hpp"
#include "state/snapshot.hpp"
#include "wire/log_protocol.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

using wire::logs::Priority;
using wire::logs::StreamId;

// The limits of a unit's log: the manager's, where its own `[log]` (or nullptr) says nothing else.
[[nodiscard]] wire::logs::Limits log_limits(const core::ManagerSettings& settings, const core::LogSettings* own);

class LogLink {
public:
    struct Settings {
        std::string program; // this binary
        std::vector<std::string> directories;
        wire::logs::Limits limits;
        std::vector<std::string> forward; // servers that get every line
        std::uint64_t forward_queue = 0;  // bytes that may wait for each
        std::string cgroups;              // what /proc/PID/cgroup says before a unit's name; empty: there are none
        std::uint64_t total_size = 0;     // bytes of all logs together; 0: no bound
        // Where what is that important goes, too: a device, own_output for our stdout and stderr, or empty.
        std::string console;
        Priority console_level = Priority::emerg;
        wire::logs::ConsoleFormat console_format = wire::logs::ConsoleFormat::brief;
        bool console_colour = false;
    };
    // Told of what the collector says.
    struct Listener {
        virtual ~Listener() = default;
        virtual void flushed(std::uint64_t token) = 0;
        // What PID 1 should tell people itself: losses, a collector that does not stay up.
        virtual void log_trouble(const std::string& text) = 0;
        // The line that was expected of a stream of the unit has come; or what the last line of a probe of it was.
        virtual void line_said(const std::string& unit, bool of_probe, const std::string& text) = 0;
        // The numbers of lines of the unit that were kept and lost since the last call.
        virtual void counted(const wire::logs::Count&) {}
        // There is another collector: that must not be forgotten.
        virtual void collector_started() = 0;
    };

    LogLink(Kernel& kernel, Listener& listener, Settings settings);

    // Makes what the collector needs, and the first collector. A fault means: not yet, it is tried again; what is written
    // meanwhile waits in the pipes.
    Result<> start(Instant now);
    // Goes on with the collector, the pipes and the estate of the program before this one. `renew`: a new collector takes
    // over as soon as that one has written what it has.
    Result<> go_on(state::Snapshot& snapshot, Instant now, bool renew);
    // For the snapshot: what there is besides the streams.
    void tell(state::ManagerImage& image) const;
    [[nodiscard]] LogStreams& streams() { return streams_; }
    // The collector's process, 0: there is none.
    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    [[nodiscard]] const std::string& directory() const { return storage_; }
    // The pipe that our own lines go into; -1: none.
    [[nodiscard]] int own_lines() const { return own_lines_.fd(); }

    // Has the collector read `pipe` as `source` of `unit`, as soon as there is something in it (held_pipes.hpp); it is of the
    // process `leader` in the `cgroup` (by number), or of none (0).
    StreamId attach(const std::string& unit, wire::logs::Source source, const wire::logs::Limits& limits, Fd pipe,
                    pid_t leader = 0, bool forward = true, std::uint64_t cgroup = 0);
    // Listener::line_said follows once a line of the stream matches the pattern (POSIX, extended); empty: no more.
    void expect(StreamId id, const std::string& pattern);
    // Has it read messages of syslog(3) at this socket instead of the one before, or at none; senders there turn to the new
    // one.
    void hear_syslog(Fd socket);
    [[nodiscard]] bool hears_syslog() const { return syslog_ != 0; }
    // Has it read the kernel's messages, if it does not yet.
    Result<> hear_kernel();
    // A process that wrote to it has ended. True: what it wrote may not be in its log yet, see flush().
    [[nodiscard]] bool has_last_words(StreamId id);
    // Asks for everything in these streams to be written; Listener::flushed(token) follows. False where there is no
    // collector to ask.
    bool flush(std::uint64_t token, const std::vector<StreamId>& streams);
    // A line of PID 1 itself, in the log of `unit` (empty: its own). It comes after everything that services have written so far.
    void line(const std::string& unit, Priority priority, std::string_view text) { write(unit, priority, text, false); }
    // The same in our own log, and on the console by the collector, so that it stands behind what services said there. False: that
    // cannot be had now, and it is in the log only.
    bool line_on_console(Priority priority, std::string_view text);
    // Lines of PID 1 wait for room, or for pipes that are to be handed over before them.
    [[nodiscard]] bool has_unwritten_lines() const { return own_lines_.some_wait(); }
    // Something was mounted.
    void try_storage();
    // From now on logs are kept there, and what there is goes along.
    void move_to(std::vector<std::string> directories);
    // Write all, sync, end; one that dies over it is replaced.
    void finish();

    // A process has ended, and was collected.
    enum class Ended : std::uint8_t {
        not_ours, // it was another
        replaced, // it was the collector, and another is or will be started
        finished, // it was the collector, which was told to finish, and there is no other
    };
    Ended exited(pid_t pid, int code, bool by_signal, Instant now);
    // It was stopped by a signal: that is undone. Others' processes are none of ours.
    void stopped(pid_t pid, int signal, Instant now);
    // Whether the unit is to get no more pipes: the collector hangs, though it was killed, and many of the unit's wait.
    [[nodiscard]] bool has_too_many(const std::string& unit) const;
    // Sends what this turn gathered: pipes travel in batches.
    void end_turn();
    [[nodiscard]] Instant next_deadline() const;
    void due(Instant now);

private:
    Result<> launch(Instant now);
    void hand_over_new();
    void hand_over_everything();
    void configure();
    void readable();
    void take(const wire::logs::FromCollector& message);
    void take(const wire::logs::Refused& refused);
    void take(const wire::logs::Dropped& dropped);
    void take(const wire::logs::Said& said);
    void write(const std::string& unit, Priority priority, std::string_view text, bool shown);
    void write_own_lines();
    void lose_collector();
    [[nodiscard]] int pipe_of(StreamId id) const;

    Kernel& kernel_;
    Listener& listener_;
    Settings settings_;
    LogStreams streams_;
    CollectorHealth health_;
    CollectorSocket socket_;
    OwnLines own_lines_;
    CollectorProcess process_;
    bool greeted_ = false; // the collector has said Hello
    bool finishing_ = false;
    bool renewing_ = false;                  // its end is as we wanted it
    bool hangs_ = false;                     // it does not answer, and was killed for it
    StreamId syslog_ = 0;                    // the socket that is bound at present
    std::vector<std::string> early_flushes_; // asked before it has said Hello
    std::string storage_;
    Instant refusal_told_until_{}, stop_told_until_{};
};

} // namespace mi::daemon
