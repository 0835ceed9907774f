// The parsed command line as plain data. getopt_long(3) parses it: a library for this would use C++ streams, whose
// initialisation would cost every process of this binary, PID 1 included. options.hpp lists the options.
#pragma once

#include "base/time.hpp"
#include "ctl/exit_code.hpp"
#include "ctl/logs/logs.hpp"
#include "wire/enums.hpp"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

enum class TopOrder : std::uint8_t; // top_table.hpp

// The arguments of all verbs; each verb uses its own.
struct Arguments {
    std::vector<std::string> words;            // operands after the verb
    std::vector<std::string> triggers;         // those of `words` that name only the unit's timer or socket
    std::string control;                       // --control PATH
    bool user = false;                         // --user
    bool system = false;                       // --system
    bool json = false;                         // --json
    bool help = false;                         // --help
    bool version = false;                      // --version, before the verb
    bool all = false;                          // --all
    bool failed = false;                       // --failed
    std::uint32_t states = 0;                  // --state STATE,…: one bit for each; 0: any
    std::optional<core::Kind> kind;            // --type TYPE
    bool reverse = false;                      // --reverse
    bool no_wait = false;                      // --no-wait
    bool force = false;                        // --force
    bool insecure = false;                     // --allow-insecure-units
    std::optional<unsigned> lines;             // --lines N, --count N
    std::optional<Span> timeout;               // --timeout SPAN
    core::Phase state = core::Phase::up;       // --for STATE
    std::string root;                          // --root DIR
    std::string config;                        // --config FILE
    std::vector<std::string> units;            // --units DIR
    bool full = false;                         // --full
    std::vector<std::string> properties;       // --property SECTION.KEY=VALUE
    std::string name;                          // --name NAME
    bool to_the_end = false;                   // --wait
    bool pipe = false;                         // --pipe
    bool clean = false;                        // --clean
    bool http = false;                         // --http
    bool timers = false;                       // --timers
    bool files = false;                        // --files
    bool quiet = false;                        // --quiet
    bool now = false;                          // --now
    std::string calendar;                      // --calendar EXPRESSION
    std::string output;                        // --output DIR
    bool strict = false;                       // --strict
    std::string from, to;                      // --from UNIT, --to UNIT
    bool trace = false;                        // --trace
    TopOrder sort{};                           // --sort COLUMN
    std::optional<Span> every;                 // --delay SPAN
    std::string when, message;                 // --when TIME, --message TEXT
    bool no_wall = false;                      // --no-wall
    std::optional<wire::Ending> how;           // -p of `halt -p`; -h, -H, -r of `shutdown`
    bool warn_only = false, cancel = false;    // -k, -c of `shutdown`
    bool no_sync = false, only_record = false; // -n, -w of `poweroff`
    LogQuery logs;                             // the options of `logs`
    std::optional<core::Health> health;        // --for healthy, of `wait`
    std::string expect;                        // --expect REGEX
    std::optional<unsigned> http_status;       // --status CODE
};

// Options, as a set of bits: which ones a verb takes besides those that all have.
enum Takes : unsigned {
    takes_all = 1 << 0,
    takes_failed = 1 << 1,
    takes_reverse = 1 << 2,
    takes_no_wait = 1 << 3,
    takes_lines = 1 << 4,
    takes_timeout = 1 << 5,
    takes_state = 1 << 6,
    takes_source = 1 << 7, // --root, --config, --units, --allow-insecure-units
    takes_every = 1 << 8,  // --all, for the processes of a unit
    takes_run = 1 << 9,    // options of `run`; its command begins at the first word that is no option
    takes_full = 1 << 10,
    takes_graph = 1 << 11, // --from, --to
    takes_trace = 1 << 12,
    takes_top = 1 << 13, // --sort, --delay, --count
    takes_timers = 1 << 14,
    takes_calendar = 1 << 15,
    takes_convert = 1 << 16,  // --root, --output, --strict
    takes_end = 1 << 17,      // --force, --when and similar ones
    takes_shutdown = 1 << 18, // options of other inits' `shutdown`; the words after the first one are a message
    takes_logs = 1 << 19,
    takes_version = 1 << 20,

    // Properties of the verb.
    acts = 1 << 21,           // it ends or changes something: needs its whole name, and is rarely suggested
    called_by_name = 1 << 22, // a verb only if minictl is called by its name
    names_units = 1 << 23,    // its operands UNIT are units that the init knows
    names_files = 1 << 24,    // its operands UNIT are units that have files
    one_by_one = 1 << 25,     // its function handles one unit, and is called once for each

    takes_quiet = 1 << 26,
    takes_now = 1 << 27,
    takes_check = 1 << 28, // --expect, --status
    takes_http = 1 << 29,  // --http
};

struct Context;

// One verb: a row of the table in verbs.cpp.
struct Verb {
    std::string_view group; // heading in the overview of `help`
    std::string_view name;
    std::string_view operands; // "UNIT…"
    std::string_view summary;
    std::string_view example;
    unsigned takes = 0;
    unsigned least = 0, most = 0; // number of operands
    int (*run)(Context&) = nullptr;
};
inline constexpr unsigned any_number = ~0u;
[[nodiscard]] std::span<const Verb> verbs();
// Null: no verb has that name.
[[nodiscard]] const Verb* verb_named(std::string_view name);

// Parses the words after the verb. The error is one line for people.
[[nodiscard]] std::expected<Arguments, std::string> parse_arguments(const Verb& verb, int argc, char** argv);

} // namespace mi::ctl
