# SPDX-License-Identifier: MIT
"""Allocations that fail: each one of a start, of a reload and of every command in turn, alone and with all that come
after it; and that a daemon which beats makes none."""

import os
import re
import signal
import struct
import subprocess

from faulty import (EXIT_CODES, HEARTBEATCTL, INTERVAL_USEC, TOOLS, FaultCase, ended_well, harness, inject, killing)
from table import tried

PRELOADED = TOOLS / "allocations.so"
COUNTS = struct.Struct("=QQQ")  # all of them, those that failed, those that libsystemd asked for


class Allocations(FaultCase):
    def setUp(self):
        super().setUp()
        if not PRELOADED.exists():
            self.skipTest("needs glibc")

    @staticmethod
    def preloaded(directory, number=0, lasting=False):
        """The environment in which allocation `number` fails."""
        (directory / "counts").write_bytes(bytes(COUNTS.size))
        environment = {"LD_PRELOAD": str(PRELOADED), "ALLOCATIONS_COUNTS": str(directory / "counts"),
                       "ALLOCATIONS_FAIL": str(number)}
        return {**environment, "ALLOCATIONS_ON": "1"} if lasting else environment

    @staticmethod
    def counts(directory):
        return COUNTS.unpack((directory / "counts").read_bytes())

    def each_allocation(self, scenario, what):
        """scenario(environment, directory): runs something, and what there is to complain of."""
        directory = self.fresh_directory()
        self.assertEqual(list(scenario(self.preloaded(directory), directory)), [])
        count, complaints, failed = self.counts(directory)[0], [], 0
        self.assertGreater(count, 0)
        for number in range(1, count + 1):
            for lasting in (False, True):
                directory = self.fresh_directory()
                found = scenario(self.preloaded(directory, number, lasting), directory)
                complaints += [f"allocation {number}{' and all after it' * lasting}: {text}" for text in found]
                failed += self.counts(directory)[1] > 0
        self.assertFalse(complaints, "\n".join(["", *(c[:300] for c in complaints[:12]), f"{len(complaints)} complaints"]))
        self.assertGreater(failed, count, "allocations that failed")
        tried(what, failed)
        print(f"note: {failed} allocations failed, of {count}: {what}")


class Daemon(Allocations):
    outputs = ("stdout",)

    def run_daemon(self, environment, directory):
        """A start, three beats, a reload and a stop."""
        (directory / "state").mkdir()
        (directory / "conf").write_text(f"[Heartbeat]\nInterval={INTERVAL_USEC}us\nStateDir={directory}/state\n"
                                        f"Output={directory}/beats\nOutput=stdout\nMetrics={directory}/beats.prom\n")
        command = [harness.BINARY, f"--config={directory}/conf", "--message=beat %n on %H"]
        with open(directory / "stdout", "wb") as out, open(directory / "stderr", "wb") as err:
            report = inject(command, env=environment, stdout=out, stderr=err, signals=(signal.SIGHUP, signal.SIGTERM))
        yield from ended_well(report, 0)
        words, code = (directory / "stderr").read_text(), report.exits.get(0)
        if code is None:
            return
        if code != 0 and not re.fullmatch(r"(heartbeatd: [^\n]+\n)+", words):
            yield f"exit status {code} with {words!r}"
        if code == 0 and len(re.findall("reloaded", words)) != 1:
            yield f"a reload without a word: {words!r}"
        yield from self.complaints_of_the_record(directory, code, words)

    def complaints_of_the_record(self, directory, code, words):
        path = directory / "state/history"
        events = killing.events_of(path.read_bytes()) if path.exists() else []
        kinds = [event["ev"] for event in events if event["ev"] != "gap"]
        if code == 0 and kinds not in (["start", "reload", "stop"], ["start", "stop"]) and "/history: " not in words:
            yield f"history of {kinds}, and {words!r}"
        if code == 0:
            last = max((event["seq"] for event in events if event["ev"] == "stop"), default=0)
            for name in ("beats", "stdout"):
                text = (directory / name).read_text()
                found = {int(n) for n in re.findall(r"beat (\d+) on ", text)}
                told = sum(map(int, re.findall(rf"output \S*{name}\b.*: (\d+) messages? lost from ", words)))
                if last and len(set(range(1, last + 1)) - found) != told:
                    yield f"{name} has {sorted(found)} of {last}; said {words!r}"
        allowed = {"output-blocked", "process-stopped", "unknown", "cpu-starved", "cpu-throttled", "busy"}
        for event in events:
            if event["ev"] == "gap" and event["cause"] not in allowed:
                yield f"a gap by {event['cause']}"

    def test_an_allocation_of_a_start_or_a_reload_fails(self):
        self.each_allocation(self.run_daemon, "allocations of a start and a reload that fail")

    def fork(self, environment, directory):
        command = [harness.BINARY, "--fork", "--config=/dev/null", f"--state-dir={directory}/state",
                   f"--pid-file={directory}/pid", f"--output={directory}/beats", f"--interval={INTERVAL_USEC}us"]
        (directory / "state").mkdir()
        with open(directory / "stderr", "wb") as err:
            report = inject(command, env=environment, stdout=err, stderr=err, signals=[signal.SIGTERM])
        words, code = (directory / "stderr").read_text(), report.exits.get(0)
        for complaint in ended_well(report, 0):  # the first process kills what is left of a start that failed
            if code == 0 or "killed by signal 9" not in complaint:
                yield complaint
        if code != 0 and not re.fullmatch(r"(heartbeatd: [^\n]+\n)+", words):
            yield f"exit status {code} with {words!r}"
        if code == 0 and "heartbeat 1\n" not in (directory / "beats").read_text():
            yield f"exit status 0 and no beat, with {words!r}"

    def test_an_allocation_of_fork_fails(self):
        self.each_allocation(self.fork, "allocations of --fork that fail")

    def simple(self, *args, good=(0,)):
        def run(environment, directory):
            (directory / "state").mkdir()
            command = [harness.BINARY, "--config=/dev/null", f"--state-dir={directory}/state", *args]
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=harness.RUN_SECONDS, check=False)
            if done.returncode not in EXIT_CODES | {3}:
                yield f"exit status {done.returncode}"
            elif done.returncode not in good and not done.stderr.startswith("heartbeatd: "):
                yield f"exit status {done.returncode} with {done.stderr!r}"
        return run

    def test_an_allocation_of_a_command_fails(self):
        for command, good in (("--check-config", (0,)), ("--print-config", (0,)), ("--running", (3,)), ("--stop", (0,))):
            with self.subTest(command):
                self.each_allocation(self.simple(command, good=good), "allocations of commands of heartbeatd that fail")

    def test_a_daemon_that_beats_allocates_nothing(self):
        """What is asked for by libsystemd is told apart: sd_notify(3) and sd_journal_sendv(3) are not ours."""
        notify = self.notify_socket()
        directory = self.runs
        (directory / "state").mkdir()
        command = [harness.BINARY, "--config=/dev/null", f"--state-dir={directory}/state", f"--output={directory}/beats",
                   f"--metrics={directory}/beats.prom", "--output=stdout", "--interval=20ms"]
        environment = {**self.preloaded(directory), "NOTIFY_SOCKET": notify.address}
        with open(directory / "stdout", "wb") as out, subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=out) as daemon:
            try:
                self.wait_for_beats(2, directory / "beats")
                before = self.counts(directory)
                notify.wait_for("READY=1")
                fed = notify.count("WATCHDOG=1")
                self.wait_for_beats(120, directory / "beats", seconds=60)
                harness.wait_until(lambda: notify.count("WATCHDOG=1") > fed, 30, "another notification")
                after = self.counts(directory)
            finally:
                daemon.terminate()
        self.assertGreater(before[0], 10, "the start does allocate")
        ours, theirs = after[0] - before[0] - (after[2] - before[2]), after[2] - before[2]
        self.assertEqual(ours, 0, "allocations from the second beat on")
        beats = len(self.beats(directory / "beats"))
        tried("beats in which nothing may be allocated", beats)
        print(f"note: {beats} beats allocated nothing; libsystemd itself: {theirs}, in its notifications")


