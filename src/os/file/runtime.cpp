// Reads and writes whole files.
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace mi::os {

Result<std::string> read_file(const std::string& path, std::size_t most) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd)
        return fault(errno, "open", path);
    std::string text;
    char piece[4096];
    for (;;) {
        ssize_t got = ::read(fd.get(), piece, sizeof piece);
        if (got == 0)
            return text;
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return fault(errno, "read", path);
        }
        text.append(piece, static_cast<std::size_t>(got));
        if (text.size() > most)
            return fault(EFBIG, "read", path);
    }
}

static Result<> write_all(int fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0) {
            if (errno == EINTR)
                continue;
            return fault(errno, "write", path);
        }
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<> write_existing(const std::string& path, std::string_view text) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd)
        return fault(errno, "open", path);
    return write_all(fd.get(), text, path);
}

Result<> write_atomically_at(int directory, const std::string& name, std::string_view text, mode_t mode,
                             const std::string& path, Durable durable) {
    // A new name for the temporary file: O_EXCL refuses a name that exists, symbolic links included.
    std::string fresh;
    Fd fd;
    for (unsigned attempt = 0; attempt < 100 && !fd; ++attempt) {
        fresh = name + ".new" + std::to_string(::getpid()) + (attempt > 0 ? "-" + std::to_string(attempt) : "");
        fd = Fd(::openat(directory, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd && errno != EEXIST)
            return fault(errno, "create", path);
    }
    if (!fd)
        return fault(EEXIST, "create", path);
    Result<> written = write_all(fd.get(), text, path);
    if (written && (::fchmod(fd.get(), mode) != 0 || (durable == Durable::yes && ::fsync(fd.get()) != 0)))
        written = fault(errno, "write", path);
    if (written && ::renameat(directory, fresh.c_str(), directory, name.c_str()) != 0)
        written = fault(errno, "replace", path);
    if (!written)
        ::unlinkat(directory, fresh.c_str(), 0);
    return written;
}

Result<> write_file_atomically(const std::string& path, std::string_view text, mode_t mode) {
    return write_atomically_at(AT_FDCWD, path, text, mode, path, Durable::yes);
}

Result<> make_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        std::string parent = path.substr(0, slash);
        if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return fault(errno, "make directory", parent);
    }
    return {};
}

Result<> make_directory(const std::string& path, mode_t mode) {
    if (Result<> made = make_parents(path); !made)
        return made;
    if (::mkdir(path.c_str(), mode & 0777) != 0 && errno != EEXIST)
        return fault(errno, "make directory", path);
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open directory", path);
    struct stat about{};
    if (::fstat(fd.get(), &about) != 0)
        return fault(errno, "look at", path);
    if (about.st_uid != ::geteuid())
        return fault(EPERM, "use directory of another user", path);
    if ((about.st_mode & 07777) != mode && ::fchmod(fd.get(), mode) != 0)
        return fault(errno, "set the mode of", path);
    return {};
}

Result<> store_file(const std::string& directory, const std::string& name, std::string_view text) {
    if (Result<> made = make_directory(directory); !made)
        return made;
    if (Result<> written = write_file_atomically(directory + "/" + name, text); !written)
        return written;
    const Fd there(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!there || ::fsync(there.get()) != 0)
        return fault(errno, "force to disk", directory);
    return {};
}

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fault(errno, "make pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<> set_blocking(int fd, bool blocking) {
    int flags = ::fcntl(fd, F_GETFL);
    int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    if (flags < 0 || (flags != wanted && ::fcntl(fd, F_SETFL, wanted) != 0))
        return fault(errno, blocking ? "make a descriptor wait" : "make a descriptor not wait");
    return {};
}

} // namespace mi::os
