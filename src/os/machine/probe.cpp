// Tests features, and undoes every change that a test makes.
#include "os/machine/probe.hpp"

#include "os/file/runtime.hpp"
#include "os/machine/system.hpp"
#include "os/mount/mounts.hpp"

#include "base/text.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace mi::os {
namespace {

std::string error_text(int code) { return std::strerror(code); }

Finding kernel() {
    utsname names{};
    ::uname(&names);
    return {"kernel", true, std::string(names.release) + " " + names.machine, {}};
}

Finding place() {
    std::string runtime = container_name();
    return {"container", !runtime.empty(), runtime.empty() ? "the machine's first PID namespace" : runtime,
            runtime.empty() ? "system mode" : ""};
}

Finding first_process() {
    pid_t own = ::getpid();
    return {"pid 1", own == 1, "we are " + std::to_string(own), own == 1 ? "" : "orphans come to us as subreaper"};
}

Finding proc() {
    bool there = ::access("/proc/self/stat", R_OK) == 0;
    return {"proc", there, "/proc",
            there ? "" : "processes are known by their groups only; no OOM score, no wait channels"};
}

// The directory of our own cgroup.
std::string cgroup_directory() {
    std::string own;
    std::string text = read_file("/proc/self/cgroup").value_or("");
    for (std::string_view line : split(text, '\n'))
        if (line.starts_with("0::"))
            own = line.substr(3);
    if (own.empty() || own.starts_with("/.."))
        return {};
    for (const Mount& mount : read_mounts().value_or(std::vector<Mount>{}))
        if (mount.type == "cgroup2" && own.starts_with(mount.root == "/" ? "" : mount.root))
            return mount.point + (own == "/" ? "" : own.substr(mount.root == "/" ? 0 : mount.root.size()));
    return {};
}

void cgroups(std::vector<Finding>& findings, const Cgroups* tree) {
    std::string directory = tree != nullptr ? tree->path() : cgroup_directory();
    bool writable = !directory.empty() && ::access(directory.c_str(), W_OK) == 0 &&
                    ::access((directory + "/cgroup.procs").c_str(), W_OK) == 0;
    std::string state = directory.empty() ? "not mounted, or ours lies outside our namespace"
                                          : directory + (writable ? "" : ": not writable");
    findings.push_back(
        {"cgroup v2", writable, state, writable ? "" : "processes are found by session, parent and INVOCATION_ID"});
    // The root cgroup itself has no cgroup.kill; its children have.
    utsname names{};
    ::uname(&names);
    std::vector<std::string_view> version = split(names.release, '.');
    int major = to_number<int>(version[0]).value_or(0);
    int minor = version.size() > 1
                    ? to_number<int>(version[1].substr(0, version[1].find_first_not_of("0123456789"))).value_or(0)
                    : 0;
    bool kills = writable && (major > 5 || (major == 5 && minor >= 14));
    findings.push_back({"cgroup.kill", kills, kills ? "" : "needs Linux 5.14 and cgroup v2",
                        kills ? "" : "frozen and killed one by one, or by process group"});
    // Freezing exists since Linux 5.2, in every cgroup except the root.
    bool freezes = writable && (major > 5 || (major == 5 && minor >= 2));
    findings.push_back({"cgroup.freeze", freezes, freezes ? "" : "needs Linux 5.2 and cgroup v2",
                        freezes ? "" : "`minictl freeze` is refused"});
    std::string controllers = tree != nullptr     ? tree->controllers()
                              : directory.empty() ? ""
                                                  : read_file(directory + "/cgroup.controllers").value_or("");
    controllers = trim(controllers);
    findings.push_back({"cgroup controllers", !controllers.empty(), controllers,
                        controllers.empty() ? "no limits by [cgroup], no memory in `minictl status`" : ""});
}

Finding capabilities() {
    std::string status = read_file("/proc/self/status").value_or("");
    std::size_t at = status.find("CapEff:");
    if (at == std::string::npos)
        return {"capabilities", ::geteuid() == 0, "uid " + std::to_string(::geteuid()), "tried when needed"};
    std::string_view line = std::string_view(status).substr(at + 7);
    std::string_view digits = trim(line.substr(0, line.find('\n')));
    std::uint64_t effective = to_number<std::uint64_t>(digits, 16).value_or(0);
    return {"capabilities", effective != 0,
            std::to_string(std::popcount(effective)) + " effective, " + std::string(digits),
            effective != 0 ? "" : "services run as our own user; nothing is mounted"};
}

Finding subreaper() {
    int set = 0;
    bool known = ::prctl(PR_GET_CHILD_SUBREAPER, &set, 0, 0, 0) == 0;
    return {"subreaper", known, set != 0 ? "in force" : "available", known ? "" : "orphans of others are not seen"};
}

Finding console() {
    // Open without waiting: only open(2) tells whether the console has a device.
    int fd = ::open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int code = errno;
    if (fd >= 0)
        ::close(fd);
    return {"/dev/console", fd >= 0, fd >= 0 ? "" : error_text(code),
            fd >= 0 ? "" : "messages go to stderr or nowhere"};
}

Finding writable(const std::string& directory, const std::string& instead) {
    bool can = ::access(directory.c_str(), W_OK) == 0;
    return {"writable " + directory, can, can ? "" : error_text(errno), can ? "" : instead};
}

Finding call(const std::string& name, long number, const std::string& instead) {
    // Call it with arguments that every kernel rejects: any error other than ENOSYS means that the system call exists.
    bool there = ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == 0 || errno != ENOSYS;
    return {name, there, {}, there ? "" : instead};
}

// Tested in a child, whose namespaces end with it.
Finding namespaces(const std::string& name, int kind, const std::string& instead) {
    pid_t child = ::fork();
    if (child == 0)
        ::_exit(::unshare(kind) == 0 ? 0 : errno);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child)
        return {name, false, error_text(errno), instead};
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
    return {name, code == 0, code == 0 ? "" : error_text(code), code == 0 ? "" : instead};
}

Finding system_call_filters() {
    std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
    bool there = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0U, &action) == 0;
    return {"system call filters", there, there ? "" : error_text(errno),
            there ? "" : "services with system-call-filter do not start"};
}

} // namespace

std::vector<Finding> probe(const Cgroups* tree) {
    std::vector<Finding> findings{kernel(), place(), first_process(), proc()};
    cgroups(findings, tree);
    findings.push_back(capabilities());
    findings.push_back(subreaper());
    findings.push_back(console());
    findings.push_back(writable("/run", "no control socket; give --control a path"));
    findings.push_back(writable("/var/log", "logs are held in memory, then in /run/log/miniinit"));
    findings.push_back(call("clone3", SYS_clone3, "clone, and a write to cgroup.procs"));
    findings.push_back(call("close_range", SYS_close_range, "close-on-exec alone"));
    findings.push_back(namespaces("mount namespaces", CLONE_NEWNS,
                                  "services with private-tmp, private-devices, protect-system and paths do not start"));
    findings.push_back(namespaces("network namespaces", CLONE_NEWNET, "services with private-network do not start"));
    findings.push_back(call("mount_setattr", SYS_mount_setattr, "no protect-system, read-only or inaccessible paths"));
    findings.push_back(system_call_filters());
    return findings;
}

} // namespace mi::os
