# SPDX-License-Identifier: MIT
"""State directories as the daemon would leave them, and heartbeatctl run on them."""

import binascii
import datetime
import json
import os
import pathlib
import subprocess
import time

import harness

PROGRAM = os.environ.get("HEARTBEATCTL", str(pathlib.Path(harness.BINARY).with_name("heartbeatctl")))
SECOND = 1_000_000
RUN, OTHER_RUN = "0123456789abcdef" * 2, "fedcba9876543210" * 2
OTHER_BOOT = "00112233445566778899aabbccddeeff"


def boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")


def boottime():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def realtime():
    return time.time_ns() // 1000


def start_ticks(pid):
    """When a process began, as proc_pid_stat(5) has it; 0 when there is none."""
    try:
        return int(harness.proc(pid, "stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0


def stamp(usec):
    """RFC 3339 in UTC, with milliseconds."""
    moment = datetime.datetime.fromtimestamp(usec // SECOND, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{usec % SECOND // 1000:03}Z"


def quoted(value):
    text = str(value)
    if text and not set(text) & set(' "=\\') and text.isprintable():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + "".join(c if ord(c) >= 32 and ord(c) != 127 else f"\\x{ord(c):02x}" for c in escaped) + '"'


def pairs(**values):
    return " ".join(f"{key}={quoted(value)}" for key, value in values.items())


class CtlCase(harness.Case):
    """A state directory, self.state, and heartbeatctl on it."""

    def setUp(self):
        super().setUp()
        self.record = self.state
        self.here = boot_id()
        self.program = PROGRAM
        if self.binary != harness.BINARY:  # which nobody else could reach
            self.program = self.dir / "heartbeatctl"
            self.program.write_bytes(pathlib.Path(PROGRAM).read_bytes())
            self.program.chmod(0o755)

    def ctl(self, *args, env=None, state_dir=True, **options):
        command = [str(self.program), *([f"--state-dir={self.record}"] if state_dir else []), *map(str, args)]
        environment = self.environment({"TZ": "UTC", "LC_ALL": "C.UTF-8", **(env or {})})
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=60, cwd=self.dir,
                              capture_output="stdout" not in options, **self.identity(None), **options)
        return harness.Result(done.returncode, (done.stdout or b"").decode(errors="surrogateescape"),
                              (done.stderr or b"").decode(errors="surrogateescape"))

    def ask(self, *args, **options):
        """What a command answers in JSON, whatever its exit status."""
        return json.loads(self.ctl("--output=json", *args, **options).out)

    def knows(self, run):
        """Whether the history has a line of a run."""
        path = self.record / "history"
        return path.exists() and f" run={run} " in path.read_text(errors="replace")

    def pulse(self, age=0, interval=10 * SECOND, step="", pid=None, start=True, **changes):
        """Writes a pulse of this process, made `age` microseconds ago, by the beat of this boot that was due then;
        and before it the first line of its run, without which nobody knows how it ended."""
        now, pid = max(boottime() - age, 1), os.getpid() if pid is None else pid  # on a host that booted since, too
        fields = dict(run=RUN, boot=self.here, pid=pid, start_ticks=start_ticks(pid),
                      started=realtime() - age - 410 * SECOND, seq=42, due=now, real=realtime() - age,
                      boottime=now, mono=now, interval=interval, late=0, late_max=1500, missed=0, failing=0,
                      lost=0, gaps=0)
        fields.update(changes)
        if start and not self.knows(fields["run"]):
            self.event("start", fields["started"], run=fields["run"], boot=fields["boot"], pid=pid, interval=interval)
        line = f"v={fields.pop('v', 1)} " + pairs(**fields)
        line += f" sum={binascii.crc32(line.encode()):08x}"
        data = line.ljust(511) + "\n" + step.ljust(511) + "\n"
        (self.record / "pulse").write_bytes(data.encode())
        return fields

    def event(self, kind, at=None, run=RUN, boot=None, up=None, **fields):
        """Appends a line to the history, `at` in microseconds of the wall clock, `up` of CLOCK_BOOTTIME: as this boot
        has it then, unless it is given."""
        now = realtime()
        at = now if at is None else at
        up = max(boottime() - now + at, 1) if up is None else up
        line = pairs(v=1, t=stamp(at), boottime=up, boot=boot or self.here, run=run, ev=kind, **fields)
        with open(self.record / "history", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def gap(self, start, end, cause="suspend", missed=3, confidence="high", host="up", lasted=None, at=None,
            **fields):
        """A gap between two wall times."""
        self.event("gap", end if at is None else at, cause=cause, confidence=confidence, host=host, interval=10 * SECOND,
                   **{"from": start, "to": end}, lasted=end - start if lasted is None else lasted,
                   missed=missed, **fields)


class World:
    """A host as its history tells of it: two clocks, boots and runs. Each step appends the lines that the daemon
    would have written, and `case` is the CtlCase that they are of."""

    def __init__(self, case, at, up=60 * SECOND):
        self.case, self.at, self.up = case, at, up
        self.boots = self.runs = 1
        self.note("start", pid=1, interval=10 * SECOND)

    def note(self, kind, **fields):
        self.case.event(kind, self.at, f"{self.runs:032x}", f"{self.boots:032x}", self.up, **fields)

    def live(self, usec):
        self.at += usec
        self.up += usec

    def gap(self, begin, cause, host, **fields):
        self.note("gap", cause=cause, confidence=fields.pop("confidence", "high"), host=host, interval=10 * SECOND,
                  **{"from": begin}, to=self.at, lasted=self.at - begin, missed=(self.at - begin) // (10 * SECOND),
                  **fields)

    def stall(self, cause, usec, **fields):
        """The daemon lives on; `suspend` takes the host with it."""
        begin = self.at
        self.live(usec)
        host = "suspended" if cause == "suspend" else "up"
        self.gap(begin, cause, host, **({"suspended": usec - SECOND} if cause == "suspend" else {}), **fields)

    def restart(self, cause, usec, **fields):
        """Another run in the same boot."""
        begin, past = self.at, f"{self.runs:032x}"
        if cause == "service-stopped":
            self.note("stop", seq=9)
        self.live(usec)
        self.runs += 1
        self.gap(begin, cause, "up", past=past, **fields)
        self.note("start", pid=1, interval=10 * SECOND)

    def reboot(self, cause, usec, host="down", up=40 * SECOND, **fields):
        """Another boot, that begins `usec` after the last beat."""
        begin, past = self.at, f"{self.runs:032x}"
        if cause == "host-shutdown":
            self.note("stop", seq=9)
        self.at, self.up = self.at + usec + up, up
        self.boots += 1
        self.runs += 1
        self.gap(begin, cause, host, past=past, boot_began=self.at - up, **fields)
        self.note("start", pid=1, interval=10 * SECOND)

    def set_clock(self, usec):
        self.at += usec
        self.note("clock", **{"forward" if usec > 0 else "back": abs(usec)})

    def stop(self):
        self.note("stop", seq=9)
