// The context of a service: who it runs as, its environment, its limits, where it reads and writes.
#include "base/accounts.hpp"
#include "base/join.hpp"
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"
#include "convert/words.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr Table here = Table::process;

class Process {
public:
    explicit Process(Draft& draft) : draft_(draft) {}

    void run() {
        accounts();
        environment();
        places();
        numbers();
        limits();
        streams();
        terminal();
        logging();
    }

private:
    void say(const Assignment* of, Weight weight, std::string_view why) {
        if (of != nullptr)
            draft_.say(*of, here, weight, why);
    }

    // --- who --------------------------------------------------------------------------------------------------------------

    static bool is_account(std::string_view name) {
        return !name.empty() && name.size() < 256 && name.front() != '-' &&
               std::ranges::none_of(
                   name,
                   [](char c) {
                       return c == ':' || c == '/' || c == ',' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
                   });
    }

    bool account(const Assignment* of, std::string_view key) {
        if (of == nullptr)
            return false;
        std::optional<std::string> name = draft_.text(*of, here);
        if (name && !is_account(*name))
            name.reset(), say(of, Weight::lost, "it is no name that an account can have");
        if (name)
            draft_.sheet.set_text(here, key, *name);
        return name.has_value();
    }

    void accounts() {
        const Assignment* dynamic = draft_.last("DynamicUser");
        const Assignment* user = draft_.last("User");
        const Assignment* group = draft_.last("Group");
        if (draft_.own_drop) {
            say(user, Weight::near,
                "the service is started as root, with all its commands, and goes over to it by itself");
            say(group, Weight::near, "the service is started as root, and goes over to it by itself");
            user = group = nullptr;
        }
        bool named = account(user, "user") || draft_.own_drop;
        account(group, "group");
        if (dynamic != nullptr && draft_.truth(*dynamic, here) == true) {
            // Never as root instead: until somebody makes the user, the service does not start.
            if (!named)
                draft_.sheet.set_text(here, "user", draft_.name.substr(0, draft_.name.find('@')));
            say(dynamic, Weight::lost, "users are not made up: the account has to be made once (useradd --system)");
        }
        std::vector<std::string> groups;
        for (const Assignment* each : draft_.all("SupplementaryGroups"))
            if (auto words = draft_.words(*each, here))
                for (std::string& word : *words) {
                    if (is_account(word))
                        groups.push_back(std::move(word));
                    else
                        say(each, Weight::lost, "it is no name that an account can have");
                }
        if (!groups.empty())
            draft_.sheet.set(here, "supplementary-groups", array(groups));
    }

    // --- environment ------------------------------------------------------------------------------------------------------

    void environment() {
        std::vector<std::pair<std::string, std::string>> variables;
        for (const Assignment* each : draft_.all("Environment"))
            for (const std::string& word : draft_.words(*each, here).value_or(std::vector<std::string>{})) {
                std::size_t equals = word.find('=');
                std::string name = word.substr(0, equals);
                if (equals == std::string::npos || !config::is_variable_name(name)) {
                    say(each, Weight::lost, "\"" + word + "\" sets no variable");
                    continue;
                }
                auto same = std::ranges::find_if(variables, [&](const auto& pair) { return pair.first == name; });
                if (same == variables.end())
                    same = variables.insert(variables.end(), {name, {}});
                same->second = word.substr(equals + 1);
            }
        std::string table;
        for (const auto& [name, value] : variables) {
            join_to(table, name + " = " + quoted(value));
            draft_.environment.push_back(name);
        }
        if (!variables.empty())
            draft_.sheet.set(here, "environment", "{ " + table + " }");
        files();
        std::vector<std::string> passed;
        for (const Assignment* each : draft_.all("PassEnvironment"))
            for (std::string_view name : blank_separated(each->value))
                if (config::is_variable_name(name))
                    passed.emplace_back(name);
                else
                    say(each, Weight::lost, "it is no name of a variable");
        if (!passed.empty())
            draft_.sheet.set(here, "pass-environment", array(passed));
        for (const Assignment* each : draft_.all("UnsetEnvironment"))
            say(each, Weight::note, "an environment begins with nothing but what the unit and the manager set");
    }

