// What the kernel says of a process that we have a descriptor of (pidfd_open(2)), also when the process is gone.
#pragma once

#include <cstdint>

namespace mi::os {

// How a descriptor that comes with a message is marked (cmsg_type): SCM_PIDFD.
constexpr int pidfd_note = 4;

// The cgroup that it is in, or was in when it ended, by the number of its directory (PIDFD_GET_INFO, Linux 6.13; of one that
// has been collected 6.15, and its descriptor comes with what it has sent since 6.17). 0: the kernel does not tell.
[[nodiscard]] std::uint64_t cgroup_of(int pidfd);

// Has the kernel send such a descriptor along with each message that comes to the socket (SO_PASSPIDFD), where cgroup_of()
// is any good, and whoever wants to send others along is refused (SO_PASSRIGHTS, Linux 6.16): there is to be no descriptor whose
// closing waits for somebody. And whether that was done.
void ask_for_senders(int socket);
[[nodiscard]] bool asks_for_senders(int socket);

} // namespace mi::os
