#include "os/file/inotify.hpp"

#include "os/file/walked_file.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace mi::os {

Result<int> Inotify::add_directory(int directory, std::uint32_t mask) {
    const Result<WorkingDirectory> inside = WorkingDirectory::enter(directory);
    if (!inside)
        return std::unexpected(inside.error());
    const int watch = add(".", mask);
    if (watch < 0)
        return fault(errno, "watch", "directory");
    return watch;
}

bool Inotify::read_some(const Heard& heard) {
    alignas(inotify_event) std::array<char, 4096> bytes;
    const ssize_t got = ::read(fd_.get(), bytes.data(), bytes.size());
    for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(bytes.data() + at);
        at += static_cast<ssize_t>(sizeof *event + event->len);
        // The name is filled up with zeros.
        heard({event->wd, event->mask, event->len > 0 ? std::string_view(event->name) : std::string_view()});
    }
    return got > 0;
}

void Inotify::read_all(const Heard& heard) {
    while (fd_ && read_some(heard)) {
    }
}

void Inotify::drain() {
    read_all([](const Event&) {});
}

} // namespace mi::os
