# SPDX-License-Identifier: MIT
"""What the daemon has remembered, as scenarios read it."""

import re

PAIR = re.compile(r'([a-z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"=]*))(?: +|$)')
ESCAPE = re.compile(r'\\(?:x([0-9a-fA-F]{2})|(.))')
SECOND = 1_000_000
# Parts of a gap: none can be longer than the whole.
PARTS = ("longest", "suspended", "throttled", "starved", "cpu", "frozen")
NUMBERS = ("boottime", "from", "to", "lasted", "missed", "interval", "switches", "polls", "faults",
           "continued", "boot_began", "stopped") + PARTS
# From here on a figure is a difference that went below zero, not a time.
ABSURD = 1 << 62


class Line(dict):
    """One line of logfmt, its values as text."""

    def number(self, name):
        if not self[name].isdigit():
            raise AssertionError(f"{name}={self[name]} is no number")
        return int(self[name])

    def seconds(self, name):
        return self.number(name) / SECOND


def parse(text):
    """Reads one line; fails on what is no logfmt, and on a key that is there twice."""
    line, at = Line(), 0
    while at < len(text):
        match = PAIR.match(text, at)
        if not match or match[1] in line:
            raise AssertionError(f"no logfmt at byte {at}: {text}")
        line[match[1]] = match[3] if match[2] is None else ESCAPE.sub(unescape, match[2])
        at = match.end()
    return line


def unescape(match):
    if match[1]:
        return chr(int(match[1], 16))
    return {"n": "\n"}.get(match[2], match[2])


class Remembering:
    """A machine whose state directory is looked into; beside host.Installed."""

    state = "/var/lib/heartbeatd"

    def remembered(self, name):
        path = self.files / self.state.lstrip("/") / name
        return path.read_text() if path.exists() else ""

    def history_text(self):
        return self.remembered("history")

    def pulse_text(self):
        """The record without the step's mark; empty before the first beat."""
        return self.remembered("pulse")[:512].rstrip()

    def history(self, kind=None):
        lines = [parse(line) for line in self.history_text().splitlines()]
        return [line for line in lines if kind in (None, line["ev"])]

    def pulse(self):
        """The latest beat as the pulse has it."""
        return parse(self.pulse_text())


def implausible(gap, since, until):
    """What is wrong with a gap's figures: a list of sentences. Since and until are wall-clock seconds between
    which it must lie, but for the interval in which it began."""
    wrong = [f"{name}={gap[name]}" for name in NUMBERS if name in gap and gap.number(name) >= ABSURD]
    begin, end, lasted, interval = (gap.number(name) for name in ("from", "to", "lasted", "interval"))
    if not since * SECOND - interval - SECOND <= begin <= end <= until * SECOND + SECOND:
        wrong.append(f"not between {since} and {until}")
    if abs(end - begin - lasted) > SECOND:
        wrong.append("lasted is not what lies between from and to")
    # Neither beat need have been on time, but each stands for the due instant before it.
    if abs(lasted / interval - 1 - gap.number("missed")) > 1.5:
        wrong.append("as many beats as were missed do not fit into it")
    wrong += [f"{name} is longer than all of it"
              for name in PARTS if name in gap and gap.number(name) > lasted + SECOND]
    return wrong
