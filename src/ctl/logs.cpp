#include "ctl/logs.hpp"

#include "ctl/exit_code.hpp"
#include "ctl/log_follow.hpp"
#include "ctl/log_reader.hpp"
#include "ctl/pager.hpp"
#include "os/user_place.hpp"

#include <getopt.h>
#include <regex.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <memory>

#include "base/printable.hpp"
#include "base/text.hpp"

namespace mi::ctl {
namespace {

namespace logs = wire::logs;

constexpr std::string_view help =
    "minictl logs [OPTION…] [UNIT…]\n"
    "Shows the logs of units (`*` and `?` match many; none: all), merged in time order.\n\n"
    "  -f, --follow          go on as lines are written; begins with the last 10\n"
    "  -n, --lines N         only the last N\n"
    "  -b, --boot [N]        since the init was started last; -1: of the run before, and so on\n"
    "      --list-boots      when the init was started, and which N that is\n"
    "  -r, --reverse         the latest first\n"
    "  -k, --kernel          those of the kernel: the unit `kernel`\n"
    "  -p, --priority WORD   this and more important: emerg alert crit err warning notice info debug\n"
    "      --facility NAME   of this facility of syslog(3), or of several: auth,daemon\n"
    "  -g, --grep REGEX      lines that match (POSIX extended; all in lower case: any case matches)\n"
    "  -S, --since TIME      \"2026-11-22 04:10:01\", \"04:10\", today, yesterday, -5min, \"2h ago\"\n"
    "  -U, --until TIME\n"
    "  -o, --output FORMAT   short, iso, json (one object a line), cat (only the text)\n"
    "      --json            the same as -o json\n"
    "      --no-pager        not through $MINIINIT_PAGER, $PAGER or less, as is done on a terminal\n"
    "  -D, --directory DIR   look here instead (repeatable)\n"
    "      --root DIR        look below this root file system\n"
    "      --user, --system  of your own init, or of the system's\n"
    "      --control PATH    of the init with this socket (default: $MINIINIT_CONTROL, if set)\n"
    "  -h, --help            this text\n"
    "\nExample:\n"
    "  minictl logs -f web                        what web writes, as it writes it\n"
    "  minictl logs --since -1h -p warning        what went wrong in the last hour\n";

// A compiled regular expression. POSIX's, because the C++ library's recurses on long lines.
class Pattern {
public:
    // The error in words, empty: none.
    std::string compile(const std::string& text) {
        const bool capitals =
            std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c) != 0; });
        regex_.reset(new regex_t);
        const int code = ::regcomp(regex_.get(), text.c_str(), REG_EXTENDED | REG_NOSUB | (capitals ? 0 : REG_ICASE));
        if (code == 0)
            return {};
        char message[256];
        ::regerror(code, regex_.get(), message, sizeof message);
        delete regex_.release(); // nothing to free in it
        return message;
    }
    // Also where the text has NULs.
    [[nodiscard]] bool matches(std::string_view text) const {
        regmatch_t whole{0, static_cast<regoff_t>(text.size())};
        return !regex_ || ::regexec(regex_.get(), text.data(), 1, &whole, REG_STARTEND) == 0;
    }

private:
    struct Free {
        void operator()(regex_t* regex) const {
            ::regfree(regex);
            delete regex;
        }
    };
    std::unique_ptr<regex_t, Free> regex_;
};

int complain(std::string_view text, int code) {
    (void)write_all(2, "minictl: logs: " + printable(text, Keep::lines) + "\n");
    return code;
}

WallTime wall_time() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return {std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000};
}

// Writes in large pieces, but at once where somebody waits for it.
class Output {
public:
    Output(LogOutput output, Style style) : output_(output), style_(style) {}
    // False: nobody reads any more.
    bool show(std::string_view unit, const logs::Line& line) {
        // `cat` gives back what was written: a line without an end is joined with the next of its stream, but with no
        // other.
        if (output_ == LogOutput::cat) {
            if (open_ && (unit != open_unit_ || line.source != open_source_))
                text_ += '\n';
            open_ = line.unended;
            open_unit_ = unit;
            open_source_ = line.source;
        }
        text_ += show_line(style_, output_, unit, line);
        return text_.size() < 64 * 1024 || flush();
    }
    bool flush() {
        const bool written = write_all(1, text_);
        text_.clear();
        return written;
    }

private:
    LogOutput output_;
    Style style_;
    std::string text_;
    bool open_ = false;
    std::string open_unit_;
    logs::Source open_source_ = logs::Source::out;
};

struct Held {
    std::string unit, text;
    logs::Line line;
};

bool is_wanted(const LogQuery& query, const Pattern& pattern, const logs::Line& line) {
    return line.priority <= query.least && (query.facilities >> line.facility & 1) != 0 && pattern.matches(line.text);
}

