// fork, a pipe, and nothing that would have to be waited for.
#include "os/file/path_inquiry.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace mi::os {

namespace {

// A copy of us, and so with our rights: it looks as we would have looked.
[[noreturn]] void answer_in_child(int pipe, std::span<const PathQuestion> questions) {
    // Nothing else of ours is to stay open for as long as this takes.
    constexpr int at = 3;
    if (::dup3(pipe, at, O_CLOEXEC) < 0 && pipe != at)
        ::_exit(1);
    ::syscall(SYS_close_range, static_cast<unsigned>(at) + 1, ~0U, 0U);
    ::prctl(PR_SET_NAME, "path-inquiry");
    const std::string bytes = encode(answer_anyway(questions));
    for (std::size_t put = 0; put < bytes.size();) {
        const ssize_t some = ::write(at, bytes.data() + put, bytes.size() - put);
        if (some < 0 && errno != EINTR)
            ::_exit(1);
        put += some < 0 ? 0 : static_cast<std::size_t>(some);
    }
    ::_exit(0);
}

} // namespace

Result<PathInquiry> PathInquiry::begin(std::span<const PathQuestion> questions) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fault(errno, "make pipe");
    Fd read(ends[0]), write(ends[1]);
    if (::fcntl(read.get(), F_SETFL, O_NONBLOCK) != 0)
        return fault(errno, "set up pipe");
    const pid_t child = ::fork();
    if (child < 0)
        return fault(errno, "fork to look at", questions.front().path);
    if (child == 0)
        answer_in_child(write.get(), questions);
    return PathInquiry(std::move(read), child);
}

bool PathInquiry::hear() {
    char piece[16384];
    for (;;) {
        const ssize_t got = ::read(pipe_.get(), piece, sizeof piece);
        if (got > 0)
            heard_.append(piece, static_cast<std::size_t>(got));
        else if (got == 0)
            return true;
        else if (errno != EINTR)
            return errno != EAGAIN;
    }
}

void PathInquiry::kill() const { ::kill(child_, SIGKILL); }

} // namespace mi::os
