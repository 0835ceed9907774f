// Converts the context of a service: accounts, environment, scheduling, standard streams, terminal, log.
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"

namespace mi::convert {

namespace {

class ProcessStep : ConversionStep {
public:
    ProcessStep(const UnitSource& source, const Identity& identity, std::size_t sockets)
        : ConversionStep(source, Table::process), identity_(identity), sockets_(sockets) {}

    StepOutput run() {
        accounts();
        environment();
        credentials();
        working_directory();
        scheduling();
        io_priority();
        streams();
        logging();
        return std::move(out_);
    }

private:
    // Sets the key to the name of an account.
    void account(const Assignment& of, std::string_view key) {
        const std::optional<std::string> name = text(of);
        if (name && is_account(*name))
            set_text(key, *name);
        else if (name)
            lost(of, not_an_account);
    }

    void accounts() {
        const Assignment& user = last("User");
        const Assignment& group = last("Group");
        if (identity_.changes_itself) {
            near(user, "the service is started as root, with all its commands, and goes over to it by itself");
            near(group, "the service is started as root, and goes over to it by itself");
        } else {
            account(user, "user");
            account(group, "group");
        }
        if (is_yes(last("DynamicUser")))
            set("dynamic-user", "true");
    }

    void environment() {
        for (const Assignment& each : all("Environment"))
            for (const std::string& word : words(each)) {
                const std::size_t equals = word.find('=');
                const std::string name = word.substr(0, equals);
                if (equals != word.npos && config::is_shell_variable_name(name))
                    set("environment." + name, quoted(word.substr(equals + 1)));
                else
                    lost(each, "\"" + word + "\" sets no variable");
            }
        if (!source_.value("EnvironmentFile").empty())
            set_text("environment-syntax", "systemd");
        if (truth(last("IgnoreSIGPIPE")).value_or(true))
            set("ignore-sigpipe", "true");
        search_path();
    }

    // Where programs without a '/' are looked for; under systemd it becomes the PATH of the service, too.
    void search_path() {
        std::string path;
        const Assignments given = all("ExecSearchPath");
        for (const Assignment& each : given)
            for (const std::string& word : words(each))
                for (std::string_view part : split(word, ':'))
                    if (part.starts_with('/'))
                        join_to(path, part, ":");
                    else
                        lost(each, "\"" + std::string(part) + "\" is no absolute path");
        if (path.empty())
            return;
        if (out_.toml.has(Table::process, "environment.PATH"))
            near(given.back(), "PATH is set by Environment=, and programs are looked for there");
        else
            set("environment.PATH", quoted(path));
    }

    // NAME:PATH, or a name that the machine's credentials have.
    void credentials() {
        for (const Assignment& each : all("LoadCredential")) {
            const std::optional<std::string> value = text(each);
            if (!value)
                continue;
            const std::size_t colon = value->find(':');
            const std::string name = value->substr(0, colon);
            const std::string path = colon == value->npos ? name : value->substr(colon + 1);
            if (name.empty() || name.find('/') != name.npos || name.front() == '.' || path.empty() ||
                (path.front() != '/' && path.find('/') != path.npos)) {
                lost(each, "it is not NAME:PATH");
                continue;
            }
            // The member's name stands in quotes: it may have a dot.
            set("credentials." + quoted(name), quoted(path));
            if (path.front() != '/')
                near(each, "it is looked for in /run/credentials/@system alone");
        }
    }

    void working_directory() {
        const Assignment& of = last("WorkingDirectory");
        std::optional<std::string> path = text(of);
        if (path && path->starts_with('-')) {
            path->erase(0, 1);
            near(of, "it has to be there, else the start fails");
        }
        if (path == "~" || (path && path->starts_with('/')))
            set_text("working-directory", *path);
        else if (path)
            lost(of, "it is no absolute path");
    }

    void scheduling() {
        const Assignment& policy = last("CPUSchedulingPolicy");
        const Assignment& priority = last("CPUSchedulingPriority");
        const std::string word(policy.value_or("other"));
        if (is_one_of(word, "fifo rr")) {
            set_text("scheduling", word + ":" + std::to_string(whole_number(priority, 1, 99).value_or(1)));
        } else if (is_one_of(word, "other batch idle")) {
            if (policy.is_set())
                set_text("scheduling", word);
            note(priority, "only the policies fifo and rr have priorities");
        } else {
            lost(policy, "there is no such policy");
            lost(priority, "it belongs to a policy that is not known");
        }
    }

    void io_priority() {
        const Assignment& given = last("IOSchedulingClass");
        const Assignment& priority = last("IOSchedulingPriority");
        const std::optional<std::int64_t> level = priority.is_set() ? whole_number(priority, 0, 7) : 4;
        if (!level || (!given.is_set() && !priority.is_set()))
            return;
        const std::string_view word = given.value_or("best-effort");
        if (is_one_of(word, "idle 3"))
            set_text("io-priority", "idle");
        else if (is_one_of(word, "realtime 1"))
            set_text("io-priority", "realtime:" + std::to_string(*level));
        else if (is_one_of(word, "best-effort 2"))
            set_text("io-priority", "best-effort:" + std::to_string(*level));
        else if (is_one_of(word, "none 0"))
            note(given, "it is the default");
        else
            lost(given, "there is no such class");
    }

    // --- streams ----------------------------------------------------------------------------------------------------------

