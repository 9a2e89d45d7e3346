# SPDX-License-Identifier: MIT
"""--running and --stop, which go by the lock alone: the lies a pid file can tell, the ways a lock is lost.

The innocent process that a lying pid file names is a child of the test; a signal would end it.
"""

import fcntl
import os
import signal
import stat
import subprocess
import threading

import harness


class LockCase(harness.Case):
    def environment(self, extra=None):
        """--stop sends SIGCONT after SIGTERM, and so while a leak check may be at work."""
        return super().environment({**harness.without_leak_check(), **(extra or {})})

    def running(self, *args):
        return self.run_command("--running", *self.common([f"--pid-file={self.pid_file}", *args]))

    def stop(self, *args, seconds=harness.RUN_SECONDS):
        args = self.common([f"--pid-file={self.pid_file}", *args])
        return self.run_command("--stop", *args, seconds=seconds)

    def assert_silent(self, result, code):
        self.assertEqual((result.code, result.out, result.err), (code, "", ""), result)

    def innocent(self):
        """A process that ends by any signal that is not expected of a good neighbour."""
        process = subprocess.Popen(["sleep", "600"], **self.identity(None))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def write_pid_file(self, text):
        self.pid_file.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.give(self.pid_file)


class Running(LockCase):
    def test_a_daemon_in_the_foreground(self):
        daemon = self.start_beating("--interval=1d")
        result = self.running()
        self.assertEqual((result.code, result.out, result.err), (0, f"{daemon.pid}\n", ""))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.running().code, 3)

    def test_a_forked_daemon(self):
        daemon = self.fork("--interval=1d")
        result = self.running()
        self.assertEqual((result.code, result.out, result.err), (0, f"{daemon.pid}\n", ""))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.running().code, 3)

    def test_nothing_runs(self):
        self.assertEqual(self.running().code, 3)
        self.assertEqual(list(self.state.iterdir()), [], "asking creates nothing")

    def test_a_pid_file_without_a_holder(self):
        daemon = self.fork()
        daemon.signal(signal.SIGKILL)
        daemon.ended()
        self.assertTrue(self.pid_file.exists())
        result = self.running()
        self.assertEqual((result.code, result.out), (1, ""), result)

    def test_an_empty_pid_file_counts_as_absent(self):
        self.write_pid_file("")
        self.assertEqual(self.running().code, 3)

    def test_the_state_directory_of_the_config_is_used(self):
        self.state_dir_in_config = True
        path = self.config(f"[Heartbeat]\nStateDir={self.state}\nInterval=1d\n")
        daemon = self.start(f"--config={path}", f"--output={self.log}")
        self.wait_for_beats(1)
        result = self.running(f"--config={path}")
        self.assertEqual((result.code, result.out), (0, f"{daemon.pid}\n"), result)

    def test_other_errors_in_the_config_are_tolerated(self):
        """Who wants to stop a daemon is not to mend its configuration first."""
        self.state_dir_in_config = True
        path = self.config(f"[Heartbeat]\nStateDir={self.state}\nInterval=1d\n")
        self.start(f"--config={path}", f"--output={self.log}")
        self.wait_for_beats(1)
        self.config(f"[Heartbeat]\nStateDir={self.state}\nInterval=0\nNoSuchKey=1\n")
        self.assertEqual(self.running(f"--config={path}").code, 0)
        self.assert_silent(self.stop(f"--config={path}"), 0)

    @harness.needs_root
    def test_root_sees_the_daemon_of_a_user(self):
        daemon = self.start_beating()
        self.assertEqual(self.lock_holder(user="root"), daemon.pid)

    @harness.needs_root
    def test_another_user_can_neither_open_nor_block_the_lock(self):
        """The lock is root's here; the other user is nobody."""
        daemon = self.start(f"--output={self.log}", user="root")
        self.wait_for_beats(1)
        lock = self.state / "lock"
        os.chown(lock, 0, 0)  # it was made for the owner of the directory
        self.assertEqual(stat.S_IMODE(lock.stat().st_mode), 0o600)
        tool = subprocess.run(["cat", lock], capture_output=True, check=False, **self.identity(None))
        self.assertNotEqual(tool.returncode, 0)
        self.one_error(self.running(), 4, f"{lock}")
        self.one_error(self.stop(), 4, f"{lock}")
        self.assertTrue(harness.alive(daemon.pid))


