# SPDX-License-Identifier: MIT
"""The shipped unit under a real systemd: from `systemctl enable --now` to a power cut. Restarts and reloads are the
oldest's and the newest's: what holds with both holds with those between them."""

import os
import time

from host import BEAT, DAEMON, LOG, UNIT, Systemd247, Systemd252, Systemd257
from machine import holds, wait_for

UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"  # SD_MESSAGE_UNIT_FAILURE_RESULT
QUICK = "Interval=200ms"
TUTORIAL = (DAEMON, "--fork", "--output=/tmp/dameon.log", "--format=plain", "--message=I am Dameon")


class Beats:
    def test_enabled_and_started_it_beats_every_10_seconds(self):
        host = self.host()
        host.systemctl("enable", "--now", "heartbeatd")
        beats = host.wait_for_beats(3, seconds=40)[:3]  # of a host that looks late there may be more

        self.assertEqual(host.systemctl("is-enabled", "heartbeatd").stdout.strip(), "enabled")
        self.assertEqual([beat["HEARTBEAT_SEQ"] for beat in beats], ["1", "2", "3"])
        due = [int(beat["HEARTBEAT_DUE_USEC"]) for beat in beats]
        self.assertEqual([due[1] - due[0], due[2] - due[1]], [10_000_000, 10_000_000])
        text = host.run("journalctl", "-u", "heartbeatd").stdout
        for number in (1, 2, 3):
            self.assertRegex(text, rf" heartbeatd\[{host.main_pid()}\]: heartbeat {number}\n")

    def test_a_beat_has_all_its_fields(self):
        host = self.started_host()
        beat = host.beats()[0]
        expected = {
            "MESSAGE": "heartbeat 1", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "heartbeatd", "MESSAGE_ID": BEAT,
            "HEARTBEAT_SEQ": "1", "HEARTBEAT_MISSED": "0", "HEARTBEAT_INTERVAL_USEC": "10000000",
            "_TRANSPORT": "journal", "_SYSTEMD_UNIT": UNIT, "_PID": host.main_pid(),
        }
        self.assertEqual({name: beat.get(name) for name in expected}, expected)
        self.assertRegex(beat["HEARTBEAT_LATE_USEC"], r"^\d+$")
        # Both are instants of CLOCK_BOOTTIME; the journal's is CLOCK_MONOTONIC, the same without a suspend.
        made = int(beat["HEARTBEAT_DUE_USEC"]) + int(beat["HEARTBEAT_LATE_USEC"])
        asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
        self.assertAlmostEqual(made, int(beat["__MONOTONIC_TIMESTAMP"]) + asleep * 1e6, delta=1_000_000)

    def test_the_catalog_explains_a_beat(self):
        host = self.started_host()
        text = host.run("journalctl", "--catalog", f"MESSAGE_ID={BEAT}").stdout
        self.assertIn(" Subject: A heartbeat\n", text)
        self.assertIn("This is beat number 1 ", text)


class Beats247(Beats, Systemd247):
    pass


class Beats252(Beats, Systemd252):
    pass


class Beats257(Beats, Systemd257):
    pass


class Stop:
    def test_stop_is_clean_and_quick(self):
        host = self.started_host()
        before = time.monotonic()
        host.systemctl("stop", "heartbeatd")
        self.assertLess(time.monotonic() - before, 2)
        self.assertEqual(host.shows("ActiveState", "Result", "ExecMainStatus", "NRestarts"),
                         ("inactive", "success", "0", "0"))
        self.assertEqual(host.show("ExecMainCode"), str(os.CLD_EXITED), "it was not killed")

    def test_running_names_the_main_process(self):
        host = self.started_host()
        running = host.run(DAEMON, "--running")
        self.assertEqual(running.stdout, host.main_pid() + "\n")
        host.systemctl("stop", "heartbeatd")
        stopped = host.run(DAEMON, "--running", check=False)
        self.assertEqual((stopped.returncode, stopped.stdout), (3, ""))

    def test_a_second_daemon_is_refused_and_disturbs_nothing(self):
        host = self.started_host(QUICK)
        pid = host.main_pid()
        second = host.run(DAEMON, "--output=stdout", check=False)
        self.assertEqual((second.returncode, second.stdout), (150, ""))
        self.assertEqual(second.stderr,
                         f"heartbeatd: already running with pid {pid} (lock /var/lib/heartbeatd/lock)\n")

        beats = host.wait_for_beats(len(host.beats()) + 3)
        self.assertEqual({beat["_PID"] for beat in beats}, {pid})
        self.assert_consecutive([int(beat["HEARTBEAT_SEQ"]) for beat in beats])
        self.assertEqual(host.shows("MainPID", "NRestarts"), (pid, "0"))


