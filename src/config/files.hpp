// Opens the files on the search path, and refuses those that other users than root can change. Every check is made on
// the descriptor that is then read, so the file cannot be replaced in between.
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

// The reason why a file is not read: a phrase ("is writable by everyone"), and a command that corrects it. `cure` is
// empty if permissions are not the reason; `why` is empty if nothing is wrong.
struct Distrust {
    std::string why, cure;
    explicit operator bool() const { return !why.empty(); }
    // The cure, with its purpose.
    [[nodiscard]] std::string help(const Source& source) const;
};

// Checks whether a user who must not decide which programs run can write the file or directory `fd` with this `status`.
// Members of the group count as other users, unless the group is the user's own (`source.owner`, in user mode).
[[nodiscard]] Distrust untrusted(int fd, const struct stat& status, const std::string& path, const Source& source);

// The same for every directory above `path` and, if `path` is or contains links, above their targets; names the
// directory at fault. Directories with the sticky bit are accepted here.
[[nodiscard]] Distrust untrusted_above(const std::string& path, const Source& source);

struct Entry {
    std::string name;
    bool directory = false;
    bool regular = false; // false also for links, and if the file system does not tell the type
};

// An open directory and its entries, sorted by name.
struct Directory {
    Fd fd;
    std::string path;   // with the root of the source
    Distrust refused{}; // the reason why none of its files can be used
    std::vector<Entry> entries;
    Rights rights{}; // the rights of users that can pass through it
    // The device of the directory, if it has ordinary files: then the file system of its files need not be checked
    // again.
    std::optional<dev_t> ordinary{};
};

// `path` does not include the root. Fault ENOENT: the directory does not exist.
[[nodiscard]] Result<Directory> open_directory(const Source& source, const std::string& path);
// The directory `name` inside `parent`; takes over a refusal of `parent`.
[[nodiscard]] Result<Directory> open_directory(const Source& source, const Directory& parent, const std::string& name);

// The text of one file, or the reason why there is none.
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
// The file `path`; `foreign`: the root is not put before it.
[[nodiscard]] Content read_path(const Source& source, const std::string& path, std::size_t largest);

} // namespace mi::config
