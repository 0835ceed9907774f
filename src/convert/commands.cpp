// The commands of a service. Where one has variables, may fail, or is several in one, a shell runs it, to the same effect.
#include "base/join.hpp"
#include "base/signals.hpp"
#include "config/syntax.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"
#include "convert/words.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr Table here = Table::service;

class Commands {
public:
    explicit Commands(Draft& draft) : draft_(draft) {
        for (std::string_view key : {"User", "Group", "RootDirectory", "DynamicUser"}) {
            const Assignment* value = draft_.last(key);
            const bool drops =
                value != nullptr && value->value != "root" && value->value != "0" && truth(value->value) != false;
            bound_ = bound_ || (drops && (!draft_.own_drop || key == "RootDirectory"));
        }
        if (const Assignment* only = draft_.last("PermissionsStartOnly"))
            start_only_ = draft_.truth(*only, here).value_or(false);
    }

    void run() {
        if (draft_.accepts)
            return for_connections();
        std::vector<std::string> before = draft_.prelude;
        for (std::string& each : hooks("ExecCondition", true))
            before.push_back(std::move(each));
        for (const Assignment* each : draft_.all("ExecCondition"))
            draft_.say(*each, here, Weight::near, "where it says no the start has failed, and is not skipped");
        for (std::string& each : hooks("ExecStartPre", true))
            before.push_back(std::move(each));
        main(before);
        const bool at_once = draft_.was_oneshot && !stays() && draft_.has("ExecStop");
        std::vector<std::string> after = hooks("ExecStartPost", true);
        std::vector<std::string> stop = hooks("ExecStop", at_once);
        if (at_once) {
            // Such a oneshot is over when its command is, and is stopped there and then.
            for (const Assignment* each : draft_.all("ExecStop"))
                draft_.say(*each, here, Weight::near, "it runs as `post-start`, and not where the start has failed");
            after.insert(after.end(), stop.begin(), stop.end());
            stop.clear();
        }
        put("pre-start", before);
        put("post-start", after);
        reload();
        put("stop-command", stop);
        put("post-stop", hooks("ExecStopPost", false));
    }

private:
    // A process for each connection: there is no main one that others could come before or after.
    void for_connections() {
        for (std::string_view key :
             {"ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"})
            for (const Assignment* each : draft_.all(key))
                draft_.say(*each, here, Weight::lost,
                           "the process of a connection is the only one: nothing runs before or after it");
        if (!draft_.prelude.empty())
            draft_.say(draft_.main().files.front(), 0, Weight::lost,
                       "the directories that are made have the mode 0755");
        std::vector<std::string> none;
        main(none);
    }

    bool stays() {
        const Assignment* remain = draft_.last("RemainAfterExit");
        return remain != nullptr && truth(remain->value) == true;
    }

    void put(std::string_view key, const std::vector<std::string>& commands) {
        if (!commands.empty())
            draft_.sheet.set(here, key, "[" + join(commands) + "]");
    }

    // The commands of one assignment; none where it cannot be taken apart.
    std::vector<CommandLine> parse(const Assignment& of) {
        auto lines = command_lines(of.value, draft_.specifiers);
        if (!lines) {
            draft_.say(of, here, Weight::lost, lines.error());
            return {};
        }
        for (const CommandLine& line : *lines) {
            look_at_variables(of, line);
            if (line.own_name && line.words[1].text() != line.words[0].text() &&
                !line.words[0].text().ends_with("/" + line.words[1].text()))
                draft_.say(of, here, Weight::near,
                           "the program is called by its own name, and not as " + line.words[1].text());
        }
        return std::move(*lines);
    }

    // Variables that nobody sets here, and those whose quotes a shell does not take off.
    void look_at_variables(const Assignment& of, const CommandLine& line) {
        constexpr std::string_view unset = " EXIT_CODE EXIT_STATUS SERVICE_RESULT MONITOR_SERVICE_RESULT "
                                           "MONITOR_EXIT_CODE MONITOR_EXIT_STATUS MONITOR_UNIT "
                                           "MONITOR_INVOCATION_ID CREDENTIALS_DIRECTORY CACHE_DIRECTORY "
                                           "CONFIGURATION_DIRECTORY MANAGERPID SYSTEMD_EXEC_PID "
                                           "JOURNAL_STREAM PIDFILE TRIGGER_UNIT TRIGGER_PATH ";
        for (const Word& word : line.words)
            for (const Word::Piece& piece : word.pieces) {
                if (piece.kind != Word::Piece::Kind::variable)
                    continue;
                if (unset.find(" " + piece.text + " ") != unset.npos &&
                    std::ranges::find(draft_.environment, piece.text) == draft_.environment.end())
                    draft_.say(of, here, Weight::near, "$" + piece.text + " is not set here");
                if (word.splits && has_quotes(piece.text))
                    draft_.say(of, here, Weight::near, "a shell splits $" + piece.text + " at blanks, quotes or not");
            }
    }

    bool has_quotes(const std::string& variable) {
        constexpr std::string_view quotes = "'\"\\";
        std::string value;
        for (const Assignment* each : draft_.all("Environment"))
            if (auto words = split_words(each->value))
                for (const std::string& word : *words)
                    if (word.starts_with(variable + "="))
                        value = word.substr(variable.size() + 1);
        for (const Assignment* each : draft_.all("EnvironmentFile")) {
            std::string_view path = each->value;
            path.remove_prefix(path.starts_with('-') ? 1 : 0);
            if (std::optional<std::string> text = draft_.lookup.text(draft_.place.root + std::string(path)))
                for (const auto& [name, words] : config::parse_environment(*text).variables)
                    if (name == variable)
                        value = words;
        }
        return value.find_first_of(quotes) != std::string::npos;
    }

