// Lines for the console: what services say that is important is shown there, too. On a machine that is one device; in a container it
// is the init's own output, where what came by stdout goes to stdout and all else to stderr. What PID 1 has to say itself comes this
// way as well, so that it stands behind what it is about. How long a slow console is waited for is console_queue.hpp's.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "logd/console_queue.hpp"
#include "wire/log_format.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd {

class Echo {
public:
    struct Settings {
        std::string
            device; // a terminal's path, wire::logs::own_output for those that PID 1 has opened for us, empty: nowhere
        wire::logs::Priority level = wire::logs::Priority::emerg; // this and what is more important
        wire::logs::ConsoleFormat format = wire::logs::ConsoleFormat::brief;
        bool colour = false; // where it is a terminal
    };

    // Keeps the numbers of lines that wait in `shown`, which outlives us.
    void count_in(std::span<std::uint64_t, 2> shown) { shown_ = shown.data(); }
    // Shows lines so from now on.
    void use(Settings settings);
    // Lines of a file, whole ones, of `unit`. Those of the init are for `announce`, those of the kernel are left to it.
    void take(std::string_view unit, std::string_view lines);
    // Lines of a service that an earlier collector has written, and may not have shown.
    void leave_out(wire::logs::Source source, std::uint64_t lines);
    // A line of PID 1's own.
    void announce(std::string_view stamp, wire::logs::Priority priority, std::string_view text);
    // Writes what `take` has gathered, as far as the console takes it.
    void flush();
    // At the end of the collector: the rest, as long as somebody reads it.
    void flush_last();
    // What must become writable before the rest can be written; -1: there is no rest. Two, as there are two outputs.
    [[nodiscard]] std::array<int, 2> waits_for() const { return {queues_[0].waits_for(), queues_[1].waits_for()}; }
    // What people should know of it: that a reader does not read, and what that cost. Empty: nothing new.
    [[nodiscard]] std::string take_trouble();
    // Called about once a second while a reader is waited for.
    void on_waiting(std::function<void()> told);

private:
    [[nodiscard]] bool is_own() const { return settings_.device == wire::logs::own_output; }
    void open();
    [[nodiscard]] ConsoleQueue& queue_of(wire::logs::Source source);
    [[nodiscard]] bool has_colour(const ConsoleQueue& queue) const;
    void tell_left_out(ConsoleQueue& queue, std::string_view stamp);
    void put(ConsoleQueue& queue, std::string_view unit, std::string_view stamp, const wire::logs::Line& line);
    void write(std::string& to, std::string_view unit, std::string_view stamp, const wire::logs::Line& line,
               bool colour) const;

    Settings settings_;
    std::array<ConsoleQueue, 2> queues_; // of stdout, or of all; of stderr
    std::array<bool, 2> is_terminal_{};
    bool apart_ = false; // there are two
    std::uint64_t* shown_ = nullptr;
    bool told_ = false;      // that a reader does not read
    unsigned long lost_ = 0; // lines, since then
};

} // namespace mi::logd
