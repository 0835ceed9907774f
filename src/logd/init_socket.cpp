#include "logd/init_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace mi::logd {

namespace logs = wire::logs;

// os::receive_packet refuses a message with more descriptors than this process may have; here the entries that did fit are
// wanted, and the others named to PID 1.
bool InitSocket::receive() {
    descriptors_.clear();
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * logs::most_attachments)];
    iovec part{bytes_.data(), bytes_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    closed_ = size == 0 || (size < 0 && errno == ECONNRESET);
    if (size <= 0)
        return false;
    size_ = static_cast<std::size_t>(size);
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS)
            continue;
        for (std::size_t i = 0; i < (one->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(one) + i * sizeof(int), sizeof(int));
            descriptors_.emplace_back(fd);
        }
    }
    return true;
}

void InitSocket::say(const logs::FromCollector& message) {
    to_send_.push_back(logs::encode(message));
    send();
}

void InitSocket::send() {
    while (!to_send_.empty()) {
        const std::string& message = to_send_.front();
        if (::send(socket_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
            (errno == EAGAIN || errno == EINTR))
            break;
        to_send_.pop_front(); // sent, or PID 1 is gone
    }
    if (for_writing_ != !to_send_.empty()) {
        for_writing_ = !to_send_.empty();
        waiting_.change(socket_, for_writing_ ? EPOLLIN | EPOLLOUT : EPOLLIN, control_index);
    }
}

} // namespace mi::logd
