// Forks, waits for a limited time, and gives up.
#include "os/process/timed_child.hpp"

#include "base/clock.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace mi::os {

void wait_for_a_child(Span limit) {
    // If SIGCHLD is not blocked, sigtimedwait(2) does not see it: look again after a short time.
    Span nap = std::clamp<Span>(limit, Span(0), std::chrono::milliseconds(50));
    timespec time{static_cast<time_t>(nap / std::chrono::seconds(1)),
                  static_cast<long>((nap % std::chrono::seconds(1)).count())};
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    ::sigtimedwait(&child, nullptr, &time);
}

Outcome in_child(Span limit, const std::function<bool()>& work, pid_t* left_behind) {
    Instant deadline = monotonic_now() + limit;
    pid_t child = ::fork();
    // No process may be available while many are still ending.
    while (child < 0 && errno == EAGAIN && monotonic_now() < deadline) {
        wait_for_a_child(deadline - monotonic_now());
        child = ::fork();
    }
    if (child == 0)
        ::_exit(work() ? 0 : 1);
    if (child < 0)
        return Outcome::failed;
    for (;;) {
        int status = 0;
        pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Outcome::done : Outcome::failed;
        if (ended < 0 && errno != EINTR)
            return Outcome::failed;
        Span left = deadline - monotonic_now();
        if (left <= Span(0)) {
            ::kill(child, SIGKILL);
            wait_for_a_child(std::chrono::milliseconds(1));
            if (::waitpid(child, nullptr, WNOHANG) == 0 && left_behind != nullptr)
                *left_behind = child;
            return Outcome::too_long;
        }
        wait_for_a_child(left);
    }
}

void await_children(const std::vector<pid_t>& children, Span limit) {
    Instant deadline = monotonic_now() + limit;
    for (pid_t child : children)
        while (::waitpid(child, nullptr, WNOHANG) == 0) {
            Span left = deadline - monotonic_now();
            if (left <= Span(0))
                return;
            wait_for_a_child(left);
        }
}

} // namespace mi::os
