// How root walks a path that a unit names.
//
// The danger: a directory on the way belongs to somebody else (the user of a service, who owns his runtime directory), and
// he puts a symbolic link there, or a hard link to somebody else's file, so that root opens, makes, owns, changes or removes
// what he may not touch. So every such path is walked here, component by component:
// - As long as every directory on the way belongs to a trusted user (root, or the user we run as) and nobody else can write
//   to it (a sticky directory such as /tmp counts as one that others can write to), links are the administrator's own and
//   are followed.
// - From the first directory on that somebody else can change, no link is followed, `..` is refused, and a file at the end
//   must have one name only (st_nlink == 1).
//
// Only system calls are made, and errno is not used: the code runs in PID 1, in its children, and in the executor image.
#pragma once

#include "os/spawn/call.hpp"

namespace mi::os {

// Where a walk has come to: the directory that holds the last component, open with O_PATH, and that component.
struct Walked {
    int directory = -1;  // the caller closes it
    char name[256] = {}; // the last component; "." where the path is a directory by its own words (`/`, `a/`, `a/.`)
    bool others_can_write = false; // a directory on the way, this one included, can be changed by somebody else
};

// Where a walk differs from the usual one.
struct WalkRules {
    int root = -1; // what `/` is: an open directory that `..` does not leave; -1: our own root directory
    bool any_link =
        false; // only to look whether something is there: every link is followed, and other names do not matter
    bool last_link = true; // the last component is followed, too, where it is a link that may be followed
    // What is mounted at `name` in `above`, open with O_PATH, or -errno. It is asked before any mount point is entered, so
    // that what it has judged is what is then touched. -EXDEV, which it may say itself, also ends a walk where a mount
    // has appeared just now, and where a link of procfs leads to another mount. Needs openat2(2), Linux 5.6. Null: mount
    // points are entered without a question.
    long (*enter_mount)(void* self, int above, const char* name) = nullptr;
    void* self = nullptr;
};

// Walks to the directory that holds the last component of `path`, an absolute path, or a path below the open directory
// `start` (-100, AT_FDCWD, for the working directory). The last component itself is looked at only to follow a link that
// is trusted: what `result` names is no link, unless it lies where others can write. 0, or -errno: ELOOP for a link
// that is not to be followed, EPERM for `..` where others can write, else what openat(2) or readlinkat(2) say.
BARE long walk(int start, const char* path, Walked& result, const WalkRules& rules = {});

// open(2) of what the path leads to, in that way. `flags` and `mode` as for open(2); O_CREAT, O_EXCL, O_APPEND,
// O_PATH and O_NONBLOCK do what they do there; O_CLOEXEC, O_NOFOLLOW and O_NOCTTY are always added. Where others can
// write, what is opened must not have another name: EMLINK.
BARE long open_walked(int start, const char* path, int flags, unsigned mode = 0, const WalkRules& rules = {});

// Opens once more what is open already, with other flags: what was judged by one descriptor is what the other is open to.
// -ENOENT where there is no /proc.
BARE long open_again(int fd, int flags);

} // namespace mi::os
