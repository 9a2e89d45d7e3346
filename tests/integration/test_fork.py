# SPDX-License-Identifier: MIT
"""--fork: the steps of daemon(7) as /proc shows them, what the waiting parent reports, --user, Type=forking.

The test process is the subreaper of what it starts, so a daemon's parent is the test, as it would be pid 1.
"""

import contextlib
import fcntl
import os
import re
import resource
import select
import signal
import stat
import subprocess
import termios
import time

import harness
import records


def block_and_ignore():
    """What a careless caller may leave to those it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    for name in "SIGTERM SIGHUP SIGCHLD SIGPIPE SIGUSR1 SIGALRM".split():
        signal.signal(signal.Signals[name], signal.SIG_IGN)


class Steps(harness.Case):
    """daemon(7), one by one."""

    def test_only_the_standard_descriptors_and_its_own_are_open(self):
        inherited = os.open(self.dir, os.O_RDONLY)
        fds = sorted({*range(10, 101, 7), 100})
        for fd in fds:
            os.dup2(inherited, fd)
        daemon = self.fork(pass_fds=[inherited, *fds])
        open_now = harness.proc_fds(daemon.pid)
        self.assertEqual({open_now[fd] for fd in (0, 1, 2)}, {"/dev/null"})
        own = {fd: target for fd, target in open_now.items() if fd > 2}
        needed = {"anon_inode:[timerfd]", "anon_inode:[signalfd]", str(self.log), str(self.pid_file),
                  *(str(self.state / name) for name in ("lock", "pulse", "history"))}
        counters = rf"/proc/{daemon.pid}/schedstat|/sys/fs/cgroup/(.*/)?(cpu|cgroup)\.stat\.local"
        evidence = {target for target in own.values() if re.fullmatch(counters, target)}
        self.assertLessEqual(len(evidence), 3, "of each sort one")
        self.assertEqual(set(own.values()), needed | evidence)
        self.assertEqual(len(own), len(needed | evidence), "each is open once")
        self.assertLess(max(own), 3 + len(own) + 1, "none of the inherited numbers")

    def test_no_inherited_pipe_is_held_open(self):
        """Whoever reads the caller's pipe to its end must not wait for the daemon."""
        read, write = os.pipe()
        self.fork(pass_fds=[write])
        os.close(write)
        self.assertEqual(select.select([read], [], [], 5)[0], [read])
        self.assertEqual(os.read(read, 1), b"")

    @harness.needs_strace
    def test_descriptors_are_closed_by_few_calls_however_high_the_limit(self):
        trace = self.make_directory("trace") / "calls"
        counts = []
        for limit in (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
            def raise_limit(value=limit):
                resource.setrlimit(resource.RLIMIT_NOFILE, (value, value))

            daemon = self.fork(wrapper=harness.tracing("close,close_range", trace), preexec_fn=raise_limit,
                               env=harness.without_leak_check())
            self.wait_for_beats(3)
            counts.append(len(re.findall(r" close(_range)?\(", trace.read_text())))
            daemon.signal(signal.SIGTERM)
            harness.wait_until(lambda pid=daemon.pid: not harness.alive(pid), 10, "the end")
            self.log.unlink()
        self.assertLess(max(counts), 200, "closed one by one")

    @harness.needs_strace
    def test_descriptors_are_closed_on_kernels_without_close_range(self):
        inherited = os.open(self.dir, os.O_RDONLY)
        for fd in (20, 50, 100):
            os.dup2(inherited, fd)
        old_kernel = harness.tracing("close_range", inject="close_range:error=ENOSYS")
        daemon = self.fork(pass_fds=[inherited, 20, 50, 100], wrapper=old_kernel,
                           env=harness.without_leak_check())
        self.assertNotIn(str(self.dir), harness.proc_fds(daemon.pid).values())

    def test_signals_are_as_at_boot(self):
        """Whatever the caller had blocked or ignored: only what the daemon itself waits for is blocked."""
        daemon = self.fork(preexec_fn=block_and_ignore, restore_signals=False)
        status = harness.proc_status(daemon.pid)
        blocked, ignored, caught = (harness.signal_set(status[key]) for key in ("SigBlk", "SigIgn", "SigCgt"))
        self.assertLessEqual(blocked, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCONT})
        self.assertEqual(ignored, {signal.SIGPIPE, signal.SIGXFSZ})
        if not harness.SANITIZED:
            self.assertEqual(caught, set())
        self.assertEqual(daemon.stop(), 0)

    def test_the_environment_is_empty(self):
        daemon = self.fork(env={"SECRET": "hunter2", "WATCHDOG_PID": "1", "LD_BIND_NOW": "1"})
        self.assertEqual(harness.proc_environ(daemon.pid).strip(b"\0"), b"")

    def test_session_and_parent(self):
        daemon = self.fork()
        fields = harness.proc_stat(daemon.pid)
        self.assertEqual(fields["ppid"], str(os.getpid()), "its parent is the subreaper")
        self.assertEqual(fields["tty_nr"], "0")
        self.assertEqual(fields["tpgid"], "-1")
        self.assertNotEqual(fields["session"], str(daemon.pid), "a leader could acquire a terminal")
        self.assertNotEqual(fields["session"], str(os.getsid(0)), "a session of its own")
        self.assertEqual(fields["session"], fields["pgrp"])
        self.assertFalse(harness.alive(int(fields["session"])), "its leader is gone")

    def test_umask_and_working_directory(self):
        daemon = self.fork()
        self.assertEqual(harness.proc_status(daemon.pid)["Umask"], "0027")
        self.assertEqual(os.readlink(f"/proc/{daemon.pid}/cwd"), "/")
        self.assertEqual(stat.S_IMODE(self.log.stat().st_mode), 0o640)

    def test_one_process_with_one_thread_is_left(self):
        daemon = self.fork()
        self.assertEqual(harness.children_of(os.getpid()), [daemon.pid])
        if not harness.SANITIZED:
            self.assertEqual(os.listdir(f"/proc/{daemon.pid}/task"), [str(daemon.pid)])

    def test_relative_paths_are_those_of_the_caller(self):
        self.fork("--output=log/beats", "--state-dir=state", "--pid-file=run/heartbeatd.pid")
        self.wait_for_beats(2)

    def test_standard_descriptors_closed_in_every_combination(self):
        for bits in range(8):
            with self.subTest(closed=[fd for fd in range(3) if bits >> fd & 1]):
                closing = " ".join(f"{fd}>&-" for fd in range(3) if bits >> fd & 1)
                daemon = self.fork("--format=plain", wrapper=["sh", "-c", f'exec "$0" "$@" {closing}'])
                self.assertEqual(self.wait_for_beats(2)[:2], ["heartbeat 1", "heartbeat 2"])
                fds = harness.proc_fds(daemon.pid)
                self.assertEqual([fds[fd] for fd in range(3)], ["/dev/null"] * 3)
                self.assertEqual(daemon.stop(), 0)
                self.log.unlink()

    def test_stop_removes_the_pid_file(self):
        daemon = self.fork()
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(self.pid_file.exists())

    def test_reload_and_rotation_work(self):
        daemon = self.fork()
        self.wait_for_beats(2)
        os.rename(self.log, self.log.with_name("old"))
        daemon.signal(signal.SIGHUP)
        self.wait_for_beats(2)


