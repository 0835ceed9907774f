// How root walks a path that a unit names.
//
// The danger: a directory on the way belongs to somebody else (the user of a service, who owns his runtime directory), and
// he puts a symbolic link there, or a hard link to somebody else's file, so that root opens, makes, owns, changes or removes
// what he may not touch. So every such path is walked here, component by component:
// - As long as every directory on the way belongs to a trusted user (root, the user we run as, or the owner of the root
//   directory) and no other user can write to it (with an access control list the group's bits of the mode say what anybody
//   may), links are the administrator's own and are followed.
// - In a directory that others can write to, no link is followed, `..` is refused, and a file must have one name only
//   (st_nlink == 1). So it is in everything below, as somebody else may have put that there; but for a directory of a
//   trusted user in one with the sticky bit (/tmp), which no other user can move away.
//
// Why nothing can be exchanged in between: each directory is judged by the descriptor through which the walk goes on, so it
// is the one that was judged, wherever it has been moved. What lies in a trusted one only trusted users can exchange. In
// any other, each step is one openat(2) with O_NOFOLLOW: it opens what is there itself, or fails.
//
// Only system calls are made, and errno is not used: the code runs in PID 1, in its children, and in the executor image.
#pragma once

#include "os/spawn/call.hpp"

namespace mi::os {

// Where a walk has come to: the directory that holds the last component, open with O_PATH, and that component.
struct Walked {
    int directory = -1;  // the caller closes it
    char name[256] = {}; // the last component; "." where the path is a directory by its own words (`/`, `a/`, `a/.`)
    bool others_can_write = false; // to this directory, or to one on the way, so that this may be another next time
    bool way_can_change = false;   // the latter alone
    bool others_can_mount = false; // over this directory, or one on the way
};

// What is known of the directories that a walk has come through.
class Way {
public:
    // Goes into an open directory, for which O_PATH is enough. 0, or -errno.
    BARE long enter(int directory);
    [[nodiscard]] BARE bool others_can_write() const { return can_change_ || here_.others_can_write; }
    [[nodiscard]] BARE bool can_change() const { return can_change_; }
    // Others can add to this directory, but not touch what a trusted user has there.
    [[nodiscard]] BARE bool is_sticky() const { return !can_change_ && here_.sticky; }
    // As fusermount(1) lets every user who can write to a directory that is not sticky.
    [[nodiscard]] BARE bool others_can_mount() const {
        return can_change_ || (here_.others_can_write && !here_.sticky);
    }

private:
    // Who can change what is in a directory.
    struct Directory {
        bool of_trusted = true;        // its owner is
        bool others_can_write = false; // somebody who is not
        bool sticky = false;           // who cannot touch what others have there
    };
    BARE static long judge(int directory, Directory& result);
    Directory here_;
    bool can_change_ = false;
};

// What becomes of a link that is the last component: it is followed (where links are trusted), or it is what is meant, as
// for unlink(2) and rename(2).
enum class LastLink : unsigned char { followed, meant };

// Where a walk differs from the usual one.
struct WalkRules {
    int root = -1; // what `/` is: an open directory that `..` does not leave; -1: our own root directory
    bool any_link =
        false; // only to look whether something is there: every link is followed, and other names do not matter
    LastLink last = LastLink::followed;
    // In a directory with the sticky bit that only trusted users could exchange, a link of a trusted user is followed, as the
    // kernel's fs.protected_symlinks does: so Kubernetes hands out secrets.
    bool sticky_links = false;
    // What is mounted at `name` in `above`, open with O_PATH, or -errno. It is asked before any mount point is entered, so
    // that what it has judged is what is then touched. -EXDEV, which it may say itself, also ends a walk where a mount
    // has appeared just now, and where a link of procfs leads to another mount. Needs openat2(2), Linux 5.6. Null: mount
    // points are entered without a question.
    long (*enter_mount)(void* self, int above, const char* name) = nullptr;
    void* self = nullptr;
};

// Walks to the directory that holds the last component of `path`, an absolute path, or a path below the open directory
// `start` (-100, AT_FDCWD, for the working directory). The last component itself is looked at only to follow a link that
// is trusted: with LastLink::followed, what `result` names is no link, unless it lies where others can write (or in
// procfs, whose links have no text to follow). 0, or -errno: ELOOP for a link that is not to be followed, EPERM for `..`
// where others can write, else what openat(2) or readlinkat(2) say.
BARE long walk(int start, const char* path, Walked& result, const WalkRules& rules = {});
BARE inline long walk(int start, const char* path, Walked& result, LastLink last) {
    return walk(start, path, result, WalkRules{.last = last});
}

// open(2) of what the path leads to, in that way. `flags` and `mode` as for open(2); O_CREAT, O_EXCL, O_APPEND,
// O_TRUNC, O_PATH and O_NONBLOCK do what they do there; O_CLOEXEC and O_NOCTTY are always added, and O_NOFOLLOW but for a
// link of procfs. Where others can write, what is opened must not have another name (EMLINK), and nothing is cut short
// before that is known.
BARE long open_walked(int start, const char* path, int flags, unsigned mode = 0, const WalkRules& rules = {});
BARE inline long open_walked(int start, const char* path, int flags, unsigned mode, LastLink last) {
    return open_walked(start, path, flags, mode, WalkRules{.last = last});
}

// Opens once more what is open already, with other flags: what was judged by one descriptor is what the other is open to.
// -ENOENT where there is no /proc.
BARE long open_again(int fd, int flags);

} // namespace mi::os
