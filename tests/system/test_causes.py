# SPDX-License-Identifier: MIT
"""Why beats were missing: each cause is made to happen on a real host, and the history must name it.

Where time has to pass, time itself is the event: a process is stopped for so long. All else is waited for.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

import verdicts
from history import SECOND, Remembering, implausible
from host import (DAEMON, LOG, MACHINES_BOOT_ID, UNIT, Host, HostCase, Systemd247, Systemd252,
                  Systemd257)
from install import installed
from machine import Machine, own_cgroups, wait_for
from test_openrc import OPTIONS, Host as OpenRCHost
from test_sysvinit import TRACER, SysVHost

GAP = "c3378d648c7b4d1f952a085735da6e5b"  # MESSAGE_ID of the warning about a gap
QUICK = "Interval=200ms"
# On a disk, which other tests keep busy, a beat may take longer.
ON_DISK = "Interval=500ms"
HOLD = 1.5  # seconds that something is held up
A_DAY = 24 * 60 * 60

# What a machine cannot be made to do, and the tests on a simulated clock are for.
SIMULATED = {
    "suspend": "a namespace cannot be suspended",
    "clock-step": "the clock is the host's",
    "host-paused": "a hypervisor does it",
    "busy": "nothing that a user can ask of the daemon takes it long enough",
}
NAMED = {
    "service-stopped", "service-killed", "service-crashed", "service-oom-killed", "service-watchdog-killed",
    "service-failed", "process-stopped", "frozen", "cpu-throttled", "cpu-starved", "output-blocked",
    "output-failed", "host-shutdown", "host-down", "nothing",
}


class SystemdHost(Remembering, Host):
    """A machine with systemd and a memory."""

    def service_cgroup(self):
        return self.cgroup / "system.slice" / UNIT

    def outer_pid(self):
        """The daemon's pid as the host of the tests counts."""
        pids = (self.service_cgroup() / "cgroup.procs").read_text().split()
        if len(pids) != 1:
            raise AssertionError(f"one process in the service's cgroup, not {pids}")
        return int(pids[0])

    def assert_warned(self, case, gap):
        """Holds when the journal has the same as the history."""
        entries = [entry for entry in self.journal(f"MESSAGE_ID={GAP}")
                   if entry["HEARTBEAT_GAP_FROM_USEC"] == gap["from"]]
        case.assertEqual(len(entries), 1, entries)
        expected = {"CAUSE": "cause", "CONFIDENCE": "confidence", "HOST": "host", "MISSED": "missed",
                    "LASTED_USEC": "lasted", "FROM_USEC": "from", "TO_USEC": "to"}
        case.assertEqual({name: entries[0][f"HEARTBEAT_GAP_{name}"] for name in expected},
                         {name: gap[key] for name, key in expected.items()})
        case.assertIn(entries[0]["HEARTBEAT_GAP_EVIDENCE"], entries[0]["MESSAGE"])
        case.assertEqual(entries[0]["PRIORITY"], "4")
        if gap["run"] == self.pulse()["run"]:
            words = wait_for(lambda: re.search(r"last gap: ([a-z-]+)", self.show("StatusText")), "a status")
            case.assertEqual(words[1], self.history("gap")[-1]["cause"])


class LoggingHost(Remembering):
    """A machine without systemd: the warnings are lines of the log file."""

    def assert_warned(self, case, gap):
        perhaps = "" if gap["confidence"] == "high" else "perhaps "
        warnings = [line for line in self.lines() if f": {perhaps}{gap['cause']} (" in line]
        case.assertTrue(warnings, self.lines()[-9:])
        missed = {"0": "no beat", "1": "1 beat"}.get(gap["missed"], f"{gap['missed']} beats")
        case.assertRegex(warnings[-1], rf"^\S+Z gap: {missed} missed, .+ without one: ")


class SysVInitHost(LoggingHost, SysVHost):
    pass


class OpenRCMachine(LoggingHost, OpenRCHost):
    pass


def is_load(gap):
    """A beat that a busy machine has held up for a moment: true, and no doing of the scenario."""
    return gap["cause"] in ("cpu-starved", "output-blocked") and gap.seconds("lasted") < 1


