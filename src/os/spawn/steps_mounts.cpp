// Makes the service's own directories, and changes the mounts in the child's own mount namespace. Mounts from outside
// are opened before the root changes; mounts that must stay as they were are opened before anything above them changes.
#include "os/spawn/plan_enums.hpp"
#include "os/spawn/steps.hpp"
#include "os/spawn/walk.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/stat.h>

// <sys/mount.h> has these, too, but conflicts with <linux/mount.h>.
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

namespace mi::os {
namespace {

constexpr int directory_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr int empty_path = 0x1000, recursive = 0x8000; // AT_EMPTY_PATH, AT_RECURSIVE

BARE long look_at(int fd, struct statx& about) {
    return call(SYS_statx, fd, "", empty_path, STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID, &about);
}

BARE bool is_directory(const struct statx& about) { return (about.stx_mode & S_IFMT) == S_IFDIR; }

// Makes `path` and its missing parents, if no other user could interfere. Errors are ignored: the next use of the path
// will report them.
BARE void make_path(const char* path, bool directory) {
    char prefix[PATH_MAX];
    const unsigned length = length_of(path);
    if (length >= sizeof prefix)
        return;
    for (unsigned i = 0; i <= length; ++i) {
        prefix[i] = path[i];
        if (i == 0 || (path[i] != '/' && path[i] != '\0'))
            continue;
        prefix[i] = '\0';
        Walked place;
        if (walk(AT_FDCWD, prefix, place) == 0) {
            if (path[i] == '/' || directory)
                call(SYS_mkdirat, place.directory, place.name, 0755);
            else
                call(SYS_mknodat, place.directory, place.name, S_IFREG | 0444, 0);
            call_close(place.directory);
        }
        prefix[i] = path[i];
    }
}

BARE bool make_directory(const Child& child, const DirectoryOrder& wanted, Progress& progress) {
    const char* base = child.text(wanted.base);
    if (wanted.make_base != 0)
        make_path(base, true);
    long above = call_open(AT_FDCWD, base, directory_flags);
    if (!progress.did(above))
        return false;
    const Text* components = child.all(wanted.components);
    for (std::uint32_t i = 0; i < wanted.components.count; ++i) {
        const bool last = i + 1 == wanted.components.count;
        const char* name = child.text(components[i]);
        const long made = call(SYS_mkdirat, above, name, last ? wanted.mode : wanted.parents_mode);
        if (made != -EEXIST && !progress.did(made))
            return false;
        const long here = call_open(static_cast<int>(above), name, directory_flags | O_NOFOLLOW);
        if (!progress.did(here))
            return false;
        call_close(static_cast<int>(above));
        above = here;
        struct statx about{};
        if (!progress.did(look_at(static_cast<int>(here), about)))
            return false;
        if (wanted.ours != 0 && about.stx_uid != wanted.owner)
            return progress.did(-EPERM);
        if (last && (wanted.keep_owner == 0 || made == 0) &&
            (about.stx_uid != wanted.owner || about.stx_gid != wanted.group) &&
            !progress.did(call(SYS_fchownat, here, "", wanted.owner, wanted.group, empty_path)))
            return false;
    }
    call_close(static_cast<int>(above));
    return true;
}

// --- trees of mounts --------------------------------------------------------------------------------------------------

// An open copy of the mount at `path`, with all mounts below it (open_tree(2)). Links are followed as walk.hpp
// describes.
BARE long clone_tree(int at, const char* path) {
    const long place = open_walked(at, path, O_PATH);
    if (place < 0)
        return place;
    const long tree = call(SYS_open_tree, place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive | empty_path);
    call_close(static_cast<int>(place));
    return tree;
}

BARE long set_attributes(long tree, int flags, std::uint64_t attributes) {
    struct mount_attr change{};
    change.attr_set = attributes;
    return call(SYS_mount_setattr, tree, "", empty_path | flags, &change, sizeof change);
}

BARE long lay(long tree, const char* path) {
    const long place = open_walked(AT_FDCWD, path, O_PATH);
    if (place < 0)
        return place;
    const long laid = call(SYS_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    call_close(static_cast<int>(place));
    return laid;
}

// Whether the failure is only that an optional path is missing.
BARE bool may_miss(const MountOrder& change, long code) {
    return change.optional != 0 && (code == -ENOENT || code == -ENOTDIR);
}

// --- devices ----------------------------------------------------------------------------------------------------------

struct Device {
    const char* name;
    unsigned major, minor;
};
constexpr Device devices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                              {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
constexpr const char* device_links[][2] = {{"/proc/self/fd", "fd"},
                                           {"/proc/self/fd/0", "stdin"},
                                           {"/proc/self/fd/1", "stdout"},
                                           {"/proc/self/fd/2", "stderr"},
                                           {"pts/ptmx", "ptmx"}};

// If a device node cannot be made (in a user namespace), binds our own one instead.
BARE long bind_device(int outside, long tree, const char* name) {
    const long file = call(SYS_mknodat, tree, name, S_IFREG | 0444, 0);
    if (file < 0)
        return file;
    const long device = call(SYS_open_tree, outside, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (device < 0)
        return device;
    const long laid = call(SYS_move_mount, device, "", tree, name, MOVE_MOUNT_F_EMPTY_PATH);
    call_close(static_cast<int>(device));
    return laid;
}

BARE long make_device(int outside, long tree, const Device& device) {
    const unsigned number = device.major << 8 | device.minor;
    const long made = call(SYS_mknodat, tree, device.name, S_IFCHR | 0666, number);
    return made == -EPERM ? bind_device(outside, tree, device.name) : made;
}

// Before Linux 6.15, nothing can be mounted on a tree that is not attached: so attach it first, then fill it.
BARE bool lay_devices(const Child& child, const MountOrder& change, Progress& progress) {
    const char* path = child.text(change.path);
    const long outside = open_walked(AT_FDCWD, path, directory_flags);
    const long context = call(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (!progress.did(outside) || !progress.did(context) ||
        !progress.did(call(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0)) ||
        !progress.did(call(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "256k", 0)) ||
        !progress.did(call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0)))
        return false;
    const long tree = call(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    call_close(static_cast<int>(context));
    if (!progress.did(tree) || !progress.did(lay(tree, path)))
        return false;
    for (const Device& device : devices) {
        const long made = make_device(static_cast<int>(outside), tree, device);
        if (made != -ENOENT && !progress.did(made)) // ENOENT: the device does not exist outside either
            return false;
    }
    for (const auto& [target, link] : device_links)
        if (!progress.did(call(SYS_symlinkat, target, tree, link)))
            return false;
    call_close(static_cast<int>(outside));
    call_close(static_cast<int>(tree));
    return true;
}

// Makes the device file system read-only after everything below it is mounted. Devices can be written in any case.
BARE bool close_devices(const Child& child, const MountOrder& change, Progress& progress) {
    const long tree = open_walked(AT_FDCWD, child.text(change.path), O_PATH);
    const bool done = progress.did(tree) && progress.did(set_attributes(tree, 0, MOUNT_ATTR_RDONLY));
    if (tree >= 0)
        call_close(static_cast<int>(tree));
    return done;
}

// --- processes --------------------------------------------------------------------------------------------------------

// Mounts another instance of the process file system (proc(5)) over the one that is there. Those options are of an instance since
// Linux 5.8.
BARE bool lay_proc(const Child& child, const MountOrder& change, Progress& progress) {
    const long context = call(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    if (!progress.did(context) ||
        (change.source != 0 &&
         !progress.did(call(SYS_fsconfig, context, FSCONFIG_SET_STRING, "hidepid", child.text(change.source), 0))) ||
        (change.make != 0 && !progress.did(call(SYS_fsconfig, context, FSCONFIG_SET_STRING, "subset", "pid", 0))) ||
        !progress.did(call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0)))
        return false;
    const long tree =
        call(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    call_close(static_cast<int>(context));
    const bool laid = progress.did(tree) && progress.did(lay(tree, child.text(change.path)));
    if (tree >= 0)
        call_close(static_cast<int>(tree));
    return laid;
}

// --- one change after the other ---------------------------------------------------------------------------------------

// Opens the trees for the changes of `kind`, before anything changes.
BARE bool take_hold(const Child& child, MountKind kind, Progress& progress) {
    MountOrder* changes = child.all(child.orders->mounts);
    for (std::uint32_t i = 0; i < child.orders->mounts.count; ++i) {
        MountOrder& change = changes[i];
        if (static_cast<MountKind>(change.kind) != kind)
            continue;
        progress.at(Step::mount, i);
        const long tree = clone_tree(AT_FDCWD, child.text(kind == MountKind::read_write ? change.path : change.source));
        if (tree < 0 && !may_miss(change, tree))
            return progress.did(tree);
        if (tree >= 0 && kind == MountKind::bind_read_only &&
            !progress.did(set_attributes(tree, recursive, MOUNT_ATTR_RDONLY)))
            return false;
        change.tree = static_cast<std::int32_t>(tree);
    }
    return true;
}

BARE bool lay_read_only(const Child& child, const MountOrder& change, Progress& progress) {
    const char* path = child.text(change.path);
    if (path[0] == '/' && path[1] == '\0') { // a mount on top of the root would not be visible
        struct mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        return progress.did(call(SYS_mount_setattr, AT_FDCWD, "/", recursive, &attributes, sizeof attributes));
    }
    const long tree = clone_tree(AT_FDCWD, path);
    if (tree < 0)
        return may_miss(change, tree) || progress.did(tree);
    const bool laid = progress.did(set_attributes(tree, recursive, MOUNT_ATTR_RDONLY)) && progress.did(lay(tree, path));
    call_close(static_cast<int>(tree));
    return laid;
}

BARE bool lay_nothing(const Child& child, const MountOrder& change, long nothing, Progress& progress) {
    const char* path = child.text(change.path);
    const long place = open_walked(AT_FDCWD, path, O_PATH);
    if (place < 0)
        return may_miss(change, place) || progress.did(place);
    struct statx about{};
    if (!progress.did(look_at(static_cast<int>(place), about)))
        return false;
    call_close(static_cast<int>(place));
    const long tree = clone_tree(static_cast<int>(nothing), is_directory(about) ? "directory" : "file");
    constexpr unsigned inert = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    const bool laid =
        progress.did(tree) && progress.did(set_attributes(tree, 0, inert)) && progress.did(lay(tree, path));
    if (tree >= 0)
        call_close(static_cast<int>(tree));
    return laid;
}

BARE bool lay_tree(const Child& child, const MountOrder& change, Progress& progress) {
    if (change.tree < 0)
        return true; // optional, and missing
    const char* path = child.text(change.path);
    if (change.make != 0) {
        struct statx about{};
        if (!progress.did(look_at(change.tree, about)))
            return false;
        make_path(path, is_directory(about));
    }
    const long laid = lay(change.tree, path);
    call_close(change.tree);
    return laid == 0 || may_miss(change, laid) || progress.did(laid);
}

BARE bool lay_all(const Child& child, long nothing, Progress& progress) {
    const MountOrder* changes = child.all(child.orders->mounts);
    const std::uint32_t count = child.orders->mounts.count;
    for (std::uint32_t i = 0; i < count; ++i) {
        progress.at(Step::mount, i);
        bool laid = false;
        switch (static_cast<MountKind>(changes[i].kind)) {
        case MountKind::read_only: laid = lay_read_only(child, changes[i], progress); break;
        case MountKind::nothing: laid = lay_nothing(child, changes[i], nothing, progress); break;
        case MountKind::devices: laid = lay_devices(child, changes[i], progress); break;
        case MountKind::proc: laid = lay_proc(child, changes[i], progress); break;
        case MountKind::read_write:
        case MountKind::bind_read_only:
        case MountKind::bind: laid = lay_tree(child, changes[i], progress); break;
        }
        if (!laid)
            return false;
    }
    for (std::uint32_t i = 0; i < count; ++i)
        if (static_cast<MountKind>(changes[i].kind) == MountKind::devices) {
            progress.at(Step::mount, i);
            if (!close_devices(child, changes[i], progress))
                return false;
        }
    return true;
}

// --- the root ---------------------------------------------------------------------------------------------------------

// Makes Orders::root the root of our mount namespace. `outside`: a descriptor from which the old root can be unmounted,
// or -1. pivot_root(2) cannot leave an initramfs; there the new root is moved over it, as switch_root(8) does.
BARE bool move_into_root(const Child& child, long& outside, Progress& progress) {
    progress.at(Step::root);
    const long root = open_walked(AT_FDCWD, child.text(child.orders->root), directory_flags);
    if (!progress.did(root))
        return false;
    const long tree = call(SYS_open_tree, root, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive | empty_path);
    outside = call_open(AT_FDCWD, "/", directory_flags);
    if (!progress.did(tree) || !progress.did(outside) ||
        !progress.did(call(SYS_move_mount, tree, "", root, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)) ||
        !progress.did(call(SYS_fchdir, tree)))
        return false;
    call_close(static_cast<int>(tree));
    call_close(static_cast<int>(root));
    const long pivoted = call(SYS_pivot_root, ".", ".");
    if (pivoted != 0) {
        if (pivoted != -EINVAL)
            return progress.did(pivoted);
        if (!progress.did(call(SYS_mount, ".", "/", nullptr, MS_MOVE, nullptr)) || !progress.did(call(SYS_chroot, ".")))
            return false;
        call_close(static_cast<int>(outside));
        outside = -1;
    }
    return progress.did(call(SYS_chdir, "/"));
}

BARE bool leave_outside(long outside, Progress& progress) {
    if (outside < 0)
        return true;
    progress.at(Step::root);
    const bool left = progress.did(call(SYS_fchdir, outside)) && progress.did(call(SYS_umount2, ".", MNT_DETACH)) &&
                      progress.did(call(SYS_chdir, "/"));
    call_close(static_cast<int>(outside));
    return left;
}

BARE bool change_root_only(const Child& child, Progress& progress) {
    if (child.orders->root == 0)
        return true;
    progress.at(Step::root);
    const long root = open_walked(AT_FDCWD, child.text(child.orders->root), directory_flags);
    if (!progress.did(root) || !progress.did(call(SYS_fchdir, root)) || !progress.did(call(SYS_chroot, ".")))
        return false;
    call_close(static_cast<int>(root));
    return true;
}

} // namespace

BARE bool make_directories(const Child& child, Progress& progress) {
    const DirectoryOrder* wanted = child.all(child.orders->directories);
    const std::uint32_t count = child.orders->directories.count;
    if (count == 0)
        return true;
    call(SYS_umask, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
        progress.at(Step::own_directory, i);
        if (!make_directory(child, wanted[i], progress))
            return false;
    }
    call(SYS_umask, child.orders->umask);
    return true;
}

BARE bool change_mounts(const Child& child, Progress& progress) {
    const Orders& orders = *child.orders;
    if (orders.mounts_given == 0)
        return change_root_only(child, progress);
    call(SYS_umask, 0);
    // MS_SLAVE: later mounts and unmounts outside also appear here, but ours do not appear outside.
    if (!progress.did(Step::mount_namespace, call(SYS_unshare, CLONE_NEWNS)) ||
        !progress.did(call(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr)))
        return false;
    long nothing = -1, outside = -1;
    if (orders.nothing != 0) {
        nothing = call_open(AT_FDCWD, child.text(orders.nothing), directory_flags);
        if (!progress.did(nothing))
            return false;
    }
    if (!take_hold(child, MountKind::bind, progress) || !take_hold(child, MountKind::bind_read_only, progress) ||
        (orders.root != 0 && !move_into_root(child, outside, progress)) ||
        !take_hold(child, MountKind::read_write, progress) || !lay_all(child, nothing, progress) ||
        !leave_outside(outside, progress))
        return false;
    if (nothing >= 0)
        call_close(static_cast<int>(nothing));
    call(SYS_umask, orders.umask);
    return true;
}

} // namespace mi::os
