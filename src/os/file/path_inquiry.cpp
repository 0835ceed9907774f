// Forks a child and reads its answers from a pipe, without ever waiting.
#include "os/file/path_inquiry.hpp"

#include "os/file/runtime.hpp"
#include "os/process/helper_child.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace mi::os {

namespace {

// A helper process has our credentials, so it gets the same answers as we would.
int answer(std::span<const PathQuestion> questions) {
    const std::string bytes = encode(answer_anyway(questions));
    for (std::size_t put = 0; put < bytes.size();) {
        const ssize_t some = ::write(helper_fd, bytes.data() + put, bytes.size() - put);
        if (some < 0 && errno != EINTR)
            return 1;
        put += some < 0 ? 0 : static_cast<std::size_t>(some);
    }
    return 0;
}

} // namespace

Result<PathInquiry> PathInquiry::begin(std::span<const PathQuestion> questions) {
    auto pipe = make_pipe();
    if (!pipe)
        return std::unexpected(pipe.error());
    if (auto done = set_blocking(pipe->read.get(), false); !done)
        return std::unexpected(done.error());
    auto child = start_helper("path-inquiry", [&] { return answer(questions); }, pipe->write.get());
    if (!child)
        return std::unexpected(child.error());
    return PathInquiry(std::move(pipe->read), *child);
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