class Stop247(Stop, Systemd247):
    pass


class Stop252(Stop, Systemd252):
    pass


class Stop257(Stop, Systemd257):
    pass


class Restart:
    def wait_for_second_run(self, host, first_pid):
        def other_process():
            pid, state = host.shows("MainPID", "ActiveState")
            return state == "active" and pid != first_pid
        wait_for(other_process, "another process runs", 30)
        self.assertEqual(host.show("NRestarts"), "1")
        beats = host.wait_for_beats(1, f"_PID={host.main_pid()}")
        self.assertEqual(beats[0]["HEARTBEAT_SEQ"], "1")

    def results(self, host):
        """Each Result= with which the unit has failed, from systemd's own messages about it."""
        return [entry["UNIT_RESULT"] for entry in host.journal(f"UNIT={UNIT}", f"MESSAGE_ID={UNIT_FAILED}")]

    def test_hung_it_is_killed_by_the_watchdog_and_restarted(self):
        host = self.started_host(QUICK, drop_in=("WatchdogSec=2s", "RestartSec=100ms"))
        pid = host.main_pid()
        host.signal("SIGSTOP")
        self.wait_for_second_run(host, pid)
        self.assertEqual(self.results(host), ["watchdog"])

    def test_killed_it_is_restarted(self):
        host = self.started_host(QUICK, drop_in=("RestartSec=100ms",))
        pid = host.main_pid()
        host.signal("SIGKILL")
        self.wait_for_second_run(host, pid)
        self.assertEqual(self.results(host), ["signal"])

    def test_ended_by_a_reload_that_came_before_it_was_there_it_is_started_again(self):
        """Type=simple may be reloaded as soon as there is a process, which ends by a SIGHUP until it is our program."""
        host = self.host()
        host.configure("Interval=100ms")
        early = "test -e $LOGS_DIRECTORY/early || { : >$LOGS_DIRECTORY/early; kill -HUP $$$$; }"
        host.drop_in("RestartSec=100ms", "NoExecPaths=", "SystemCallFilter=", "ExecStart=",
                     f"ExecStart=/bin/sh -c '{early}; exec {DAEMON}'")
        host.systemctl("start", "heartbeatd")
        wait_for(lambda: host.shows("ActiveState", "NRestarts") == ("active", "1"), "it is started again", 30)
        host.wait_for_beats(1)

    def test_a_bad_configuration_fails_the_start_once_and_says_why(self):
        host = self.host()
        host.configure("Interval=5ms")
        host.drop_in("RestartSec=500ms")
        started = host.systemctl("start", "heartbeatd", check=False)
        self.assertNotEqual(started.returncode, 0)
        self.assertIn('/etc/heartbeatd.conf.d/test.conf:2: Interval: "5ms": expected a time span',
                      host.systemctl("status", "heartbeatd", check=False).stdout)
        holds(lambda: host.shows("ActiveState", "NRestarts") == ("failed", "0"),
              "the refused start is not repeated", 3 * 0.5)
        self.assertEqual(host.beats(), [])

    def test_an_output_that_cannot_be_opened_is_not_tried_for_ever(self):
        """By the daemon itself, had the check before its start not seen it."""
        host = self.host()
        host.configure("Output=/no/such/directory/beats")
        host.drop_in("RestartSec=500ms", "ExecStartPre=")
        host.systemctl("start", "heartbeatd", check=False)
        wait_for(lambda: "/no/such/directory/beats" in host.messages(), "the reason in the journal")
        holds(lambda: host.show("NRestarts") == "0", "the refused start is not repeated", 3 * 0.5)
        self.assertEqual(host.show("ActiveState"), "failed")

    def test_an_impossible_output_fails_the_start_of_a_notify_service_with_the_reason(self):
        host = self.host()
        host.configure("Output=/no/such/directory/beats")
        host.drop_in("Type=notify", "Restart=no", "ExecStartPre=")
        self.assertNotEqual(host.systemctl("start", "heartbeatd", check=False).returncode, 0)
        self.assertEqual(host.show("StatusErrno"), "2", "ENOENT")
        self.assertIn("/no/such/directory/beats", host.show("StatusText"))
        self.assertIn("/no/such/directory/beats",
                      host.systemctl("status", "heartbeatd", check=False).stdout)


