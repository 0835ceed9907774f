// Removes a tree with unlinkat(2), one entry at a time.
//
// Why it stays in the given tree, even if the owner of the tree changes it meanwhile: every step down is one openat(2)
// of a name in the open directory, with O_NOFOLLOW; if the result is in another mount, it is left alone. Every step up
// goes by `..` and must arrive at the inode where the step down began: if the directory has been moved away meanwhile,
// the removal ends. So entries are removed only in directories that were found below the top; and to move another
// directory into the tree, a user needs write access to both.
#include "os/file/remove.hpp"

#include "base/directory.hpp"
#include "base/fd.hpp"
#include "os/file/runtime.hpp"
#include "os/file/walked_file.hpp"
#include "os/mount/mount_id.hpp"
#include "os/process/helper_child.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace mi::os {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view mounted = "something is mounted there";

std::string reason(int code) { return ::strerrordesc_np(code) != nullptr ? ::strerrordesc_np(code) : "unknown error"; }

// chmod(2) for an O_PATH descriptor, which fchmod(2) refuses.
bool change_mode(int fd, mode_t mode) {
    constexpr long fchmodat2 = 452; // Linux 6.6
    return ::syscall(fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0 ||
           ::chmod(("/proc/self/fd/" + std::to_string(fd)).c_str(), mode) == 0;
}

// Opens an O_PATH directory again for reading: we may own the directory without having permission to enter it.
Fd open_for_reading(const Fd& directory) {
    Fd fd(::openat(directory.get(), ".", directory_flags));
    if (const int code = errno; !fd && code == EACCES) {
        if (change_mode(directory.get(), 0700))
            fd = Fd(::openat(directory.get(), ".", directory_flags));
        else
            errno = code;
    }
    return fd;
}

// Does not ask the server of a file system that is mounted there.
bool is_directory(int above, const char* name) {
    struct statx about{};
    constexpr int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    return ::statx(above, name, flags, STATX_TYPE, &about) == 0 && S_ISDIR(about.stx_mode);
}

std::vector<std::string> names_in(int directory) {
    std::vector<std::string> names;
    if (auto entries = list_directory(directory))
        for (DirectoryEntry& entry : *entries)
            names.push_back(std::move(entry.name));
    return names;
}

class Removal {
public:
    // Touches nothing outside the mount `mount`; `top` is the path of the top directory in reports.
    Removal(MountId mount, std::string top) : mount_(mount), top_(std::move(top)) {}

    // Opens the directory `name`, only in that mount. A failure is reported, with the path `called` below the current
    // directory.
    Fd enter(int above, const char* name, std::string_view called) {
        Fd look(::openat(above, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!look) {
            note(called, reason(errno));
            return look;
        }
        if (mount_of(look.get()) != mount_) {
            note(called, mounted);
            return {};
        }
        Fd directory = open_for_reading(look);
        if (!directory)
            note(called, reason(errno));
        return directory;
    }

    // Removes all entries of the directory.
    void empty(Fd top) {
        here_ = std::move(top);
        if (!go_down({}))
            return;
        for (;;) {
            if (levels_.back().names.empty()) {
                if (levels_.size() == 1 || !go_up())
                    break;
                continue;
            }
            std::string name = std::move(levels_.back().names.back());
            levels_.back().names.pop_back();
            remove_entry(name);
        }
    }

    void note(std::string_view name, std::string_view why) {
        if (!levels_.empty())
            levels_.back().whole = false;
        if (++left_.count > Leftovers::most)
            return;
        std::string path = top_;
        for (const Level& level : levels_)
            if (!level.name.empty())
                path += "/" + level.name;
        if (!name.empty())
            path += "/" + std::string(name);
        // The service has chosen the names, and the report must stay one line.
        std::ranges::replace_if(path, [](unsigned char letter) { return letter < ' ' || letter == 0x7f; }, '?');
        left_.told.push_back(path + ": " + std::string(why));
    }
    [[nodiscard]] Leftovers take() { return std::move(left_); }

private:
    // One directory on the way from the top to the current one.
    struct Level {
        std::string name;
        dev_t device = 0;
        ino_t inode = 0;
        std::vector<std::string> names; // entries still to be removed
        bool whole = true;              // no entry had to be left
        bool opened = false;            // we made it writable
    };

    // Starts with the directory that is open.
    bool go_down(std::string name) {
        struct stat about{};
        if (::fstat(here_.get(), &about) != 0) {
            note(name, reason(errno));
            return false;
        }
        levels_.push_back({std::move(name), about.st_dev, about.st_ino, names_in(here_.get())});
        return true;
    }

    // Leaves the open directory and removes it. False: it is no longer at its place.
    bool go_up() {
        Fd above(::openat(here_.get(), "..", directory_flags));
        struct stat about{};
        const Level done = std::move(levels_.back());
        const Level& level = levels_[levels_.size() - 2];
        if (!above || ::fstat(above.get(), &about) != 0 || about.st_dev != level.device ||
            about.st_ino != level.inode) {
            levels_.pop_back();
            note(done.name, "somebody has moved it away meanwhile");
            return false;
        }
        levels_.pop_back();
        here_ = std::move(above);
        if (unlink(done.name, AT_REMOVEDIR) || errno == ENOENT)
            return true;
        if (done.whole)
            note(done.name, reason(errno));
        levels_.back().whole = false; // the reason was recorded further down
        return true;
    }

    // A directory of our own may have a mode that forbids us to write.
    bool unlink(const std::string& name, int flags) {
        if (::unlinkat(here_.get(), name.c_str(), flags) == 0)
            return true;
        if (errno != EACCES || std::exchange(levels_.back().opened, true))
            return false;
        return ::fchmod(here_.get(), 0700) == 0 ? ::unlinkat(here_.get(), name.c_str(), flags) == 0
                                                : (errno = EACCES, false);
    }

    void remove_entry(const std::string& name) {
        if (unlink(name, 0) || errno == ENOENT)
            return;
        const int code = errno;
        if (!is_directory(here_.get(), name.c_str()))
            return note(name, code == EBUSY ? std::string(mounted) : reason(code));
        if (unlink(name, AT_REMOVEDIR))
            return;
        Fd below = enter(here_.get(), name.c_str(), name);
        if (!below)
            return;
        std::swap(here_, below);
        if (!go_down(name))
            std::swap(here_, below);
    }

    MountId mount_;
    std::string top_;
    Fd here_;
    std::vector<Level> levels_;
    Leftovers left_;
};

Leftovers left_whole(const std::string& path, const std::string& why) { return {{path + ": " + why}, 1}; }

} // namespace

std::string Leftovers::text() const {
    std::string text;
    for (const std::string& line : told)
        text += line + "\n";
    if (count > told.size())
        text += "and " + std::to_string(count - told.size()) + " more\n";
    return text;
}

Result<> set_aside(const std::string& base, const std::vector<std::string>& components, const std::string& to,
                   HangingMounts& hanging) {
    std::string path = base;
    MountJudge judge(&hanging);
    long above = judge.open(base, O_PATH | O_DIRECTORY, {});
    Fd held(static_cast<int>(above));
    for (std::size_t i = 0; i < components.size(); ++i) {
        path += "/" + components[i];
        if (i + 1 < components.size() && above >= 0) {
            above = judge.open(components[i], O_PATH | O_DIRECTORY, {.last = LastLink::meant}, held.get());
            held = Fd(static_cast<int>(above));
        }
    }
    if (above < 0)
        return fault(static_cast<int>(-above), "move away", std::move(path));
    if (::renameat(held.get(), components.back().c_str(), AT_FDCWD, to.c_str()) != 0)
        return fault(errno, "move away", std::move(path));
    return {};
}

bool something_mounted(const std::string& path, HangingMounts& hanging) {
    MountJudge judge(&hanging);
    const Fd held(static_cast<int>(judge.open(path, O_PATH, {.any_link = true})));
    if (judge.untouched())
        return true;
    char real[PATH_MAX];
    const ssize_t length =
        held ? ::readlink(("/proc/self/fd/" + std::to_string(held.get())).c_str(), real, sizeof real) : -1;
    const std::string_view top = length > 0 ? std::string_view(real, static_cast<std::size_t>(length)) : path;
    Result<std::vector<Mount>> mounts = read_mounts();
    return mounts && std::ranges::any_of(*mounts, [&](const Mount& mount) {
               std::string_view point = mount.point;
               return point.starts_with(top) && (point.size() == top.size() || point[top.size()] == '/');
           });
}

Leftovers remove_tree(const std::string& path) {
    HangingMounts hanging;
    MountJudge judge(&hanging);
    Result<WalkedFile> where = WalkedFile::find(path, &judge);
    if (judge.untouched())
        return left_whole(path, judge.untouched()->text());
    if (!where)
        return where.error().code == ENOENT ? Leftovers{} : left_whole(path, where.error().text());
    const int above = where->directory();
    if (::unlinkat(above, where->name(), 0) == 0 || errno == ENOENT)
        return {};
    if (const int code = errno; !is_directory(above, where->name()))
        return left_whole(path, code == EBUSY ? std::string(mounted) : reason(code));
    const std::optional<MountId> mount = mount_of(above);
    if (!mount)
        return left_whole(path, "which mount it is in cannot be told");
    Removal removal(*mount, path);
    if (Fd top = removal.enter(above, where->name(), {}))
        removal.empty(std::move(top));
    Leftovers left = removal.take();
    if (::unlinkat(above, where->name(), AT_REMOVEDIR) != 0 && errno != ENOENT && left.count == 0)
        return left_whole(path, reason(errno));
    return left;
}

Leftovers empty_directory(int directory) {
    const std::optional<MountId> mount = mount_of(directory);
    Fd copy(::openat(directory, ".", directory_flags));
    if (!mount || !copy)
        return left_whole("the directory", reason(errno));
    Removal removal(*mount, "");
    removal.empty(std::move(copy));
    return removal.take();
}

namespace {

// Runs in a helper, which sends the leftovers over a pipe.
int remove_all(const std::vector<std::string>& paths) {
    ::setpriority(PRIO_PROCESS, 0, 10);
    std::string left;
    for (const std::string& path : paths)
        left += remove_tree(path).text();
    // An empty pipe has room for PIPE_BUF bytes, and this process is the only writer.
    left.resize(std::min<std::size_t>(left.size(), PIPE_BUF));
    const bool told = left.empty() || ::write(helper_fd, left.data(), left.size()) == static_cast<ssize_t>(left.size());
    return left.empty() && told ? 0 : 1;
}

} // namespace

Result<RemovingChild> remove_trees_apart(const std::vector<std::string>& paths) {
    Result<Pipe> pipe = make_pipe();
    if (!pipe)
        return std::unexpected(pipe.error());
    auto child = start_helper("removal", [&] { return remove_all(paths); }, pipe->write.get());
    if (!child)
        return std::unexpected(child.error());
    return RemovingChild{*child, std::move(pipe->read), paths};
}

} // namespace mi::os
