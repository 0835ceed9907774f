// From what a unit says of its confinement to the part of the plan that carries it out.
#pragma once

#include "daemon/start/launch.hpp"

#include <expected>
#include <string>

namespace mi::daemon {

// Adds to `launch` what `process` says of directories, mounts, capabilities, system calls and processors; the
// environment learns of its directories. `invocation` names the run, whose processes share a private /tmp. `notify`: it
// is to reach NOTIFY_SOCKET. To be called once the plan's user is known.
std::expected<void, NoStart> confine(Launch& launch, os::StringList& environment, const core::Unit& unit,
                                     const std::string& invocation, bool notify, Surroundings& surroundings);

} // namespace mi::daemon
