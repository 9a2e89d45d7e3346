# SPDX-License-Identifier: MIT
"""What the rounds have found, by row and column, and the tables that show it."""

import figures


class Results:
    def __init__(self):
        self.found = {}  # (row, column): a number from each round
        self.notes = {}  # (row, column): words, of what is no number

    def add(self, row, column, value):
        self.found.setdefault((row, column), []).append(value)

    def note(self, row, column, text):
        self.notes[row, column] = text

    def has(self, row, column):
        return (row, column) in self.found

    def median(self, row, column):
        return figures.middle(self.found[row, column])[0]

    def cell(self, row, column):
        if (row, column) in self.notes:
            return self.notes[row, column]
        return figures.words(self.found[row, column]) if self.has(row, column) else "–"

    def as_json(self):
        """Nested by row and column, with every round."""
        nested = {}
        for (row, column), values in [*self.found.items(), *self.notes.items()]:
            nested.setdefault(row, {})[column] = values
        return nested


def table(head, rows):
    """Markdown that is a table to the eye, too."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
                     for line in lines)


def by_program(results, title, programs, columns):
    """A row for each program; columns: (key, head)."""
    return table([title, *(head for _, head in columns)],
                 [[name, *(results.cell(name, key) for key, _ in columns)] for name in programs])
