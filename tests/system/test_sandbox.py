# SPDX-License-Identifier: MIT
"""The sandbox of the shipped unit: what the daemon must not reach it cannot, what it needs it can."""

import os
import pathlib
import re
import stat

from host import DAEMON, UNIT, Systemd247, Systemd252, Systemd257
from table import tried

PROBE = pathlib.Path(__file__).with_name("probe.c")
OUTCOMES = "/var/log/heartbeatd/outcomes"  # of probe.c
SIGSYS = 31
LIMIT = "0.2"  # exposure, as systemd-analyze prints it

# Each succeeds as user heartbeatd outside the sandbox: permissions and privileges alone forbid none of them.
FORBIDDEN = (
    "create /etc/open/new", "create /usr/open/new", "create /var/open/new", "create /var/lib/open/new",
    "create /var/log/open/new", "create /srv/open/new", "create /run/open/new", "create /dev/shm/new",
    "read /root/open/file", "read /home/open/file", "read /var/spool/open/file",
    "read /tmp/open/file", "read /run/user/open/file", "read /proc/1/status",
    "append /dev/kmsg", "append /sys/fs/cgroup/open/cgroup.procs",
    "connect /run/dbus/system_bus_socket", "inet", "netlink",
    "fork", "exec /bin/true", "exec /etc/open/program", "exec /run/open/program",
    "map-code /etc/open/program", "make-code",
    "ptrace", "setuid", "clock", "namespace", "kill {bystander}", "read /proc/{bystander}/environ",
    *(f"{attempt} {directory}/own" for attempt in ("exec-own", "map-own")
      for directory in ("/var/lib/heartbeatd", "/var/log/heartbeatd", "/tmp", "/var/tmp")),
    "exec-memory", "map-memory", "set-user-id /var/lib/heartbeatd/root", "set-user-id /tmp/root",
    "keyring", "personality", "shared-memory", "connect @open",
)
EXECUTES = ("exec ", "map-code ", "exec-own ", "map-own ")
# These take root to succeed outside.
FORBIDDEN_TO_ROOT = ("mount /mnt", "hostname elsewhere", "device /var/lib/heartbeatd/device", "device /tmp/device")
# What a daemon in the hands of somebody else could still do, as the README says: its own record is theirs then.
REACHED = (
    "append /var/lib/heartbeatd/history", "append /var/lib/heartbeatd/pulse", "append /var/lib/heartbeatd/lock",
    "append /var/log/heartbeatd/heartbeat.log", "fill /var/lib/heartbeatd/ballast",
    "fill /var/log/heartbeatd/ballast",
    "read /etc/open/file", "read /srv/open/file", "read /var/log/open/file", "connect /run/open/socket",
)
NEEDED = (
    "create /var/lib/heartbeatd/new", "create /var/log/heartbeatd/new",
    "read /proc/sys/kernel/random/boot_id", "read /etc/heartbeatd.conf", "read /etc/passwd",
    "append /dev/null", f"map-code {DAEMON}",
)


