# SPDX-License-Identifier: MIT
"""heartbeatctl beside the programs that one would ask else: over histories of many lines."""

import pathlib
import shutil
import statistics
import subprocess
import tempfile

import histories
import processes

# The same question, of those that do not know the file: how many gaps of each cause, and how long in all.
MAWK = """/ ev=gap / {
    for (i = 7; i <= NF; i++)
        if ($i ~ /^cause=/) cause = substr($i, 7)
        else if ($i ~ /^lasted=/) lasted = substr($i, 8)
    gaps[cause]++
    usec[cause] += lasted
}
END { for (cause in gaps) print cause, gaps[cause], usec[cause] }"""
JQ = """reduce (inputs | select(contains(" ev=gap ")) | split(" ")) as $words ({};
    ($words[] | select(startswith("cause=")) | .[6:]) as $cause |
    ($words[] | select(startswith("lasted=")) | .[7:] | tonumber) as $usec |
    .[$cause].gaps += 1 | .[$cause].usec += $usec)"""


LAST_HOUR = "heartbeatctl report --since=, the last hour"


def over(lines):
    return f"heartbeatctl report, {lines:,} lines"


class Queries:
    """sizes: of the histories in lines, the largest last."""

    def __init__(self, workshop, results, sizes):
        self.workshop, self.results, self.sizes = workshop, results, sizes
        self.repeat = workshop.tool("repeat")
        self.ctl = workshop.builds["libsystemd"].ctl
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="histories-", dir=workshop.directory))
        self.ends = {size: histories.write(self.directory / str(size), size) for size in sizes}
        for size in sizes:
            self.beat(self.directory / str(size))
        self.bytes = (self.directory / str(sizes[-1]) / "history").stat().st_size

    def beat(self, state):
        """Has a daemon beat there once: where there is no pulse, all of the history is read for what is known of it."""
        log = state / "log"
        daemon = processes.start([self.workshop.builds["libsystemd"].daemon, "--config=/dev/null", f"--state-dir={state}",
                                  f"--output={log}", "--history-max=1G"], stderr=subprocess.DEVNULL)
        processes.wait_for(lambda: log.exists() and log.stat().st_size, "the beat beside a history")
        processes.end(daemon)

    def close(self):
        shutil.rmtree(self.directory)

    def ask(self, row, times, *command, environment=None):
        """Adds the median time in ms, and the largest resident set in kB, of a command that must succeed."""
        out = processes.output_of([self.repeat, times, *command], env={"PATH": "/usr/bin:/bin", **(environment or {})})
        runs = [list(map(int, line.split())) for line in out.splitlines()]
        if any(status for _, _, _, status in runs):
            raise processes.BenchError(f"{row}: exit status {runs[0][3]}")
        nsec = statistics.median(nsec for nsec, _, _, _ in runs)
        self.results.add(row, "ms", nsec / 1e6)
        self.results.add(row, "kB", max(kb for _, _, kb, _ in runs))
        return nsec

    def over_histories(self, slow):
        """One round: reports over each history, the others over the largest, in turn. slow: jq too, which takes as
        long as all the rest."""
        largest, packages = self.sizes[-1], self.workshop.packages
        file = self.directory / str(largest) / "history"
        others = {
            "wc -l": ["wc", "-l", file],
            "mawk": [packages.program("mawk"), MAWK, file],
            **({"jq": [packages.program("jq"), "-nR", JQ, file]} if slow else {}),
        }
        for size in self.sizes:
            nsec = self.ask(over(size), 1, self.ctl, f"--state-dir={self.directory}/{size}",
                            "report", f"--until=@{self.ends[size]}")
        self.add_speed(over(largest), nsec)
        for row, command in others.items():
            self.add_speed(row, self.ask(row, 1, *command, environment=packages.environment))
        end = self.ends[largest]
        self.ask(LAST_HOUR, 5, self.ctl, f"--state-dir={self.directory}/{largest}",
                 "report", f"--since=@{end - 3600}", f"--until=@{end}")

    def add_speed(self, row, nsec):
        self.results.add(row, "GB/s", self.bytes / nsec)
