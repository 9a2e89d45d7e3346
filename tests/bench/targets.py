# SPDX-License-Identifier: MIT
"""The figures to reach, each held against what the same run has found: one that is short is a line in a table."""

import figures
import peers
from queries import LAST_HOUR
from rounds import VERY_MANY

PLAIN, ALL, PAST = (peers.own_name("libsystemd", sort) for sort in ("line", "all", "past"))
BARE, MUSL = (peers.own_name(build, "line") for build in ("without", "musl"))
NOISE = 1.05  # what a median may differ by and be the same


class Targets:
    def __init__(self, results):
        self.results = results
        self.rows = []

    def add(self, what, found, bound, reached):
        self.rows.append((what, found, bound, "reached" if reached else "short"))

    def at_most(self, what, row, column, limit, unit=""):
        bound = f"{figures.digits(limit)} {unit}".strip()
        if not self.results.has(row, column):
            self.rows.append((what, "–", bound, "not measured"))
            return
        found = self.results.median(row, column)
        self.add(what, f"{figures.digits(found)} {unit}".strip(), bound, found <= limit)

    def ratio(self, row, column, other_row, other_column):
        """That of each round, on the median: a machine that is slow for a while is so to both."""
        found = self.results.found.get((row, column)), self.results.found.get((other_row, other_column))
        return figures.middle([one / other for one, other in zip(*found)])[0] if all(found) else None

    def relative(self, what, column, row, factor, other_row, words, other_column=None):
        """Against another figure of the same run: at most so many times that."""
        found = self.ratio(row, column, other_row, other_column or column)
        bound = f"{factor:g} × {words}"
        if found is None:
            self.rows.append((what, "–", bound, "not measured"))
        else:
            self.add(what, f"{figures.digits(found)} ×", bound, found <= factor)

    def as_fast_as(self, what, row, other_row, limit):
        """As many GB/s as another program, or as the limit if that is less."""
        bound = f"{figures.digits(limit)} GB/s, or 1 × {other_row}"
        found = self.ratio(row, "GB/s", other_row, "GB/s")
        if found is None:
            self.rows.append((what, "–", bound, "not measured"))
            return
        speed = self.results.median(row, "GB/s")
        self.add(what, f"{figures.digits(speed)} GB/s, {figures.digits(found)} ×", bound, speed >= limit or found >= 1)


def rows(results, reports, descriptors):
    """(what, found, to reach, outcome) of each; reports: the rows of those, the longest history last; descriptors: how
    many a process may have at most."""
    targets = Targets(results)
    targets.at_most("anonymous memory, with libsystemd", ALL, "anonymous", 256, "kB")
    targets.at_most("anonymous memory, without libsystemd", BARE, "anonymous", 104, "kB")
    targets.at_most("anonymous memory, static musl", MUSL, "anonymous", 24, "kB")
    # 2.3, 1.3 and 4 ms, on a machine where the floor takes 1.06.
    for what, row, column, milliseconds in (("exec to first line, with libsystemd", PLAIN, "first", 2.3),
                                            ("exec to first line, without libsystemd", BARE, "first", 1.3),
                                            ("--fork to the parent's exit", PLAIN, "fork", 4)):
        targets.relative(what, column, row, round(milliseconds / 1.06, 2), "floor", "the floor's first line", "first")
    targets.at_most("wake-ups per beat, appending a line", PLAIN, "wakeups", 1)
    targets.at_most("wake-ups per beat, all duties but sync", ALL, "wakeups", 1)
    targets.at_most("system calls per beat, appending a line", PLAIN, "calls", 5)
    targets.relative("CPU time per beat, appending a line", "cpu", PLAIN, 1, "tutorial", "the tutorial's")
    targets.relative("CPU time per beat, all duties but sync", "cpu", ALL, 2.5, "floor", "the floor's")
    targets.at_most("drift: off the grid by", PLAIN, "off grid", 0, "µs")
    targets.relative("lateness at 10 ms", "late", PLAIN, 1, "floor", "the floor's")
    targets.relative(f"exec to first line, {descriptors:,} descriptors", "first, many", PLAIN, NOISE, PLAIN,
                     "that with 1,024", "first")
    for kind in VERY_MANY:
        targets.relative(f"CPU time per beat after very many, {kind}", "late ns", kind, NOISE, kind, "that early on",
                         "early ns")
        targets.relative(f"memory after very many beats, {kind}", "late kB", kind, 1, kind, "that early on", "early kB")
    targets.relative("CPU time per beat, all duties, history full", "cpu", PAST, NOISE, ALL, "that without")
    targets.relative("memory, all duties, history full", "anonymous", PAST, NOISE, ALL, "that without")
    for command in ("status", "check"):
        targets.relative(f"heartbeatctl {command}", "ms", f"heartbeatctl {command}", 0.1, "systemctl is-active",
                         "systemctl is-active")
    targets.as_fast_as("report, over the longest history", reports[-1], "wc -l", 1)
    targets.relative("memory of report, over the longest history", "kB", reports[-1], NOISE, reports[0],
                     "that over the shortest")
    targets.at_most("report --since=, the last hour of it", LAST_HOUR, "ms", 1, "ms")
    targets.at_most("pulse and history of a year without a gap", "a year", "bytes", 5000, "bytes")
    return targets.rows
