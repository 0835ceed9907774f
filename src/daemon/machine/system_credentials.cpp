#include "daemon/machine/system_credentials.hpp"

#include "os/file/runtime.hpp"
#include "os/machine/credential.hpp"

#include <unistd.h>

#include <string>
#include <string_view>

namespace mi::daemon {

namespace {

constexpr std::string_view top = "/run/credentials", place = "/run/credentials/@system";

// Only root can have made the directory, so a file in it is complete. Skips a name that cannot be a file name.
void keep(std::string_view name, std::string_view value) {
    if (name.empty() || name.size() > 200 || name.front() == '.' || name.find('/') != name.npos)
        return;
    const std::string path = std::string(place) + "/" + std::string(name);
    if (::access(path.c_str(), F_OK) == 0)
        return;
    // Made only where there is something to keep; its directory is for root alone.
    if (os::make_directory(std::string(top), 0755) && os::make_directory(std::string(place), 0700))
        (void)os::write_file_atomically(path, value, 0400);
}

} // namespace

void import_system_credentials() { os::credentials_of_firmware(keep); }

} // namespace mi::daemon
