// The output of --help and `minictl help`, for people and programs, from the tables of verbs and options.
#include "base/join.hpp"
#include "ctl/options.hpp"
#include "ctl/verbs/verbs.hpp"
#include "ctl/verbs/words.hpp"

namespace mi::ctl {

namespace {

struct OptionHelp {
    std::string name, letter, value, help; // empty `help`: it is understood, but not shown
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("letter", self.letter);
        visit("value", self.value);
        visit("help", self.help);
    }
};
struct VerbHelp {
    std::string name, operands, summary, example;
    std::vector<OptionHelp> options;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("operands", self.operands);
        visit("summary", self.summary);
        visit("example", self.example);
        visit("options", self.options);
    }
};
// A word of another program, and its meaning here.
struct WordHelp {
    std::string word, means;
    static void fields(auto& self, auto&& visit) {
        visit("word", self.word);
        visit("means", self.means);
    }
};
struct Help {
    std::vector<VerbHelp> verbs;
    std::vector<WordHelp> other_words;
    static void fields(auto& self, auto&& visit) {
        visit("verbs", self.verbs);
        visit("other_words", self.other_words);
    }
};

VerbHelp told(const Verb& verb) {
    VerbHelp help{
        std::string(verb.name), std::string(verb.operands), std::string(verb.summary), std::string(verb.example), {}};
    for (const Option& option : options_of(verb))
        help.options.push_back({option.name, option.letter != 0 ? std::string(1, option.letter) : "",
                                std::string(option.value), std::string(option.help)});
    return help;
}

// "  WHAT    and a description"
void add_line(std::string& text, std::string line, std::string_view what) {
    constexpr std::size_t width = 30;
    const std::size_t taken = columns(line);
    line.append(taken < width ? width - taken : 1, ' ');
    text.append(line).append(what).append("\n");
}

std::string options_text(const Verb& verb) {
    std::string text;
    for (const Option& option : options_of(verb)) {
        if (option.help.empty())
            continue;
        std::string line = option.letter != 0 ? std::string("  -") + option.letter : "    ";
        if (*option.name != 0)
            line.append(option.letter != 0 ? ", --" : "  --").append(option.name);
        if (!option.value.empty())
            line.append(" ").append(option.value);
        add_line(text, std::move(line), option.help);
    }
    return text;
}

std::string help_of(const Verb& verb) {
    std::string text = "Usage: " + std::string((verb.takes & called_by_name) != 0 ? "" : "minictl ");
    text.append(verb.name).append(" [OPTIONS]");
    text.append(verb.operands.empty() ? "" : " ").append(verb.operands).append("\n").append(verb.summary);
    return text + "\n\nOptions:\n" + options_text(verb) + "\nExample:\n  " + std::string(verb.example) + "\n";
}

} // namespace

std::string help_overview() {
    std::string text = "Usage: minictl VERB [OPTIONS] [UNIT…]\nSteers and shows the units of miniinit.\n";
    std::string_view group;
    for (const Verb& verb : verbs()) {
        if ((verb.takes & called_by_name) != 0)
            continue;
        if (verb.group != group) {
            group = verb.group;
            text.append("\n").append(group).append(":\n");
        }
        add_line(text, "  " + std::string(verb.name) + " " + std::string(verb.operands), verb.summary);
    }
    std::string others;
    for (const OtherWord& other : other_words())
        if (!other.means.empty())
            join_to(others, other.word);
    text +=
        "\nA verb that only looks can be cut short as far as no other begins so. Also understood:\n" + others + ".\n";
    return text + "\nOptions, before or after the verb:\n" + options_text(before_verb) +
           "Without --control, $MINIINIT_CONTROL, --user and --system the init of the system is meant where there is "
           "one,\n"
           "else your own. Exit codes: 0 done, 1 failed, 2 not understood, 3 not running, 4 no such unit or not "
           "allowed.\n";
}

int show_help(Context& context, const Verb* about) {
    if (!context.arguments.json)
        return context.print(about != nullptr ? help_of(*about) : help_overview());
    Help help;
    for (const Verb& verb : verbs())
        if (about == nullptr || &verb == about)
            help.verbs.push_back(told(verb));
    for (const OtherWord& other : other_words())
        if (about == nullptr && !other.means.empty())
            help.other_words.push_back({std::string(other.word), std::string(other.means)});
    return context.print_json(help);
}

int show_help(Context& context) {
    if (context.arguments.words.empty())
        return show_help(context, nullptr);
    const Verb* about = verb_called(context.arguments.words[0]).verb;
    return about != nullptr ? show_help(context, about) : context.fail(no_such_verb(context.arguments.words[0]), usage);
}

} // namespace mi::ctl
