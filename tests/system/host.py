# SPDX-License-Identifier: MIT
"""A machine with heartbeatd installed, and the questions that scenarios ask it."""

import json
import unittest

from install import installed
from machine import Machine, holds, wait_for

BEAT = "d1ff8d0b2c834e1ab9a8a7bd0e9e4c11"  # MESSAGE_ID of a beat
DAEMON = "/usr/bin/heartbeatd"
LOG = "/var/log/heartbeatd/heartbeat.log"
UNIT = "heartbeatd.service"
# In a /proc of the unit's own, which each of these gives it, the boot id is the host's and not the machine's.
MACHINES_BOOT_ID = ("ProtectProc=default", "ProtectKernelTunables=no", "ProtectControlGroups=no")
ALIVE = "--runstates=D,R,S,T"  # of pgrep
STATUS = r"^\d+ beats?, last at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


class Installed:
    """A machine on which the project can be configured and looked at, whatever its init."""

    def write(self, path, text):
        target = self.files / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def read(self, path):
        return (self.files / path.lstrip("/")).read_text()

    def configure(self, *lines):
        """Replaces what an earlier call has configured."""
        self.write("/etc/heartbeatd.conf.d/test.conf", "\n".join(("[Heartbeat]",) + lines) + "\n")

    def run_as(self, user, group, *command, **options):
        become = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups")
        return self.run(*become, *command, **options)

    def running(self):
        """The daemon's pid as text, None when none runs."""
        result = self.run(DAEMON, "--running", check=False)
        return result.stdout.strip() if result.returncode == 0 else None

    def daemons(self):
        """The pids of all of that name but zombies, which their parent is about to reap."""
        return self.run("pgrep", ALIVE, "--exact", "heartbeatd", check=False).stdout.split()

    def has_ended(self, pid):
        """A zombie has, too: reaping it is PID 1's."""
        try:
            return self.read(f"/proc/{pid}/stat").rsplit(") ")[1].startswith("Z")
        except (FileNotFoundError, ProcessLookupError):
            return True

    def fill_state(self):
        """Lets the state directory take nothing: a beat that no output takes is none then."""
        self.run("sh", "-c", "mkdir -p /var/lib/heartbeatd && cd /var/lib/heartbeatd && "
                 "mount -t tmpfs -o size=4k,mode=755 tmpfs . && head -c 4096 /dev/zero >/var/lib/heartbeatd/full")

    def lines(self):
        """The lines of the default log file."""
        path = self.files / LOG.lstrip("/")
        return path.read_text().splitlines() if path.exists() else []

    def wait_for_lines(self, count, seconds=60):
        """Waits until the default log file has so many; returns all there are."""
        return wait_for(lambda: self.lines() if len(self.lines()) >= count else None,
                        f"{count} lines in {LOG}", seconds)


class Host(Installed, Machine):
    """A machine with systemd."""

    def drop_in(self, *lines, unit=UNIT):
        """Replaces what an earlier call has put into the unit's [Service]."""
        self.write(f"/etc/systemd/system/{unit}.d/test.conf", "\n".join(("[Service]",) + lines) + "\n")
        self.systemctl("daemon-reload")

    def systemctl(self, *arguments, **options):
        return self.run("systemctl", "--no-pager", *arguments, **options)

    def shows(self, *names, unit=UNIT):
        """Properties of a unit at one instant, as text, in the order of their names here."""
        lines = self.systemctl("show", f"--property={','.join(names)}", unit).stdout.splitlines()
        values = dict(line.split("=", 1) for line in lines)
        return tuple(values.get(name, "") for name in names)

    def show(self, name, unit=UNIT):
        return self.shows(name, unit=unit)[0]

    def journal(self, *matches, boot="0"):
        """The fields of the entries that match, of one boot or of all."""
        self.run("journalctl", "--sync")
        boots = [f"--boot={boot}"] if boot else []
        lines = self.run("journalctl", "--quiet", "--output=json", *boots, *matches).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def beats(self, *matches, **options):
        return self.journal(f"MESSAGE_ID={BEAT}", *matches, **options)

    def wait_for_beats(self, count, *matches, seconds=60):
        """Waits until there are so many; returns all there are."""
        def enough():
            beats = self.beats(*matches)
            return beats if len(beats) >= count else None
        return wait_for(enough, f"{count} beats in the journal", seconds)

    def messages(self, unit=UNIT):
        """What the unit's processes, and systemd about them, have said in this boot."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--boot", "--output=cat", f"--unit={unit}").stdout

    def main_pid(self):
        """The daemon's pid as the machine counts."""
        return self.show("MainPID")

    def signal(self, name):
        self.systemctl("kill", f"--signal={name}", "--kill-who=main", UNIT)


class HostCase(unittest.TestCase):
    """A test on a host of its own; subclasses name its kind."""

    kind = None
    verify = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no")
    unknown = ()  # what the unit asks for and this systemd does not know
    time_limit = 240

    def host(self, **options):
        return self.enterContext(Host(installed(self.kind), **options))

    def started_host(self, *configuration, drop_in=(), **options):
        """A host whose heartbeatd has been enabled, started, and has beaten."""
        host = self.host(**options)
        host.configure(*configuration)
        if drop_in:
            host.drop_in(*drop_in)
        host.systemctl("enable", "--now", "heartbeatd")
        host.wait_for_beats(1)
        return host

    def assert_verifies(self, host, *arguments):
        """Holds when systemd finds nothing to say about a unit but what it is too old for."""
        result = host.run("env", "XDG_RUNTIME_DIR=/run", *self.verify, *arguments)
        old = [f"Unknown key name '{key}' in section 'Service'" for key in self.unknown]
        # systemd 247 looks for the cgroup that it would have as PID 1.
        old.append("Couldn't move remaining userspace processes")
        lines = (result.stdout + result.stderr).splitlines()
        self.assertEqual([line for line in lines if not any(text in line for text in old)], [])

    def assert_never_restarted(self, host, seconds):
        """Holds when the service is active all the time, without a restart."""
        pid = host.main_pid()
        holds(lambda: host.shows("ActiveState", "NRestarts", "MainPID") == ("active", "0", pid),
              "the service runs undisturbed", seconds)

    def assert_consecutive(self, numbers):
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))


class Systemd247(HostCase):
    """As far as Debian 11 goes: what builds there."""

    kind = "systemd-247"
    verify = ("systemd-analyze", "verify", "--man=no")
    unknown = ("NoExecPaths", "ExecPaths", "PrivateIPC")


class Systemd252(HostCase):
    kind = "systemd-252"


class Systemd257(HostCase):
    kind = "systemd-257"
