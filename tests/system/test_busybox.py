# SPDX-License-Identifier: MIT
"""The README's static program, and the script for SysV init, in a root with BusyBox and nothing else."""

import os
import re
import subprocess
import unittest

from host import LOG, Installed
from machine import Shell, holds, wait_for
from smallroot import small_root

PID_FILE = "/run/heartbeatd.pid"
SCRIPT = "/etc/init.d/heartbeatd"
SYSLOG = "/var/log/messages"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
USER, GROUP, OTHER_GROUP = "2001", "2002", "2003"
# Debian builds BusyBox without these two. They do what its own do with these options, and know no others.
ADDGROUP = """#!/bin/sh
[ $# -eq 2 ] && [ "$1" = -S ] || exit 1
echo "$2:x:100:" >>/etc/group
"""
ADDUSER = """#!/bin/sh
while getopts SDHh:s:G: option; do
    case $option in
    S) system=yes ;;
    D) password=none ;;
    H) made=no ;;
    h) home=$OPTARG ;;
    s) shell=$OPTARG ;;
    G) group=$OPTARG ;;
    *) exit 1 ;;
    esac
done
shift $((OPTIND - 1))
gid=$(sed -n "s/^$group:x:\\([0-9]*\\):.*/\\1/p" /etc/group)
[ $# -eq 1 ] && [ "$system$password$made" = yesnoneno ] && [ "$gid" ] || exit 1
echo "$1:x:100:$gid:Linux User,,,:$home:$shell" >>/etc/passwd
"""


class Box(Installed, Shell):
    def __init__(self):
        super().__init__(small_root())

    def has(self, path):
        return (self.files / path.lstrip("/")).exists()

    def call(self, *command):
        """Exit status and outputs."""
        done = self.run(*command, check=False)
        return done.returncode, done.stdout, done.stderr

    def daemon(self, *arguments):
        return self.call("heartbeatd", *arguments)

    def script(self, *arguments):
        return self.call(SCRIPT, *arguments)

    def main_pid(self):
        """The daemon's pid, "" if none runs."""
        return self.daemon("--running")[1].strip()

    def signal(self, name):
        self.run("kill", f"-{name}", self.main_pid())

    def beats(self):
        """The numbers of the beats in the log, 0 for what tells of a gap; fails on a torn or glued line."""
        lines = self.read(LOG).splitlines(keepends=True)
        return [int(re.fullmatch(rf"{TIME} (?:heartbeat (\d+)|gap: .*)\n", line)[1] or 0)
                for line in lines]

    def add_user(self, name):
        """By hand; it belongs to a group beside its own, too."""
        self.write("/etc/passwd", self.read("/etc/passwd") + f"{name}:x:{USER}:{GROUP}::/:/bin/false\n")
        self.write("/etc/group", self.read("/etc/group")
                   + f"{name}:x:{GROUP}:\nother:x:{OTHER_GROUP}:root,{name}\n")

    def owner(self, path):
        return self.run("stat", "-c", "%u:%g", path).stdout.strip()

    def status(self, name):
        """A line of the daemon's /proc/PID/status, as words."""
        text = self.read(f"/proc/{self.main_pid()}/status")
        return re.search(rf"^{name}:(.*)$", text, re.MULTILINE)[1].split()


class BoxCase(unittest.TestCase):
    """A test in a root of its own."""

    time_limit = 240

    def setUp(self):
        self.box = self.enterContext(Box())

    def start(self, *arguments, interval="1h"):
        """Makes a daemon by hand; returns its pid."""
        self.box.configure(f"Interval={interval}")
        self.assertEqual(self.box.daemon("--fork", *arguments), (0, "", ""))
        return self.box.main_pid()

    def assert_gone(self, pid):
        self.assertEqual(self.box.daemon("--running"), (3, "", ""))
        self.assertTrue(self.box.has_ended(pid))
        self.assertFalse(self.box.has(PID_FILE))


