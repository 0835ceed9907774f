#include "ctl/run.hpp"

#include "base/printable.hpp"
#include "base/text.hpp"
#include "ctl/heritage.hpp"
#include "ctl/logs.hpp"
#include "ctl/verbs.hpp"
#include "os/limits.hpp"

#include <algorithm>
#include <csignal>
#include <string_view>

namespace mi::ctl {

namespace {

const Verb* find_verb(std::string_view name) {
    for (const Verb& verb : verbs())
        if (verb.name == name)
            return &verb;
    return nullptr;
}

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

int say_usage(const Style& err, std::string_view message) {
    write_all(2, paint(err, Colour::bad, "minictl: ") + printable(message, Keep::lines) + "\n");
    return usage;
}

// `logs` reads its own options and files. The init that is named, or the user's own, knows where its logs are; those of the
// system are found without it, for it may be what has gone wrong.
int run_logs(const Verb& verb, int argc, char** argv) {
    Context context{{}, verb, style_of(1), style_of(2)};
    std::vector<char*> words{argv[0]};
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--user" || word == "--system") {
            context.arguments.user = word == "--user";
            context.arguments.system = !context.arguments.user;
        } else if (word == "--control" && i + 1 < argc)
            context.arguments.control = argv[++i];
        else if (word.starts_with("--control="))
            context.arguments.control = word.substr(word.find('=') + 1);
        else
            words.push_back(argv[i]);
    }
    std::vector<std::string> directories = log_directories(context.of_user());
    if (context.of_user() || context.socket_path() != Context::system_socket)
        if (auto client = context.connect())
            if (auto overview = client->call(wire::GetOverview{}); overview && !overview->log_directory.empty())
                if (std::ranges::find(directories, overview->log_directory) == directories.end())
                    directories = {overview->log_directory};
    words.push_back(nullptr);
    return logs(static_cast<int>(words.size()) - 1, words.data(), std::move(directories));
}

// argv[0] is the verb's own word.
int run_verb(const Verb& verb, int argc, char** argv) {
    if (verb.name == "shutdown") // its options are those of other inits
        return shutdown_main(argc, argv);
    if (verb.run == nullptr)
        return run_logs(verb, argc, argv);
    Context context{{}, verb, style_of(1), style_of(2)};
    std::expected<Arguments, std::string> arguments = parse_arguments(verb, argc, argv);
    if (!arguments)
        return say_usage(context.err,
                         arguments.error() + "\n(`minictl " + std::string(verb.name) + " --help` says more)");
    context.arguments = std::move(*arguments);
    if (context.arguments.help)
        return context.print(help_of(verb));
    return verb.run(context);
}

} // namespace

int run(int argc, char** argv) {
    os::outlive({SIGXFSZ}); // what cannot be written is an error with words
    const std::string_view called = argc > 0 ? base_name(argv[0]) : "minictl";
    if (called == "shutdown")
        return shutdown_main(argc, argv);
    if (called == "telinit" || called == "init")
        return telinit_main(argc, argv);
    // `poweroff`, `reboot`, `halt`.
    if (const Verb* verb = find_verb(called); verb != nullptr)
        return run_verb(*verb, argc, argv);
    const Style err = style_of(2);
    // The options that choose the init may stand before the verb; they are moved behind it.
    int at = 1;
    while (at < argc && argv[at][0] == '-') {
        const std::string_view word = argv[at];
        if (word == "--help" || word == "-h")
            return write_all(1, help_overview()) ? done : failed;
        if (word == "--version")
            return run_verb(*find_verb("version"), 1, argv);
        at += word == "--control" ? 2 : 1;
    }
    if (at >= argc)
        return write_all(2, help_overview()) ? usage : failed;
    const std::string_view name = argv[at];
    if (name == "help") {
        const Verb* about = at + 1 < argc ? find_verb(argv[at + 1]) : nullptr;
        std::string option = "--help";
        char* words[] = {argv[at], option.data(), nullptr};
        return about != nullptr ? run_verb(*about, 2, words) : write_all(1, help_overview()) ? done : failed;
    }
    const Verb* verb = find_verb(name);
    if (verb == nullptr) {
        std::vector<std::string_view> names;
        for (const Verb& one : verbs())
            names.push_back(one.name);
        const std::string_view near = nearest(name, names);
        return say_usage(err, "there is no verb \"" + harmless(name) + "\"" +
                                  (near.empty() ? "" : " (did you mean " + std::string(near) + "?)") +
                                  "\n(`minictl --help` names them)");
    }
    std::vector<char*> words{argv[at]};
    words.insert(words.end(), argv + 1, argv + at);
    words.insert(words.end(), argv + at + 1, argv + argc);
    words.push_back(nullptr);
    return run_verb(*verb, static_cast<int>(words.size()) - 1, words.data());
}

} // namespace mi::ctl