class Sandbox:
    maxDiff = None
    time_limit = 300

    def test_its_exposure_is_the_least_that_can_be_had(self):
        host = self.host()
        analysis = host.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
        exposure = re.search(rf"Overall exposure level for {re.escape(UNIT)}: (\d+\.\d)", analysis)
        self.assertLessEqual(float(exposure[1]), float(LIMIT), analysis)

    def test_it_reads_the_real_boot_id(self):
        # No fake boot id and no drop-in here: the unit's own /proc would not show the one, nor be its own.
        host = self.started_host("Message=boot %b")
        beat = host.beats()[0]
        self.assertEqual(beat["MESSAGE"], f"boot {beat['_BOOT_ID']}")

    def test_what_it_must_not_reach_it_cannot(self):
        host = self.probe_host()
        bystander = self.start_bystander(host)
        self.open_sockets(host)
        attempts = [attempt.format(bystander=bystander) for attempt in FORBIDDEN + FORBIDDEN_TO_ROOT
                    if "NoExecPaths" not in self.unknown or not attempt.startswith(EXECUTES)]
        self.assertEqual(self.inside(host, attempts), dict.fromkeys(attempts, "refused"))
        self.assertEqual({attempt: self.outside(host, attempt) for attempt in attempts},
                         dict.fromkeys(attempts, "done"), "an attempt that fails outside too shows nothing")
        tried("attempts from inside the sandbox", len(attempts))

    def test_what_it_needs_it_can_reach(self):
        host = self.probe_host()
        self.assertEqual(self.inside(host, NEEDED), dict.fromkeys(NEEDED, "done"))

    def test_what_it_could_still_reach_is_what_is_said(self):
        host = self.probe_host()
        self.open_sockets(host)
        for path in ("lib/heartbeatd/history", "lib/heartbeatd/pulse", "lib/heartbeatd/lock",
                     "log/heartbeatd/heartbeat.log"):
            host.run("install", "--owner=heartbeatd", "--group=heartbeatd", "--mode=600", "/dev/null", f"/var/{path}")
        self.assertEqual(self.inside(host, REACHED), dict.fromkeys(REACHED, "done"))
        tried("attempts from inside the sandbox", len(REACHED) + len(NEEDED), "own record, disk space, public files")

    def probe_host(self):
        """A host where the probe is what the otherwise unchanged unit runs once."""
        host = self.host()
        self.make_open_places(host)
        host.write("/root/probe.c", PROBE.read_text())
        host.run("gcc", "-Wall", "-Wextra", "-Werror", "-o", DAEMON, "/root/probe.c")
        host.drop_in("Type=oneshot", "Restart=no", "RestartForceExitStatus=")
        return host

    def make_open_places(self, host):
        """Places that only a sandbox keeps anybody from."""
        for directory in ("etc", "usr", "var", "var/lib", "var/log", "var/spool", "run", "run/user", "root",
                          "home", "srv", "tmp"):
            place = host.files / directory / "open"
            place.mkdir(parents=True)
            place.chmod(0o777)
            (place / "file").touch()
        (host.files / "root").chmod(0o755)
        for directory in ("etc", "run"):
            host.run("install", "--mode=755", "/bin/true", f"/{directory}/open/program")
        os.mknod(host.files / "dev/kmsg", 0o666 | stat.S_IFCHR, os.makedev(1, 11))
        (host.files / "dev/kmsg").chmod(0o666)
        (host.files / "sys/fs/cgroup/open").mkdir()
        (host.files / "sys/fs/cgroup/open/cgroup.procs").chmod(0o666)

    def start_bystander(self, host):
        """Another process of the same user; returns its pid."""
        host.run("systemd-run", "--unit=bystander", "--property=User=heartbeatd", "sleep", "infinity")
        return host.show("MainPID", "bystander.service")

    def open_sockets(self, host):
        """Of a service that everybody may connect to, by a path and by an abstract name."""
        host.run("systemd-run", "--unit=open", "--socket-property=ListenStream=/run/open/socket",
                 "--socket-property=ListenStream=@open", "--socket-property=SocketMode=0666", "sleep", "infinity")

    def inside(self, host, attempts):
        """The outcome of each, by its name; the service is started again after one that has ended it."""
        def start():
            host.systemctl("start", UNIT, check=False)
            status, code = host.shows("ExecMainStatus", "ExecMainCode")
            return int(status), int(code)
        return self.outcomes(host, attempts, start)

    def outside(self, host, attempt):
        """The outcome without the sandbox, as its user."""
        user = "root" if attempt in FORBIDDEN_TO_ROOT else "heartbeatd"
        return self.outcomes(host, [attempt], lambda: (
            host.run_as(user, user, DAEMON, check=False).returncode, os.CLD_EXITED))[attempt]

    def outcomes(self, host, attempts, start):
        outcomes = {}
        left = list(attempts)
        while left:
            host.write("/etc/heartbeatd-probe", "".join(f"{attempt}\n" for attempt in left))
            host.run("rm", "--force", OUTCOMES)
            status, code = start()
            told = host.read(OUTCOMES).splitlines()
            self.assertLessEqual(len(told), len(left), "attempts were made by more than one process")
            if len(told) < len(left):
                told.append(self.verdict(status, code))
            outcomes.update(zip(left, told))
            left = left[len(told):]
        return outcomes

    def verdict(self, status, code):
        """That of an attempt which has ended the program."""
        if status == 0:
            return "done"
        if code == os.CLD_EXITED:
            return f"exit status {status}"
        return "refused" if status == SIGSYS else f"signal {status}"


class Sandbox247(Sandbox, Systemd247):
    pass


class Sandbox252(Sandbox, Systemd252):
    pass


class Sandbox257(Sandbox, Systemd257):
    pass
