#include "ctl/logs/pager.hpp"

#include "base/fd.hpp"
#include "base/text.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace mi::ctl {

namespace {

std::string_view environment(const char* name) {
    const char* value = ::getenv(name);
    return value != nullptr ? value : "";
}

// Whether the shell would find the program at the start of a command.
bool is_there(std::string_view command) {
    const std::string program(command.substr(0, command.find(' ')));
    if (program.contains('/'))
        return ::access(program.c_str(), X_OK) == 0;
    for (std::string_view directory : split(environment("PATH"), ':'))
        if (!directory.empty() && ::access((std::string(directory) + "/" + program).c_str(), X_OK) == 0)
            return true;
    return false;
}

} // namespace

std::optional<Pager> Pager::start(bool at_end) {
    std::string_view command = "less";
    for (const char* name : {"PAGER", "MINIINIT_PAGER"}) // the last one that is set counts
        if (::getenv(name) != nullptr)
            command = environment(name);
    command = trim(command);
    if (command.empty() || command == "cat" || !is_there(command))
        return std::nullopt;
    std::string words(command);
    const std::string_view program = command.substr(0, command.find(' '));
    if (at_end && (program == "less" || program.ends_with("/less")))
        words += " +G";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return std::nullopt;
    Fd reading(ends[0]), writing(ends[1]);
    // less: quit if one screen is enough, keep colours, leave the text on the screen, do not cut lines.
    (void)::setenv("LESS", "FRXMK", 0);
    (void)::setenv("LESSCHARSET", "utf-8", 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(reading.get(), 0);
        ::execl("/bin/sh", "sh", "-c", words.c_str(), nullptr);
        ::_exit(127);
    }
    if (child < 0)
        return std::nullopt;
    ::dup2(writing.get(), 1);
    // The pager handles Ctrl-C. If the user quits it early, our output just ends, without an error.
    (void)::signal(SIGINT, SIG_IGN);
    (void)::signal(SIGPIPE, SIG_IGN);
    return Pager(child);
}

Pager::Pager(Pager&& other) noexcept : child_(std::exchange(other.child_, 0)) {}
Pager& Pager::operator=(Pager&& other) noexcept {
    std::swap(child_, other.child_);
    return *this;
}

Pager::~Pager() {
    if (child_ <= 0)
        return;
    ::close(1); // the pager sees end of file
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace mi::ctl