// Shows what is there. False: nobody reads any more.
bool show_present(const LogQuery& query, const Pattern& pattern, std::vector<UnitLog>& all, Output& output) {
    const bool backwards = query.reverse || query.last;
    Merge merge(all, {query.since, query.until}, backwards);
    std::deque<Held> held; // the last ones, to be shown in order
    std::size_t left = query.last.value_or(SIZE_MAX);
    while (left > 0) {
        auto line = merge.next();
        if (!line)
            break;
        if (!is_wanted(query, pattern, line->line))
            continue;
        --left;
        if (backwards && !query.reverse)
            held.push_front({std::string(line->unit), std::string(line->line.text), line->line});
        else if (!output.show(line->unit, line->line))
            return false;
    }
    for (Held& one : held) {
        one.line.text = one.text;
        if (!output.show(one.unit, one.line))
            return false;
    }
    return output.flush();
}

int follow(const LogQuery& query, const Pattern& pattern, Follower& follower, Output& output) {
    bool readable = true;
    for (;;) {
        follower.read([&](const LogLine& line) {
            if (is_wanted(query, pattern, line.line) && !(query.since && line.line.at < *query.since))
                readable = readable && output.show(line.unit, line.line);
        });
        if (!readable || !output.flush())
            return done; // like `head`: enough was seen
        if (auto waited = follower.wait(); !waited)
            return complain(waited.error().text(), failed);
    }
}

// When the init was started, the last time first, at most `most`: it says so in its own log.
std::vector<WallTime> boots_of(const LogQuery& query, std::size_t most) {
    std::vector<std::string> complaints; // are made when the logs themselves are read
    std::vector<UnitLog> own = open_logs(query.directories, {"miniinit"}, complaints);
    Merge merge(own, {}, true);
    std::vector<WallTime> boots;
    while (boots.size() < most) {
        auto line = merge.next();
        if (!line)
            break;
        if (logs::tells_of_start(line->line))
            boots.push_back(line->line.at);
    }
    return boots;
}

int list_boots(const LogQuery& query) {
    constexpr std::size_t most = 10'000;
    const std::vector<WallTime> boots = boots_of(query, most);
    std::string text;
    for (std::size_t i = boots.size(); i-- > 0;) {
        const std::string number = std::to_string(-static_cast<std::int64_t>(i));
        if (query.output == LogOutput::json)
            text += "{\"boot\":" + number + ",\"time\":\"" + logs::stamp_of(boots[i]) + "\"}\n";
        else
            text += std::string(number.size() < 5 ? 5 - number.size() : 0, ' ') + number + "  " +
                    local_time(boots[i].micros) + "\n";
    }
    return write_all(1, text) ? done : failed;
}

// Narrows the query to the boot that is asked for. The error in words, empty: none.
std::string choose_boot(LogQuery& query) {
    const auto back = static_cast<std::size_t>(-*query.boot);
    const std::vector<WallTime> boots = boots_of(query, back + 1);
    if (boots.size() <= back)
        return "--boot: the log does not reach back so far (--list-boots shows how far)";
    query.since = std::max(query.since.value_or(boots[back]), boots[back]);
    if (back > 0) {
        const WallTime end{boots[back - 1].micros - 1};
        query.until = std::min(query.until.value_or(end), end);
    }
    return {};
}

int show(LogQuery& query) {
    if (query.boot)
        if (std::string wrong = choose_boot(query); !wrong.empty())
            return complain(wrong, failed);
    Pattern pattern;
    if (!query.pattern.empty())
        if (std::string wrong = pattern.compile(query.pattern); !wrong.empty())
            return complain("--grep: " + wrong, usage);
    // A unit's file is open as long as its turn may come.
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &files);
    }
    std::vector<std::string> complaints;
    std::vector<UnitLog> all = open_logs(query.directories, query.units, complaints);
    for (const std::string& complaint : complaints)
        (void)complain(complaint, failed);
    int result = complaints.empty() ? done : failed;
    if (!query.follow)
        for (const std::string& unit : query.units)
            if (std::none_of(all.begin(), all.end(),
                             [&](const UnitLog& log) { return matches_pattern(log.unit, unit); }))
                result = complain("no log of " + unit +
                                      ": it has written nothing yet, or there is no such unit (see minictl list --all)",
                                  refused);
    const Style style = style_of(1);
    std::optional<Pager> pager;
    // Who gives us no keyboard does not want to be asked for keys.
    if (query.pager && !query.follow && style.terminal && ::isatty(STDIN_FILENO) == 1)
        pager = Pager::start();
    Output output(query.output, style);
    std::optional<Follower> follower;
    if (query.follow) {
        auto started = Follower::start(query.directories, query.units, all);
        if (!started)
            return complain(started.error().text(), failed);
        follower = std::move(*started);
        if (!query.last && !query.since)
            query.last = 10;
    }
    if (!show_present(query, pattern, all, output))
        return done;
    if (follower) {
        all.clear();
        return follow(query, pattern, *follower, output);
    }
    return result;
}