class Program(BoxCase):
    def test_it_is_static_and_nothing_to_load_is_there(self):
        headers = subprocess.run(["readelf", "--program-headers", "--wide",
                                  self.box.files / "usr/bin/heartbeatd"],
                                 check=True, capture_output=True, text=True).stdout
        self.assertIn("LOAD", headers)
        self.assertNotRegex(headers, "INTERP|DYNAMIC")
        self.assertEqual(self.box.run("find", "/", "-xdev", "-name", "*.so*").stdout, "")
        self.assertRegex(self.box.run("heartbeatd", "--version").stdout,
                         r"\Aheartbeatd \d+\.\d+\.\d+ \(without libsystemd\)\n\Z")

    def test_it_says_that_it_has_no_journal(self):
        words = "heartbeatd: output journal: this heartbeatd was built without libsystemd; " \
                "expected stdout, syslog or a path\n"
        for arguments in ((), ("--fork",)):
            self.assertEqual(self.box.daemon("--output=journal", *arguments), (6, "", words))
        self.assertEqual(self.box.daemon("--running"), (3, "", ""))

    def test_it_says_that_it_cannot_notify_and_beats(self):
        words = "heartbeatd: $NOTIFY_SOCKET is set, but this heartbeatd was built without libsystemd and " \
                "cannot notify; ignoring it\n"
        self.assertEqual(self.box.call("env", "NOTIFY_SOCKET=/run/notify", "heartbeatd", "--fork"),
                         (0, "", words))
        self.assertEqual(self.box.beats(), [1])

    def test_spans_are_sums(self):
        status, printed, _ = self.box.daemon("--print-config", "--interval=1min 30s")
        self.assertEqual(status, 0)
        self.assertIn("\nInterval=1min 30s\n", printed)

    def test_a_message_has_the_host_its_boot_and_its_uptime(self):
        self.box.run("hostname", "pulse")
        self.start("--output=/run/beats", "--format=plain", "--message=%H %b %u %n%%")
        boot = self.box.read("/proc/sys/kernel/random/boot_id").strip().replace("-", "")
        self.assertRegex(self.box.read("/run/beats"),
                         rf"\Apulse {boot} (\d+d )?(\d+h )?(\d+min )?\d+s 1%\n\Z")

    def test_ready_is_a_newline_once_it_has_beaten(self):
        self.box.run("sh", "-c", "heartbeatd --ready-fd=5 5>/run/ready >/run/beats 2>&1 &")
        wait_for(lambda: self.box.has("/run/ready") and self.box.read("/run/ready"), "something to be told")
        self.assertEqual(self.box.read("/run/ready"), "\n")
        self.assertRegex(self.box.read("/run/beats"), rf"\A{TIME} heartbeat 1\n")


class Daemon(BoxCase):
    """Made by hand with --fork."""

    def test_fork_returns_with_the_first_beat_in_the_log(self):
        pid = self.start()
        self.assertEqual(self.box.beats(), [1])
        self.assertEqual(self.box.daemon("--running"), (0, f"{pid}\n", ""))
        self.assertEqual(self.box.read(PID_FILE), f"{pid}\n")
        parent, _, session, terminal = self.box.read(f"/proc/{pid}/stat").rsplit(") ")[1].split()[1:5]
        self.assertEqual((parent, terminal), ("1", "0"))
        self.assertNotEqual(session, pid, "a session leader could acquire a terminal")

    def test_a_second_one_is_refused_and_disturbs_nothing(self):
        pid = self.start()
        words = f"heartbeatd: already running with pid {pid} (lock /var/lib/heartbeatd/lock)\n"
        self.assertEqual(self.box.daemon("--fork"), (150, "", words))
        self.assertEqual((self.box.main_pid(), self.box.read(PID_FILE)), (pid, f"{pid}\n"))
        self.assertEqual(self.box.beats(), [1])

    def test_a_bad_configuration_fails_the_start_with_the_reason(self):
        self.box.configure("Interval=5ms")
        status, _, words = self.box.daemon("--fork")
        self.assertEqual(status, 6)
        self.assertIn('/etc/heartbeatd.conf.d/test.conf:2: Interval: "5ms": expected a time span', words)
        self.assertEqual(self.box.daemon("--running"), (3, "", ""))

    def test_a_hangup_reloads_it(self):
        pid = self.start()
        self.box.configure("Interval=200ms")
        self.box.signal("HUP")
        wait_for(lambda: len(self.box.beats()) >= 3, "beats at the new interval")
        beats = self.box.beats()
        self.assertEqual((beats[0], beats), (1, sorted(set(beats))), "one may be missed, and none told twice")
        self.assertEqual(self.box.main_pid(), pid)

    def test_stop_ends_it(self):
        pid = self.start()
        self.assertEqual(self.box.daemon("--stop"), (0, "", ""))
        self.assert_gone(pid)
        self.assertEqual(self.box.daemon("--stop"), (0, "", ""))

    def test_stop_ends_one_that_has_been_suspended(self):
        pid = self.start()
        self.box.signal("STOP")
        wait_for(lambda: self.box.status("State")[0] == "T", "it is suspended")
        self.assertEqual(self.box.daemon("--stop"), (0, "", ""), "and does not have to kill it")
        self.assert_gone(pid)

    def test_killed_it_leaves_a_pid_file_that_nobody_believes(self):
        pid = self.start()
        self.box.signal("KILL")
        wait_for(lambda: self.box.daemon("--running") == (1, "", ""), "no daemon, but a pid file")
        self.assertEqual(self.box.read(PID_FILE), f"{pid}\n")
        self.assertNotEqual(self.start(), pid)
        self.assertEqual(self.box.beats(), [1, 0, 1])
        self.assertRegex(self.box.read(LOG), r"(?m)Z gap: .*: perhaps service-killed \(")

    def test_it_becomes_a_user_of_the_passwd_file_for_good(self):
        self.box.add_user("pulse")
        self.start("--user=pulse")
        self.assertEqual(self.box.status("Uid"), [USER] * 4)
        self.assertEqual(self.box.status("Gid"), [GROUP] * 4)
        self.assertEqual(sorted(self.box.status("Groups")), [GROUP, OTHER_GROUP])
        self.assertEqual(self.box.status("CapPrm"), ["0" * 16])
        for path in (LOG, os.path.dirname(LOG), "/var/lib/heartbeatd", "/var/lib/heartbeatd/lock"):
            self.assertEqual(self.box.owner(path), f"{USER}:{GROUP}")
        self.assertEqual(self.box.owner(PID_FILE), "0:0")

    def test_a_user_that_is_not_there_is_named(self):
        self.assertEqual(self.box.daemon("--fork", "--user=pulse"),
                         (2, "", 'heartbeatd: --user: "pulse": no such user\n'))