    void files() {
        std::vector<std::string> files;
        for (const Assignment* each : draft_.all("EnvironmentFile")) {
            std::optional<std::string> path = draft_.text(*each, here);
            if (!path)
                continue;
            const std::string_view bare = std::string_view(*path).substr(path->starts_with('-') ? 1 : 0);
            if (!bare.starts_with('/'))
                say(each, Weight::lost, "it is no absolute path");
            else if (bare.find_first_of("*?[") != bare.npos)
                say(each, Weight::lost, "patterns of paths are not matched: name the files");
            else
                files.push_back(std::move(*path));
        }
        if (!files.empty())
            draft_.sheet.set(here, "environment-files", array(files));
    }

    // --- where ------------------------------------------------------------------------------------------------------------

    void places() {
        if (const Assignment* directory = draft_.last("WorkingDirectory")) {
            std::optional<std::string> path = draft_.text(*directory, here);
            if (path && path->starts_with('-')) {
                path->erase(0, 1);
                say(directory, Weight::near, "it has to be there, else the start fails");
            }
            if (path && *path == "~")
                path = home(*directory);
            if (path && path->starts_with('/'))
                draft_.sheet.set_text(here, "working-directory", *path);
            else if (path)
                say(directory, Weight::lost, "it is no absolute path");
        }
        if (const Assignment* directory = draft_.last("RootDirectory"))
            if (std::optional<std::string> path = draft_.path(*directory, here); path && *path != "/")
                draft_.sheet.set_text(here, "root-directory", *path);
    }

    // Of the service's user, as the system below the root knows him.
    std::optional<std::string> home(const Assignment& of) {
        const Assignment* user = draft_.last("User");
        const std::string name = user != nullptr ? user->value : "root";
        if (std::optional<std::string> accounts = draft_.lookup.text(draft_.place.root + "/etc/passwd"))
            for (const PasswdLine& line : passwd_lines(*accounts))
                if ((line.name == name || std::to_string(line.uid) == name) && !line.home.empty() &&
                    is_plain_text(line.home))
                    return std::string(line.home);
        say(&of, Weight::lost, "the home directory of " + name + " is not known");
        return std::nullopt;
    }

    // --- numbers ----------------------------------------------------------------------------------------------------------

    void integer(std::string_view key, std::string_view ours, std::int64_t low, std::int64_t high) {
        const Assignment* of = draft_.last(key);
        if (of == nullptr)
            return;
        if (std::optional<std::int64_t> number = whole(of->value); number && *number >= low && *number <= high)
            draft_.sheet.set(here, ours, std::to_string(*number));
        else
            say(of, Weight::lost, "it is no number from " + std::to_string(low) + " to " + std::to_string(high));
    }

    void numbers() {
        if (const Assignment* mask = draft_.last("UMask")) {
            std::optional<std::uint32_t> mode = config::parse_mode(mask->value);
            if (mode && *mode <= 0777)
                draft_.sheet.set_text(here, "umask", mask->value);
            else
                say(mask, Weight::lost, "it is no mode");
        }
        integer("Nice", "nice", -20, 19);
        integer("OOMScoreAdjust", "oom-score-adjust", -1000, 1000);
        affinity();
        scheduling();
        io_priority();
    }

    void affinity() {
        std::vector<std::string> processors;
        for (const Assignment* each : draft_.all("CPUAffinity")) {
            std::string list = each->value;
            std::ranges::replace(list, ',', ' ');
            for (std::string_view word : blank_separated(list)) {
                std::vector<std::string_view> ends = split(word, '-');
                std::optional<unsigned> from = to_number<unsigned>(ends.front()), to = to_number<unsigned>(ends.back());
                if (!from || !to || *from > *to || *to > 8191 || ends.size() > 2)
                    say(each, Weight::lost, "\"" + std::string(word) + "\" is neither a processor nor a range of them");
                else
                    processors.push_back(ends.size() == 1 ? std::to_string(*from)
                                                          : quoted(std::to_string(*from) + "-" + std::to_string(*to)));
            }
        }
        if (!processors.empty())
            draft_.sheet.set(here, "cpu-affinity", "[" + join(processors) + "]");
    }

