# SPDX-License-Identifier: MIT
"""Starts and reloads that are refused: nothing new lies there afterwards, and what ran goes on."""

import os
import signal
import subprocess
import time

import harness


class Refused(harness.Case):
    def files(self):
        return {name for name in harness.tree(self.dir) if not name.startswith(str(self.state))}

    def assert_leaves_nothing(self, *args, code, fork=False, **options):
        before = self.files()
        run = self.fork_command if fork else lambda *a, **o: self.run_command(*self.common(a), **o)
        result = run(*args, **options)
        self.assertEqual(result.code, code, result)
        self.assertEqual({name for name in self.files() - before if "stdout" not in name}, set())
        self.assertIsNone(self.lock_holder())

    def test_an_output_made_for_a_start_that_another_one_stops(self):
        for fork in (False, True):
            self.assert_leaves_nothing(f"--output={self.log}", f"--output={self.dir}/none/beats", code=6,
                                       fork=fork)

    def test_a_state_directory_that_is_missing(self):
        before = self.files()
        for extra in ([], ["--fork", f"--pid-file={self.pid_file}"]):
            result = self.run_command(f"--state-dir={self.dir}/none", f"--output={self.log}", *extra)
            self.one_error(result, 6, rf"state directory {self.dir}/none: ")
        self.assertEqual(self.files() - before, set())

    @harness.needs_strace
    def test_the_daemon_has_time_to_clean_up_before_its_parent_ends_it(self):
        slow = harness.tracing("unlink", path=self.pid_file, inject="unlink:delay_enter=200ms")
        self.assert_leaves_nothing(f"--output={self.dir}/none/beats", code=6, fork=True, wrapper=slow,
                                   env=harness.without_leak_check())

    def test_an_output_that_is_the_lock(self):
        lock = self.state / "lock"
        self.one_error(self.run_command(*self.common([f"--output={lock}"])), 6, rf"output {lock}: ")

    def test_a_reload_that_would_write_to_the_lock(self):
        path = self.config(f"[Heartbeat]\nInterval=100ms\nOutput={self.log}\n")
        daemon = self.start(f"--config={path}")
        self.wait_for_beats(1)
        self.config(f"[Heartbeat]\nInterval=100ms\nOutput={self.log}\nOutput={self.state}/lock\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words("not reloaded")
        self.wait_for_more_beats(2)
        self.assertEqual(self.lock_holder(), daemon.pid)

    def test_a_reload_that_one_of_its_outputs_stops(self):
        path = self.config(f"[Heartbeat]\nInterval=100ms\nOutput={self.log}\n")
        daemon = self.start(f"--config={path}")
        self.wait_for_beats(1)
        new = self.log.with_name("new")
        self.config(f"[Heartbeat]\nOutput={self.log}\nOutput={new}\nOutput={self.dir}/none/beats\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words("not reloaded")
        self.assertFalse(new.exists())
        self.wait_for_more_beats(2)


class Interrupted(harness.Case):
    time_limit = 120

    def test_a_start_is_either_undone_or_reported_as_a_success(self):
        """The first process gets a signal at any moment of the start."""
        undone = 0
        for attempt in range(60):
            args = ["--fork", f"--output={self.log}", f"--pid-file={self.pid_file}", "--interval=1d"]
            process = self.spawn(self.common(args), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + attempt / 10_000
            while time.monotonic() < deadline:
                pass
            os.kill(process.pid, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[attempt % 3])
            code = process.wait(20)
            if code == 0:
                self.assertEqual(harness.ForkedDaemon(int(self.pid_file.read_text())).stop(), 0)
            else:
                undone += 1
                self.assertIsNone(self.lock_holder(), f"attempt {attempt}: exit {code}, and a daemon")
        self.assertGreater(undone, 0)
