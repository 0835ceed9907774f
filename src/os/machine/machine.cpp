// Small settings of the machine, and detection of containers.
#include "os/machine/system.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace mi::os {
namespace {

bool is_host_name(std::string_view name) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    return !name.empty() && name.size() <= HOST_NAME_MAX && name.find_first_not_of(letters) == std::string_view::npos &&
           name.front() != '-' && name.front() != '.';
}

std::string host_name_in(std::string_view text) {
    for (std::string_view line : split(text, '\n'))
        if (std::string_view word = trim(line); !word.empty() && !word.starts_with('#'))
            return is_host_name(word) ? std::string(word) : "";
    return {};
}

} // namespace

Result<std::string> set_hostname(const std::string& file) {
    char current[HOST_NAME_MAX + 1]{};
    if (::gethostname(current, HOST_NAME_MAX) != 0)
        return fault(errno, "read hostname");
    std::string wanted = host_name_in(read_file(file).value_or(""));
    if (wanted.empty())
        wanted = is_host_name(current) ? current : "localhost"; // "(none)", the kernel's default, is no name
    if (wanted != current && ::sethostname(wanted.data(), wanted.size()) != 0)
        return fault(errno, "set hostname", wanted);
    return wanted;
}

Result<> bring_loopback_up() {
    // Any kind of socket can be asked, and not every kernel has IPv4.
    Fd any(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!any)
        return fault(errno, "make socket");
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0)
        return fault(errno, "look at network interface", "lo");
    if ((request.ifr_flags & IFF_UP) != 0)
        return {};
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0)
        return fault(errno, "bring up network interface", "lo");
    return {};
}

Result<> disable_ctrl_alt_del() {
    if (::reboot(RB_DISABLE_CAD) != 0)
        return fault(errno, "disable Ctrl-Alt-Del");
    return {};
}

std::vector<std::string> split_command_line(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    bool begun = false;
    for (char letter : text) {
        if (letter == '"') {
            quoted = !quoted;
            begun = true;
        } else if (!quoted && (letter == ' ' || letter == '\t' || letter == '\n' || letter == '\0')) {
            if (begun)
                words.push_back(std::exchange(word, {}));
            begun = false;
        } else {
            word += letter;
            begun = true;
        }
    }
    if (begun)
        words.push_back(std::move(word));
    return words;
}

Result<bool> sane_clock(WallTime built) {
    if (wall_now() >= built)
        return false;
    const timespec now{static_cast<time_t>(built.micros / 1'000'000),
                       static_cast<long>(built.micros % 1'000'000 * 1000)};
    if (::clock_settime(CLOCK_REALTIME, &now) != 0)
        return fault(errno, "set clock");
    return true;
}

Habitat habitat() {
    // The kernel's fixed inode number of the first PID namespace (PROC_PID_INIT_INO).
    constexpr ino_t first_namespace = 0xEFFFFFFC;
    struct stat about{};
    if (::stat("/proc/self/ns/pid", &about) == 0)
        return about.st_ino == first_namespace ? Habitat::machine : Habitat::container;
    // Without /proc, which a machine has not mounted yet: only there is process 2 a kernel thread, in session 0 and
    // process group 0. In a new namespace whose first process we are, there is no process 2 yet.
    bool kernel_thread = (::kill(2, 0) == 0 || errno == EPERM) && ::getsid(2) == 0 && ::getpgid(2) == 0;
    return kernel_thread ? Habitat::machine : Habitat::container;
}

std::string container_name() {
    if (habitat() == Habitat::machine)
        return {};
    if (const char* told = std::getenv("container"); told != nullptr && *told != '\0')
        return told;
    if (::access("/run/.containerenv", F_OK) == 0)
        return "podman";
    if (::access("/.dockerenv", F_OK) == 0)
        return "docker";
    if (std::getenv("KUBERNETES_SERVICE_HOST") != nullptr)
        return "kubernetes";
    return "container";
}

} // namespace mi::os
