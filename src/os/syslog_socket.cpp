#include "os/syslog_socket.hpp"

#include "base/text.hpp"
#include "os/local_socket.hpp"
#include "os/mounts.hpp"
#include "os/runtime.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace mi::os {

Result<Fd> bind_syslog(const std::string& path) {
    Result<sockaddr_un> address = local_address(path);
    if (!address)
        return std::unexpected(address.error());
    if (Result<> removed = remove_stale_socket(path, SOCK_DGRAM); !removed)
        return std::unexpected(removed.error());
    Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fault(errno, "make socket");
    int on = 1;
    // Asked for before anyone can write. A message without a time stamp is taken to have come when it is read.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return fault(errno, "ask for credentials on", path);
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return fault(errno, "bind", path);
    if (::chmod(path.c_str(), 0666) != 0) {
        int code = errno;
        ::unlink(path.c_str());
        return fault(code, "set the mode of", path);
    }
    return fd;
}

void close_syslog(int socket) { (void)::shutdown(socket, SHUT_RD); }

void lengthen_datagram_queues() {
    constexpr const char* setting = "/proc/sys/net/unix/max_dgram_qlen";
    constexpr int enough = 512;
    auto present = read_file(setting);
    auto number = present ? to_number<int>(trim(*present)) : std::nullopt;
    if (!number || *number >= enough)
        return;
    const Fd file(::open(setting, O_WRONLY | O_CLOEXEC));
    const std::string_view text = "512\n";
    if (file) // where it cannot be set, senders wait a little sooner
        (void)!::write(file.get(), text.data(), text.size());
}

bool shares_devices(const std::string& path) {
    auto mounts = read_mounts();
    if (!mounts)
        return true; // nobody can tell
    const auto last =
        std::find_if(mounts->rbegin(), mounts->rend(), [&](const Mount& one) { return one.point == path; });
    return last != mounts->rend() && last->type == "devtmpfs";
}

} // namespace mi::os
