// Converts the commands of a service. A command with variables, a command that may fail, or several commands in one
// directive become a shell command that does the same.
#include "base/signals.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"
#include "convert/words.hpp"

#include <map>

namespace mi::convert {

namespace {

// Variables that systemd sets for commands, and that are not set here.
constexpr std::string_view unset_variables =
    "EXIT_CODE EXIT_STATUS SERVICE_RESULT MONITOR_SERVICE_RESULT MONITOR_EXIT_CODE MONITOR_EXIT_STATUS MONITOR_UNIT "
    "MONITOR_INVOCATION_ID CREDENTIALS_DIRECTORY CACHE_DIRECTORY CONFIGURATION_DIRECTORY MANAGERPID SYSTEMD_EXEC_PID "
    "JOURNAL_STREAM PIDFILE TRIGGER_UNIT TRIGGER_PATH";

// Directives that confine a service, and that a command with `+` is not subject to.
constexpr std::string_view confining =
    "CapabilityBoundingSet AmbientCapabilities ProtectSystem ProtectHome ProtectKernelTunables ProtectKernelModules "
    "ProtectKernelLogs ProtectControlGroups ProtectClock PrivateTmp PrivateDevices PrivateNetwork ReadOnlyPaths "
    "ReadOnlyDirectories ReadWritePaths ReadWriteDirectories InaccessiblePaths InaccessibleDirectories "
    "SystemCallFilter "
    "NoNewPrivileges";

constexpr std::string_view for_another_type = "it is for Type=notify-reload";

// A command, and the assignment that it comes from.
struct GivenCommand {
    const Assignment* of;
    CommandLine line;
};

// The name of the signal if the command is `kill -HUP $MAINPID` or `kill -s HUP $MAINPID`; empty if it is another command.
std::string signal_of(const CommandLine& line) {
    const std::string text = line.shell();
    const std::vector<std::string_view> words = blank_separated(text);
    if (words.size() < 3 || words.size() > 4 || !is_one_of(words[0], "kill /bin/kill /usr/bin/kill") ||
        !is_one_of(words.back(), "$MAINPID \"${MAINPID}\"") || !words[1].starts_with('-'))
        return {};
    std::string_view word = words[1].substr(words[1].starts_with("-s") && words[1].size() > 2 ? 2 : 1);
    if (words.size() == 4)
        word = is_one_of(words[1], "-s -n") ? words[2] : "";
    const std::optional<int> signal = signal_number(word);
    return signal ? signal_name(*signal) : "";
}

// With -f the shell does not expand * and ? in the value of a variable, just as systemd does not.
std::string shell_command(const std::string& text, bool splits) {
    return array({"/bin/sh", splits ? "-fc" : "-c", text});
}

// A command as TOML. `ignored`: its failure is ignored.
std::string toml_of(const CommandLine& line, bool ignored) {
    if (line.plain() && !ignored)
        return array(line.arguments());
    return shell_command((ignored ? "" : "exec ") + line.shell() + (ignored ? " || :" : ""), line.splits());
}

// An array of words, with a '+' before the program if the command is bound to nothing.
std::string marked(std::string words, bool free) {
    if (free)
        words.insert(words.find('"') + 1, "+");
    return words;
}

// Several commands as one shell command, which stops at the first failure.
std::string toml_of_all(const std::vector<GivenCommand>& commands) {
    std::string text;
    bool splits = false;
    for (const GivenCommand& each : commands) {
        const bool is_last = &each == &commands.back();
        join_to(text,
                each.line.may_fail ? "{ " + each.line.shell() + " || :; }"
                                   : (is_last ? "exec " : "") + each.line.shell(),
                " && ");
        splits = splits || each.line.splits();
    }
    return shell_command(text, splits);
}

class CommandStep : ConversionStep {
public:
    CommandStep(const UnitSource& source, const Identity& identity, const Service& service)
        : ConversionStep(source, Table::service), service_(service) {
        for (std::string_view key : {"User", "Group", "RootDirectory", "DynamicUser"}) {
            const std::string_view value = source.value(key);
            const bool drops = !value.empty() && !is_one_of(value, "root 0") && convert::truth(value) != false;
            bound_ = bound_ || (drops && (!identity.changes_itself || key == "RootDirectory"));
        }
        for (std::string_view key : blank_separated(confining)) {
            const auto given =
                source_.main().text.of("Service", key); // an empty one confines, too: no capability at all
            confined_ = confined_ || (!given.empty() && convert::truth(given.back()->value) != false);
        }
        start_only_ = is_yes(last("PermissionsStartOnly"));
        variables_ = variables();
    }

