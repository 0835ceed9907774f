#include "os/process/helper_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace mi::os {

namespace {

bool leave_only(int kept) {
    if (kept >= 0 && kept != helper_fd && ::dup3(kept, helper_fd, O_CLOEXEC) < 0)
        return false;
    // Before Linux 5.9 there is no close_range(2): then the descriptors stay open as long as the helper lives.
    ::syscall(SYS_close_range, 0U, kept >= 0 ? helper_fd - 1U : ~0U, 0U);
    if (kept >= 0)
        ::syscall(SYS_close_range, helper_fd + 1U, ~0U, 0U);
    return true;
}

} // namespace

Result<pid_t> start_helper(const char* name, const std::function<int()>& work, int kept) {
    const pid_t child = ::fork();
    if (child < 0)
        return fault(errno, "fork for", name);
    if (child > 0)
        return child;
    if (!leave_only(kept))
        ::_exit(1);
    ::prctl(PR_SET_NAME, name);
    ::_exit(work());
}

} // namespace mi::os
