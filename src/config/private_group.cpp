#include "config/private_group.hpp"

#include "base/accounts.hpp"
#include "base/fd.hpp"
#include "base/read_at.hpp"
#include "base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace mi::config {

namespace {

// The text of the file; empty if there is none. Nothing if it cannot be read to its end, or is far too long: it may name
// any user.
std::optional<std::string> text_of(const std::string& path) {
    constexpr std::size_t most = 4u << 20;
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file)
        return errno == ENOENT ? std::optional<std::string>("") : std::nullopt;
    struct stat status{};
    if (::fstat(file.get(), &status) != 0)
        return std::nullopt;
    std::string text = read_at(file.get(), 0, most + 1);
    const bool cut_short = text.size() < static_cast<std::size_t>(status.st_size); // read_at() reports no error
    return cut_short || text.size() > most ? std::nullopt : std::optional(std::move(text));
}

} // namespace

bool is_private_group(std::string_view passwd, std::string_view group, uid_t user, gid_t of) {
    if (user == 0 || of == 0)
        return false;
    std::string_view name;
    bool listed = false;
    for (const PasswdLine& line : passwd_lines(passwd)) {
        if (line.uid == user) {
            listed = true;
            name = line.name;
            if (line.gid != of)
                return false;
        } else if (line.gid == of && line.uid != 0) {
            return false;
        }
    }
    if (!listed && user != of)
        return false;
    for (const GroupLine& line : group_lines(group))
        if (line.gid == of)
            for (std::string_view member : split(line.members, ','))
                if (!member.empty() && (!listed || member != name))
                    return false;
    return true;
}

bool has_private_group(const std::string& root, uid_t user, gid_t of) {
    const auto passwd = text_of(root + "/etc/passwd"), group = text_of(root + "/etc/group");
    return passwd && group && is_private_group(*passwd, *group, user, of);
}

} // namespace mi::config
