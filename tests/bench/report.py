# SPDX-License-Identifier: MIT
"""The tables that a run ends with."""

import datetime
import os
import platform

import beside_systemd
import figures
import targets
from peers import own_name
from queries import LAST_HOUR, over
from results import by_program, table
from rounds import VERY_MANY, most_descriptors

COLUMNS = (("anonymous", "anonymous kB"), ("unique", "USS kB"), ("first", "first line ms"),
           ("first, many", "…, {many} fds"), ("fork", "--fork ms"), ("wakeups", "wake-ups"), ("calls", "calls"),
           ("cpu", "CPU µs"), ("drift", "drift µs"), ("late", "late at 10 ms µs"))
# For the README: medians of some programs, each of which has a column.
SHORT_COLUMNS = (("floor", "floor"), ("tutorial", "tutorial"), ("dash loop", "dash"), ("earlyoom", "earlyoom"),
                 ("rsyslog immark", "immark"), (own_name("libsystemd", "line"), "heartbeatd"),
                 (own_name("libsystemd", "all"), "all duties"), (own_name("without", "line"), "no libsystemd"),
                 (own_name("musl", "line"), "musl"))
SHORT_ROWS = (("anonymous", "anonymous memory, kB"), ("first", "exec to first line, ms"),
              ("wakeups", "wake-ups a beat"), ("calls", "system calls a beat"), ("cpu", "CPU time a beat, µs"),
              ("drift", "drift a beat, µs"), ("late", "late at 10 ms, µs"))


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "CPU")
    return f"{datetime.date.today()}, {os.cpu_count()} × {model}, Linux {platform.release()}"


def short(results):
    return table(["", *(head for _, head in SHORT_COLUMNS)],
                 [[words, *(short_cell(results, row, column) for row, _ in SHORT_COLUMNS)]
                  for column, words in SHORT_ROWS])


def short_cell(results, row, column):
    """One that keeps to its grid has no drift, whatever the noise of those few beats."""
    if column == "drift" and results.has(row, "off grid") and results.median(row, "off grid") == 0:
        return "none"
    return figures.digits(results.median(row, column)) if results.has(row, column) else "–"


def show(results, names, calls, size):
    """calls: of each program the calls by name and the beats they are of; size: of the run."""
    many = most_descriptors()
    reports = [over(lines) for lines in size.histories]
    print(f"{machine()}: medians (least–most) of {size.rounds} rounds; of a beat at 1 s where nothing else is said\n")
    print(by_program(results, "program", names, [(key, head.format(many=f"{many:,}")) for key, head in COLUMNS]))
    print("\nSystem calls of a beat:\n")
    print(table(("program", "calls"), [(name, figures.per_beat(*calls[name])) for name in names]))
    print(f"\nCommands, over {size.histories[-1]:,} lines where nothing else is said:\n")
    print(by_program(results, "command", [*beside_systemd.COMMANDS, *reports, LAST_HOUR, "wc -l", "mawk", "jq"],
                     [("ms", "ms"), ("GB/s", "GB/s"), ("kB", "resident kB")]))
    print(f"\n{size.simulated_beats:,} beats on a clock that does not wait, with real files:\n")
    columns = [(f"{when} {unit}", f"{when} {unit}") for unit in ("ns", "kB") for when in ("early", "late")]
    print(by_program(results, "", VERY_MANY, columns))
    print("\nOn the disk, of a year without a gap:\n")
    print(by_program(results, "", ["a year"],
                     [("bytes", "pulse and history, bytes"), ("growth", "more after four beats"),
                      ("file", "messages in a file, MB"), ("journal", "in the journal, MB")]))
    print("\nFigures to reach:\n")
    print(table(("what", "found", "to reach", "outcome"), targets.rows(results, reports, many)))
    print("\nIn short:\n")
    print(short(results))
