# SPDX-License-Identifier: MIT
"""What every integration test stands on: starting the daemon, looking at it, and leaving nothing behind.

`Case` gives each test a directory of its own and makes the test process the subreaper of all it starts, so
that a daemon that forked itself away becomes its child again; at the end every child is ended, by its pid.
Run as root, a test starts the daemon as `nobody` unless it says `user="root"`. The environment the daemon
gets holds nothing that the test did not put there, except the sanitizers' own options. The binary is
$HEARTBEATD; HEARTBEATD_SANITIZED=1 says that it was built with the sanitizers.
"""

import array
import contextlib
import ctypes
import datetime
import errno
import fcntl
import functools
import hashlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("HEARTBEATD_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BINARY = os.environ.get("HEARTBEATD", str(SOURCE / "build/src/heartbeatd"))
SANITIZED = os.environ.get("HEARTBEATD_SANITIZED", "") == "1"
ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")

PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18

RUN_SECONDS = 20  # no command that ends by itself may take longer
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
WARNING = rf"{TIMESTAMP} gap: "  # begins the line that tells of a gap

libc = ctypes.CDLL(None, use_errno=True)


MUSL = b"/ld-musl-" in pathlib.Path(BINARY).read_bytes() if os.path.exists(BINARY) else False
WORDS_OF_MUSL = {errno.ELOOP: "Symbolic link loop", errno.EIO: "I/O error"}  # where it differs from glibc


def words_of(number):
    """What the binary's C library calls an errno."""
    return MUSL and WORDS_OF_MUSL.get(number) or os.strerror(number)


def wait_until(condition, seconds, what):
    """Polls until `condition()` is true and returns its value; fails with `what` after `seconds`.

    A file that the condition wants to read and that is not there, or not any more, is waited for, too."""
    deadline = time.monotonic() + seconds
    while True:
        value = None
        with contextlib.suppress(FileNotFoundError):
            value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.005)


def hold(condition, seconds, what):
    """Fails as soon as `condition()` is false at any time during `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f"no longer true: {what}")
        time.sleep(0.02)


def needs_root(test):
    return unittest.skipUnless(ROOT, "needs root")(test)


def needs_strace(test):
    return unittest.skipUnless(shutil.which("strace"), "needs strace")(test)


# What /proc says of a process.


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}")


def proc_status(pid):
    lines = proc(pid, "status").read_text().splitlines()
    return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}


def proc_stat(pid):
    """The fields of /proc/PID/stat after the name, under the names of proc(5)."""
    names = "state ppid pgrp session tty_nr tpgid".split()
    return dict(zip(names, proc(pid, "stat").read_text().rpartition(")")[2].split()))


def proc_fds(pid):
    """Descriptor number to what it is open on."""
    found = {}
    for entry in proc(pid, "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(entry.name)] = os.readlink(entry)
    return found


def proc_fd_flags(pid, path):
    """The open flags of the descriptors that `pid` has on `path`."""
    flags = []
    for fd, target in proc_fds(pid).items():
        if target == str(path):
            text = proc(pid, f"fdinfo/{fd}").read_text()
            flags.append(int(re.search(r"^flags:\s+(\d+)", text, re.M)[1], 8))
    return flags


def proc_environ(pid):
    return proc(pid, "environ").read_bytes()


def signal_set(mask):
    """Signal numbers of a mask as /proc/PID/status writes it."""
    return {number + 1 for number in range(64) if int(mask, 16) >> number & 1}


def alive(pid):
    """Whether `pid` is there and not a zombie."""
    try:
        return proc_stat(pid)["state"] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def state_of(pid):
    return proc_stat(pid)["state"]


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int(proc_stat(entry.name)["ppid"]) == pid:
                    found.append(int(entry.name))
    return found


def end_children():
    """Ends every child of this process, and what they leave to us as their subreaper.

    All of them before any is waited for: a child under a tracer that was not ended yet stays as it is."""
    deadline = time.monotonic() + 10
    while children := children_of(os.getpid()):
        for pid in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() > deadline:
            raise AssertionError(f"cannot be ended: {children}")
        time.sleep(0.002)


# Files.


def tree(directory):
    """What lies in a directory: kind, mode, owner and content of everything in it."""
    found = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        info = path.lstat()
        content = ""
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        found[str(path)] = (info.st_mode, info.st_uid, info.st_mtime_ns, content)
    return found


def moment(text):
    """Microseconds since the epoch of an RFC 3339 timestamp as the daemon writes it."""
    parsed = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return round(parsed.timestamp() * 1000) * 1000


def lines_of(path):
    """The complete lines in a file that may not be there yet."""
    try:
        content = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return []
    return content.decode(errors="replace").split("\n")[:-1]


def fill(disk):
    """Leaves no page free on a disk; what is to be removed to make room again."""
    filler = pathlib.Path(disk) / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    return filler


def free_pid():
    """The pid of a process that is gone."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