// Sets what the option says; the error in words, empty: none.
std::string take_option(LogQuery& query, int option, const std::string& value) {
    switch (option) {
    case 'n': {
        auto number = to_number<std::size_t>(value);
        if (!number)
            return "--lines: not a number: " + value;
        query.last = number;
        return {};
    }
    case 'p': {
        auto priority = logs::priority_of(value);
        if (!priority)
            return "--priority: not one of emerg alert crit err warning notice info debug: " + value;
        query.least = *priority;
        return {};
    }
    case 'F':
        query.facilities = 0;
        for (std::string_view word : split(value, ',')) {
            auto facility = logs::facility_of(word);
            if (!facility)
                return "--facility: not one of kern user mail daemon auth syslog lpr news uucp cron authpriv ftp "
                       "local0 to local7: " +
                       std::string(word);
            query.facilities |= 1u << *facility;
        }
        return {};
    case 'S':
    case 'U': {
        auto moment = parse_moment(value, wall_time());
        if (!moment)
            return std::string(option == 'S' ? "--since" : "--until") + ": not a time: " + value;
        (option == 'S' ? query.since : query.until) = moment;
        return {};
    }
    case 'o':
        if (value == "short")
            query.output = LogOutput::brief;
        else if (value == "iso")
            query.output = LogOutput::iso;
        else if (value == "json")
            query.output = LogOutput::json;
        else if (value == "cat")
            query.output = LogOutput::cat;
        else
            return "--output: not one of short iso json cat: " + value;
        return {};
    default: return {};
    }
}

} // namespace

std::string_view logs_help() { return help; }

std::vector<std::string> log_directories(bool user, const std::string& root) {
    if (user) {
        const os::UserPlace place = os::user_place();
        std::vector<std::string> directories{place.state + "/log"};
        for (const std::string& run : place.run_directories)
            directories.push_back(run + "/log");
        return directories;
    }
    return {root + "/var/log/miniinit", root + "/run/log/miniinit"};
}

int logs(int argc, char** argv, std::vector<std::string> directories) {
    static const option options[] = {{"follow", no_argument, nullptr, 'f'},
                                     {"lines", required_argument, nullptr, 'n'},
                                     {"reverse", no_argument, nullptr, 'r'},
                                     {"priority", required_argument, nullptr, 'p'},
                                     {"grep", required_argument, nullptr, 'g'},
                                     {"since", required_argument, nullptr, 'S'},
                                     {"until", required_argument, nullptr, 'U'},
                                     {"output", required_argument, nullptr, 'o'},
                                     {"json", no_argument, nullptr, 'j'},
                                     {"directory", required_argument, nullptr, 'D'},
                                     {"root", required_argument, nullptr, 'R'},
                                     {"user", no_argument, nullptr, 'u'},
                                     {"kernel", no_argument, nullptr, 'k'},
                                     {"boot", no_argument, nullptr, 'b'},
                                     {"facility", required_argument, nullptr, 'F'},
                                     {"list-boots", no_argument, nullptr, 'L'},
                                     {"no-pager", no_argument, nullptr, 'P'},
                                     {"help", no_argument, nullptr, 'h'},
                                     {nullptr, 0, nullptr, 0}};
    LogQuery query;
    query.directories = std::move(directories);
    std::vector<std::string> own;
    bool kernel = false, list = false;
    opterr = 0;
    optind = 0; // from the beginning, whoever used getopt before
    for (int option = 0; (option = ::getopt_long(argc, argv, "fbn:rkp:g:S:U:o:D:h", options, nullptr)) != -1;) {
        const std::string value = optarg != nullptr ? optarg : "";
        switch (option) {
        case 'f': query.follow = true; break;
        case 'r': query.reverse = true; break;
        case 'g': query.pattern = value; break;
        case 'k': kernel = true; break;
        case 'j': query.output = LogOutput::json; break;
        case 'D': own.push_back(value); break;
        case 'R': query.directories = log_directories(false, value); break;
        case 'u': query.directories = log_directories(true); break;
        case 'b':
            // The number may stand apart, and looks like an option then.
            query.boot = 0;
            if (optind < argc)
                if (auto number = to_number<std::int32_t>(argv[optind]); number && *number <= 0) {
                    query.boot = number;
                    ++optind;
                }
            break;
        case 'L': list = true; break;
        case 'P': query.pager = false; break;
        case 'h': return write_all(1, help) ? done : failed;
        case '?':
            return complain(std::string("not understood: ") + argv[optind - 1] + "; see minictl logs --help", usage);
        default:
            if (std::string wrong = take_option(query, option, value); !wrong.empty())
                return complain(wrong, usage);
        }
    }
    if (!own.empty())
        query.directories = std::move(own);
    query.units.assign(argv + optind, argv + argc);
    if (list)
        return list_boots(query);
    if (kernel)
        query.units.emplace_back("kernel");
    if (query.follow && query.reverse)
        return complain("--follow and --reverse contradict each other", usage);
    return show(query);
}

} // namespace mi::ctl
