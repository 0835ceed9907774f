// What was asked for on the command line, as plain data, and the help that says what can be. getopt_long(3) reads it: a
// library for this that uses C++ streams would cost every process of this binary their start-up, PID 1's too.
#pragma once

#include "base/time.hpp"
#include "ctl/exit_code.hpp"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

// Everything that any verb takes; each verb looks at its own.
struct Arguments {
    std::vector<std::string> words;      // what is no option, after the verb
    std::string control;                 // --control PATH
    bool user = false;                   // --user
    bool system = false;                 // --system
    bool json = false;                   // --json
    bool all = false;                    // --all
    bool failed = false;                 // --failed
    bool reverse = false;                // --reverse
    bool no_wait = false;                // --no-wait
    bool force = false;                  // --force
    bool insecure = false;               // --allow-insecure-units
    bool help = false;                   // --help
    std::optional<unsigned> lines;       // --lines N
    std::optional<Span> timeout;         // --timeout SPAN
    std::string state;                   // --for STATE
    std::string root;                    // --root DIR
    std::string config;                  // --config FILE
    std::vector<std::string> units;      // --units DIR
    bool full = false;                   // --full
    std::vector<std::string> properties; // --property SECTION.KEY=VALUE
    std::string name;                    // --name NAME
    bool to_the_end = false;             // --wait
    bool clean = false;                  // --clean
    bool timers = false;                 // --timers
    std::string calendar;                // --calendar EXPRESSION
    std::string output;                  // --output DIR
    bool strict = false;                 // --strict
    std::string when, message;           // --when TIME, --message TEXT
    std::string from, to;                // --from UNIT, --to UNIT
    bool trace = false;                  // --trace
    std::string sort;                    // --sort COLUMN
    std::optional<Span> every;           // --every SPAN
    bool no_wall = false;                // --no-wall
    bool power_off = false;              // -p, as of `halt -p`
    bool no_sync = false;                // -n
    bool only_record = false;            // -w
};

// Options, as a set of bits: which ones a verb takes besides --help, --json, --control, --user and --system.
enum Takes : unsigned {
    takes_all = 1,
    takes_failed = 2,
    takes_reverse = 4,
    takes_no_wait = 8,
    takes_lines = 32,
    takes_timeout = 64,
    takes_state = 128,
    takes_source = 256, // --root, --config, --units, --allow-insecure-units
    takes_every = 512,  // --all, of the processes of a unit
    takes_run = 1024,   // those of `run`, and the words after the first that is no option are its command
    takes_full = 2048,
    takes_graph = 1 << 12, // --from, --to
    takes_trace = 1 << 13,
    takes_top = 1 << 14, // --sort, --every, --count
    takes_timers = 1 << 16,
    takes_calendar = 1 << 17,
    takes_convert = 1 << 18, // --root, --output, --strict
    takes_end = 1 << 21,     // --force, --when and their like
};

struct Context;

// One verb: a row of the table in verbs.cpp.
struct Verb {
    std::string_view group; // heading in the overview
    std::string_view name;
    std::string_view operands; // "UNIT…"
    std::string_view summary;
    std::string_view example;
    unsigned takes = 0;
    unsigned least = 0, most = 0;   // operands
    int (*run)(Context&) = nullptr; // none: one that reads its options itself
};
inline constexpr unsigned any_number = ~0u;
[[nodiscard]] std::span<const Verb> verbs();

// Reads what follows the verb. The error is one line for people.
[[nodiscard]] std::expected<Arguments, std::string> parse_arguments(const Verb& verb, int argc, char** argv);

[[nodiscard]] std::string help_of(const Verb& verb);
[[nodiscard]] std::string help_overview();
// "3s", "500ms", "2min", "1h", or a bare number of seconds.
[[nodiscard]] std::optional<Span> span_of(std::string_view text);

} // namespace mi::ctl