class Happening:
    """What a host's history gets while something is made to happen."""

    def __init__(self, case, host, what, cause):
        self.case, self.host, self.what, self.cause = case, host, what, cause
        self.begun = time.time()
        self.known = len(host.history())

    def lines(self, kind=None):
        lines = self.host.history()[self.known:]
        return [line for line in lines if kind in (None, line["ev"])]

    def gaps(self):
        return [gap for gap in self.lines("gap") if gap["cause"] == self.cause or not is_load(gap)]

    def beat_on(self, count=2):
        """Waits for more beats, after which nothing is still to be written."""
        first = {}
        def enough():
            pulse = self.host.pulse()
            number = pulse.number("seq")
            return number >= first.setdefault(pulse["run"], number) + count
        wait_for(enough, "more beats")

    def named(self, confidence="high", host="up", since=None, count=1):
        """Waits for the gap, and returns it; there must be no other. With `count`: that many at least, all
        of the same cause, and returns the longest. `since`: the wall-clock second in which it began, if it
        was before this."""
        with contextlib.suppress(AssertionError):
            wait_for(lambda: len(self.gaps()) >= count, "the gap")
            self.beat_on()
        gaps = self.gaps()
        verdicts.note(self.what, self.cause, [gap["cause"] for gap in gaps])
        self.case.assertGreaterEqual(len(gaps), count, f"{self.what}: {self.host.history_text()}")
        if count == 1:
            self.case.assertEqual(len(gaps), 1, gaps)
        for gap in gaps:
            self.case.assertEqual((gap["cause"], gap["confidence"], gap["host"]),
                                  (self.cause, confidence, host), gap)
            self.case.assertEqual(implausible(gap, since or self.begun, time.time()), [], gap)
            self.host.assert_warned(self.case, gap)
        return max(gaps, key=lambda gap: gap.number("lasted"))

    def left_nothing(self, before):
        """Holds when the history is what it was, byte for byte."""
        after = self.host.history_text()
        verdicts.note(self.what, "nothing", ["nothing" if after == before else "something"])
        self.case.assertEqual(after, before)


