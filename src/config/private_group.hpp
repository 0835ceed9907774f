// Decides whether a group is a user's own, as useradd(8) makes one for each user: then only that user can use the
// rights of the group.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::config {

// From the texts of passwd(5) and group(5): the group is the user's primary group, no other user's primary group, and
// has no other members. For a user without a line, it is the group with the user's number. Never group 0, which
// services that do not run as root may have.
[[nodiscard]] bool is_private_group(std::string_view passwd, std::string_view group, uid_t user, gid_t of);
// From the files below `root` ("": of this system). False if one of them cannot be read.
[[nodiscard]] bool has_private_group(const std::string& root, uid_t user, gid_t of);

} // namespace mi::config
