# SPDX-License-Identifier: MIT
"""Histories of any length, as the daemon would have written them on a host with very many gaps."""

import time

CAUSES = ("suspend", "cpu-starved", "process-stopped", "output-blocked", "busy")
BEGIN = 1_400_000_000  # 2014; a million gaps last until 2023
SECOND, GAP, EVERY = 10**6, 30, 300  # a gap of half a minute each five minutes
IDENTITY = "boot=00112233445566778899aabbccddeeff run=0123456789abcdef0123456789abcdef"


def event(number, words):
    at = BEGIN + number * EVERY
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
    return f"v=1 t={stamp} boottime={(number + 1) * EVERY * SECOND} {IDENTITY} {words}\n"


def gap(number):
    end = (BEGIN + number * EVERY) * SECOND
    return event(number, f"ev=gap cause={CAUSES[number % len(CAUSES)]} confidence=high host=up interval=10000000 "
                         f"from={end - GAP * SECOND} to={end} lasted={GAP * SECOND} missed=2")


LINE_BYTES = max(len(gap(10**6 + cause)) for cause in range(len(CAUSES)))


def write(state, lines):
    """Makes a state directory with a history of so many lines; when that ends, in seconds since the epoch."""
    state.mkdir()
    if lines > 0:
        with open(state / "history", "w", encoding="ascii") as file:
            file.write(event(0, "ev=start pid=1 interval=10000000"))
            file.writelines(map(gap, range(1, lines)))
    return BEGIN + lines * EVERY