@contextlib.contextmanager
def injected(pid, fault):
    """Has strace do something to the system calls of a process."""
    calls = fault.split(":")[0]
    command = ["strace", f"--attach={pid}", f"--trace={calls}", f"--inject={fault}", "--output=/dev/null"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        try:
            line = strace.stderr.readline()
            if "attached" not in line:
                raise AssertionError(f"strace: {line}")
            yield
        finally:
            strace.terminate()


def hold_as_debugger(pid, seconds):
    """Attaches to a process, which stops it, and lets it go again."""
    attach, detach, wait_all = 16, 17, 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(attach, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, wait_all)
    time.sleep(seconds)
    libc.ptrace(detach, pid, None, None)


class CausesCase(HostCase):
    """Scenarios on hosts that remember."""

    kind = "systemd-252"

    def host(self, **options):
        return self.enterContext(SystemdHost(installed(self.kind), **options))

    def started_host(self, *configuration, **options):
        """One whose first beat has not only been written but remembered."""
        host = super().started_host(*configuration, **options)
        wait_for(host.pulse_text, "a pulse")
        return host

    def happening(self, host, what, cause):
        return Happening(self, host, what, cause)

    def assert_lasted(self, gap, seconds):
        self.assertGreaterEqual(gap.seconds("lasted"), seconds)
        self.assertLess(gap.seconds("lasted"), seconds + 60)


class Ends:
    """The daemon ends, and the host goes on."""

    def test_each_end_of_the_service_is_named(self):
        host = self.started_host(QUICK, drop_in=("WatchdogSec=2s", "RestartSec=100ms"))
        boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        self.assertEqual({line["boot"] for line in host.history()}, {boot_id}, "seen from the sandbox")
        for end in (self.stop, self.kill, self.crash, self.hang):
            with self.subTest(end=end.__name__):
                end(host)

    def stop(self, host):
        happening = self.happening(host, "systemctl stop, systemctl start", "service-stopped")
        host.systemctl("stop", "heartbeatd")
        time.sleep(HOLD)
        host.systemctl("start", "heartbeatd")
        gap = happening.named()
        self.assert_lasted(gap, HOLD)
        self.assertLessEqual(gap.number("from"), gap.number("stopped"))
        self.assertEqual([line["ev"] for line in happening.lines()], ["stop", "gap", "start"])

    def kill(self, host):
        happening = self.happening(host, "SIGKILL", "service-killed")
        host.signal("SIGKILL")
        gap = happening.named()
        self.assertEqual((gap["result"], gap["code"], gap["status"]), ("signal", "killed", "KILL"))
        self.assertEqual([line["ev"] for line in happening.lines()], ["exit", "gap", "start"])

    def crash(self, host):
        happening = self.happening(host, "SIGSEGV", "service-crashed")
        host.signal("SIGSEGV")
        self.assertEqual(happening.named()["status"], "SEGV")

    def hang(self, host):
        happening = self.happening(host, "SIGSTOP until the watchdog kills", "service-watchdog-killed")
        host.signal("SIGSTOP")
        gap = happening.named()
        self.assertNotIn("step", gap, "it was stopped while it waited")
        self.assert_lasted(gap, 1)


class Ends247(Ends, CausesCase, Systemd247):
    kind = "systemd-247"


class Ends252(Ends, CausesCase, Systemd252):
    pass


class Ends257(Ends, CausesCase, Systemd257):
    kind = "systemd-257"


class MoreEnds(CausesCase):
    def test_what_else_systemd_or_the_daemon_itself_ends_is_named(self):
        host = self.started_host(QUICK, f"Output={LOG}", "Output=journal",
                                 drop_in=("WatchdogSec=2s", "RestartSec=100ms"))
        for end in (self.hang_in_a_step, self.fail_to_wait, self.be_killed_for_memory):
            with self.subTest(end=end.__name__):
                end(host)

    def hang_in_a_step(self, host):
        happening = self.happening(host, "a write that hangs until the watchdog kills",
                                   "service-watchdog-killed")
        with injected(host.outer_pid(), f"write:delay_enter={3 * SECOND}:when=1"):
            gap = happening.named()
        self.assertEqual(gap["step"], f"write {LOG}")
        self.assertIn(f"hung in: write {LOG}", host.messages())

    def fail_to_wait(self, host):
        """By an error of a call that its loop cannot do without."""
        happening = self.happening(host, "the timer fails, exit status 1", "service-failed")
        with injected(host.outer_pid(), "timerfd_settime:error=ENOMEM:when=1"):
            gap = happening.named()
        self.assertEqual((gap["result"], gap["code"], gap["status"]), ("exit-code", "exited", "1"))

    def be_killed_for_memory(self, host):
        """As systemd-oomd does it: it counts on the cgroup, and kills."""
        happening = self.happening(host, "killed as systemd-oomd does", "service-oom-killed")
        os.setxattr(host.service_cgroup(), "user.oomd_ooms", b"1")
        os.kill(host.outer_pid(), signal.SIGKILL)
        self.assertEqual(happening.named()["result"], "oom-kill")


class NoGap(CausesCase):
    def test_a_restart_that_misses_nothing_is_none(self):
        host = self.started_host("Interval=20s")
        before = len(host.history())
        host.systemctl("restart", "heartbeatd")
        wait_for(lambda: len(host.history()) == before + 2, "the new run's line")
        self.assertEqual([line["ev"] for line in host.history()], ["start", "stop", "start"])
        self.assertEqual(host.journal(f"MESSAGE_ID={GAP}"), [])

    def test_a_refused_start_leaves_nothing(self):
        host = self.started_host(QUICK)
        for what, refuse in (("a start with a bad configuration", self.refuse_configuration),
                             ("a start beside one that runs", self.refuse_second)):
            with self.subTest(what=what):
                refuse(host, what)

    def refuse_configuration(self, host, what):
        """By the check before the start, then by the daemon itself."""
        host.systemctl("stop", "heartbeatd")
        before = host.history_text()
        happening = self.happening(host, what, "nothing")
        host.configure("Interval=5ms")
        for drop_in in ("", "ExecStartPre="):
            host.drop_in(drop_in)
            host.systemctl("start", "heartbeatd", check=False)
            wait_for(lambda: host.show("ActiveState") == "failed", "the start has failed")
        happening.left_nothing(before)
        host.configure(QUICK)
        host.systemctl("start", "heartbeatd")
        wait_for(lambda: host.pulse()["pid"] == host.main_pid(), "a beat of the new run")

    def refuse_second(self, host, what):
        before = host.history_text()
        happening = self.happening(host, what, "nothing")
        self.assertEqual(host.run(DAEMON, "--output=stdout", check=False).returncode, 150)
        happening.left_nothing(before)

    def test_a_stop_is_not_taken_for_the_cause_of_what_was_missed_before_it(self):
        host = self.started_host("Interval=5s")  # in which a busy machine restarts it, too
        happening = self.happening(host, "SIGSTOP until systemctl restart", "process-stopped")
        host.signal("SIGSTOP")
        time.sleep(10 + HOLD)
        host.systemctl("restart", "heartbeatd")
        self.assert_lasted(happening.named(), 10 + HOLD)
        self.assertEqual([line["ev"] for line in happening.lines()], ["gap", "stop", "start"])

    def test_who_ends_one_that_hangs_is_not_taken_for_what_stopped_it(self):
        """With SIGTERM comes a SIGCONT, which a process that was never stopped gets, too."""
        host = self.started_host("Interval=2s", f"Output={LOG}", "Output=journal")
        happening = self.happening(host, "a write that hangs until systemctl restart", "output-blocked")
        with injected(host.outer_pid(), f"write:delay_enter={8 * SECOND}:when=1"):
            wait_for(lambda: f"write {LOG}" in host.read("/var/lib/heartbeatd/pulse"), "the step that hangs")
            time.sleep(HOLD)
            host.systemctl("restart", "heartbeatd")
        gap = happening.named()
        self.assertEqual(gap["step"], f"write {LOG}")
        text = host.run("journalctl", "--catalog", f"MESSAGE_ID={GAP}").stdout
        self.assertIn(" Subject: Beats were missing: output-blocked\n", text)
        self.assertRegex(text, r"output-blocked: A step of a beat took that long")

    def record_exit(self, host, **values):
        assignments = [f"{name}={value}" for name, value in values.items()]
        result = host.run("env", *assignments, DAEMON, "--record-exit")
        self.assertEqual((result.stdout, result.stderr), ("", ""))

    def test_an_exit_is_recorded_once_and_only_when_there_was_one(self):
        killed = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}
        host = self.started_host(QUICK, drop_in=("ExecStopPost=", "Restart=no"))
        self.record_exit(host, **killed)
        self.assertEqual(host.history("exit"), [], "it is still running")

        happening = self.happening(host, "SIGKILL, recorded by hand", "service-killed")
        host.signal("SIGKILL")
        wait_for(lambda: host.show("ActiveState") == "failed", "it is dead")
        before = host.history_text()
        self.record_exit(host)
        self.record_exit(host, SERVICE_RESULT="exit-code", EXIT_CODE="")
        self.assertEqual(host.history_text(), before, "nothing has ended")
        for _ in range(2):
            self.record_exit(host, **killed)
        self.record_exit(host, SERVICE_RESULT="watchdog", EXIT_CODE="killed", EXIT_STATUS="ABRT")
        self.assertEqual([line["status"] for line in host.history("exit")], ["KILL"])

        host.systemctl("start", "heartbeatd")
        self.assertEqual(happening.named()["status"], "KILL")

    def test_a_refused_start_is_not_taken_for_the_end_of_a_run_before_it(self):
        host = self.started_host(QUICK, drop_in=("ExecStopPost=", "Restart=no"))
        happening = self.happening(host, "SIGKILL, then a refused start", "service-killed")
        host.signal("SIGKILL")
        wait_for(lambda: host.show("ActiveState") == "failed", "it is dead")
        host.configure("Interval=5ms")
        host.drop_in("ExecStartPre=")
        host.systemctl("start", "heartbeatd", check=False)
        wait_for(lambda: host.show("ExecMainStatus") == "6", "it was refused")
        host.configure(QUICK)
        host.systemctl("start", "heartbeatd")
        happening.named(confidence="low")


