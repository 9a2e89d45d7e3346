# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion for heartbeatd(8). bash-completion loads it when the command is completed for the first time.

_heartbeatd() {
    local cur prev words cword split
    _init_completion -s -n : || return

    # Option -> what it may not stand beside. A "=" takes a value.
    local command='--running --stop --check-config --print-config --record-exit --help --version'
    local -A excluded_by=(
        [--interval=]='' [--message=]='' [--output=]='' [--format=]='' [--log-every=]='' [--sync=]=''
        [--history-max=]='' [--metrics=]='' [--state-dir=]='' [--config=]=''
        [--fork]='--ready-fd' [--pid-file=]='--ready-fd' [--user=]='--ready-fd'
        [--ready-fd=]='--fork --pid-file --user'
        [--running]=$command [--stop]=$command [--check-config]=$command [--print-config]=$command
        [--record-exit]=$command [--help]=$command [--version]=$command)

    local given=' ' word other i
    for ((i = 1; i < cword; i++)); do
        given+="${words[i]%%=*} "
        # Its value is the next argument.
        [[ ${excluded_by[${words[i]}=]+known} ]] && ((++i))
    done
    [[ $given == *' --help '* || $given == *' --version '* ]] && return

    case $prev in
        --output)
            # A file's path has a "/" in it.
            if [[ $cur == */* ]]; then
                _filedir
            else
                _filedir -d
                COMPREPLY+=($(compgen -W 'journal stdout syslog' -- "$cur"))
            fi
            __ltrim_colon_completions "$cur"
            return
            ;;
        --format)
            COMPREPLY=($(compgen -W 'full plain' -- "$cur"))
            return
            ;;
        --sync)
            COMPREPLY=($(compgen -W 'beat gap never' -- "$cur"))
            return
            ;;
        --state-dir)
            _filedir -d
            __ltrim_colon_completions "$cur"
            return
            ;;
        --config | --pid-file | --metrics)
            _filedir
            __ltrim_colon_completions "$cur"
            return
            ;;
        --user)
            COMPREPLY=($(compgen -u -- "$cur"))
            return
            ;;
        --interval | --message | --log-every | --history-max | --ready-fd)
            return
            ;;
    esac
    [[ $split == true ]] && return

    local offered=()
    for word in "${!excluded_by[@]}"; do
        [[ $word != --output= && $given == *" ${word%=} "* ]] && continue
        for other in ${excluded_by[$word]}; do
            [[ $given == *" $other "* ]] && continue 2
        done
        offered+=("$word")
    done
    COMPREPLY=($(compgen -W "${offered[*]}" -- "$cur"))
    [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
} &&
    complete -F _heartbeatd heartbeatd
