// inotify(7): one descriptor with its watches and its events. What they mean is the owner's business.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/inotify.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace mi::os {

class Inotify {
public:
    // Whether a read waits for an event.
    enum class Read : std::uint8_t { at_once, waits };
    struct Event {
        int watch = -1; // -1: events were lost (IN_Q_OVERFLOW)
        std::uint32_t mask = 0;
        std::string_view name; // of an entry in a watched directory; empty: the watched object itself
    };
    using Heard = std::function<void(const Event&)>;

    explicit Inotify(Read reads = Read::at_once)
        : fd_(::inotify_init1(IN_CLOEXEC | (reads == Read::waits ? 0 : IN_NONBLOCK))) {}
    // Goes on with a descriptor that the program before us has left.
    explicit Inotify(Fd fd) : fd_(std::move(fd)) {}

    // Readable when there are events; -1: the kernel gives us none (errno, right after the construction).
    [[nodiscard]] int fd() const { return fd_.get(); }
    // The number of the watch; -1: errno says why there is none. An object that is watched already keeps its number.
    int add(const char* path, std::uint32_t mask) { return ::inotify_add_watch(fd_.get(), path, mask); }
    // Watches an open directory, for which O_PATH is enough: so what is watched is what was judged, whatever its path leads to by now.
    Result<int> add_directory(int directory, std::uint32_t mask);
    // Of a watch that has gone with its object: nothing.
    void remove(int watch) { (void)::inotify_rm_watch(fd_.get(), watch); }

    // Reads some events; false: there are none, or errno says why they cannot be read.
    bool read_some(const Heard& heard);
    // Reads all that there are. Not with Read::waits.
    void read_all(const Heard& heard);
    void drain();

private:
    Fd fd_;
};

} // namespace mi::os
