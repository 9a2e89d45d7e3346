# SPDX-License-Identifier: MIT
"""The README's run scripts, to the letter, under Debian's runit and s6."""

import contextlib
import os
import re
import subprocess
import unittest

from host import Installed
from install import installed
from machine import ENVIRONMENT, Shell, holds, wait_for
from readme import readme_block

SERVICE = "/service/heartbeatd"
LOG = "/var/log/service"
BEATS = "run/beats"
WORDS = r'heartbeatd: /etc/heartbeatd.conf.d/test.conf:2: Interval: "5ms": expected a time span'


class Supervised(Installed, Shell):
    """A root with the program installed, and no init system; subclasses are the supervisors.

    set_up() makes the service as the README has it, and supervise() lets the supervisor start it.
    """

    run_script = None  # what the README's script holds and no other
    logger = None
    scanner = None

    def __init__(self):
        super().__init__(installed("sysvinit"))

    def set_up(self):
        self.run("sh", "-e", "-c", readme_block("useradd"))
        self.script("run", readme_block(self.run_script))
        self.script("log/run", f"#!/bin/sh\nexec {self.logger} {LOG}\n")
        (self.files / LOG.lstrip("/")).mkdir()

    def script(self, name, text):
        self.write(f"{SERVICE}/{name}", text)
        (self.files / f"{SERVICE}/{name}".lstrip("/")).chmod(0o755)

    def supervise(self):
        self.run("sh", "-c", f"{self.scanner} >/run/supervisor.log 2>&1 &")

    def logged(self):
        """What the service's logger has."""
        with contextlib.suppress(FileNotFoundError):
            return self.read(f"{LOG}/current")
        return ""

    def beats(self):
        return [int(number) for number in re.findall(r"Z heartbeat (\d+)$", self.logged(), re.MULTILINE)]

    def daemon(self, *arguments):
        done = self.run("heartbeatd", *arguments, check=False)
        return done.returncode, done.stdout, done.stderr


class Runit(Supervised):
    run_script = "chpst"
    logger = "svlogd"
    scanner = "runsvdir -P /service"

    def main_pid(self):
        """The process that runit says is up, None if none is."""
        status = self.run("sv", "status", SERVICE, check=False).stdout
        match = re.match(rf"run: {SERVICE}: \(pid (\d+)\) \d+s; run: log: ", status)
        return match and match[1]

    def hup(self):
        self.run("sv", "hup", SERVICE)

    def down(self):
        self.assert_down(self.run("sv", "stop", SERVICE).stdout, "ok: down: ")
        self.assert_down(self.run("sv", "status", SERVICE).stdout, "down: ")

    def assert_down(self, status, beginning):
        if not status.startswith(f"{beginning}{SERVICE}: "):
            raise AssertionError(status)

    def up(self):
        self.run("sv", "start", SERVICE)


class S6(Supervised):
    run_script = "s6-setuidgid"
    logger = "s6-log"
    scanner = "s6-svscan /service"

    def set_up(self):
        super().set_up()
        self.write(f"{SERVICE}/notification-fd", "3\n")

    def svstat(self, fields):
        return self.run("s6-svstat", "-o", fields, SERVICE, check=False).stdout.split()

    def main_pid(self):
        """The process that s6 says is up and ready, None if none is."""
        status = self.svstat("up,ready,pid")
        return status[2] if status[:2] == ["true", "true"] else None

    def svwait(self):
        """The command that waits for readiness."""
        return self.enter("s6-svwait", "-U", "-t", "60000", SERVICE)

    def hup(self):
        self.run("s6-svc", "-h", SERVICE)

    def down(self):
        self.run("s6-svc", "-d", SERVICE)
        self.run("s6-svwait", "-D", "-t", "20000", SERVICE)
        if self.svstat("up,exitcode") != ["false", "0"]:
            raise AssertionError(self.run("s6-svstat", SERVICE).stdout)

    def up(self):
        self.run("s6-svc", "-u", SERVICE)


class Service:
    """A test of a service; subclasses name the supervisor."""

    supervisor = None
    time_limit = 240

    def set_up(self):
        host = self.enterContext(self.supervisor())
        host.set_up()
        return host

    def started(self, interval="1h"):
        """A host whose service is up and has beaten."""
        host = self.set_up()
        host.configure(f"Interval={interval}")
        host.supervise()
        wait_for(host.main_pid, "the service is up")
        wait_for(host.beats, "a beat in the service's log")
        return host


