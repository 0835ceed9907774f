// Information about a process from its pidfd (pidfd_open(2)), also after the process has ended.
#pragma once

#include <cstdint>

namespace mi::os {

// The control message type (cmsg_type) of a pidfd that comes with a message: SCM_PIDFD.
constexpr int pidfd_note = 4;

// The inode number of the directory of the cgroup in which the process is, or was when it ended (PIDFD_GET_INFO: Linux
// 6.13; of a collected process: 6.15; a pidfd that comes with a message of a process that has been collected: 6.17). 0:
// the kernel does not tell.
[[nodiscard]] std::uint64_t cgroup_of(int pidfd);

// Makes the kernel send the sender's pidfd with each message to the socket (SO_PASSPIDFD), if cgroup_of() works here
// and the socket can refuse all other descriptors (SO_PASSRIGHTS, Linux 6.16): closing an unknown descriptor might wait
// for another process. asks_for_senders() tells whether this is on.
void ask_for_senders(int socket);
[[nodiscard]] bool asks_for_senders(int socket);

} // namespace mi::os
