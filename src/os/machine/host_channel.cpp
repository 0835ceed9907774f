#include "os/machine/host_channel.hpp"

#include "base/clock.hpp"
#include "base/directory.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include <cerrno>

namespace mi::os {

namespace {

// The most messages that wait; further ones are dropped, because the host has read none of these.
constexpr std::size_t most_waiting = 64;

// Opens a port of virtio-serial, or any other character device; a terminal is set to pass all bytes unchanged.
Fd open_device(const std::string& path) {
    Fd device(::open(device_at(path).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    termios settings{};
    if (device && ::tcgetattr(device.get(), &settings) == 0) {
        ::cfmakeraw(&settings);
        settings.c_cflag |= CLOCAL;
        (void)::tcsetattr(device.get(), TCSANOW, &settings);
    }
    return device;
}

} // namespace

std::optional<HostAddress> parse_host_address(std::string_view text) {
    constexpr std::string_view serial = "serial:";
    if (text.starts_with(serial)) {
        text.remove_prefix(serial.size());
        if (!text.starts_with("/dev/"))
            return std::nullopt;
        return HostAddress{.device = std::string(text)};
    }
    constexpr struct {
        std::string_view prefix;
        int type;
    } kinds[] = {{"vsock:", 0},
                 {"vsock-stream:", SOCK_STREAM},
                 {"vsock-seqpacket:", SOCK_SEQPACKET},
                 {"vsock-dgram:", SOCK_DGRAM}};
    for (const auto& [prefix, type] : kinds) {
        if (!text.starts_with(prefix))
            continue;
        const std::string_view rest = text.substr(prefix.size());
        const std::size_t colon = rest.find(':');
        if (colon == std::string_view::npos)
            return std::nullopt;
        const auto cid = to_number<unsigned>(rest.substr(0, colon)), port = to_number<unsigned>(rest.substr(colon + 1));
        if (!cid || !port)
            return std::nullopt;
        return HostAddress{.cid = *cid, .port = *port, .type = type};
    }
    return std::nullopt;
}

std::string device_at(const std::string& path, const std::string& ports) {
    constexpr std::string_view links = "/dev/virtio-ports/";
    if (!path.starts_with(links) || ::access(path.c_str(), F_OK) == 0)
        return path;
    if (const auto entries = list_directory(ports))
        for (const DirectoryEntry& entry : *entries)
            if (trim(read_file(ports + "/" + entry.name + "/name").value_or("")) == path.substr(links.size()))
                return "/dev/" + entry.name;
    return path;
}

void HostChannel::add(std::string_view lines) {
    if (!address_ || messages_.size() >= most_waiting)
        return;
    messages_.emplace_back(lines) += '\n';
}

bool HostChannel::failed(std::string_view doing, int code) {
    const std::string where = address_->device.empty()
                                  ? "vsock " + std::to_string(address_->cid) + ":" + std::to_string(address_->port)
                                  : address_->device;
    trouble_ = Fault{code, doing, where}.text();
    return false;
}

// True: the channel is open for writing.
bool HostChannel::connected() {
    if (channel_ && !connecting_)
        return true;
    if (!address_->device.empty()) {
        channel_ = open_device(address_->device);
        return channel_ || failed("open", errno);
    }
    if (!channel_) {
        // As systemd does: packets if both sides support them, else a stream.
        if (type_ == 0)
            type_ = address_->type != 0 ? address_->type : SOCK_SEQPACKET;
        channel_ = Fd(::socket(AF_VSOCK, type_ | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_vm to{};
        to.svm_family = AF_VSOCK;
        to.svm_cid = address_->cid;
        to.svm_port = address_->port;
        if (channel_ && ::connect(channel_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
            return true;
        const int code = errno;
        connecting_ = channel_ && code == EINPROGRESS;
        if (!connecting_) {
            channel_ = Fd();
            type_ = address_->type == 0 && type_ == SOCK_SEQPACKET ? SOCK_STREAM : 0;
            return failed("connect to", code);
        }
    }
    pollfd end{channel_.get(), POLLOUT, 0};
    if (::poll(&end, 1, 0) == 0)
        return failed("connect to", EINPROGRESS);
    connecting_ = false;
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(channel_.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0) {
        channel_ = Fd();
        type_ = address_->type == 0 && type_ == SOCK_SEQPACKET ? SOCK_STREAM : 0;
        return failed("connect to", code);
    }
    return true;
}

// Sends as much of the first message as there is room for. A socket is closed after each message; a device stays open,
// because closing a port may lose bytes that the host has not read.
bool HostChannel::send_one() {
    const std::string_view rest = std::string_view(messages_.front()).substr(sent_);
    const bool socket = address_->device.empty();
    const ssize_t put = socket ? ::send(channel_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
                               : ::write(channel_.get(), rest.data(), rest.size());
    if (put < 0) {
        const int code = errno;
        if (code != EAGAIN && code != EINTR) {
            channel_ = Fd();
            sent_ = 0;
        }
        return failed("write to", code);
    }
    sent_ += static_cast<std::size_t>(put);
    if (sent_ < messages_.front().size())
        return failed("write to", EAGAIN);
    sent_ = 0;
    messages_.erase(messages_.begin());
    if (socket)
        channel_ = Fd();
    return true;
}

bool HostChannel::attempt() {
    while (!messages_.empty())
        if (!connected() || !send_one())
            return false;
    trouble_.clear();
    return true;
}

void HostChannel::finish(Span limit) {
    constexpr int pause = 10; // milliseconds
    for (const Instant end = monotonic_now() + limit; !attempt() && monotonic_now() < end;)
        ::poll(nullptr, 0, pause);
}

} // namespace mi::os