    void scheduling() {
        const Assignment* policy = draft_.last("CPUSchedulingPolicy");
        const Assignment* priority = draft_.last("CPUSchedulingPriority");
        const Assignment* reset = draft_.last("CPUSchedulingResetOnFork");
        const std::string_view word = policy != nullptr ? std::string_view(policy->value) : "other";
        if (word == "fifo" || word == "rr") {
            std::int64_t level = 1;
            if (priority != nullptr) {
                std::optional<std::int64_t> number = whole(priority->value);
                if (number && *number >= 1 && *number <= 99)
                    level = *number;
                else
                    say(priority, Weight::lost, "it is no number from 1 to 99");
            }
            draft_.sheet.set_text(here, "scheduling", std::string(word) + ":" + std::to_string(level));
        } else if (word == "other" || word == "batch" || word == "idle") {
            if (policy != nullptr)
                draft_.sheet.set_text(here, "scheduling", word);
            say(priority, Weight::note, "only the policies fifo and rr have priorities");
        } else {
            say(policy, Weight::lost, "there is no such policy");
            say(priority, Weight::lost, "it belongs to a policy that is not known");
        }
        if (reset != nullptr && draft_.truth(*reset, here) == true)
            say(reset, Weight::lost, "children inherit the policy");
    }

    void io_priority() {
        const Assignment* of_class = draft_.last("IOSchedulingClass");
        const Assignment* priority = draft_.last("IOSchedulingPriority");
        if (of_class == nullptr && priority == nullptr)
            return;
        const std::string_view word = of_class != nullptr ? std::string_view(of_class->value) : "best-effort";
        std::int64_t level = 4;
        if (priority != nullptr) {
            std::optional<std::int64_t> number = whole(priority->value);
            if (!number || *number < 0 || *number > 7)
                return say(priority, Weight::lost, "it is no number from 0 to 7");
            level = *number;
        }
        if (word == "idle" || word == "3")
            draft_.sheet.set_text(here, "io-priority", "idle");
        else if (word == "realtime" || word == "1")
            draft_.sheet.set_text(here, "io-priority", "realtime:" + std::to_string(level));
        else if (word == "best-effort" || word == "2")
            draft_.sheet.set_text(here, "io-priority", "best-effort:" + std::to_string(level));
        else if (word == "none" || word == "0")
            say(of_class, Weight::note, "it is the default");
        else
            say(of_class, Weight::lost, "there is no such class");
    }

    // --- limits -----------------------------------------------------------------------------------------------------------

    // One bound of a limit as TOML; empty: it is none.
    static std::string bound(std::string_view name, std::string_view text) {
        constexpr std::string_view in_bytes = " AS CORE DATA FSIZE MEMLOCK MSGQUEUE RSS STACK ";
        if (text == "infinity")
            return "\"unlimited\"";
        if (name == "CPU" || name == "RTTIME") {
            std::optional<Time> time =
                time_span(text, name == "CPU" ? Span(std::chrono::seconds(1)) : Span(std::chrono::microseconds(1)));
            const std::int64_t unit = name == "CPU" ? 1'000'000'000 : 1000;
            return !time            ? ""
                   : time->infinite ? "\"unlimited\""
                                    : std::to_string((time->span.count() + unit - 1) / unit);
        }
        if (name == "NICE" && (text.starts_with('+') || text.starts_with('-'))) {
            std::optional<std::int64_t> nice = whole(text);
            return nice && *nice >= -20 && *nice <= 19 ? std::to_string(20 - *nice) : "";
        }
        if (in_bytes.find(" " + std::string(name) + " ") == in_bytes.npos) {
            std::optional<std::uint64_t> number = to_number<std::uint64_t>(text);
            return !number ? "" : *number > INT64_MAX ? "\"unlimited\"" : std::to_string(*number);
        }
        std::optional<Size> bytes = byte_size(text);
        if (!bytes || bytes->percent)
            return {};
        return bytes->infinite ? "\"unlimited\"" : std::to_string(bytes->number);
    }

