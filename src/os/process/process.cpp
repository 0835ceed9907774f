// Parses /proc/PID files, and pid files.
#include "os/process/process.hpp"

#include "base/directory.hpp"
#include "base/printable.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"
#include "os/file/walked_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace mi::os {

// `PID (NAME) S PPID PGRP SESSION TTY TPGID FLAGS ... (field 22) STARTTIME ...` (proc_pid_stat(5)); NAME may contain
// blanks and parentheses.
std::optional<ProcessStat> parse_stat(std::string_view text) {
    std::size_t open = text.find('(');
    std::size_t close = text.rfind(')');
    if (open == std::string_view::npos || open == 0 || close == std::string_view::npos || close < open)
        return std::nullopt;
    std::optional<pid_t> pid = to_number<pid_t>(trim(text.substr(0, open)));
    std::vector<std::string_view> fields = split(trim(text.substr(close + 1)), ' ');
    constexpr std::size_t first = 3; // proc_pid_stat(5)'s number of fields[0]
    if (!pid || fields.size() < 22 - first + 1 || fields[0].size() != 1)
        return std::nullopt;
    std::optional<pid_t> parent = to_number<pid_t>(fields[4 - first]);
    std::optional<pid_t> group = to_number<pid_t>(fields[5 - first]);
    std::optional<pid_t> session = to_number<pid_t>(fields[6 - first]);
    std::optional<unsigned> flags = to_number<unsigned>(fields[9 - first]);
    std::optional<std::uint64_t> started = to_number<std::uint64_t>(fields[22 - first]);
    if (!parent || !group || !session || !flags || !started)
        return std::nullopt;
    // utime, stime, cutime, cstime (the last two: of its children). An invalid value counts as 0.
    static const auto ticks_a_second = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
    static const auto page = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
    std::uint64_t ticks = 0;
    for (std::size_t number : {14, 15, 16, 17})
        ticks += to_number<std::uint64_t>(fields[number - first]).value_or(0);
    constexpr std::size_t resident = 24 - first;
    constexpr unsigned of_kernel = 0x00200000; // PF_KTHREAD
    return ProcessStat{.pid = *pid,
                       .state = fields[0][0],
                       .parent = *parent,
                       .group = *group,
                       .session = *session,
                       .kernel_thread = (*flags & of_kernel) != 0,
                       .started = *started,
                       .cpu_usec = ticks * 1'000'000 / ticks_a_second,
                       .resident =
                           fields.size() > resident ? page * to_number<std::uint64_t>(fields[resident]).value_or(0) : 0,
                       .threads = to_number<std::uint32_t>(fields[20 - first]).value_or(0),
                       .name = std::string(text.substr(open + 1, close - open - 1))};
}

Result<ProcessStat> process_stat(pid_t pid) {
    std::string path = "/proc/" + std::to_string(pid) + "/stat";
    Result<std::string> text = read_file(path);
    if (!text)
        return std::unexpected(text.error());
    std::optional<ProcessStat> stat = parse_stat(*text);
    if (!stat)
        return fault(EBADMSG, "understand", path);
    return *std::move(stat);
}

pid_t process_session(pid_t pid) {
    pid_t session = ::getsid(pid);
    return session < 0 ? 0 : session;
}

Result<std::vector<pid_t>> process_ids() {
    auto entries = list_directory("/proc");
    if (!entries)
        return std::unexpected(std::move(entries).error());
    std::vector<pid_t> pids;
    for (const DirectoryEntry& entry : *entries)
        if (std::optional<pid_t> pid = to_number<pid_t>(entry.name))
            pids.push_back(*pid);
    return pids;
}

bool process_exists(pid_t pid) {
    if (pid <= 0)
        return false;
    if (Result<ProcessStat> stat = process_stat(pid))
        return stat->state != 'Z' && stat->state != 'X';
    else if (stat.error().code == ESRCH)
        return false;
    // There is no /proc, or it hides other users' processes.
    return ::kill(pid, 0) == 0 || errno == EPERM;
}

std::optional<uid_t> process_user(pid_t pid) {
    struct stat about{};
    if (::stat(("/proc/" + std::to_string(pid)).c_str(), &about) != 0)
        return std::nullopt;
    return about.st_uid;
}

