# SPDX-License-Identifier: MIT
"""The init script under a real sysvinit as PID 1: links, boot, verbs, logout, shutdown, power cut."""

import re
import unittest

from host import DAEMON, LOG, Installed
from install import INSIDE, installed
from machine import SysVInit, holds, wait_for
from terminal import Terminal

SCRIPT = "/etc/init.d/heartbeatd"
QUICK = "Interval=200ms"
# A program that traces the process it is told, and holds it at the first signal: only SIGKILL ends that one.
TRACER = """import ctypes, os, sys, time
PTRACE_ATTACH = 16
pid = int(sys.argv[1])
ctypes.CDLL(None).ptrace(PTRACE_ATTACH, pid, None, None)
os.waitpid(pid, 0)
time.sleep(60)
"""


class SysVHost(Installed, SysVInit):
    """A machine with sysvinit."""

    def service(self, verb, status=0):
        """Runs service(8) with a verb; returns what it printed on both outputs."""
        result = self.run("service", "heartbeatd", verb, check=False)
        if result.returncode != status:
            raise AssertionError(f"{verb}: exit status {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout + result.stderr


class SysVCase(unittest.TestCase):
    time_limit = 240

    def host(self, *configuration, **options):
        host = self.enterContext(SysVHost(installed("sysvinit"), **options))
        if configuration:
            host.configure(*configuration)
        return host

    def started_host(self, *configuration, **options):
        host = self.host(*configuration, **options)
        self.assertEqual(host.service("start"), "")
        return host

    def owners(self, host, *paths):
        return host.run("stat", "--format=%U", *paths).stdout.split()

    def parent(self, host, pid):
        return host.run("ps", "-o", "ppid=", "-p", pid).stdout.strip()


class Installation(SysVCase):
    def test_the_script_and_its_options_file_are_where_they_belong(self):
        host = self.host()
        self.assertEqual(host.run("stat", "--format=%A %U", SCRIPT).stdout, "-rwxr-xr-x root\n")
        self.assertRegex(host.read("/etc/default/heartbeatd"), r"(?m)^#DAEMON_OPTS=")

    def test_a_second_installation_leaves_the_options_alone(self):
        host = self.host()
        host.write("/etc/default/heartbeatd", "DAEMON_OPTS=--interval=1s\n")
        host.run("meson", "install", "-C", f"{INSIDE}/build")
        self.assertEqual(host.read("/etc/default/heartbeatd"), "DAEMON_OPTS=--interval=1s\n")

    def test_the_header_makes_a_link_in_each_runlevel(self):
        host = self.host()
        host.run("update-rc.d", "heartbeatd", "defaults")
        links = host.run("sh", "-c", "ls -d /etc/rc?.d/*heartbeatd").stdout
        self.assertEqual(re.findall(r"rc(.).d/([SK])\d\d", links),
                         [(level, "S" if level in "2345" else "K") for level in "0123456"])

    def test_the_installed_program_needs_the_c_library_only(self):
        host = self.host()
        self.assertIn("without libsystemd", host.run(DAEMON, "--version").stdout)
        needed = host.run("sh", "-c", f"ldd {DAEMON}").stdout
        self.assertEqual(sorted(re.findall(r"^\s*(\S+?)[.-]", needed, re.MULTILINE)),
                         ["/lib64/ld", "libc", "linux"])


class Boot(SysVCase):
    def enabled_host(self, *configuration, **options):
        host = self.host(*configuration, keep=True, fake_boot=True, **options)
        host.run("update-rc.d", "heartbeatd", "defaults")
        return host

    def assert_is_up(self, host):
        self.assertEqual(host.run("runlevel").stdout, "N 2\n")
        pid = host.running()
        self.assertEqual(self.parent(host, pid), "1")
        self.assertEqual(host.run("ps", "-o", "user=", "-p", pid).stdout, "heartbeatd\n")
        self.assertEqual(host.read("/run/heartbeatd.pid"), f"{pid}\n")
        return pid

    def test_it_beats_after_a_boot_into_runlevel_2(self):
        host = self.enabled_host()
        host.reboot()
        self.assert_is_up(host)
        lines = host.wait_for_lines(2)
        for number, line in enumerate(lines, 1):
            self.assertRegex(line, rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z heartbeat {number}$")
        self.assertEqual(host.run("stat", "--format=%a %U", LOG).stdout, "640 heartbeatd\n")

    def test_shutdown_stops_it_by_the_script_before_all_processes_are_ended(self):
        host = self.enabled_host(QUICK)
        host.service("start")
        # What ends every process that is left says first whether the daemon is among them.
        host.run("sed", "-i", f"2i {DAEMON} --running >/var/log/at-sendsigs; echo $? >>/var/log/at-sendsigs",
                 "/etc/init.d/sendsigs")
        host.shutdown()
        self.assertEqual((host.upper / "var/log/at-sendsigs").read_text(), "3\n")

    def test_it_starts_after_a_power_cut_with_the_stale_pid_file_in_place(self):
        host = self.enabled_host()
        # A /run that survives, as on hosts where it is no tmpfs; and the number belongs to somebody else.
        host.write("/etc/default/heartbeatd", "DAEMON_OPTS=--pid-file=/var/lib/heartbeatd.pid\n")
        host.service("start")
        pid_file = host.read("/var/lib/heartbeatd.pid")
        self.assertEqual(pid_file.strip(), host.running())
        host.power_cut()
        (host.upper / "var/lib/heartbeatd.pid").write_text("1\n")
        host.boot()
        pid = host.running()
        self.assertEqual(host.read("/var/lib/heartbeatd.pid"), f"{pid}\n")
        self.assertNotEqual(pid, "1")
        self.assertEqual(len([line for line in host.lines() if line.endswith(" heartbeat 1")]), 2)


class Verbs(SysVCase):
    def test_start_returns_when_the_first_beat_is_written(self):
        host = self.started_host()
        self.assertEqual(len(host.lines()), 1)

    def test_start_when_it_runs_succeeds_and_leaves_it_alone(self):
        host = self.started_host()
        pid = host.running()
        self.assertIn(f"already running with pid {pid}", host.service("start"))
        self.assertEqual(host.running(), pid)

    def test_start_makes_the_system_user(self):
        host = self.host()
        self.assertNotIn("heartbeatd:", host.read("/etc/passwd"))
        host.service("start")
        user = host.run("getent", "passwd", "heartbeatd").stdout.strip().split(":")
        self.assertEqual(user[5:], ["/", "/usr/sbin/nologin"])
        self.assertLess(int(user[2]), 1000)

    def test_start_says_how_when_it_cannot_make_the_user(self):
        host = self.host()
        host.run("rm", "/usr/sbin/useradd")
        self.assertRegex(host.service("start", 6),
                         r'no user "heartbeatd"; make it, or .*DAEMON_USER= in /etc/default/heartbeatd')
        self.assertIsNone(host.running())

    def test_start_takes_over_what_root_left(self):
        host = self.host()
        host.run(DAEMON, "--fork")
        host.run(DAEMON, "--stop")
        host.service("start")
        self.assertEqual(self.owners(host, LOG, "/var/lib/heartbeatd/lock"), ["heartbeatd"] * 2)

    def test_start_leaves_what_a_running_daemon_of_root_uses(self):
        host = self.host()
        host.run(DAEMON, "--fork")
        self.assertIn("already running", host.service("start"))
        self.assertEqual(self.owners(host, LOG, "/var/lib/heartbeatd", "/var/log/heartbeatd"), ["root"] * 3)

    def test_a_directory_elsewhere_is_left_to_the_administrator(self):
        host = self.host()
        host.run("sh", "-c", "mkdir /srv/log && ln -s /srv/log /var/log/heartbeatd")
        self.assertIn("Permission denied", host.service("start", 4))
        self.assertEqual(self.owners(host, "/var/log/heartbeatd", "/srv/log"), ["root"] * 2)
        host.run("chown", "heartbeatd:", "/srv/log")
        host.service("start")
        self.assertTrue((host.files / "srv/log/heartbeat.log").exists())

    def test_the_callers_environment_and_directory_make_no_difference(self):
        host = self.host()
        host.write("/etc/default/heartbeatd", "DAEMON_USER=\nDAEMON_OPTS=--output=./run/beats\n")
        places = ("env", "--chdir=/tmp", "STATE_DIRECTORY=/tmp", "LOGS_DIRECTORY=/tmp",
                  "NOTIFY_SOCKET=/tmp/x")
        self.assertEqual(host.run(*places, SCRIPT, "start").stderr, "")
        self.assertIn("is running", host.service("status"))
        self.assertTrue((host.files / "run/beats").exists())
        self.assertEqual(list((host.files / "tmp").iterdir()), [])
        host.service("restart")

    def test_what_cannot_be_told_is_not_taken_for_stopped(self):
        host = self.started_host()
        pid = host.running()
        host.configure("StateDir=relative")
        self.assertIn("cannot be told", host.service("status", 4))
        for verb in ("reload", "force-reload", "try-restart"):
            self.assertIn("StateDir", host.service(verb, 6))
        host.configure()
        self.assertEqual(host.running(), pid)

    def test_start_passes_on_why_it_failed(self):
        host = self.host("Interval=5ms")
        self.assertIn('test.conf:2: Interval: "5ms": expected', host.service("start", 6))
        self.assertIn("not running", host.service("status", 3))

    def test_stop_waits_until_it_is_gone_and_succeeds_without_one(self):
        host = self.started_host()
        pid = host.running()
        self.assertEqual(host.service("stop"), "")
        self.assertTrue(host.has_ended(pid))
        self.assertEqual(host.read("/run/heartbeatd.pid"), "", "emptied: it could not be removed any more")
        self.assertEqual(host.service("stop"), "")

    def test_stop_ends_a_stopped_process(self):
        host = self.started_host()
        pid = host.running()
        host.run("kill", "-STOP", pid)
        self.assertEqual(host.service("stop"), "", "by SIGTERM, without a word of killing it")
        self.assertTrue(host.has_ended(pid))

    def test_stop_escalates_where_sigterm_does_not_help(self):
        host = self.started_host()
        pid = host.running()
        host.write("/root/tracer.py", TRACER)
        host.run("sh", "-c", f"python3 /root/tracer.py {pid} >/dev/null 2>&1 &")
        wait_for(lambda: "TracerPid:\t0\n" not in host.read(f"/proc/{pid}/status"), "it is traced")
        self.assertIn(f"pid {pid} did not end within 10 s of SIGTERM; killing it", host.service("stop"))
        self.assertEqual(host.service("status", 3), "heartbeatd is not running\n")

    def test_restart_is_another_process_and_starts_one_where_there_is_none(self):
        host = self.host()
        self.assertEqual(host.service("restart"), "")
        first = host.running()
        self.assertEqual(host.service("restart"), "")
        self.assertNotIn(host.running(), (None, first))

    def test_restart_and_reload_with_a_bad_configuration_leave_it_as_it_is(self):
        host = self.started_host(QUICK)
        pid = host.running()
        host.configure("Interval=soon")
        for verb in ("restart", "try-restart", "reload", "force-reload"):
            self.assertIn('test.conf:2: Interval: "soon"', host.service(verb, 6))
        host.wait_for_lines(len(host.lines()) + 2)
        self.assertEqual(host.running(), pid)

    def test_reload_is_taken_up_by_the_same_process(self):
        host = self.started_host()
        pid = host.running()
        for message, verb in (("quick %n", "reload"), ("again %n", "force-reload")):
            host.configure(QUICK, f"Message={message}")
            self.assertEqual(host.service(verb), "")
            wait_for(lambda: host.lines()[-1].split(" ")[1] == message.split(" ")[0], f"beats after {verb}")
        self.assertEqual(host.running(), pid)

    def test_reload_of_none_is_7_and_the_cautious_verbs_do_nothing(self):
        host = self.host()
        host.service("reload", 7)
        for verb in ("force-reload", "try-restart"):
            self.assertEqual(host.service(verb), "")
        self.assertIsNone(host.running())

    def test_try_restart_restarts_one_that_runs(self):
        host = self.started_host()
        pid = host.running()
        host.service("try-restart")
        self.assertNotIn(host.running(), (None, pid))

    def test_status_knows_running_dead_and_stopped(self):
        host = self.host()
        self.assertEqual(host.service("status", 3), "heartbeatd is not running\n")
        host.service("start")
        pid = host.running()
        self.assertEqual(host.service("status"), f"heartbeatd is running with pid {pid}\n")
        host.run("kill", "-KILL", pid)
        wait_for(lambda: host.running() is None, "it is dead")
        self.assertIn("pid file", host.service("status", 1))
        host.service("start")
        self.assertIn("is running", host.service("status"))

    def test_what_is_no_verb_is_2_with_the_usage_on_stderr(self):
        host = self.host()
        for arguments in ((), ("frob",), ("",)):
            result = host.run(SCRIPT, *arguments, check=False)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertEqual(result.stderr, f"usage: {SCRIPT} {{start|stop|restart|force-reload|reload|"
                                            "try-restart|status}\n")

    def test_who_is_not_root_gets_4(self):
        host = self.started_host()
        for verb in ("start", "stop", "status"):
            result = host.run_as("nobody", "nogroup", SCRIPT, verb, check=False)
            self.assertEqual((result.returncode, result.stderr), (4, "heartbeatd: only root can do that\n"))
        self.assertIsNotNone(host.running())

    def test_without_the_program_it_does_nothing_and_knows_nothing(self):
        host = self.host()
        host.run("rm", DAEMON)
        for verb in ("start", "stop", "restart", "reload"):
            self.assertEqual(host.service(verb), "")
        self.assertEqual(host.service("status", 4), "")

    def test_options_of_the_defaults_file_win_and_may_be_quoted(self):
        host = self.host(QUICK, "Message=from the file")
        host.write("/etc/default/heartbeatd", "DAEMON_OPTS=\"--message='a  b: %n' --format=plain\"\n")
        host.service("start")
        self.assertEqual(host.wait_for_lines(2)[:2], ["a  b: 1", "a  b: 2"])

    def test_options_may_stand_on_several_lines_and_hold_what_the_script_gives_itself(self):
        host = self.host()
        host.write("/etc/default/heartbeatd", 'DAEMON_OPTS="\n--fork\n--format=plain\n--message=one\n"\n')
        host.service("start")
        self.assertEqual(host.lines(), ["one"])
        for verb in ("status", "reload", "restart", "stop"):
            host.service(verb)
        host.service("status", 3)

    def test_another_state_directory_is_found_by_every_verb(self):
        host = self.host()
        host.run("mkdir", "/srv/state")
        host.write("/etc/default/heartbeatd", "DAEMON_OPTS=--state-dir=/srv/state\nDAEMON_USER=\n")
        host.service("start")
        self.assertEqual(host.run("ps", "-C", "heartbeatd", "-o", "user=").stdout, "root\n")
        self.assertIn("is running", host.service("status"))
        for verb in ("reload", "restart", "stop"):
            host.service(verb)
        host.service("status", 3)


class OneDaemon(SysVCase):
    def test_a_deleted_pid_file_leads_to_no_second_daemon(self):
        host = self.started_host()
        pid = host.running()
        host.run("rm", "/run/heartbeatd.pid")
        self.assertIn(f"already running with pid {pid}", host.service("start"))
        self.assertEqual(host.daemons(), [pid])
        self.assertIn(pid, host.service("status"))
        host.service("stop")
        self.assertEqual(host.daemons(), [])

    def test_a_pid_file_that_names_another_process_gets_nobody_signalled(self):
        host = self.host()
        bystander = host.run("sh", "-c", "sleep infinity >/dev/null 2>&1 & echo $!").stdout.strip()
        host.write("/run/heartbeatd.pid", f"{bystander}\n")
        for verb, status in (("stop", 0), ("reload", 7), ("force-reload", 0), ("restart", 0), ("stop", 0)):
            host.service(verb, status)
        self.assertEqual(host.run("ps", "-o", "stat=,comm=", "-p", bystander).stdout.split(), ["S", "sleep"])

    def test_it_survives_the_logout_of_the_session_that_started_it(self):
        host = self.host(QUICK)
        with Terminal(host, "/root") as terminal:
            terminal.command("service heartbeatd start")
            pid = host.running()
            self.assertEqual(host.run("ps", "-o", "tty=", "-p", pid).stdout.strip(), "?")
            terminal.type("exit\n")
            terminal.process.wait(timeout=20)
        lines = len(host.lines())
        host.wait_for_lines(lines + 3)
        self.assertEqual(host.running(), pid)
        holds(lambda: host.running() == pid, "it lives on", 1)
