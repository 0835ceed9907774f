// ioctls of loop(4) and of device-mapper's control device.
#include "os/devices.hpp"

#include "base/fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace mi::os {
namespace {

std::size_t detach_loops() {
    std::size_t detached = 0;
    DIR* listing = ::opendir("/sys/block");
    if (listing == nullptr)
        return 0;
    while (dirent* entry = ::readdir(listing)) {
        std::string name = entry->d_name;
        if (!name.starts_with("loop") || ::access(("/sys/block/" + name + "/loop/backing_file").c_str(), F_OK) != 0)
            continue;
        Fd device(::open(("/dev/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        // One in use is only marked for its last user's close: look whether it is really free.
        if (device && ::ioctl(device.get(), LOOP_CLR_FD, 0) == 0) {
            device.reset();
            if (::access(("/sys/block/" + name + "/loop/backing_file").c_str(), F_OK) != 0)
                ++detached;
        }
    }
    ::closedir(listing);
    return detached;
}

void begin_request(dm_ioctl& request, std::size_t size) {
    request.version[0] = DM_VERSION_MAJOR;
    request.data_size = static_cast<std::uint32_t>(size);
    request.data_start = sizeof(dm_ioctl);
}

std::size_t remove_mapped() {
    Fd control(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!control)
        return 0;
    std::vector<char> buffer(256 * 1024);
    dm_ioctl request{};
    begin_request(request, buffer.size());
    std::memcpy(buffer.data(), &request, sizeof request);
    if (::ioctl(control.get(), DM_LIST_DEVICES, buffer.data()) != 0)
        return 0;
    std::memcpy(&request, buffer.data(), sizeof request);
    if ((request.flags & DM_BUFFER_FULL_FLAG) != 0 || request.data_start + sizeof(dm_name_list) > buffer.size())
        return 0;
    std::size_t removed = 0;
    for (std::size_t at = request.data_start; at + sizeof(dm_name_list) <= buffer.size();) {
        dm_name_list entry{};
        std::memcpy(&entry, buffer.data() + at, sizeof entry);
        if (entry.dev == 0)
            break;
        dm_ioctl removal{};
        begin_request(removal, sizeof removal);
        removal.dev = entry.dev;
        if (::ioctl(control.get(), DM_DEV_REMOVE, &removal) == 0)
            ++removed;
        if (entry.next == 0)
            break;
        at += entry.next;
    }
    return removed;
}

} // namespace

std::size_t detach_devices() { return detach_loops() + remove_mapped(); }

} // namespace mi::os