class Syslog(BoxCase):
    """BusyBox's."""

    def start_syslogd(self):
        self.box.run("syslogd", "-O", SYSLOG)
        return wait_for(lambda: self.box.has("/dev/log") and self.box.run("pidof", "syslogd").stdout.strip(),
                        "syslogd listens")

    def logged(self):
        return self.box.read(SYSLOG) if self.box.has(SYSLOG) else ""

    def wait_for_lines(self, line, count=1):
        wait_for(lambda: len(re.findall(line, self.logged())) >= count, f"{count} lines {line} in the log")

    def test_it_has_the_beats_and_what_the_daemon_says_of_itself(self):
        self.start_syslogd()
        pid = self.start("--output=syslog")
        self.wait_for_lines(rf" daemon\.info heartbeatd\[{pid}\]: heartbeat 1\n")
        self.box.signal("HUP")
        self.wait_for_lines(rf" daemon\.notice heartbeatd\[{pid}\]: reloaded\n")

    def test_without_it_a_start_says_so_and_the_pulse_alone_beats(self):
        status, printed, words = self.box.daemon("--fork", "--output=syslog", "--interval=1h")
        self.assertEqual((status, printed), (0, ""))
        self.assertRegex(words, r"\Aheartbeatd: output syslog: .*; its messages are lost until .*\n\Z")
        self.assertIn(" seq=1 ", self.box.read("/var/lib/heartbeatd/pulse"))

    def test_started_again_it_has_the_beats_again_and_the_number_of_lost_ones(self):
        first = self.start_syslogd()
        self.start("--output=syslog", f"--output={LOG}", interval="200ms")
        self.wait_for_lines(": heartbeat ")
        self.box.run("kill", first)
        wait_for(lambda: self.box.has_ended(first), "syslogd has ended")
        seen = len(self.box.beats())
        wait_for(lambda: len(self.box.beats()) >= seen + 3, "the beats go on in the file")
        lines = self.logged().count(": heartbeat ")
        self.start_syslogd()
        self.wait_for_lines(": heartbeat ", lines + 3)
        self.wait_for_lines(r": output syslog works again: \d+ messages lost from ")


