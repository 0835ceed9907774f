#include "ctl/arguments.hpp"

#include "base/text.hpp"
#include "ctl/completion.hpp"

#include <getopt.h>

namespace mi::ctl {

namespace {

// One option: how it is written, for whom, and what --help says of it.
struct Option {
    const char* name;
    char letter;            // 0: none
    std::string_view value; // what stands for its value in the help; empty: takes none
    unsigned takes;         // of which verbs; 0: of all
    std::string_view help;
    bool (*set)(Arguments&, std::string_view); // false: the value makes no sense
};

template <bool Arguments::* member>
bool set_flag(Arguments& arguments, std::string_view) {
    arguments.*member = true;
    return true;
}
template <std::string Arguments::* member>
bool set_text(Arguments& arguments, std::string_view value) {
    arguments.*member = value;
    return !value.empty();
}

constexpr Option options[] = {
    {"all", 'a', "", takes_all, "also what is down", set_flag<&Arguments::all>},
    {"all", 'a', "", takes_every, "every process of the unit, not only the main one", set_flag<&Arguments::all>},
    {"failed", 'F', "", takes_failed, "only what failed or is to be tried again", set_flag<&Arguments::failed>},
    {"timers", 'T', "", takes_timers, "what timers run, and when that is next", set_flag<&Arguments::timers>},
    {"reverse", 'r', "", takes_reverse, "what needs the unit, rather than what it needs",
     set_flag<&Arguments::reverse>},
    {"from", 0, "UNIT", takes_graph, "only this unit and what it depends on", set_text<&Arguments::from>},
    {"to", 0, "UNIT", takes_graph, "only this unit and what depends on it; with --from: what lies between",
     set_text<&Arguments::to>},
    {"trace", 0, "", takes_trace, "the same for chrome://tracing and Perfetto, rather than a picture",
     set_flag<&Arguments::trace>},
    {"sort", 's', "COLUMN", takes_top, "by cpu, memory, tasks, restarts, uptime, name or state (cpu)",
     set_text<&Arguments::sort>},
    {"delay", 'd', "TIME", takes_top, "between two looks (2s)",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.every = span_of(value)).has_value() && *arguments.every >= std::chrono::milliseconds(100);
     }},
    {"count", 'n', "N", takes_top, "print the table so often and end, rather than fill the terminal",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.lines = to_number<unsigned>(value)).value_or(0) > 0;
     }},
    {"no-wait", 0, "", takes_no_wait, "do not wait for the result", set_flag<&Arguments::no_wait>},
    {"when", 0, "TIME", takes_end, "then, not now: +MINUTES or HH:MM", set_text<&Arguments::when>},
    {"message", 'm', "TEXT", takes_end, "what people are told on their terminals besides",
     set_text<&Arguments::message>},
    {"no-wall", 0, "", takes_end, "do not tell people on their terminals", set_flag<&Arguments::no_wall>},
    {"force", 'f', "", takes_end, "at once, without stopping anything: data may be lost", set_flag<&Arguments::force>},
    // What sysvinit, systemd and busybox have besides; those without a meaning here do no harm. Not in the help.
    {"poweroff", 'p', "", takes_end, "", set_flag<&Arguments::power_off>},
    {"no-sync", 'n', "", takes_end, "", set_flag<&Arguments::no_sync>},
    {"wtmp-only", 'w', "", takes_end, "", set_flag<&Arguments::only_record>},
    {"no-wtmp", 'd', "", takes_end, "", [](Arguments&, std::string_view) { return true; }},
    {"ifdown", 'i', "", takes_end, "", [](Arguments&, std::string_view) { return true; }},
    {"lines", 'n', "N", takes_lines, "show so many log lines (10; 0: none)",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.lines = to_number<unsigned>(value)).has_value();
     }},
    {"timeout", 't', "TIME", takes_timeout, "give up after so long (\"10s\", \"2min\")",
     [](Arguments& arguments, std::string_view value) { return (arguments.timeout = span_of(value)).has_value(); }},
    {"for", 0, "STATE", takes_state, "the state to wait for (up)", set_text<&Arguments::state>},
    {"calendar", 0, "EXPRESSION", takes_calendar,
     "show what a calendar expression of a timer means, and its next times", set_text<&Arguments::calendar>},
    {"root", 0, "DIR", takes_source | takes_convert, "work on the file system below DIR, whatever init runs here",
     set_text<&Arguments::root>},
    {"config", 0, "FILE", takes_source, "the manager's file, instead of that of the init (/etc/miniinit.toml)",
     set_text<&Arguments::config>},
    {"units", 0, "DIR", takes_source, "look for units there (may be given again), not where the init looks",
     [](Arguments& arguments, std::string_view value) {
         arguments.units.emplace_back(value);
         return true;
     }},
    {"allow-insecure-units", 0, "", takes_source, "read files that others may write", set_flag<&Arguments::insecure>},
    {"full", 0, "", takes_full, "a copy of the whole unit, rather than a drop-in", set_flag<&Arguments::full>},
    {"property", 'p', "KEY=VALUE", takes_run, "a setting of the unit, as SECTION.KEY=VALUE (may be given again)",
     [](Arguments& arguments, std::string_view value) {
         arguments.properties.emplace_back(value);
         return true;
     }},
    {"name", 0, "NAME", takes_run, "the name of the unit (run-XXXXXX)", set_text<&Arguments::name>},
    {"wait", 'w', "", takes_run, "wait for its end, and exit as it did", set_flag<&Arguments::to_the_end>},
    {"clean", 0, "", takes_run, "in the clean context of a service: not here, and without this environment",
     set_flag<&Arguments::clean>},
    {"output", 'o', "DIR", takes_convert, "write a file NAME.toml for each unit there", set_text<&Arguments::output>},
    {"strict", 0, "", takes_convert, "exit with 1 also for what only comes near", set_flag<&Arguments::strict>},
    {"json", 'j', "", 0, "print JSON", set_flag<&Arguments::json>},
    {"control", 0, "PATH", 0, "the socket of the init (or $MINIINIT_CONTROL)", set_text<&Arguments::control>},
    {"user", 0, "", 0, "talk to your own manager, that of `miniinit --user`",
     [](Arguments& arguments, std::string_view) {
         arguments.system = false;
         return arguments.user = true;
     }},
    {"system", 0, "", 0, "talk to the init of the system",
     [](Arguments& arguments, std::string_view) {
         arguments.user = false;
         return arguments.system = true;
     }},
    {"help", 'h', "", 0, "this text", set_flag<&Arguments::help>},
};

