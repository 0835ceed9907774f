#include "daemon/options.hpp"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iterator>

#include "base/duration.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"

namespace mi::daemon {

namespace {

// One option: how it is written, what --help says of it, and what it does.
struct Row {
    const char* name;
    char letter;                             // 0: none
    std::string_view value;                  // what stands for its value in the help; empty: it takes none
    std::string_view help;                   // empty: internal
    bool (*set)(Options&, std::string_view); // false: the value is not what it should be:
    std::string_view expected = {};
};

template <auto member, auto value = true>
bool choose(Options& options, std::string_view) {
    options.*member = value;
    return true;
}
template <std::string Options::* member>
bool set_text(Options& options, std::string_view value) {
    options.*member = value;
    return true;
}
// Who knows such an option knows what is to be done with the state that is behind the descriptor.
template <auto member>
bool set_descriptor(Options& options, std::string_view value) {
    const auto descriptor = to_number<unsigned short>(value);
    options.*member = descriptor.value_or(0);
    return descriptor.has_value();
}

std::optional<entry::SignalRewrite> parse_rewrite(std::string_view text) {
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
    return entry::SignalRewrite{*from_signal, *to_signal};
}

bool rewrite_signal(Options& options, std::string_view value) {
    const std::optional<entry::SignalRewrite> rewrite = parse_rewrite(value);
    if (rewrite)
        options.rewrites.push_back(*rewrite);
    return rewrite.has_value();
}
bool remap_exit(Options& options, std::string_view value) {
    const auto status = to_number<unsigned char>(value);
    if (status)
        options.success_exits.set(*status);
    return status.has_value();
}

bool restart_on_signal(Options& options, std::string_view value) {
    const std::optional<int> signal = signal_number(value);
    if (!signal || *signal == SIGKILL || *signal == SIGSTOP || *signal == SIGCHLD || *signal == SIGCONT)
        return false;
    options.restart_on.set(static_cast<std::size_t>(*signal));
    return true;
}

constexpr Row rows[] = {
    {"group", 'g', "", "send signals to COMMAND's whole process group", choose<&Options::group>},
    {"rewrite-signal", 'r', "FROM:TO", "send TO where FROM arrives; TO = 0 drops it (repeatable)", rewrite_signal,
     "FROM:TO, two signals (TERM:QUIT, 15:3, HUP:0; not from KILL, STOP, CHLD)"},
    {"remap-exit", 'e', "CODE", "exit 0 where COMMAND exits CODE (repeatable)", remap_exit, "an exit code (0 to 255)"},
    {"restart-on", 0, "SIG", "stop COMMAND and start it again where SIG arrives (repeatable)", restart_on_signal,
     "a signal (HUP, USR1; not KILL, STOP, CHLD, CONT)"},
    {"parent-death-signal", 'p', "SIG", "get SIG when our parent dies",
     [](Options& options, std::string_view value) {
         const std::optional<int> signal = signal_number(value);
         options.parent_death_signal = signal.value_or(0);
         return signal.has_value();
     },
     "a signal"},
    {"grace", 0, "DURATION", "TERM to KILL for what COMMAND leaves behind (default 5s)",
     [](Options& options, std::string_view value) {
         const std::optional<Span> span = span_of(value);
         options.grace = span.value_or(options.grace);
         return span.has_value();
     },
     "a duration (500ms, 5s, 2min)"},
    {"system", 0, "", "be the init of a machine", choose<&Options::mode, Mode::system>},
    {"container", 0, "", "be that of a container", choose<&Options::mode, Mode::container>},
    {"user", 0, "", "be a supervisor without privileges (without these three: by PID and PID namespace)",
     choose<&Options::mode, Mode::user>},
    {"config", 0, "FILE", "manager settings and units (default /etc/miniinit.toml)", set_text<&Options::config>},
    {"units", 0, "DIR", "read units here instead of the search path (repeatable)",
     [](Options& options, std::string_view value) {
         options.units.emplace_back(value);
         return true;
     }},
    {"allow-insecure-units", 0, "", "accept unit files that others may write", choose<&Options::allow_insecure_units>},
    {"target", 0, "NAME", "what to bring up (default: default)", set_text<&Options::target>},
    {"control", 0, "PATH", "control socket", set_text<&Options::control>},
    {"log-dir", 0, "DIR", "logs", set_text<&Options::log_dir>},
    {"run-dir", 0, "DIR", "runtime files", set_text<&Options::run_dir>},
    {"state-dir", 0, "DIR", "what outlives a boot", set_text<&Options::state_dir>},
    {"log-level", 0, "LEVEL", "emerg ... debug, 0 ... 7",
     [](Options& options, std::string_view value) {
         options.log_level = log_level_number(value);
         return options.log_level.has_value();
     },
     "a level (emerg, alert, crit, err, warning, notice, info, debug)"},
    {"version", 0, "", "print the version", choose<&Options::version>},
    {"help", 'h', "", "print this", choose<&Options::help>},
    {"resume", 0, "FD", "", set_descriptor<&Options::resume_fd>, "a descriptor"},
    {"check-snapshot", 0, "FD", "", set_descriptor<&Options::check_fd>, "a descriptor"},
    {"check-switch-root", 0, "FD", "", set_descriptor<&Options::check_fd>, "a descriptor"},
};

constexpr int first_name = 256; // what getopt calls a row by where it is its name that was read: above every letter

// What getopt_long(3) is to know of them.
consteval auto names_of_rows() {
    std::array<option, std::size(rows) + 1> names{};
    for (std::size_t i = 0; i < std::size(rows); ++i)
        names[i] = {rows[i].name, rows[i].value.empty() ? no_argument : required_argument, nullptr,
                    first_name + static_cast<int>(i)};
    return names;
}
constexpr auto long_options = names_of_rows();

std::string letters(char order) {
    std::string all{order, ':'}; // ':' keeps getopt silent
    for (const Row& row : rows)
        if (row.letter != 0)
            all.append(1, row.letter).append(row.value.empty() ? "" : ":");
    return all;
}

const Row& row_of(int code) {
    return code >= first_name ? rows[code - first_name] : *std::ranges::find(rows, code, &Row::letter);
}

// Puts one option into `options`; gives what is wrong with it, or an empty text.
std::string apply(Options& options, const Row& row, std::string_view value) {
    if (row.set(options, value))
        return {};
    return std::string("--").append(row.name).append(": \"").append(value).append("\" is not ").append(row.expected);
}

// What getopt_long(3) found wrong: `code` is its answer, `word` the argument it was looking at.
std::string misused(int code, int letter, std::string_view word) {
    std::string name = word.starts_with("--") ? std::string(word.substr(0, word.find('=')))
                                              : std::string("-") + static_cast<char>(letter);
    if (code == ':')
        return name + " needs a value";
    // A known long option that must not have a value comes back as its own code.
    if (letter >= first_name)
        return name + " takes no value";
    std::vector<std::string_view> names;
    for (const Row& row : rows)
        if (!row.help.empty())
            names.emplace_back(row.name);
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
    // '-' hands over words in their place, as the kernel mixes them with options; '+' ends at COMMAND.
    const std::string short_options = letters(system_mode_possible ? '-' : '+');
    ::optind = 0;
    for (;;) {
        int at = ::optind == 0 ? 1 : ::optind;
        int code = ::getopt_long(argc, argv, short_options.c_str(), long_options.data(), nullptr);
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
        std::string wrong = code == '?' || code == ':'
                                ? misused(code, ::optopt, word)
                                : apply(options, row_of(code), ::optarg != nullptr ? ::optarg : "");
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

std::string help_text() {
    std::string text =
        "Usage: miniinit [OPTIONS] [--] COMMAND [ARG...]    run COMMAND as a container's main process\n"
        "       miniinit [OPTIONS]                          run the services of its units\n"
        "\n"
        "COMMAND inherits the environment, standard input, output and error, and the terminal; it gets every\n"
        "signal that miniinit gets, and its exit code (or 128 + signal) becomes ours. Orphans are reaped.\n"
        "\n";
    for (const Row& row : rows) {
        if (row.help.empty())
            continue;
        std::string line = row.letter != 0 ? std::string("  -") + row.letter + ", --" : "      --";
        line.append(row.name).append(row.value.empty() ? "" : " ").append(row.value);
        constexpr std::size_t width = 33;
        line.append(line.size() < width ? width - line.size() : 1, ' ');
        text.append(line).append(row.help).append("\n");
    }
    return text + "\n"
                  "Examples:\n"
                  "  miniinit -- nginx -g 'daemon off;'        one command, as an ENTRYPOINT does it\n"
                  "  miniinit -r TERM:QUIT -e 143 -- app       stop app with SIGQUIT; its 143 is a success\n"
                  "  miniinit --config /etc/shop.toml          the services of one file\n"
                  "  miniinit --user                           a supervisor without privileges\n"
                  "\n"
                  "The control client is minictl(1); units are described in miniinit-unit(5).\n";
}

} // namespace mi::daemon
