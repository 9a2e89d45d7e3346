# SPDX-License-Identifier: MIT
"""--fork as root for another user, its three processes, and the commands for a daemon that runs: in each a system
call fails, is cut short or comes late."""

import re
import signal
import subprocess

from faulty import (EXIT_CODES, INTERVAL_USEC, FaultCase, cuts, delays_of_what_can_block, ended_well, errors, harness, inject,
                    killing, lasting_errors)

WORDS = r"\A(heartbeatd: [^\n]+\n)+\Z"


class Fork(FaultCase):
    first = True

    def setUp(self):
        super().setUp()
        if not harness.ROOT:
            self.skipTest("needs root")

    def scenario(self, fault, directory, trace=False):
        state = directory / "state"
        state.mkdir()
        self.give(state)
        self.give(directory)
        directory.chmod(0o755)
        command = [harness.BINARY, "--fork", "--user=nobody", "--config=/dev/null", f"--state-dir={state}",
                   f"--pid-file={directory}/pid", f"--output={directory}/beats", f"--interval={INTERVAL_USEC}us"]
        with open(directory / "stderr", "wb") as stderr:
            report = inject(command, fault, trace=trace, env={}, stdout=stderr, stderr=stderr, signals=[signal.SIGTERM])
        return report, list(self.complaints(fault, directory, report))

    def complaints(self, fault, directory, report):
        words = (directory / "stderr").read_text(errors="replace")
        bad = [c for c in ended_well(report, 0, EXIT_CODES | {2})
               if not (report.exits.get(0, 0) != 0 and "killed by signal 9" in c)]
        yield from bad
        if bad:
            return
        code, beats = report.exits[0], directory / "beats"
        mute = fault is not None and fault.site.call in ("write", "newfstatat", "poll", "read", "dup2", "openat")
        if code != 0 and not re.match(WORDS, words) and not mute:
            yield f"exit status {code} with {words!r}"
        first = beats.exists() and ("heartbeat 1\n" in beats.read_text() or "/beats: " in words)
        if code == 0 and not (report.exits.get(2) in (0, 1) and first):
            yield f"exit status 0, and {report.how()} with {words!r}"
        if beats.exists() and beats.stat().st_uid != harness.NOBODY.pw_uid:
            yield f"beats of user {beats.stat().st_uid}"
        pid_file = directory / "pid"
        if pid_file.exists() and pid_file.read_text().strip() and code != 0 and 2 not in report.kills:
            yield f"a pid file with {pid_file.read_text()!r} is left"
        yield from self.complaints_of_the_state(directory, fault)

    def complaints_of_the_state(self, directory, fault):
        history = directory / "state/history"
        if history.exists() and not (fault and fault.site.call == "write"):
            events = killing.events_of(history.read_bytes())
            if [event["ev"] for event in events].count("start") > 1:
                yield f"history of {events}"
        result = subprocess.run([harness.BINARY, "--running", "--config=/dev/null", f"--state-dir={directory}/state",
                                 f"--pid-file={directory}/none"], capture_output=True, text=True, check=False)
        if (result.returncode, result.stdout, result.stderr) != (3, "", ""):
            yield f"--running afterwards: {result}"

    def faults(self, make):
        for site in self.sites(self.scenario):
            if site.call == "rt_sigprocmask" and site.process > 0:
                continue  # of fork(3), which takes it for granted and aborts
            if site.process < 2 or site.phase in ("start", "beat2", "stop"):
                yield from make(site)

    def test_a_call_fails(self):
        self.each(self.scenario, [f for f in self.faults(errors) if f.site.process == 0], "system calls of --fork that fail")

    def test_a_call_of_the_daemon_fails(self):
        self.each(self.scenario, [f for f in self.faults(errors) if f.site.process > 0], "system calls of --fork that fail")

    def test_a_call_fails_and_goes_on_failing(self):
        self.each(self.scenario, self.faults(lasting_errors), "system calls that fail from some time on")

    def test_a_call_is_cut_short(self):
        self.each(self.scenario, self.faults(cuts), "system calls that are cut short")

    def test_a_call_comes_late(self):
        self.each(self.scenario, self.faults(delays_of_what_can_block), "system calls that come late")
