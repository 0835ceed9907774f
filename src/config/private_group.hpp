// Whether a group is a user's own, as useradd(8) makes one for each: what it may write, nobody but that user may.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::config {

// By the text of passwd(5) and group(5): it is the user's primary group, and no other user's, and lists nobody else. Of a user
// that has no line, it is the group with the user's number. Never group 0, which services without root's number have.
[[nodiscard]] bool is_private_group(std::string_view passwd, std::string_view group, uid_t user, gid_t of);
// By the files below `root` ("": of this system). Where one of them cannot be read it is not.
[[nodiscard]] bool has_private_group(const std::string& root, uid_t user, gid_t of);

} // namespace mi::config
