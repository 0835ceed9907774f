// `completion`: prints the completion scripts for the shells, and answers their questions.
#include "ctl/completion.hpp"
#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

namespace {

// The same scripts that `cmake --install` installs: etc/completions (scripts/cmake/completions.cmake).
struct Script {
    std::string_view shell, text;
};
constexpr Script scripts[] = {
#include "completion_scripts.inc"
};

struct Scripted {
    std::string script;
    static void fields(auto& self, auto&& visit) { visit("script", self.script); }
};

} // namespace

int show_completion(Context& context) {
    const std::vector<std::string>& words = context.arguments.words;
    if (words[0] == "words") {
        const Completions found = completions_of({words.begin() + 1, words.end()});
        std::string text;
        for (const Candidate& one : found.candidates)
            text += one.word + (one.help.empty() ? "" : "\t" + one.help) + "\n";
        if (found.files)
            text += ":files\n";
        return context.print(text);
    }
    for (const Script& one : scripts)
        if (one.shell == words[0])
            return context.arguments.json ? context.print_json(Scripted{std::string(one.text)})
                                          : context.print(one.text);
    return context.fail("there is a completion for bash, zsh and fish, none for " + harmless(words[0]), usage);
}

} // namespace mi::ctl
