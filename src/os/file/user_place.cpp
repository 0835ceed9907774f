#include "os/file/user_place.hpp"

#include "os/file/runtime.hpp"
#include "os/process/accounts.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace mi::os {

namespace {

// An XDG variable counts only if it is an absolute path (XDG Base Directory Specification).
std::string absolute_in(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value == '/' ? value : "";
}

std::string home() {
    if (std::string path = absolute_in("HOME"); !path.empty())
        return path;
    auto user = Accounts().user(std::to_string(::geteuid()));
    return user ? user->home : "/";
}

} // namespace

std::string not_ours(const std::string& path) {
    struct stat about{};
    if (::lstat(path.c_str(), &about) != 0)
        return Fault{errno, "look at", path}.text();
    if (S_ISLNK(about.st_mode))
        return path + " is a link";
    if (!S_ISDIR(about.st_mode))
        return path + " is no directory";
    if (about.st_uid != ::geteuid())
        return path + " is owned by user " + std::to_string(about.st_uid);
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "others may write to " + path;
    return {};
}

UserPlace user_place() {
    UserPlace place;
    const std::string number = std::to_string(::geteuid());
    const auto directory = [](const char* variable, const char* usual) {
        const std::string said = absolute_in(variable);
        return said.empty() ? home() + usual : said;
    };
    place.config_home = directory("XDG_CONFIG_HOME", "/.config");
    place.cache = directory("XDG_CACHE_HOME", "/.cache");
    place.state = directory("XDG_STATE_HOME", "/.local/state") + "/miniinit";
    const std::string usual = "/run/user/" + number;
    std::string runtime = absolute_in("XDG_RUNTIME_DIR");
    if (!runtime.empty()) {
        // After su(1) the variable often still names another user's directory.
        if (std::string wrong = not_ours(runtime); !wrong.empty()) {
            place.complaint = "XDG_RUNTIME_DIR is not used: " + wrong;
            runtime.clear();
        }
    }
    if (runtime.empty() && not_ours(usual).empty())
        runtime = usual;
    if (!runtime.empty())
        place.run_directories.push_back(runtime + "/miniinit");
    if (runtime.empty() || runtime == usual)
        place.run_directories.push_back("/tmp/miniinit-" + number);
    return place;
}

std::string client_run_directory(const UserPlace& place) {
    for (const std::string& directory : place.run_directories)
        if (not_ours(directory).empty() && ::access((directory + "/control").c_str(), F_OK) == 0)
            return directory;
    return place.run_directories.front();
}

Result<> make_own_directory(const std::string& path) {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        // A parent that exists, or that we may not write to, is fine: the last component decides.
        if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return fault(errno, "make directory", path.substr(0, slash));
        if (slash == std::string::npos)
            break;
    }
    struct stat about{};
    if (::lstat(path.c_str(), &about) != 0)
        return fault(errno, "make directory", path);
    if (std::string wrong = not_ours(path); !wrong.empty())
        return fault(0, "cannot keep our files there:", wrong);
    return {};
}

Result<Fd> lock_run_directory(const std::string& path) {
    const std::string file = path + "/lock";
    Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd)
        return fault(errno, "open", file);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return fault(errno, "lock", file);
        std::string holder = read_file(file).value_or("");
        while (holder.ends_with('\n'))
            holder.pop_back();
        return fault(EADDRINUSE, "lock", file + (holder.empty() ? "" : " (process " + holder + " has it)"));
    }
    const std::string own = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), own.data(), own.size(), 0) < 0)
        return fault(errno, "write", file);
    return fd;
}

} // namespace mi::os