class Delays(CausesCase):
    """The daemon lives through it."""

    def test_what_held_up_the_same_process_is_named(self):
        host = self.started_host(QUICK, "Output=journal", f"Output={LOG}")
        pid = host.main_pid()
        for delay in (self.stop, self.freeze, self.pause, self.attach, self.sync_slowly,
                      self.write_slowly):
            with self.subTest(delay=delay.__name__):
                delay(host)
        self.assertEqual(host.main_pid(), pid)
        pulse = host.pulse()
        gaps = host.history("gap")
        self.assertEqual(pulse.number("gaps"), len(gaps))
        self.assertEqual(pulse.number("missed"), sum(gap.number("missed") for gap in gaps))

    def stop(self, host):
        happening = self.happening(host, "SIGSTOP, SIGCONT", "process-stopped")
        host.signal("SIGSTOP")
        time.sleep(HOLD)
        host.signal("SIGCONT")
        gap = happening.named()
        self.assert_lasted(gap, HOLD)
        self.assertEqual(gap["continued"], "1")

    def freeze(self, host):
        counted = "frozen_usec" in self.local_counters(host)
        happening = self.happening(host, "systemctl freeze, systemctl thaw",
                                   "frozen" if counted else "process-stopped")
        host.systemctl("freeze", "heartbeatd")
        time.sleep(HOLD)
        host.systemctl("thaw", "heartbeatd")
        self.assert_lasted(happening.named(confidence="high" if counted else "low"), HOLD)

    def pause(self, host):
        """All of the machine, as a container is paused."""
        counted = "frozen_usec" in self.local_counters(host)
        happening = self.happening(host, "the whole container paused",
                                   "frozen" if counted else "process-stopped")
        (host.cgroup / "cgroup.freeze").write_text("1")
        time.sleep(HOLD)
        (host.cgroup / "cgroup.freeze").write_text("0")
        self.assert_lasted(happening.named(confidence="high" if counted else "low"), HOLD)

    def local_counters(self, host):
        path = host.service_cgroup() / "cgroup.stat.local"
        return path.read_text() if path.exists() else ""

    def attach(self, host):
        happening = self.happening(host, "held by a debugger", "process-stopped")
        hold_as_debugger(host.outer_pid(), HOLD)
        self.assert_lasted(happening.named(confidence="low"), HOLD)

    def sync_slowly(self, host):
        happening = self.happening(host, "a slow fdatasync()", "output-blocked")
        with injected(host.outer_pid(), f"fdatasync:delay_enter={int(HOLD * SECOND)}:when=1"):
            gap = happening.named()
        self.assertEqual(gap["step"], "sync pulse")
        self.assertGreaterEqual(gap.seconds("longest"), HOLD)

    def write_slowly(self, host):
        happening = self.happening(host, "a slow write()", "output-blocked")
        with injected(host.outer_pid(), f"write:delay_enter={int(HOLD * SECOND)}:when=1"):
            gap = happening.named()
        self.assertEqual(gap["step"], f"write {LOG}")
        warnings = [line for line in host.lines() if " gap: " in line]
        self.assertEqual(len(warnings), len(host.history("gap")))
        self.assertRegex(warnings[-1], rf"output-blocked \(write {LOG} took 1\.\ds\)$")


