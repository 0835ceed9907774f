#include "daemon/options.hpp"

#include <getopt.h>

#include <csignal>

#include "base/signals.hpp"
#include "base/text.hpp"

namespace mi::daemon {

namespace {

constexpr char help[] =
    "Usage: miniinit [OPTIONS] [--] COMMAND [ARG...]    run COMMAND as a container's main process\n"
    "       miniinit [OPTIONS]                          run the services of its units\n"
    "\n"
    "COMMAND inherits the environment, standard input, output and error, and the terminal; it gets every\n"
    "signal that miniinit gets, and its exit code (or 128 + signal) becomes ours. Orphans are reaped.\n"
    "\n"
    "  -g, --group                    send signals to COMMAND's whole process group\n"
    "  -r, --rewrite-signal FROM:TO   send TO where FROM arrives; TO = 0 drops it (repeatable)\n"
    "  -e, --remap-exit CODE          exit 0 where COMMAND exits CODE (repeatable)\n"
    "  -p, --parent-death-signal SIG  get SIG when our parent dies\n"
    "      --grace DURATION           TERM to KILL for what COMMAND leaves behind (default 5s)\n"
    "\n"
    "      --system, --container, --user   what to be (default: by PID and PID namespace)\n"
    "      --config FILE              manager settings and units (default /etc/miniinit.toml)\n"
    "      --units DIR                read units here instead of the search path (repeatable)\n"
    "      --allow-insecure-units     accept unit files that others may write\n"
    "      --target NAME              what to bring up (default: default)\n"
    "      --control PATH             control socket       --log-dir DIR   logs\n"
    "      --run-dir DIR              runtime files        --state-dir DIR   what outlives a boot\n"
    "      --log-level LEVEL          emerg ... debug, 0 ... 7\n"
    "      --debug-faults             for tests: minictl debug-crash makes the init fail\n"
    "      --no-state                 to measure what it costs: keep no state, so that a crash is the end\n"
    "      --version, --help\n"
    "\n"
    "Examples:\n"
    "  miniinit -- nginx -g 'daemon off;'        one command, as an ENTRYPOINT does it\n"
    "  miniinit -r TERM:QUIT -e 143 -- app       stop app with SIGQUIT; its 143 is a success\n"
    "  miniinit --config /etc/shop.toml          the services of one file\n"
    "  miniinit --user                           a supervisor without privileges\n"
    "\n"
    "The control client is minictl(1); units are described in miniinit-unit(5).\n";

// Options without a letter of their own.
enum Long {
    system_mode = 256,
    container_mode,
    user_mode,
    config,
    units,
    control,
    log_dir,
    run_dir,
    state_dir,
    allow_insecure_units,
    target,
    log_level,
    grace,
    resume,
    check_snapshot,
    check_switch_root,
    debug_faults,
    no_state,
    version,
};

constexpr option long_options[] = {
    {"system", no_argument, nullptr, system_mode},
    {"container", no_argument, nullptr, container_mode},
    {"user", no_argument, nullptr, user_mode},
    {"config", required_argument, nullptr, config},
    {"units", required_argument, nullptr, units},
    {"control", required_argument, nullptr, control},
    {"log-dir", required_argument, nullptr, log_dir},
    {"run-dir", required_argument, nullptr, run_dir},
    {"state-dir", required_argument, nullptr, state_dir},
    {"allow-insecure-units", no_argument, nullptr, allow_insecure_units},
    {"target", required_argument, nullptr, target},
    {"log-level", required_argument, nullptr, log_level},
    {"grace", required_argument, nullptr, grace},
    {"resume", required_argument, nullptr, resume},
    {"check-snapshot", required_argument, nullptr, check_snapshot},
    {"check-switch-root", required_argument, nullptr, check_switch_root},
    {"debug-faults", no_argument, nullptr, debug_faults},
    {"no-state", no_argument, nullptr, no_state},
    {"version", no_argument, nullptr, version},
    {"group", no_argument, nullptr, 'g'},
    {"rewrite-signal", required_argument, nullptr, 'r'},
    {"remap-exit", required_argument, nullptr, 'e'},
    {"parent-death-signal", required_argument, nullptr, 'p'},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
};

// "5s", "500ms", "2min", "1h", or a bare number of seconds.
std::optional<Span> parse_grace(std::string_view text) {
    std::size_t digits = text.find_first_not_of("0123456789");
    std::optional<unsigned> number = to_number<unsigned>(text.substr(0, digits));
    std::string_view unit = digits == std::string_view::npos ? "s" : text.substr(digits);
    if (!number)
        return std::nullopt;
    if (unit == "ms")
        return std::chrono::milliseconds(*number);
    if (unit == "s")
        return std::chrono::seconds(*number);
    if (unit == "min" || unit == "m")
        return std::chrono::minutes(*number);
    if (unit == "h")
        return std::chrono::hours(*number);
    return std::nullopt;
}

std::optional<SignalRewrite> parse_rewrite(std::string_view text) {
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    std::string_view to = text.substr(colon + 1);
    std::optional<int> from_signal = signal_number(text.substr(0, colon));
    std::optional<int> to_signal = to == "0" ? 0 : signal_number(to);
    if (!from_signal || !to_signal)
        return std::nullopt;
    // These never reach us, or are not sent on.
    if (*from_signal == SIGKILL || *from_signal == SIGSTOP || *from_signal == SIGCHLD)
        return std::nullopt;
    return SignalRewrite{*from_signal, *to_signal};
}

std::string bad_value(std::string_view option, std::string_view value, std::string_view expected) {
    std::string text(option);
    text += ": \"";
    text += value;
    text += "\" is not ";
    text += expected;
    return text;
}

// Puts one option into `options`; gives what is wrong with it, or an empty text.
std::string apply(Options& options, int code, std::string_view value) {
    switch (code) {
    case system_mode: options.mode = Mode::system; break;
    case container_mode: options.mode = Mode::container; break;
    case user_mode: options.mode = Mode::user; break;
    case config: options.config = value; break;
    case units: options.units.emplace_back(value); break;
    case control: options.control = value; break;
    case log_dir: options.log_dir = value; break;
    case run_dir: options.run_dir = value; break;
    case state_dir: options.state_dir = value; break;
    case allow_insecure_units: options.allow_insecure_units = true; break;
    case target: options.target = value; break;
    case log_level:
        options.log_level = log_level_number(value);
        if (!options.log_level)
            return bad_value("--log-level", value, "a level (emerg, alert, crit, err, warning, notice, info, debug)");
        break;
    case grace:
        if (std::optional<Span> span = parse_grace(value))
            options.grace = *span;
        else
            return bad_value("--grace", value, "a duration (500ms, 5s, 2min)");
        break;
    case resume:
    case check_snapshot:
    case check_switch_root: // who knows this option knows what is to be done with that state
        if (std::optional<unsigned short> descriptor = to_number<unsigned short>(value))
            (code == resume ? options.resume_fd : options.check_fd) = *descriptor;
        else
            return bad_value(code == resume           ? "--resume"
                             : code == check_snapshot ? "--check-snapshot"
                                                      : "--check-switch-root",
                             value, "a descriptor");
        break;
    case debug_faults: options.debug_faults = true; break;
    case no_state: options.no_state = true; break;
    case version: options.version = true; break;
    case 'g': options.group = true; break;
    case 'r':
        if (std::optional<SignalRewrite> rewrite = parse_rewrite(value))
            options.rewrites.push_back(*rewrite);
        else
            return bad_value("--rewrite-signal", value,
                             "FROM:TO, two signals (TERM:QUIT, 15:3, HUP:0; not from KILL, STOP, CHLD)");
        break;
    case 'e':
        if (std::optional<unsigned char> status = to_number<unsigned char>(value))
            options.success_exits.set(*status);
        else
            return bad_value("--remap-exit", value, "an exit code (0 to 255)");
        break;
    case 'p':
        if (std::optional<int> signal = signal_number(value))
            options.parent_death_signal = *signal;
        else
            return bad_value("--parent-death-signal", value, "a signal");
        break;
    case 'h': options.help = true; break;
    }
    return {};
}

// What getopt_long(3) found wrong: `code` is its answer, `word` the argument it was looking at.
std::string misused(int code, int letter, std::string_view word) {
    std::string name = word.starts_with("--") ? std::string(word.substr(0, word.find('=')))
                                              : std::string("-") + static_cast<char>(letter);
    if (code == ':')
        return name + " needs a value";
    // A known long option that must not have a value comes back as its own code.
    if (letter >= system_mode || (word.starts_with("--") && letter != 0))
        return name + " takes no value";
    std::vector<std::string_view> names;
    for (const option& known : long_options)
        if (known.name != nullptr && known.val != resume && known.val != check_snapshot &&
            known.val != check_switch_root)
            names.emplace_back(known.name);
    std::string text = "unknown option " + name;
    if (std::string_view near = name.starts_with("--") ? nearest(name.substr(2), names) : ""; !near.empty()) {
        text += " (did you mean --";
        text += near;
        text += "?)";
    }
    return text;
}

} // namespace

std::expected<Options, std::string> parse_options(int argc, char** argv, bool system_mode_possible) {
    Options options;
    // '-' hands over words in their place, as the kernel mixes them with options; '+' ends at COMMAND. ':' keeps getopt silent.
    bool words = system_mode_possible;
    ::optind = 0;
    for (;;) {
        int at = ::optind == 0 ? 1 : ::optind;
        int code = ::getopt_long(argc, argv, words ? "-:gr:e:p:h" : "+:gr:e:p:h", long_options, nullptr);
        if (code == -1)
            break;
        if (code == 1) {
            if (options.mode == Mode::container) {
                ::optind = at;
                break;
            }
            options.kernel_words.emplace_back(::optarg);
            continue;
        }
        std::string_view word = at < argc ? argv[at] : "";
        std::string wrong = code == '?' || code == ':' ? misused(code, ::optopt, word)
                                                       : apply(options, code, ::optarg != nullptr ? ::optarg : "");
        if (wrong.empty())
            continue;
        if (!system_mode_possible)
            return std::unexpected(std::move(wrong));
        options.complaints.push_back(std::move(wrong));
    }
    std::span<char* const> rest(argv + ::optind, static_cast<std::size_t>(argc - ::optind));
    if (!system_mode_possible || options.mode == Mode::container)
        options.command = rest;
    else
        options.kernel_words.insert(options.kernel_words.end(), rest.begin(), rest.end());
    if (system_mode_possible && (options.help || options.version)) {
        options.complaints.emplace_back(options.help ? "--help is not for the init of a machine"
                                                     : "--version is not for the init of a machine");
        options.help = options.version = false;
    }
    return options;
}

std::optional<int> log_level_number(std::string_view text) {
    constexpr struct {
        std::string_view name;
        int level;
    } levels[] = {{"emerg", 0}, {"alert", 1},   {"crit", 2},   {"err", 3},  {"error", 3},
                  {"warn", 4},  {"warning", 4}, {"notice", 5}, {"info", 6}, {"debug", 7}};
    if (std::optional<unsigned> number = to_number<unsigned>(text); number && *number <= 7)
        return static_cast<int>(*number);
    for (const auto& level : levels)
        if (level.name == text)
            return level.level;
    return std::nullopt;
}

std::string_view help_text() { return help; }

} // namespace mi::daemon
