# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# The group `fuzz`, for tests/run.

# Executions of each fuzz target: what it can do in ten seconds or less.
fuzz_targets='calendar 100000 config 750 ctl-options 30000 event 30000 exclusion 20000 history 2000 ini 30000
    life 3000 logfmt 30000 message 15000 options 5000 past 6000 pulse 30000 timespan 100000 timestamp 100000
    verdict 30000 view 1000 when 40000'

# Runs one target on a copy of its corpus: fuzz_one TARGET EXECUTIONS. The same inputs each time, for they are made
# by the seed. What one fails on is kept in build-tests/, and is to become a file of the corpus. Files are made in
# memory, and little freed memory is kept back: on a disk, and with much of it, most of the time would go there.
fuzz_one() {
    log=$out/fuzz/fuzz-$1.log
    corpus=$(TMPDIR=$([ -w /dev/shm ] && echo /dev/shm) mktemp -d) || exit
    trap 'rm -rf "$corpus"' EXIT
    mkdir "$corpus/inputs" && cp "$top/tests/fuzz/corpus/$1"/* "$corpus/inputs"
    if TMPDIR=$corpus ASAN_OPTIONS=quarantine_size_mb=4 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        "$out/fuzz/tests/fuzz/fuzz-$1" -seed=1 -runs="$2" -max_len=4096 -reload=0 -print_final_stats=1 \
        -artifact_prefix="$out/fuzz/found-$1-" "$corpus/inputs" >"$log" 2>&1; then
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok   fuzz-$1 ($executions executions)"
        "$top/tests/table.py" add "made-up inputs for fuzz-$1" "$executions"
        count 1 0 0
    else
        found=$(sed -n 's/.*Test unit written to //p' "$log")
        echo "FAIL fuzz-$1: ${found:-no input}"
        grep -v '^#[0-9]' "$log" | head -n 60
        [ -f "$found" ] && od -A d -t x1z -v "$found" | head -n 64
        count 0 1 0
    fi
}

group_fuzz() {
    CC=clang build fuzz -Dfuzzers=true -Dtests=disabled -Db_sanitize=address,undefined -Db_lundef=false
    rm -f "$out/fuzz"/found-*
    # shellcheck disable=SC2086 # a list
    printf '%s %s\n' $fuzz_targets | xargs -n 2 -P 2 "$top/tests/run" --call fuzz_one
}