class PidFile(harness.Case):
    def test_content_and_mode(self):
        def open_umask():
            os.umask(0)

        daemon = self.fork(preexec_fn=open_umask)
        self.assertEqual(self.pid_file.read_bytes(), b"%d\n" % daemon.pid)
        self.assertEqual(stat.S_IMODE(self.pid_file.stat().st_mode), 0o644)
        self.assertEqual(self.lock_holder(), daemon.pid)
        self.assertEqual(os.readlink(f"/proc/{daemon.pid}/exe"), os.path.realpath(self.binary))

    def test_complete_when_the_parent_ends(self):
        """And the first beat is in the file by then: looked at right after the parent's end, many times."""
        for _ in range(20):
            result = self.fork_command(f"--output={self.log}", "--interval=1d")
            content, beats = self.pid_file.read_text(), self.beats()
            self.assertEqual(result.code, 0, result)
            self.assertRegex(content, r"\A[1-9]\d*\n\Z")
            self.assertEqual(len(beats), 1)
            self.assertEqual(harness.ForkedDaemon(int(content)).stop(), 0)
            self.log.unlink()

    def test_the_default_of_an_ordinary_user(self):
        env = {"XDG_RUNTIME_DIR": str(self.pid_file.parent)}
        result = self.run_command("--fork", *self.common([f"--output={self.log}"]), env=env)
        self.assertEqual(result.code, 0, result)
        self.assertEqual(int(self.pid_file.read_text()), self.lock_holder())

    def test_none_without_a_runtime_directory(self):
        result = self.run_command("--fork", *self.common([f"--output={self.log}"]))
        self.assertEqual(result.code, 0, result)
        self.assertEqual(list(self.pid_file.parent.iterdir()), [])
        self.assertTrue(harness.alive(self.lock_holder()))

    @harness.needs_root
    def test_the_default_of_root(self):
        self.private_dev_and_run()
        result = self.run_command("--fork", *self.common([f"--output={self.log}"]), user="root")
        self.assertEqual(result.code, 0, result)
        with open("/run/heartbeatd.pid", encoding="ascii") as file:
            self.assertEqual(int(file.read()), self.lock_holder(user="root"))

    @harness.needs_root
    def test_a_full_disk_fails_the_start(self):
        disk = self.small_disk()
        harness.fill(disk)
        result = self.fork_command(f"--output={self.log}", f"--pid-file={disk}/pid")
        self.one_error(result, 1, f"{disk}/pid: No space left on device")
        self.assertEqual(harness.children_of(os.getpid()), [])
        self.assertFalse((disk / "pid").exists())

    def test_a_directory_that_is_missing_fails_the_start(self):
        missing = self.dir / "none" / "pid"
        self.one_error(self.fork_command(f"--output={self.log}", f"--pid-file={missing}"), 6, str(missing))
        self.assertEqual(harness.children_of(os.getpid()), [])


