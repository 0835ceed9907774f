// Directories of the service's own, and what the child changes in a mount namespace of its own. Whatever is taken from
// outside is taken hold of before the root changes, and what is to stay as it was before anything above it changes.
#include "os/progress.hpp"

#include <fcntl.h>
#include <linux/limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstring>

namespace mi::os {
namespace {

constexpr int directory_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

// Makes `path` and what is missing above it; what is there already, or cannot be made, its user will tell.
BARE void make_path(const char* path, bool directory) {
    char prefix[PATH_MAX];
    std::size_t length = ::strlen(path);
    if (length >= sizeof prefix)
        return;
    for (std::size_t i = 0; i <= length; ++i) {
        prefix[i] = path[i];
        if (i == 0 || (path[i] != '/' && path[i] != 0))
            continue;
        prefix[i] = 0;
        if (path[i] == '/' || directory)
            ::mkdir(prefix, 0755);
        else
            ::mknod(prefix, S_IFREG | 0444, 0);
        prefix[i] = path[i];
    }
}

BARE bool make_directory(const Directory& wanted, Progress& progress) {
    if (wanted.make_base)
        make_path(wanted.base.c_str(), true);
    int above = ::open(wanted.base.c_str(), directory_flags);
    if (!progress.did(above))
        return false;
    for (std::size_t i = 0; i < wanted.components.size(); ++i) {
        bool last = i + 1 == wanted.components.size();
        const char* name = wanted.components[i].c_str();
        if (::mkdirat(above, name, last ? wanted.mode : wanted.parents_mode) != 0 && errno != EEXIST)
            return progress.did(-1);
        int here = ::openat(above, name, directory_flags | O_NOFOLLOW);
        if (!progress.did(here))
            return false;
        ::close(above);
        above = here;
        struct stat about;
        if (!progress.did(::fstat(here, &about)))
            return false;
        if (wanted.ours && about.st_uid != wanted.owner) {
            errno = EPERM;
            return progress.did(-1);
        }
        if (last && (about.st_uid != wanted.owner || about.st_gid != wanted.group) &&
            !progress.did(::fchownat(here, "", wanted.owner, wanted.group, AT_EMPTY_PATH)))
            return false;
    }
    ::close(above);
    return true;
}

BARE int clone_tree(int at, const char* path) {
    return ::open_tree(at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

BARE long set_attributes(int tree, unsigned flags, std::uint64_t attributes) {
    mount_attr change{};
    change.attr_set = attributes;
    return ::mount_setattr(tree, "", AT_EMPTY_PATH | flags, &change, sizeof change);
}

BARE long lay(int tree, const char* path) {
    return ::move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

// Whether what went wrong is that something is not there which need not be.
BARE bool may_miss(const MountChange& change) { return change.optional && (errno == ENOENT || errno == ENOTDIR); }

struct Device {
    const char* name;
    unsigned number; // of the major number 1, or of 5 for tty
};
constexpr Device devices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}, {"tty", 0}};
constexpr const char* device_links[][2] = {{"/proc/self/fd", "fd"},
                                           {"/proc/self/fd/0", "stdin"},
                                           {"/proc/self/fd/1", "stdout"},
                                           {"/proc/self/fd/2", "stderr"},
                                           {"pts/ptmx", "ptmx"}};

BARE int make_devices() {
    int context = ::fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0 || ::fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0) != 0 ||
        ::fsconfig(context, FSCONFIG_SET_STRING, "size", "256k", 0) != 0 ||
        ::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
        return -1;
    int tree = ::fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (tree < 0)
        return -1;
    for (const Device& device : devices)
        if (::mknodat(tree, device.name, S_IFCHR | 0666, makedev(device.number == 0 ? 5U : 1U, device.number)) != 0)
            return -1;
    for (const auto& [target, link] : device_links)
        if (::symlinkat(target, tree, link) != 0)
            return -1;
    return tree;
}

// The trees that stand ready before the root changes.
BARE bool take_from_outside(const Mounting& mounting, int* trees, Progress& progress) {
    for (std::size_t i = 0; i < mounting.changes.size(); ++i) {
        const MountChange& change = mounting.changes[i];
        if (change.kind != MountChange::Kind::bind)
            continue;
        progress.at(Step::mount, i);
        trees[i] = clone_tree(AT_FDCWD, change.source.c_str());
        if (trees[i] < 0 && !may_miss(change))
            return progress.did(-1);
    }
    return true;
}

BARE bool take_from_inside(const Mounting& mounting, int* trees, Progress& progress) {
    for (std::size_t i = 0; i < mounting.changes.size(); ++i) {
        const MountChange& change = mounting.changes[i];
        if (change.kind != MountChange::Kind::read_write)
            continue;
        progress.at(Step::mount, i);
        trees[i] = clone_tree(AT_FDCWD, change.path.c_str());
        if (trees[i] < 0 && !may_miss(change))
            return progress.did(-1);
    }
    return true;
}

BARE bool lay_read_only(const MountChange& change, Progress& progress) {
    if (change.path.size() == 1) { // the root: a mount on top of it would not be seen
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        return progress.did(::mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes));
    }
    int tree = clone_tree(AT_FDCWD, change.path.c_str());
    if (tree < 0)
        return may_miss(change) || progress.did(-1);
    bool laid = progress.did(set_attributes(tree, AT_RECURSIVE, MOUNT_ATTR_RDONLY)) &&
                progress.did(lay(tree, change.path.c_str()));
    ::close(tree);
    return laid;
}

BARE bool lay_nothing(const MountChange& change, int nothing, Progress& progress) {
    struct stat about;
    if (::stat(change.path.c_str(), &about) != 0)
        return may_miss(change) || progress.did(-1);
    int tree = clone_tree(nothing, S_ISDIR(about.st_mode) ? "directory" : "file");
    constexpr unsigned inert = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    bool laid = progress.did(tree) && progress.did(set_attributes(tree, 0, inert)) &&
                progress.did(lay(tree, change.path.c_str()));
    if (tree >= 0)
        ::close(tree);
    return laid;
}

BARE bool lay_tree(const MountChange& change, int tree, Progress& progress) {
    if (tree < 0)
        return true; // optional, and missing
    if (change.make) {
        struct stat about;
        if (!progress.did(::fstat(tree, &about)))
            return false;
        make_path(change.path.c_str(), S_ISDIR(about.st_mode));
    }
    bool laid = lay(tree, change.path.c_str()) == 0 || may_miss(change) || progress.did(-1);
    ::close(tree);
    return laid;
}

BARE bool lay_all(const Mounting& mounting, int* trees, int nothing, Progress& progress) {
    for (std::size_t i = 0; i < mounting.changes.size(); ++i) {
        const MountChange& change = mounting.changes[i];
        progress.at(Step::mount, i);
        bool laid = false;
        switch (change.kind) {
        case MountChange::Kind::read_only: laid = lay_read_only(change, progress); break;
        case MountChange::Kind::nothing: laid = lay_nothing(change, nothing, progress); break;
        case MountChange::Kind::devices: {
            int tree = make_devices();
            laid = progress.did(tree) && lay_tree(change, tree, progress);
            break;
        }
        case MountChange::Kind::read_write:
        case MountChange::Kind::bind: laid = lay_tree(change, trees[i], progress); break;
        }
        if (!laid)
            return false;
    }
    return true;
}

// Makes Plan::root the root of our mount namespace. `outside`: where the old one can be unmounted from, or -1. An
// initramfs cannot be left by pivot_root(2); there the new root is moved over it, as switch_root(8) does.
BARE bool move_into_root(const Plan& plan, int& outside, Progress& progress) {
    progress.at(Step::root);
    const char* root = plan.root.c_str();
    outside = ::open("/", directory_flags);
    if (!progress.did(outside) || !progress.did(::mount(root, root, nullptr, MS_BIND | MS_REC, nullptr)) ||
        !progress.did(::chdir(root)))
        return false;
    if (::syscall(SYS_pivot_root, ".", ".") != 0) {
        if (errno != EINVAL || !progress.did(::mount(".", "/", nullptr, MS_MOVE, nullptr)) ||
            !progress.did(::chroot(".")))
            return progress.did(-1);
        ::close(outside);
        outside = -1;
    }
    return progress.did(::chdir("/"));
}

BARE bool leave_outside(int outside, Progress& progress) {
    if (outside < 0)
        return true;
    progress.at(Step::root);
    bool left =
        progress.did(::fchdir(outside)) && progress.did(::umount2(".", MNT_DETACH)) && progress.did(::chdir("/"));
    ::close(outside);
    return left;
}

} // namespace