class Stop(LockCase):
    def test_a_running_daemon(self):
        for start in (lambda: self.start_beating("--interval=1d"), lambda: self.fork("--interval=1d")):
            daemon = start()
            self.assert_silent(self.stop(), 0)
            self.assertEqual(daemon.ended(), 0)
            self.assertEqual(self.running().code, 3)
            self.assertFalse(self.pid_file.exists())
            self.log.unlink()

    def test_it_returns_only_when_the_daemon_is_gone(self):
        for _ in range(10):
            self.fork("--interval=1d")
            self.assert_silent(self.stop(), 0)
            result = self.running()
            self.assertEqual(result.code, 3, result)

    def test_none_runs(self):
        self.assert_silent(self.stop(), 0)
        self.assertEqual(list(self.state.iterdir()), [])

    def test_a_stopped_daemon_quickly(self):
        daemon = self.start_beating()
        daemon.pause()
        self.assert_silent(self.stop(seconds=8), 0)
        self.assertEqual(daemon.ended(), 0, "by SIGTERM, once it was continued")

    def test_a_hung_daemon_is_killed_after_ten_seconds(self):
        daemon = self.start_beating()
        harness.hang(daemon.pid)
        started = harness.time.monotonic()
        result = self.stop(seconds=25)
        self.assertGreaterEqual(harness.time.monotonic() - started, 9.5)
        self.assertEqual((result.code, result.out), (0, ""), result)
        self.assertEqual(daemon.ended(), -signal.SIGKILL)
        self.assertIsNone(self.lock_holder())

    def test_a_killed_daemons_pid_file_does_not_stay(self):
        """It cannot remove its own any more."""
        daemon = self.fork("--interval=1d")
        harness.hang(daemon.pid)
        self.assertEqual(self.stop(seconds=25).code, 0)
        self.assertEqual(daemon.ended(), -signal.SIGKILL)
        self.assertEqual(self.running().code, 3)

    def test_two_at_once(self):
        daemon = self.start_beating(env=harness.without_leak_check())
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.stop())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(daemon.ended(), 0)
        self.assertEqual([result.code for result in results], [0, 0], results)


