# Completes userfarm in bash: eval "$(userfarm completion bash)"
_userfarm() {
    local current=${COMP_WORDS[COMP_CWORD]} quoted= value help
    case $current in
        \"* | \'*) quoted=1 current=${current:1} ;;
    esac
    current=${current//\\/}
    COMPREPLY=()
    while IFS=$'\t' read -r value help; do
        if [[ $value == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        [[ $quoted ]] || value=$(printf %q "$value")
        COMPREPLY+=("$value")
    done < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
}
complete -F _userfarm userfarm
