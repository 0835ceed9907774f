#include "os/process/dynamic_user.hpp"

#include "base/hash.hpp"
#include "os/file/runtime.hpp"

#include <unistd.h>

#include <cerrno>
#include <climits>

namespace mi::os {

Result<uid_t> dynamic_user(const std::string& directory, std::string_view name) {
    const uid_t number =
        first_dynamic_user + static_cast<uid_t>(fnv(name) % (last_dynamic_user - first_dynamic_user + 1));
    if (Result<> made = make_directory(directory); !made)
        return std::unexpected(made.error());
    const std::string link = directory + "/" + std::to_string(number);
    const std::string mine(name);
    if (::symlink(mine.c_str(), link.c_str()) == 0)
        return number;
    if (errno != EEXIST)
        return std::unexpected(Fault{errno, "make", link});
    char owner[NAME_MAX + 1];
    const ssize_t size = ::readlink(link.c_str(), owner, sizeof owner);
    if (size < 0)
        return std::unexpected(Fault{errno, "read", link});
    const std::string_view known(owner, static_cast<std::size_t>(size));
    if (known != name)
        return std::unexpected(
            Fault{EBUSY, "make it up", std::to_string(number) + ", which is made up for " + std::string(known)});
    return number;
}

} // namespace mi::os
