#include "logd/echo.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "base/count.hpp"
#include "base/hash.hpp"
#include "base/printable.hpp"
#include "base/utf8.hpp"
#include "logd/run.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

constexpr std::size_t longest_on_device = 1000; // of a line's text
constexpr std::size_t longest_frame = 256;      // what is around unit and text
constexpr Span last_words = std::chrono::milliseconds(500), last_patience = std::chrono::seconds(3);
constexpr Span last_limit = std::chrono::seconds(30); // PID 1 has its own, which is shorter

// Whether both are the same pipe, terminal or file: then one queue keeps the order of what goes to them.
bool same_file(int one, int other) {
    struct stat first{}, second{};
    return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

// The same for a unit each time, and different for most of a few.
std::string_view colour_of(std::string_view unit) {
    constexpr std::string_view colours[] = {"\033[36m", "\033[33m", "\033[32m", "\033[35m", "\033[34m",
                                            "\033[96m", "\033[93m", "\033[92m", "\033[95m", "\033[94m"};
    return colours[fnv(unit) % std::size(colours)];
}

} // namespace

void Echo::use(Settings settings) {
    const bool same = settings.device == settings_.device;
    settings_ = std::move(settings);
    if (same)
        return;
    for (ConsoleQueue& queue : queues_)
        queue.close();
    apart_ = false;
    if (is_own())
        open(); // what a collector before us took with it is said now
}

void Echo::leave_out(logs::Source source, std::uint64_t lines) {
    if (is_own() && source < logs::Source::health && settings_.level >= logs::Priority::info)
        queue_of(source).leave_out(lines);
}

void Echo::on_waiting(std::function<void()> told) {
    for (ConsoleQueue& queue : queues_)
        queue.while_waiting = told;
}

// A device may be there later.
void Echo::open() {
    if (queues_[0].is_open())
        return;
    if (!is_own()) {
        if (Fd device(::open(settings_.device.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)); device)
            queues_[0].use(os::SharedOutput(std::move(device)), false);
        return;
    }
    // A PID 1 of an earlier version has opened one output only.
    const bool has_stdout = ::fcntl(console_output_fd, F_GETFD) >= 0;
    apart_ = has_stdout && !same_file(console_output_fd, console_error_fd);
    const int output = has_stdout ? console_output_fd : console_error_fd;
    queues_[0].use(os::SharedOutput(output), true);
    if (shown_ != nullptr)
        queues_[0].count_in(shown_[0]);
    is_terminal_[0] = ::isatty(output) == 1;
    if (!apart_)
        return;
    queues_[1].use(os::SharedOutput(console_error_fd), true);
    if (shown_ != nullptr)
        queues_[1].count_in(shown_[1]);
    is_terminal_[1] = ::isatty(console_error_fd) == 1;
}

ConsoleQueue& Echo::queue_of(logs::Source source) { return queues_[apart_ && source != logs::Source::out ? 1 : 0]; }

void Echo::take(std::string_view unit, std::string_view lines) {
    if (settings_.device.empty())
        return;
    open();
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        const std::string_view whole = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
        const auto line = logs::parse_line(whole);
        if (line && line->priority <= settings_.level && line->source != logs::Source::init &&
            line->source != logs::Source::kernel && !(is_own() && line->source == logs::Source::health))
            put(queue_of(line->source), unit, whole.substr(0, logs::stamp_size), *line);
    }
}

void Echo::announce(std::string_view stamp, logs::Priority priority, std::string_view text) {
    if (settings_.device.empty())
        return;
    open();
    put(queue_of(logs::Source::init), "miniinit", stamp,
        {.priority = priority, .source = logs::Source::init, .text = text});
}

void Echo::put(ConsoleQueue& queue, std::string_view unit, std::string_view stamp, const logs::Line& line) {
    // In JSON a byte has up to six characters, and once more those of its base64.
    const std::size_t factor = settings_.format == logs::ConsoleFormat::json ? 8 : 1;
    const std::size_t text = is_own() ? line.text.size() : std::min(line.text.size(), longest_on_device);
    std::string* to = queue.room_for(2 * longest_frame + factor * (unit.size() + text));
    if (to == nullptr)
        return;
    // There is room for that, too.
    tell_left_out(queue, stamp);
    write(*to, unit, stamp, line, has_colour(queue));
}

bool Echo::has_colour(const ConsoleQueue& queue) const {
    return settings_.colour && is_terminal_[&queue == &queues_[1] ? 1 : 0];
}

void Echo::tell_left_out(ConsoleQueue& queue, std::string_view stamp) {
    if (queue.left_out() == 0)
        return;
    const unsigned long left_out = queue.take_left_out();
    lost_ += left_out;
    const std::string said = counted(left_out, "more line is", "more lines are") + " in the logs";
    const logs::Line line{.priority = logs::Priority::warning, .source = logs::Source::init, .text = said};
    if (std::string* to = queue.room_for(longest_frame))
        write(*to, "miniinit", stamp, line, has_colour(queue));
}

void Echo::write(std::string& to, std::string_view unit, std::string_view stamp, const logs::Line& line,
                 bool colour) const {
    if (settings_.format == logs::ConsoleFormat::json)
        return logs::append_json(to, stamp, unit, line);
    if (settings_.format == logs::ConsoleFormat::iso)
        to.append(stamp).append(" ");
    if (colour)
        to.append(colour_of(unit));
    append_printable(to, unit);
    if (colour)
        to.append("\033[0m");
    if (settings_.format == logs::ConsoleFormat::iso)
        to.append(" ")
            .append(logs::word_of(line.priority))
            .append(" ")
            .append(logs::word_of(line.source))
            .append(line.unended ? "+" : "");
    to.append(": ");
    const std::string_view text = is_own() ? line.text : cut_text(line.text, longest_on_device);
    append_printable(to, text, Keep::tabs);
    to.append(text.size() < line.text.size() ? "…" : "")
        .append(is_own() ? "\n" : "\r\n"); // a terminal may be in raw mode
}

void Echo::flush() {
    for (ConsoleQueue& queue : queues_)
        if (!queue.flush()) {
            if (!is_own())
                queue.close(); // hung up: perhaps opened anew there is somebody
        } else if (queue.left_out() > 0 && queue.waits_for() < 0) {
            tell_left_out(queue, logs::stamp_of(wall_now()));
            (void)queue.flush();
        }
}

void Echo::flush_last() {
    for (ConsoleQueue& queue : queues_)
        queue.flush_last(is_own() && !queue.gave_up() ? last_patience : last_words, is_own() ? last_limit : last_words);
}

std::string Echo::take_trouble() {
    const bool gave_up = std::ranges::any_of(queues_, &ConsoleQueue::gave_up);
    if (gave_up == told_)
        return {};
    told_ = gave_up;
    if (gave_up)
        return "the output is not read: until it is, what services say is left out there, and in the logs only";
    return "the output is read again; " + counted(std::exchange(lost_, 0), "line was", "lines were") +
           " left out there";
}

} // namespace mi::logd