# Mounts, in a namespace that ends with the test's process.


def check_libc(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [None if value is None else os.fsencode(value) for value in (source, target, kind, options)]
    check_libc(libc.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]), f"mount {target}")


def umount(target):
    check_libc(libc.umount2(os.fsencode(target), 2), f"umount {target}")


PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207


def hang(pid):
    """Makes a child hang as in a system call that never returns: no signal reaches it but SIGKILL."""
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        check_libc(libc.ptrace(request, pid, None, None), "ptrace")
    wait_until(lambda: state_of(pid) == "t", 5, "the child hangs")


class NotifySocket:
    """The manager's end of $NOTIFY_SOCKET. Datagrams are read as they come unless `reading` is false."""

    def __init__(self, address, reading=True):
        self.address = str(address)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.address[1:] if self.address.startswith("@") else self.address)
        if not self.address.startswith("@"):
            os.chmod(self.address, 0o666)
        self.received = []  # (monotonic seconds, text)
        if reading:
            threading.Thread(target=self.read_all, daemon=True).start()

    def read_all(self):
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except OSError:
                return
            self.received.append((time.monotonic(), text))

    def drain(self):
        """What lies in the queue, for a socket that is not read as it fills."""
        texts = []
        with contextlib.suppress(BlockingIOError):
            while True:
                texts.append(self.socket.recv(65536, socket.MSG_DONTWAIT).decode())
        return texts

    def texts(self):
        return [text for _, text in list(self.received)]

    def count(self, assignment):
        return sum(assignment in text.split("\n") for text in self.texts())

    def times(self, assignment):
        return [when for when, text in list(self.received) if assignment in text.split("\n")]

    def wait_for(self, pattern, seconds=10, after=0):
        """The first datagram, from number `after` on, that the regular expression is found in."""

        def found():
            return next((t for t in self.texts()[after:] if re.search(pattern, t, re.M)), None)

        return wait_until(found, seconds, lambda: f"a datagram with {pattern}; came: {self.texts()}")

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Terminal:
    """A pseudo-terminal: `slave` for the daemon, what it writes there in `read()`."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        self.path = os.ttyname(self.slave)
        os.set_blocking(self.master, False)
        self.content = b""

    def read(self):
        with contextlib.suppress(BlockingIOError, OSError):
            while chunk := os.read(self.master, 65536):
                self.content += chunk
        return self.content.decode(errors="replace").replace("\r\n", "\n")

    def close_slave(self):
        if self.slave is not None:
            os.close(self.slave)
            self.slave = None

    def close(self):
        """Hangs up, as when a terminal's window is closed."""
        self.close_slave()
        if self.master is not None:
            os.close(self.master)
            self.master = None


class Daemon:
    """A daemon in the foreground. `stdout` and `stderr` are the files that take what it writes there."""

    def __init__(self, case, process, stdout, stderr):
        self.case = case
        self.process = process
        self.pid = process.pid
        self.stdout = stdout
        self.stderr = stderr

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends it, however the block was left."""
        self.process.kill()
        self.process.wait()

    def words(self):
        return lines_of(self.stderr)

    def wait_for_words(self, pattern, seconds=10, times=1):
        def found():
            lines = [line for line in self.words() if re.search(pattern, line)]
            return lines if len(lines) >= times else None

        return wait_until(found, seconds, lambda: f"{pattern} on stderr; there is {self.words()}")[times - 1]

    def signal(self, number):
        os.kill(self.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)
        wait_until(lambda: state_of(self.pid) == "T", 5, "the daemon is stopped")

    def ended(self, seconds=10):
        """Its exit code; a signal's number negative."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"pid {self.pid} has not ended within {seconds} s") from None

    def stop(self, seconds=10):
        self.signal(signal.SIGTERM)
        return self.ended(seconds)


