#include "logd/echo.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

#include "base/printable.hpp"
#include "base/utf8.hpp"
#include "os/socket/write_ready.hpp"
#include "wire/log_format.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

constexpr std::size_t most_waiting = 256 * 1024;
constexpr std::size_t longest = 1000; // of a line's text

} // namespace

void Echo::use(const std::string& device, logs::Priority level) {
    level_ = level;
    if (device == device_)
        return;
    device_ = device;
    close();
}

void Echo::close() {
    own_.reset();
    fd_ = -1;
    queue_.clear();
    left_out_ = 0;
}

// Opened anew wherever that gives us a description of our own, so that not to wait is our own setting.
bool Echo::open() {
    constexpr int flags = O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
    if (fd_ >= 0)
        return true;
    if (device_ != logs::own_output) {
        own_ = Fd(::open(device_.c_str(), flags));
        fd_ = own_.get();
        return fd_ >= 0;
    }
    struct stat status{};
    if (::fstat(STDOUT_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
        own_ = Fd(::open("/proc/self/fd/1", flags));
    fd_ = own_ ? own_.get() : STDOUT_FILENO;
    return true;
}

void Echo::take(std::string_view unit, std::string_view lines) {
    if (device_.empty())
        return;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        const auto line = logs::parse_line(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
        if (line && line->priority <= level_ && line->source != logs::Source::init &&
            line->source != logs::Source::kernel)
            put(unit, line->text);
    }
}

void Echo::announce(std::string_view text) {
    if (!device_.empty())
        put("miniinit", text);
}

void Echo::put(std::string_view unit, std::string_view text) {
    const std::string_view end = device_ == logs::own_output ? "\n" : "\r\n"; // a terminal may be in raw mode
    if (queue_.size() + unit.size() + std::min(text.size(), longest) + 128 > most_waiting) {
        ++left_out_;
        return;
    }
    if (left_out_ > 0) {
        queue_.append("miniinit: ").append(std::to_string(left_out_)).append(" more lines are in the logs").append(end);
        left_out_ = 0;
    }
    append_printable(queue_, unit);
    queue_.append(": ");
    append_printable(queue_, cut_text(text, longest), Keep::tabs);
    queue_.append(text.size() > longest ? "…" : "").append(end);
}

void Echo::flush() {
    if (queue_.empty())
        return;
    if (!open())
        return close(); // it may be there later
    if (!os::write_ready(fd_, static_cast<bool>(own_), queue_))
        close(); // hung up, or nobody reads: perhaps opened anew there is somebody
}

} // namespace mi::logd
