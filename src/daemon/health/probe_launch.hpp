// What is special about the start of a health probe: it has the context of its unit, but writes to a stream of its own in the log,
// and may be a program of ours.
#pragma once

#include "core/unit.hpp"
#include "daemon/start/launch.hpp"

#include <expected>
#include <string>

namespace mi::daemon {

// The cgroup of a unit's probe, in that of the unit.
inline constexpr const char* probe_cgroup = "health.probe";

// Makes what was prepared as a command of the unit a probe of it. `program`: this binary, which is executed by its descriptor: the
// unit may have another root directory, and no /proc.
[[nodiscard]] std::expected<void, NoStart> make_probe(Launch& launch, const core::HealthCheck& check,
                                                      const std::string& program);

} // namespace mi::daemon
