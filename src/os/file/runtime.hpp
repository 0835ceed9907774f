// Small work on files of our own, safe where others may write nearby: nothing here follows a link that somebody else planted
// as the last component. Paths that units name are walked_file.hpp's.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::os {

// The whole file, up to `most` bytes (more is a fault, EFBIG). Never waits for a FIFO.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most = 1 << 20);
// Writes all of `text` to an existing file (sysfs, procfs).
Result<> write_existing(const std::string& path, std::string_view text);
// Replaces `path` by a file holding `text`, so that a reader sees the old or the new one whole.
Result<> write_file_atomically(const std::string& path, std::string_view text, mode_t mode = 0644);
// The same for `name` in an open directory; `path` is for messages. What need not outlive a loss of power does not wait for
// the disk.
enum class Durable : bool { no, yes };
Result<> write_atomically_at(int directory, const std::string& name, std::string_view text, mode_t mode,
                             const std::string& path, Durable durable);

// Makes the directories above `path` that are missing, mode 0755.
Result<> make_parents(const std::string& path);
// Makes the directory and its missing parents, `mode` being the last one's. What exists as the last component must be
// a real directory (no link) of ours, and is given that mode; links further up are the administrator's.
Result<> make_directory(const std::string& path, mode_t mode = 0755);

// Both ends CLOEXEC and blocking. The child's end is given to its user with fchown(2), so that it can reopen
// /dev/stdout.
struct Pipe {
    Fd read;
    Fd write;
};
[[nodiscard]] Result<Pipe> make_pipe();
// Makes reads and accepts of everybody who shares the descriptor wait (or not).
Result<> set_blocking(int fd, bool blocking);

} // namespace mi::os
