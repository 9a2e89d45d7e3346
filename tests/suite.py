#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the test_*.py of one directory: each test in a process of its own, several at once.

A test is a method of a unittest.TestCase. It may take as long as its class's `time_limit` (seconds, 120
unless told), after which its whole process group is killed and the test counts as failed. A class with
`together = True` has its tests run in one process, one after the other, where it takes long to make what its
setUpClass() makes: each test leaves that as the others may find it. One with `first = True` has its tests begun before
the others, which would else have ended while the last of these still take their time. A class with `alone = True` has
its tests run when nothing else does. So has each of a few that fail, once more: a machine that is shared may for
minutes be a third as fast as it was, and who fails beside others only is told apart from who fails. Both outcomes are
shown. Of what a test that passed has printed, the lines that begin with "note: " are shown. $SUITE_NOTES is a directory
for what tests of one run leave to one another, gone at the end. The last line is `N passed, N failed`, followed by
`, N skipped` where a test was skipped; each skipped test is named with its reason. Exit status: 0 when nothing failed
and something passed.
"""

import argparse
import fcntl
import fnmatch
import gc
import importlib
import itertools
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
SECOND_TRIES = 5  # more failures than these, in as many processes, are no machine's mood


def matches(test, pattern):
    return fnmatch.fnmatch(test.id(), f"*{pattern}*")


def has(test, mark):
    """Whether the test's class says so of its tests."""
    return getattr(type(test), mark, False)


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


class Outcomes(unittest.TestResult):
    """Keeps tests that share a process apart: what each printed, and how it ended, which is told when the next one
    begins. Of the last it is told after the fixtures of the class, whose failures are its own. Fixtures without which
    none began are told of each."""

    def __init__(self, outputs, pipe):
        super().__init__()
        self.outputs = outputs
        self.pipe = pipe
        self.begun = 0

    def startTest(self, test):
        if self.begun > 0:
            self.tell()
        super().startTest(test)
        self.divert()
        self.begun += 1

    def divert(self):
        """Has what is printed from now on be the next test's."""
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor in (1, 2):
            os.dup2(self.outputs[self.begun].fileno(), descriptor)

    def tell(self):
        for _, text in self.errors + self.failures:
            print(text)
        for _, reason in self.skipped:
            print(reason)
        outcome = FAILED if not self.wasSuccessful() else SKIPPED if self.skipped else PASSED
        for told in (self.errors, self.failures, self.skipped, self.unexpectedSuccesses):
            told.clear()
        sys.stdout.flush()  # for it is read as soon as the outcome is known
        sys.stderr.flush()
        os.write(self.pipe, bytes([outcome] * (1 if self.begun > 0 else len(self.outputs))))


class Running:
    """Tests in a process group of their own, one after the other, the output of each in a temporary file."""

    def __init__(self, tests):
        self.tests = list(tests)  # of which no outcome is known
        self.outputs = [tempfile.TemporaryFile(mode="w+") for _ in self.tests]
        self.limit = getattr(type(tests[0]), "time_limit", DEFAULT_TIME_LIMIT)  # of each, in seconds
        self.started = time.monotonic()
        self.outcomes, pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.run_and_exit(pipe)
        os.close(pipe)

    def run_and_exit(self, pipe):
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.setpgid(0, 0)
            # Tests make descriptors of low numbers that they have chosen.
            result = Outcomes(self.outputs, fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 200))
            result.divert()
            unittest.TestSuite(self.tests).run(result)  # and with it the fixtures of its class
            result.tell()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def poll(self):
        """Returns whether it has ended, and of each test that has since the last time (test, outcome, output, seconds).
        A test without an outcome has failed when the process is gone, or when its time is over."""
        ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        done = [self.finish(outcome) for outcome in self.told()]
        why = "its process ended before it did\n"
        if not ended and self.tests and time.monotonic() >= self.started + self.limit:
            self.kill()
            ended, why = True, f"killed: still running after {self.limit} s\n"
        if ended:
            while self.tests:
                done.append(self.finish(FAILED, why))
                why = "not begun, for that process is gone\n"
            os.close(self.outcomes)
        return ended, done

    def told(self):
        try:
            return os.read(self.outcomes, len(self.tests))
        except BlockingIOError:
            return b""

    def finish(self, outcome, why=""):
        seconds = time.monotonic() - self.started
        with self.outputs.pop(0) as output:
            output.seek(0)
            text = output.read() + why
        test = self.tests.pop(0)
        self.started = time.monotonic()  # the next one
        return test, outcome, text, seconds

    def kill(self):
        for target in (-self.pid, self.pid):
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(self.pid, 0)


def report(test, outcome, text, seconds):
    if outcome == SKIPPED:
        print(f"skip {test.id()}: {text.strip()}")
    elif outcome == PASSED:
        print(f"ok   {test.id()} ({seconds:.1f} s)")
        for line in text.splitlines():
            if line.startswith("note: "):  # what a number of tests cannot tell
                print("     " + line.removeprefix("note: "))
    else:
        print(f"FAIL {test.id()} ({seconds:.1f} s)")
        print("     " + text.rstrip().replace("\n", "\n     "))
    sys.stdout.flush()


def in_processes(tests):
    """The tests of each process."""
    by = itertools.groupby(tests, lambda test: type(test) if has(test, "together") else test)
    return [list(group) for _, group in by]


def run(tests, jobs, unfit):
    """Returns how many had each outcome, and those that failed."""
    counts = {PASSED: 0, FAILED: 0, SKIPPED: 0}
    failed = []
    waiting = in_processes(tests)
    running = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(Running(waiting.pop(0)))
            time.sleep(0.01)
            for entry in list(running):
                ended, done = entry.poll()
                if ended:
                    running.remove(entry)
                for test, outcome, text, seconds in done:
                    if outcome == SKIPPED and set(text.splitlines()) == {unfit}:  # each subtest of it
                        continue
                    report(test, outcome, text, seconds)
                    counts[outcome] += 1
                    if outcome == FAILED:
                        failed.append(test)
    finally:
        for entry in running:  # told to end before the tests have
            entry.kill()
    return counts, failed


def run_again(failed, counts):
    """Gives those that failed a second try without the others, and corrects the counts by what passes."""
    if not 0 < len(in_processes(failed)) <= SECOND_TRIES:
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
    gc.freeze()  # a collection in a test's process would write to all memory that it shares with this one
    tests.sort(key=lambda test: not has(test, "first"))
    alone = [t for t in tests if has(t, "alone")]
    others = [t for t in tests if not has(t, "alone")]
    with tempfile.TemporaryDirectory(prefix="heartbeatd-suite-") as notes:
        os.environ["SUITE_NOTES"] = notes
        counts, failed = run(others, arguments.jobs, arguments.unfit)
        counts_alone, failed_alone = run(alone, 1, arguments.unfit)
        for outcome, count in counts_alone.items():
            counts[outcome] += count
        run_again(failed + failed_alone, counts)

    line = f"{counts[PASSED]} passed, {counts[FAILED]} failed"
    print(line + (f", {counts[SKIPPED]} skipped" if counts[SKIPPED] else ""))
    sys.exit(0 if counts[PASSED] and not counts[FAILED] else 1)


if __name__ == "__main__":
    main()
