# Completion of minictl for fish. What there is to complete, minictl itself says: this asks it.
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
