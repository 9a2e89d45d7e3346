# SPDX-License-Identifier: MIT
"""What a year without a gap takes on the disk: by the files that a run leaves, of which only messages grow."""

import peers
from running import Place, Running
import processes

SECONDS_A_YEAR, INTERVAL = 365.25 * 86400, 10


def measure(directory, workshop, results):
    program = peers.heartbeatd("a year", workshop.builds["libsystemd"].daemon)
    place = Place(directory, program)
    one = Running(program, place, 10)
    sizes = []
    for lines in (10, 60):
        processes.wait_for(lambda: place.count() >= lines, f"{lines} lines: {one.words()}")
        sizes.append(sum((place.path / "state" / name).stat().st_size for name in ("pulse", "history")))
    line = place.lines.stat().st_size / place.count()
    one.end()
    if sizes[0] != sizes[1]:  # a machine that is busy had a gap meanwhile, which is a line
        results.note("a year", "gap", "the run had a gap")
    results.add("a year", "bytes", sizes[0])
    results.add("a year", "MB of a file", line * SECONDS_A_YEAR / INTERVAL / 1e6)
