// The context of every verb: its arguments, output, and the connection to the init.
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

// The directories of unit files, and the init that reported them and may have to be told of changes.
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
    bool among_others = false; // the verb runs for several units, one after the other

    // The socket of the init of this machine or container, wherever that could make it.
    [[nodiscard]] static std::string system_socket();

    [[nodiscard]] std::expected<Client, Failure> connect() const;
    // Whether the user's own manager is meant, if no socket is named. Without --user and --system it is the system's
    // init if that listens, else the user's manager. `run` by a user other than root always means the user's manager; a
    // verb that ends the machine never does.
    [[nodiscard]] bool of_user() const;
    // If both listen and none was chosen: tells the user at the terminal, once, which one is used.
    void say_which() const;
    // The socket of the chosen init: from --control, --user, --system, $MINIINIT_CONTROL, or of_user().
    [[nodiscard]] std::string socket_path() const;
    // The directories for verbs that read unit files: from --root, --units and --config, else those of the init that
    // answers, else the usual ones. Fails if the init named by --control does not answer.
    [[nodiscard]] std::expected<Sources, Failure> sources() const;

    // Makes one call to the init. The error is that of the connection, or of the reply.
    template <typename R>
    [[nodiscard]] std::expected<typename R::Reply, Failure> call(const R& request) const {
        auto client = connect();
        return client ? client->call(request) : std::unexpected(client.error());
    }
    // Makes the call and prints the answer: as JSON with --json, else as `view` formats it.
    template <typename R, typename View>
    int show(const R& request, View view) const {
        auto answer = call(request);
        if (!answer)
            return fail(answer.error());
        return arguments.json ? print_json(*answer) : print(view(*answer));
    }
    // Makes a call whose answer has nothing to print.
    template <typename R>
    int obey(const R& request) const {
        return show(request, [](const auto&) { return std::string_view{}; });
    }

    // "minictl VERB ", with the options needed to reach the same init.
    [[nodiscard]] std::string command(std::string_view other) const;

    // Prints to standard output; on a terminal only printable text. If writing fails, the verb fails.
    int print(std::string_view text) const {
        return (out.terminal ? write_out(fit_to_show(text)) : write_out(text)) ? done : failed;
    }
    // Writes to standard output unchanged. False: writing failed; this is reported unless the reader has gone (EPIPE).
    [[nodiscard]] bool write_out(std::string_view text) const;
    // The exit code for a verb that has ended with `code`: `failed` in place of `done` if output was lost.
    [[nodiscard]] int outcome(int code) const;
    // Prints a note to standard error.
    void note(std::string_view text) const { write_all(2, fit_to_show(text)); }
    // The same for notes from an init, one on each line.
    void note_lines(const std::vector<std::string>& lines) const;
    // One line of JSON.
    template <typename T>
    int print_json(const T& value) const {
        return print(wire::json_of(value) + "\n");
    }
    // Reports a failure, with --json also as JSON; returns the exit code.
    int fail(const Failure& failure) const;
    int fail(std::string_view message, ExitCode code = failed) const;
    // 0; or the exit code, after reporting that the name is not valid for a unit.
    [[nodiscard]] int judge_name(const std::string& name) const;
    // Reports that the unit does not exist in the searched places.
    int fail_missing(const Sources& from, const std::string& unit) const;

    void lose_output(int code) const;
    mutable bool output_lost = false; // writing failed, and that was reported

    // The result of of_user(), computed once: an init that is away for a moment is still the chosen one.
    struct Chosen {
        bool of_user = false;
        bool of_two = false;          // both listen, and none was chosen by an option
        bool said = false;            // the user was told
        std::optional<Client> client; // the connection of the test, until it is used
    };
    [[nodiscard]] Chosen choose() const;
    // If one init does not know the unit but the other does: a line that tells how to reach the other one. Else empty.
    [[nodiscard]] std::string other_one(const Failure& failure) const;
    mutable std::optional<Chosen> chosen;
};

} // namespace mi::ctl