BARE bool make_directories(const Plan& plan, Progress& progress) {
    if (plan.directories.empty())
        return true;
    ::umask(0);
    std::size_t item = 0;
    for (const Directory& wanted : plan.directories) {
        progress.at(Step::own_directory, item++);
        if (!make_directory(wanted, progress))
            return false;
    }
    ::umask(plan.umask);
    return true;
}

BARE bool change_mounts(ChildOrders& orders, Progress& progress) {
    const Plan& plan = *orders.plan;
    if (!plan.mounting) {
        return plan.root.empty() ||
               (progress.did(Step::root, ::chroot(plan.root.c_str())) && progress.did(::chdir("/")));
    }
    const Mounting& mounting = *plan.mounting;
    int* trees = orders.trees.data();
    ::umask(0);
    // What others mount later is to be seen here, and gone here when they unmount it; but nothing of ours there.
    if (!progress.did(Step::mount_namespace, ::unshare(CLONE_NEWNS)) ||
        !progress.did(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr)))
        return false;
    int nothing = -1, outside = -1;
    if (!mounting.nothing.empty()) {
        nothing = ::open(mounting.nothing.c_str(), directory_flags);
        if (!progress.did(nothing))
            return false;
    }
    if (!take_from_outside(mounting, trees, progress) ||
        (!plan.root.empty() && !move_into_root(plan, outside, progress)) ||
        !take_from_inside(mounting, trees, progress) || !lay_all(mounting, trees, nothing, progress) ||
        !leave_outside(outside, progress))
        return false;
    if (nothing >= 0)
        ::close(nothing);
    ::umask(plan.umask);
    return true;
}

} // namespace mi::os
