# SPDX-License-Identifier: MIT
"""Histories of any length, as the daemon would have written them on a host with very many gaps."""

import time

CAUSES = ("suspend", "cpu-starved", "process-stopped", "output-blocked", "busy")
BEGIN = 1_400_000_000  # 2014; a million gaps last until 2023
SECOND, GAP, EVERY = 10**6, 30, 300  # a gap of half a minute each five minutes
RUN = 100  # events of each
BOOT = "boot=00112233445566778899aabbccddeeff"


def event(number, words):
    at = BEGIN + number * EVERY
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
    return f"v=1 t={stamp} boottime={(number + 1) * EVERY * SECOND} {BOOT} run={number // RUN:032x} {words}\n"


def start(number):
    first = f" latest={BEGIN * SECOND}" if number == 0 else ""  # says that a line would say if it was out of order
    return event(number, f"ev=start pid=1 interval=10000000{first}")


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
            file.writelines(gap(number) if number % RUN else start(number) for number in range(lines))
    return BEGIN + lines * EVERY
