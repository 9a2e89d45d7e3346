# SPDX-License-Identifier: MIT
"""The table of causes: what was made to happen, and what the history called it.

Scenarios run in processes of their own, several at once. Each appends its row to a file of this run of the
tests, and the last test reads them all.
"""

import json
import os
import pathlib

COLUMNS = ("made to happen", "named rightly", "called unknown", "named wrongly")


def notes():
    """The file of this run of the tests."""
    return pathlib.Path(os.environ["SUITE_NOTES"]) / "verdicts"


def note(what, cause, named):
    """Adds a row: what was done, the cause that it is, and the list of names that the history gave it, None
    where it could not be done."""
    line = json.dumps({"what": what, "cause": cause, "named": named})
    with notes().open("a") as file:
        file.write(line + "\n")  # in one write(2), which O_APPEND keeps apart from those of others


def rows():
    path = notes()
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def judge(row):
    """The columns of the table that a row counts in."""
    if row["named"] is None:
        return ()
    names = set(row["named"])
    if names == {row["cause"]}:
        return COLUMNS[0], COLUMNS[1]
    if names and names <= {row["cause"], "unknown"}:
        return COLUMNS[0], COLUMNS[2]
    return COLUMNS[0], COLUMNS[3]


def count(some_rows):
    """How many of the rows count in each column."""
    judged = [judge(row) for row in some_rows]
    return [sum(column in columns for columns in judged) for column in COLUMNS]


def table(some_rows):
    """The table as text: a line for each thing that was made to happen, on however many machines."""
    kinds = sorted({(row["cause"], row["what"]) for row in some_rows})
    width = max(len(what) for _, what in kinds)
    lines = [" | ".join((f"{'cause':23}", f"{'how':{width}}") + COLUMNS)]
    for cause, what in kinds:
        counts = count([row for row in some_rows if (row["cause"], row["what"]) == (cause, what)])
        shown = counts if counts[0] else [""] * len(counts)
        cells = [f"{number:>{len(column)}}" for number, column in zip(shown, COLUMNS)]
        lines.append(" | ".join([f"{cause:23}", f"{what:{width}}"] + cells))
    total = [f"{number:>{len(column)}}" for number, column in zip(count(some_rows), COLUMNS)]
    lines.append(" | ".join([f"{'':23}", f"{'in all':{width}}"] + total))
    return "\n".join(lines)
