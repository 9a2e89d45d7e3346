# SPDX-License-Identifier: MIT
"""The service script for OpenRC, under a real OpenRC: with supervise-daemon, and with --fork.

OpenRC 0.45 knows no readiness; with 0.64 a start waits for the first beat.
"""

import os
import re
import subprocess
import time
import unittest

from host import ALIVE, DAEMON, LOG, Installed
from install import installed
from machine import ENVIRONMENT, OpenRC, holds, wait_for

SCRIPT = "/etc/init.d/heartbeatd"
OPTIONS = "/etc/conf.d/heartbeatd"
WORDS = "/var/log/heartbeatd/heartbeatd.err"
FIFO = "/var/fifo"
PID_FILE = "/run/heartbeatd.pid"
STARTED, FAILED, STOPPED, CRASHED = 0, 1, 3, 32  # exit statuses of rc-service
BAD_CONFIGURATION = 6  # the daemon's own
KILL_AFTER = 10  # seconds until a daemon that does not end is killed

# Beats when somebody has opened a FIFO to write, but answers questions at once.
LATE = """#!/bin/sh
case ${1:-} in
--check-config | --running | --stop) ;;
*) : </run/may-beat ;;
esac
exec /usr/lib/heartbeatd "$@"
"""
# The service script defines no stop_post of its own, and OpenRC runs it after each stop.
TELL_OF_STOPS = """stop_post() {
    /usr/bin/heartbeatd --running
    echo "stopped, and then $?" >>/var/stops
}"""


class Host(Installed, OpenRC):
    """A machine on which the service can be configured, started and watched."""

    def service(self, verb, check=True):
        return self.run("rc-service", "heartbeatd", verb, check=check)

    def exit_status(self, verb):
        """That of rc-service."""
        return self.service(verb, check=False).returncode

    def processes(self):
        """The pids of all with the daemon's name on their command line, supervisors too, but no zombies."""
        return self.run("pgrep", ALIVE, "--full", "heartbeatd", check=False).stdout.split()

    def ps(self, pid, *columns):
        return self.run("ps", "--no-headers", "-o", ",".join(columns), "--pid", pid).stdout.split()

    def stat(self, path):
        return self.run("stat", "--format=%a %U:%G", path).stdout.strip()

    def arguments(self, pid):
        return self.read(f"/proc/{pid}/cmdline").split("\0")[:-1]

    def beats(self):
        """The beats on disk, without their times."""
        return [line.split(" ", 1)[1] for line in self.lines()]

    def wait_for_beats(self, count):
        """Waits until there are so many; returns all there are."""
        def enough():
            beats = self.beats()
            return beats if len(beats) >= count else None
        return wait_for(enough, f"{count} beats in {LOG}")

    def suspend(self, pid):
        self.run("kill", "-STOP", pid)
        wait_for(lambda: self.ps(pid, "state") == ["T"], "the daemon is suspended")

    def delay_the_first_beat(self):
        """Keeps the program, however it is started, from beating before let_beat()."""
        self.run("mkfifo", "--mode=666", "/run/may-beat")
        self.run("mv", DAEMON, "/usr/lib/heartbeatd")
        self.write(DAEMON, LATE)
        self.run("chmod", "0755", DAEMON)

    def let_beat(self):
        self.write("/run/may-beat", "")


