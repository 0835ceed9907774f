// Looking at single processes in /proc, and believing pid files as far as they deserve it.
#pragma once

#include "base/result.hpp"
#include "os/file/path_question.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// What /proc/PID/stat says, as far as we ask.
struct ProcessStat {
    pid_t pid = 0;
    char state = '?'; // proc(5): R S D Z T ...
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    bool kernel_thread = false;
    std::uint64_t started = 0;  // ticks since boot; with the pid, names a process for good
    std::uint64_t cpu_usec = 0; // processor time, with that of the children that it has waited for
    std::uint64_t resident = 0; // bytes of its memory that are in memory, shared ones too
    std::uint32_t threads = 0;
    std::string name; // comm, may hold anything
};

// Every process that /proc shows, threads of the kernel included.
[[nodiscard]] Result<std::vector<pid_t>> process_ids();
[[nodiscard]] std::optional<ProcessStat> parse_stat(std::string_view text);
[[nodiscard]] Result<ProcessStat> process_stat(pid_t pid);
// Also works without /proc; 0 if there is no such process.
[[nodiscard]] pid_t process_session(pid_t pid);
// Exists and is not a zombie (without /proc: exists).
[[nodiscard]] bool process_exists(pid_t pid);
// Whom it runs as (root, where it may not be looked into); nothing if there is no such process or no /proc.
[[nodiscard]] std::optional<uid_t> process_user(pid_t pid);
// What a process does with a signal. What it keeps blocked it reads by signalfd(2) or sigwait(3), which is handling it, too.
enum class Disposition : std::uint8_t { by_default, ignored, handled };
// By /proc/PID/status and wchan: of its first thread, as far as blocking goes.
[[nodiscard]] Result<Disposition> signal_disposition(pid_t pid, int signal);
[[nodiscard]] std::optional<Disposition> parse_disposition(std::string_view status, int signal);
// `process 123 (name) in state D, waiting in FUNCTION`
[[nodiscard]] std::string describe(const ProcessStat& stat);
// The function of the kernel in which it waits, or empty.
[[nodiscard]] std::string wait_channel(pid_t pid);

// The pid a daemon wrote to its pid file, by the answer to the question for it. Refused: a symbolic link, anything but a
// regular file, a file that is writable by others or owned by someone who is neither we, root, `owner`, nor the user of the
// process that it names, and what is not a number above 1. Fault ENODATA: it is empty, still. What it names may be anyone's
// process: check that it belongs to the service before believing it.
[[nodiscard]] PathQuestion question_for_pid_file(const std::string& path);
[[nodiscard]] Result<pid_t> pid_in(const std::string& path, const PathAnswer& answer,
                                   std::optional<uid_t> owner = std::nullopt);

} // namespace mi::os
