# SPDX-License-Identifier: MIT
"""A login by somebody who sits at a real terminal of a machine."""

import os
import re
import select
import subprocess
import time

from machine import ENVIRONMENT

PROMPT = "machine# "


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

    def command(self, line, seconds=20):
        """Types a command at the first prompt that comes, and waits for the next one."""
        self.expect(re.escape(PROMPT), seconds)
        self.type(line + "\n")
        self.expect(re.escape(line), seconds)
        self.expect(re.escape(PROMPT), seconds)

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
