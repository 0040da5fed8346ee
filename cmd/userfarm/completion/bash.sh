# Completes userfarm in bash: eval "$(userfarm completion bash)"
_userfarm() {
    local words=() i current quote= passed= value help
    # Bash splits words at colons, as in the address of a farm.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        if ((i > 1)) && [[ ${COMP_WORDS[i]} == :* || ${COMP_WORDS[i - 1]} == *: ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    current=${words[${#words[@]} - 1]}
    [[ $COMP_WORDBREAKS == *:* ]] && passed=${current%"${current##*:}"}
    case $current in
        \"* | \'*) quote=${current:0:1} current=${current:1} passed= ;;
    esac
    current=${current//\\/}
    COMPREPLY=()
    while IFS=$'\t' read -r value help; do
        if [[ $value == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        # A name comes from the farm: no shell must take a part of it for a command.
        case $quote in
            \') value=${value//\'/\'\\\'\'} ;;
            \") value=${value//\\/\\\\} value=${value//\"/\\\"} value=${value//\$/\\\$} value=${value//\`/\\\`} ;;
            *) value=$(printf %q "$value") ;;
        esac
        COMPREPLY+=("${value#"$passed"}")
    done < <("$1" __complete "${words[@]:0:${#words[@]} - 1}" "$current" 2>/dev/null)
}
complete -F _userfarm userfarm