class LyingPidFiles(LockCase):
    """No pid file stops a start, is believed, or gets anybody signalled."""

    def contents(self, innocent):
        return {"stale": f"{harness.free_pid()}\n", "empty": "", "garbage": "garbage\n", "zero": "0\n",
                "minus one": "-1\n", "the test": f"{os.getpid()}\n", "init": "1\n",
                "foreign or recycled": f"{innocent.pid}\n", "binary": b"\0\xff\0", "huge": "9" * 4000,
                "long": "x" * 100_000, "overflow": "18446744073709551617\n",
                "two lines": f"{innocent.pid}\n{innocent.pid}\n"}

    def test_they_get_nobody_signalled(self):
        innocent = self.innocent()
        for name, text in self.contents(innocent).items():
            with self.subTest(name):
                self.write_pid_file(text)
                self.assertEqual(self.running().code, 3 if name == "empty" else 1)
                self.assert_silent(self.stop(), 0)
                self.assertIsNone(innocent.poll())

    def test_they_do_not_stop_a_start(self):
        innocent = self.innocent()
        for name, text in self.contents(innocent).items():
            with self.subTest(name):
                self.write_pid_file(text)
                daemon = self.fork("--interval=1d")
                self.assertEqual(self.pid_file.read_text(), f"{daemon.pid}\n")
                self.assertEqual(daemon.stop(), 0)
                self.assertIsNone(innocent.poll())
                self.log.unlink()

    def test_the_lock_wins_over_a_pid_file_that_was_overwritten(self):
        innocent = self.innocent()
        daemon = self.fork("--interval=1d")
        self.pid_file.write_text(f"{innocent.pid}\n")
        self.assertEqual(self.running().out, f"{daemon.pid}\n")
        self.assert_silent(self.stop(), 0)
        self.assertEqual(daemon.ended(), 0)
        self.assertIsNone(innocent.poll())

    def test_a_pid_file_deleted_while_it_runs_allows_no_second_daemon(self):
        daemon = self.fork("--interval=1d")
        self.pid_file.unlink()
        self.assertEqual(self.running().out, f"{daemon.pid}\n")
        result = self.fork_command(f"--output={self.log}")
        self.one_error(result, 150, f"already running with pid {daemon.pid}")
        self.assertFalse(self.pid_file.exists(), "a refused start makes none")
        self.assert_silent(self.stop(), 0)
        self.assertEqual(daemon.ended(), 0)

    def test_a_pid_file_that_is_somebody_elses_by_now_is_not_removed(self):
        """Of another daemon, say, that was started on the same path."""
        daemon = self.fork("--interval=1d")
        self.pid_file.unlink()
        self.write_pid_file("4242\n")
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(self.pid_file.exists())
        self.assertEqual(self.pid_file.read_text(), "4242\n")

    def test_what_is_no_regular_file_fails_the_start_and_stays(self):
        target = self.give(self.config("precious\n", "target"))
        plants = {"symlink": lambda: self.pid_file.symlink_to(target),
                  "dangling": lambda: self.pid_file.symlink_to(self.dir / "nowhere"),
                  "directory": self.pid_file.mkdir, "fifo": lambda: os.mkfifo(self.pid_file, 0o666)}
        for name, plant in plants.items():
            with self.subTest(name):
                plant()
                self.give(self.pid_file)
                before = harness.tree(self.pid_file.parent)
                self.one_error(self.fork_command(f"--output={self.log}"), 6, str(self.pid_file))
                self.assertEqual(harness.tree(self.pid_file.parent), before)
                self.assertIsNone(self.lock_holder())
                self.pid_file.rmdir() if name == "directory" else self.pid_file.unlink()
        self.assertEqual(target.read_text(), "precious\n")
        self.assertFalse((self.dir / "nowhere").exists())

    def test_questions_about_planted_things_end(self):
        os.mkfifo(self.pid_file, 0o666)
        self.assertIn(self.running().code, (1, 3))
        self.assertEqual(self.stop().code, 0)

    @harness.needs_root
    def test_a_regular_file_of_somebody_else_is_replaced(self):
        """By root: whoever kept it open cannot write into what root's tools read."""
        self.write_pid_file("1\n")
        with open(self.pid_file, "r+b", buffering=0) as theirs:
            result = self.fork_command(f"--output={self.log}", user="root")
            self.assertEqual(result.code, 0, result)
            theirs.write(b"1\n")
            self.assertEqual(self.pid_file.stat().st_uid, 0)
            self.assertEqual(int(self.pid_file.read_text()), self.lock_holder(user="root"))


