# SPDX-License-Identifier: MIT
"""Every Type= that a unit may give heartbeatd, its readiness and its watchdog as the oldest and the newest systemd see
them: what holds with both holds with those between them."""

import re

from host import DAEMON, STATUS, UNIT, Systemd247, Systemd257
from install import INSIDE
from machine import wait_for

WATCHDOG = "WatchdogSec=2s"
QUICK = "Interval=200ms"
PERIODS = 3 * 2  # seconds: three times the watchdog's

FORKING = """[Service]
Type=forking
User=heartbeatd
PIDFile=/run/heartbeatd/pid
RuntimeDirectory=heartbeatd
StateDirectory=heartbeatd
ExecStart={daemon} --fork --pid-file=/run/heartbeatd/pid --output=journal
Restart=on-abnormal
{watchdog}
"""

FORKING_AS_ROOT = """[Service]
Type=forking
PIDFile=/run/heartbeatd.pid
ExecStart={daemon} --fork --user=heartbeatd --output=journal
Restart=on-abnormal
{watchdog}
"""


class Foreground:
    """The shipped unit with another Type=."""

    def typed_host(self, kind, *drop_in):
        host = self.host()
        host.configure(QUICK)
        host.drop_in(f"Type={kind}", WATCHDOG, *drop_in)
        host.systemctl("start", "heartbeatd")
        self.assertEqual(host.show("Type"), kind)
        self.assertEqual(host.show("ActiveState"), "active")
        return host

    def assert_fed(self, host, unit=UNIT):
        """The watchdog is on, is being fed, and has nothing to complain of."""
        self.assertEqual(host.show("WatchdogUSec", unit), "2s")
        before = host.show("WatchdogTimestampMonotonic", unit)
        wait_for(lambda: host.show("WatchdogTimestampMonotonic", unit) != before, "the watchdog is fed")

    def assert_beats_under_watchdog(self, host):
        host.wait_for_beats(3)
        self.assert_fed(host)
        self.assert_never_restarted(host, PERIODS)
        self.assertRegex(host.show("StatusText"), STATUS)
        self.assertGreaterEqual(len(host.beats()), PERIODS)

    def assert_ready_means_beaten(self, host):
        """To be called at once after `systemctl start`: the first beat is older than READY=1."""
        self.assertGreaterEqual(len(host.beats()), 1)
        self.assertRegex(host.show("StatusText"), STATUS)

    def test_simple(self):
        self.assert_beats_under_watchdog(self.typed_host("simple"))

    def test_exec(self):
        self.assert_beats_under_watchdog(self.typed_host("exec"))

    def test_notify(self):
        host = self.typed_host("notify")
        self.assert_ready_means_beaten(host)
        self.assert_beats_under_watchdog(host)

    def test_simple_without_a_watchdog_has_no_notify_socket_and_beats(self):
        host = self.started_host(QUICK, drop_in=("Type=simple", "WatchdogSec=0", "NotifyAccess=none"))
        host.wait_for_beats(3)
        self.assertEqual(host.show("StatusText"), "")
        self.assertEqual(host.show("NRestarts"), "0")

    def test_a_watchdog_shorter_than_the_interval_is_fed_in_between(self):
        host = self.started_host("Interval=10s", drop_in=(WATCHDOG,))
        self.assert_fed(host)
        self.assert_never_restarted(host, PERIODS)
        self.assertEqual(len(host.beats()), 1)

    def test_status_counts_the_beats(self):
        host = self.typed_host("notify")
        def count():
            return int(host.show("StatusText").split()[0])
        wait_for(lambda: count() >= 5, "the status names five beats")
        self.assertLessEqual(count(), int(host.beats()[-1]["HEARTBEAT_SEQ"]) + 1)

    def test_a_notify_service_reloads(self):
        host = self.typed_host("notify")
        pid = host.main_pid()
        host.configure("Interval=300ms")
        host.systemctl("reload", "heartbeatd")
        host.wait_for_beats(3, "HEARTBEAT_INTERVAL_USEC=300000")
        self.assertEqual(host.main_pid(), pid)
        self.assert_beats_under_watchdog(host)

    def built_host(self, kind):
        """A host where the project has been built anew for a Type=."""
        host = self.host()
        for command in (f"meson configure build -Dservice-type={kind}", "meson install -C build"):
            host.run("sh", "-c", f"cd {INSIDE} && {command}")
        self.assert_verifies(host, UNIT)
        host.configure(QUICK)
        host.systemctl("start", "heartbeatd")
        self.assertEqual(host.show("Type"), kind)
        self.assert_ready_means_beaten(host)
        return host

    def assert_reloads(self, host):
        host.configure("Interval=300ms")
        host.systemctl("reload", "heartbeatd")
        host.wait_for_beats(3, "HEARTBEAT_INTERVAL_USEC=300000")
        self.assertEqual(host.shows("ActiveState", "NRestarts"), ("active", "0"))

    def test_a_build_without_libsystemd_beats_and_is_not_killed_for_its_silence(self):
        host = self.host()
        for command in ("meson configure build -Dlibsystemd=disabled", "meson install -C build"):
            host.run("sh", "-c", f"cd {INSIDE} && {command}")
        self.assert_verifies(host, UNIT)
        host.configure(QUICK)
        host.systemctl("start", "heartbeatd")
        wait_for(lambda: len(re.findall(r"Z heartbeat \d+\n", host.messages())) >= 3, "beats as lines")
        self.assertEqual(host.shows("WatchdogUSec", "NRestarts", "ActiveState"), ("0", "0", "active"))

    def test_a_build_for_notify(self):
        self.assert_reloads(self.built_host("notify"))


