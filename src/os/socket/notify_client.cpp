#include "os/socket/notify_client.hpp"

#include <sys/socket.h>

#include <string>

namespace mi::os {

NotifyClient::NotifyClient(std::string_view address) {
    if ((!address.starts_with('@') && !address.starts_with('/')) || address.size() < 2)
        return;
    auto name = local_name(std::string(address));
    if (!name)
        return;
    address_ = *name;
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void NotifyClient::send(std::string_view text) const {
    if (socket_)
        (void)::sendto(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&address_.bytes), address_.size);
}

} // namespace mi::os
