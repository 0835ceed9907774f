#include "ctl/options.hpp"

#include "base/clock.hpp"
#include "base/duration.hpp"
#include "base/text.hpp"
#include "ctl/top/top_table.hpp"
#include "wire/enums.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

using Words = std::vector<std::string_view>;

template <bool Arguments::* member>
bool set_flag(Arguments& arguments, std::string_view) {
    arguments.*member = true;
    return true;
}
template <bool LogQuery::* member>
bool set_log_flag(Arguments& arguments, std::string_view) {
    arguments.logs.*member = true;
    return true;
}
template <std::string Arguments::* member>
bool set_text(Arguments& arguments, std::string_view value) {
    arguments.*member = value;
    return !value.empty();
}
template <std::vector<std::string> Arguments::* member>
bool add_text(Arguments& arguments, std::string_view value) {
    (arguments.*member).emplace_back(value);
    return true;
}
template <wire::Ending how>
bool set_ending(Arguments& arguments, std::string_view) {
    arguments.how = how;
    return true;
}
bool set_nothing(Arguments&, std::string_view) { return true; }

template <typename E>
Words words_of() {
    Words words;
    for (unsigned i = 0; i < wire::Words<E>::count; ++i)
        words.push_back(wire::word(static_cast<E>(i)));
    return words;
}
Words words_to_wait_for() {
    Words words = words_of<core::Phase>();
    words.insert(words.end(), {"healthy", "unhealthy"});
    return words;
}
Words facilities() {
    Words words;
    for (wire::logs::Facility facility = 0; facility < wire::logs::facilities; ++facility)
        words.push_back(wire::logs::word_of_facility(facility));
    return words;
}

// "auth,daemon"
bool set_facilities(Arguments& arguments, std::string_view value) {
    arguments.logs.facilities = 0;
    for (std::string_view word : split(value, ',')) {
        auto facility = wire::logs::facility_of(word);
        if (!facility)
            return false;
        arguments.logs.facilities |= 1u << *facility;
    }
    return true;
}
// "up,failed"; a state of systemd stands for one or several of ours.
bool set_states(Arguments& arguments, std::string_view value) {
    using enum core::Phase;
    constexpr auto bits = [](std::initializer_list<core::Phase> phases) {
        std::uint32_t sum = 0;
        for (const core::Phase phase : phases)
            sum |= 1u << static_cast<unsigned>(phase);
        return sum;
    };
    constexpr std::pair<std::string_view, std::uint32_t> theirs[] = {
        {"active", bits({up, reloading, done})},
        {"running", bits({up, reloading})},
        {"exited", bits({done})},
        {"inactive", bits({down, skipped})},
        {"dead", bits({down, skipped})},
        {"activating", bits({waiting, starting, backoff})},
        {"deactivating", bits({stopping})},
    };
    for (const std::string_view word : split(value, ',')) {
        const auto* found = std::ranges::find(theirs, word, [](const auto& each) { return each.first; });
        core::Phase phase{};
        if (found != std::end(theirs))
            arguments.states |= found->second;
        else if (wire::from_word(word, phase))
            arguments.states |= bits({phase});
        else
            return false;
    }
    return arguments.states != 0;
}
// A timer is a service here, which `list --timers` shows.
bool set_kind(Arguments& arguments, std::string_view value) {
    core::Kind kind{};
    if (value == "timer")
        arguments.timers = true;
    else if (wire::from_word(value, kind))
        arguments.kind = kind;
    else
        return false;
    return true;
}
// "all" is the default.
bool set_last(Arguments& arguments, std::string_view value) {
    arguments.logs.last = to_number<std::size_t>(value);
    return arguments.logs.last.has_value() || value == "all";
}
bool set_boot(Arguments& arguments, std::string_view value) {
    const auto number = value.empty() ? 0 : to_number<std::int32_t>(value);
    if (!number || *number > 0)
        return false;
    arguments.logs.boot = number;
    return true;
}