class ParentReports(harness.Case):
    """The waiting parent prints the child's own line, ends with its code, and leaves no daemon behind."""

    def assert_fails(self, code, pattern, *args, **options):
        result = self.fork_command(*args, **options)
        self.one_error(result, code, pattern)
        self.assert_nothing_left()

    def assert_nothing_left(self):
        def all_gone():
            for pid in harness.children_of(os.getpid()):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            return not harness.children_of(os.getpid())

        harness.wait_until(all_gone, 5, "no daemon is left behind")
        self.assertIsNone(self.lock_holder())
        self.assertIn(self.pid_file.read_text() if self.pid_file.exists() else "", ("",))

    def test_a_bad_config(self):
        path = self.config("[Heartbeat]\nInterval=0\n")
        self.assert_fails(6, rf"{path}:2: Interval: ", f"--config={path}", f"--output={self.log}")

    def test_bad_arguments(self):
        self.assert_fails(2, "--interval", f"--output={self.log}", "--interval=0")

    def test_an_output_in_a_missing_directory(self):
        self.assert_fails(6, f"{self.dir}/none/beats: No such file", f"--output={self.dir}/none/beats")

    @harness.needs_root
    def test_a_full_output_where_the_pulse_takes_no_beat_either(self):
        """The warnings on the state directory come out at the parent, too."""
        self.state_on_a_full_disk()
        result = self.fork_command("--output=/dev/full")
        self.assertEqual((result.code, result.out), (1, ""), result)
        lines = [rf"heartbeatd: {self.state}/{name}: No space left on device; [^\n]*\n"
                 for name in ("history", "pulse")]
        last = "heartbeatd: output /dev/full: No space left on device; nothing took the first beat, the pulse"
        self.assertRegex(result.err, "".join([r"\A", *lines, last, r" neither\n\Z"]))
        self.assert_nothing_left()

    def test_a_full_output_is_a_warning_when_the_pulse_takes_the_beat(self):
        result = self.fork_command("--output=/dev/full")
        self.assertEqual((result.code, result.out), (0, ""), result)
        self.assertRegex(result.err, r"\Aheartbeatd: output /dev/full: No space left on device; [^\n]*\n\Z")
        self.assertEqual(int(records.pulse(self.state)["seq"]), 1)

    def test_a_missing_state_directory(self):
        self.assert_fails(6, f"{self.dir}/none", f"--output={self.log}", f"--state-dir={self.dir}/none")

    @harness.needs_root
    def test_no_privilege(self):
        (self.dir / "roots").mkdir(0o700)
        self.assert_fails(4, f"{self.dir}/roots", f"--output={self.dir}/roots/beats")

    def test_a_held_lock(self):
        daemon = self.fork("--interval=1d")
        before = self.pid_file.read_text()
        result = self.fork_command(f"--output={self.log}")
        self.one_error(result, 150, rf"already running with pid {daemon.pid} \(lock {self.state}/lock\)")
        self.assertEqual(self.pid_file.read_text(), before)
        self.assertEqual(len(self.beats()), 1)
        self.assertEqual(harness.children_of(os.getpid()), [daemon.pid])

    def test_warnings_until_ready_come_out_at_the_parent(self):
        result = self.fork_command(f"--output={self.log}", "--output=/dev/full")
        self.assertEqual((result.code, result.out), (0, ""), result)
        self.assertRegex(result.err, r"\Aheartbeatd: output /dev/full: No space left on device; [^\n]*\n\Z")

    @harness.needs_strace
    def test_a_child_killed_without_a_word(self):
        """SIGKILL comes as it opens the log."""
        inject = harness.tracing("open,openat", path=self.log, inject="open,openat:signal=KILL")
        result = self.fork_command(f"--output={self.log}", wrapper=inject, env=harness.without_leak_check())
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err, r"\Aheartbeatd: [^\n]+\n\Z", "a line of its own")
        self.assert_nothing_left()

    @harness.needs_strace
    def test_a_parent_killed_while_it_waits_leaves_no_daemon(self):
        """The first beat hangs in strace; the parent is killed; nothing may remain once the hang is over."""
        hang = harness.tracing("open,openat", path=self.log, inject="open,openat:delay_enter=2s")
        args = self.common(["--fork", f"--output={self.log}", "--interval=1d", f"--pid-file={self.pid_file}"])
        self.spawn(args, wrapper=hang, stderr=subprocess.DEVNULL, env=harness.without_leak_check())
        holder = harness.wait_until(self.lock_holder, 10, "a child with the lock")
        parent = self.waiting_parent(holder)
        os.kill(parent, signal.SIGKILL)
        harness.wait_until(lambda: self.lock_holder() is None, 15, "the child gives up")

    @harness.needs_strace
    def test_an_interrupted_parent_leaves_no_daemon(self):
        """Ctrl-C while the first beat hangs: what the caller took for a failed start must not go on."""
        terminal = self.terminal()
        slow = harness.tracing("open,openat", path=self.log, inject="open,openat:delay_enter=2s")
        args = self.common(["--fork", f"--output={self.log}", "--interval=1d", f"--pid-file={self.pid_file}"])
        process = self.start_on_terminal(terminal, args, wrapper=slow, env=harness.without_leak_check())
        harness.wait_until(self.lock_holder, 10, "a child with the lock")
        os.write(terminal.master, b"\x03")
        self.assertNotEqual(process.wait(10), 0)
        harness.wait_until(lambda: self.lock_holder() is None, 15, "the child gives up")

    def waiting_parent(self, child):
        """The process of this binary that is not the child."""
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with contextlib.suppress(OSError):
                if pid != child and os.path.samefile(f"/proc/{pid}/exe", self.binary) and \
                        str(self.state).encode() in harness.proc(pid, "cmdline").read_bytes():
                    return pid
        raise AssertionError("no waiting parent")