class Restart247(Restart, Systemd247):
    pass


class Restart257(Restart, Systemd257):
    pass


class Reload:
    def test_a_good_configuration_is_taken_up_by_the_same_process(self):
        host = self.started_host(QUICK)
        pid = host.main_pid()
        host.wait_for_beats(3)
        host.configure("Interval=300ms")
        host.systemctl("reload", "heartbeatd")
        host.wait_for_beats(3, "HEARTBEAT_INTERVAL_USEC=300000")

        beats = host.beats()
        self.assertEqual({beat["_PID"] for beat in beats}, {pid})
        self.assertEqual(host.main_pid(), pid)
        self.assert_consecutive([int(beat["HEARTBEAT_SEQ"]) for beat in beats])
        self.assert_on_grid(beats)

    def assert_on_grid(self, beats):
        """Each beat is due one of its intervals after the one before it, plus what a slow host missed."""
        for before, beat in zip(beats, beats[1:]):
            interval = int(beat["HEARTBEAT_INTERVAL_USEC"])
            steps = 1 + int(beat["HEARTBEAT_MISSED"])
            due = int(beat["HEARTBEAT_DUE_USEC"]) - int(before["HEARTBEAT_DUE_USEC"])
            self.assertEqual(due, steps * interval)

    def test_a_bad_configuration_fails_the_reload_and_the_old_one_stays(self):
        host = self.started_host(QUICK)
        host.configure("Interval=soon")
        self.assertNotEqual(host.systemctl("reload", "heartbeatd", check=False).returncode, 0)

        self.assertIn('/etc/heartbeatd.conf.d/test.conf:2: Interval: "soon"', host.messages())
        beats = host.wait_for_beats(len(host.beats()) + 3)
        self.assertEqual({beat["HEARTBEAT_INTERVAL_USEC"] for beat in beats}, {"200000"})
        self.assert_consecutive([int(beat["HEARTBEAT_SEQ"]) for beat in beats])
        self.assertEqual(host.shows("ActiveState", "NRestarts"), ("active", "0"))

    def test_an_output_that_cannot_be_fails_the_reload(self):
        host = self.started_host(QUICK)
        host.configure("Output=/nowhere/beats")
        self.assertNotEqual(host.systemctl("reload", "heartbeatd", check=False).returncode, 0)
        self.assertIn("output /nowhere/beats: No such file or directory", host.messages())
        host.wait_for_beats(len(host.beats()) + 2)

    def test_a_bad_configuration_and_a_bare_sighup_leave_the_old_one_too(self):
        host = self.started_host(QUICK)
        host.configure("Interval=soon")
        host.signal("SIGHUP")
        wait_for(lambda: 'Interval: "soon"' in host.messages(), "the daemon says why it did not reload")
        host.wait_for_beats(len(host.beats()) + 3, "HEARTBEAT_INTERVAL_USEC=200000")


class Reload247(Reload, Systemd247):
    pass


class Reload257(Reload, Systemd257):
    pass


class Reboot:
    """Boot ids and clocks are those of a real reboot here."""

    def assert_back_by_itself(self, host):
        beat = host.wait_for_beats(1)[0]
        self.assertEqual(beat["HEARTBEAT_SEQ"], "1")
        self.assertEqual(host.show("ActiveState"), "active")
        boots = {entry["_BOOT_ID"] for entry in host.journal(f"UNIT={UNIT}", "_PID=1", boot=None)}
        self.assertEqual(len(boots), 2)
        self.assertLess(int(beat["HEARTBEAT_DUE_USEC"]), 60_000_000, "the boot-time clock began anew")

    def test_it_is_back_by_itself_after_an_orderly_reboot(self):
        host = self.started_host(keep=True, fake_boot=True)
        host.reboot()
        self.assert_back_by_itself(host)

    def test_it_is_back_by_itself_after_a_power_cut(self):
        host = self.started_host(keep=True, fake_boot=True)
        host.power_cut()
        host.boot()
        self.assert_back_by_itself(host)


class Reboot247(Reboot, Systemd247):
    pass


class Reboot252(Reboot, Systemd252):
    pass


class Reboot257(Reboot, Systemd257):
    pass


