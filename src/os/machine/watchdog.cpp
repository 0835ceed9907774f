// Uses the ioctls of Linux's watchdog API.
#include "os/machine/watchdog.hpp"

#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mi::os {

Result<Watchdog> Watchdog::open(Span timeout) {
    Watchdog dog;
    // Old drivers have only the second name.
    for (const char* path : {"/dev/watchdog0", "/dev/watchdog"})
        if (!dog.device_ && (path[13] == '0' || errno == ENOENT))
            dog.device_ = Fd(::open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    if (!dog.device_)
        return fault(errno, "open", "/dev/watchdog0");
    watchdog_info info{};
    if (::ioctl(dog.device_.get(), WDIOC_GETSUPPORT, &info) == 0) {
        const char* name = reinterpret_cast<const char*>(info.identity);
        dog.identity_.assign(name, ::strnlen(name, sizeof info.identity));
    }
    int boot = 0;
    dog.has_restarted_ = ::ioctl(dog.device_.get(), WDIOC_GETBOOTSTATUS, &boot) == 0 && (boot & WDIOF_CARDRESET) != 0;
    dog.set(timeout);
    return dog;
}

bool Watchdog::is_running() {
    return read_file("/sys/class/watchdog/watchdog0/state").value_or("").starts_with("active");
}

void Watchdog::set(Span timeout) {
    constexpr Span second = std::chrono::seconds(1);
    int wanted = static_cast<int>(std::clamp<std::int64_t>((timeout + second - Span(1)) / second, 1, 1 << 20));
    // If the device rejects the timeout as too long, try shorter ones.
    for (int tried = wanted; tried > 0; tried /= 2)
        if (int asked = tried; ::ioctl(device_.get(), WDIOC_SETTIMEOUT, &asked) == 0)
            break;
    int now = 0;
    timeout_ = ::ioctl(device_.get(), WDIOC_GETTIMEOUT, &now) == 0 && now > 0 ? now * second : wanted * second;
    (void)feed();
}

Result<> Watchdog::feed() {
    if (::ioctl(device_.get(), WDIOC_KEEPALIVE, 0) != 0 && ::write(device_.get(), "w", 1) != 1)
        return fault(errno, "feed the watchdog", identity_);
    return {};
}

Result<> Watchdog::disarm() {
    // The "magic close": without it the kernel treats our exit as a crash.
    if (::write(device_.get(), "V", 1) != 1)
        return fault(errno, "disarm the watchdog", identity_);
    *this = {};
    return {};
}

} // namespace mi::os
