# SPDX-License-Identifier: MIT
"""The README's first two commands, to the letter, in a root that holds nothing but Debian and apt."""

import os
import re
import select
import subprocess
import time
import unittest

from install import SOURCE, copy_source
from machine import ENVIRONMENT, Bare, cache, root

PROMPT = "fresh# "
BEAT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z heartbeat %d\r?\n"


def readme_commands():
    """The README's fenced blocks of shell commands, in their order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (SOURCE / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [block.strip() for block in blocks]


class Terminal:
    """A shell on a pseudo-terminal in a machine, to type into and read from; a context manager."""

    def __init__(self, machine, directory):
        self.output = ""
        self.seen = 0
        self.descriptor, terminal = os.openpty()
        # The terminal's session must be one of the machine's processes, for ^C to reach its foreground job.
        shell = machine.enter("setsid", "--ctty", "--wait", "env", f"--chdir={directory}",
                              "bash", "--norc", "--noprofile", "--noediting", "-i")
        self.process = subprocess.Popen(shell, stdin=terminal, stdout=terminal, stderr=terminal,
                                        env=ENVIRONMENT | {"PS1": PROMPT, "TERM": "dumb"})
        os.close(terminal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()  # What still runs on the terminal ends with the machine.
        self.process.wait()
        os.close(self.descriptor)

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def expect(self, pattern, seconds):
        """Waits for a match in what has not been matched yet; returns it."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.compile(pattern).search(self.output, self.seen)
            if match:
                self.seen = match.end()
                return match
            readable, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise AssertionError(f"waited {seconds} s in vain for {pattern!r}:\n{self.output[-4000:]}")
            try:
                self.output += os.read(self.descriptor, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(f"the shell ended before {pattern!r}:\n{self.output[-4000:]}") from None


class Fresh:
    """In one machine after the other, for the second command finds what the first one left."""

    alone = True
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
        terminal.expect(BEAT % 1, 300)
        terminal.expect(BEAT % 2, 20)
        terminal.type("\x03")
        terminal.expect(re.escape(PROMPT), 5)
        terminal.type("echo exit status $?\n")
        self.assertEqual(terminal.expect(r"exit status (\d+)", 5)[1], "0")

    def assert_passes(self, machine, command):
        # Without its own `fresh` group, in which this test is: it would never come to an end.
        result = machine.run("env", "--chdir=/root/heartbeatd", "HEARTBEATD_FRESH=1",
                             f"HEARTBEATD_ROOTS={cache()}", "sh", "-c", f"{command} 2>&1",
                             check=False, timeout=20 * 60)
        print(result.stdout)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout.splitlines()[-1], r"^\d+ passed, 0 failed$")


class FreshDebian12(Fresh, unittest.TestCase):
    suite = "bookworm"


class FreshDebian13(Fresh, unittest.TestCase):
    suite = "trixie"