    void streams() {
        const Assignment& in = last("StandardInput");
        if (!in.is_set() && source_.accepts)
            out_.say(source_.file(), 0, Weight::near,
                     "the connection is the standard input, and not descriptor 3 as sd_listen_fds(3) expects");
        const std::string input = input_of(in);
        // A service that reads from a terminal or a connection writes there, too, unless it says otherwise.
        const std::string inherited = input == "tty" ? "inherit" : input == "socket" ? "socket" : "log";
        const std::string output = stream(last("StandardOutput"), inherited, input);
        const std::string errors = stream(last("StandardError"), output, input);
        terminal(input);
        if (output != "log")
            set_text("stdout", output);
        if (errors != "log")
            set_text("stderr", errors);
    }

    // The value of `stdin`: null, tty, socket or file:PATH.
    std::string input_of(const Assignment& in) {
        const std::string usual = source_.accepts ? "socket" : "null"; // a connection is always the standard input
        if (!in.is_set())
            return usual;
        const std::string& word = in.value;
        if (is_one_of(word, "tty tty-force tty-fail"))
            return "tty";
        if (source_.accepts && word == "null")
            near(in, "the connection is the standard input, and not descriptor 3");
        else if (word == "socket" && !has_socket())
            lost(in, "that takes one socket");
        else if (word.starts_with("file:/"))
            return text(in).value_or(usual);
        else if (is_one_of(word, "socket null"))
            return word;
        else
            lost(in, "the standard input is null, tty, socket or file:PATH");
        return usual;
    }

    // True if there is one socket, which can be a standard stream.
    [[nodiscard]] bool has_socket() const { return source_.accepts || sockets_ == 1; }

    // The value of `stdout` or `stderr`. `fallback`: the value if it is not set, or inherited.
    std::string stream(const Assignment& of, const std::string& fallback, const std::string& input) {
        if (!of.is_set())
            return fallback;
        const std::string_view word = of.value;
        if (word == "inherit")
            return of.key == "StandardOutput" && input == "null" ? "null" : fallback;
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
        const std::size_t colon = word.find(":");
        const bool is_file = colon != word.npos && is_one_of(word.substr(0, colon), "file append truncate");
        if (const auto whole = is_file ? text(of) : std::nullopt; whole && whole->substr(colon).starts_with(":/")) {
            if (!word.starts_with("append"))
                near(of, "the file is appended to");
            return "file" + whole->substr(colon);
        }
        lost(of, word == "socket" ? "that takes one socket" : "output goes to log, console, null, socket or file:PATH");
        return fallback;
    }

    // The output of a service that writes to a terminal, but does not read from it.
    std::string terminal_stream(const std::string& fallback) {
        if (last("TTYPath").value_or("/dev/console") == "/dev/console")
            return "console";
        const std::optional<std::string> terminal = terminal_path();
        return terminal ? "file:" + *terminal : fallback;
    }

    // TTYPath=. An instance of a template that is named like a terminal has no '-' that would stand for a '/', so %I is %i.
    std::optional<std::string> terminal_path() {
        const Assignment& given = last("TTYPath");
        Assignment path = given;
        for (std::size_t at = path.value.find("%I"); at != path.value.npos; at = path.value.find("%I", at + 2))
            path.value[at + 1] = 'i';
        return absolute_path(path);
    }

    void terminal(const std::string& input) {
        const Assignment& path = last("TTYPath");
        const bool reads = input == "tty";
        const std::optional<std::string> terminal = path.is_set() ? terminal_path() : "/dev/console";
        if (reads && !terminal)
            return; // it is said why, and no other terminal will do
        if (reads && !terminal->starts_with("/dev/"))
            return lost(path, "a terminal is below /dev");
        if (input != "null")
            set_text("stdin", input);
        if (reads)
            set_text("tty", *terminal);
    }

    void logging() {
        const Assignment& prefix = last("SyslogLevelPrefix");
        say(prefix, truth(prefix).value_or(true) ? Weight::note : Weight::near, "<N> prefixes always set the priority");
        const Assignment& burst = last("LogRateLimitBurst");
        const Assignment& interval = last("LogRateLimitIntervalSec");
        const Assignment& of = burst.is_set() ? burst : interval;
        const std::optional<std::int64_t> lines = whole(burst.value_or("10000"));
        const std::optional<Time> span = time_span(interval.value_or("30"));
        if (!of.is_set())
            return;
        if (!lines || *lines < 0 || *lines > 1'000'000'000 || !span)
            return lost(of, "it is no rate");
        const std::int64_t seconds = span->infinite ? 0 : span->span / std::chrono::seconds(1);
        if (seconds == 0 || *lines == 0)
            out_.toml.set(Table::log, "rate-limit", "0"); // 0 means no limit under systemd, too
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

Identity identity_of(const UnitSource& source) {
    const std::string_view user = source.value("User"), command = source.value("ExecStart");
    const bool is_root = user.empty() || user == "root" || user == "0";
    const std::string_view prefixes = command.substr(0, command.find_first_not_of("-@:+! "));
    Identity identity;
    identity.is_dynamic = truth(source.value("DynamicUser")) == true;
    identity.changes_itself = !is_root && prefixes.find_first_of("+!") != prefixes.npos;
    identity.is_root = identity.changes_itself || (!identity.is_dynamic && is_root);
    return identity;
}

StepOutput convert_process(const UnitSource& source, const Identity& identity, std::size_t sockets) {
    return ProcessStep(source, identity, sockets).run();
}

} // namespace mi::convert
