#include "os/socket/notify_client.hpp"

#include <sys/socket.h>

#include <cstddef>
#include <cstring>

namespace mi::os {

NotifyClient::NotifyClient(std::string_view address) {
    bool abstract = address.starts_with('@');
    if ((!abstract && !address.starts_with('/')) || address.size() < 2 || address.size() >= sizeof address_.sun_path)
        return;
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, address.data(), address.size());
    if (abstract)
        address_.sun_path[0] = '\0';
    length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1));
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void NotifyClient::send(std::string_view text) const {
    if (socket_)
        (void)::sendto(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&address_), length_);
}

} // namespace mi::os
