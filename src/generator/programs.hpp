// Runs the generators of packages, systemd.generator(7): programs that write unit files from a configuration of their own.
#pragma once

#include "config/files.hpp"

#include <string>
#include <vector>

namespace mi::generator {

// The directories of generators; earlier ones win.
inline constexpr const char* program_directories[] = {
    "/etc/systemd/system-generators", "/run/systemd/system-generators", "/usr/local/lib/systemd/system-generators",
    "/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"};

// Runs all that are not systemd's own, side by side, each with the directories `into`/normal, `into`/early and `into`/late,
// which are made anew. Those that have not ended after 10 s are killed, and what they have written counts. If they
// wrote what was there before, the files are those from before. Returns what went wrong, a sentence each.
[[nodiscard]] std::vector<std::string> run_programs(const config::Source& source, const std::string& into);

} // namespace mi::generator
