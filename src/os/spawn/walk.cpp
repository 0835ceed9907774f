// One O_PATH descriptor at a time, from the start of the path to the directory of its last component.
#include "os/spawn/walk.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/vfs.h>

namespace mi::os {
namespace {

constexpr int most_links = 40;
constexpr unsigned room = 8192;
constexpr int no_follow = 0x100, empty_path = 0x1000; // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH

BARE unsigned length_of(const char* text) {
    unsigned length = 0;
    while (text[length] != '\0')
        ++length;
    return length;
}

BARE void copy(char* to, const char* from, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        to[i] = from[i];
}

// The path that is still to be walked. Links put their own text before it.
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
    // `link` takes the place of the component that was taken last.
    BARE long put_before(const char* link, unsigned length) {
        unsigned left = length_of(text + at);
        if (length + 1 + left >= room)
            return -ENAMETOOLONG;
        char after[room];
        copy(after, text + at, left + 1);
        copy(text, link, length);
        text[length] = '/';
        copy(text + length + 1, after, left + 1);
        if (left == 0)
            text[length] = '\0'; // a link to a file is not one to a directory
        at = 0;
        return 0;
    }
    [[nodiscard]] BARE bool absolute() const { return text[at] == '/'; }
    BARE void skip_slashes() {
        while (text[at] == '/')
            ++at;
    }
    [[nodiscard]] BARE bool done() const { return text[at] == '\0'; }
    // Takes the next component into `name`, which has 256 bytes. `last`: nothing follows it, not even a slash.
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

// Whether somebody but root and the user we run as can change what is in the directory.
BARE long others_can_write(int directory, bool& answer) {
    struct statx about{};
    long code = call(SYS_statx, directory, "", empty_path, STATX_TYPE | STATX_MODE | STATX_UID, &about);
    if (code < 0)
        return code;
    const bool trusted = about.stx_uid == 0 || about.stx_uid == static_cast<unsigned>(call(SYS_geteuid));
    answer = !trusted || (about.stx_mode & 022) != 0;
    return 0;
}

// Links of procfs are the kernel's: `/proc/self/fd/1` has no text that could be walked.
BARE bool in_procfs(int directory) {
    struct statfs about{};
#ifdef SYS_fstatfs64
    struct statfs64 wide{};
    if (call(SYS_fstatfs64, directory, sizeof wide, &wide) < 0)
        return false;
    about.f_type = wide.f_type;
#else
    if (call(SYS_fstatfs, directory, &about) < 0)
        return false;
#endif
    return about.f_type == PROC_SUPER_MAGIC;
}

// openat(2) that does not leave the mount: -EXDEV where another one begins at `name`.
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
                if (result_.others_can_write && !rules_.any_link)
                    return -EPERM;
                if (rules_.root >= 0 && depth_ == 0)
                    continue; // the root directory is its own parent
                // Where that leads, the walk has been already.
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

    // Whether another mount begins at `name`. What is mounted is no link.
    BARE bool is_mount_point(const char* name) {
        if (rules_.enter_mount == nullptr)
            return false;
        const long fd = call_open_here(here_, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        call_close(static_cast<int>(fd));
        return fd == -EXDEV;
    }

    BARE long finish() {
        given_ = true;
        result_.directory = here_;
        return 0;
    }

    // Goes into the directory `fd`, which is what opening it said.
    BARE long enter(long fd) {
        if (fd < 0)
            return fd;
        call_close(here_);
        here_ = static_cast<int>(fd);
        bool open_to_others = false;
        if (long code = others_can_write(here_, open_to_others); code < 0)
            return code;
        result_.others_can_write = result_.others_can_write || open_to_others;
        return 0;
    }

    // One component. Positive: it is the last one, and stays as it is.
    BARE long step(const char* name, bool last) {
        if (is_mount_point(name)) {
            if (last)
                return 1;
            ++depth_;
            return enter(rules_.enter_mount(rules_.self, here_, name));
        }
        char target[4096];
        const long length = call(SYS_readlinkat, here_, name, target, sizeof target);
        if (length < 0) { // no link, or nothing there
            if (last)
                return 1;
            return enter(open_below(name, directory_flags | O_NOFOLLOW));
        }
        if (last && !rules_.last_link)
            return 1;
        if (in_procfs(here_))
            return last ? 1 : enter(open_below(name, directory_flags));
        if (result_.others_can_write && !rules_.any_link)
            return last ? 1 : -ELOOP; // of the last one its user says so: O_NOFOLLOW
        if (++links_ > most_links)
            return -ELOOP;
        if (length >= static_cast<long>(sizeof target))
            return -ENAMETOOLONG;
        if (long code = rest_.put_before(target, static_cast<unsigned>(length)); code < 0)
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
    int here_ = -1;
    int depth_ = 0; // below the root directory
    int links_ = 0;
    bool given_ = false;
};

} // namespace

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

// The last step: what `name` is in that directory, or what is mounted there.
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
    const bool magic = rules.last_link && in_procfs(found.directory);
    const long fd = open_last(found, flags | O_CLOEXEC | O_NOCTTY | (magic ? 0 : O_NOFOLLOW), mode, rules);
    call_close(found.directory);
    if (fd < 0 || !found.others_can_write || rules.any_link)
        return fd;
    struct statx about{};
    long code = call(SYS_statx, fd, "", empty_path | no_follow, STATX_TYPE | STATX_NLINK, &about);
    if (code == 0 && (about.stx_mode & S_IFMT) == S_IFLNK) // O_PATH with O_NOFOLLOW opens the link itself
        code = -ELOOP;
    if (code == 0 && (about.stx_mode & S_IFMT) != S_IFDIR && about.stx_nlink > 1)
        code = -EMLINK;
    if (code == 0)
        return fd;
    call_close(static_cast<int>(fd));
    return code;
}

} // namespace mi::os
