// Parses the lines of passwd(5) and group(5). The caller finds and reads the files.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

namespace mi {

// `name:password:uid:gid:comment:home:shell`
struct PasswdLine {
    std::string_view name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string_view home, shell; // empty if not an absolute path
};

// `name:password:gid:member,member`
struct GroupLine {
    std::string_view name;
    gid_t gid = 0;
    std::string_view members;
};

// The valid lines, in order: skips comments, lines without a name or a number, and lines with a NUL. The results point
// into `text`. Of two lines with the same name the first counts.
[[nodiscard]] std::vector<PasswdLine> passwd_lines(std::string_view text);
[[nodiscard]] std::vector<GroupLine> group_lines(std::string_view text);

} // namespace mi
