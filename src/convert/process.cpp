// The context of a service: who it runs as, its environment, its scheduling, where it reads and writes.
#include "base/accounts.hpp"
#include "base/join.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"
#include "convert/steps.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr Table here = Table::process;

class Process : Step {
public:
    Process(const Source& source, const Identity& identity, std::size_t sockets)
        : Step(source, here), identity_(identity), sockets_(sockets) {}

    Output run() {
        accounts();
        environment();
        working_directory();
        scheduling();
        io_priority();
        streams();
        logging();
        return std::move(out_);
    }

private:
    // Whether a key has been set to the name of an account.
    bool account(const Assignment* of, std::string_view key) {
        const std::optional<std::string> name = of != nullptr ? text(*of) : std::nullopt;
        if (name && !is_account(*name)) {
            lost(of, not_an_account);
            return false;
        }
        if (name)
            set_text(key, *name);
        return name.has_value();
    }

    void accounts() {
        const Assignment* user = last("User");
        const Assignment* group = last("Group");
        bool named = identity_.changes_itself;
        if (named) {
            near(user, "the service is started as root, with all its commands, and goes over to it by itself");
            near(group, "the service is started as root, and goes over to it by itself");
        } else {
            named = account(user, "user");
            account(group, "group");
        }
        if (const Assignment* dynamic = last("DynamicUser"); is_yes(dynamic)) {
            // Never as root instead: until somebody makes the user, the service does not start.
            if (!named)
                set_text("user", source_.name.substr(0, source_.name.find('@')));
            lost(dynamic, "users are not made up: the account has to be made once (useradd --system)");
        }
    }

    void environment() {
        std::vector<std::pair<std::string, std::string>> variables;
        for (const Assignment* each : all("Environment"))
            for (const std::string& word : words(*each)) {
                const std::size_t equals = word.find('=');
                std::string name = word.substr(0, equals);
                if (equals == word.npos || !config::is_variable_name(name)) {
                    lost(each, "\"" + word + "\" sets no variable");
                    continue;
                }
                auto same = std::ranges::find_if(variables, [&](const auto& pair) { return pair.first == name; });
                if (same == variables.end())
                    same = variables.insert(variables.end(), {std::move(name), {}});
                same->second = word.substr(equals + 1);
            }
        for (const auto& [name, value] : variables)
            set("environment." + name, quoted(value));
    }

    void working_directory() {
        const Assignment* of = last("WorkingDirectory");
        std::optional<std::string> path = of != nullptr ? text(*of) : std::nullopt;
        if (!path)
            return;
        if (path->starts_with('-')) {
            path->erase(0, 1);
            near(of, "it has to be there, else the start fails");
        }
        if (*path == "~")
            path = home(of);
        if (path && path->starts_with('/'))
            set_text("working-directory", *path);
        else if (path)
            lost(of, "it is no absolute path");
    }

    // The home directory of the service's user, as the system below the root knows him.
    std::optional<std::string> home(const Assignment* of) {
        const std::string_view user = source_.value("User");
        const std::string name(user.empty() ? "root" : user);
        if (std::optional<std::string> accounts = source_.lookup.text(source_.search_path.root + "/etc/passwd"))
            for (const PasswdLine& line : passwd_lines(*accounts))
                if ((line.name == name || std::to_string(line.uid) == name) && !line.home.empty() &&
                    is_plain_text(line.home))
                    return std::string(line.home);
        lost(of, "the home directory of " + name + " is not known");
        return std::nullopt;
    }

    void scheduling() {
        const Assignment* policy = last("CPUSchedulingPolicy");
        const Assignment* priority = last("CPUSchedulingPriority");
        const std::string word = policy != nullptr ? policy->value : "other";
        if (word == "fifo" || word == "rr") {
            const auto level = priority != nullptr ? whole_number(*priority, 1, 99) : std::nullopt;
            set_text("scheduling", word + ":" + std::to_string(level.value_or(1)));
        } else if (is_one_of(word, "other batch idle")) {
            if (policy != nullptr)
                set_text("scheduling", word);
            note(priority, "only the policies fifo and rr have priorities");
        } else {
            lost(policy, "there is no such policy");
            lost(priority, "it belongs to a policy that is not known");
        }
    }

    void io_priority() {
        const Assignment* of_class = last("IOSchedulingClass");
        const Assignment* priority = last("IOSchedulingPriority");
        if (of_class == nullptr && priority == nullptr)
            return;
        const std::string_view word = of_class != nullptr ? std::string_view(of_class->value) : "best-effort";
        const auto level = priority != nullptr ? whole_number(*priority, 0, 7) : std::optional<std::int64_t>(4);
        if (!level)
            return;
        if (is_one_of(word, "idle 3"))
            set_text("io-priority", "idle");
        else if (is_one_of(word, "realtime 1"))
            set_text("io-priority", "realtime:" + std::to_string(*level));
        else if (is_one_of(word, "best-effort 2"))
            set_text("io-priority", "best-effort:" + std::to_string(*level));
        else if (is_one_of(word, "none 0"))
            note(of_class, "it is the default");
        else
            lost(of_class, "there is no such class");
    }

    // --- streams ----------------------------------------------------------------------------------------------------------

    void streams() {
        const Assignment* in = last("StandardInput");
        if (in == nullptr && source_.accepts)
            out_.say(source_.file(), 0, Weight::near,
                     "the connection is the standard input, and not descriptor 3 as sd_listen_fds(3) expects");
        const std::string input = input_of(in);
        // Where it reads from a terminal or a connection, it writes there too.
        const std::string inherited = input == "tty" ? "inherit" : input == "socket" ? "socket" : "log";
        const std::string output = stream(last("StandardOutput"), inherited, input);
        const std::string errors = stream(last("StandardError"), output, input);
        terminal(input);
        if (output != "log")
            set_text("stdout", output);
        if (errors != "log")
            set_text("stderr", errors);
    }

