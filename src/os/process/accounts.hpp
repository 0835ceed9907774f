// Users and groups, read directly from passwd and group files: PID 1 waits for no name service.
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

// The accounts of the system below `root` ("" for the running one). Files are read when first needed and again when
// they have changed, not for every question.
class Accounts {
public:
    explicit Accounts(const std::string& root = {});

    // By name or by number. A number needs no entry: its group is then the same number. Fault ENOENT: no such user.
    Result<User> user(std::string_view name_or_number);
    Result<gid_t> group(std::string_view name_or_number);
    // What initgroups(3) would set: the user's own group first, then, sorted, every other one that lists the user.
    Result<std::vector<gid_t>> groups_of(const User& user);

private:
    struct Stamp {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t changed = 0; // ns
        bool operator==(const Stamp&) const = default;
    };
    struct File {
        std::string path;
        Stamp stamp;
        bool loaded = false;
    };
    // Whether the file has changed since it was read (or was never read); if so, `text` is what is in it.
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
