# SPDX-License-Identifier: MIT
"""The README's other commands, to the letter and in its order, by somebody who has just built the program.

The first two, which fetch packages, are those of test_fresh.
"""

import re
import unittest

from install import INSIDE, copy_source, tree
from machine import Machine, wait_for
from test_fresh import readme_commands


class Readme:
    time_limit = 180

    def test_its_commands_do_what_it_says(self):
        set_up, _, install, reload, fields, fork, tutorial = readme_commands()
        with Machine([tree(self.suite)]) as self.machine:
            copy_source(self.machine.files / INSIDE.lstrip("/"))
            self.follow(re.search(r"meson setup build && meson compile -C build", set_up)[0])
            self.beat_as_root()
            self.assert_installs(install)
            self.follow(reload)
            self.assertRegex(self.follow(fields), r"HEARTBEAT_SEQ=\d+\n")
            self.machine.run("systemctl", "disable", "--now", "heartbeatd")
            self.assert_forks(fork)
            self.assert_is_the_tutorials(tutorial)

    def follow(self, commands):
        """What the commands print; each must succeed."""
        return self.machine.run("sh", "-e", "-c", f"cd {INSIDE}\n{commands}", timeout=120).stdout

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
        log = (self.machine.files / "var/log/heartbeatd/heartbeat.log").read_text()
        self.assertRegex(log, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z heartbeat 1\n")

    def assert_is_the_tutorials(self, command):
        self.follow(command)
        log = self.machine.files / "tmp/dameon.log"
        wait_for(lambda: log.read_text() == "I am Dameon\n" * 2, "two lines of the tutorial's", 15)
        self.follow("heartbeatd --stop")


class ReadmeOnSystemd252(Readme, unittest.TestCase):
    suite = "bookworm"


class ReadmeOnSystemd257(Readme, unittest.TestCase):
    suite = "trixie"
