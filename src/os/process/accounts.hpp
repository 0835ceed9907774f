// Users and groups, read directly from the passwd(5) and group(5) files, because PID 1 must not wait for a name
// service.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

struct User {
    std::string name; // empty for a number without an entry
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home = "/";
    std::string shell = "/bin/sh";
};

// The accounts of the system below `root` ("" for the running one). Reads the files at the first question, and again
// only when they have changed.
class Accounts {
public:
    explicit Accounts(const std::string& root = {});

    // Finds a user by name or by number. A number needs no entry: then its group is the same number. Fault ENOENT: no
    // such user.
    Result<User> user(std::string_view name_or_number);
    Result<gid_t> group(std::string_view name_or_number);
    // The groups that initgroups(3) would set: first the user's own group, then all other groups that list the user,
    // sorted.
    Result<std::vector<gid_t>> groups_of(const User& user);

private:
    struct Stamp {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t changed = 0; // nanoseconds
        bool operator==(const Stamp&) const = default;
    };
    struct File {
        std::string path;
        Stamp stamp;
        bool loaded = false;
    };
    // True if the file has changed since it was read, or was never read; then `text` is its new content.
    Result<bool> changed(File& file, std::string& text);
    Result<> load_users();
    Result<> load_groups();

    File passwd_;
    File group_;
    std::map<std::string, User, std::less<>> users_;
    std::map<uid_t, std::string> names_;
    std::map<std::string, gid_t, std::less<>> groups_;
    std::map<std::string, std::vector<gid_t>, std::less<>> memberships_;
};

} // namespace mi::os
