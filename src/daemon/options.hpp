// What the command line of `miniinit` asks for, as plain data: reading it changes nothing and touches no file.
// What each setting defaults to, by mode, is run.cpp's business: an empty text here means "not given".
// This is on the way of every `miniinit -- COMMAND`: getopt_long(3), no streams, nothing built before main.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entry/entrypoint.hpp"

namespace mi::daemon {

// How this init is to behave. `automatic`: system in the initial PID namespace as PID 1, else container.
enum class Mode { automatic, system, container, user };

struct Options : entry::CommandOptions {
    Mode mode = Mode::automatic;
    std::string config;                // --config FILE
    std::vector<std::string> units;    // --units DIR, in the order given: they replace the search path
    std::string control;               // --control PATH
    std::string log_dir;               // --log-dir DIR
    std::string run_dir;               // --run-dir DIR
    std::string state_dir;             // --state-dir DIR
    std::string target;                // --target NAME
    std::optional<int> log_level;      // --log-level, as syslog(3) numbers them: 0 (emerg) to 7 (debug)
    bool allow_insecure_units = false; // --allow-insecure-units
    // --check-snapshot FD, --check-switch-root FD: only say whether we could go on with that; internal
    int check_fd = -1;
    bool help = false;    // --help: print help_text() and exit 0
    bool version = false; // --version: print the version and exit 0
    // The init of a machine only: words of the kernel command line that the kernel left to us ("single", "quiet", "3").
    std::vector<std::string> kernel_words;
    // The init of a machine only: what could not be understood, one sentence each. PID 1 goes on without it.
    std::vector<std::string> complaints;
};

// Reads the command line. `system_mode_possible`: we are PID 1 of the initial PID namespace, so the words come from the
// kernel and nothing may make us exit; only `--container` before them makes the words a COMMAND there. Elsewhere the first
// thing not understood is the error, a text without a line end, and the caller exits 2.
[[nodiscard]] std::expected<Options, std::string> parse_options(int argc, char** argv, bool system_mode_possible);

// The syslog(3) number of a level, 0 to 7, by number or name: "err", "error", "warning", "debug"; nothing where unknown.
[[nodiscard]] std::optional<int> log_level_number(std::string_view text);

// What `miniinit --help` prints.
[[nodiscard]] std::string help_text();

} // namespace mi::daemon