class LegacyHost(SystemdHost):
    """Where systemd uses the controllers of cgroup v1."""

    init = Machine.init + ("systemd.unified_cgroup_hierarchy=0",)
    controllers = ("name=systemd", "cpu", "memory")


class Controllers(CausesCase):
    """What needs the cpu and the memory controller, which a machine has as those of cgroup v1 only."""

    WHATS = (("CPUQuota=", "cpu-throttled"),
             ("SIGSTOP, SIGCONT beside a neighbour with a CPUQuota=", "process-stopped"),
             ("busy neighbours with more CPUShares=", "cpu-starved"),
             ("OOM kill in cgroup v1, of which systemd does not tell", "service-killed"))

    def host(self, **options):
        missing = [name for name in LegacyHost.controllers if name not in own_cgroups()]
        if missing:
            reason = f"no controller {missing[0]} of cgroup v1"
            for what, cause in self.WHATS:
                verdicts.note(f"{what}: not possible here, {reason}", cause, None)
            self.skipTest(reason)
        return self.enterContext(LegacyHost(installed(self.kind), **options))

    def test_what_the_controllers_do_is_named(self):
        # Long lines in a file, for whose pages memory is needed.
        host = self.started_host(QUICK, "Message=%n " + "x" * 900, f"Output={LOG}", "Output=journal",
                                 drop_in=("CPUAccounting=yes", "RestartSec=100ms"))
        happenings = (self.throttle, self.stop_among_throttled, self.starve, self.exhaust_memory)
        for happen, (what, cause) in zip(happenings, self.WHATS):
            with self.subTest(cause=cause):
                happen(host, self.happening(host, what, cause))

    def set_property(self, host, *assignments):
        host.systemctl("set-property", "--runtime", UNIT, *assignments)

    @contextlib.contextmanager
    def quota(self, host, period):
        """A quota that a neighbour in the cgroup uses up at the beginning of each period."""
        self.set_property(host, "CPUQuota=10%", f"CPUQuotaPeriodSec={period}")
        cgroup = host.cgroups_v1["cpu"] / "system.slice" / UNIT
        with subprocess.Popen(host.in_cgroups([cgroup], ["sh", "-c", "while :; do :; done"])) as neighbour:
            try:
                yield
            finally:
                neighbour.kill()
        self.set_property(host, "CPUQuota=")

    def throttle(self, host, happening):
        with self.quota(host, "1s"):
            wait_for(lambda: len(happening.gaps()) >= 2, "gaps")
        gap = happening.named(count=2)
        self.assertGreaterEqual(2 * gap.number("throttled"), gap.number("lasted") - gap.number("interval"))

    def stop_among_throttled(self, host, happening):
        """The quota's period is too short to delay a beat, and its cgroup is throttled all the same."""
        with self.quota(host, "20ms"):
            host.signal("SIGSTOP")
            time.sleep(HOLD)
            host.signal("SIGCONT")
            wait_for(happening.gaps, "the gap")
        self.assertGreaterEqual(happening.named().seconds("throttled"), HOLD / 2)

    def starve(self, host, happening):
        last = str(max(os.sched_getaffinity(0)))
        self.set_property(host, "CPUShares=2")
        host.run("taskset", "--pid", "--cpu-list", last, host.main_pid())
        for name in ("hog1", "hog2"):
            host.run("systemd-run", f"--unit={name}", f"--property=CPUAffinity={last}",
                     "sh", "-c", "while :; do :; done")
        wait_for(lambda: len(happening.gaps()) >= 2, "gaps", 60)
        host.systemctl("stop", "hog1", "hog2")
        gap = happening.named(count=2)
        self.assertGreaterEqual(2 * gap.number("starved"), gap.number("lasted") - gap.number("interval"))

    def exhaust_memory(self, host, happening):
        """systemd learns of it from cgroup v2 only: here all it knows is a SIGKILL."""
        tight = host.cgroups_v1["memory"] / "tight"
        tight.mkdir()
        (tight / "memory.limit_in_bytes").write_text("4096")
        (tight / "cgroup.procs").write_text(str(host.outer_pid()))
        self.assertEqual(happening.named()["status"], "KILL")
        self.assertIn("oom_kill 1\n", (tight / "memory.oom_control").read_text())


