// Questions about paths (path_question.hpp) put to a child, which may hang in them. It is never waited for: its answers come
// over a pipe, and after a while it is killed and given up. In state D even that does not end it; it is collected when its
// file system lets it go.
#pragma once

#include "base/fd.hpp"
#include "os/file/path_question.hpp"

#include <sys/types.h>

namespace mi::os {

class PathInquiry {
public:
    // Fault EAGAIN, ENOMEM, EMFILE, ...: there is no child, or no pipe, to be had.
    [[nodiscard]] static Result<PathInquiry> begin(std::span<const PathQuestion> questions);

    // Readable when there is something to hear.
    [[nodiscard]] int fd() const { return pipe_.get(); }
    // The caller collects it.
    [[nodiscard]] pid_t pid() const { return child_; }
    // Reads what is there. True: the child has said all it had to say, and `answers` tells what that was.
    [[nodiscard]] bool hear();
    // Nothing, if it has ended before it was done.
    [[nodiscard]] std::optional<PathAnswers> answers() const { return decode(heard_); }
    void kill() const;

private:
    PathInquiry(Fd pipe, pid_t child) : pipe_(std::move(pipe)), child_(child) {}
    Fd pipe_;
    pid_t child_;
    std::string heard_;
};

} // namespace mi::os