std::optional<Disposition> parse_disposition(std::string_view status, int signal) {
    // Signal masks are 64 bits in hexadecimal; the lowest bit is signal 1.
    auto holds = [&](std::string_view name) -> std::optional<bool> {
        const std::size_t at = status.find(name);
        if (at == std::string_view::npos)
            return std::nullopt;
        const std::string_view line = status.substr(at + name.size(), status.find('\n', at + 1) - at - name.size());
        const std::optional<std::uint64_t> mask = to_number<std::uint64_t>(trim(line), 16);
        return mask ? std::optional((*mask >> (signal - 1) & 1) != 0) : std::nullopt;
    };
    const auto blocked = holds("\nSigBlk:"), ignored = holds("\nSigIgn:"), caught = holds("\nSigCgt:");
    if (!blocked || !ignored || !caught)
        return std::nullopt;
    return *blocked || *caught ? Disposition::handled : *ignored ? Disposition::ignored : Disposition::by_default;
}

Result<Disposition> signal_disposition(pid_t pid, int signal) {
    const std::string path = "/proc/" + std::to_string(pid) + "/status";
    Result<std::string> text = read_file(path);
    if (!text)
        return std::unexpected(text.error());
    std::optional<Disposition> disposition = parse_disposition(*text, signal);
    if (!disposition)
        return fault(EBADMSG, "understand", path);
    // While a process waits in sigwait(3), its status does not list the signals it waits for as blocked.
    if (*disposition != Disposition::handled && wait_channel(pid).contains("sigtimedwait"))
        return Disposition::handled;
    return *disposition;
}

std::string wait_channel(pid_t pid) {
    std::string channel = read_file("/proc/" + std::to_string(pid) + "/wchan").value_or("");
    return channel == "0" ? "" : channel;
}

std::string describe(const ProcessStat& stat) {
    std::string text = "process " + std::to_string(stat.pid) + " (" + stat.name + ") in state " + stat.state;
    if (std::string channel = wait_channel(stat.pid); !channel.empty())
        text += ", waiting in " + channel;
    return text;
}

PathQuestion question_for_pid_file(const std::string& path) {
    constexpr std::size_t most = 63;
    return {.kind = PathQuestion::Kind::read, .path = path, .most = most, .last_link = false};
}

namespace {

// At least three digits, as chmod(1) takes them.
std::string octal(mode_t mode) {
    std::string digits;
    for (mode &= 07777; mode != 0 || digits.size() < 3; mode >>= 3)
        digits.insert(digits.begin(), static_cast<char>('0' + (mode & 7)));
    return "0" + digits;
}

std::string quoted(std::string_view line) {
    constexpr std::size_t most = 40;
    return '"' + printable(line.substr(0, most)) + (line.size() > most ? "…\"" : "\"");
}

} // namespace

Result<pid_t> pid_in(const std::string& path, const PathAnswer& answer, std::optional<uid_t> owner) {
    switch (answer.code) {
    case 0: break;
    case ELOOP: return fault(0, "refuse PID file that is a symbolic link:", path);
    case ENOTSUP: return fault(0, "refuse PID file that is no regular file:", path);
    case EMLINK: return fault(0, "refuse PID file that has another name, too:", path);
    case EFBIG: return fault(0, "find no process id in", path + ": it has more bytes than any");
    default: return fault(answer.code, "open", path);
    }
    if ((answer.mode & S_IWOTH) != 0)
        return fault(0, "refuse PID file that anyone can write:", path + " (mode " + octal(answer.mode) + ")");
    if (answer.text.empty())
        return fault(ENODATA, "find a process id in", path);
    // Some programs write more than one line; the number is in the first.
    std::string_view whole(answer.text);
    const std::string_view line = trim(whole.substr(0, whole.find('\n')));
    std::optional<pid_t> pid = to_number<pid_t>(line);
    if (!pid || *pid <= 1)
        return fault(0, "find no process id in",
                     path + ": it says " + quoted(line) +
                         (pid == 1 ? ", and that is the init" : ", and that is no number of a process"));
    // A daemon that drops its privileges before it writes the file owns the file: it can name itself, but no process of
    // another user.
    const bool trusted = answer.owner == 0 || answer.owner == ::geteuid() || (owner && answer.owner == *owner);
    const std::optional<uid_t> user = trusted ? std::nullopt : process_user(*pid);
    if (!trusted && user != answer.owner) {
        const std::string named = std::to_string(*pid);
        return fault(0, "refuse PID file of another user:",
                     path + " belongs to user " + std::to_string(answer.owner) + ", and process " + named +
                         ", which it names, " +
                         (user ? "to user " + std::to_string(*user) : std::string("is not there")));
    }
    return *pid;
}

} // namespace mi::os
