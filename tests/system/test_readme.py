# SPDX-License-Identifier: MIT
"""The README's commands for each init, to the letter and in its order, by somebody who has just built it.

The first two, which fetch packages, are those of test_fresh; runit and s6 have test_supervisors, the static
program has test_busybox.
"""

import re
import unittest

from install import INSIDE, KINDS, base, copy_source
from machine import wait_for
from readme import readme_block, readme_commands


class Readme(unittest.TestCase):
    time_limit = 600

    def build(self, kind):
        """A machine in which the program was built by the README's first command, but for the packages."""
        self.machine = self.enterContext(KINDS[kind].machine(base(kind), keep=True))
        copy_source(self.machine.files / INSIDE.lstrip("/"))
        self.follow(re.search(r"meson setup build && meson compile -C build", readme_commands()[0])[0])

    def follow(self, commands):
        """What the commands print; each must succeed."""
        return self.machine.run("sh", "-e", "-c", f"cd {INSIDE}\n{commands}", timeout=300).stdout

    def log(self):
        path = self.machine.files / "var/log/heartbeatd/heartbeat.log"
        return path.read_text() if path.exists() else ""

    def wait_for_second_beat(self):
        wait_for(lambda: re.search(r"Z heartbeat 2\n", self.log()), "a second beat in the log file")


class OnSystemd(Readme):
    def test_its_commands_do_what_it_says(self):
        _, _, install, reload, fields, ask, fork, tutorial, *_ = readme_commands()
        self.build("systemd-252")
        self.beat_as_root()
        self.assert_installs(install)
        self.follow(reload)
        self.assertRegex(self.follow(fields), r"HEARTBEAT_SEQ=\d+\n")
        self.assertRegex(self.follow(ask), r"State: alive since (?s:.*)\nHEARTBEAT OK - beat \d+ was made ")
        self.machine.run("systemctl", "disable", "--now", "heartbeatd")
        self.assert_forks(fork)
        self.assert_is_the_tutorials(tutorial)

    def beat_as_root(self):
        """As the first command goes on to do; the service must not stumble over what root leaves."""
        done = self.machine.run("timeout", "--signal=INT", "1", f"{INSIDE}/build/src/heartbeatd", check=False)
        self.assertRegex(done.stdout, "heartbeat 1\n")

    def assert_installs(self, commands):
        self.follow(commands)
        wait_for(lambda: len(re.findall(r"heartbeat \d+\n", self.follow("journalctl -u heartbeatd"))) >= 2,
                 "two beats in the journal", 25)
        self.assertEqual(self.follow("systemctl is-enabled heartbeatd"), "enabled\n")

    def assert_forks(self, commands):
        printed = self.follow(commands)
        self.assertRegex(printed, r"\A\d+\n\Z")
        self.assertRegex(self.log(), r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z heartbeat 1\n")

    def assert_is_the_tutorials(self, command):
        self.follow(command)
        log = self.machine.files / "tmp/dameon.log"
        wait_for(lambda: log.read_text() == "I am Dameon\n" * 2, "two lines of the tutorial's", 15)
        self.follow("heartbeatd --stop")


class OnOtherInits(Readme):
    def enable(self, kind, command):
        """By hand first, as it says, and then for good by the commands with this one."""
        _, _, install, _, _, _, fork, *_ = readme_commands()
        self.build(kind)
        self.follow(re.match(r"meson install -C build\n", install)[0])
        self.assertRegex(self.follow(fork), r"\A\d+\n\Z")
        self.follow(readme_block(command))
        self.wait_for_second_beat()
        self.machine.reboot()
        self.assertRegex(self.follow("heartbeatd --running"), r"\A\d+\n\Z")

    def test_sysvinit(self):
        self.enable("sysvinit", "update-rc.d")

    def test_openrc_0_45(self):
        self.enable("openrc-0.45", "rc-update")
