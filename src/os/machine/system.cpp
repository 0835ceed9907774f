// Makes the first mounts, and opens the console.
#include "os/machine/system.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

namespace mi::os {
namespace {

struct ApiMount {
    const char* point;
    const char* type;
    unsigned long flags;
    const char* options;
    const char* fewer_options; // for kernels that do not know all of `options`; null: none
};

constexpr unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;

constexpr ApiMount api_mounts[] = {
    {"/proc", "proc", closed, nullptr, nullptr},
    {"/sys", "sysfs", closed, nullptr, nullptr},
    {"/dev", "devtmpfs", MS_NOSUID, "mode=0755", nullptr},
    {"/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666", ""},
    {"/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777", nullptr},
    {"/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755", nullptr},
    {"/sys/fs/cgroup", "cgroup2", closed, "nsdelegate,memory_recursiveprot", ""},
};

bool is_mount_point(const std::string& path) {
    struct stat here{};
    struct stat above{};
    return ::stat(path.c_str(), &here) == 0 && ::stat((path + "/..").c_str(), &above) == 0 &&
           (here.st_dev != above.st_dev || here.st_ino == above.st_ino);
}

struct Node {
    const char* path;
    mode_t mode;
    unsigned major_number;
    unsigned minor_number;
};

constexpr Node nodes[] = {
    {"/dev/console", 0600, 5, 1}, {"/dev/null", 0666, 1, 3},   {"/dev/zero", 0666, 1, 5},
    {"/dev/full", 0666, 1, 7},    {"/dev/random", 0666, 1, 8}, {"/dev/urandom", 0666, 1, 9},
    {"/dev/tty", 0666, 5, 0},     {"/dev/ptmx", 0666, 5, 2},   {"/dev/kmsg", 0644, 1, 11},
};

bool make_node(const Node& node) {
    return ::mknod(node.path, S_IFCHR | node.mode, makedev(node.major_number, node.minor_number)) == 0 &&
           ::chmod(node.path, node.mode) == 0; // independent of our umask
}

void fill_dev(std::vector<Fault>& faults) {
    for (const Node& node : nodes)
        if (::access(node.path, F_OK) != 0 && !make_node(node))
            faults.push_back({errno, "make device", node.path});
    constexpr const char* links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                        {"/proc/self/fd/0", "/dev/stdin"},
                                        {"/proc/self/fd/1", "/dev/stdout"},
                                        {"/proc/self/fd/2", "/dev/stderr"}};
    for (const auto& [target, link] : links)
        if (::symlink(target, link) != 0 && errno != EEXIST)
            faults.push_back({errno, "make link", link});
}

bool mount_one(const ApiMount& wanted) {
    if (::mount(wanted.type, wanted.point, wanted.type, wanted.flags, wanted.options) == 0)
        return true;
    return errno == EINVAL && wanted.fewer_options != nullptr &&
           ::mount(wanted.type, wanted.point, wanted.type, wanted.flags, wanted.fewer_options) == 0;
}

bool is_device(const char* path) {
    struct stat about{};
    return ::stat(path, &about) == 0 && S_ISCHR(about.st_mode);
}

} // namespace

std::vector<Fault> mount_api() {
    std::vector<Fault> faults;
    for (const ApiMount& wanted : api_mounts) {
        std::string_view point = wanted.point;
        if (!is_mount_point(wanted.point)) {
            ::mkdir(wanted.point, 0755); // if it exists, fine; any other failure shows in mount(2)
            bool mounted = mount_one(wanted);
            int code = errno;
            // On a kernel without devtmpfs: keep a /dev that was filled by hand; give an empty one a tmpfs.
            if (!mounted && point == "/dev" &&
                (is_device("/dev/null") || ::mount("dev", "/dev", "tmpfs", MS_NOSUID, "mode=0755") == 0))
                mounted = true;
            if (!mounted)
                faults.push_back({code, "mount", wanted.point});
        }
        if (point == "/dev")
            fill_dev(faults);
    }
    return faults;
}

void mount_proc() {
    if (::access("/proc/self", F_OK) == 0)
        return;
    ::mkdir(api_mounts[0].point, 0755);
    (void)mount_one(api_mounts[0]);
}

Result<> take_console() {
    // O_NONBLOCK: otherwise a serial console could wait for its carrier.
    auto open_console = [] { return Fd(::open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)); };
    Fd console = open_console();
    Result<> outcome;
    if (!console && errno == ENOENT) {
        ::mkdir("/dev", 0755);
        if (make_node(nodes[0]))
            console = open_console();
    }
    if (console) {
        ::fcntl(console.get(), F_SETFL, 0);
    } else {
        outcome = fault(errno, "open", "/dev/console");
        console = Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
        if (!console && make_node(nodes[1]))
            console = Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    }
    if (!console)
        return outcome;
    if (console.get() < 3) // some of 0, 1 and 2 were closed: move it above them first
        console = Fd(::fcntl(console.release(), F_DUPFD_CLOEXEC, 3));
    for (int fd = 0; fd < 3; ++fd)
        if (::dup2(console.get(), fd) < 0)
            return fault(errno, "use", "/dev/console");
    return outcome;
}

} // namespace mi::os
