#include "ctl/run.hpp"

#include "base/printable.hpp"
#include "ctl/options.hpp"
#include "ctl/unit_names.hpp"
#include "ctl/verbs/sysvinit.hpp"
#include "ctl/verbs/verbs.hpp"
#include "ctl/verbs/words.hpp"
#include "os/process/limits.hpp"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <string_view>

namespace mi::ctl {

namespace {

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

int say_usage(const Style& err, std::string_view message) {
    write_all(2, paint(err, Colour::bad, "minictl: ") + printable(message, Keep::lines) + "\n");
    return usage;
}

// Runs the verb for the named units, all together or one after the other.
int run_named(Context& context) {
    if (const std::optional<int> code = name_units(context))
        return *code;
    const std::vector<std::string> words = context.arguments.words;
    const std::size_t first = first_unit(context.verb);
    if ((context.verb.takes & one_by_one) == 0 || words.size() <= first + 1)
        return context.verb.run(context);
    int code = done;
    context.among_others = true;
    for (std::size_t i = first; i < words.size(); ++i) {
        if (i > first && !context.arguments.json && (context.verb.takes & acts) == 0)
            context.print("\n");
        context.arguments.words.assign(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
        context.arguments.words.push_back(words[i]);
        code = std::max(code, context.verb.run(context));
    }
    return code;
}

// argv[0] is the verb.
int run_verb(const Verb& verb, int argc, char** argv) {
    Context context{{}, verb, style_of(1), style_of(2)};
    std::expected<Arguments, std::string> arguments = parse_arguments(verb, argc, argv);
    if (!arguments)
        return say_usage(context.err,
                         arguments.error() + "\n(`minictl " + std::string(verb.name) + " --help` says more)");
    context.arguments = std::move(*arguments);
    return context.outcome(context.arguments.help ? show_help(context, &verb) : run_named(context));
}

// A user who types `minictl shutdown` may mean the user's own manager, or some other supervisor: only a command of that
// name certainly means the machine.
std::string not_as_a_verb(const Verb& verb) {
    return "`minictl " + std::string(verb.name) +
           "` does nothing: it is the machine's, and only where it is called as `" + std::string(verb.name) +
           "`\n(`minictl poweroff` ends the init that is meant, with --when TIME later, and with "
           "--cancel not)";
}

bool asks_for_help(char** begin, char** end) { return std::find(begin, end, std::string_view("--help")) != end; }

// If standard input, output or error is closed, the next opened file would get its number, for example the init's
// socket: open a placeholder that accepts no output.
void hold_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0)
            (void)::open("/dev/null", O_RDONLY); // takes the lowest free number, which is this one
}

} // namespace

int run(int argc, char** argv) {
    hold_standard_descriptors();
    os::outlive({SIGXFSZ}); // a write beyond RLIMIT_FSIZE becomes an error
    const std::string_view called = argc > 0 ? base_name(argv[0]) : "minictl";
    if (called == "telinit" || called == "init")
        return telinit_main(argc, argv);
    // `poweroff`, `reboot`, `halt`, `shutdown`.
    if (const Verb* verb = verb_named(called); verb != nullptr)
        return run_verb(*verb, argc, argv);
    // The options that choose the init may come before the verb; move them after it.
    const std::vector<Option> options = options_of(before_verb);
    Arguments before;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; ++at) {
        const Option* option = option_of_word(options, argv[at]);
        if (option != nullptr && option->value.empty())
            (void)option->set(before, {});
        else if (option != nullptr)
            ++at;
        if (before.help || before.version)
            return run_verb(*verb_named(before.help ? "help" : "version"), 1, argv);
    }
    if (at >= argc)
        return write_all(2, help_overview()) ? usage : failed;
    Called meant = verb_called(argv[at]);
    if (meant.verb == nullptr)
        return say_usage(style_of(2), no_such_verb(argv[at]));
    if ((meant.verb->takes & called_by_name) != 0 && !asks_for_help(argv + at + 1, argv + argc))
        return say_usage(style_of(2), not_as_a_verb(*meant.verb));
    std::vector<char*> words{argv[at]};
    for (std::string& option : meant.options)
        words.push_back(option.data());
    words.insert(words.end(), argv + 1, argv + at);
    words.insert(words.end(), argv + at + 1, argv + argc);
    words.push_back(nullptr);
    return run_verb(*meant.verb, static_cast<int>(words.size()) - 1, words.data());
}

} // namespace mi::ctl
