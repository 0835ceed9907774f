#include "os/cgroup/cgroup_files.hpp"

#include "base/text.hpp"

#include <unistd.h>

#include <cerrno>

namespace mi::os::cgroup {

Fd open_directory(int at, const std::string& name) {
    return Fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Result<std::string> read_at(int directory, const char* name) {
    Fd fd(::openat(directory, name, O_RDONLY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open", name);
    std::string text;
    char piece[4096];
    for (;;) {
        ssize_t got = ::read(fd.get(), piece, sizeof piece);
        if (got < 0)
            return fault(errno, "read", name);
        text.append(piece, static_cast<std::size_t>(got));
        // The kernel fills the buffer with whole lines: if much room is left, there are no more lines.
        if (got < static_cast<ssize_t>(sizeof piece) / 2)
            return text;
    }
}

Result<> write_at(int directory, const char* name, std::string_view text) {
    Fd fd(::openat(directory, name, O_WRONLY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open", name);
    if (::write(fd.get(), text.data(), text.size()) < 0)
        return fault(errno, "write", name);
    return {};
}

bool exists_at(int directory, const char* name) { return ::faccessat(directory, name, F_OK, 0) == 0; }

Result<std::vector<pid_t>> processes_in(int directory) {
    Result<std::string> text = read_at(directory, "cgroup.procs");
    if (!text)
        return std::unexpected(text.error());
    std::vector<pid_t> pids;
    for (std::string_view line : split(*text, '\n'))
        if (std::optional<pid_t> pid = to_number<pid_t>(line))
            pids.push_back(*pid);
    return pids;
}

std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key) {
    for (std::string_view line : split(text, '\n'))
        if (line.starts_with(key) && line.substr(key.size()).starts_with(' '))
            return to_number<std::uint64_t>(line.substr(key.size() + 1));
    return std::nullopt;
}

} // namespace mi::os::cgroup