class Outputs(CausesCase):
    """Beats that are made, and messages that are not written: no gap."""

    FIFO = "/var/log/heartbeatd/fifo"
    DISK = "/var/log/heartbeatd/disk"

    def test_what_is_lost_is_told_and_is_no_gap(self):
        host = self.host()
        host.run("mkfifo", self.FIFO)
        host.run("mkdir", self.DISK)
        host.run("mount", "-t", "tmpfs", "-o", "size=32k,mode=777", "tmpfs", self.DISK)
        host.run("chown", "heartbeatd:", self.FIFO)
        # Long lines, of which a page holds few.
        host.configure(QUICK, "Message=%n " + "x" * 900, "Output=journal", f"Output={self.FIFO}",
                       f"Output={self.DISK}/log")
        reader = self.read_fifo(host)
        host.systemctl("start", "heartbeatd")
        wait_for(host.pulse_text, "a pulse")
        with self.subTest(output="FIFO"):
            self.lose_the_reader(host, reader)
        with self.subTest(output="disk"):
            self.fill_the_disk(host)

    def read_fifo(self, host):
        return os.open(host.files / self.FIFO.lstrip("/"), os.O_RDONLY | os.O_NONBLOCK)

    def assert_told(self, host, happening, output, errnos):
        wait_for(lambda: happening.lines("output"), "what was lost")
        happening.beat_on()
        lines, gaps = happening.lines("output"), happening.gaps()
        verdicts.note(happening.what, "output-failed",
                      ["output-failed"] * len(lines) + [gap["cause"] for gap in gaps])
        self.assertEqual(gaps, [])
        self.assertEqual([line["output"] for line in lines], [output])
        self.assertIn(lines[0].number("errno"), errnos)
        begin, end, lost = (lines[0].number(name) for name in ("from", "to", "lost"))
        self.assertTrue(happening.begun * SECOND - SECOND <= begin <= end <= time.time() * SECOND)
        self.assertGreaterEqual(lost, 3)
        self.assertLess(abs((end - begin) / 200_000 + 1 - lost), 3)

    def wait_for_losses(self, host, output, count=3):
        def lost():
            match = re.search(rf"output {output}: .* \((\d+) messages? lost\)", host.show("StatusText"))
            return match and int(match[1]) >= count
        wait_for(lost, f"messages lost by {output}")

    def lose_the_reader(self, host, reader):
        happening = self.happening(host, "a FIFO's reader goes and comes back", "output-failed")
        os.close(reader)
        self.wait_for_losses(host, self.FIFO)
        self.addCleanup(os.close, self.read_fifo(host))
        self.assert_told(host, happening, self.FIFO, (6, 32))  # ENXIO, EPIPE

    def fill_the_disk(self, host):
        happening = self.happening(host, "a full tmpfs that gets room again", "output-failed")
        host.run("dd", "if=/dev/zero", f"of={self.DISK}/filler", "bs=4k", check=False)
        self.wait_for_losses(host, f"{self.DISK}/log")
        host.run("rm", f"{self.DISK}/filler")
        self.assert_told(host, happening, f"{self.DISK}/log", (28,))  # ENOSPC


