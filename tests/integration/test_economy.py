# SPDX-License-Identifier: MIT
"""What a beat costs in system calls, duty by duty, and the daemon in memory that is its own."""

import itertools
import re

import harness

WAIT = ["timerfd_settime", "getrusage"]  # what follows is the wait itself, where one beat is parted from the next
MARK = ["pwrite64"]  # of the step that begins, beside the pulse
FILE = MARK + ["lstat", "write"]
PULSE = ["fstat", "pwrite64"]
SYNC = ["fdatasync", "pwrite64"]  # the pulse's write carries the mark, and one more takes it away
CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(\()?")


def calls(trace):
    """The names in the order of their beginning, those of one call alike whatever the libc makes of it."""
    for line in trace.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match and match[2] and "FD_CLOEXEC" not in line:  # which musl sets a second time
            name = match[1]
            if name == "newfstatat":
                name = "fstat" if "AT_EMPTY_PATH" in line else "lstat" if "AT_SYMLINK_NOFOLLOW" in line else "stat"
            yield {"openat": "open", "ppoll": "poll", "sendto": "send", "sendmsg": "send", "fchmodat": "fchmod",
                   "renameat": "rename"}.get(name, name), line


def beats(trace):
    """The calls between each two waits of the loop, without those before the first."""
    waits = lambda call: call[0] == "poll" and "], 2, " in call[1]  # for signals and for the timer
    groups = [list(group) for wait, group in itertools.groupby(calls(trace), waits) if not wait]
    return [[name for name, _ in group] for group in groups[1:-1]]


@harness.needs_strace
class SystemCalls(harness.Case):
    """Of a beat that is on time: under a tracer on a busy machine many are not, but one among them must be."""

    def setUp(self):
        super().setUp()
        if harness.SANITIZED:
            self.skipTest("sanitizers make calls of their own")

    def expect(self, expected, *args, **options):
        expected = expected + WAIT
        trace = self.make_directory("trace") / "calls"
        daemon = self.start("--interval=1s", "--sync=never", *args, wrapper=harness.tracing("all", trace), **options)
        seen = []

        def met():
            seen[:] = beats(trace) if trace.exists() else []
            return any(self.without_freezer(beat) == expected for beat in seen)

        try:
            harness.wait_until(met, 30, "a beat of these calls")
        except AssertionError:
            self.fail(f"expected {expected}, and the shortest was {min(seen, key=len, default=None)}")
        self.assertEqual(daemon.stop(), 0)

    @staticmethod
    def without_freezer(beat):
        """One more where the kernel tells of a freezer, since 6.18 with cgroup v2; it stands before all others."""
        return beat[1:] if beat[:1] == ["pread64"] else beat

    def test_a_file(self):
        self.expect(FILE + PULSE, f"--output={self.log}")

    def test_another_file_costs_as_much_again(self):
        self.expect(2 * FILE + PULSE, f"--output={self.log}", f"--output={self.log}2")

    def test_stdout(self):
        self.expect(MARK + ["write"] + PULSE)

    def test_no_message(self):
        self.expect(PULSE, f"--output={self.log}", "--log-every=1h")

    def test_sync(self):
        self.expect(FILE + PULSE + SYNC, f"--output={self.log}", "--sync=beat")

    def test_metrics(self):
        write = ["open", "fchmod", "write", "close", "rename"]
        self.expect(FILE + PULSE + MARK + write + MARK, f"--output={self.log}", f"--metrics={self.state}/x.prom")

    def test_the_watchdog(self):
        notify = self.notify_socket()
        env = {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "60000000"}
        self.expect(FILE + PULSE + ["send"], f"--output={self.log}", env=env)
        self.assertGreater(notify.count("WATCHDOG=1"), 0)

    @harness.needs_root
    def test_syslog(self):
        self.private_dev_and_run()
        self.log_socket("/dev/log")
        self.expect(MARK + ["connect", "poll", "getpid", "send"] + PULSE, "--output=syslog")

    @harness.needs_root
    def test_the_journal(self):
        if not harness.has_libsystemd():
            self.skipTest("needs libsystemd in the binary")
        self.private_dev_and_run()
        self.log_socket("/run/systemd/journal/socket")
        self.expect(MARK + ["connect", "poll", "send"] + PULSE, "--output=journal")
