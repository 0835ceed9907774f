#include "ctl/logs/logs.hpp"

#include "ctl/logs/elsewhere.hpp"
#include "ctl/logs/log_follow.hpp"
#include "ctl/logs/log_reader.hpp"
#include "ctl/logs/pager.hpp"
#include "ctl/unit_names.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/file/user_place.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <optional>

#include "base/glob.hpp"
#include "base/join.hpp"
#include "base/regex.hpp"
#include "base/text.hpp"

namespace mi::ctl {
namespace {

namespace logs = wire::logs;

// The expression of `-g`; it ignores case unless it has a capital letter.
std::expected<Regex, std::string> compile(const std::string& pattern) {
    const bool capitals = std::ranges::any_of(pattern, [](unsigned char c) { return std::isupper(c) != 0; });
    return Regex::compile(pattern, capitals ? 0 : REG_ICASE);
}

// Buffers output, but writes at once if the user is waiting for it.
class Output {
public:
    Output(const Context& context, LogOutput output) : context_(context), output_(output) {}
    // False: the reader has gone, or writing failed.
    bool show(std::string_view unit, const logs::Line& line) {
        // `cat` restores the original: it joins an unfinished line with the next one of the same stream, but with no
        // other.
        if (output_ == LogOutput::cat) {
            if (open_ && (unit != open_unit_ || line.source != open_source_))
                text_ += '\n';
            open_ = line.unended;
            open_unit_ = unit;
            open_source_ = line.source;
        }
        text_ += show_line(context_.out, output_, unit, line);
        return text_.size() < 64 * 1024 || flush();
    }
    bool flush() {
        const bool written = context_.write_out(text_);
        text_.clear();
        return written;
    }

private:
    const Context& context_;
    LogOutput output_;
    std::string text_;
    bool open_ = false;
    std::string open_unit_;
    logs::Source open_source_ = logs::Source::out;
};

struct Held {
    std::string unit, text;
    logs::Line line;
};

bool is_wanted(const LogQuery& query, const std::optional<Regex>& pattern, const logs::Line& line) {
    return line.priority <= query.least && (query.facilities >> line.facility & 1) != 0 &&
           (!pattern || pattern->matches(line.text));
}

// Shows the existing lines. False: the reader has gone.
bool show_present(const LogQuery& query, const std::optional<Regex>& pattern, std::vector<UnitLog>& all,
                  Output& output) {
    const bool backwards = query.reverse || query.last;
    Merge merge(all, {query.since, query.until}, backwards);
    std::deque<Held> held; // the last lines, to be shown in order
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

int follow(const Context& context, const LogQuery& query, const std::optional<Regex>& pattern, Follower& follower,
           Output& output) {
    bool readable = true;
    for (;;) {
        follower.read([&](const LogLine& line) {
            if (is_wanted(query, pattern, line.line) && !(query.since && line.line.at < *query.since))
                readable = readable && output.show(line.unit, line.line);
        });
        if (!readable || !output.flush())
            return done; // as with `head`: the reader has seen enough
        if (auto waited = follower.wait(); !waited)
            return context.fail(waited.error().text());
    }
}

// The times at which the init was started, latest first, at most `most`, from the init's own log.
std::vector<WallTime> boots_of(const LogQuery& query, std::size_t most) {
    std::vector<std::string> complaints; // they are reported when the logs themselves are read
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

int list_boots(const Context& context, const LogQuery& query) {
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
    return context.print(text);
}

// Restricts the query to the chosen boot. Returns an error in words, or empty.
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

std::string why_no_log(const Context& context, const std::string& unit) {
    std::string others;
    if (context.arguments.root.empty())
        for (const std::string& path : other_logs(context, unit))
            join_to(others, path);
    return others.empty() ? "it has written nothing yet, or there is no such unit (see minictl list --all)"
                          : "it has written nothing here; see " + others;
}

// A reader of a log may look for what is written elsewhere.
void tell_of_others(const Context& context, const LogQuery& query) {
    if (!context.err.terminal || !context.arguments.root.empty())
        return;
    for (const std::string& unit : query.units) {
        std::string others;
        for (const std::string& path : other_logs(context, unit))
            join_to(others, path);
        if (!others.empty())
            context.note(unit + " has logs of its own, too: " + others + "\n");
    }
}

int show(const Context& context, LogQuery& query) {
    if (query.boot)
        if (std::string wrong = choose_boot(query); !wrong.empty())
            return context.fail(wrong);
    std::optional<Regex> pattern;
    if (!query.pattern.empty()) {
        auto compiled = compile(query.pattern);
        if (!compiled)
            return context.fail("--grep: " + compiled.error(), usage);
        pattern = std::move(*compiled);
    }
    // A unit's file stays open as long as its lines may come next.
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &files);
    }
    std::vector<std::string> complaints;
    std::vector<UnitLog> all = open_logs(query.directories, query.units, complaints);
    for (const std::string& complaint : complaints)
        (void)context.fail(complaint);
    int result = complaints.empty() ? done : failed;
    if (!query.follow)
        for (const std::string& unit : query.units)
            if (std::none_of(all.begin(), all.end(),
                             [&](const UnitLog& log) { return matches_pattern(log.unit, unit); }))
                result = context.fail("no log of " + unit + ": " + why_no_log(context, unit), refused);
    std::optional<Pager> pager;
    // Without a keyboard the user cannot use a pager.
    if (!query.no_pager && !query.follow && context.out.terminal && ::isatty(STDIN_FILENO) == 1)
        pager = Pager::start(query.at_end);
    Output output(context, query.output);
    std::optional<Follower> follower;
    if (query.follow) {
        auto started = Follower::start(query.directories, query.units, all);
        if (!started)
            return context.fail(started.error().text());
        follower = std::move(*started);
        if (!query.last && !query.since)
            query.last = 10;
    }
    if (!show_present(query, pattern, all, output))
        return done;
    if (result == done)
        tell_of_others(context, query);
    if (follower) {
        all.clear();
        return follow(context, query, pattern, *follower, output);
    }
    return result;
}

// The log directories of the chosen init. An init that is named, or the user's own, reports them; those of the system
// are found without the init, because it may be the one that has failed.
std::vector<std::string> directories_of(const Context& context) {
    if (!context.arguments.root.empty())
        return log_directories(false, context.arguments.root);
    context.say_which();
    std::vector<std::string> directories = log_directories(context.of_user());
    if (!context.of_user() && context.socket_path() == Context::system_socket())
        return directories;
    if (auto overview = context.call(wire::GetOverview{}); overview && !overview->log_directory.empty())
        if (std::ranges::find(directories, overview->log_directory) == directories.end())
            return {overview->log_directory};
    return directories;
}

// `web.service` means the unit web, unless a unit with that exact name has a log. An alias is a unit's name for an init that runs.
std::string name_in_logs(const Context& context, const LogQuery& query, const std::string& word) {
    std::vector<std::string> complaints; // they are reported when the logs are read
    const auto has_log = [&](const std::string& name) {
        return !open_logs(query.directories, {name}, complaints).empty();
    };
    std::string name(without_suffix(word).name);
    if (has_log(word))
        return word;
    if (!has_log(name) && context.arguments.root.empty())
        if (const auto found = context.call(wire::Status{{name}}); found && found->units.size() == 1)
            name = found->units.front().name;
    return name;
}

} // namespace

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

bool output_named(std::string_view word, LogOutput& output) {
    const auto at = std::ranges::find(log_outputs, word);
    if (at == log_outputs.end())
        return false;
    output = static_cast<LogOutput>(at - log_outputs.begin());
    return true;
}

int show_logs(Context& context) {
    LogQuery query = context.arguments.logs;
    if (query.directories.empty())
        query.directories = directories_of(context);
    std::ranges::copy(context.arguments.words, std::back_inserter(query.units));
    for (std::string& unit : query.units)
        unit = name_in_logs(context, query, unit);
    if (query.at_end && !query.last && !query.follow)
        query.last = 1000;
    if (context.arguments.json)
        query.output = LogOutput::json;
    if (query.list_boots)
        return list_boots(context, query);
    if (query.kernel)
        query.units.emplace_back("kernel");
    if (query.follow && query.reverse)
        return context.fail("--follow and --reverse contradict each other", usage);
    return show(context, query);
}

} // namespace mi::ctl
