// Asks a child process questions about paths (path_question.hpp), because the child may hang in them. PID 1 never waits
// for it: the answers come over a pipe, and a child that takes too long is killed and given up. A child in state D
// survives even that; it is collected when its file system releases it.
#pragma once

#include "base/fd.hpp"
#include "os/file/path_question.hpp"

#include <sys/types.h>

namespace mi::os {

class PathInquiry {
public:
    // Fault EAGAIN, ENOMEM, EMFILE, ...: no child or no pipe could be made.
    [[nodiscard]] static Result<PathInquiry> begin(std::span<const PathQuestion> questions);

    // Readable when there is something to read.
    [[nodiscard]] int fd() const { return pipe_.get(); }
    // The caller collects it.
    [[nodiscard]] pid_t pid() const { return child_; }
    // Reads the bytes that are there. True: the child has sent everything, and `answers` has the result.
    [[nodiscard]] bool hear();
    // nullopt if the child ended before it was done.
    [[nodiscard]] std::optional<PathAnswers> answers() const { return decode(heard_); }
    void kill() const;

private:
    PathInquiry(Fd pipe, pid_t child) : pipe_(std::move(pipe)), child_(child) {}
    Fd pipe_;
    pid_t child_;
    std::string heard_;
};

} // namespace mi::os
