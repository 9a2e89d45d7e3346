# SPDX-License-Identifier: MIT
# fish completion for heartbeatctl(1).

# What stands before the cursor: "command NAME", "argument" for each word behind it, "option NAME" (with its
# dashes), and "value-of NAME" where the word at the cursor is an option's value.
function __heartbeatctl_line
    set -l valued --output --state-dir --warning --critical --since --until --cause --by --exclude -w -c
    set -l word_kind command
    set -l value_of
    set -l only_words
    for word in (commandline -opc)[2..-1]
        if set -q value_of[1]
            set -e value_of
        else if set -q only_words[1]; or not string match -qr -- '^-[^0-9]' $word
            test $word_kind = command; and echo command $word; or echo argument
            set word_kind argument
        else if test "$word" = --
            set only_words yes
        else
            set -l name (string replace -r -- '=.*' '' $word)
            echo option $name
            contains -- $word $valued; and set value_of $name
        end
    end
    set -q value_of[1]; and echo value-of $value_of
    set -q only_words[1]; and echo only-words
    true
end

# Whether the command on the line is one of these. "none": there is none yet.
function __heartbeatctl_is
    set -l command (__heartbeatctl_line | string replace -rf -- '^command ' '')
    set -q command[1]; or set command none
    contains -- $command[1] $argv
end

# Whether an option may be typed: __heartbeatctl_takes "NAME..." [COMMAND]...: not after one of the names, its own among
# them, and only for these commands, if there are any, or for one that is still to come.
function __heartbeatctl_takes
    set -l line (__heartbeatctl_line)
    for name in (string split ' ' -- $argv[1]) --help --version
        contains -- "value-of $name" $line; and return 0
        contains -- "option $name" $line; and return 1
    end
    contains -- only-words $line; and return 1
    set -q argv[2]; or return 0
    __heartbeatctl_is none $argv[2..-1]
end

function __heartbeatctl_needs_command
    not string match -qr -- '^(command|option --(help|version))' (__heartbeatctl_line)
end

function __heartbeatctl_needs_time
    __heartbeatctl_is explain; and not string match -qr -- '^(argument|option --(help|version))' (__heartbeatctl_line)
end

function __heartbeatctl_formats
    echo text
    __heartbeatctl_is metrics; or echo json
    __heartbeatctl_is none timeline; and echo svg
end

function __heartbeatctl_units
    echo day
    __heartbeatctl_is timeline; or echo week
    echo month
    __heartbeatctl_is timeline; or echo year
end

# Of the value alone, which may stand behind the option's name and a "=".
function __heartbeatctl_directories
    __fish_complete_directories (commandline -ct | string replace -r -- '^--state-dir=' '') ''
end

# Several between commas, each once.
function __heartbeatctl_causes
    set -l causes unknown suspend cpu-throttled cpu-starved busy process-stopped frozen output-blocked host-paused \
        service-crashed service-oom-killed service-watchdog-killed service-killed service-failed service-stopped \
        host-shutdown host-down output-failed clock-step
    set -l before (commandline -ct | string replace -r -- '^--cause=' '' | string match -r -- '^.*,')
    for cause in $causes
        contains -- $cause (string split , -- "$before"); or echo "$before$cause"
    end
end

set -l times 'today yesterday'

complete -c heartbeatctl -f
complete -c heartbeatctl -n __heartbeatctl_needs_command -a status -d 'Is it alive: state, last beat, last gap'
complete -c heartbeatctl -n __heartbeatctl_needs_command -a check -d 'The same in one line, for monitoring'
complete -c heartbeatctl -n __heartbeatctl_needs_command -a gaps -d 'When it was not, and why: a table'
complete -c heartbeatctl -n __heartbeatctl_needs_command -a explain -d 'A gap, or what was at a time, in sentences'
complete -c heartbeatctl -n __heartbeatctl_needs_command -a report -d 'Availability of the host, coverage of the pulse'
complete -c heartbeatctl -n __heartbeatctl_needs_command -a timeline -d 'The same as a picture'
complete -c heartbeatctl -n __heartbeatctl_needs_command -a metrics -d 'Figures of the record for Prometheus'
complete -c heartbeatctl -n __heartbeatctl_needs_time -a $times

complete -c heartbeatctl -n '__heartbeatctl_takes --output' -l output -x -a '(__heartbeatctl_formats)' -d 'Format of the output'
complete -c heartbeatctl -n '__heartbeatctl_takes "--state-dir --user"' -l state-dir -x -a '(__heartbeatctl_directories)' -d 'Where the record is'
complete -c heartbeatctl -n '__heartbeatctl_takes "--user --state-dir"' -l user -d 'Read one\'s own record'
complete -c heartbeatctl -n '__heartbeatctl_takes --utc' -l utc -d 'Times in UTC, both read and written'
complete -c heartbeatctl -n '__heartbeatctl_takes --help' -l help -d 'Print a summary'
complete -c heartbeatctl -n '__heartbeatctl_takes --version' -l version -d 'Print the version'
complete -c heartbeatctl -n '__heartbeatctl_takes "-w --warning" check' -s w -l warning -x -d 'Warn above this age of the last beat'
complete -c heartbeatctl -n '__heartbeatctl_takes "-c --critical" check' -s c -l critical -x -d 'Alarm above this age of the last beat'
complete -c heartbeatctl -n '__heartbeatctl_takes --since gaps report timeline' -l since -x -a $times -d 'From then on'
complete -c heartbeatctl -n '__heartbeatctl_takes --until gaps report timeline' -l until -x -a $times -d 'Up to then'
complete -c heartbeatctl -n '__heartbeatctl_takes "" gaps' -l cause -x -a '(__heartbeatctl_causes)' -d 'These causes only'
complete -c heartbeatctl -n '__heartbeatctl_takes --by report timeline' -l by -x -a '(__heartbeatctl_units)' -d 'A row for each of these'
complete -c heartbeatctl -n '__heartbeatctl_takes "" report' -l exclude -x -d 'Leave this time out'
