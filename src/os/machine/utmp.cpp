#include "os/machine/utmp.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utmpx.h>

#include <cerrno>
#include <cstring>

namespace mi::os {

namespace {

template <std::size_t Size>
void put(char (&field)[Size], const char* text) {
    std::strncpy(field, text, Size); // a field that is full has no zero byte at its end
}

utmpx record_of(MachineEvent event, char level) {
    utmpx record{};
    record.ut_type = event == MachineEvent::boot ? BOOT_TIME : RUN_LVL;
    record.ut_pid = level;
    put(record.ut_line, "~");
    put(record.ut_id, "~~");
    put(record.ut_user, event == MachineEvent::boot       ? "reboot"
                        : event == MachineEvent::runlevel ? "runlevel"
                                                          : "shutdown");
    if (utsname kernel{}; ::uname(&kernel) == 0)
        put(record.ut_host, kernel.release);
    std::int64_t micros = wall_now().micros;
    if (event == MachineEvent::boot)
        micros -= std::chrono::duration_cast<std::chrono::microseconds>(boottime_now()).count();
    record.ut_tv.tv_sec = static_cast<decltype(record.ut_tv.tv_sec)>(micros / 1'000'000);
    record.ut_tv.tv_usec = static_cast<decltype(record.ut_tv.tv_usec)>(micros % 1'000'000);
    return record;
}

Result<> replace_present(utmpx& record, const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664));
    if (!file)
        return fault(errno, "open", path);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    if (::fcntl(file.get(), F_SETLKW, &lock) != 0)
        return fault(errno, "lock", path);
    utmpx other{};
    off_t at = 0;
    for (; ::pread(file.get(), &other, sizeof other, at) == sizeof other; at += static_cast<off_t>(sizeof other))
        if (other.ut_type == record.ut_type)
            break;
    if (other.ut_type == RUN_LVL && record.ut_type == RUN_LVL)
        record.ut_pid |= (other.ut_pid & 0xff) << 8; // the one before
    if (::pwrite(file.get(), &record, sizeof record, at) != sizeof record)
        return fault(errno, "write", path);
    return {};
}

Result<> append_past(const utmpx& record, const std::string& path) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT)
        return {}; // this system keeps no such file
    if (!file)
        return fault(errno, "open", path);
    if (::write(file.get(), &record, sizeof record) != sizeof record)
        return fault(errno, "write", path);
    return {};
}

} // namespace

Result<> record_machine_event(MachineEvent event, char level, const RecordFiles& files) {
    utmpx record = record_of(event, level);
    const Result<> present = replace_present(record, files.present);
    const Result<> past = append_past(record, files.past);
    return present ? past : present;
}

} // namespace mi::os