class Supervision(Service):
    def test_it_beats_into_the_services_log_as_its_own_user(self):
        host = self.started("200ms")
        wait_for(lambda: host.beats()[:3] == [1, 2, 3], "three beats in the service's log")
        pid = host.main_pid()
        self.assertEqual(host.daemon("--running"), (0, f"{pid}\n", ""))
        user, group, groups = (host.run("id", option, "heartbeatd").stdout.strip()
                               for option in ("-u", "-g", "-G"))
        status = host.read(f"/proc/{pid}/status")
        self.assertIn("Uid:" + f"\t{user}" * 4 + "\n", status)
        self.assertIn("Gid:" + f"\t{group}" * 4 + "\n", status)
        self.assertEqual(re.search(r"^Groups:\t(.*)$", status, re.MULTILINE)[1].split(), groups.split())

    def other_pid(self, host, first):
        pid = host.main_pid()
        return pid if pid != first else None

    def test_killed_it_is_started_again(self):
        host = self.started()
        first = host.main_pid()
        host.run("kill", "-KILL", first)
        second = wait_for(lambda: self.other_pid(host, first), "another process is up")
        wait_for(lambda: host.beats() == [1, 1], "the first beat of another daemon")
        self.assertEqual(host.daemon("--running"), (0, f"{second}\n", ""))

    def test_a_hangup_reloads_the_same_process(self):
        host = self.started()
        pid = host.main_pid()
        self.assertEqual(host.beats(), [1])
        host.configure("Interval=200ms")
        host.hup()
        wait_for(lambda: host.beats()[:3] == [1, 2, 3], "beats at the new interval")
        self.assertEqual(host.main_pid(), pid)

    def test_a_bad_configuration_and_a_hangup_leave_the_old_one(self):
        host = self.started("200ms")
        pid = host.main_pid()
        host.configure("Interval=5ms")
        host.hup()
        wait_for(lambda: "not reloaded" in host.logged(), "the daemon says why in the service's log")
        self.assertRegex(host.logged(), WORDS.replace("heartbeatd: ", "heartbeatd: not reloaded.*"))
        seen = len(host.beats())
        wait_for(lambda: len(host.beats()) > seen + 1, "beats as before")
        self.assertEqual(host.main_pid(), pid)

    def test_stopped_it_stays_so_until_it_is_started(self):
        host = self.started()
        host.down()
        holds(lambda: host.daemon("--running") == (3, "", ""), "no daemon runs", 1.5)
        host.up()
        wait_for(host.main_pid, "the service is up again")
        wait_for(lambda: host.beats() == [1, 1], "the first beat of another daemon")

    def test_a_second_daemon_by_hand_is_refused_and_disturbs_nothing(self):
        host = self.started()
        pid = host.main_pid()
        words = f"heartbeatd: already running with pid {pid} (lock /var/lib/heartbeatd/lock)\n"
        for arguments in (("--output=stdout",), ("--fork",)):
            self.assertEqual(host.daemon(*arguments), (150, "", words))
        self.assertEqual((host.main_pid(), host.beats()), (pid, [1]))

    def test_a_bad_configuration_is_told_to_the_services_log(self):
        host = self.set_up()
        host.configure("Interval=5ms")
        host.supervise()
        wait_for(lambda: re.search(WORDS, host.logged()), "the reason in the service's log")
        self.assertEqual(host.beats(), [])


class RunitSupervision(Supervision, unittest.TestCase):
    supervisor = Runit


class S6Supervision(Supervision, unittest.TestCase):
    supervisor = S6


class S6Readiness(Service, unittest.TestCase):
    """What waits for the service goes on after its first beat, not before, and never without one."""

    supervisor = S6

    def waiting(self, host):
        """A process that waits until the service is ready."""
        host.supervise()
        wait_for(lambda: host.svstat("up"), "the service is supervised")
        waiting = subprocess.Popen(host.svwait(), env=ENVIRONMENT)
        self.addCleanup(waiting.wait)
        self.addCleanup(waiting.kill)
        return waiting

    def assert_waits_in_vain(self, host, waiting, reason):
        """While several starts fail."""
        wait_for(lambda: len(re.findall(reason, host.logged())) >= 2, f"starts that fail with {reason}")
        self.assertIsNone(waiting.poll())
        self.assertEqual(host.svstat("ready"), ["false"])

    def test_ready_after_the_first_beat_and_not_before(self):
        host = self.set_up()
        host.run("mkfifo", "--mode=666", f"/{BEATS}")
        host.configure(f"Output=/{BEATS}", "Interval=1h")
        host.fill_state()
        host.run("chown", "heartbeatd:", "/var/lib/heartbeatd")
        waiting = self.waiting(host)
        self.assert_waits_in_vain(host, waiting, f"/{BEATS}: nobody reads; nothing took the first beat")
        reader = os.open(host.files / BEATS, os.O_RDONLY | os.O_NONBLOCK)
        self.assertEqual(waiting.wait(timeout=60), 0)
        self.assertRegex(os.read(reader, 1000).decode(), r"\A\S+Z heartbeat 1\n\Z")
        self.assertRegex(host.run("s6-svstat", SERVICE).stdout, r"^up \(pid \d+\) .* ready \d+ seconds$")

    def test_a_failed_start_is_never_ready(self):
        host = self.set_up()
        host.configure("Interval=5ms")
        waiting = self.waiting(host)
        self.assert_waits_in_vain(host, waiting, WORDS)
        # The same process that waited for nothing so far.
        host.configure("Interval=1h")
        self.assertEqual(waiting.wait(timeout=60), 0)
        self.assertEqual(host.beats(), [1])

    def test_a_failed_start_writes_nothing_to_the_descriptor(self):
        host = self.set_up()
        host.configure("Interval=5ms")
        failed = host.run("sh", "-c", f"{SERVICE}/run 3>/run/ready", check=False)
        self.assertEqual((failed.returncode, host.read("/run/ready")), (6, ""))

    def test_without_notification_fd_the_log_says_what_is_missing(self):
        host = self.set_up()
        (host.files / f"{SERVICE}/notification-fd".lstrip("/")).unlink()
        host.supervise()
        wait_for(lambda: '--ready-fd: "3": is not open for writing' in host.logged(), "words in its log")