class HostEnds:
    """The host ends, too."""

    def test_a_reboot_and_a_power_cut_are_named(self):
        host = self.started_host(ON_DISK, drop_in=MACHINES_BOOT_ID, keep=True, fake_boot=True)
        for what, end, cause in (("orderly reboot", host.shutdown, "host-shutdown"),
                                 ("power cut", host.power_cut, "host-down")):
            with self.subTest(what=what):
                happening = self.happening(host, what, cause)
                happening.beat_on()
                ended = time.time()
                end()
                time.sleep(1)
                host.boot()
                gap = happening.named(host="down")
                self.assertGreaterEqual(gap.seconds("lasted"), 1)
                self.assertTrue(ended - 2 <= gap.seconds("boot_began") <= gap.seconds("to"), gap)
                self.assertTrue(gap.seconds("from") <= gap.seconds("boot_began") + 1, gap)


class HostEnds247(HostEnds, CausesCase, Systemd247):
    kind = "systemd-247"


class HostEnds252(HostEnds, CausesCase, Systemd252):
    pass


class HostEnds257(HostEnds, CausesCase, Systemd257):
    kind = "systemd-257"


# Takes some seconds off the wall clock, as one program sees it.
AGO = """#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
    int r = (int)syscall(SYS_clock_gettime, id, now);
    if (r == 0 && id == CLOCK_REALTIME)
        now->tv_sec -= atoll(getenv("AGO"));
    return r;
}
"""


class Days(CausesCase):
    """An end, then days, then a boot: nobody can know what the host did in between."""

    def live(self, host, days):
        """The service's wall clock is so many days behind from its next start on."""
        host.drop_in(*MACHINES_BOOT_ID, "Restart=no", "Environment=LD_PRELOAD=/usr/lib/ago.so",
                     f"Environment=AGO={days * A_DAY}")

    def test_a_crash_or_a_stop_days_before_the_boot_is_named_and_the_host_unknown(self):
        host = self.host(keep=True, fake_boot=True)
        host.write("/root/ago.c", AGO)
        host.run("gcc", "-shared", "-fPIC", "-o", "/usr/lib/ago.so", "/root/ago.c")
        host.configure(ON_DISK)
        self.live(host, 6)
        host.systemctl("enable", "--now", "heartbeatd")
        wait_for(host.pulse_text, "a pulse")

        happening = self.happening(host, "SIGKILL, days, boot", "service-killed")
        host.signal("SIGKILL")
        wait_for(lambda: host.show("ActiveState") == "failed", "it is dead")
        self.end_and_boot_days_later(host, 6, 3, happening)

        happening = self.happening(host, "systemctl stop, days, boot", "service-stopped")
        host.systemctl("stop", "heartbeatd")
        self.end_and_boot_days_later(host, 3, 0, happening)

    def end_and_boot_days_later(self, host, before, after, happening):
        self.live(host, after)
        host.reboot()
        happening.begun -= before * A_DAY
        gap = happening.named(host="unknown")
        self.assert_lasted(gap, (before - after) * A_DAY)


