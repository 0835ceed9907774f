#include "base/accounts.hpp"

#include "base/text.hpp"

#include <optional>

namespace mi {

namespace {

// A valid ID: not -1 (which setuid(2) and similar calls understand as "leave unchanged"), and not negative.
template <typename Id>
std::optional<Id> id_of(std::string_view text) {
    const std::optional<Id> id = to_number<Id>(text);
    return id && *id != static_cast<Id>(-1) ? id : std::nullopt;
}

// Calls `use` with the fields of each line that has a name and at least `least` fields.
template <typename Use>
void each_line(std::string_view text, std::size_t least, Use use) {
    for (std::string_view line : split(text, '\n')) {
        if (line.starts_with('#') || line.find('\0') != std::string_view::npos)
            continue;
        const std::vector<std::string_view> fields = split(line, ':');
        if (fields.size() >= least && !fields[0].empty())
            use(fields);
    }
}

std::string_view path_in(const std::vector<std::string_view>& fields, std::size_t at) {
    return fields.size() > at && fields[at].starts_with('/') ? fields[at] : std::string_view();
}

} // namespace

std::vector<PasswdLine> passwd_lines(std::string_view text) {
    std::vector<PasswdLine> lines;
    each_line(text, 4, [&](const std::vector<std::string_view>& fields) {
        const std::optional<uid_t> uid = id_of<uid_t>(fields[2]);
        const std::optional<gid_t> gid = id_of<gid_t>(fields[3]);
        if (uid && gid)
            lines.push_back({fields[0], *uid, *gid, path_in(fields, 5), trim(path_in(fields, 6))});
    });
    return lines;
}

std::vector<GroupLine> group_lines(std::string_view text) {
    std::vector<GroupLine> lines;
    each_line(text, 3, [&](const std::vector<std::string_view>& fields) {
        if (const std::optional<gid_t> gid = id_of<gid_t>(fields[2]))
            lines.push_back({fields[0], *gid, fields.size() > 3 ? fields[3] : std::string_view()});
    });
    return lines;
}

} // namespace mi
