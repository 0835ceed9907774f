// Looks up users and groups by name and number, and reads the files again when they have changed.
#include "os/process/accounts.hpp"

#include "base/accounts.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace mi::os {
namespace {

constexpr std::size_t largest = 64 << 20;

// A valid ID: not -1 (which setuid(2) and similar calls understand as "leave unchanged"), and not negative.
template <typename Id>
std::optional<Id> id_of(std::string_view text) {
    std::optional<Id> id = to_number<Id>(text);
    return id && *id != static_cast<Id>(-1) ? id : std::nullopt;
}

} // namespace

Accounts::Accounts(const std::string& root) {
    passwd_.path = root + "/etc/passwd";
    group_.path = root + "/etc/group";
}

Result<bool> Accounts::changed(File& file, std::string& text) {
    struct stat about{};
    if (::stat(file.path.c_str(), &about) != 0) {
        if (errno == ENOENT) { // a system without accounts: numbers still work
            bool had = !file.loaded || file.stamp != Stamp{};
            file = {file.path, {}, true};
            return had;
        }
        return fault(errno, "look at", file.path);
    }
    Stamp now{about.st_dev, about.st_ino, static_cast<std::uint64_t>(about.st_size),
              about.st_ctim.tv_sec * 1'000'000'000 + about.st_ctim.tv_nsec};
    if (file.loaded && now == file.stamp)
        return false;
    if (!S_ISREG(about.st_mode))
        return fault(0, "read accounts from what is no regular file:", file.path);
    Result<std::string> read = read_file(file.path, largest);
    if (!read)
        return std::unexpected(read.error());
    text = *std::move(read);
    file.stamp = now;
    file.loaded = true;
    return true;
}

Result<> Accounts::load_users() {
    std::string text;
    Result<bool> fresh = changed(passwd_, text);
    if (!fresh)
        return std::unexpected(fresh.error());
    if (!*fresh)
        return {};
    users_.clear();
    names_.clear();
    for (const PasswdLine& line : passwd_lines(text)) {
        User user{.name = std::string(line.name), .uid = line.uid, .gid = line.gid};
        if (!line.home.empty())
            user.home = line.home;
        if (!line.shell.empty())
            user.shell = line.shell;
        names_.emplace(user.uid, user.name);
        users_.emplace(user.name, std::move(user));
    }
    return {};
}

Result<> Accounts::load_groups() {
    std::string text;
    Result<bool> fresh = changed(group_, text);
    if (!fresh)
        return std::unexpected(fresh.error());
    if (!*fresh)
        return {};
    groups_.clear();
    memberships_.clear();
    for (const GroupLine& line : group_lines(text)) {
        groups_.emplace(line.name, line.gid);
        for (std::string_view member : split(line.members, ','))
            if (!trim(member).empty())
                memberships_[std::string(trim(member))].push_back(line.gid);
    }
    return {};
}

Result<User> Accounts::user(std::string_view name_or_number) {
    if (Result<> loaded = load_users(); !loaded)
        return std::unexpected(loaded.error());
    if (auto found = users_.find(name_or_number); found != users_.end())
        return found->second;
    std::optional<uid_t> uid = id_of<uid_t>(name_or_number);
    if (!uid)
        return fault(ENOENT, "find user", std::string(name_or_number));
    if (auto name = names_.find(*uid); name != names_.end())
        return users_.find(name->second)->second;
    return User{.uid = *uid, .gid = *uid};
}

Result<gid_t> Accounts::group(std::string_view name_or_number) {
    if (Result<> loaded = load_groups(); !loaded)
        return std::unexpected(loaded.error());
    if (auto found = groups_.find(name_or_number); found != groups_.end())
        return found->second;
    if (std::optional<gid_t> gid = id_of<gid_t>(name_or_number))
        return *gid;
    return fault(ENOENT, "find group", std::string(name_or_number));
}

Result<std::vector<gid_t>> Accounts::groups_of(const User& user) {
    if (Result<> loaded = load_groups(); !loaded)
        return std::unexpected(loaded.error());
    std::vector<gid_t> groups{user.gid};
    if (auto found = memberships_.find(user.name); !user.name.empty() && found != memberships_.end())
        groups.insert(groups.end(), found->second.begin(), found->second.end());
    std::sort(groups.begin() + 1, groups.end());
    groups.erase(std::unique(groups.begin() + 1, groups.end()), groups.end());
    groups.erase(std::remove(groups.begin() + 1, groups.end(), user.gid), groups.end());
    return groups;
}

} // namespace mi::os