class Ctl(Allocations):
    def setUp(self):
        super().setUp()
        self.kept = self.dir / "kept"
        self.kept.mkdir()
        for _ in range(2):
            self.make_run()

    def make_run(self):
        beats = self.kept / "beats"
        beats.unlink(missing_ok=True)
        command = [harness.BINARY, "--config=/dev/null", f"--state-dir={self.kept}", f"--output={beats}", "--interval=1h"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={}) as daemon:
            harness.wait_until(lambda: b"heartbeat 1\n" in beats.read_bytes() and self.is_stored(daemon.pid), 20, "a beat")
            daemon.kill()

    def is_stored(self, pid):
        pulse = killing.pulse_of((self.kept / "pulse").read_bytes())
        return pulse and pulse["pid"] == pid

    def command(self, *args):
        def run(environment, _):
            command = [HEARTBEATCTL, f"--state-dir={self.kept}", "--utc", *args]
            done = subprocess.run(command, env={**environment, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=harness.RUN_SECONDS, check=False)
            if environment["ALLOCATIONS_FAIL"] == "0":
                self.whole = done.returncode, self.shape(done.stdout)
            if done.returncode not in (0, 1, 2, 3, 4):
                yield f"exit status {done.returncode}"
            elif (done.returncode, self.shape(done.stdout)) != self.whole and "emory" not in done.stderr + done.stdout:
                yield f"exit status {done.returncode} with {done.stdout!r} and {done.stderr!r}"
        return run

    @staticmethod
    def shape(text):
        """A text without what depends on the time that has passed."""
        return re.sub(r"[\d.]+(d|h|min|ms|us|s)?( [\d.]+(d|h|min|ms|us|s))*", "N", re.sub(" +", " ", text))

    def test_an_allocation_of_heartbeatctl_fails(self):
        for args in (["status"], ["check"], ["gaps"], ["explain"], ["explain", "1min ago"], ["report"],
                     ["report", "--by=month", "--exclude=Sun 02:00..04:00"], ["timeline"], ["metrics"],
                     ["explain", "--output=json"], ["status", "--output=json"], ["report", "--output=json"],
                     ["timeline", "--output=svg"]):
            with self.subTest(args):
                self.each_allocation(self.command(*args), "allocations of heartbeatctl that fail")