class Case:
    """What holds with supervise-daemon and with --fork, and takes OpenRC to hold; subclasses name the kind of host."""

    time_limit = 240
    options = ()

    def host(self, *configuration, options=(), **others):
        host = self.enterContext(Host(installed(self.kind), **others))
        host.configure(*configuration)
        host.write(OPTIONS, "\n".join(self.options + options) + "\n")
        return host

    def started_host(self, *configuration, **others):
        """A host whose service has been started and has beaten."""
        host = self.host(*configuration, **others)
        host.service("start")
        host.wait_for_beats(1)
        return host

    def assert_says(self, result, *words):
        for word in words:
            self.assertIn(word, result.stdout + result.stderr)

    def test_a_service_is_started_once_and_says_so(self):
        host = self.host()
        self.assertEqual(host.exit_status("status"), STOPPED)
        self.assertEqual(host.exit_status("start"), 0)
        host.wait_for_beats(1)
        self.assertEqual(host.exit_status("status"), STARTED)
        pid = host.running()
        self.assertEqual(host.exit_status("start"), 0)
        self.assertEqual((host.running(), host.daemons()), (pid, [pid]))

    def test_a_reload_takes_effect_in_the_same_process(self):
        host = self.started_host("Interval=1h")
        pid = host.running()
        host.configure("Interval=200ms", "Message=reloaded %n")
        self.assertEqual(host.exit_status("reload"), 0)
        self.assertEqual(host.wait_for_beats(3)[:3], ["heartbeat 1", "reloaded 2", "reloaded 3"])
        self.assertEqual(host.daemons(), [pid])

    def test_a_reload_of_a_bad_configuration_says_why_and_changes_nothing(self):
        host = self.started_host("Interval=200ms")
        pid = host.running()
        host.configure("Interval=200ms", "Message=%q")
        result = host.service("reload", check=False)
        self.assertEqual(result.returncode, BAD_CONFIGURATION)
        self.assert_says(result, 'heartbeatd: /etc/heartbeatd.conf.d/test.conf:3: Message: "%q"')
        beats = host.wait_for_beats(len(host.beats()) + 3)
        self.assertEqual(beats[-1], f"heartbeat {len(beats)}")
        self.assertEqual((host.daemons(), host.exit_status("status")), ([pid], STARTED))

    def test_a_restart_with_a_bad_configuration_leaves_the_daemon_alone(self):
        host = self.started_host("Interval=200ms")
        pid = host.running()
        host.configure("Interval=2ms")
        result = host.service("restart", check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assert_says(result, 'Interval: "2ms"')
        host.wait_for_beats(len(host.beats()) + 2)
        self.assertEqual((host.running(), host.exit_status("status")), (pid, STARTED))

    def test_a_restart_makes_another_process(self):
        host = self.started_host("Interval=1h")
        pid = host.running()
        self.assertEqual(host.exit_status("restart"), 0)
        wait_for(lambda: host.beats() == ["heartbeat 1"] * 2, "the first beats of two daemons")
        self.assertNotEqual(host.running(), pid)
        self.assertEqual((host.daemons(), host.exit_status("status")), ([host.running()], STARTED))

    def test_a_stop_returns_when_the_daemon_is_gone(self):
        host = self.started_host()
        self.assertEqual(host.exit_status("stop"), 0)
        self.assertEqual(host.run(DAEMON, "--running", check=False).returncode, STOPPED)
        self.assertEqual((host.processes(), host.exit_status("status")), ([], STOPPED))
        self.assertEqual(host.exit_status("stop"), 0)
        self.assertEqual(host.exit_status("reload"), FAILED)
        self.assertEqual((host.processes(), host.exit_status("status")), ([], STOPPED))

    def test_a_suspended_daemon_is_stopped_without_waiting(self):
        host = self.started_host()
        host.suspend(host.running())
        began = time.monotonic()
        self.assertEqual(host.exit_status("stop"), 0)
        self.assertLess(time.monotonic() - began, KILL_AFTER / 2)
        self.assertEqual((host.processes(), host.exit_status("status")), ([], STOPPED))

    def test_a_bad_configuration_fails_the_start_and_is_not_tried_again(self):
        host = self.host("Interval=2ms", options=("respawn_delay=1",))
        result = host.service("start", check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assert_says(result, 'heartbeatd: /etc/heartbeatd.conf.d/test.conf:2: Interval: "2ms"')
        holds(lambda: host.processes() == [], "nothing has been started", 3)
        self.assertEqual((host.beats(), host.exit_status("status")), ([], STOPPED))


class Own(Case):
    """What the script does by itself: the same under each OpenRC, and shown under one."""

    def test_what_the_user_may_not_do_fails_start_and_reload(self):
        host = self.host("Output=/srv/log")
        result = host.service("start", check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assert_says(result, "heartbeatd: output /srv/log: Permission denied")
        host.configure("Interval=200ms")
        host.service("start")
        host.wait_for_beats(1)
        host.configure("Output=/srv/log")
        self.assertEqual(host.exit_status("reload"), 4)
        host.wait_for_beats(len(host.beats()) + 2)

    def test_a_daemon_that_somebody_else_started_is_not_taken_for_the_service(self):
        host = self.host()
        host.run(DAEMON, "--fork")
        result = host.service("start", check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assert_says(result, f"Already running with pid {host.running()}")
        self.assertEqual(host.stat("/var/lib/heartbeatd"), "755 root:root")

    def test_options_in_conf_d_win_over_the_configuration(self):
        host = self.started_host("Interval=1h", "Message=from the file",
                                 options=("""command_args="--interval=300ms --message='%H lives %n'" """,))
        name = host.run("hostname").stdout.strip()
        self.assertEqual(host.wait_for_beats(3)[:3], [f"{name} lives {number}" for number in (1, 2, 3)])

    def test_the_service_takes_over_what_a_daemon_of_root_has_left(self):
        host = self.host("Interval=1h")
        host.run(DAEMON, "--fork")
        self.assertEqual(host.stat(LOG), "640 root:root")
        host.run(DAEMON, "--stop")
        host.service("start")
        wait_for(lambda: host.beats() == ["heartbeat 1"] * 2, "a beat of the service in the same file")
        self.assertEqual(host.stat(LOG), "640 heartbeatd:heartbeatd")
        self.assertEqual(host.ps(host.running(), "user:20"), ["heartbeatd"])

    def test_conf_d_can_name_another_user(self):
        host = self.started_host(options=("command_user=games",))
        self.assertEqual(host.ps(host.running(), "user:20"), ["games"])
        self.assertEqual(host.stat("/var/lib/heartbeatd"), "755 games:games")
        self.assertEqual(host.stat("/var/log/heartbeatd"), "750 games:games")
        self.assertEqual(host.run("getent", "passwd", "heartbeatd", check=False).stdout, "")


class Service(Case):
    """As installed: in the foreground, under supervise-daemon."""

    def enabled_host(self, *configuration, **others):
        """A host whose service has been started, and is started at each boot."""
        host = self.started_host(*configuration, keep=True, **others)
        host.run("rc-update", "add", "heartbeatd", "default")
        return host

    def test_a_service_of_the_default_runlevel_runs_after_a_reboot(self):
        host = self.host(keep=True)
        self.assertEqual(host.run("getent", "passwd", "heartbeatd", check=False).stdout, "")
        host.run("rc-update", "add", "heartbeatd", "default")
        host.reboot()
        host.wait_for_beats(1)
        self.assertEqual(host.exit_status("status"), STARTED)
        user, parent = host.ps(host.running(), "user:20", "ppid")
        self.assertEqual(user, "heartbeatd")
        supervisor = " ".join(host.arguments(parent))
        self.assertRegex(supervisor, "^supervise-daemon heartbeatd ")
        self.assertIn(" --respawn-delay 5 ", supervisor)
        # Unless told, it gives up after ten times.
        self.assertIn(" --respawn-max 0 ", supervisor)
        self.assertEqual(host.run("getent", "passwd", "heartbeatd").stdout.split(":")[-1],
                         "/usr/sbin/nologin\n")
        self.assertEqual(host.stat("/var/log/heartbeatd"), "750 heartbeatd:heartbeatd")
        self.assertEqual(host.stat("/var/lib/heartbeatd"), "755 heartbeatd:heartbeatd")

    def test_an_orderly_shutdown_stops_it(self):
        host = self.enabled_host(options=(TELL_OF_STOPS,))
        self.assertFalse((host.upper / "var/stops").exists())
        host.shutdown()
        self.assertEqual((host.upper / "var/stops").read_text(), f"stopped, and then {STOPPED}\n")

    def test_it_is_back_after_a_power_cut(self):
        host = self.enabled_host("Interval=200ms", "Message=%b %n", fake_boot=True)
        before = host.beats()[0].split()[0]
        host.power_cut()
        host.boot()
        now = host.read("/proc/sys/kernel/random/boot_id").strip().replace("-", "")
        self.assertNotEqual(now, before)
        wait_for(lambda: f"{now} 3" in host.beats(), "three beats of the new boot")
        self.assertIn(f"{before} 1", host.beats())
        self.assertEqual(host.exit_status("status"), STARTED)

    def test_stop_ends_what_was_started_in_another_way(self):
        host = self.started_host(options=("respawn_delay=1",))
        host.write(OPTIONS, "supervisor=\n")
        self.assertEqual(host.exit_status("restart"), 0)
        self.assertEqual(host.ps(host.running(), "ppid"), ["1"])
        self.assertEqual(host.processes(), [host.running()], "no supervisor is left")
        host.write(OPTIONS, "")
        self.assertEqual(host.exit_status("stop"), 0)
        holds(lambda: host.processes() == [], "nothing starts it again", 2)

    def test_stop_ends_a_daemon_whose_supervisor_was_killed(self):
        host = self.started_host()
        host.run("kill", "-KILL", host.ps(host.running(), "ppid")[0])
        self.assertEqual(host.exit_status("restart"), 0)
        wait_for(lambda: host.running() and host.exit_status("status") == STARTED, "the service runs again")
        self.assertNotEqual(host.ps(host.running(), "ppid"), ["1"])
        self.assertEqual(len(host.daemons()), 1)

    def test_a_killed_daemon_is_started_again(self):
        host = self.started_host("Interval=200ms", options=("respawn_delay=1",))
        pid = host.running()
        host.run("kill", "-KILL", pid)
        self.assertEqual(host.exit_status("status"), STARTED)
        wait_for(lambda: host.beats().count("heartbeat 1") == 2, "the first beat of another daemon")
        host.wait_for_beats(len(host.beats()) + 2)
        self.assertEqual((host.daemons(), host.exit_status("status")), ([host.running()], STARTED))
        self.assertNotEqual(host.running(), pid)

    def test_a_daemon_that_hangs_is_started_again(self):
        """It is there, and its supervisor has nothing to wait for: its pulse tells."""
        host = self.started_host("Interval=200ms", options=("respawn_delay=1", "healthcheck_timer=2"))
        pid = host.running()
        holds(lambda: host.running() == pid, "nothing is wrong with one that beats", 5)
        host.suspend(pid)
        wait_for(lambda: host.running() not in (None, pid), "another daemon", 30)
        host.wait_for_beats(len(host.beats()) + 2)
        # Of the same name are those that ask for its health, for a moment.
        wait_for(lambda: host.daemons() == [host.running()], "one daemon, and no other")
        self.assertEqual(host.exit_status("status"), STARTED)

    def test_a_daemon_whose_output_fails_is_left_running(self):
        host = self.host(f"Output={FIFO}", "Interval=200ms", options=("healthcheck_timer=1",))
        host.run("mkfifo", "--mode=666", FIFO)
        host.service("start")
        pid = wait_for(host.running, "a daemon runs")
        holds(lambda: host.running() == pid, "it is not restarted for that", 5)

    def test_a_service_that_cannot_beat_yet_is_tried_until_it_can(self):
        host = self.host(f"Output={FIFO}", options=("respawn_delay=1",))
        host.run("mkfifo", "--mode=666", FIFO)
        host.fill_state()
        host.service("start")
        wait_for(lambda: host.read(WORDS).count("the pulse neither") >= 2, "two starts in vain")
        self.assertEqual(host.exit_status("status"), STARTED)
        reader = os.open(host.files / FIFO.lstrip("/"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        wait_for(host.running, "a daemon runs")
        self.assertEqual(host.exit_status("stop"), 0)
        self.assertEqual((host.processes(), host.exit_status("status")), ([], STOPPED))


class Forked(Case):
    """With an empty supervisor= in conf.d: a daemon that nobody watches."""

    options = ("supervisor=",)

    def test_a_start_returns_with_a_beat_on_disk(self):
        host = self.host("Interval=1h")
        host.service("start")
        self.assertEqual(host.beats(), ["heartbeat 1"])
        pid = host.running()
        self.assertEqual(host.processes(), [pid])
        self.assertEqual(host.ps(pid, "user:20", "ppid"), ["heartbeatd", "1"])
        self.assertEqual(host.read(PID_FILE), f"{pid}\n")
        self.assertEqual(host.stat(PID_FILE).split()[1], "root:root")

    def test_a_stop_needs_no_pid_file(self):
        host = self.started_host()
        host.run("rm", PID_FILE)
        self.assertEqual(host.exit_status("stop"), 0)
        self.assertEqual((host.processes(), host.exit_status("status")), ([], STOPPED))

    def test_its_status_is_the_locks(self):
        host = self.started_host("Interval=1h")
        pid = host.running()
        host.write(PID_FILE, "1\n")
        self.assertEqual(host.exit_status("status"), STARTED)
        host.run("rm", PID_FILE)
        self.assertEqual(host.exit_status("status"), STARTED)
        host.run("kill", "-KILL", pid)
        wait_for(lambda: host.exit_status("status") == CRASHED, "the crash shows")
        self.assertEqual(host.exit_status("restart"), 0)
        self.assertEqual(host.exit_status("status"), STARTED)

    def test_a_start_without_the_pid_file_makes_no_second_daemon(self):
        host = self.started_host("Interval=1h")
        pid = host.running()
        host.run("rm", PID_FILE)
        self.assertEqual(host.exit_status("start"), 0)
        self.assertEqual(host.processes(), [pid])
        # OpenRC forgets what it has started.
        host.service("zap")
        result = host.service("start", check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assert_says(result, f"lready running with pid {pid}")
        self.assertEqual((host.processes(), host.running()), ([pid], pid))
        self.assertEqual(host.beats(), ["heartbeat 1"])


class Service045(Service, Own, unittest.TestCase):
    kind = "openrc-0.45"

    def test_the_installation_finds_openrc_by_itself(self):
        host = self.enterContext(Host(installed(self.kind)))
        self.assertEqual((host.stat(SCRIPT), host.stat(OPTIONS)), ("755 root:root", "644 root:root"))
        self.assertEqual(host.read(SCRIPT).splitlines()[0], "#!/sbin/openrc-run")
        self.assertIn("supervise-daemon", host.read(OPTIONS))
        self.assertIn("reload: ", host.service("describe").stdout)

    def test_it_comes_after_file_systems_log_and_clock(self):
        host = self.enterContext(Host(installed(self.kind)))
        self.assertEqual(host.run("rc-service", "heartbeatd", "ineed").stdout.split(), [])
        text = host.read(SCRIPT)
        self.assertRegex(text, r"depend\(\) \{\n +use localmount logger clock\n +after localmount bootmisc\n")

    def test_restart_makes_a_log_directory_that_was_removed(self):
        host = self.started_host()
        host.run("rm", "-r", "/var/log/heartbeatd")
        self.assertEqual(host.exit_status("restart"), 0)
        host.wait_for_beats(1)

    def test_a_log_directory_elsewhere_is_the_administrators(self):
        host = self.host()
        host.run("sh", "-c", "mkdir /srv/log && ln -s /srv/log /var/log/heartbeatd")
        self.assertEqual(host.exit_status("start"), FAILED)
        host.run("chown", "heartbeatd:", "/srv/log")
        host.service("start")
        wait_for(lambda: (host.files / "srv/log/heartbeat.log").exists(), "beats in the other place")

    def test_its_words_can_be_rotated_by_copying(self):
        host = self.started_host()
        flags = re.search(r"flags:\t(\d+)", host.read(f"/proc/{host.running()}/fdinfo/2"))[1]
        self.assertTrue(int(flags, 8) & os.O_APPEND)

    def test_its_own_words_go_to_a_file_beside_the_beats(self):
        host = self.started_host("Interval=200ms")
        host.service("reload")
        wait_for(lambda: host.read(WORDS) == "heartbeatd: reloaded\n", "the daemon's words")
        self.assertEqual(host.stat(WORDS).split()[1], "heartbeatd:heartbeatd")
        host.wait_for_beats(len(host.beats()) + 1)
        self.assertEqual(host.read(WORDS), "heartbeatd: reloaded\n")

    def test_a_start_does_not_wait_for_the_first_beat(self):
        host = self.host()
        host.delay_the_first_beat()
        host.service("start")
        self.assertEqual((host.beats(), host.exit_status("status")), ([], STARTED))
        host.let_beat()
        host.wait_for_beats(1)
        self.assertEqual(host.arguments(host.running()), ["/usr/lib/heartbeatd"])


class Service064(Service, unittest.TestCase):
    kind = "openrc-0.64"

    def test_a_start_waits_for_the_first_beat(self):
        host = self.host("Interval=1h")
        host.delay_the_first_beat()
        start = subprocess.Popen(host.enter("rc-service", "heartbeatd", "start"), env=ENVIRONMENT,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for((host.files / "run/supervise-heartbeatd.pid").exists, "the supervisor runs")
        holds(lambda: start.poll() is None, "the start waits", 2)
        self.assertEqual(host.beats(), [])
        host.let_beat()
        self.assertEqual(start.wait(timeout=20), 0)
        self.assertEqual((host.beats(), host.exit_status("status")), (["heartbeat 1"], STARTED))
        self.assertEqual(host.arguments(host.running()), ["/usr/lib/heartbeatd", "--ready-fd=3"])


class Forked045(Forked, Own, unittest.TestCase):
    kind = "openrc-0.45"

    def test_a_reload_refuses_what_a_daemon_that_forked_cannot_do(self):
        host = self.started_host("Interval=1h")
        host.configure("Output=stdout")
        result = host.service("reload", check=False)
        self.assertEqual(result.returncode, BAD_CONFIGURATION)
        self.assert_says(result, 'Output: "stdout"')


class Forked064(Forked, unittest.TestCase):
    kind = "openrc-0.64"
