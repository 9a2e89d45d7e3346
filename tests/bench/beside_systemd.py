# SPDX-License-Identifier: MIT
"""heartbeatctl beside systemctl, in a machine of tests/system that systemd has booted: the same question to both."""

import os
import pathlib
import shutil
import statistics
import sys

from processes import BenchError

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

KIND = "systemd-252"
COMMANDS = {
    "true": ("true",),  # what it takes to start any program
    "heartbeatctl status": ("heartbeatctl", "status"),
    "heartbeatctl check": ("heartbeatctl", "check"),
    "systemctl is-active": ("systemctl", "is-active", "heartbeatd"),
}


def measure(workshop, results, rounds, times):
    """Adds the median times in ms. What the machine is made of is kept for the next run, as that of the tests is."""
    os.environ.setdefault("HEARTBEATD_SYSTEM_DIR", str(workshop.directory / "machines"))
    pathlib.Path(os.environ["HEARTBEATD_SYSTEM_DIR"]).mkdir(exist_ok=True)
    from host import Host  # only here: who asks for no machine needs nothing of what they do
    from install import installed
    from trees import HarnessError
    try:
        with Host(installed(KIND)) as host:
            measure_in(host, workshop, results, rounds, times)
    except (AssertionError, HarnessError) as error:
        raise BenchError(f"in the machine: {error}") from None


def measure_in(host, workshop, results, rounds, times):
    shutil.copy(workshop.tool("repeat"), host.files / "usr/bin/repeat")
    host.systemctl("enable", "--now", "heartbeatd")
    host.wait_for_beats(1)
    for _ in range(rounds):
        for row, command in COMMANDS.items():
            lines = host.run("repeat", str(times), *command).stdout.splitlines()
            runs = [list(map(int, line.split())) for line in lines]
            if any(status for _, _, _, status in runs):
                raise BenchError(f"{row}: exit status {runs[0][3]}")
            results.add(row, "ms", statistics.median(nsec for nsec, _, _, _ in runs) / 1e6)
            results.add(row, "kB", max(kb for _, _, kb, _ in runs))
