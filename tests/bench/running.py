# SPDX-License-Identifier: MIT
"""A program as it runs: in a directory of its own, started, looked at between two beats, and ended."""

import functools
import heapq
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import harness  # noqa: E402
import peers  # noqa: E402
import processes  # noqa: E402
import records  # noqa: E402


@functools.cache
def sockets():
    """A directory whose name is short enough for a socket in it, gone with this process."""
    return tempfile.TemporaryDirectory(prefix="heartbeatd-bench-")


class Place:
    """A directory for one start, with the empty file that a program's lines go to."""

    def __init__(self, directory, program):
        self.path = pathlib.Path(tempfile.mkdtemp(dir=directory))
        self.lines = self.path / "lines"
        self.lines.touch()
        program.prepare(self.path)
        self.environment = {**peers.ENVIRONMENT, **program.environment}
        self.manager = None
        if program.notified:
            self.manager = harness.NotifySocket(f"{sockets().name}/{self.path.name}")
            self.environment.update(NOTIFY_SOCKET=self.manager.address, WATCHDOG_USEC=str(peers.WATCHDOG_USEC))

    def close(self):
        if self.manager:
            self.manager.close()
            os.unlink(self.manager.address)

    def count(self):
        return self.lines.read_bytes().count(b"\n")

    def pulse(self):
        return {key: int(value) for key, value in records.pulse(self.path / "state").items() if key in ("due", "seq")}


class Running:
    def __init__(self, program, place, msec):
        self.program, self.place, self.interval = program, place, msec / 1000
        output = place.lines if program.takes_output else place.path / "printed"
        with open(output, "ab") as out, open(place.path / "errors", "ab") as errors:
            self.began = time.monotonic()
            process = processes.start(program.command(place.path, msec), stdout=out, stderr=errors, cwd=place.path,
                                      env=place.environment)
        self.pid = process.pid
        if program.daemonizes:
            self.pid = self.daemon_of(process)
        process.returncode = 0  # it is not subprocess that waits for it

    def daemon_of(self, process):
        os.waitpid(process.pid, 0)
        processes.known.discard(process.pid)
        pid = processes.wait_for(processes.orphans, f"{self.program.name} as a daemon")[0]
        processes.known.add(pid)
        return pid

    def between(self, beats):
        """The instant in the middle between two beats, after so many, of one that does not drift."""
        return self.began + (beats - 0.5) * self.interval

    def until_between(self):
        """0 when it is in the middle between two beats, give or take, by its last line; else how long until then."""
        passed = (time.time() - self.place.lines.stat().st_mtime) / self.interval
        if 0.3 <= passed <= 0.7 or passed > 1.5:
            return 0
        return (0.5 - passed if passed < 0.5 else 1.5 - passed) * self.interval

    def look(self):
        """CPU time, waits and lines up to now."""
        if os.waitpid(self.pid, os.WNOHANG)[0]:
            raise processes.BenchError(f"{self.program.name} has ended: {self.words()}")
        return (*processes.of_family(self.pid, processes.spent), self.place.count())

    def words(self):
        return (self.place.path / "errors").read_text(errors="replace").strip() or "without a word"

    def end(self):
        """CPU time, waits and lines as far as it has come, with those of all its children."""
        lines = self.place.count()
        cpu, waits = processes.reap(self.pid)
        for pid in processes.orphans():
            more_cpu, more_waits = processes.reap(pid)
            cpu, waits = cpu + more_cpu, waits + more_waits
        self.place.close()
        return cpu, waits, lines


def at_their_times(running, actions):
    """Does each of (beats, function), of each in its turn, after so many beats and between two; one after the other,
    with a beat between them, whenever the machine has let the first one be done."""
    waiting = [(one.between(actions[0][0]), number, one, 0) for number, one in enumerate(running)]
    heapq.heapify(waiting)
    while waiting:
        when, number, one, step = heapq.heappop(waiting)
        time.sleep(max(0, when - time.monotonic()))
        delay = one.until_between()
        if delay > 0:
            heapq.heappush(waiting, (time.monotonic() + delay, number, one, step))
            continue
        actions[step][1](one)
        if step + 1 < len(actions):
            when = max(one.between(actions[step + 1][0]), time.monotonic() + one.interval)
            heapq.heappush(waiting, (when, number, one, step + 1))
