#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The one table of all that was done to break the program: what was tried, how often, and what was lost by it.

Tests and scripts add to it, each in its own time; tests/run prints it at its end. Entries of the same words are one
row, their numbers added up. Without $HEARTBEATD_TABLE, the file that the entries are kept in, nothing is noted.

    table.py add WHAT NUMBER [LOST]     from a script
    table.py print FILE                 the table, or nothing when the file has no entry
"""

import os
import sys

NOTHING = "nothing"


def tried(what, number, lost=NOTHING):
    """Notes that something was tried so many times, and in a few words what was lost where it may be."""
    path = os.environ.get("HEARTBEATD_TABLE")
    if path:
        with open(path, "a", encoding="utf-8") as file:  # one write of a short line: whole beside others
            file.write(f"{what}\t{int(number)}\t{lost}\n")


def rows(lines):
    found = {}
    for line in lines:
        what, number, lost = line.rstrip("\n").split("\t")
        total, losses = found.get(what, (0, []))
        if lost not in losses:
            losses = [loss for loss in (*losses, lost) if loss != NOTHING] or [NOTHING]
        found[what] = (total + int(number), losses)
    return [(what, f"{number:,}", "; ".join(losses)) for what, (number, losses) in sorted(found.items())]


def show(lines):
    table = [("tried", "times", "lost"), *rows(lines)]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    for what, number, lost in table:
        print(f"| {what:<{widths[0]}} | {number:>{widths[1]}} | {lost:<{widths[2]}} |")


def main():
    match sys.argv[1:]:
        case ["add", what, number, *lost] if len(lost) <= 1:
            tried(what, number, *lost)
        case ["print", path]:
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    show(file)
        case _:
            sys.exit("usage: table.py add WHAT NUMBER [LOST] | print FILE")


if __name__ == "__main__":
    main()