class NoAnswer(harness.Case):
    """In a class of its own for its time limit: the parent waits for 30 seconds."""

    time_limit = 180

    @harness.needs_strace
    def test_a_child_without_an_answer_is_ended_after_30_seconds(self):
        """It stops itself, by a signal that comes as it opens the log."""
        stop = harness.tracing("open,openat", path=self.log, inject="open,openat:signal=STOP")
        args = self.common(["--fork", f"--output={self.log}", f"--pid-file={self.pid_file}"])
        started = time.monotonic()
        parent = self.spawn(args, stderr=subprocess.PIPE, wrapper=stop, env=harness.without_leak_check())
        holder = harness.wait_until(self.lock_holder, 15, "a child with the lock")
        err = self.first_word(parent.stderr, 50)
        self.assertGreater(time.monotonic() - started, 29)
        self.assertRegex(err, r"\Aheartbeatd: .*30 s.*\n\Z")
        harness.wait_until(lambda: not harness.alive(holder), 10, "the child is ended")
        self.assertEqual(parent.wait(10), 1)
        self.assertIsNone(self.lock_holder())
        self.assertFalse(self.pid_file.exists() and self.pid_file.read_text())

    def first_word(self, file, seconds):
        """The first line that is not of the tracer, which has something to say on killed processes."""
        lines = []

        def said():
            if select.select([file], [], [], 0)[0]:
                lines.append(file.readline().decode())
            return next((line for line in lines if not line.startswith("strace: ")), None)

        return harness.wait_until(said, seconds, "a word")


