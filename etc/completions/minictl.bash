# Completion of minictl for bash. What there is to complete, minictl itself says: this asks it.
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
