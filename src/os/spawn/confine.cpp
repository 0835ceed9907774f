// Prepares the confinement of a process in the parent, before the child starts.
#include "os/spawn/confine.hpp"

#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace mi::os {

std::string Directory::path() const {
    std::string whole = base;
    for (const std::string& component : components)
        whole += "/" + component;
    return whole;
}

Result<> prepare_nothing(const std::string& directory) {
    if (auto made = make_directory(directory, 0700); !made)
        return made;
    std::string inner = directory + "/directory", file = directory + "/file";
    if (::mkdir(inner.c_str(), 0) != 0 && errno != EEXIST)
        return fault(errno, "make directory", inner);
    Fd made(::open(file.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
    if (!made && errno != EEXIST)
        return fault(errno, "create", file);
    return {};
}

CapabilitySet own_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    if (::syscall(SYS_capget, &header, sets) != 0)
        return 0;
    return sets[0].permitted | static_cast<CapabilitySet>(sets[1].permitted) << 32;
}

} // namespace mi::os
