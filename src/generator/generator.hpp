// The child that makes units of what systemd's directories have: PID 1 itself never reads that format. It runs the
// generators of packages, converts everything (convert/live.hpp), and puts the result where the search path ends:
//
//   RUN/systemd/           the units; .stamp: what they were made of; .problems: a line for each thing that is missing
//   RUN/systemd.new/       while they are made; it takes the place of the other by renameat2(2), so that a child
//                          that ends in the middle changes nothing
//   RUN/generator/         what generators have written: early/, normal/, late/ (systemd.generator(7))
//
// Nothing is done if nothing has changed: the stamp has every path that was looked at, and a hash of what lstat(2) and
// stat(2) told of them. A change that is as old as the look at it may not show in these times, so a stamp is only kept if
// everything had rested for a moment.
#pragma once

#include "config/load.hpp"

#include <string>

namespace mi::generator {

struct Settings {
    std::string run_directory;    // RUN: /run/miniinit
    const config::Source& source; // of native units: the users who are trusted, and the templates that count more
};

// How it ended; the exit code of the child.
enum class Result : int { converted = 0, failed = 1, unchanged = 2 };

// True if this program has the converter (MINIINIT_TOOLS).
[[nodiscard]] bool is_built_in();

// Does all of it, in a process of its own: it changes signal handling and the umask, and closes nothing. Waits for the
// generators, and may hang where file systems hang.
[[nodiscard]] Result run(const Settings& settings);

// The directory of the units, and the file with the problems in it.
[[nodiscard]] inline std::string units_directory(const std::string& run_directory) {
    return run_directory + "/systemd";
}
inline constexpr char problems_file[] = "/.problems";

// True if the running root has directories that it would read.
[[nodiscard]] bool has_unit_directories();

} // namespace mi::generator
