// Small operations on our own files, safe where other users may write nearby: no function follows a symbolic link as
// the last component. For paths that units name see walked_file.hpp.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::os {

// The whole file, at most `most` bytes (a longer file is a fault, EFBIG). Does not wait for a FIFO.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most = 1 << 20);
// Writes all of `text` to an existing file (sysfs, procfs).
Result<> write_existing(const std::string& path, std::string_view text);
// Replaces `path` by a file with the content `text`: a reader sees either the old or the new file, whole.
Result<> write_file_atomically(const std::string& path, std::string_view text, mode_t mode = 0644);
// The same for `name` in a directory that is made if it is missing. The new name is forced to disk, too: a machine that fails
// right after this finds it when it comes up again.
Result<> store_file(const std::string& directory, const std::string& name, std::string_view text);
// As write_file_atomically(), for `name` in an open directory; `path` is for messages. Without Durable the file is not forced to disk
// (fsync(2)), and may be lost when the power fails.
enum class Durable : bool { no, yes };
Result<> write_atomically_at(int directory, const std::string& name, std::string_view text, mode_t mode,
                             const std::string& path, Durable durable);

// Makes the missing directories above `path`, mode 0755.
Result<> make_parents(const std::string& path);
// Makes the directory with mode `mode`, and its missing parents. If the last component exists, it must be a real
// directory (no link) of ours, and gets that mode; links further up are the administrator's.
Result<> make_directory(const std::string& path, mode_t mode = 0755);

// Both ends are CLOEXEC and blocking. The child's end is given to its user with fchown(2), so that the child can reopen
// /dev/stdout.
struct Pipe {
    Fd read;
    Fd write;
};
[[nodiscard]] Result<Pipe> make_pipe();
// Makes reads and accepts block or not, for every process that shares the open file description.
Result<> set_blocking(int fd, bool blocking);

} // namespace mi::os
