# SPDX-License-Identifier: MIT
"""What the daemon costs: memory, descriptors, wake-ups. Caps with air for other libcs, not benchmarks."""

import os
import signal

import harness

RSS_CAP_KB = 8 * 1024 if not harness.SANITIZED else 256 * 1024  # their shadow memory is no measure
RSS_GROWTH_KB = 200 if not harness.SANITIZED else 128 * 1024  # nor is their quarantine of freed memory
# Standard ones 3, lock, pulse, history, timer, signals, outputs 2 at most, and of the kernel's counters as many as it
# has files for: 3.
DESCRIPTOR_CAP = 13


class Limits(harness.Case):
    def rss(self, pid):
        return int(harness.proc_status(pid)["VmRSS"].split()[0])

    def many_outputs(self):
        return ["--output=stdout", "--output=/dev/null"]

    def test_memory_and_descriptors_after_many_beats(self):
        """In the foreground: the cap, and no growth from the 50th beat to the 500th."""
        daemon = self.start_beating(*self.many_outputs(), "--interval=10ms")
        self.wait_for_beats(50)
        rss, fds = self.rss(daemon.pid), len(harness.proc_fds(daemon.pid))
        self.wait_for_beats(500, seconds=30)
        self.assertLess(self.rss(daemon.pid), RSS_CAP_KB)
        self.assertLess(self.rss(daemon.pid), rss + RSS_GROWTH_KB)
        self.assertLessEqual(fds, DESCRIPTOR_CAP)
        self.assertEqual(len(harness.proc_fds(daemon.pid)), fds)

    def test_memory_of_a_forked_daemon(self):
        daemon = self.fork("--interval=10ms")
        self.wait_for_beats(100)
        self.assertLess(self.rss(daemon.pid), RSS_CAP_KB)
        self.assertLessEqual(len(harness.proc_fds(daemon.pid)), DESCRIPTOR_CAP)

    def test_nothing_grows_over_200_reloads(self):
        """Each is waited for by what it tells the manager; every tenth is one of a bad config."""
        notify = self.notify_socket()
        path = self.config("[Heartbeat]\nInterval=1s\n")
        daemon = self.start(f"--config={path}", f"--output={self.log}", "--output=/dev/null",
                            env={"NOTIFY_SOCKET": notify.address})
        notify.wait_for("READY=1")
        fds, rss = None, None
        for turn in range(200):
            if turn == 20:
                fds, rss = sorted(harness.proc_fds(daemon.pid)), self.rss(daemon.pid)
            interval = "0" if turn % 10 == 9 else f"{turn + 1}s"
            self.config(f"[Heartbeat]\nInterval={interval}\n")
            daemon.signal(signal.SIGHUP)
            harness.wait_until(lambda n=turn: notify.count("READY=1") >= n + 2, 10, f"reload {turn}")
        self.assertEqual(len(harness.proc_fds(daemon.pid)), len(fds))
        self.assertLess(self.rss(daemon.pid), rss + RSS_GROWTH_KB)
        self.assertEqual(daemon.stop(), 0)

    def test_nothing_grows_while_an_output_fails(self):
        """It is opened anew at each beat."""
        daemon = self.start_beating("--output=/dev/full", "--interval=10ms")
        self.wait_for_beats(10)
        fds = len(harness.proc_fds(daemon.pid))
        self.wait_for_more_beats(200, seconds=30)
        self.assertLessEqual(len(harness.proc_fds(daemon.pid)), fds + 1)

    def test_no_wake_ups_between_beats(self):
        """Counted over ten beats, with a manager that has no watchdog: one switch for each. What a disk takes
        to sync is its own."""
        daemon = self.start_beating("--interval=200ms", "--sync=never")
        self.wait_for_beats(3)
        before, beats = self.switches(daemon.pid), len(self.beats())
        self.wait_for_beats(beats + 10)
        used = self.switches(daemon.pid) - before
        self.assertLessEqual(used, 15, "about one for each beat")

    @staticmethod
    def switches(pid):
        return int(harness.proc_status(pid)["voluntary_ctxt_switches"])

    def test_it_is_one_thread(self):
        daemon = self.start_beating()
        self.assertEqual(os.listdir(f"/proc/{daemon.pid}/task"), [str(daemon.pid)])