class Lock(LockCase):
    def test_its_mode_is_0600_whatever_the_umask(self):
        def open_umask():
            os.umask(0)

        self.start_beating(preexec_fn=open_umask)
        self.assertEqual(stat.S_IMODE((self.state / "lock").stat().st_mode), 0o600)

    def test_what_is_no_regular_file_is_refused(self):
        lock = self.state / "lock"
        target = self.give(self.config("precious\n", "target"))
        plants = {"symlink": lambda: lock.symlink_to(target), "directory": lock.mkdir,
                  "dangling": lambda: lock.symlink_to(self.dir / "nowhere"),
                  "fifo": lambda: os.mkfifo(lock, 0o666)}
        for name, plant in plants.items():
            with self.subTest(name):
                plant()
                self.give(lock)
                before = harness.tree(self.state)
                for args in ([], ["--fork", f"--pid-file={self.pid_file}"]):
                    result = self.run_command(*self.common([f"--output={self.log}", *args]))
                    self.one_error(result, 6, f"{lock}: .+")
                self.assertEqual(self.running().out, "")
                self.assertEqual(harness.tree(self.state), before)
                lock.rmdir() if name == "directory" else lock.unlink()
        self.assertEqual(target.read_text(), "precious\n")
        self.assertFalse((self.dir / "nowhere").exists())
        self.assertFalse(self.log.exists(), "nothing was started")

    def test_a_killed_daemon_does_not_hinder_the_next(self):
        for _ in range(3):
            daemon = self.start_beating("--interval=1d")
            daemon.signal(signal.SIGKILL)
            self.assertEqual(daemon.ended(), -signal.SIGKILL)
            self.log.unlink()
            forked = self.fork("--interval=1d")
            forked.signal(signal.SIGKILL)
            forked.ended()
            self.log.unlink()

    def test_of_two_starts_at_once_exactly_one_wins(self):
        for turn in range(20):
            log = self.log.with_name(f"beats{turn}")
            mode = ["--fork", f"--pid-file={self.pid_file}"]
            args = self.common([f"--output={log}", "--interval=1d", *mode])
            processes = [self.spawn(args, stderr=subprocess.PIPE) for _ in range(2)]
            codes = sorted(process.wait(20) for process in processes)
            texts = [process.stderr.read().decode() for process in processes]
            self.assertEqual(codes, [0, 150], texts)
            pid = int(self.pid_file.read_text())
            self.assertIn(f"heartbeatd: already running with pid {pid} (lock {self.state}/lock)\n", texts)
            self.assertEqual(len(self.beats(log)), 1)
            self.assertEqual(harness.ForkedDaemon(pid).stop(), 0)

    @harness.needs_strace
    def test_the_loser_of_two_starts_leaves_the_winners_pid_file_alone(self):
        """The loser made the file and waits before the lock; the winner writes its pid after it."""
        args = self.common(["--fork", f"--output={self.log}", "--interval=1d", f"--pid-file={self.pid_file}"])
        env = harness.without_leak_check()
        lock = self.state / "lock"
        wait = harness.tracing("fcntl,?fcntl64", path=lock, inject="fcntl,?fcntl64:delay_enter=4s")  # which the winner's start may take
        loser = self.spawn(args, wrapper=wait, env=env, stderr=subprocess.DEVNULL)
        harness.wait_until(lock.exists, 10, "the loser is before the lock")
        hang = harness.tracing("write", path=self.log, inject="write:delay_enter=7s")
        winner = self.spawn(args, wrapper=hang, env=env, stderr=subprocess.DEVNULL)
        self.assertEqual((loser.wait(40), winner.wait(40)), (150, 0))
        holder = self.lock_holder()
        self.assertTrue(self.pid_file.exists(), "the winner's pid file is gone")
        self.assertEqual(self.pid_file.read_text(), f"{holder}\n")

    @harness.needs_root
    def test_a_refused_start_by_root_leaves_a_users_pid_file_alone(self):
        """Root would replace the regular file of somebody else, but not before it has the lock."""
        daemon = self.fork("--interval=1d")
        before = harness.tree(self.pid_file.parent)
        result = self.fork_command(f"--output={self.log}", user="root")
        self.one_error(result, 150, f"already running with pid {daemon.pid} ")
        self.assertEqual(harness.tree(self.pid_file.parent), before)

    def test_it_is_held_for_life(self):
        """Through reloads and rotations: such a lock is lost when any descriptor of the file is closed."""
        daemon = self.start_beating("--interval=20ms")
        for turn in range(3):
            os.rename(self.log, self.log.with_name(f"old{turn}"))
            daemon.signal(signal.SIGHUP)
            self.wait_for_beats(3)
            self.assertEqual(self.lock_holder(), daemon.pid)

    @harness.needs_root
    def test_a_holder_in_another_pid_namespace_is_respected(self):
        """It has no pid here that could be named or signalled; the lock holds all the same."""
        daemon = self.start(f"--output={self.log}", user="root")
        self.wait_for_beats(1)
        elsewhere = {"wrapper": ["unshare", "--pid", "--fork", "--kill-child"], "user": "root"}
        start = self.run_command(*self.common([f"--output={self.log}"]), **elsewhere)
        self.one_error(start, 150, rf"already running.*{self.state}/lock")
        self.one_error(self.run_command("--stop", *self.common([]), **elsewhere), 1, f"{self.state}/lock")
        self.wait_for_more_beats(2)
        self.assertEqual(daemon.stop(), 0)

    def test_a_lock_held_by_another_program_is_named(self):
        """Whoever holds it: the start is refused, with that pid."""
        lock = self.state / "lock"
        with open(lock, "wb") as file:
            self.give(lock)
            os.chmod(lock, 0o600)
            fcntl.lockf(file, fcntl.LOCK_EX)
            result = self.run_command(*self.common([f"--output={self.log}"]))
            self.one_error(result, 150, f"already running with pid {os.getpid()} ")
        self.assertFalse(self.log.exists())
