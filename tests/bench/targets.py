# SPDX-License-Identifier: MIT
"""The figures to reach, each held against what the same run has found: one that is short is a line in a table."""

import figures
import peers
from queries import LAST_HOUR
from rounds import VERY_MANY

PLAIN, ALL, PAST = (peers.own_name("libsystemd", sort) for sort in ("line", "all", "past"))
BARE, MUSL = (peers.own_name(build, "line") for build in ("without", "musl"))
FLOOR, TUTORIAL = "floor", "tutorial"
NOISE = 1.05  # what a median may differ by and be the same


class Targets:
    def __init__(self, results):
        self.results = results
        self.rows = []

    def median(self, row, column):
        """None when this run has not measured it."""
        return self.results.median(row, column) if self.results.has(row, column) else None

    def at_most(self, what, row, column, limit, unit, why=""):
        """limit: a number, or None as long as what it follows from is not measured."""
        found = self.median(row, column)
        if found is None or limit is None:
            self.rows.append((what, "–", why or "–", "not measured"))
            return
        outcome = "reached" if found <= limit else "short"
        bound = f"{figures.digits(limit)} {unit}".strip() + (f", {why}" if why else "")
        self.rows.append((what, f"{figures.digits(found)} {unit}".strip(), bound, outcome))

    def at_least(self, what, row, column, limit, unit, why):
        found = self.median(row, column)
        if found is None or limit is None:
            self.rows.append((what, "–", why, "not measured"))
            return
        outcome = "reached" if found >= limit else "short"
        self.rows.append((what, f"{figures.digits(found)} {unit}", f"{figures.digits(limit)} {unit}, {why}", outcome))

    def times(self, factor, row, column):
        found = self.median(row, column)
        return None if found is None else factor * found


def report_speed(targets, report):
    words = targets.median("wc -l", "GB/s")
    targets.at_least("report, over the longest history", report, "GB/s", None if words is None else min(1, words),
                     "GB/s", "1 GB/s or what wc -l does")


def rows(results, reports):
    """(what, found, to reach, outcome) of each; reports: the rows of those, the longest history last."""
    targets = Targets(results)
    targets.at_most("anonymous memory, with libsystemd", ALL, "anonymous", 256, "kB")
    targets.at_most("anonymous memory, without libsystemd", BARE, "anonymous", 104, "kB")
    targets.at_most("anonymous memory, static musl", MUSL, "anonymous", 24, "kB")
    targets.at_most("exec to first line, with libsystemd", PLAIN, "first", 2.3, "ms")
    targets.at_most("exec to first line, without libsystemd", BARE, "first", 1.3, "ms")
    targets.at_most("--fork to the parent's exit", PLAIN, "fork", 4, "ms")
    targets.at_most("wake-ups per beat", PLAIN, "wakeups", 1.005, "")
    targets.at_most("wake-ups per beat, all duties but sync", ALL, "wakeups", 1.005, "")
    targets.at_most("system calls per beat, appending only", PLAIN, "calls", 5, "")
    targets.at_most("CPU time per beat, appending a line", PLAIN, "cpu", targets.times(1, TUTORIAL, "cpu"), "µs",
                    "the tutorial's")
    targets.at_most("CPU time per beat, all duties but sync", ALL, "cpu", targets.times(2.5, FLOOR, "cpu"), "µs",
                    "2.5 × floor")
    targets.at_most("drift: the grid is left by", PLAIN, "off grid", 0, "µs")
    targets.at_most("lateness at 10 ms", PLAIN, "late", targets.times(1, FLOOR, "late"), "µs", "the floor's")
    targets.at_most("exec to first line, as many descriptors as can be", PLAIN, "first, many",
                    targets.times(NOISE, PLAIN, "first"), "ms", "as with 1,024")
    for kind in VERY_MANY:
        targets.at_most(f"CPU time per beat after very many, {kind}", kind, "late ns",
                        targets.times(NOISE, kind, "early ns"), "ns", "as early on")
        targets.at_most(f"memory after very many beats, {kind}", kind, "late kB", targets.times(1, kind, "early kB"),
                        "kB", "as early on")
    targets.at_most("CPU time per beat, all duties, history full", PAST, "cpu", targets.times(NOISE, ALL, "cpu"), "µs",
                    "as without")
    targets.at_most("memory, all duties, history full", PAST, "anonymous", targets.times(NOISE, ALL, "anonymous"), "kB",
                    "as without")
    for command in ("status", "check"):
        targets.at_most(f"heartbeatctl {command}", f"heartbeatctl {command}", "ms",
                        targets.times(0.1, "systemctl is-active", "ms"), "ms", "a tenth of systemctl is-active")
    report_speed(targets, reports[-1])
    targets.at_most("memory of report over the longest history", reports[-1], "kB",
                    targets.times(NOISE, reports[0], "kB"), "kB", "as over the shortest")
    targets.at_most("report --since=, the last hour of it", LAST_HOUR, "ms", 1, "ms")
    targets.at_most("pulse and history of a year without a gap", "a year", "bytes", 5000, "bytes")
    return targets.rows
