# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion for heartbeatctl(1). bash-completion loads it when the command is completed for the first time.

_heartbeatctl() {
    local cur prev words cword split
    _init_completion -s -n : || return

    # Option -> the commands that know it ("": all), and what it may not stand beside. A "=" takes a value.
    local -A commands_of=(
        [--output=]='' [--state-dir=]='' [--user]='' [--utc]='' [--help]='' [--version]=''
        [-w]='check' [--warning=]='check' [-c]='check' [--critical=]='check'
        [--since=]='gaps report timeline' [--until=]='gaps report timeline' [--cause=]='gaps'
        [--by=]='report timeline' [--exclude=]='report')
    local -A excluded_by=(
        [--state-dir=]='--user' [--user]='--state-dir'
        [-w]='--warning' [--warning=]='-w' [-c]='--critical' [--critical=]='-c')
    local commands='status check gaps explain report timeline metrics'
    local times='today yesterday'
    local causes='unknown suspend cpu-throttled cpu-starved busy process-stopped frozen output-blocked host-paused
        service-crashed service-oom-killed service-watchdog-killed service-killed service-failed service-stopped
        host-shutdown host-down output-failed clock-step'

    # What stands before the cursor: the command, how many words behind it, and the options.
    local command='' given=' ' arguments=0 only_words='' word i
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ $only_words || $word != -* || $word == -[0-9]* ]]; then
            if [[ $command ]]; then ((++arguments)); else command=$word; fi
        elif [[ $word == -- ]]; then
            only_words=1
        else
            given+="${word%%=*} "
            # Its value is the next argument.
            [[ $word == -[wc] || ${commands_of[$word=]+known} ]] && ((++i))
        fi
    done
    [[ $given == *' --help '* || $given == *' --version '* ]] && return

    case $only_words$prev in
        --output)
            case $command in
                '' | timeline) COMPREPLY=($(compgen -W 'text json svg' -- "$cur")) ;;
                metrics) COMPREPLY=($(compgen -W text -- "$cur")) ;;
                *) COMPREPLY=($(compgen -W 'text json' -- "$cur")) ;;
            esac
            return
            ;;
        --by)
            case $command in
                timeline) COMPREPLY=($(compgen -W 'day month' -- "$cur")) ;;
                *) COMPREPLY=($(compgen -W 'day week month year' -- "$cur")) ;;
            esac
            return
            ;;
        --cause)
            # Several between commas, each once.
            local before=''
            [[ $cur == *,* ]] && before=${cur%,*},
            for word in $causes; do
                [[ ,$before == *",$word,"* || $before$word != "$cur"* ]] || COMPREPLY+=("$before$word")
            done
            compopt -o nospace
            return
            ;;
        --since | --until)
            COMPREPLY=($(compgen -W "$times" -- "$cur"))
            return
            ;;
        --state-dir)
            _filedir -d
            __ltrim_colon_completions "$cur"
            return
            ;;
        --warning | --critical | --exclude | -w | -c)
            return
            ;;
    esac
    [[ $split == true ]] && return

    if [[ $cur != -* || $only_words ]]; then
        if [[ ! $command ]]; then
            COMPREPLY=($(compgen -W "$commands" -- "$cur"))
            return
        elif [[ $command == explain ]]; then
            ((arguments)) || COMPREPLY=($(compgen -W "$times" -- "$cur"))
            return
        fi
    fi
    [[ $only_words ]] && return

    local offered=()
    for word in "${!commands_of[@]}"; do
        [[ ! $command || ! ${commands_of[$word]} || " ${commands_of[$word]} " == *" $command "* ]] || continue
        case $word in
            --cause= | --exclude=) ;; # may be repeated
            *) [[ $given == *" ${word%=} "* ]] && continue ;;
        esac
        [[ $given == *" ${excluded_by[$word]-none} "* ]] && continue
        offered+=("$word")
    done
    COMPREPLY=($(compgen -W "${offered[*]}" -- "$cur"))
    [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
} &&
    complete -F _heartbeatctl heartbeatctl
