#include "os/mount/switch_root.hpp"

#include "base/fd.hpp"
#include "os/file/remove.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/helper_child.hpp"

#include <elf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>

namespace mi::os {
namespace {

// Resolves links as they will be once `root` is the root directory (RESOLVE_IN_ROOT).
Fd open_below(int root, const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT;
    return Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// 0, or the errno that says why the init cannot be executed.
int not_executable(int root, const std::string& init) {
    Fd file = open_below(root, init);
    struct stat about{};
    if (!file || ::fstat(file.get(), &about) != 0)
        return errno;
    return S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0 ? 0 : EACCES;
}

bool in_memory(int directory) {
    struct statfs kind{};
    if (::fstatfs(directory, &kind) != 0)
        return false;
    const auto type = static_cast<std::uint32_t>(kind.f_type); // signed or unsigned, depending on architecture
    return type == RAMFS_MAGIC || type == TMPFS_MAGIC;
}

// Moves the kernel's file systems to the new root; `stay_too`: mounts them in both. One that cannot be moved is
// detached, and the next init mounts it again.
void move_api_mounts(const std::string& root, bool stay_too) {
    for (const char* point : {"/dev", "/proc", "/sys", "/run"}) {
        const std::string to = root + point;
        (void)::mkdir(to.c_str(), 0755); // if it exists, fine; any other failure shows in the move
        if (stay_too)
            (void)::mount(point, to.c_str(), nullptr, MS_BIND | MS_REC, nullptr);
        else if (::mount(point, to.c_str(), nullptr, MS_MOVE, nullptr) != 0)
            (void)::umount2(point, MNT_DETACH);
    }
}

} // namespace

Result<> make_mount_point(const std::string& root) {
    auto mounts = read_mounts();
    if (!mounts)
        return std::unexpected(mounts.error());
    if (std::ranges::none_of(*mounts, [&](const Mount& mount) { return mount.point == root; }) &&
        ::mount(root.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
        return fault(errno, "mount onto itself", root);
    return {};
}

Result<std::string> check_new_root(const std::string& root, const std::string& init) {
    char real[PATH_MAX];
    if (::realpath(root.c_str(), real) == nullptr)
        return fault(errno, "look at", root);
    auto mounts = read_mounts();
    if (!mounts)
        return std::unexpected(mounts.error());
    if (std::string_view(real) == "/")
        return fault(0, "this is the root directory already:", root);
    if (std::ranges::none_of(*mounts, [&](const Mount& mount) { return mount.point == real; }))
        return fault(0, "mount the new root file system first: there is none at", root);
    Fd directory(::open(real, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return fault(errno, "open", root);
    if (!init.empty()) {
        if (int code = not_executable(directory.get(), init); code != 0)
            return fault(code, "execute there", init);
        return init;
    }
    for (const char* usual : usual_inits)
        if (not_executable(directory.get(), usual) == 0)
            return usual;
    return fault(0, "name the init: there is no /sbin/init nor /sbin/miniinit that can be executed in", root);
}

Result<Fd> open_in_root(const std::string& root, const std::string& path) {
    Fd directory(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    Fd file = directory ? open_below(directory.get(), path) : Fd();
    if (!file)
        return fault(errno, "open", root + path);
    return file;
}

bool is_binary(int file) {
    Fd readable(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    char magic[SELFMAG]{};
    return readable && ::read(readable.get(), magic, SELFMAG) == SELFMAG && std::equal(magic, magic + SELFMAG, ELFMAG);
}

bool root_in_memory() {
    Fd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return root && in_memory(root.get());
}

Result<> move_to_root(const std::string& root, bool inhabited) {
    // A mount with shared propagation cannot be moved.
    (void)::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    Fd old(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat before{};
    if (!old || ::fstat(old.get(), &before) != 0)
        return fault(errno, "open", "/");
    move_api_mounts(root, inhabited);
    if (::chdir(root.c_str()) != 0)
        return fault(errno, "go to", root);
    // pivot_root(2) cannot remove the first rootfs, which can only be covered; any other root is detached as a whole.
    if (::syscall(SYS_pivot_root, ".", ".") == 0) {
        if (::umount2(".", MNT_DETACH) != 0)
            return fault(errno, "let go of", "the old root");
        return ::chdir("/") == 0 ? Result<>() : fault(errno, "go to", "/");
    }
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || ::chroot(".") != 0 || ::chdir("/") != 0)
        return fault(errno, "make it the root:", root);
    struct stat now{};
    if (!in_memory(old.get()) || ::stat("/", &now) != 0 || now.st_dev == before.st_dev)
        return {};
    // Runs beside us, and the next init reaps it. A file that remains only costs memory.
    (void)start_helper(
        "old-root",
        [] {
            (void)empty_directory(helper_fd);
            return 0;
        },
        old.get());
    return {};
}

Result<> execute_init(const std::string& init) {
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL); // fails for SIGKILL and SIGSTOP, which need no reset
    sigset_t none, before;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, &before);
    ::execl(init.c_str(), init.c_str(), static_cast<char*>(nullptr));
    const int code = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return fault(code, "execute", init);
}

} // namespace mi::os
