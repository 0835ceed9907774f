#include "os/file/init_place.hpp"

#include "os/file/user_place.hpp"
#include "os/process/process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace mi::os {

namespace {

bool may_write(const std::string& directory) {
    return ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

// Whether the directory belongs to `user` and only that user (and root) can write to it.
bool is_of(const std::string& directory, uid_t user) {
    struct stat about{};
    return ::lstat(directory.c_str(), &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == user &&
           (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool has_socket(const std::string& directory) { return ::access((directory + "/control").c_str(), F_OK) == 0; }

} // namespace

std::vector<std::string> spare_directories(uid_t user) {
    const std::string name = "/miniinit-init-" + std::to_string(user);
    return {"/tmp" + name, "/dev/shm" + name};
}

bool could_have(const std::string& path) {
    struct stat about{};
    for (std::string at = path; !at.empty(); at.resize(at.rfind('/')))
        if (::stat(at.c_str(), &about) == 0)
            return S_ISDIR(about.st_mode) && may_write(at);
        else if (errno != ENOENT)
            return false;
    return may_write("/");
}

std::string place_for_init() {
    if (could_have(init_directory))
        return init_directory;
    for (const std::string& directory : spare_directories(::geteuid())) {
        const bool there = ::faccessat(AT_FDCWD, directory.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        if (could_have(directory) && (!there || not_ours(directory).empty()))
            return directory;
    }
    return init_directory;
}

std::string place_of_init() {
    if (has_socket(init_directory))
        return init_directory;
    std::vector<uid_t> users{::geteuid()};
    if (const std::optional<uid_t> first = process_user(1); first && *first != users.front())
        users.push_back(*first);
    for (uid_t user : users)
        for (const std::string& directory : spare_directories(user))
            if (is_of(directory, user) && has_socket(directory))
                return directory;
    return init_directory;
}

} // namespace mi::os
