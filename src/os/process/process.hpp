// Reads single processes in /proc, and checks how far a pid file can be trusted.
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

// The fields of /proc/PID/stat that we use (proc_pid_stat(5)).
struct ProcessStat {
    pid_t pid = 0;
    char state = '?'; // R S D Z T ...
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    bool kernel_thread = false;
    std::uint64_t started = 0;  // clock ticks since boot; together with the pid it identifies a process uniquely
    std::uint64_t cpu_usec = 0; // processor time in microseconds, with that of the children that it has waited for
    std::uint64_t resident = 0; // bytes of resident memory, shared memory included
    std::uint32_t threads = 0;
    std::string name; // comm: may contain any bytes
};

// Every process in /proc, kernel threads included.
[[nodiscard]] Result<std::vector<pid_t>> process_ids();
[[nodiscard]] std::optional<ProcessStat> parse_stat(std::string_view text);
[[nodiscard]] Result<ProcessStat> process_stat(pid_t pid);
// Its session ID, also without /proc; 0 if there is no such process.
[[nodiscard]] pid_t process_session(pid_t pid);
// Whether it exists and is not a zombie (without /proc: whether it exists).
[[nodiscard]] bool process_exists(pid_t pid);
// The user it runs as (root for a process that we may not inspect); nullopt if there is no such process or no /proc.
[[nodiscard]] std::optional<uid_t> process_user(pid_t pid);
// How a process treats a signal. `handled` includes a blocked signal, which it can read by signalfd(2) or sigwait(3).
enum class Disposition : std::uint8_t { by_default, ignored, handled };
// From /proc/PID/status and wchan; blocked signals are those of its first thread.
[[nodiscard]] Result<Disposition> signal_disposition(pid_t pid, int signal);
[[nodiscard]] std::optional<Disposition> parse_disposition(std::string_view status, int signal);
// `process 123 (name) in state D, waiting in FUNCTION`
[[nodiscard]] std::string describe(const ProcessStat& stat);
// The kernel function in which it waits, or empty.
[[nodiscard]] std::string wait_channel(pid_t pid);

// The pid that a daemon wrote to its pid file; pid_in() reads it from the answer to this question. Refused: a symbolic
// link, a file that is not regular or has another name (hard link) where others can write, a file that others can write
// to, a file whose owner is neither we, root, `owner` nor the user of the process it names, and any content but a
// number above 1. Fault ENODATA: the file is still empty. The number may be that of any process: check that it belongs
// to the service before trusting it.
[[nodiscard]] PathQuestion question_for_pid_file(const std::string& path);
[[nodiscard]] Result<pid_t> pid_in(const std::string& path, const PathAnswer& answer,
                                   std::optional<uid_t> owner = std::nullopt);

} // namespace mi::os