class ForkedDaemon:
    """A daemon started with --fork: a child of this process, its subreaper."""

    def __init__(self, pid):
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def pause(self):
        self.signal(signal.SIGSTOP)
        wait_until(lambda: state_of(self.pid) == "T", 5, "the daemon is stopped")

    def ended(self, seconds=10):
        status = []

        def reaped():
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            status.append(code)
            return pid

        wait_until(reaped, seconds, f"pid {self.pid} ends")
        return os.waitstatus_to_exitcode(status[-1])

    def stop(self, seconds=10):
        self.signal(signal.SIGTERM)
        return self.ended(seconds)


def tracing(trace, output="/dev/null", path=None, inject=None):
    """A wrapper that runs the binary under strace, which stands aside so that the binary is our child."""
    command = ["strace", "-D", "-q", "-q", "-f", "-o", str(output), "-e", f"trace={trace}"]
    if path:
        command += ["-P", str(path)]
    if inject:
        command += ["-e", f"inject={inject}"]
    return command


def without_leak_check():
    """The environment for a sanitizer that is not to look for leaks at the end: it traces its own process for
    that, which fails under another tracer, and hangs when SIGCONT comes meanwhile."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"} if SANITIZED else {}


class Result:
    """How a command that ended by itself ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\nstdout {self.out!r}\nstderr {self.err!r}"


@functools.cache
def reachable_by_nobody():
    """Whether an unprivileged user can execute the binary where it lies."""
    path = pathlib.Path(BINARY).resolve()
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in [path, *path.parents])


