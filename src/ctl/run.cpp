#include "ctl/run.hpp"

#include "base/printable.hpp"
#include "ctl/options.hpp"
#include "ctl/verbs/sysvinit.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/process/limits.hpp"

#include <fcntl.h>

#include <csignal>
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

// argv[0] is the verb's own word.
int run_verb(const Verb& verb, int argc, char** argv) {
    Context context{{}, verb, style_of(1), style_of(2)};
    std::expected<Arguments, std::string> arguments = parse_arguments(verb, argc, argv);
    if (!arguments)
        return say_usage(context.err,
                         arguments.error() + "\n(`minictl " + std::string(verb.name) + " --help` says more)");
    context.arguments = std::move(*arguments);
    return context.outcome(context.arguments.help ? show_help(context, &verb) : verb.run(context));
}

// A descriptor that we are started without would be that of the next thing we open, the init's socket say: in its place comes
// one that takes no output.
void hold_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0)
            (void)::open("/dev/null", O_RDONLY); // the lowest that is free: this one
}

} // namespace

int run(int argc, char** argv) {
    hold_standard_descriptors();
    os::outlive({SIGXFSZ}); // what cannot be written is an error with words
    const std::string_view called = argc > 0 ? base_name(argv[0]) : "minictl";
    if (called == "telinit" || called == "init")
        return telinit_main(argc, argv);
    // `poweroff`, `reboot`, `halt`, `shutdown`.
    if (const Verb* verb = verb_named(called); verb != nullptr)
        return run_verb(*verb, argc, argv);
    // The options that choose the init may stand before the verb; they are moved behind it.
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
    const Verb* verb = verb_named(argv[at]);
    if (verb == nullptr)
        return say_usage(style_of(2), no_such_verb(argv[at]));
    std::vector<char*> words{argv[at]};
    words.insert(words.end(), argv + 1, argv + at);
    words.insert(words.end(), argv + at + 1, argv + argc);
    words.push_back(nullptr);
    return run_verb(*verb, static_cast<int>(words.size()) - 1, words.data());
}

} // namespace mi::ctl
