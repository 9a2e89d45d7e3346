# SPDX-License-Identifier: MIT
"""The commands that ask or tell the daemon, and heartbeatctl: in each a system call fails, is cut short or comes
late. What they say is the truth or that they could not find it out, in their exit status as well."""

import json
import os
import re
import shutil
import subprocess

from faulty import (HEARTBEATCTL, FaultCase, cuts, delays_of_what_can_block, ended_well, errors, harness, inject, killing)

COMMON = ["--config=/dev/null"]


class Base(FaultCase):
    def run_all(self, scenario, what, makes=(errors, cuts, delays_of_what_can_block)):
        sites = self.sites(scenario)
        self.each(scenario, [f for make in makes for s in sites for f in make(s)], what)

    def run_traced(self, command, fault, directory, trace, env=None):
        """Runs it to its end: the report, its exit status, and what it said where."""
        with open(directory / "out", "wb") as out, open(directory / "err", "wb") as err:
            report = inject(command, fault, trace=trace, env=env or {}, stdout=out, stderr=err)
        texts = [(directory / name).read_text(errors="replace") for name in ("out", "err")]
        return report, report.exits.get(0), *texts

    def beating(self, directory, interval="1s"):
        """A daemon that beats there, not traced."""
        (directory / "state").mkdir(exist_ok=True)
        command = [harness.BINARY, *COMMON, f"--state-dir={directory}/state", f"--output={directory}/beats",
                   f"--interval={interval}"]
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={})

        def is_stored():
            pulse = killing.pulse_of((directory / "state/pulse").read_bytes())
            return pulse and pulse["pid"] == daemon.pid

        harness.wait_until(is_stored, 20, "a beat")
        return daemon


class Commands(Base):
    def setUp(self):
        super().setUp()
        self.killed = self.dir / "killed"  # what a daemon that was killed has left
        self.killed.mkdir()
        with self.beating(self.killed, "1h") as daemon:
            daemon.kill()

    def stop(self, fault, directory, trace=False):
        complaints = []
        with self.beating(directory) as daemon:
            try:
                report, code, out, err = self.run_traced(
                    [harness.BINARY, "--stop", *COMMON, f"--state-dir={directory}/state", f"--pid-file={directory}/none"],
                    fault, directory, trace)
                complaints += ended_well(report, 0)
                ended = daemon.poll() is not None
                if code == 0 and not ended:
                    complaints.append(f"said that it has stopped, and it runs: {err!r}")
                if code and not err.startswith("heartbeatd: "):
                    complaints.append(f"exit status {code} with {err!r}")
                if out:
                    complaints.append(f"printed {out!r}")
            finally:
                daemon.terminate()
            if daemon.wait(20) != 0:
                complaints.append(f"the daemon ended with {daemon.returncode}")
        kinds = [event["ev"] for event in killing.events_of((directory / "state/history").read_bytes())]
        if kinds.count("stop") + kinds.count("exit") != 1:
            complaints.append(f"history of {kinds}")
        return report, complaints

    def test_stop(self):
        self.run_all(self.stop, "system calls of --stop that fail, are cut short or late")

    def running(self, fault, directory, trace=False):
        with self.beating(directory) as daemon:
            try:
                report, code, out, err = self.run_traced(
                    [harness.BINARY, "--running", *COMMON, f"--state-dir={directory}/state", f"--pid-file={directory}/none"],
                    fault, directory, trace)
            finally:
                daemon.terminate()
        complaints = list(ended_well(report, 0, {0, 1, 4, 6}))
        # An output that takes no more than a byte at a time is no failure: what came out, came out whole.
        if code == 0 and out != f"{daemon.pid}\n":
            complaints.append(f"printed {out!r}, and the pid was {daemon.pid}")
        if code == 1 and not err.startswith("heartbeatd: "):
            complaints.append(f"a pid file only, and no word: {err!r}")
        if code in (4, 6) and not err:
            complaints.append(f"exit status {code} without a word")
        return report, complaints

    def test_running(self):
        self.run_all(self.running, "system calls of --running that fail, are cut short or late")

    def record_exit(self, fault, directory, trace=False):
        shutil.copytree(self.killed / "state", directory / "state")
        environment = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "SEGV"}
        report, _, out, err = self.run_traced(
            [harness.BINARY, "--record-exit", *COMMON, f"--state-dir={directory}/state"], fault, directory, trace,
            environment)
        complaints = list(ended_well(report, 0, {0}))
        if "standard input" in err:  # it did not even begin
            complaints = []
        history = (directory / "state/history").read_text()
        said = "the end of the service is not recorded" in err
        if not said and "standard input" not in err and " ev=exit " not in history and not self.is_silent(fault):
            complaints.append(f"recorded nothing, and said {err!r}")
        try:
            events = killing.events_of(history.encode())
            if [event["ev"] for event in events] not in (["start"], ["start", "exit"]):
                complaints.append(f"history of {events}")
        except ValueError as error:
            if not said:
                complaints.append(str(error))
        if out:
            complaints.append(f"printed {out!r}")
        return report, complaints

    @staticmethod
    def is_silent(fault):
        """Whether it hit what finds out whether there is anything to record."""
        return fault is not None and fault.site.call in ("openat", "newfstatat", "read", "pread64", "mmap", "brk")

    def test_record_exit(self):
        self.run_all(self.record_exit, "system calls of --record-exit that fail, are cut short or late")

    def check_config(self, fault, directory, trace=False):
        (directory / "conf").write_text(f"[Heartbeat]\nOutput={directory}/beats\nOutput=stdout\nMetrics={directory}/m.prom\n"
                                        f"StateDir={directory}\n")
        report, code, out, err = self.run_traced(
            [harness.BINARY, "--check-config", f"--config={directory}/conf"], fault, directory, trace)
        complaints = list(ended_well(report, 0))
        if bool(code) != bool(err) or out:
            complaints.append(f"exit status {code}, {out!r}, {err!r}")
        if {path.name for path in directory.iterdir()} != {"conf", "out", "err"}:
            complaints.append(f"left {sorted(directory.iterdir())}")
        return report, complaints

    def test_check_config(self):
        self.run_all(self.check_config, "system calls of --check-config that fail, are cut short or late")

    def print_config(self, fault, directory, trace=False):
        report, code, out, err = self.run_traced(
            [harness.BINARY, "--print-config", *COMMON, f"--state-dir={directory}"], fault, directory, trace)
        complaints = list(ended_well(report, 0))
        if code == 0 and not re.fullmatch(r"\[Heartbeat\]\n(\w+=.*\n)+", out) or bool(code) != bool(err):
            complaints.append(f"exit status {code}, {out!r}, {err!r}")
        return report, complaints

    def test_print_config(self):
        self.run_all(self.print_config, "system calls of --print-config that fail, are cut short or late")