class Case(unittest.TestCase):
    time_limit = 180  # of what takes seconds, on a machine that has much else to do
    state_dir_in_config = False  # a test sets this when its config file is to name the state directory

    def setUp(self):
        self.assertTrue(os.access(BINARY, os.X_OK), f"no program at {BINARY}: set HEARTBEATD, or build it")
        self.limit_time()
        check_libc(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="heartbeatd-test-"))
        self.dir.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(end_children)
        self.state = self.make_directory("state")
        self.home = self.make_directory("home")
        self.log = self.make_directory("log") / "beats"
        self.pid_file = self.make_directory("run", 0o755 if ROOT else 0o700) / "heartbeatd.pid"
        self.binary = BINARY
        if ROOT and not reachable_by_nobody():
            self.binary = str(shutil.copy(BINARY, self.dir / "heartbeatd"))
            os.chmod(self.binary, 0o755)

    def limit_time(self):
        """Ends the test from inside, cleanups and all, a little before the runner kills it."""

        def too_slow(*_):
            self.doCleanups()
            raise KeyboardInterrupt("the test took too long")  # what no `with self.subTest()` catches

        signal.signal(signal.SIGALRM, too_slow)
        signal.alarm(max(self.time_limit - 5, 5))
        self.addCleanup(signal.alarm, 0)

    def make_directory(self, name, mode=0o755):
        """A directory that belongs to whom the daemon runs as."""
        path = self.dir / name
        path.mkdir()
        path.chmod(mode)
        self.give(path)
        return path

    def give(self, path):
        if ROOT:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
        return path

    def config(self, text, name="heartbeatd.conf"):
        path = self.dir / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def environment(self, extra=None):
        environment = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
        environment.update(PATH=os.environ.get("PATH", "/usr/bin:/bin"), HOME=str(self.home))
        environment.update(extra or {})
        return environment

    @staticmethod
    def identity(user):
        """The arguments for subprocess that make the child `user`; None: unprivileged."""
        if not ROOT or user == "root":
            return {}
        return {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}

    def spawn(self, args, *, env=None, user=None, wrapper=(), **options):
        command = [*map(str, wrapper), self.binary, *map(str, args)]
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("cwd", self.dir)
        return subprocess.Popen(command, env=self.environment(env), **self.identity(user), **options)

    def run_command(self, *args, seconds=RUN_SECONDS, **options):
        """Runs the binary with exactly these arguments to its end, whoever may still hold its stdout then."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.spawn(args, stdout=out, stderr=err, **options)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{args} has not ended within {seconds} s") from None
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        return Result(process.returncode, *texts)

    def common(self, args):
        """The arguments that keep a daemon inside the test's directory."""
        given = [str(arg) for arg in args]
        common = []
        if not any(arg.startswith("--config") for arg in given):
            common.append("--config=/dev/null")
        if not any(arg.startswith("--state-dir") for arg in given) and not self.state_dir_in_config:
            common.append(f"--state-dir={self.state}")
        return [*common, *given]

    def start(self, *args, stdout=None, stderr=None, **options):
        """Starts a daemon in the foreground: with a fast interval unless these arguments may hold one."""
        has_interval = any(str(arg).startswith(("--interval", "--config")) for arg in args)
        args = self.common(args) + ([] if has_interval else ["--interval=100ms"])
        number = len(list(self.dir.glob("stdout.*")))
        out, err = self.dir / f"stdout.{number}", self.dir / f"stderr.{number}"
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            process = self.spawn(args, stdout=stdout or out_file, stderr=stderr or err_file, **options)
        return Daemon(self, process, out, err)

    def start_beating(self, *args, **options):
        """Starts a daemon in the foreground that writes to self.log, and waits for its first beat."""
        daemon = self.start(f"--output={self.log}", *args, **options)
        self.wait_for_beats(1, daemon=daemon)
        return daemon

    def fork_command(self, *args, **options):
        """Runs --fork with these arguments; the waiting parent's result."""
        args = self.common(args)
        if not any(arg.startswith("--pid-file") for arg in args):
            args.append(f"--pid-file={self.pid_file}")
        return self.run_command("--fork", *args, **options)

    def fork(self, *args, **options):
        """Starts a daemon by --fork that writes to self.log, and finds it by its pid file."""
        args = [str(arg) for arg in args]
        if not any(arg.startswith("--output") for arg in args):
            args.append(f"--output={self.log}")
        if not any(arg.startswith("--interval") for arg in args):
            args.append("--interval=100ms")
        result = self.fork_command(*args, **options)
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)
        return ForkedDaemon(int(self.pid_file.read_text()))

    def beats(self, path=None):
        """The messages in a file. A machine that is slow for a moment makes a gap at any time, which is told
        on a line of its own: see warnings()."""
        return [line for line in lines_of(path or self.log) if not re.match(WARNING, line)]

    def warnings(self, path=None):
        return [line for line in lines_of(path or self.log) if re.match(WARNING, line)]

    def wait_for_beats(self, count, path=None, seconds=15, daemon=None):
        """Waits until there are `count` beats in the file, and returns them."""

        def enough():
            beats = self.beats(path)
            return beats if len(beats) >= count else None

        def what():
            words = f"; it said {daemon.words()}" if daemon else ""
            return f"{count} beats in {path or self.log}, there are {len(self.beats(path))}{words}"

        return wait_until(enough, seconds, what)

    def wait_for_more_beats(self, count=2, path=None, seconds=15):
        return self.wait_for_beats(len(self.beats(path)) + count, path, seconds)

    def one_error(self, result, code, pattern):
        """Asserts a refused command: this exit code, nothing on stdout, one line that matches on stderr."""
        self.assertEqual(result.code, code, result)
        self.assertEqual(result.out, "", result)
        self.assertRegex(result.err, r"\Aheartbeatd: [^\n]*\n\Z", result)
        self.assertRegex(result.err, pattern, result)

    def lock_holder(self, *args, **options):
        """What --running prints, as a number; None when it says that none runs."""
        result = self.run_command("--running", *self.common(args), **options)
        return int(result.out) if result.code == 0 else None

    # Root's private world.

    def private_mounts(self):
        """From here on, what this process mounts is seen by it and its children only."""
        if not ROOT:
            self.skipTest("needs root")
        check_libc(libc.unshare(CLONE_NEWNS), "unshare")
        mount("none", "/", flags=MS_REC | MS_PRIVATE)

    def private_host_name(self):
        """From here on, the host name is that of this process and its children only."""
        if not ROOT:
            self.skipTest("needs root")
        check_libc(libc.unshare(CLONE_NEWUTS), "unshare")

    def mount_tmpfs(self, path, options="mode=755"):
        pathlib.Path(path).mkdir(exist_ok=True)
        mount("tmpfs", path, "tmpfs", 0, options)
        self.addCleanup(umount, path)
        return pathlib.Path(path)

    def small_disk(self, kilobytes=64, name="disk"):
        """A directory on a file system of its own, of this size."""
        self.private_mounts()
        return self.give(self.mount_tmpfs(self.dir / name, f"size={kilobytes}k,mode=755"))

    def state_on_a_full_disk(self):
        """From here on the state directory takes nothing: no pulse, and so no beat. What is to be removed to
        make room there."""
        self.state = self.small_disk(name="full")
        return fill(self.state)

    def private_dev_and_run(self):
        """An empty /run, and a /dev with nothing in it but the devices everything needs: no log sockets."""
        self.private_mounts()
        self.mount_tmpfs("/run")
        real = self.make_directory("real-dev")
        mount("/dev", real, flags=MS_BIND | MS_REC)
        self.addCleanup(umount, real)
        self.mount_tmpfs("/dev")
        for name in "null zero full random urandom tty ptmx".split():
            pathlib.Path("/dev", name).touch()
            mount(real / name, f"/dev/{name}", flags=MS_BIND)
        os.mkdir("/dev/pts")
        mount(real / "pts", "/dev/pts", flags=MS_BIND | MS_REC)
        os.symlink("/proc/self/fd", "/dev/fd")

    def log_socket(self, path, reading=True):
        """A datagram socket bound at `path`, as a log daemon has it."""
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        server.bind(str(path))
        os.chmod(path, 0o666)
        self.addCleanup(server.close)
        return LogReader(server) if reading else server

    def notify_socket(self, address=None, **options):
        if not has_libsystemd():
            self.skipTest("needs libsystemd in the binary")
        notify = NotifySocket(address or self.dir / "notify", **options)
        self.addCleanup(notify.close)
        return notify

    def terminal(self):
        terminal = Terminal()
        self.addCleanup(terminal.close)
        return terminal

    def start_on_terminal(self, terminal, args, **options):
        """Starts the binary as the leader of a session whose terminal this is."""

        def take_terminal():
            fcntl.ioctl(terminal.slave, termios.TIOCSCTTY, 0)

        ends = {name: options.pop(name, terminal.slave) for name in ("stdin", "stdout", "stderr")}
        return self.spawn(args, start_new_session=True, preexec_fn=take_terminal, **ends, **options)