class InitScript(BoxCase):
    """Under BusyBox's shell. What its words and statuses mean is the LSB's."""

    def prepare(self, interval="1h"):
        """A box with the two programs that make the user."""
        self.box.configure(f"Interval={interval}")
        for name, text in (("addgroup", ADDGROUP), ("adduser", ADDUSER)):
            self.box.write(f"/usr/sbin/{name}", text)
            (self.box.files / "usr/sbin" / name).chmod(0o755)

    def started(self, **options):
        """Returns the daemon's pid."""
        self.prepare(**options)
        self.assertEqual(self.box.script("start"), (0, "", ""))
        return self.box.main_pid()

    def assert_running(self, pid):
        self.assertEqual(self.box.script("status"), (0, f"heartbeatd is running with pid {pid}\n", ""))

    def test_start_makes_the_user(self):
        pid = self.started()
        self.assertIn("\nheartbeatd:x:100:100:Linux User,,,:/:/bin/false\n", self.box.read("/etc/passwd"))
        self.assertEqual(self.box.status("Uid") + self.box.status("Gid"), ["100"] * 8)
        self.assertEqual((self.box.owner(LOG), self.box.beats()), ("100:100", [1]))
        self.assert_running(pid)

    def test_a_user_that_cannot_be_made_is_asked_for(self):
        words = 'heartbeatd: there is no user "heartbeatd"; make it, or name another one as ' \
                "DAEMON_USER= in /etc/default/heartbeatd\n"
        self.assertEqual(self.box.script("start"), (6, "", words))
        self.box.add_user("heartbeatd")
        self.assertEqual(self.box.script("start"), (0, "", ""))
        self.assertEqual(self.box.status("Uid"), [USER] * 4)

    def test_another_user_and_options_can_be_named(self):
        self.box.add_user("pulse")
        self.box.write("/etc/default/heartbeatd",
                       "DAEMON_USER=pulse\nDAEMON_OPTS=\"--format=plain --message='I am Dameon'\"\n")
        self.assertEqual(self.box.script("start"), (0, "", ""))
        self.assertEqual((self.box.status("Uid"), self.box.read(LOG)), ([USER] * 4, "I am Dameon\n"))

    def test_what_root_left_is_the_users_from_then_on(self):
        self.start()
        self.box.daemon("--stop")
        self.assertEqual(self.box.owner(LOG), "0:0")
        self.started()
        self.assertEqual((self.box.owner(LOG), self.box.owner("/var/lib/heartbeatd/lock")), ("100:100",) * 2)
        self.assertEqual(self.box.beats(), [1, 1])

    def test_started_twice_it_runs_once(self):
        pid = self.started()
        words = f"heartbeatd: already running with pid {pid} (lock /var/lib/heartbeatd/lock)\n"
        self.assertEqual(self.box.script("start"), (0, "", words))
        self.assert_running(pid)

    def test_reload_is_the_same_process(self):
        pid = self.started()
        self.box.configure("Interval=200ms")
        for count, verb in enumerate(("reload", "force-reload")):
            self.assertEqual(self.box.script(verb), (0, "", ""))
            wait_for(lambda: len(self.box.beats()) >= 3 * (count + 1), "beats at the new interval")
        self.assert_running(pid)

    def test_restart_is_another_process(self):
        pids = [self.started()]
        for verb in ("restart", "try-restart"):
            self.assertEqual(self.box.script(verb), (0, "", ""))
            pids.append(self.box.main_pid())
            self.assert_running(pids[-1])
        self.assertEqual((len(set(pids)), self.box.beats()), (3, [1, 1, 1]))

    def test_a_bad_configuration_is_told_and_changes_nothing(self):
        pid = self.started(interval="200ms")
        self.box.configure("Interval=5ms")
        for verb in ("reload", "restart", "force-reload", "try-restart"):
            status, _, words = self.box.script(verb)
            self.assertEqual(status, 6)
            self.assertIn('Interval: "5ms": expected a time span', words)
        seen = len(self.box.beats())
        wait_for(lambda: len(self.box.beats()) >= seen + 2, "beats as before")
        self.assert_running(pid)

    def test_stopped_it_is_gone(self):
        pid = self.started()
        self.assertEqual(self.box.script("stop"), (0, "", ""))
        self.assertTrue(self.box.has_ended(pid))
        self.assert_stopped()

    def assert_stopped(self):
        self.assertEqual(self.box.script("status"), (3, "heartbeatd is not running\n", ""))
        for verb, status in (("reload", 7), ("force-reload", 0), ("try-restart", 0), ("stop", 0)):
            self.assertEqual(self.box.script(verb), (status, "", ""), verb)
        holds(lambda: self.box.main_pid() == "", "none of these starts it", 0.5)

    def test_killed_it_is_told_from_stopped(self):
        self.started()
        self.box.signal("KILL")
        wait_for(lambda: self.box.script("status")
                 == (1, "heartbeatd is not running, but its pid file is there\n", ""), "its status")
        self.assertEqual(self.box.script("start"), (0, "", ""))
        self.assert_running(self.box.main_pid())

    def test_only_root_may(self):
        self.box.add_user("pulse")
        self.assertEqual(self.box.call("su", "-s", "/bin/sh", "pulse", "-c", f"{SCRIPT} start"),
                         (4, "", "heartbeatd: only root can do that\n"))

    def test_what_is_no_verb_is_answered_with_those_that_are(self):
        verbs = "start|stop|restart|force-reload|reload|try-restart|status"
        for arguments in ((), ("begin",)):
            self.assertEqual(self.box.script(*arguments), (2, "", f"usage: {SCRIPT} {{{verbs}}}\n"))
