#include "logd/packing.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>
#include <vector>

#include "logd/directory.hpp"
#include "wire/log_format.hpp"
#include "wire/log_pack.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

constexpr std::string_view hidden = ".packing-";
constexpr int lowest = 19;
constexpr int io_lowest =
    2 << 13 | 7; // best effort, the last: an idle one could be kept waiting with a lock of the file system

bool write_whole(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::write(file, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// All of `from` as a compressed file in `to`.
bool pack(int from, int to, std::uint64_t inode) {
    logs::Packer packer;
    if (!write_whole(to, packer.head(inode)))
        return false;
    std::string text(logs::pack_frame_text, '\0');
    for (std::size_t kept = 0;;) {
        ssize_t got = ::read(from, text.data() + kept, text.size() - kept);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        std::size_t size = kept + static_cast<std::size_t>(got);
        if (size < text.size() && got > 0) {
            kept = size;
            continue;
        }
        if (size == 0)
            return write_whole(to, packer.foot());
        // Whole lines, but for what other programs have written.
        std::size_t end = std::string_view(text.data(), size).rfind('\n') + 1;
        if (end == 0 || got == 0)
            end = size;
        const std::string_view frame = packer.frame({text.data(), end});
        if (frame.empty() || !write_whole(to, frame))
            return false;
        kept = size - end;
        std::copy(text.begin() + static_cast<std::ptrdiff_t>(end), text.begin() + static_cast<std::ptrdiff_t>(size),
                  text.begin());
    }
}

bool pack_file(int directory, const std::string& name) {
    Fd from(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status{};
    if (!from || ::fstat(from.get(), &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    // With our number: a predecessor that is still about to be killed shall not rename ours.
    const std::string making = std::string(hidden) + name + "." + std::to_string(::getpid());
    Fd to(::openat(directory, making.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!to)
        return false;
    const timespec times[2] = {status.st_atim, status.st_mtim};
    (void)::fchmod(to.get(), status.st_mode & 0777);
    bool made = pack(from.get(), to.get(), status.st_ino) && ::futimens(to.get(), times) == 0;
    // A name on the disk without what it names would be the loss of a whole file, as the other one goes.
    made = made && (::fdatasync(to.get()) == 0 || errno == EINVAL || errno == EROFS);
    // It may be one too many by now, and removed.
    made = made && ::fstat(from.get(), &status) == 0 && status.st_nlink > 0 &&
           ::renameat(directory, making.c_str(), directory, logs::packed_name(name).c_str()) == 0;
    (void)::unlinkat(directory, made ? name.c_str() : making.c_str(), 0);
    return made;
}

} // namespace

void pack_rotated(int directory) {
    remove_beginning_with(directory, hidden);
    const std::vector<Rotated> files = rotated_files(directory);
    for (const Rotated& file : files) {
        if (file.packed)
            continue;
        const bool done = std::any_of(files.begin(), files.end(),
                                      [&](const Rotated& other) { return other.packed && other.at == file.at; });
        if (done)
            (void)::unlinkat(directory, file.name.c_str(), 0);
        else if (!pack_file(directory, file.name))
            return; // a full disk: the next time
    }
}

void Packing::want(std::string_view unit) {
    if (std::find(due_.begin(), due_.end(), unit) == due_.end())
        due_.emplace_back(unit);
}

void Packing::start(int logs) {
    if (pid_ > 0 || due_.empty() || logs < 0)
        return;
    std::string unit = std::move(due_.front());
    due_.pop_front();
    auto directory = open_unit_directory(logs, wire::logs::directory_name(unit), false);
    int ends[2];
    if (!directory || ::pipe2(ends, O_CLOEXEC) < 0)
        return;
    Fd read_end(ends[0]), write_end(ends[1]);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The pipes of services and PID 1's socket are none of its business; what it holds is the directory and this end.
        const int held = std::max(directory->get(), write_end.get());
        const int other = std::min(directory->get(), write_end.get());
        if (::close_range(held + 1, ~0u, 0) < 0 || (other + 1 < held && ::close_range(other + 1, held - 1, 0) < 0) ||
            (other > 3 && ::close_range(3, other - 1, 0) < 0) || ::getppid() != parent)
            ::_exit(1);
        (void)::prctl(PR_SET_NAME, "miniinit-pack");
        (void)::setpriority(PRIO_PROCESS, 0, lowest);
        (void)::syscall(SYS_ioprio_set, 1, 0, io_lowest);
        pack_rotated(directory->get());
        ::_exit(0);
    }
    if (pid_ > 0)
        end_ = std::move(read_end), unit_ = std::move(unit);
    else
        pid_ = 0;
}

std::string Packing::ended() {
    end_.reset();
    while (pid_ > 0 && ::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return std::exchange(unit_, {});
}

void Packing::stop() {
    due_.clear();
    if (pid_ > 0)
        (void)::kill(pid_, SIGKILL);
    (void)ended();
}

} // namespace mi::logd
