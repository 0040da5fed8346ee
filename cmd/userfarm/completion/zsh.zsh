# Completes userfarm in zsh: eval "$(userfarm completion zsh)"
_userfarm() {
    local line
    local -a described
    for line in "${(@f)$(${(Q)words[1]} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            '') ;;
            :files) _files; return ;;
            *$'\t'*) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            *) described+=("${line//:/\\:}") ;;
        esac
    done
    _describe -V userfarm described
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _userfarm userfarm