    void limits() {
        std::string table;
        for (std::string_view name : {"AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE",
                                      "NOFILE", "NPROC", "RSS", "RTPRIO", "RTTIME", "SIGPENDING", "STACK"}) {
            const Assignment* of = draft_.last("Limit" + std::string(name));
            if (of == nullptr)
                continue;
            const std::size_t colon = of->value.find(':');
            const std::string soft = bound(name, trim(std::string_view(of->value).substr(0, colon)));
            const std::string hard =
                colon == std::string::npos ? soft : bound(name, trim(std::string_view(of->value).substr(colon + 1)));
            const bool above = soft == "\"unlimited\""
                                   ? hard != soft
                                   : hard != "\"unlimited\"" &&
                                         (soft.size() > hard.size() || (soft.size() == hard.size() && soft > hard));
            if (soft.empty() || hard.empty() || above) {
                say(of, Weight::lost, "it is no limit");
                continue;
            }
            std::string key(name);
            std::ranges::transform(key, key.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
            table +=
                (table.empty() ? "{ " : ", ") + key + " = " + (soft == hard ? soft : "[" + soft + ", " + hard + "]");
        }
        if (!table.empty())
            draft_.sheet.set(here, "limits", table + " }");
    }

    // --- streams ----------------------------------------------------------------------------------------------------------

    void streams() {
        const Assignment* in = draft_.last("StandardInput");
        std::string input =
            draft_.accepts ? "socket" : "null"; // a connection's process has it as its stdin in any case
        if (in != nullptr) {
            const std::string_view word = in->value;
            if (word == "tty" || word == "tty-force" || word == "tty-fail") {
                input = "tty";
            } else if (word == "socket" || word == "null") {
                if (draft_.accepts && word == "null")
                    say(in, Weight::near, "the connection is the standard input, and not descriptor 3");
                else
                    input = word;
            } else if (word.starts_with("file:/")) {
                if (std::optional<std::string> path = draft_.text(*in, here))
                    input = *path;
            } else {
                say(in, Weight::lost, "the standard input is null, tty, socket or file:PATH");
            }
        } else if (draft_.accepts) {
            draft_.say(draft_.main().files.empty() ? draft_.main().unit : draft_.main().files.front(), 0, Weight::near,
                       "the connection is the standard input, and not descriptor 3 as sd_listen_fds(3) expects");
        }
        if (input == "socket" && !has_socket()) {
            say(in, Weight::lost, "that takes one socket");
            input = "null";
        }
        // Where it reads from a terminal or a connection, it writes there too.
        const std::string inherited = input == "tty" ? "inherit" : input == "socket" ? "socket" : "";
        const Assignment* out = draft_.last("StandardOutput");
        const Assignment* error = draft_.last("StandardError");
        std::string output = stream(out, inherited.empty() ? "log" : inherited, input);
        std::string errors = stream(error, output, input);
        if (input != "null")
            draft_.sheet.set_text(here, "stdin", input);
        if (output != "log")
            draft_.sheet.set_text(here, "stdout", output);
        if (errors != "log")
            draft_.sheet.set_text(here, "stderr", errors);
        for (std::string_view key : {"StandardInputText", "StandardInputData"})
            for (const Assignment* each : draft_.all(key))
                say(each, Weight::lost, "the standard input is null, tty, socket or file:PATH");
    }

    // Whether there is one that can be a standard stream.
    [[nodiscard]] bool has_socket() const { return draft_.accepts || draft_.addresses.size() == 1; }

    // Where one of stdout and stderr goes. `fallback`: where it is not said, or to inherit.
    std::string stream(const Assignment* of, const std::string& fallback, const std::string& input) {
        if (of == nullptr)
            return fallback;
        const std::string_view word = of->value;
        if (word == "inherit")
            return of->key == "StandardOutput" && input == "null" ? "null" : fallback;
        if (word == "null")
            return "null";
        if (word == "journal" || word == "syslog" || word == "kmsg")
            return "log";
        if (word == "journal+console" || word == "syslog+console" || word == "kmsg+console") {
            say(of, Weight::near, "it goes to the log, and not to the console as well");
            return "log";
        }
        if (word == "tty") {
            if (input == "tty")
                return "inherit";
            const Assignment* path = draft_.last("TTYPath");
            if (path == nullptr || path->value == "/dev/console")
                return "console";
            std::optional<std::string> terminal = draft_.path(*path, here);
            return terminal ? "file:" + *terminal : fallback;
        }
        if (word == "socket") {
            if (has_socket())
                return "socket";
            say(of, Weight::lost, "that takes one socket");
            return fallback;
        }
        for (std::string_view kind : {"file:", "append:", "truncate:"})
            if (word.starts_with(kind)) {
                std::optional<std::string> path = draft_.text(*of, here);
                if (path && path->size() > kind.size() && (*path)[kind.size()] == '/') {
                    if (kind != "append:")
                        say(of, Weight::near, "the file is appended to");
                    return "file:" + path->substr(kind.size());
                }
            }
        say(of, Weight::lost, "output goes to log, console, null, socket or file:PATH");
        return fallback;
    }

    void terminal() {
        const Assignment* path = draft_.last("TTYPath");
        const bool reads = draft_.sheet.has(here, "stdin") && is_tty();
        std::string terminal = "/dev/console";
        if (path != nullptr)
            if (std::optional<std::string> found = draft_.path(*path, here))
                terminal = *found;
        if (reads && terminal.starts_with("/dev/"))
            draft_.sheet.set_text(here, "tty", terminal);
        else if (reads)
            draft_.sheet.remove(here, "stdin"), say(path, Weight::lost, "a terminal is below /dev");
        for (std::string_view key : {"TTYReset", "TTYVHangup", "TTYVTDisallocate"})
            if (const Assignment* each = draft_.last(key))
                say(each, Weight::note, "a terminal that a service takes is always reset");
        for (std::string_view key : {"TTYColumns", "TTYRows"})
            if (const Assignment* each = draft_.last(key))
                say(each, Weight::lost, "the size of a terminal is left as it is");
    }
    bool is_tty() {
        const Assignment* in = draft_.last("StandardInput");
        return in != nullptr && in->value.starts_with("tty");
    }

    void logging() {
        for (std::string_view key : {"SyslogIdentifier", "SyslogFacility"})
            if (const Assignment* each = draft_.last(key))
                say(each, Weight::note, "every unit has a log of its own");
        if (const Assignment* prefix = draft_.last("SyslogLevelPrefix"))
            say(prefix, draft_.truth(*prefix, here).value_or(true) ? Weight::note : Weight::near,
                "<N> prefixes always set the priority");
        const Assignment* burst = draft_.last("LogRateLimitBurst");
        const Assignment* interval = draft_.last("LogRateLimitIntervalSec");
        if (burst == nullptr && interval == nullptr)
            return;
        std::optional<std::int64_t> lines = burst != nullptr ? whole(burst->value) : std::optional<std::int64_t>(10000);
        std::optional<Time> span =
            interval != nullptr ? time_span(interval->value) : Time{false, std::chrono::seconds(30)};
        const Assignment* of = burst != nullptr ? burst : interval;
        if (!lines || *lines < 0 || *lines > 1'000'000'000 || !span)
            return say(of, Weight::lost, "it is no rate");
        const std::int64_t seconds = span->infinite ? 0 : span->span / std::chrono::seconds(1);
        if (seconds == 0 || *lines == 0)
            draft_.sheet.set(Table::log, "rate-limit", "0"); // no limit, in both
        else if (span->span != std::chrono::seconds(seconds) || seconds > 1'000'000'000)
            say(of, Weight::lost, "its interval is not one of whole seconds");
        else
            draft_.sheet.set(Table::log, "rate-limit",
                             quoted(std::to_string(*lines) + "/" + std::to_string(seconds) + "s"));
    }

    Draft& draft_;
};

} // namespace

void convert_process(Draft& draft) { Process(draft).run(); }

} // namespace mi::convert