class Files:
    def numbers(self, text):
        """The beat numbers in lines of the full format; fails on a torn or glued line."""
        lines = text.splitlines(keepends=True)
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z heartbeat \d+\n$")
        return [int(line.split()[-1]) for line in lines]

    def file_host(self, *configuration):
        host = self.host()
        host.configure(f"Output={LOG}", *configuration)
        host.systemctl("start", "heartbeatd")
        host.wait_for_lines(3)
        return host

    def test_rotation_by_logrotate_loses_no_beat(self):
        host = self.file_host(QUICK)
        for _ in range(2):
            host.run("logrotate", "--force", "/etc/logrotate.d/heartbeatd")
            host.wait_for_lines(3)
        host.systemctl("stop", "heartbeatd")

        directory = host.files / "var/log/heartbeatd"
        self.assertEqual(sorted(path.name for path in directory.iterdir()),
                         ["heartbeat.log", "heartbeat.log.1", "heartbeat.log.2"])
        numbers = self.numbers(host.read(LOG + ".2") + host.read(LOG + ".1") + host.read(LOG))
        self.assertEqual(numbers[0], 1)
        self.assert_consecutive(numbers)

    def test_the_log_is_for_its_group_and_adm(self):
        host = self.file_host(QUICK)
        owner = host.run("stat", "--format=%U %G", LOG).stdout
        self.assertEqual(owner, "heartbeatd heartbeatd\n")
        for group in ("heartbeatd", "adm"):
            host.run_as("nobody", group, "cat", LOG)
        self.assertNotEqual(host.run_as("nobody", "nogroup", "cat", LOG, check=False).returncode, 0)

    def test_an_output_elsewhere_takes_a_drop_in_as_the_refusal_says(self):
        host = self.host()
        host.run("install", "--directory", "--owner=heartbeatd", "/srv/beats")
        host.configure("Output=/srv/beats/log")
        host.systemctl("start", "heartbeatd", check=False)
        wait_for(lambda: "ReadWritePaths=" in host.messages(), "the refusal names the directive")
        self.assertIn("/srv/beats/log", host.messages())

        host.drop_in("ReadWritePaths=/srv/beats")
        host.systemctl("restart", "heartbeatd")
        wait_for(lambda: (host.files / "srv/beats/log").exists()
                 and self.numbers(host.read("/srv/beats/log")) == [1], "a beat in the file")

    def test_a_stopped_journald_does_not_stop_the_beats_in_a_file(self):
        # 10 ms, so that the journal's queue of 512 datagrams is full after five seconds.
        host = self.file_host("Output=journal", "Interval=10ms")
        journald = host.show("MainPID", "systemd-journald.service")
        lines = len(host.read(LOG).splitlines())  # such an interval has its gaps where others are busy
        host.run("kill", "-STOP", journald)
        host.wait_for_lines(lines + 700, seconds=60)
        host.run("kill", "-CONT", journald)
        before = host.beats()[-1]["HEARTBEAT_SEQ"]
        wait_for(lambda: host.beats()[-1]["HEARTBEAT_SEQ"] != before, "the journal takes beats again")
        self.assertEqual(host.show("NRestarts"), "0")


class Files247(Files, Systemd247):
    pass


class Files252(Files, Systemd252):
    pass


class Files257(Files, Systemd257):
    pass


class Tutorial:
    """The tutorial's program, started by hand next to no service at all."""

    def test_the_forked_daemon_is_a_child_of_pid_1_and_is_stopped_by_name(self):
        host = self.host()
        started = host.run(*TUTORIAL)
        self.assertEqual((started.stdout, started.stderr), ("", ""))
        pid = host.run(DAEMON, "--running").stdout.strip()
        parent, session, terminal = host.run("ps", "-o", "ppid=,sess=,tty=", "-p", pid).stdout.split()
        self.assertEqual((parent, terminal), ("1", "?"))
        self.assertNotEqual(session, pid, "a session leader could acquire a terminal")
        self.assertEqual(host.read("/tmp/dameon.log"), "I am Dameon\n")
        self.assertEqual(host.read("/run/heartbeatd.pid"), pid + "\n")

        host.run(DAEMON, "--stop")
        self.assertFalse((host.files / "run/heartbeatd.pid").exists())
        self.assertEqual(host.run(DAEMON, "--running", check=False).returncode, 3)
        self.assertEqual(host.run("ps", "-p", pid, check=False).returncode, 1)


class Tutorial247(Tutorial, Systemd247):
    pass


class Tutorial252(Tutorial, Systemd252):
    pass


class Tutorial257(Tutorial, Systemd257):
    pass
