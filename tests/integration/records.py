# SPDX-License-Identifier: MIT
"""Pulse and history, read as the manual describes them: by a program that shares nothing with the daemon."""

import pathlib
import re
import zlib

import harness

PULSE_BYTES, RECORD_BYTES = 1024, 512
PAIR = re.compile(r'([a-z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|([^ "=\\]+))(?: |$)')
ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|.)")


def unescape(text):
    return ESCAPE.sub(lambda match: {"n": "\n"}.get(match[1]) or (
        chr(int(match[1][1:], 16)) if match[1][0] == "x" and len(match[1]) > 1 else match[1]), text)


def pairs(line):
    """The keys and values of a line; None where it is no such line."""
    found, at = {}, 0
    while at < len(line):
        match = PAIR.match(line, at)
        if not match or match[1] in found:
            return None
        found[match[1]] = match[3] if match[2] is None else unescape(match[2])
        at = match.end()
    return found


def raw_pulse(state):
    return (pathlib.Path(state) / "pulse").read_bytes()


def parse_pulse(data):
    """The fields of a pulse, and the step as `step`; None when it is torn."""
    record, text = data[:RECORD_BYTES], data[:RECORD_BYTES].decode(errors="replace").rstrip()
    match = re.fullmatch(r"(.*) sum=([0-9a-f]{8})", text)
    if not match or not record.endswith(b"\n") or int(match[2], 16) != zlib.crc32(match[1].encode()):
        return None
    return {**pairs(text), "step": data[RECORD_BYTES:].decode().rstrip()}


def pulse(state):
    """The pulse that lies there. A write may be under way: then it is read again."""
    return harness.wait_until(lambda: parse_pulse(raw_pulse(state)), 10, f"a whole pulse in {state}")


def wait_for_pulse(state, seq=1, seconds=15):
    """The first pulse from beat number `seq` on."""

    def found():
        path = pathlib.Path(state) / "pulse"
        fields = parse_pulse(path.read_bytes()) if path.exists() else None
        return fields if fields and int(fields["seq"]) >= seq else None

    return harness.wait_until(found, seconds, f"beat {seq} in the pulse of {state}")


def wait_for_rest(state, pid=None):
    """The pulse when a beat (of this process) is stored and no step is at hand: nothing more is written until the
    next beat."""

    def found():
        fields = wait_for_pulse(state)
        return fields if fields["step"] == "" and pid in (None, int(fields["pid"])) else None

    return harness.wait_until(found, 15, f"no step in the pulse of {state}")


def write_pulse(path, fields, step="", size=PULSE_BYTES):
    """Writes a pulse with these fields, and a sum that is right."""
    text = " ".join(f"{key}={value}" for key, value in fields.items() if key not in ("sum", "step"))
    record = f"{text} sum={zlib.crc32(text.encode()):08x}".ljust(RECORD_BYTES - 1) + "\n"
    line = step.ljust(PULSE_BYTES - RECORD_BYTES - 1) + "\n"
    pathlib.Path(path).write_bytes((record + line).encode()[:size])


def lines(state):
    return harness.lines_of(pathlib.Path(state) / "history")


def events(state, kind=None):
    """The events of the history, oldest first: all of them, or those of one kind."""
    found = [pairs(line) for line in lines(state)]
    assert None not in found, f"no event: {[line for line in lines(state) if pairs(line) is None]}"
    return [event for event in found if kind in (None, event["ev"])]


def wait_for_gap(state, cause, seconds=15):
    """The first gap of this cause; a machine that is slow for a moment makes others at any time."""

    def found():
        return next((event for event in events(state, "gap") if event["cause"] == cause), None)

    return harness.wait_until(found, seconds, lambda: f"a gap by {cause} in {lines(state)}")


def wait_for_event(state, kind, number=1, seconds=15):
    """Event number `number`, from 1, of a kind."""

    def found():
        there = events(state, kind)
        return there[number - 1] if len(there) >= number else None

    return harness.wait_until(found, seconds, lambda: f"{number} {kind} in {lines(state)}")