bool taken(const Option& option, const Verb& verb) { return option.takes == 0 || (option.takes & verb.takes) != 0; }

void pad(std::string& line, std::size_t width) { line.append(line.size() < width ? width - line.size() : 1, ' '); }

} // namespace

std::optional<Span> span_of(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9')
        ++digits;
    std::optional<std::uint32_t> number = to_number<std::uint32_t>(text.substr(0, digits));
    const std::string_view unit = text.substr(digits);
    if (!number)
        return std::nullopt;
    if (unit.empty() || unit == "s")
        return std::chrono::seconds(*number);
    if (unit == "ms")
        return std::chrono::milliseconds(*number);
    if (unit == "min" || unit == "m")
        return std::chrono::minutes(*number);
    if (unit == "h")
        return std::chrono::hours(*number);
    return std::nullopt;
}

std::expected<Arguments, std::string> parse_arguments(const Verb& verb, int argc, char** argv) {
    std::vector<::option> longs;
    // `run` ends its options where its command begins.
    std::string letters = (verb.takes & takes_run) != 0 ? "+:" : ":";
    constexpr int first = 256; // above every letter
    for (int index = 0; const Option& option : options) {
        if (taken(option, verb)) {
            longs.push_back(
                {option.name, option.value.empty() ? no_argument : required_argument, nullptr, first + index});
            if (option.letter != 0) {
                letters += option.letter;
                letters += option.value.empty() ? "" : ":";
            }
        }
        ++index;
    }
    longs.push_back({});
    Arguments arguments;
    ::optind = 0; // getopt's own state: begin anew
    ::opterr = 0;
    for (;;) {
        const int asked_at = ::optind == 0 ? 1 : ::optind;
        const int got = ::getopt_long(argc, argv, letters.c_str(), longs.data(), nullptr);
        if (got == -1)
            break;
        if (got == ':' || got == '?') {
            std::string what = asked_at < argc ? argv[asked_at] : "";
            if (::optopt != 0 && ::optopt < first)
                what = std::string("-") + static_cast<char>(::optopt);
            else if (::optopt >= first)
                what = std::string("--") + options[::optopt - first].name;
            return std::unexpected(what +
                                   (got == ':' ? " needs a value" : " is no option of " + std::string(verb.name)));
        }
        for (int index = 0; const Option& option : options) {
            if (taken(option, verb) && (got == first + index || (got < first && got == option.letter)) &&
                !option.set(arguments, ::optarg != nullptr ? ::optarg : ""))
                return std::unexpected("--" + std::string(option.name) + " cannot be \"" + ::optarg + "\"");
            ++index;
        }
    }
    for (int i = ::optind; i < argc; ++i)
        arguments.words.emplace_back(argv[i]);
    if (arguments.help)
        return arguments;
    if (arguments.words.size() < verb.least)
        return std::unexpected(std::string(verb.name) + " needs " + std::string(verb.operands));
    if (arguments.words.size() > verb.most)
        return std::unexpected("too many words after " + std::string(verb.name) + ": " + arguments.words[verb.most]);
    return arguments;
}

