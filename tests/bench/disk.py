# SPDX-License-Identifier: MIT
"""What a year without a gap takes on the disk: by the files that a run leaves, of which only messages grow."""

import re

import peers
import processes
from running import Place, Running
from workshop import SOURCE

BEATS = 365.25 * 86400 / 10
INTERVAL_MSEC = 500  # a machine that is busy shall make no gap


def measure(directory, workshop, results):
    program = peers.heartbeatd("a year", workshop.builds["libsystemd"].daemon)
    place = Place(directory, program)
    one = Running(program, place, INTERVAL_MSEC)
    sizes = []
    for lines in (2, 6):
        processes.wait_for(lambda: place.count() >= lines, f"{lines} lines: {one.words()}")
        sizes.append(sum((place.path / "state" / name).stat().st_size for name in ("pulse", "history")))
    line = place.lines.stat().st_size / place.count()
    one.end()
    results.add("a year", "bytes", sizes[0])
    results.add("a year", "growth", sizes[1] - sizes[0])
    results.add("a year", "file", line * BEATS / 1e6)
    results.add("a year", "journal", journal_bytes() * BEATS / 1e6)


def journal_bytes():
    """Of a beat in the journal: the README's figure, which tests/system holds against a real one."""
    return int(re.search(r"(\d+) bytes in the journal", (SOURCE / "README.md").read_text())[1])