class FromTerminal(harness.Case):
    def arguments(self):
        return self.common(["--fork", f"--pid-file={self.pid_file}", f"--output={self.log}",
                            "--interval=50ms"])

    def fork_on_terminal(self, terminal, *args):
        process = self.start_on_terminal(terminal, [*self.arguments(), *args])
        self.assertEqual(process.wait(15), 0, terminal.read())
        return harness.ForkedDaemon(int(self.pid_file.read_text()))

    def test_it_outlives_its_terminal(self):
        terminal = self.terminal()
        daemon = self.fork_on_terminal(terminal)
        self.assertNotIn(terminal.path, harness.proc_fds(daemon.pid).values())
        terminal.close()
        self.wait_for_more_beats(5)
        self.assertTrue(harness.alive(daemon.pid))
        self.assertEqual(daemon.stop(), 0)

    def test_signals_of_the_terminal_do_not_reach_it(self):
        """SIGINT, SIGQUIT and SIGTSTP by their keys, SIGHUP by the shell's end."""
        terminal = self.terminal()
        shell = self.start_shell(terminal)
        daemon = harness.wait_until(self.daemon_with_a_beat, 15, lambda: f"the daemon; {terminal.read()}")
        for key in (b"\x03", b"\x1c", b"\x1a"):
            os.write(terminal.master, key)
            self.wait_for_more_beats(3)
        os.kill(shell.pid, signal.SIGKILL)
        shell.wait()
        terminal.close()
        self.wait_for_more_beats(5)
        self.assertEqual(daemon.stop(), 0)

    def start_shell(self, terminal):
        """A shell that starts the daemon and keeps the terminal."""
        script = 'trap "" INT QUIT TSTP; "$@"; echo started; read never'

        def take_terminal():
            fcntl.ioctl(terminal.slave, termios.TIOCSCTTY, 0)

        command = ["sh", "-c", script, "sh", self.binary, *self.arguments()]
        return subprocess.Popen(command, stdin=terminal.slave, stdout=terminal.slave, stderr=terminal.slave,
                                start_new_session=True,
                                preexec_fn=take_terminal, env=self.environment(), **self.identity(None))

    def daemon_with_a_beat(self):
        if self.beats() and self.pid_file.exists() and self.pid_file.read_text():
            return harness.ForkedDaemon(int(self.pid_file.read_text()))
        return None

    def test_a_terminal_as_output_does_not_become_its_own(self):
        """O_NOCTTY, and no session leader: twice safe."""
        terminal = self.terminal()
        self.give(terminal.path)
        daemon = self.fork(f"--output={terminal.path}", f"--output={self.log}")
        harness.wait_until(lambda: "heartbeat" in terminal.read(), 10, "beats on the terminal")
        self.assertEqual(harness.proc_stat(daemon.pid)["tty_nr"], "0")
        terminal.close()
        self.wait_for_more_beats(3)
        self.assertEqual(daemon.stop(), 0)