    StepOutput run(const std::vector<std::string>& preparations) {
        if (source_.accepts)
            return for_connections(!preparations.empty());
        std::vector<std::string> before = preparations;
        add_hooks(before, "ExecCondition", true);
        for (const Assignment& each : all("ExecCondition"))
            near(each, "where it says no the start has failed, and is not skipped");
        add_hooks(before, "ExecStartPre", true);
        main(before);
        put("pre-start", before);
        std::vector<std::string> after, stop;
        add_hooks(after, "ExecStartPost", true);
        // systemd stops a oneshot without RemainAfterExit= as soon as its command has ended.
        const bool stays = convert::truth(source_.value("RemainAfterExit")) == true;
        const bool at_once = service_.was_oneshot && !stays && !source_.value("ExecStop").empty();
        add_hooks(at_once ? after : stop, "ExecStop", at_once);
        if (at_once)
            for (const Assignment& each : all("ExecStop"))
                near(each, "it runs as `post-start`, and not where the start has failed");
        put("post-start", after);
        reload();
        put("stop-command", stop);
        std::vector<std::string> finally;
        add_hooks(finally, "ExecStopPost", false);
        put("post-stop", finally);
        return std::move(out_);
    }

private:
    bool is_oneshot() const { return service_.type == "oneshot"; }

    // With Accept=yes each connection has its own process; there is no service that commands could run before or after.
    StepOutput for_connections(bool prepares) {
        for (std::string_view key :
             {"ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"})
            for (const Assignment& each : all(key))
                lost(each, "the process of a connection is the only one: nothing runs before or after it");
        if (prepares)
            out_.say(source_.file(), 0, Weight::lost, "the directories that are made have the mode 0755");
        lost(last("ReloadSignal"), for_another_type);
        std::vector<std::string> none;
        main(none);
        return std::move(out_);
    }

    void put(std::string_view key, const std::vector<std::string>& commands) {
        if (!commands.empty())
            set(key, "[" + join(commands) + "]");
    }

    // All commands of a directive. An assignment that cannot be split is left out, with a remark.
    std::vector<GivenCommand> parse(std::string_view key) {
        std::vector<GivenCommand> commands;
        for (const Assignment& of : all(key)) {
            auto lines = command_lines(of.value, source_.specifiers);
            if (!lines)
                lost(of, lines.error());
            else
                for (CommandLine& line : *lines) {
                    leave_activation_out(of, line);
                    look_at(of, line);
                    commands.push_back({&of, std::move(line)});
                }
        }
        return commands;
    }

    // With --systemd-activation dbus-daemon asks systemd for what is to be started, and each call waits in vain for 25 s.
    void leave_activation_out(const Assignment& of, CommandLine& line) {
        if (file_name(line.words.front().text()) == "dbus-daemon" &&
            std::erase_if(line.words, [](const Word& word) { return word.text() == "--systemd-activation"; }) > 0)
            near(of, "without --systemd-activation: the bus starts its services itself");
    }

    // Makes remarks about differences from systemd that a command meets here.
    void look_at(const Assignment& of, const CommandLine& line) {
        const std::string program = line.words.front().text();
        if (!line.own_name.empty() && line.own_name != program && !program.ends_with("/" + line.own_name))
            near(of, "the program is called by its own name, and not as " + line.own_name);
        for (const Word& word : line.words)
            for (const Word::Piece& piece : word.pieces) {
                if (piece.kind != Word::Piece::Kind::variable)
                    continue;
                const auto set = variables_.find(piece.text);
                if (set == variables_.end() && is_one_of(piece.text, unset_variables))
                    near(of, "$" + piece.text + " is not set here");
                if (word.splits && set != variables_.end() && set->second.find_first_of("'\"\\") != std::string::npos)
                    near(of, "a shell splits $" + piece.text + " at blanks, quotes or not");
            }
    }

    // The variables that Environment= and EnvironmentFile= set, as far as their values are known.
    std::map<std::string, std::string> variables() {
        std::map<std::string, std::string> variables;
        for (const Assignment& each : all("Environment"))
            for (const std::string& word : split_words(each.value).value_or(std::vector<std::string>()))
                if (const std::size_t equals = word.find('='); equals != word.npos)
                    variables[word.substr(0, equals)] = word.substr(equals + 1);
        for (const Assignment& each : all("EnvironmentFile")) {
            const std::string path = each.value.substr(each.value.starts_with('-') ? 1 : 0);
            if (const std::optional<std::string> text = source_.lookup.text(source_.search_path.root + path))
                for (const auto& [name, value] : config::parse_systemd_environment(*text).variables)
                    variables[name] = value;
        }
        return variables;
    }

