#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the test_*.py of one directory: each test in a process of its own, several at once.

A test is a method of a unittest.TestCase. It may take as long as its class's `time_limit` (seconds, 120
unless told), after which its whole process group is killed and the test counts as failed. A class with
`alone = True` has its tests run when nothing else does. So has each of a few that fail, once more: a machine that
is shared may for minutes be a third as fast as it was, and who fails beside others only is told apart from who fails.
Both outcomes are shown. Of what a test that passed has printed, the lines that
begin with "note: " are shown. $SUITE_NOTES is a directory for what tests of one run leave to one another, gone
at the end. The last line is `N passed, N failed`, followed by `, N skipped` where a test was skipped; each
skipped test is named with its reason. Exit status: 0 when nothing failed and something passed.
"""

import argparse
import fnmatch
import importlib
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback
import unittest

PASSED, FAILED, SKIPPED = 0, 1, 77
DEFAULT_TIME_LIMIT = 120
SECOND_TRIES = 5  # more failures than these are no machine's mood


def matches(test, pattern):
    return fnmatch.fnmatch(test.id(), f"*{pattern}*")


def find_tests(directory, patterns, without):
    sys.path[:0] = [str(directory), str(pathlib.Path(__file__).parent)]
    tests = []
    for path in sorted(directory.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for suite in unittest.defaultTestLoader.loadTestsFromModule(module):
            tests.extend(test for test in suite)
    if patterns:
        tests = [t for t in tests if any(matches(t, p) for p in patterns)]
    return [t for t in tests if not any(matches(t, p) for p in without)]


class Running:
    """One test in a process group of its own, its output in a temporary file."""

    def __init__(self, test):
        self.test = test
        self.output = tempfile.TemporaryFile(mode="w+")
        self.started = time.monotonic()
        self.deadline = self.started + getattr(type(test), "time_limit", DEFAULT_TIME_LIMIT)
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.run_and_exit()

    def run_and_exit(self):
        status = FAILED
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.setpgid(0, 0)
            os.dup2(self.output.fileno(), 1)
            os.dup2(self.output.fileno(), 2)
            result = unittest.TestResult()
            unittest.TestSuite([self.test]).run(result)  # and with it the fixtures of its class
            for _, text in result.errors + result.failures:
                print(text)
            for _, reason in result.skipped:
                print(reason)
            if result.wasSuccessful():
                status = SKIPPED if result.skipped else PASSED
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def poll(self):
        """Returns None while it runs, else PASSED, FAILED or SKIPPED."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code in (PASSED, SKIPPED) else FAILED
        if time.monotonic() < self.deadline:
            return None
        self.kill()
        self.output.seek(0, os.SEEK_END)
        self.output.write(f"killed: still running after {self.deadline - self.started:.0f} s\n")
        return FAILED

    def kill(self):
        for target in (-self.pid, self.pid):
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(self.pid, 0)

    def text(self):
        self.output.seek(0)
        return self.output.read()

    def report(self, outcome):
        text = self.text()
        self.output.close()
        seconds = time.monotonic() - self.started
        if outcome == SKIPPED:
            print(f"skip {self.test.id()}: {text.strip()}")
        elif outcome == PASSED:
            print(f"ok   {self.test.id()} ({seconds:.1f} s)")
            for line in text.splitlines():
                if line.startswith("note: "):  # what a number of tests cannot tell
                    print("     " + line.removeprefix("note: "))
        else:
            print(f"FAIL {self.test.id()} ({seconds:.1f} s)")
            print("     " + text.rstrip().replace("\n", "\n     "))
        sys.stdout.flush()


def run(tests, jobs, unfit):
    """Returns how many had each outcome, and those that failed."""
    counts = {PASSED: 0, FAILED: 0, SKIPPED: 0}
    failed = []
    waiting = list(tests)
    running = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(Running(waiting.pop(0)))
            time.sleep(0.01)
            for entry in list(running):
                outcome = entry.poll()
                if outcome is not None:
                    running.remove(entry)
                    if outcome == SKIPPED and set(entry.text().splitlines()) == {unfit}:  # each subtest of it
                        continue
                    entry.report(outcome)
                    counts[outcome] += 1
                    if outcome == FAILED:
                        failed.append(entry.test)
    finally:
        for entry in running:  # told to end before the tests have
            entry.kill()
    return counts, failed


def run_again(failed, counts):
    """Gives those that failed a second try without the others, and corrects the counts by what passes."""
    if not 0 < len(failed) <= SECOND_TRIES:
        return
    print(f"once more, alone: {', '.join(test.id() for test in failed)}")
    again, _ = run(failed, 1, None)
    counts[FAILED] -= again[PASSED]
    counts[PASSED] += again[PASSED]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--without", metavar="PATTERN", action="append", default=[],
                        help="leave out tests whose name holds this; may be repeated")
    parser.add_argument("--unfit", metavar="REASON", help="do not count tests skipped for this reason")
    parser.add_argument("patterns", nargs="*", help="run only tests whose name holds one of these")
    arguments = parser.parse_intermixed_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    tests = find_tests(arguments.directory.resolve(), arguments.patterns, arguments.without)
    together = [t for t in tests if not getattr(type(t), "alone", False)]
    alone = [t for t in tests if getattr(type(t), "alone", False)]
    with tempfile.TemporaryDirectory(prefix="heartbeatd-suite-") as notes:
        os.environ["SUITE_NOTES"] = notes
        counts, failed = run(together, arguments.jobs, arguments.unfit)
        counts_alone, failed_alone = run(alone, 1, arguments.unfit)
        for outcome, count in counts_alone.items():
            counts[outcome] += count
        run_again(failed + failed_alone, counts)

    line = f"{counts[PASSED]} passed, {counts[FAILED]} failed"
    print(line + (f", {counts[SKIPPED]} skipped" if counts[SKIPPED] else ""))
    sys.exit(0 if counts[PASSED] and not counts[FAILED] else 1)


if __name__ == "__main__":
    main()
