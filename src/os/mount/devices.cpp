// Uses the ioctls of loop(4) and of the control device of device-mapper.
#include "os/mount/devices.hpp"

#include "base/directory.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstdlib>
#include <set>

namespace mi::os {
namespace {

const std::string block = "/sys/block/";

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    if (auto entries = list_directory(directory))
        for (DirectoryEntry& entry : *entries)
            names.push_back(std::move(entry.name));
    return names;
}

bool is_attached_loop(const std::string& name) {
    return name.starts_with("loop") && ::access((block + name + "/loop/backing_file").c_str(), F_OK) == 0;
}

// Adds `name` and all devices that it is built on.
void add_with_slaves(const std::string& name, std::set<std::string>& names) {
    if (names.insert(name).second)
        for (const std::string& slave : names_in("/sys/class/block/" + name + "/slaves"))
            add_with_slaves(slave, names);
}

bool detach_loop(const std::string& name) {
    Fd device(::open(("/dev/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    // The kernel marks a device in use for release at its last close: check whether it is really free.
    if (!device || ::ioctl(device.get(), LOOP_CLR_FD, 0) != 0)
        return false;
    device.reset();
    return !is_attached_loop(name);
}

bool remove_mapped(const std::string& name) {
    const std::string text = read_file(block + name + "/dev").value_or("");
    const std::vector<std::string_view> numbers = split(trim(text), ':');
    auto major_number = to_number<unsigned>(numbers.front());
    auto minor_number = to_number<unsigned>(numbers.back());
    Fd control(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!control || !major_number || !minor_number)
        return false;
    dm_ioctl removal{};
    removal.version[0] = DM_VERSION_MAJOR;
    removal.data_size = sizeof removal;
    removal.data_start = sizeof removal;
    // The kernel's own encoding of a device number.
    removal.dev = (*minor_number & 0xff) | (*major_number << 8) | ((*minor_number & ~0xffu) << 12);
    return ::ioctl(control.get(), DM_DEV_REMOVE, &removal) == 0;
}

} // namespace

std::vector<std::string> stacked_devices(const std::vector<std::string>& in_use) {
    std::set<std::string> under;
    for (const std::string& source : in_use)
        if (char path[PATH_MAX]; source.starts_with("/dev/") && ::realpath(source.c_str(), path) != nullptr)
            add_with_slaves(std::string_view(path).starts_with("/dev/") ? path + 5 : path, under);
    std::vector<std::string> found;
    for (std::string& name : names_in(block))
        if ((name.starts_with("dm-") || is_attached_loop(name)) && !under.contains(name))
            found.push_back(std::move(name));
    return found;
}

bool detach(const std::string& name) { return name.starts_with("dm-") ? remove_mapped(name) : detach_loop(name); }

} // namespace mi::os