constexpr Option options[] = {
    {"all", 'a', "", takes_all, "also what is down", set_flag<&Arguments::all>},
    {"all", 'a', "", takes_every, "every process of the unit, not only the main one", set_flag<&Arguments::all>},
    {"failed", 'F', "", takes_failed, "only what failed or is to be tried again", set_flag<&Arguments::failed>},
    {"state", 0, "STATE,…", takes_failed, "only what is in one of these states", set_states, words_of<core::Phase>},
    {"type", 't', "TYPE", takes_failed, "only services, or only targets", set_kind, words_of<core::Kind>},
    {"timers", 'T', "", takes_timers, "what timers run, and when that is next", set_flag<&Arguments::timers>},
    {"files", 0, "", takes_timers, "every unit that there is a file of, and whether it is started at boot",
     set_flag<&Arguments::files>},
    {"http", 0, "", takes_http,
     "answer one HTTP request from standard input to standard output, for an inetd-style unit",
     set_flag<&Arguments::http>},
    {"reverse", 'r', "", takes_reverse, "what needs the unit, rather than what it needs",
     set_flag<&Arguments::reverse>},
    {"from", 0, "UNIT", takes_graph, "only this unit and what it depends on", set_text<&Arguments::from>},
    {"to", 0, "UNIT", takes_graph, "only this unit and what depends on it; with --from: what lies between",
     set_text<&Arguments::to>},
    {"trace", 0, "", takes_trace, "the same for chrome://tracing and Perfetto, rather than a picture",
     set_flag<&Arguments::trace>},
    {"sort", 's', "COLUMN", takes_top, "by cpu, memory, tasks, restarts, uptime, name or state (cpu)",
     [](Arguments& arguments, std::string_view value) { return order_named(value, arguments.sort); },
     [] { return Words(order_words.begin(), order_words.end()); }},
    {"delay", 'd', "TIME", takes_top, "between two looks (2s)",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.every = span_of(value)).has_value() && *arguments.every >= std::chrono::milliseconds(100);
     }},
    {"count", 'n', "N", takes_top, "print the table so often and end, rather than fill the terminal",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.lines = to_number<unsigned>(value)).value_or(0) > 0;
     }},
    {"expect", 'e', "REGEX", takes_check, "something in the answer of http:// has to match this (extended, POSIX)",
     set_text<&Arguments::expect>},
    {"status", 's', "CODE", takes_check, "the answer of http:// has to have this code (200 to 399)",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.http_status = to_number<unsigned>(value)).has_value();
     }},
    {"quiet", 'q', "", takes_check, "print nothing where all is well", set_flag<&Arguments::quiet>},
    {"quiet", 'q', "", takes_quiet, "print nothing: the exit code tells", set_flag<&Arguments::quiet>},
    {"now", 0, "", takes_now, "now as well: a unit with a timer, or that runs on demand, is armed, and not run",
     set_flag<&Arguments::now>},
    {"no-wait", 0, "", takes_no_wait, "do not wait for the result", set_flag<&Arguments::no_wait>},
    {"no-block", 0, "", takes_no_wait, "", set_flag<&Arguments::no_wait>},

    // For `logs`.
    {"follow", 'f', "", takes_logs, "go on as lines are written; begins with the last 10",
     set_log_flag<&LogQuery::follow>},
    {"lines", 'n', "N", takes_logs, "only the last N", set_last},
    {"unit", 'u', "UNIT", takes_logs, "of this unit, as one that is named (may be given again)",
     [](Arguments& arguments, std::string_view value) {
         arguments.logs.units.emplace_back(value);
         return true;
     }},
    {"pager-end", 'e', "", takes_logs, "the last 1000, beginning at the end where there is a pager",
     set_log_flag<&LogQuery::at_end>},
    {"boot", 'b', "[N]", takes_logs, "since the init was started last; -1: of the run before, and so on", set_boot},
    {"list-boots", 0, "", takes_logs, "when the init was started, and which N that is",
     set_log_flag<&LogQuery::list_boots>},
    {"reverse", 'r', "", takes_logs, "the latest first", set_log_flag<&LogQuery::reverse>},
    {"kernel", 'k', "", takes_logs, "those of the kernel: the unit `kernel`", set_log_flag<&LogQuery::kernel>},
    {"priority", 'p', "WORD", takes_logs, "this and more important: emerg alert crit err warning notice info debug",
     [](Arguments& arguments, std::string_view value) {
         const auto least = wire::logs::priority_of(value);
         arguments.logs.least = least.value_or(wire::logs::Priority::debug);
         return least.has_value();
     },
     [] { return Words{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}; }},
    {"facility", 0, "NAME", takes_logs, "of this facility of syslog(3), or of several: auth,daemon", set_facilities,
     facilities},
    {"grep", 'g', "REGEX", takes_logs, "lines that match (POSIX extended; all in lower case: any case matches)",
     [](Arguments& arguments, std::string_view value) {
         arguments.logs.pattern = value;
         return true;
     }},
    {"since", 'S', "TIME", takes_logs, "\"2026-11-22 04:10:01\", \"04:10\", today, yesterday, 10m, \"2h ago\"",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.logs.since = parse_moment(value, wall_now())).has_value();
     }},
    {"until", 'U', "TIME", takes_logs, "no later than then",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.logs.until = parse_moment(value, wall_now())).has_value();
     }},
    {"output", 'o', "FORMAT", takes_logs, "short, iso, json (one object a line), cat (only the text)",
     [](Arguments& arguments, std::string_view value) { return output_named(value, arguments.logs.output); },
     [] { return Words(log_outputs.begin(), log_outputs.end()); }},
    {"no-pager", 0, "", takes_logs, "not through $MINIINIT_PAGER, $PAGER or less, as is done on a terminal",
     set_log_flag<&LogQuery::no_pager>},
    {"directory", 'D', "DIR", takes_logs, "look here instead (may be given again)",
     [](Arguments& arguments, std::string_view value) {
         arguments.logs.directories.emplace_back(value);
         return true;
     }},

    // For users of `journalctl` and `docker logs`: this is the default here.
    {"tail", 0, "N", takes_logs, "", set_last},
    {"catalog", 'x', "", takes_logs, "", set_nothing},
    {"quiet", 'q', "", takes_logs, "", set_nothing},
    {"full", 'l', "", takes_logs | takes_lines, "", set_nothing},
    {"no-pager", 0, "", takes_lines, "", set_nothing},

    // For verbs that end the machine.
    {"when", 0, "TIME", takes_end, "then, not now: +MINUTES or HH:MM", set_text<&Arguments::when>},
    {"message", 'm', "TEXT", takes_end, "what people are told on their terminals besides",
     set_text<&Arguments::message>},
    {"", 'h', "", takes_shutdown, "power off (also without any of these)", set_ending<wire::Ending::poweroff>},
    {"poweroff", 'P', "", takes_shutdown, "power off", set_ending<wire::Ending::poweroff>},
    {"halt", 'H', "", takes_shutdown, "halt", set_ending<wire::Ending::halt>},
    {"reboot", 'r', "", takes_shutdown, "reboot", set_ending<wire::Ending::reboot>},
    {"", 'k', "", takes_shutdown, "only tell people", set_flag<&Arguments::warn_only>},
    {"cancel", 'c', "", takes_end | takes_shutdown, "cancel what is scheduled", set_flag<&Arguments::cancel>},
    {"no-wall", 0, "", takes_end | takes_shutdown, "do not tell people on their terminals",
     set_flag<&Arguments::no_wall>},
    {"force", 'f', "", takes_end, "at once, without stopping anything: data may be lost", set_flag<&Arguments::force>},
    // Options of sysvinit, systemd and busybox; those without a meaning here are accepted and ignored.
    {"poweroff", 'p', "", takes_end, "", set_ending<wire::Ending::poweroff>},
    {"no-sync", 'n', "", takes_end, "", set_flag<&Arguments::no_sync>},
    {"wtmp-only", 'w', "", takes_end, "", set_flag<&Arguments::only_record>},
    {"no-wtmp", 'd', "", takes_end, "", set_nothing},
    {"ifdown", 'i', "", takes_end, "", set_nothing},
    // Options of other inits: check file systems at the next boot, who may do this, the time before SIGKILL. `-f` must
    // never force the end of the machine.
    {"", 'f', "", takes_shutdown, "", set_nothing},
    {"", 'F', "", takes_shutdown, "", set_nothing},
    {"", 'a', "", takes_shutdown, "", set_nothing},
    {"", 'q', "", takes_shutdown, "", set_nothing},
    {"", 't', "SECONDS", takes_shutdown, "", set_nothing},

    {"lines", 'n', "N", takes_lines, "show so many log lines (10; 0: none)",
     [](Arguments& arguments, std::string_view value) {
         return (arguments.lines = to_number<unsigned>(value)).has_value();
     }},
    {"timeout", 't', "TIME", takes_timeout, "give up after so long (\"10s\", \"2min\")",
     [](Arguments& arguments, std::string_view value) { return (arguments.timeout = span_of(value)).has_value(); }},
    {"for", 0, "STATE", takes_state, "the state to wait for (up); also healthy and unhealthy",
     [](Arguments& arguments, std::string_view value) {
         core::Health health{};
         if (value.ends_with("healthy") && wire::from_word(value, health))
             arguments.health = health;
         else
             return wire::from_word(value, arguments.state);
         return true;
     },
     words_to_wait_for},
    {"calendar", 0, "EXPRESSION", takes_calendar,
     "show what a calendar expression of a timer means, and its next times", set_text<&Arguments::calendar>},
    {"root", 0, "DIR", takes_source | takes_convert | takes_logs,
     "work on the file system below DIR, whatever init runs here", set_text<&Arguments::root>},
    {"config", 0, "FILE", takes_source, "the manager's file, instead of that of the init (/etc/miniinit.toml)",
     set_text<&Arguments::config>},
    {"units", 0, "DIR", takes_source, "look for units there (may be given again), not where the init looks",
     add_text<&Arguments::units>},
    {"allow-insecure-units", 0, "", takes_source, "read files that others may write", set_flag<&Arguments::insecure>},
    {"full", 0, "", takes_full, "a copy of the whole unit, rather than a drop-in", set_flag<&Arguments::full>},
    {"property", 'p', "KEY=VALUE", takes_run, "a setting of the unit, as SECTION.KEY=VALUE (may be given again)",
     add_text<&Arguments::properties>},
    {"name", 0, "NAME", takes_run, "the name of the unit (run-XXXXXX)", set_text<&Arguments::name>},
    {"wait", 'w', "", takes_run, "wait for its end, show what it writes, and exit as it did",
     set_flag<&Arguments::to_the_end>},
    {"pipe", 'P', "", takes_run, "the same, and pass standard input on to it",
     [](Arguments& arguments, std::string_view) { return arguments.to_the_end = arguments.pipe = true; }},
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
    {"help", 'h', "", 0, "what there is, with an example", set_flag<&Arguments::help>},
    {"version", 0, "", takes_version, "the version of minictl and of the running init", set_flag<&Arguments::version>},
};

} // namespace

constexpr Verb before_verb{"", "", "", "", "", takes_version, 0, any_number, nullptr};

std::vector<Option> options_of(const Verb& verb) {
    std::vector<Option> all;
    for (const Option& option : options) {
        if (option.takes != 0 && (option.takes & verb.takes) == 0)
            continue;
        const bool taken = std::ranges::find(all, option.letter, &Option::letter) != all.end();
        all.push_back(option);
        if (taken)
            all.back().letter = 0;
    }
    return all;
}

const Option* option_of_word(const std::vector<Option>& all, std::string_view word) {
    for (const Option& option : all)
        if ((word.starts_with("--") && word.substr(2) == option.name && word.size() > 2) ||
            (word.size() == 2 && word[0] == '-' && word[1] == option.letter))
            return &option;
    return nullptr;
}

} // namespace mi::ctl