    // Where the standard input comes from: null, tty, socket or file:PATH.
    std::string input_of(const Assignment* in) {
        const std::string usual = source_.accepts ? "socket" : "null"; // a connection is the standard input in any case
        if (in == nullptr)
            return usual;
        const std::string& word = in->value;
        if (is_one_of(word, "tty tty-force tty-fail"))
            return "tty";
        if (source_.accepts && word == "null") {
            near(in, "the connection is the standard input, and not descriptor 3");
            return usual;
        }
        if (word == "socket" && !has_socket()) {
            lost(in, "that takes one socket");
            return usual;
        }
        if (word == "socket" || word == "null")
            return word;
        if (word.starts_with("file:/"))
            return text(*in).value_or(usual);
        lost(in, "the standard input is null, tty, socket or file:PATH");
        return usual;
    }

    // Whether there is a socket that can be a standard stream.
    [[nodiscard]] bool has_socket() const { return source_.accepts || sockets_ == 1; }

    // Where one of stdout and stderr goes. `fallback`: where it is not said, or to inherit.
    std::string stream(const Assignment* of, const std::string& fallback, const std::string& input) {
        if (of == nullptr)
            return fallback;
        const std::string_view word = of->value;
        if (word == "inherit")
            return of->key == "StandardOutput" && input == "null" ? "null" : fallback;
        if (word == "null")
            return "null";
        if (is_one_of(word, "journal syslog kmsg"))
            return "log";
        if (is_one_of(word, "journal+console syslog+console kmsg+console")) {
            near(of, "it goes to the log, and not to the console as well");
            return "log";
        }
        if (word == "tty")
            return input == "tty" ? "inherit" : terminal_stream(fallback);
        if (word == "socket" && has_socket())
            return "socket";
        if (word != "socket") {
            const std::size_t colon = word.find(':');
            const std::optional<std::string> whole =
                colon != word.npos && is_one_of(word.substr(0, colon), "file append truncate") ? text(*of)
                                                                                               : std::nullopt;
            if (whole && whole->substr(colon).starts_with(":/")) {
                if (!word.starts_with("append"))
                    near(of, "the file is appended to");
                return "file" + whole->substr(colon);
            }
        }
        lost(of, word == "socket" ? "that takes one socket" : "output goes to log, console, null, socket or file:PATH");
        return fallback;
    }

    // Where a service writes that does not read from a terminal, but writes to one.
    std::string terminal_stream(const std::string& fallback) {
        const Assignment* path = last("TTYPath");
        if (path == nullptr || path->value == "/dev/console")
            return "console";
        const std::optional<std::string> terminal = absolute_path(*path);
        return terminal ? "file:" + *terminal : fallback;
    }

    void terminal(const std::string& input) {
        const Assignment* path = last("TTYPath");
        const std::optional<std::string> given = path != nullptr ? absolute_path(*path) : std::nullopt;
        const std::string terminal = given.value_or("/dev/console");
        const bool reads = input == "tty";
        if (reads && !terminal.starts_with("/dev/"))
            return lost(path, "a terminal is below /dev");
        if (input != "null")
            set_text("stdin", input);
        if (reads)
            set_text("tty", terminal);
    }

    void logging() {
        if (const Assignment* prefix = last("SyslogLevelPrefix"))
            say(prefix, truth(*prefix).value_or(true) ? Weight::note : Weight::near,
                "<N> prefixes always set the priority");
        const Assignment* burst = last("LogRateLimitBurst");
        const Assignment* interval = last("LogRateLimitIntervalSec");
        const Assignment* of = burst != nullptr ? burst : interval;
        if (of == nullptr)
            return;
        const std::optional<std::int64_t> lines = burst != nullptr ? whole(burst->value) : 10000;
        const std::optional<Time> span =
            interval != nullptr ? time_span(interval->value) : Time{false, std::chrono::seconds(30)};
        if (!lines || *lines < 0 || *lines > 1'000'000'000 || !span)
            return lost(of, "it is no rate");
        const std::int64_t seconds = span->infinite ? 0 : span->span / std::chrono::seconds(1);
        if (seconds == 0 || *lines == 0)
            out_.toml.set(Table::log, "rate-limit", "0"); // no limit, in both
        else if (span->span != std::chrono::seconds(seconds) || seconds > 1'000'000'000)
            lost(of, "its interval is not one of whole seconds");
        else
            out_.toml.set(Table::log, "rate-limit",
                          quoted(std::to_string(*lines) + "/" + std::to_string(seconds) + "s"));
    }

    const Identity& identity_;
    const std::size_t sockets_;
};

} // namespace

Identity identity_of(const Source& source) {
    const std::string_view user = source.value("User"), command = source.value("ExecStart");
    const bool is_root = user.empty() || user == "root" || user == "0";
    const std::string_view prefixes = command.substr(0, command.find_first_not_of("-@:+! "));
    Identity identity;
    identity.is_dynamic = truth(source.value("DynamicUser")) == true;
    identity.changes_itself = !is_root && prefixes.find_first_of("+!") != prefixes.npos;
    identity.is_root = identity.changes_itself || (!identity.is_dynamic && is_root);
    return identity;
}

Output convert_process(const Source& source, const Identity& identity, std::size_t sockets) {
    return Process(source, identity, sockets).run();
}

} // namespace mi::convert