    // One command as TOML. `ignored`: that it fails changes nothing.
    std::string toml(const CommandLine& line, bool ignored) {
        if (line.plain() && !ignored)
            return array(line.arguments());
        return shell_command((ignored ? "" : "exec ") + line.shell() + (ignored ? " || :" : ""), splits(line));
    }
    static bool splits(const CommandLine& line) {
        return std::ranges::any_of(line.words, [](const Word& word) { return word.splits; });
    }
    // Without -f a shell would also match the words of a variable with the names of files.
    static std::string shell_command(const std::string& text, bool splitting) {
        return array({"/bin/sh", splitting ? "-fc" : "-c", text});
    }

    // Whether `line` is to run with privileges that the service does not have.
    bool refused(const Assignment& of, const CommandLine& line) {
        if (!bound_ || (!line.privileged && !start_only_))
            return false;
        draft_.say(of, here, Weight::lost,
                   "all commands of a service run as its user: make it a oneshot that this unit requires");
        return true;
    }

    // `failing`: whether it makes a difference here that one fails.
    std::vector<std::string> hooks(std::string_view key, bool failing) {
        std::vector<std::string> commands;
        for (const Assignment* each : draft_.all(key))
            for (const CommandLine& line : parse(*each))
                if (!refused(*each, line))
                    commands.push_back(toml(line, line.may_fail && failing));
        return commands;
    }

    void main(std::vector<std::string>& before) {
        std::vector<std::pair<const Assignment*, CommandLine>> lines;
        for (const Assignment* each : draft_.all("ExecStart"))
            for (CommandLine& line : parse(*each))
                lines.emplace_back(each, std::move(line));
        if (lines.empty()) {
            if (!draft_.has("ExecStart") && draft_.oneshot && draft_.has("ExecStop"))
                draft_.sheet.set(here, "command", array({"/bin/true"}));
            else
                draft_.fault = "there is no ExecStart= that can be converted";
            return;
        }
        for (std::size_t at = 0; at + 1 < lines.size(); ++at) {
            const auto& [of, line] = lines[at];
            if (draft_.oneshot)
                before.push_back(toml(line, line.may_fail));
            else
                draft_.say(*of, here, Weight::lost, "only a oneshot has more than one command");
        }
        const auto& [of, line] = lines.back();
        if (line.privileged && bound_)
            draft_.say(*of, here, Weight::lost, "its root directory is the one of the whole service");
        const bool ignored = line.may_fail && draft_.oneshot;
        if (line.may_fail && !draft_.oneshot && !draft_.accepts && failure_counts())
            draft_.say(*of, here, Weight::near, "an exit code that is no success counts as a failure");
        draft_.sheet.set(here, "command", toml(line, ignored));
    }

    // Whether a failure has consequences that success has not.
    bool failure_counts() {
        const Assignment* restart = draft_.last("Restart");
        return restart == nullptr || restart->value != "always";
    }

    void reload() {
        std::vector<std::pair<const Assignment*, CommandLine>> lines;
        for (const Assignment* each : draft_.all("ExecReload"))
            for (CommandLine& line : parse(*each))
                if (!refused(*each, line))
                    lines.emplace_back(each, std::move(line));
        if (lines.empty())
            return;
        if (draft_.oneshot)
            return draft_.say(*lines.front().first, here, Weight::lost,
                              "a oneshot that is done cannot be reloaded, only restarted");
        if (lines.size() == 1) {
            const CommandLine& line = lines.front().second;
            if (std::string signal = signal_of(line); !signal.empty())
                draft_.sheet.set_text(here, "reload-signal", signal);
            else
                draft_.sheet.set(here, "reload-command", toml(line, line.may_fail));
        } else {
            std::string text;
            bool splitting = false;
            for (std::size_t at = 0; at < lines.size(); ++at) {
                const CommandLine& line = lines[at].second;
                text += at == 0 ? "" : " && ";
                text += line.may_fail            ? "{ " + line.shell() + " || :; }"
                        : at + 1 == lines.size() ? "exec " + line.shell()
                                                 : line.shell();
                splitting = splitting || splits(line);
            }
            draft_.sheet.set(here, "reload-command", shell_command(text, splitting));
        }
        if (draft_.sheet.has(here, "reload-command")) // and not both
            draft_.sheet.remove(here, "reload-signal");
    }

    // `kill -HUP $MAINPID`: the name of the signal.
    static std::string signal_of(const CommandLine& line) {
        auto is_main = [](const Word& word) {
            return word.pieces.size() == 1 && word.pieces[0].kind == Word::Piece::Kind::variable &&
                   word.pieces[0].text == "MAINPID";
        };
        const std::size_t count = line.words.size();
        if (count < 3 || count > 4 || !is_main(line.words.back()) || !line.words[0].plain() || !line.words[1].plain())
            return {};
        const std::string program = line.words[0].text();
        if (program != "kill" && program != "/bin/kill" && program != "/usr/bin/kill")
            return {};
        std::string word = line.words[1].text();
        if (count == 4)
            word = (word == "-s" || word == "-n") && line.words[2].plain() ? line.words[2].text() : "";
        else
            word = word.starts_with("-s") && word.size() > 2 ? word.substr(2)
                   : word.starts_with("-")                   ? word.substr(1)
                                                             : "";
        std::optional<int> signal = signal_number(word);
        return signal ? signal_name(*signal) : "";
    }

    Draft& draft_;
    bool bound_ = false;      // the service has not all privileges
    bool start_only_ = false; // PermissionsStartOnly=
};

} // namespace

void convert_commands(Draft& draft) { Commands(draft).run(); }

} // namespace mi::convert
