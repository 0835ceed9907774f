// The enumerations of a plan that its child knows too.
#pragma once

#include <cstdint>

namespace mi::os {

enum class Session : std::uint32_t {
    fresh, // setsid: no controlling terminal, own group; what every service gets
    group, // same session, own process group: the main process of a container
    keep,
};

// One change to the mounts that a process sees.
enum class MountKind : std::uint32_t {
    read_only,  // what is at `path`, and everything mounted below it, without writing
    read_write, // what was at `path` before any change, in spite of one above it
    bind,       // what is at `source` outside, at `path`
    nothing,    // an empty directory or file that nobody may enter or read
    devices,    // a file system with the few devices every program expects
};

} // namespace mi::os
