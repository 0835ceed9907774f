// The only way in which PID 1 touches a path that a unit names: a list of questions, each of which asks or does
// something.
//
// A file system with a server (FUSE, network) answers when its server likes, and a process that waits for it cannot be
// killed. So PID 1 answers a question itself only if no such file system lies on the way (`answer_here`); otherwise a
// child does (path_inquiry.hpp), which may hang. mount_judge.hpp decides which case it is.
//
// A lease (fcntl(2), F_SETLEASE) also makes open(2) of the file wait for its holder: a child does that, too.
#pragma once

#include "base/result.hpp"
#include "os/mount/mount_judge.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

struct PathQuestion {
    enum class Kind : std::uint8_t {
        exists,          // does the path lead to anything, through any links?
        device,          // the same, and is it the node of a device? ENODEV: it is not
        matches,         // does anything match the pattern `path` (glob(7)), as a shell would find it?
        holds_something, // is it a directory with at least one entry?
        program,         // where is the program `path`: a path, or a name to look up in `text` as execvp(3) does
        read,            // the content of the regular file, at most `most` bytes
        write,           // makes the file hold `text`, mode 0644, atomically
        remove,          // removes it; a missing file is no fault
    };
    Kind kind = Kind::exists;
    std::string path; // absolute; for `program` also a name, or relative to the working directory
    std::string text{};
    std::string root{};    // for `program`: the root directory of the process that will execute it; empty: ours
    std::size_t most = 0;  // for `read`, bytes: a longer file is a fault, EFBIG
    bool last_link = true; // for `read`: false refuses a symbolic link as the last component (ELOOP)
    // With this answer programs are not looked up any more, which takes a walk for each directory: ECANCELED.
    enum class Ends : std::uint8_t { never, with_yes, with_no };
    Ends ends = Ends::never;
};

struct PathAnswer {
    // 0, or an errno; for `holds_something` and `exists` the reason for "no"; ENOTSUP: `read` of no regular file
    int code = 0;
    std::uint32_t owner = 0, mode = 0; // of the file that was read, as in stat(2)
    std::string text{};                // content of the file, or the path of the program as seen from `root`
    bool operator==(const PathAnswer&) const = default;
};
using PathAnswers = std::vector<PathAnswer>;

// All answers, in order; or the first path that may hang. In the second case earlier questions may have been answered
// and performed already: ask all of them again in a child (each can be repeated). Files are read and written as root
// walks the paths of units: see spawn/walk.hpp.
[[nodiscard]] std::expected<PathAnswers, Untouched> answer_here(std::span<const PathQuestion> questions,
                                                                HangingMounts& hanging);

// The same, but may take any time.
[[nodiscard]] PathAnswers answer_anyway(std::span<const PathQuestion> questions);

// The directory, open with O_PATH. Fault EXDEV: it may hang. ENOTDIR: no directory, or, without `last_link`, a symbolic
// link.
[[nodiscard]] Result<Fd> open_directory_here(const std::string& path, HangingMounts& hanging, bool last_link = true);

// Encodes answers for another process. decode() returns nullopt for bytes that it cannot read.
[[nodiscard]] std::string encode(const PathAnswers& answers);
[[nodiscard]] std::optional<PathAnswers> decode(std::string_view bytes);

} // namespace mi::os
