// The enumerations of a plan that its child uses, too.
#pragma once

#include <cstdint>

namespace mi::os {

enum class Session : std::uint32_t {
    fresh, // setsid(2): no controlling terminal, own process group; for every service
    group, // same session, own process group: the main process of a container
    keep,
};

// One change to the mounts that a process sees.
enum class MountKind : std::uint32_t {
    read_only,      // `path`, and every mount below it, become read-only
    read_write,     // restores `path` as it was before any change, below a read-only one
    bind,           // shows `source`, as seen outside, at `path`
    nothing,        // shows an empty directory or file that unprivileged users can neither enter nor read
    devices,        // shows a file system with the few devices that every program expects
    bind_read_only, // as bind, and read-only
    proc,           // mounts a /proc of its own, with what `source` says of proc(5)'s hidepid; `make`: with subset=pid
};

} // namespace mi::os