std::vector<OptionWord> options_of(const Verb& verb) {
    std::vector<OptionWord> all;
    for (const Option& option : options)
        if (taken(option, verb) && !option.help.empty())
            all.push_back({std::string("--") + option.name, std::string(option.value), std::string(option.help)});
    return all;
}

std::string help_of(const Verb& verb) {
    std::string text = "Usage: minictl " + std::string(verb.name) + " [OPTIONS]";
    text += verb.operands.empty() ? "\n" : " " + std::string(verb.operands) + "\n";
    text += std::string(verb.summary) + "\n\nOptions:\n";
    for (const Option& option : options) {
        if (!taken(option, verb) || option.help.empty())
            continue;
        std::string line = option.letter != 0 ? std::string("  -") + option.letter + ", --" : std::string("      --");
        line += option.name;
        line += option.value.empty() ? "" : " " + std::string(option.value);
        pad(line, 30);
        text += line + std::string(option.help) + "\n";
    }
    return text + "\nExample:\n  " + std::string(verb.example) + "\n";
}

std::string help_overview() {
    std::string text = "Usage: minictl VERB [OPTIONS] [UNIT…]\nSteers and shows the units of miniinit.\n";
    std::string_view group;
    for (const Verb& verb : verbs()) {
        if (verb.group.empty())
            continue; // for tests
        if (verb.group != group) {
            group = verb.group;
            text += "\n" + std::string(group) + ":\n";
        }
        std::string line = "  " + std::string(verb.name) + " " + std::string(verb.operands);
        // A name with "…" has two bytes more than columns.
        pad(line, verb.operands.find("…") != std::string_view::npos ? 30 : 28);
        text += line + std::string(verb.summary) + "\n";
    }
    return text +
           "\nWhich init (before or after the verb):\n"
           "  --control PATH            the one with this socket; default: $MINIINIT_CONTROL\n"
           "  --system, --user          that of the system, or your own (`miniinit --user`); without any of\n"
           "                            these: that of the system where there is one, else your own\n"
           "\nEvery verb has --help, with an example, and --json. Exit codes: 0 done, 1 failed, 2 not understood,\n"
           "3 not running, 4 no such unit or not allowed.\n";
}

} // namespace mi::ctl