    // True if a command would run with privileges that the service does not have; makes the remark.
    bool refused(const GivenCommand& command) {
        // '!' leaves only the user out, which is all where nothing else confines the service.
        const bool by_user = bound_ && (command.line.privileged || start_only_);
        if (!by_user || command.line.unconfined || !confined_)
            return false;
        lost(*command.of, "it would run as root and yet be confined: make it a oneshot that this unit requires");
        return true;
    }
    [[nodiscard]] bool is_free(const GivenCommand& command) const {
        return (bound_ && (command.line.privileged || start_only_)) || (confined_ && command.line.unconfined);
    }

    // Appends the commands of a directive. `failing`: a failure has consequences, so `-` before a command matters.
    void add_hooks(std::vector<std::string>& to, std::string_view key, bool failing) {
        for (const GivenCommand& each : parse(key))
            if (!refused(each))
                to.push_back(marked(toml_of(each.line, each.line.may_fail && failing), is_free(each)));
    }

    // Sets `command`. A oneshot can have several commands: all but the last one go to `before`.
    void main(std::vector<std::string>& before) {
        const std::vector<GivenCommand> commands = parse("ExecStart");
        if (commands.empty()) {
            if (source_.value("ExecStart").empty() && is_oneshot() && !source_.value("ExecStop").empty())
                set("command", array({"/bin/true"}));
            else
                out_.fault = "there is no ExecStart= that can be converted";
            return;
        }
        for (const GivenCommand& each : commands)
            if (&each == &commands.back())
                break;
            else if (is_oneshot())
                before.push_back(marked(toml_of(each.line, each.line.may_fail), is_free(each)));
            else
                lost(*each.of, "only a oneshot has more than one command");
        const auto& [of, line] = commands.back();
        if (line.privileged && bound_)
            lost(*of, "its root directory is the one of the whole service");
        if (line.unconfined && confined_)
            lost(*of, "it is confined by the other directives, which systemd does not apply to it");
        if (line.may_fail && !is_oneshot() && !source_.accepts && source_.value("Restart") != "always")
            near(*of, "an exit code that is no success counts as a failure");
        set("command", toml_of(line, line.may_fail && is_oneshot()));
    }

    void reload() {
        const Assignment& given = last("ReloadSignal");
        const bool by_signal = service_.type == "notify-reload";
        if (!by_signal)
            lost(given, for_another_type);
        std::vector<GivenCommand> commands = parse("ExecReload");
        std::erase_if(commands, [&](const GivenCommand& each) { return refused(each); });
        std::string signal;
        if (by_signal && given.is_set()) {
            if (const std::optional<int> number = signal_number(given.value))
                signal = signal_name(*number);
            else
                lost(given, "there is no such signal");
        }
        if (commands.size() == 1)
            if (std::string name = signal_of(commands.front().line); !name.empty()) {
                if (is_oneshot())
                    return lost(*commands.front().of, "of a oneshot that is done no process is left for a signal");
                signal = std::move(name);
                commands.clear();
            }
        const bool free = !commands.empty() && is_free(commands.front());
        if (std::ranges::any_of(commands, [&](const GivenCommand& each) { return is_free(each) != free; }))
            return lost(*commands.front().of, "one command does it, as root or as the user of the service");
        if (commands.size() == 1)
            set("reload-command", marked(toml_of(commands.front().line, commands.front().line.may_fail), free));
        else if (!commands.empty())
            set("reload-command", marked(toml_of_all(commands), free));
        else if (!signal.empty())
            set_text("reload-signal", signal);
        else if (!by_signal && !is_oneshot())
            set_text("reload-signal", "none"); // under systemd it cannot be reloaded
    }

    const Service& service_;
    bool bound_ = false;      // the service does not run with all privileges of root
    bool confined_ = false;   // by other directives
    bool start_only_ = false; // PermissionsStartOnly=
    std::map<std::string, std::string> variables_;
};

} // namespace

StepOutput convert_commands(const UnitSource& source, const Identity& identity, const Service& service,
                            const std::vector<std::string>& preparations) {
    return CommandStep(source, identity, service).run(preparations);
}

} // namespace mi::convert
