#include "logd/run.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "base/printable.hpp"
#include "logd/collector.hpp"

namespace mi::logd {
namespace {

constexpr int nice_value = -10;

// Every stream is a descriptor, so as many as we may have. Returns how many that is.
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    rlimit raised{limit.rlim_max, limit.rlim_max};
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void ignore_signals() {
    // The terminal's and the administrator's signals are PID 1's to interpret. XFSZ, XCPU: a limit of file size is an error
    // like a full disk, not a death; one of processor time is one only when it is the hard one.
    for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGXCPU, SIGUSR1, SIGUSR2})
        (void)::signal(signal, SIG_IGN);
}

} // namespace

int run(int, char**) {
    ignore_signals();
    (void)::prctl(PR_SET_NAME, "miniinit-logd");
    (void)::umask(0022);
    // Who sends a message may be gone in a moment (post.hpp): we are to look at once. We are asleep most of the time, so
    // that takes nothing from anybody. Where we may not, some more of those senders stay unknown.
    (void)::setpriority(PRIO_PROCESS, 0, nice_value);
    auto mapping = Mapping::open(memory_fd);
    if (!mapping) {
        std::fprintf(stderr, "miniinit-logd: cannot %s\n", printable(mapping.error().text()).c_str());
        return mapping.error().code == EBADF ? exit_usage : exit_estate_unusable;
    }
    // A fraction for files, the rest for streams.
    const std::size_t most_open = std::clamp<std::size_t>(raise_descriptor_limit() / 8, 4, 256);
    Collector collector(*mapping, control_fd, holding_read_fd, holding_write_fd, most_open);
    return collector.serve();
}

} // namespace mi::logd