class WithoutSystemd:
    """The same ends where no service manager tells how a process ended."""

    def end_and_boot(self, host):
        for what, end, cause in (("power cut", host.power_cut, "host-down"),
                                 ("orderly reboot", host.shutdown, "host-shutdown")):
            with self.subTest(what=what):
                happening = Happening(self, host, what, cause)
                happening.beat_on()
                end()
                time.sleep(1)
                host.boot()
                happening.named(host="down")

    def stop_and_start(self, host):
        happening = Happening(self, host, "stop and start by the script", "service-stopped")
        host.service("stop")
        time.sleep(HOLD)
        host.service("start")
        self.assertGreaterEqual(happening.named().seconds("lasted"), HOLD)

    def assert_not_recorded(self, happening):
        gap = happening.named(confidence="low")
        self.assertEqual(happening.lines("exit"), [])
        self.assertNotIn("status", gap)


class SysVInit(WithoutSystemd, unittest.TestCase):
    time_limit = 240

    def test_each_end_is_named(self):
        host = self.enterContext(SysVInitHost(installed("sysvinit"), keep=True, fake_boot=True))
        host.configure(ON_DISK)
        host.run("update-rc.d", "heartbeatd", "defaults")
        host.service("start")
        for end in (self.stop_and_start, self.kill, self.stop_one_that_does_not_end, self.kill_and_reboot,
                    self.end_and_boot):
            with self.subTest(end=end.__name__):
                end(host)

    def kill(self, host):
        happening = Happening(self, host, "SIGKILL, recorded by nobody", "service-killed")
        host.run("kill", "-KILL", host.running())
        wait_for(lambda: host.running() is None, "it is dead")
        host.service("start")
        self.assert_not_recorded(happening)

    def kill_and_reboot(self, host):
        """The script's stop finds that it has gone: the host did not take it along."""
        happening = Happening(self, host, "SIGKILL, orderly reboot", "service-killed")
        host.run("kill", "-KILL", host.running())
        wait_for(lambda: host.running() is None, "it is dead")
        host.shutdown()
        host.boot()
        gap = happening.named(confidence="low", host="unknown")
        self.assertEqual(gap["result"], "gone")

    def stop_one_that_does_not_end(self, host):
        """A process that a tracer holds is ended by SIGKILL only, and who sends that records it."""
        happening = Happening(self, host, "--stop that has to kill", "service-killed")
        pid = host.running()
        host.write("/root/tracer.py", TRACER)
        host.run("sh", "-c", f"python3 /root/tracer.py {pid} >/dev/null 2>&1 &")
        wait_for(lambda: "TracerPid:\t0\n" not in host.read(f"/proc/{pid}/status"), "it is traced")
        self.assertIn("killing it", host.service("stop"))
        host.service("start")
        gap = happening.named()
        self.assertEqual((gap["result"], gap["code"], gap["status"]), ("timeout", "killed", "KILL"))
        self.assertEqual(len(happening.lines("exit")), 1)


class OpenRC(WithoutSystemd):
    time_limit = 240

    def test_each_end_is_named(self):
        host = self.enterContext(OpenRCMachine(installed(self.kind), keep=True, fake_boot=True))
        host.configure(ON_DISK)
        host.write(OPTIONS, "respawn_delay=1\n")
        host.run("rc-update", "add", "heartbeatd", "default")
        host.service("start")
        wait_for(host.pulse_text, "a pulse")
        for end in (self.stop_and_start, self.kill, self.end_and_boot):
            with self.subTest(end=end.__name__):
                end(host)

    def kill(self, host):
        """The supervisor starts it again."""
        happening = Happening(self, host, "SIGKILL, recorded by nobody", "service-killed")
        host.run("kill", "-KILL", host.running())
        self.assert_not_recorded(happening)


class OpenRC045(OpenRC, unittest.TestCase):
    kind = "openrc-0.45"


class OpenRC064(OpenRC, unittest.TestCase):
    kind = "openrc-0.64"


class Table(unittest.TestCase):
    alone = True

    def test_each_cause_was_made_to_happen_and_none_was_named_wrongly(self):
        for cause, reason in SIMULATED.items():
            verdicts.note(f"simulated: {reason}", cause, None)
        rows = verdicts.rows()
        for line in verdicts.table(rows).splitlines():
            print("note:", line)
        self.assertEqual(NAMED - {row["cause"] for row in rows}, set())
        self.assertEqual([row for row in rows if verdicts.COLUMNS[3] in verdicts.judge(row)], [])