class Tutorial(harness.Case):
    def test_the_tutorials_program(self):
        """Its command line, with the paths inside this test's directory and more beats than one."""
        terminal = self.terminal()
        log = self.log.with_name("dameon.log")
        args = self.common(["--fork", f"--output={log}", "--format=plain", "--message=I am Dameon"])
        process = self.start_on_terminal(terminal, [*args, f"--pid-file={self.pid_file}", "--interval=50ms"])
        self.assertEqual(process.wait(15), 0, terminal.read())
        terminal.close()
        self.wait_for_beats(5, log)
        daemon = harness.ForkedDaemon(int(self.pid_file.read_text()))
        self.assertEqual(harness.proc_stat(daemon.pid)["ppid"], str(os.getpid()))
        self.assertEqual(harness.proc_stat(daemon.pid)["tty_nr"], "0")
        self.assertEqual(daemon.stop(), 0)
        content = log.read_bytes()
        self.assertEqual(content, b"I am Dameon\n" * (len(content) // 12))

    @harness.needs_root
    def test_the_tutorials_command_line_word_for_word(self):
        """As root, where every default is what the manual says, in a private /tmp, /run and /var."""
        self.private_dev_and_run()
        tmp, binary = self.dir / "bin", self.dir / "bin" / "heartbeatd"
        tmp.mkdir()
        harness.shutil.copy(self.binary, binary)
        self.binary = str(binary)
        keep = os.open(self.dir, os.O_PATH)
        self.addCleanup(os.close, keep)
        self.mount_tmpfs("/var")
        for path in ("/var/lib", "/var/log"):
            os.mkdir(path)
        result = self.run_command("--fork", "--output=/var/log/dameon.log", "--format=plain",
                                  "--message=I am Dameon", user="root")
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
        with open("/var/log/dameon.log", "rb") as file:
            self.assertEqual(file.read(), b"I am Dameon\n")
        self.assertEqual(stat.S_IMODE(os.stat("/var/lib/heartbeatd").st_mode), 0o755)
        self.assertEqual(self.run_command("--stop", user="root").code, 0)
        self.assertFalse(os.path.exists("/run/heartbeatd.pid"))

    @harness.needs_root
    def test_the_default_log_of_root(self):
        self.private_dev_and_run()
        self.mount_tmpfs("/var")
        for path in ("/var/lib", "/var/log"):
            os.mkdir(path)
        result = self.run_command("--fork", user="root")
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
        self.assertEqual(stat.S_IMODE(os.stat("/var/log/heartbeatd").st_mode), 0o750)
        self.wait_for_beats(1, "/var/log/heartbeatd/heartbeat.log")
        self.assertEqual(self.run_command("--stop", user="root").code, 0)


class User(harness.Case):
    """--user: root drops its privileges for good."""

    def fork_as_nobody(self, *args):
        return self.fork("--user=nobody", *args, user="root")

    @harness.needs_root
    def test_privileges_are_dropped_for_good(self):
        daemon = self.fork_as_nobody()
        status = harness.proc_status(daemon.pid)
        nobody = harness.NOBODY
        self.assertEqual(status["Uid"].split(), [str(nobody.pw_uid)] * 4)
        self.assertEqual(status["Gid"].split(), [str(nobody.pw_gid)] * 4)
        groups = set(map(str, os.getgrouplist("nobody", nobody.pw_gid)))
        self.assertLessEqual(set(status["Groups"].split()), groups)
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        info = self.log.stat()
        self.assertEqual((info.st_uid, info.st_gid), (nobody.pw_uid, nobody.pw_gid))

    @harness.needs_root
    def test_the_pid_file_stays_roots_and_is_emptied(self):
        os.chown(self.pid_file.parent, 0, 0)
        daemon = self.fork_as_nobody()
        self.assertEqual(self.pid_file.stat().st_uid, 0)
        self.assertEqual(stat.S_IMODE(self.pid_file.stat().st_mode), 0o644)
        self.assertEqual(self.pid_file.read_text(), f"{daemon.pid}\n")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.pid_file.read_bytes(), b"")
        result = self.run_command("--running", *self.common([f"--pid-file={self.pid_file}"]), user="root")
        self.assertEqual(result.code, 3, "empty counts as absent")

    @harness.needs_root
    def test_an_existing_state_directory_is_not_chowned(self):
        os.chown(self.state, 0, 0)
        result = self.fork_command("--user=nobody", f"--output={self.log}", user="root")
        self.one_error(result, 4, f"{self.state}")
        self.assertEqual(self.state.stat().st_uid, 0)

    @harness.needs_root
    def test_outputs_are_opened_as_the_user(self):
        os.chown(self.log.parent, 0, 0)
        self.log.parent.chmod(0o700)
        result = self.fork_command("--user=nobody", f"--output={self.log}", user="root")
        self.one_error(result, 4, str(self.log))

    @harness.needs_root
    def test_the_config_is_read_as_the_user(self):
        path = self.config("[Heartbeat]\nInterval=1s\n")
        path.chmod(0o600)
        result = self.fork_command("--user=nobody", f"--config={path}", f"--output={self.log}", user="root")
        self.one_error(result, 6, str(path))

    @harness.needs_root
    def test_missing_default_directories_are_made_for_the_user(self):
        self.private_dev_and_run()
        self.mount_tmpfs("/var")
        for path in ("/var/lib", "/var/log"):
            os.mkdir(path)
        result = self.run_command("--fork", "--user=nobody", user="root")
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
        for path, mode in (("/var/lib/heartbeatd", 0o755), ("/var/log/heartbeatd", 0o750)):
            info = os.stat(path)
            self.assertEqual((info.st_uid, stat.S_IMODE(info.st_mode)), (harness.NOBODY.pw_uid, mode), path)
        self.wait_for_beats(1, "/var/log/heartbeatd/heartbeat.log")
        self.assertEqual(self.run_command("--stop", user="root").code, 0)

    @harness.needs_root
    def test_a_failed_start_empties_or_removes_the_pid_file(self):
        result = self.fork_command("--user=nobody", f"--output={self.dir}/none/x", user="root")
        self.one_error(result, 6, "none/x")
        self.assertEqual(self.pid_file.read_bytes() if self.pid_file.exists() else b"", b"")

    @harness.needs_root
    def test_the_user_keeps_working_after_rotation(self):
        daemon = self.fork_as_nobody()
        self.wait_for_beats(2)
        os.rename(self.log, self.log.with_name("old"))
        self.wait_for_beats(2)
        self.assertEqual(daemon.stop(), 0)


class TypeForking(harness.Case):
    """What systemd sets for Type=forking: WATCHDOG_PID names the process that it executed."""

    EXECUTED = ["sh", "-c", 'WATCHDOG_PID=$$; export WATCHDOG_PID; exec "$0" "$@"']

    def env(self, notify, usec):
        return {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": str(usec)}

    def test_the_watchdog_is_fed_and_ready_never_said(self):
        notify = self.notify_socket()
        daemon = self.fork("--interval=300ms", wrapper=self.EXECUTED, env=self.env(notify, 2_000_000))
        harness.wait_until(lambda: notify.count("WATCHDOG=1") >= 3, 15, "three times WATCHDOG=1")
        self.assertEqual(daemon.stop(), 0)
        notify.wait_for("^STOPPING=1$")
        self.assertEqual(notify.count("READY=1"), 0)

    def test_a_watchdog_shorter_than_the_interval_is_fed(self):
        notify = self.notify_socket()
        self.fork("--interval=20s", wrapper=self.EXECUTED, env=self.env(notify, 1_000_000))
        harness.wait_until(lambda: notify.count("WATCHDOG=1") >= 4, 15, "four times WATCHDOG=1")

    def test_nothing_is_said_before_the_parent_has_ended(self):
        """Messages that come before the manager read the pid file are refused: the first beat sends none."""
        for _ in range(5):
            notify = self.notify_socket(self.dir / f"notify{time.monotonic_ns()}", reading=False)
            daemon = self.fork("--interval=1d", wrapper=self.EXECUTED, env=self.env(notify, 3_600_000_000))
            self.assertEqual(notify.drain(), [])
            self.assertEqual(daemon.stop(), 0)
            self.log.unlink()

    def test_the_first_message_goes_with_the_second_beat(self):
        notify = self.notify_socket()
        self.fork("--interval=500ms", wrapper=self.EXECUTED, env=self.env(notify, 60_000_000))
        first = notify.wait_for("WATCHDOG=1")
        self.assertRegex(first, r"(?m)^STATUS=[2-9] beats, last at ")

    def test_by_systemd_exec_pid_without_a_watchdog(self):
        notify = self.notify_socket()
        wrapper = ["sh", "-c", 'SYSTEMD_EXEC_PID=$$; export SYSTEMD_EXEC_PID; exec "$0" "$@"']
        self.fork("--interval=200ms", wrapper=wrapper, env={"NOTIFY_SOCKET": notify.address})
        notify.wait_for("^STATUS=")
        self.assertEqual(notify.count("READY=1"), 0)

    def test_a_notify_socket_meant_for_somebody_else_is_ignored(self):
        for more in ({"WATCHDOG_PID": str(os.getpid()), "WATCHDOG_USEC": "200000"}, {},
                     {"WATCHDOG_PID": "garbage", "WATCHDOG_USEC": "200000"},
                     {"SYSTEMD_EXEC_PID": str(os.getpid())}):
            with self.subTest(more):
                notify = self.notify_socket(self.dir / f"notify{time.monotonic_ns()}")
                daemon = self.fork(env={"NOTIFY_SOCKET": notify.address, **more})
                self.wait_for_beats(15)
                self.assertEqual(daemon.stop(), 0)
                self.assertEqual(notify.texts(), [])
                self.log.unlink()

    def test_a_reload_is_not_told(self):
        """RELOADING=1 would have to be followed by READY=1, which is never said here."""
        notify = self.notify_socket()
        daemon = self.fork("--interval=200ms", wrapper=self.EXECUTED, env=self.env(notify, 60_000_000))
        notify.wait_for("WATCHDOG=1")
        daemon.signal(signal.SIGHUP)
        before = len(notify.received)
        notify.wait_for("WATCHDOG=1", after=before + 1)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(notify.count("RELOADING=1") + notify.count("READY=1"), 0)
