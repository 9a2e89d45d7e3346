# SPDX-License-Identifier: MIT
"""From what was observed to numbers: no clock, no process, no file in here."""

import re
import statistics

SMAPS_LINE = re.compile(r"^(\w+): +(\d+) kB$", re.MULTILINE)
STRACE_CALL = re.compile(r"^(\d+) +(\w+)\(")


def smaps(text):
    """Anonymous memory and the unique set size, in kB, of /proc/PID/smaps_rollup."""
    found = {key: int(value) for key, value in SMAPS_LINE.findall(text)}
    return found["Anonymous"], found["Private_Clean"] + found["Private_Dirty"]


def calls_of(trace, waiting):
    """How often each system call was begun, from what `strace -f` has written. The first one of each thread in
    `waiting`, a set of ids, is what it was in when strace came, and began before: some show as restart_syscall()."""
    counts, unseen = {}, {str(thread) for thread in waiting}
    for line in trace.splitlines():
        match = STRACE_CALL.match(line)
        if not match:
            continue
        if match[1] in unseen:
            unseen.remove(match[1])
        else:
            counts[match[2]] = counts.get(match[2], 0) + 1
    return counts


def beat_numbers(times, interval):
    """The number of each beat, from 0, by the time from one to the next: one that was missed has a number, too.
    Two writes within half an interval are one beat's."""
    numbers, at = [0], [times[0]]
    for time in times[1:]:
        passed = round((time - at[-1]) / interval)
        if passed:
            numbers.append(numbers[-1] + passed)
            at.append(time)
    return numbers, at


def drift(times, interval, before=0):
    """By how much a beat comes later than an interval after the one before, on the whole: a line's slope through
    all of them, which a late one moves less than it would the first and the last. before: beats of warming up."""
    numbers, at = beat_numbers(times, interval)
    if len(at) < before + 2:
        raise ValueError(f"{len(at)} beats are too few")
    return statistics.linear_regression(numbers[before:], at[before:]).slope - interval


def lateness(times, grid, interval):
    """How much later than due each beat was seen; grid: any instant at which one was due."""
    return [(time - grid) % interval for time in times]


def middle(values):
    """The median and the range of what several rounds found."""
    return statistics.median(values), min(values), max(values)


def digits(number):
    """Three digits, which is more than most of these are good for."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) < 10 else f"{number:.1f}"


def words(values):
    """The median, and in parentheses the range where there is one."""
    median, least, most = middle(values)
    if digits(least) == digits(most):
        return digits(median)
    return f"{digits(median)} ({digits(least)}–{digits(most)})"


def per_beat(counts, beats):
    """"poll 1, write 2", the calls of a beat by name."""
    return ", ".join(f"{name} {digits(count / beats)}" for name, count in sorted(counts.items()))
