// The one way in which PID 1 touches a path that a unit names: what it wants to know or to have done is a list of questions.
//
// A file system of a server (FUSE, a network's) answers when that server likes, and a process that waits for it cannot be
// ended. So PID 1 answers a question itself only as far as no such file system lies on the way (`answer_here`); else a child
// does (path_inquiry.hpp), which may hang as long as it likes. What lies on the way is judged by mount_judge.hpp.
//
// Besides file systems, a lease (fcntl(2), F_SETLEASE) of the owner of a file holds up who opens it: for that, too, a child
// waits.
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
        exists,          // whether it leads to something, by whatever links
        holds_something, // whether it is a directory with something in it
        program, // where the program `path` is, a path or a name to be looked for in `text`, as execvp(3) does it
        read,    // what the regular file holds, of at most `most` bytes
        write,   // makes it a file with `text`, mode 0644, in one step
        remove,  // removes it; that it is not there is no fault
    };
    Kind kind = Kind::exists;
    std::string path; // absolute; of `program` also relative, to the working directory, or a name
    std::string text{};
    std::string root{};    // of `program`: the root directory of who is to execute it; empty: ours
    std::size_t most = 0;  // of `read`: a file with more is a fault, EFBIG
    bool last_link = true; // of `read`: false refuses a link as the last component (ELOOP)
};

struct PathAnswer {
    int code = 0; // 0, or an errno: of `holds_something` and `exists`, why not; ENOTSUP: of `read`, no regular file
    std::uint32_t owner = 0, mode = 0; // of what was read: as of stat(2)
    std::string text{};                // what was read, or the path of the program, as seen from `root`
    bool operator==(const PathAnswer&) const = default;
};
using PathAnswers = std::vector<PathAnswer>;

// All answers, in order, or the first path that may hang: then questions before it may have been answered, and done, already,
// and all of them are to be asked again elsewhere (each can be repeated). Files are read and written as root walks paths of
// units: see spawn/walk.hpp.
[[nodiscard]] std::expected<PathAnswers, Untouched> answer_here(std::span<const PathQuestion> questions,
                                                                HangingMounts& hanging);

// The same, however long it takes.
[[nodiscard]] PathAnswers answer_anyway(std::span<const PathQuestion> questions);

// The directory, open with O_PATH, or EXDEV: it may hang. Without `last_link` a link to one is none (ENOTDIR).
[[nodiscard]] Result<Fd> open_directory_here(const std::string& path, HangingMounts& hanging, bool last_link = true);

// Answers on their way from one process to another. Unreadable ones give nothing.
[[nodiscard]] std::string encode(const PathAnswers& answers);
[[nodiscard]] std::optional<PathAnswers> decode(std::string_view bytes);

} // namespace mi::os
