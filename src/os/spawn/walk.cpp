// Walks with one O_PATH descriptor at a time, from the start of the path to the directory of its last component.
#include "os/spawn/walk.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace mi::os {
namespace {

constexpr int most_links = 40;
constexpr unsigned room = 8192;
constexpr int no_follow = 0x100, empty_path = 0x1000; // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH

BARE void copy(char* to, const char* from, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        to[i] = from[i];
}

// Copies bytes between areas that may overlap.
BARE void move(char* to, const char* from, unsigned count) {
    if (to < from)
        return copy(to, from, count);
    for (unsigned i = count; i > 0; --i)
        to[i - 1] = from[i - 1];
}

// The rest of the path. The text of a link is put in front of it.
struct Rest {
    char text[room];
    unsigned at = 0;

    BARE long begin(const char* path) {
        unsigned length = length_of(path);
        if (length == 0)
            return -ENOENT;
        if (length >= room)
            return -ENAMETOOLONG;
        copy(text, path, length + 1);
        at = 0;
        return 0;
    }
    // Replaces the component taken last by `link`. `last`: it was the last one. Otherwise a slash follows the link's
    // text even if no component follows: `link/` means a directory.
    BARE long put_before(const char* link, unsigned length, bool last) {
        const unsigned left = length_of(text + at);
        const unsigned slash = last ? 0 : 1;
        if (length + slash + left >= room)
            return -ENAMETOOLONG;
        move(text + length + slash, text + at, left + 1);
        copy(text, link, length);
        if (!last)
            text[length] = '/';
        at = 0;
        return 0;
    }
    [[nodiscard]] BARE bool absolute() const { return text[at] == '/'; }
    BARE void skip_slashes() {
        while (text[at] == '/')
            ++at;
    }
    [[nodiscard]] BARE bool done() const { return text[at] == '\0'; }
    // Removes the next component into `name`, which has room for 256 bytes. `last`: nothing follows it, not even a
    // slash.
    BARE long take(char* name, bool& last) {
        unsigned count = 0;
        while (text[at] != '\0' && text[at] != '/') {
            if (count == 255)
                return -ENAMETOOLONG;
            name[count++] = text[at++];
        }
        name[count] = '\0';
        last = text[at] == '\0';
        skip_slashes();
        return 0;
    }
};

BARE bool is(const char* name, const char* other) {
    unsigned i = 0;
    while (name[i] != '\0' && name[i] == other[i])
        ++i;
    return name[i] == other[i];
}

BARE long look_at(int directory, const char* name, struct statx& about) {
    constexpr unsigned wanted = STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_INO | STATX_NLINK;
    return call(SYS_statx, directory, name, empty_path | no_follow, wanted, &about);
}

// Trusted users: root, the user we run as, and the owner of the root directory, who can replace everything (in a user
// namespace that owner may have no number).
BARE bool is_trusted(unsigned user, unsigned own) {
    struct statx root{};
    return user == 0 || user == own || (look_at(AT_FDCWD, "/", root) == 0 && root.stx_uid == user);
}

// Links in procfs are special: `/proc/self/fd/1` has no text that could be walked.
BARE bool in_procfs(int directory) {
#ifdef SYS_fstatfs64
    struct statfs64 about{};
    return call(SYS_fstatfs64, directory, sizeof about, &about) == 0 && about.f_type == PROC_SUPER_MAGIC;
#else
    struct statfs about{};
    return call(SYS_fstatfs, directory, &about) == 0 && about.f_type == PROC_SUPER_MAGIC;
#endif
}

// openat(2) that does not leave the mount: -EXDEV if another mount begins at `name`.
BARE long call_open_here(int above, const char* name, int flags, unsigned mode) {
    open_how how{};
    constexpr int with_path = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.flags = static_cast<unsigned>((flags & O_PATH) != 0 ? flags & with_path : flags | large_file);
    how.mode = (flags & O_CREAT) != 0 ? mode & 07777 : 0;
    how.resolve = RESOLVE_NO_XDEV;
    return call(SYS_openat2, above, name, &how, sizeof how);
}

class Walk {
public:
    BARE Walk(Walked& result, const WalkRules& rules) : result_(result), rules_(rules) {}
    BARE ~Walk() {
        if (!given_)
            call_close(here_);
    }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    BARE long go(int start, const char* path) {
        long code = rest_.begin(path);
        if (code < 0)
            return code;
        code = enter(rest_.absolute() ? open_root() : call_open(start, ".", directory_flags));
        rest_.skip_slashes();
        while (code == 0) {
            bool last = false;
            char* name = result_.name;
            name[0] = '.';
            name[1] = '\0';
            if (rest_.done())
                return finish();
            code = rest_.take(name, last);
            if (code < 0)
                return code;
            if (is(name, ".")) {
                if (last)
                    return finish();
                continue;
            }
            if (is(name, "..")) {
                if (way_.others_can_write() && !rules_.any_link)
                    return -EPERM;
                if (rules_.root >= 0 && depth_ == 0)
                    continue; // the root directory is its own parent
                // The walk has checked the parent before.
                code = enter(call_open(here_, "..", directory_flags));
                depth_ -= depth_ > 0 ? 1 : 0;
                continue;
            }
            code = step(name, last);
            if (code > 0)
                return finish();
        }
        return code;
    }

private:
    static constexpr int directory_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

