// What every verb works with: its arguments, where to write, and how to find and blame the init.
#pragma once

#include "config/load.hpp"
#include "ctl/arguments.hpp"
#include "ctl/client.hpp"
#include "ctl/text/terminal.hpp"
#include "wire/json.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

// Where unit files are read, and the init that said so or may want to hear of changes.
struct Sources {
    config::Source source;
    std::optional<Client> init;
    // "looked in /etc/miniinit.toml, /etc/miniinit, …".
    [[nodiscard]] std::string looked() const;
};

struct Context {
    Arguments arguments;
    const Verb& verb;
    Style out, err;            // of standard output and standard error
    bool among_others = false; // what the verb is run for is one of several units

    // Of the init of this machine or container, wherever it could put it.
    [[nodiscard]] static std::string system_socket();

    [[nodiscard]] std::expected<Client, Failure> connect() const;
    // Which init is meant where no socket is named: the user's own, or the system's. Without --user and --system the
    // system's where one listens, else the user's; for what ends the machine, never the user's.
    [[nodiscard]] bool of_user() const;
    // Where both listen and nothing was said: tells whoever sits at the terminal which one is meant, once.
    void say_which() const;
    // Of the init that is meant: by --control, --user, --system, $MINIINIT_CONTROL, or as of_user() says.
    [[nodiscard]] std::string socket_path() const;
    // Where the verbs that read unit files look: by --root, --units and --config, else where the init that answers
    // looks, else in the usual places. Fails where an init is named by --control and does not answer.
    [[nodiscard]] std::expected<Sources, Failure> sources() const;

    // One call to the init; what went wrong, with the connection or in the answer.
    template <typename R>
    [[nodiscard]] std::expected<typename R::Reply, Failure> call(const R& request) const {
        auto client = connect();
        return client ? client->call(request) : std::unexpected(client.error());
    }
    // Calls, and prints the answer: as JSON where that is wanted, else as `view` has it.
    template <typename R, typename View>
    int show(const R& request, View view) const {
        auto answer = call(request);
        if (!answer)
            return fail(answer.error());
        return arguments.json ? print_json(*answer) : print(view(*answer));
    }
    // Calls; there is nothing in the answer for people.
    template <typename R>
    int obey(const R& request) const {
        return show(request, [](const auto&) { return std::string_view{}; });
    }

    // "minictl VERB ", as it would have to be called to reach the same init.
    [[nodiscard]] std::string command(std::string_view other) const;

    // To standard output; on a terminal only what is fit to be shown. What cannot be written there is a failure of the verb.
    int print(std::string_view text) const {
        return (out.terminal ? write_out(fit_to_show(text)) : write_out(text)) ? done : failed;
    }
    // To standard output as it is. False: it cannot be written, which is said, unless nobody reads any more (EPIPE).
    [[nodiscard]] bool write_out(std::string_view text) const;
    // The exit code of a verb that has ended with `code`: of one whose output got lost, `failed` in place of `done`.
    [[nodiscard]] int outcome(int code) const;
    // To standard error, what else is to be known.
    void note(std::string_view text) const { write_all(2, fit_to_show(text)); }
    // The same, what an init said, each in a line of its own.
    void note_lines(const std::vector<std::string>& lines) const;
    // One line of JSON.
    template <typename T>
    int print_json(const T& value) const {
        return print(wire::json_of(value) + "\n");
    }
    // Says what went wrong, as JSON too where that is wanted; the result is the exit code.
    int fail(const Failure& failure) const;
    int fail(std::string_view message, ExitCode code = failed) const;
    // 0, or the exit code after the report that no unit can have that name.
    [[nodiscard]] int judge_name(const std::string& name) const;
    // There is no such unit where it was looked for.
    int fail_missing(const Sources& from, const std::string& unit) const;

    void lose_output(int code) const;
    mutable bool output_lost = false; // and it was said

    // What of_user() found, once: an init that is away for a moment is still the one that is meant.
    struct Chosen {
        bool of_user = false;
        bool of_two = false;          // both listen, and it was not said which one is meant
        bool said = false;            // to whoever sits there
        std::optional<Client> client; // the connection by which it was found, until that is used
    };
    [[nodiscard]] Chosen choose() const;
    // Of a unit that one of two does not know, and the other does: how to reach that, as a line to be added. Empty: not so.
    [[nodiscard]] std::string other_one(const Failure& failure) const;
    mutable std::optional<Chosen> chosen;
};

} // namespace mi::ctl
