// Opening what is on the search path, and refusing what anybody but root could have put there. Every check of a file is
// made on the descriptor that is then read, so nothing can be exchanged in between.
#pragma once

#include "base/fd.hpp"
#include "config/load.hpp"

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::config {

constexpr std::size_t largest_unit = 1u << 20;
constexpr std::size_t largest_bundle = 32u << 20;

// Why something is not read: what is said of it ("is writable by everyone"), and the command that mends it. `cure` is empty where
// it is not a matter of who may write it, `why` where nothing is wrong.
struct Distrust {
    std::string why, cure;
    explicit operator bool() const { return !why.empty(); }
    // The cure, with what it is good for.
    [[nodiscard]] std::string help(const Source& source) const;
};

// Whether whoever may write the file or directory `fd`, with this `status`, must not decide what runs. Members of the group
// count as others, but for a group that is the user's own (`source.owner`, in user mode).
[[nodiscard]] Distrust untrusted(int fd, const struct stat& status, const std::string& path, const Source& source);

// The same for every directory above `path` and, where it is or passes links, above what they lead to: with the name of
// the one at fault. Directories with the sticky bit are fine here.
[[nodiscard]] Distrust untrusted_above(const std::string& path, const Source& source);

struct Entry {
    std::string name;
    bool directory = false;
    bool regular = false; // false also for links, and where the file system does not say
};

// An open directory and what is in it, sorted by name.
struct Directory {
    Fd fd;
    std::string path;   // with the root of the source
    Distrust refused{}; // why nothing in it can be used
    std::vector<Entry> entries;
    Rights rights{}; // that those have who get past it
    // The device it lies on, where that holds text: files of that device are not asked again what file system theirs is.
    std::optional<dev_t> ordinary{};
};

// `path` without the root. A directory that does not exist is ENOENT.
[[nodiscard]] Result<Directory> open_directory(const Source& source, const std::string& path);
// The directory `name` inside `parent`, whose refusal it inherits.
[[nodiscard]] Result<Directory> open_directory(const Source& source, const Directory& parent, const std::string& name);

// One file's text, or why there is none.
struct Content {
    enum class Kind { text, missing, mask, refused };
    Kind kind = Kind::missing;
    std::string text;
    Distrust reason{}; // refused: "is writable by everyone", "is a directory, not a file"
    Rights rights{};
};

// The entry `entry` of `directory`.
[[nodiscard]] Content read_entry(const Source& source, const Directory& directory, const Entry& entry,
                                 std::size_t largest);
// The file `path`, which has no root put before it where `foreign`.
[[nodiscard]] Content read_path(const Source& source, const std::string& path, std::size_t largest);

} // namespace mi::config