    BARE long open_root() {
        depth_ = 0;
        return rules_.root >= 0 ? call_open(rules_.root, ".", directory_flags)
                                : call_open(AT_FDCWD, "/", directory_flags);
    }

    BARE long open_below(const char* name, int flags) {
        ++depth_;
        return rules_.enter_mount == nullptr ? call_open(here_, name, flags) : call_open_here(here_, name, flags, 0);
    }

    // Whether another mount begins at `name`. A mount point is no link.
    BARE bool is_mount_point(const char* name) {
        if (rules_.enter_mount == nullptr)
            return false;
        const long fd = call_open_here(here_, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        call_close(static_cast<int>(fd));
        return fd == -EXDEV;
    }

    BARE bool is_of_trusted(const char* name) {
        struct statx about{};
        return look_at(here_, name, about) == 0 && is_trusted(about.stx_uid, static_cast<unsigned>(call(SYS_geteuid)));
    }

    BARE long finish() {
        given_ = true;
        result_.directory = here_;
        result_.others_can_write = way_.others_can_write();
        result_.way_can_change = way_.can_change();
        result_.others_can_mount = way_.others_can_mount();
        return 0;
    }

    // Enters the directory `fd`, which may be an error of opening it.
    BARE long enter(long fd) {
        if (fd < 0)
            return fd;
        call_close(here_);
        here_ = static_cast<int>(fd);
        return way_.enter(here_);
    }

    // Handles one component. 1: it is the last one, and stays as it is.
    BARE long step(const char* name, bool last) {
        if (is_mount_point(name)) {
            if (last)
                return 1;
            ++depth_;
            return enter(rules_.enter_mount(rules_.self, here_, name));
        }
        const bool follows = rules_.any_link || !way_.others_can_write() ||
                             (rules_.sticky_links && way_.is_sticky() && is_of_trusted(name));
        if (last && (rules_.last == LastLink::meant || !follows))
            return 1; // the open of a link that is not to be followed fails: O_NOFOLLOW
        char target[4096];
        const long length = call(SYS_readlinkat, here_, name, target, sizeof target);
        if (length < 0) { // no link, or nothing there
            if (last)
                return 1;
            return enter(open_below(name, directory_flags | O_NOFOLLOW));
        }
        if (!follows)
            return -ELOOP;
        if (in_procfs(here_))
            return last ? 1 : enter(open_below(name, directory_flags));
        if (++links_ > most_links)
            return -ELOOP;
        if (length >= static_cast<long>(sizeof target))
            return -ENAMETOOLONG;
        if (long code = rest_.put_before(target, static_cast<unsigned>(length), last); code < 0)
            return code;
        if (rest_.absolute()) {
            if (long code = enter(open_root()); code < 0)
                return code;
            rest_.skip_slashes();
        }
        return 0;
    }

    Walked& result_;
    const WalkRules& rules_;
    Rest rest_;
    Way way_;
    int here_ = -1;
    int depth_ = 0; // below the root directory
    int links_ = 0;
    bool given_ = false;
};

} // namespace

BARE long Way::judge(int directory, Directory& result) {
    struct statx about{};
    if (long code = look_at(directory, "", about); code < 0)
        return code;
    const auto own = static_cast<unsigned>(call(SYS_geteuid));
    unsigned to_others = 022;
    // A user's own group may write, because most users have a group of their own. Root's group may have members.
    if (own != 0 && about.stx_uid == own && about.stx_gid == static_cast<unsigned>(call(SYS_getegid)))
        to_others = 002;
    // The top directory of procfs belongs to the kernel, whatever its owner (in a rootless container it has no number).
    // The directories of processes in it belong to their users.
    constexpr unsigned top_of_procfs = 1;
    result.of_trusted = is_trusted(about.stx_uid, own) || (about.stx_ino == top_of_procfs && in_procfs(directory));
    result.others_can_write = !result.of_trusted || (about.stx_mode & to_others) != 0;
    result.sticky = result.of_trusted && (about.stx_mode & S_ISVTX) != 0;
    return 0;
}

BARE long Way::enter(int directory) {
    Directory now;
    if (long code = judge(directory, now); code < 0)
        return code;
    if (here_.others_can_write && !(here_.sticky && now.of_trusted))
        can_change_ = true;
    here_ = now;
    return 0;
}

BARE long walk(int start, const char* path, Walked& result, const WalkRules& rules) {
    Walk way(result, rules);
    return way.go(start, path);
}

BARE long open_again(int fd, int flags) {
    char path[] = "/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0";
    unsigned end = length_of(path);
    int scale = 1;
    while (fd / scale >= 10)
        scale *= 10;
    for (; scale > 0; scale /= 10)
        path[end++] = static_cast<char>('0' + fd / scale % 10);
    return call_open(AT_FDCWD, path, (flags | O_CLOEXEC | O_NOCTTY) & ~(O_NOFOLLOW | O_CREAT | O_EXCL));
}

// Opens `name` in the directory, or the mount on it.
static BARE long open_last(const Walked& found, int flags, unsigned mode, const WalkRules& rules) {
    if (rules.enter_mount == nullptr)
        return call_open(found.directory, found.name, flags, mode);
    const long fd = call_open_here(found.directory, found.name, flags, mode);
    if (fd != -EXDEV || (flags & O_NOFOLLOW) == 0) // a link of procfs that leads to another mount
        return fd;
    const long mounted = rules.enter_mount(rules.self, found.directory, found.name);
    if (mounted < 0 || (flags & O_PATH) != 0)
        return mounted;
    const long again = open_again(static_cast<int>(mounted), flags);
    call_close(static_cast<int>(mounted));
    return again;
}

BARE long open_walked(int start, const char* path, int flags, unsigned mode, const WalkRules& rules) {
    Walked found;
    if (long code = walk(start, path, found, rules); code < 0)
        return code;
    const bool follow =
        rules.last == LastLink::followed && (rules.any_link || !found.others_can_write) && in_procfs(found.directory);
    const bool wary = found.others_can_write && !rules.any_link;
    // The file may have another name (a hard link to another user's file): truncate it only after that was checked.
    const bool cut = wary && (flags & O_TRUNC) != 0;
    const int how = (cut ? flags & ~O_TRUNC : flags) | O_CLOEXEC | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
    const long fd = open_last(found, how, mode, rules);
    call_close(found.directory);
    if (fd < 0)
        return fd;
    struct statx about{};
    long code = look_at(static_cast<int>(fd), "", about);
    if (code == 0 && (about.stx_mode & S_IFMT) == S_IFLNK) // O_PATH with O_NOFOLLOW opens the link itself
        code = -ELOOP;
    if (code == 0 && wary && (about.stx_mode & S_IFMT) != S_IFDIR && about.stx_nlink > 1)
        code = -EMLINK;
    if (code == 0 && cut && (about.stx_mode & S_IFMT) == S_IFREG)
        code = call(SYS_ftruncate, fd, 0L);
    if (code == 0)
        return fd;
    call_close(static_cast<int>(fd));
    return code;
}

} // namespace mi::os
