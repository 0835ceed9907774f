// `completion`: the scripts that make the shells ask us, and what we answer them.
#include "ctl/completion.hpp"
#include "ctl/verbs.hpp"

namespace mi::ctl {

namespace {

// What `cmake --install` puts where the shells look: etc/completions, letter for letter.
struct Script {
    std::string_view shell, text;
};
constexpr Script scripts[] = {
    {"bash", R"sh(# Completion of minictl for bash. What there is to complete, minictl itself says: this asks it.
_minictl() {
    local line minictl=minictl current=${COMP_WORDS[COMP_CWORD]}
    # Called by its path: that one is meant.
    [[ ${COMP_WORDS[0]} == */* && -x ${COMP_WORDS[0]} ]] && minictl=${COMP_WORDS[0]}
    [[ $current == "=" ]] && current=
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o filenames
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
        else
            COMPREPLY+=("$(printf '%q' "${line%%$'\t'*}")")
        fi
    done < <("$minictl" completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _minictl minictl
)sh"},
    {"zsh", R"sh(#compdef minictl
# Completion of minictl for zsh. What there is to complete, minictl itself says: this asks it.
_minictl() {
    local line files=0
    local -a described
    for line in "${(@f)$(minictl completion words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            files=1
        elif [[ -n $line ]]; then
            described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        fi
    done
    (( $#described )) && _describe minictl described
    (( files )) && _files
}
if [[ $funcstack[1] == _minictl ]]; then
    _minictl "$@"
else
    compdef _minictl minictl
fi
)sh"},
    {"fish", R"sh(# Completion of minictl for fish. What there is to complete, minictl itself says: this asks it.
function __minictl_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (minictl completion words -- $words[2..] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c minictl -f -a '(__minictl_complete)'
)sh"},
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
