# SPDX-License-Identifier: MIT
# fish completion for heartbeatd(8).

# Whether an option may be typed: __heartbeatd_takes [NAME]...: not after one of the names, its own among them, unless
# the word at the cursor is the value of that.
function __heartbeatd_takes
    set -l valued --interval --message --output --format --log-every --sync --history-max --metrics --state-dir --config \
        --pid-file --user --ready-fd
    set -l value_of
    set -l given
    for word in (commandline -opc)[2..-1]
        if set -q value_of[1]
            set -e value_of
        else
            set -a given (string replace -r -- '=.*' '' $word)
            contains -- $word $valued; and set value_of $word
        end
    end
    for name in $argv --help --version
        test "$value_of" = $name; and return 0
        contains -- $name $given; and return 1
    end
    true
end

# Of the value alone, which may stand behind the option's name and a "=".
function __heartbeatd_directories
    __fish_complete_directories (commandline -ct | string replace -r -- '^--[a-z-]+=' '') ''
end

# A file's path has a "/" in it.
function __heartbeatd_outputs
    set -l value (commandline -ct | string replace -r -- '^--output=' '')
    if string match -q -- '*/*' $value
        __fish_complete_path $value
    else
        echo journal
        echo stdout
        echo syslog
        __heartbeatd_directories
    end
end

set -l commands --running --stop --check-config --print-config --record-exit --help --version

complete -c heartbeatd -f
complete -c heartbeatd -n '__heartbeatd_takes --interval' -l interval -x -d 'Time from beat to beat'
complete -c heartbeatd -n '__heartbeatd_takes --message' -l message -x -d 'What each beat says'
complete -c heartbeatd -n __heartbeatd_takes -l output -x -a '(__heartbeatd_outputs)' -d 'Where messages go'
complete -c heartbeatd -n '__heartbeatd_takes --format' -l format -x -a 'full plain' -d 'With the time or without'
complete -c heartbeatd -n '__heartbeatd_takes --log-every' -l log-every -x -d 'A message only that often'
complete -c heartbeatd -n '__heartbeatd_takes --sync' -l sync -x -a 'beat gap never' -d 'When the pulse goes to disk'
complete -c heartbeatd -n '__heartbeatd_takes --history-max' -l history-max -x -d 'Bound of the history'
complete -c heartbeatd -n '__heartbeatd_takes --metrics' -l metrics -r -F -d 'Figures for Prometheus'
complete -c heartbeatd -n '__heartbeatd_takes --state-dir' -l state-dir -x -a '(__heartbeatd_directories)' -d 'Lock, pulse and history'
complete -c heartbeatd -n '__heartbeatd_takes --config' -l config -r -F -d 'Read this file'
complete -c heartbeatd -n '__heartbeatd_takes --pid-file --ready-fd' -l pid-file -r -F -d 'With --fork: write the pid there'
complete -c heartbeatd -n '__heartbeatd_takes --user --ready-fd' -l user -x -a '(__fish_complete_users)' -d 'With --fork, as root: run as this user'
complete -c heartbeatd -n '__heartbeatd_takes --ready-fd --fork --pid-file --user' -l ready-fd -x -d 'Tell this descriptor when ready'
complete -c heartbeatd -n '__heartbeatd_takes --fork --ready-fd' -l fork -d 'Run as a daemon'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l running -d 'Print the running one\'s pid'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l stop -d 'End the running one and wait'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l check-config -d 'Check the configuration'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l print-config -d 'Print the configuration'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l record-exit -d 'Record how the last run ended'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l help -d 'Print a summary'
complete -c heartbeatd -n "__heartbeatd_takes $commands" -l version -d 'Print the version'