class Ctl(Base):
    """On a record with a gap in it, made once: a command only reads it."""

    def setUp(self):
        super().setUp()
        self.kept = self.dir / "kept"
        self.kept.mkdir()
        for signal in ("kill", "terminate"):
            with self.beating(self.kept, "1h") as daemon:
                getattr(daemon, signal)()
        self.whole = {}

    def scenario(self, *args):
        def run(fault, directory, trace=False):
            command = [HEARTBEATCTL, f"--state-dir={self.kept}/state", "--utc", *args]
            report, code, out, err = self.run_traced(command, fault, directory, trace, {"LC_ALL": "C", "COLUMNS": "80"})
            complaints = list(ended_well(report, 0, {0, 1, 2, 3, 4}))
            what = re.sub(r"\d+(\.\d+)?", "N", out)  # but for how long ago it is
            if fault is None:
                self.whole[args] = code, self.shape(out)
                complaints += [f"said {err!r}"] if err else []
            elif (code, self.shape(out)) != self.whole[args] and not err and not self.tells(out):
                complaints.append(f"exit status {code} without a word, and {what!r}")
            return report, complaints
        return run

    @staticmethod
    def shape(text):
        """A text without what depends on the time that has passed."""
        return re.sub(r"[\d.]+(d|h|min|ms|us|s)?( [\d.]+(d|h|min|ms|us|s))*", "N", re.sub(" +", " ", text))

    @staticmethod
    def tells(text):
        """Whether it says what it could not find out."""
        return re.search(r"UNKNOWN|unknown|the history: |record: |unreadable|not known|cannot be|No record|no record|"
                         r"Input/output error|Too many open files|Permission denied", text) is not None

    def run_each(self, *commands):
        for args in commands:
            self.reached = 0
            with self.subTest(args):
                self.run_all(self.scenario(*args), "system calls of heartbeatctl that fail or are cut short", (errors, cuts))

    def test_status_and_check(self):
        self.run_each(["status"], ["check"], ["metrics"])

    def test_gaps_and_explanations(self):
        self.run_each(["gaps"], ["explain"], ["explain", "now"])

    def test_reports_and_timelines(self):
        self.run_each(["report"], ["timeline"], ["timeline", "--output=svg"])
