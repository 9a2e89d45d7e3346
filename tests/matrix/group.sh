# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# The group `matrix`, for tests/run.

clang_options='-Doptimization=3 -Db_ndebug=true'

# A gate: passes when a command succeeds, and shows what it had to say when it does not: gate WORDS COMMAND...
gate() {
    words=$1
    shift
    if said=$("$@" 2>&1); then
        echo "ok   $words"
        count 1 0 0
    else
        echo "FAIL $words"
        printf '%s\n' "$said" | head -n 60
        count 0 1 0
    fi
}

# A build of the matrix: variant NAME MESON_OPTION...
variant() {
    build "$@"
    "$top/tests/table.py" add "builds of the matrix" 1
}

# Each build runs what it can show something in. The modules' tests show what another compiler makes of the code at its
# highest optimization, and a few of the whole program what the linker does that sees all of it (not the modules' tests,
# each of which it would take for a program of its own); the calls that it makes are the same.
# Another libc and another size of long make others: there it is what the integration suite has on the daemon's own
# doings and on the figures that are made of its files.
group_matrix() {
    emulated='' memcheck='' # directories that are gone after it
    trap 'rm -rf "$emulated" "$memcheck"' EXIT
    trap 'exit 1' TERM INT
    build plain
    # shellcheck disable=SC2086 # options
    CC='ccache clang' variant clang $clang_options
    criterion clang
    variant whole-program -Doptimization=3 -Db_ndebug=true -Db_lto=true -Dtests=disabled
    # shellcheck disable=SC2086 # options
    HEARTBEATD=$out/whole-program/src/heartbeatd suite whole-program integration $waits_long \
        test_beat. test_fork test_pulse
    CC='ccache musl-gcc' variant musl -Dlibsystemd=disabled -Dtests=disabled
    # shellcheck disable=SC2086 # options
    HEARTBEATD=$out/musl/src/heartbeatd suite musl integration $waits_long --unfit 'needs libsystemd in the binary' \
        test_beat. test_command_line test_ctl_report test_fork test_history test_outputs test_pulse test_ready_fd
    matrix_32_bit
    HEARTBEATD=$out/plain/src/heartbeatd suite memcheck matrix --jobs 2
    matrix_memcheck
}

# Where the kernel takes no 32-bit program, an emulator stands in for it. What looks at a process from outside sees the
# emulator then, and what injects faults would inject them there: so neither is among these tests.
matrix_32_bit() {
    variant 32-bit -Dlibsystemd=disabled -Dtests=disabled --cross-file "$top/tests/matrix/32-bit.ini"
    set -- test_beat.Grid test_beat.Lines test_ctl_explain.AtATime test_ctl_gaps.Chosen test_ctl_gaps.Holes \
        test_history.Bound test_history.FullDisk test_history.Lines test_history.OwnFiles
    program=$out/32-bit/src/heartbeatd
    if "$program" --version >/dev/null 2>&1; then
        set -- "$@" test_beat. test_ctl test_fork test_history test_outputs test_pulse test_running_stop
    else
        emulated=$(mktemp -d) || exit
        mkdir "$emulated/real"
        chmod 755 "$emulated" "$emulated/real"
        for name in heartbeatd heartbeatctl; do
            cp "$out/32-bit/src/$name" "$emulated/real/" || exit
            printf '#!/bin/sh\nexec /usr/bin/qemu-i386 %s "$@"\n' "$emulated/real/$name" >"$emulated/$name"
            chmod 755 "$emulated/$name"
        done
        program=$emulated/heartbeatd
    fi
    HEARTBEATD=$program suite 32-bit integration --unfit 'needs libsystemd in the binary' "$@"
}

# Runs a test program under memcheck: memcheck_one PROGRAM [CORPUS].
memcheck_one() {
    gate "${1##*/} under memcheck" valgrind --quiet --vgdb=no --trace-children=yes --leak-check=full \
        --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect --error-exitcode=99 \
        --log-file="$memcheck/%p" "$@"
}

# All that reads what others have written, over its corpus in one process, and two modules that allocate. A test of
# Criterion's is a process of its own, for which valgrind takes a second: the rest are left to AddressSanitizer.
# Criterion reports success for a test that leaks, so that what memcheck has to say goes to files.
matrix_memcheck() {
    memcheck=$(mktemp -d) || exit
    export memcheck
    {
        printf "'%s'\n" "$out"/plain/tests/unit/test-output "$out"/plain/tests/unit/test-settings
        for name in calendar config ctl-options event history ini message options past pulse timespan timestamp when; do
            printf "'%s' '%s'\n" "$out/plain/tests/fuzz/fuzz-$name" "$top/tests/fuzz/corpus/$name"
        done
    } | xargs -P 2 -L 1 "$top/tests/run" --call memcheck_one
    if [ "$(find "$memcheck" -type f -size +0)" ]; then
        echo "FAIL memcheck has findings:"
        find "$memcheck" -type f -size +0 -exec head -n 40 {} +
        count 0 1 0
    else
        echo "ok   memcheck has no finding in $(find "$memcheck" -type f | wc -l) processes"
        "$top/tests/table.py" add "processes under memcheck" "$(find "$memcheck" -type f | wc -l)"
        count 1 0 0
    fi
}

# What reads the code and runs nothing. gcc 12 loses sight of what a struct of the caller's owns, and calls it leaked:
# leaks are for LeakSanitizer and memcheck to find, which do so in the group sanitizers and above.
analyzers() {
    # shellcheck disable=SC2086 # options
    CC='ccache clang' build clang $clang_options # which knows how each file is compiled
    gate "clang-tidy has no finding" tidy
    gate "gcc's analyzer has no finding" analyze
    "$top/tests/table.py" add "source files analyzed by two compilers" "$(find "$top/src" -name '*.c' | wc -l)"
}

tidy() {
    printf '%s\n' "$top"/src/*/*.c | xargs -P 2 -n 8 clang-tidy --quiet -p "$out/clang" 2>/dev/null
}

analyze() {
    [ -f "$out/analyzed/build.ninja" ] || meson setup "$out/analyzed" "$top" --werror -Doptimization=1 \
        -Dtests=disabled -Dc_args='-fanalyzer -Wno-analyzer-malloc-leak' || return
    meson compile -C "$out/analyzed"
}