class Foreground247(Foreground, Systemd247):
    pass


class Foreground257(Foreground, Systemd257):

    NOTIFY_RELOAD = ("notify-reload", "ExecReload=")

    def test_notify_reload(self):
        host = self.typed_host(*self.NOTIFY_RELOAD)
        self.assert_ready_means_beaten(host)
        self.assert_beats_under_watchdog(host)

    def test_notify_reload_waits_for_the_new_configuration(self):
        host = self.typed_host(*self.NOTIFY_RELOAD)
        pid = host.main_pid()
        host.configure("Interval=300ms")
        host.systemctl("reload", "heartbeatd")
        self.assertEqual(host.show("ActiveState"), "active", "no longer reloading")
        host.wait_for_beats(3, "HEARTBEAT_INTERVAL_USEC=300000")
        self.assertEqual(host.main_pid(), pid)
        self.assert_never_restarted(host, PERIODS)

    def test_a_build_for_notify_reload(self):
        host = self.built_host("notify-reload")
        self.assertEqual(host.show("ExecReload"), "", "systemd itself sends SIGHUP: it would be two reloads")
        self.assert_reloads(host)

    def test_notify_reload_of_a_bad_configuration_ends_and_the_old_one_stays(self):
        host = self.typed_host(*self.NOTIFY_RELOAD)
        host.configure("Interval=soon")
        host.systemctl("reload", "heartbeatd", check=False)
        self.assertIn('Interval: "soon"', host.messages())
        beats = host.wait_for_beats(len(host.beats()) + 3)
        self.assertEqual({beat["HEARTBEAT_INTERVAL_USEC"] for beat in beats}, {"200000"})
        self.assertEqual(host.show("ActiveState"), "active")


class Forking:
    """--fork under a unit of its own: the shipped one forbids fork(2)."""

    UNIT = "forking.service"

    def forking_host(self, text):
        host = self.host()
        host.configure(QUICK)
        host.write(f"/etc/systemd/system/{self.UNIT}", text.format(daemon=DAEMON, watchdog=WATCHDOG))
        host.systemctl("daemon-reload")
        host.systemctl("start", self.UNIT)
        return host

    def assert_forked_and_fed(self, host, pid_file):
        """To be called at once after the start: that returns when the first beat has been made."""
        self.assertGreaterEqual(len(host.beats()), 1)
        pid = host.show("MainPID", self.UNIT)
        self.assertEqual(host.read(pid_file), pid + "\n")
        self.assertEqual(host.run("ps", "-o", "ppid=,user=", "-p", pid).stdout.split(), ["1", "heartbeatd"])

        wait_for(lambda: host.show("StatusText", self.UNIT), "the daemon's own status")
        self.assertRegex(host.show("StatusText", self.UNIT), STATUS)
        before = host.show("WatchdogTimestampMonotonic", self.UNIT)
        beats = host.wait_for_beats(len(host.beats()) + PERIODS * 5, seconds=40)
        self.assertNotEqual(host.show("WatchdogTimestampMonotonic", self.UNIT), before)
        self.assertEqual({beat["_PID"] for beat in beats}, {pid})
        self.assertEqual(host.shows("ActiveState", "NRestarts", unit=self.UNIT), ("active", "0"))

    def assert_stops(self, host):
        host.systemctl("stop", self.UNIT)
        self.assertEqual(host.shows("Result", "ExecMainStatus", unit=self.UNIT), ("success", "0"))

    def test_forking(self):
        host = self.forking_host(FORKING)
        self.assert_forked_and_fed(host, "/run/heartbeatd/pid")
        self.assert_stops(host)

    def test_forking_as_root_that_drops_its_privileges(self):
        host = self.forking_host(FORKING_AS_ROOT)
        self.assert_forked_and_fed(host, "/run/heartbeatd.pid")
        self.assert_stops(host)
        self.assertFalse((host.files / "run/heartbeatd.pid").exists())

    def test_a_hung_forked_daemon_is_killed_by_the_watchdog(self):
        host = self.forking_host(FORKING)
        pid = host.show("MainPID", self.UNIT)
        host.run("kill", "-STOP", pid)
        def restarted():
            restarts, main_pid = host.shows("NRestarts", "MainPID", unit=self.UNIT)
            return restarts == "1" and main_pid not in ("0", pid)
        wait_for(restarted, "another process runs", 30)

    def test_a_failed_start_is_reported_with_its_reason(self):
        host = self.host()
        host.configure("Interval=5ms")
        host.write(f"/etc/systemd/system/{self.UNIT}", FORKING.format(daemon=DAEMON, watchdog=WATCHDOG))
        host.systemctl("daemon-reload")
        self.assertNotEqual(host.systemctl("start", self.UNIT, check=False).returncode, 0)
        self.assertIn("code=exited ; status=6", host.show("ExecStart", self.UNIT))
        self.assertIn('Interval: "5ms": expected', host.messages(self.UNIT))


class Forking247(Forking, Systemd247):
    pass


class Forking257(Forking, Systemd257):
    pass
