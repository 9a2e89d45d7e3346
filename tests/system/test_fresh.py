# SPDX-License-Identifier: MIT
"""The README's first two commands, to the letter, in a root that holds nothing but Debian and apt."""

import os
import platform
import re
import unittest

from install import copy_source
from machine import Bare
from readme import readme_commands
from terminal import PROMPT, Terminal
from trees import cache, root

BEAT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z heartbeat %d\r?\n"


class Fresh:
    """Both commands in one machine, for the second finds what the first one left."""

    time_limit = 25 * 60

    def test_the_first_two_commands_of_the_readme(self):
        self.assertNotIn("HEARTBEATD_FRESH", os.environ, "fresh roots in a fresh root, without end")
        build, test = readme_commands()[:2]
        # What the tests inside would fetch again, the trees of Debian, they find in the cache.
        with Bare([root(self.suite, variant="apt")], shared=[cache()]) as machine:
            copy_source(machine.files / "root/heartbeatd")
            with Terminal(machine, "/root/heartbeatd") as terminal:
                self.assert_builds_and_beats(terminal, build)
            self.assert_passes(machine, test)

    def assert_builds_and_beats(self, terminal, command):
        terminal.expect(re.escape(PROMPT), 10)
        terminal.type(command + "\n")
        terminal.expect(BEAT % 1, 600)
        terminal.expect(BEAT % 2, 20)
        terminal.type("\x03")
        terminal.expect(re.escape(PROMPT), 5)
        terminal.type("echo exit status $?\n")
        self.assertEqual(terminal.expect(r"exit status (\d+)", 5)[1], "0")

    def assert_passes(self, machine, command):
        # Without its own `fresh` group, in which this test is: it would never come to an end.
        fresh = "same" if platform.freedesktop_os_release().get("VERSION_CODENAME") == self.suite else "other"
        result = machine.run("env", "--chdir=/root/heartbeatd", f"HEARTBEATD_FRESH={fresh}",
                             f"HEARTBEATD_ROOTS={cache()}", "sh", "-c", f"{command} 2>&1",
                             check=False, timeout=22 * 60)
        print(result.stdout)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout.splitlines()[-1], r"^\d+ passed, 0 failed$")


class FreshDebian12(Fresh, unittest.TestCase):
    suite = "bookworm"


class FreshDebian13(Fresh, unittest.TestCase):
    suite = "trixie"
