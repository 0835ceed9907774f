#include "os/socket/syslog_socket.hpp"

#include "base/text.hpp"
#include "os/file/runtime.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/pidfd.hpp"
#include "os/socket/local_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace mi::os {

Result<Fd> bind_syslog(const std::string& path) {
    Result<Fd> fd = bind_datagram(path, std::nullopt);
    if (!fd)
        return fd;
    const int on = 1;
    // If this fails, a message has no time stamp, and counts as received when it is read.
    (void)::setsockopt(fd->get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    ask_for_senders(fd->get());
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
    if (file) // if it cannot be set, senders have to wait a little earlier
        (void)!::write(file.get(), text.data(), text.size());
}

bool shares_devices(const std::string& path) {
    auto mounts = read_mounts();
    if (!mounts)
        return true; // unknown
    const auto last =
        std::find_if(mounts->rbegin(), mounts->rend(), [&](const Mount& one) { return one.point == path; });
    return last != mounts->rend() && last->type == "devtmpfs";
}

} // namespace mi::os