class LogReader:
    """Collects what comes to a log socket, the content of a passed memory file included."""

    def __init__(self, server):
        self.server = server
        self.received = []
        threading.Thread(target=self.read_all, daemon=True).start()

    def read_all(self):
        while True:
            try:
                data, control, _, _ = self.server.recvmsg(65536, 256)
            except OSError:
                return
            self.received.append(data or self.passed_content(control))

    @staticmethod
    def passed_content(control):
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fd = array.array("i", data)[0]
                with os.fdopen(fd, "rb") as file:
                    file.seek(0)
                    return file.read()
        return b""

    def wait_for(self, count, seconds=10):
        return wait_until(lambda: self.received[:] if len(self.received) >= count else None, seconds,
                          lambda: f"{count} log messages, there are {len(self.received)}")

    def wait_for_text(self, pattern, seconds=10):
        def found():
            return next((t for t in self.received[:] if re.search(pattern.encode(), t)), None)

        return wait_until(found, seconds, lambda: f"{pattern} in the log, there is {self.received}")


@functools.cache
def has_libsystemd():
    text = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=False).stdout
    return "without libsystemd" not in text


def needs_libsystemd(test):
    @functools.wraps(test)
    def wrapper(self):
        if not has_libsystemd():
            self.skipTest("needs libsystemd in the binary")
        test(self)

    return wrapper


if __name__ == "__main__":
    sys.exit("this holds no tests: tests/suite.py tests/integration")
