# SPDX-License-Identifier: MIT
"""System calls that fail, are cut short or come late, one in each run of a program: what can happen to which, and
what a program that it happened to has to show."""

import dataclasses
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import harness  # noqa: E402
import killing  # noqa: E402,F401
from table import tried  # noqa: E402

TOOLS = pathlib.Path(harness.BINARY).resolve().parents[1] / "tests/faults"
INJECTOR = TOOLS / "injector"
HEARTBEATCTL = os.environ.get("HEARTBEATCTL", str(pathlib.Path(harness.BINARY).with_name("heartbeatctl")))

HANGS_AFTER = 40  # seconds; a run takes a tenth of one, and --fork gives a daemon 30 s
INTERVAL_USEC = 25_000
LATE_USEC = 70_000  # nearly three intervals
TRIES = 3  # to reach a call that a slow machine has moved
SHOWN = 12  # complaints of one test

EXIT_CODES = {0, 1, 4, 6, 150}  # of heartbeatd(8); 2 is for command lines that are wrong, and these are not

# What can go wrong with each call, as its manual has it or as a sandbox that forbids it makes it.
ERRORS = {
    "access": "EACCES EIO ENOENT",
    "brk": "ENOMEM",
    "chdir": "EACCES EIO ENOENT",
    "clone": "EAGAIN ENOMEM",
    "close": "EINTR EIO ENOSPC",
    "close_range": "ENOSYS EPERM",
    "connect": "ECONNREFUSED EAGAIN ENOENT EACCES EINTR",
    "dup2": "EINTR EMFILE EBUSY",
    "fchmod": "EPERM EIO EROFS",
    "fchown": "EPERM EIO EROFS",
    "fcntl": "ENOLCK EINTR EACCES EAGAIN",
    "fdatasync": "EIO ENOSPC EINTR EROFS",
    "flock": "EINTR ENOLCK EWOULDBLOCK",
    "fsync": "EIO ENOSPC EINTR",
    "ftruncate": "EIO EINTR EPERM",
    "getcwd": "ENOENT EACCES",
    "getdents64": "EIO ENOMEM",  # ENOENT is a directory that was removed, and has nothing in it
    "getrandom": "EAGAIN EINTR ENOSYS",
    "getrusage": "EPERM ENOSYS",
    "getsockopt": "ENOBUFS EPERM",
    "ioctl": "EIO EPERM",
    "kill": "EPERM ESRCH",
    "lseek": "EINVAL EIO",
    "memfd_create": "EMFILE ENOMEM",
    "mkdir": "EACCES ENOSPC EROFS",
    "mmap": "ENOMEM EPERM",
    "mremap": "ENOMEM EPERM",
    "munmap": "ENOMEM EINVAL",
    "newfstatat": "EIO ENOMEM EACCES",
    "openat": "EMFILE EACCES ENOSPC EIO EINTR EROFS",
    "pidfd_open": "EMFILE ESRCH ENOSYS EPERM",
    "pidfd_send_signal": "EPERM EINVAL",
    "pipe2": "EMFILE ENFILE",
    "poll": "EINTR ENOMEM",
    "prctl": "EPERM EINVAL",
    "pread64": "EIO EINTR ENOMEM",
    "prlimit64": "EPERM EFAULT",
    "pwrite64": "ENOSPC EIO EINTR EDQUOT EFBIG",
    "read": "EIO EINTR EAGAIN ENOMEM",
    "readlink": "EACCES EIO ENOENT",
    "rename": "EACCES ENOSPC EIO EROFS",
    "rt_sigaction": "EINVAL EPERM",
    "rt_sigprocmask": "EINVAL EPERM",
    "sendmsg": "EAGAIN ECONNREFUSED ENOBUFS EMSGSIZE EINTR",
    "sendto": "EAGAIN ECONNREFUSED ENOBUFS EPIPE EINTR",
    "setgid": "EPERM EAGAIN",
    "setgroups": "EPERM ENOMEM",
    "setresgid": "EPERM EAGAIN",
    "setresuid": "EPERM EAGAIN",
    "setsid": "EPERM ENOSYS",
    "setsockopt": "EPERM ENOBUFS",
    "setuid": "EPERM EAGAIN",
    "signalfd4": "EMFILE ENOMEM ENODEV",
    "socket": "EMFILE ENFILE EAFNOSUPPORT EACCES ENOBUFS",
    "timerfd_create": "EMFILE ENOMEM ENODEV",
    "timerfd_settime": "EINVAL EPERM",
    "uname": "EFAULT EPERM",
    "unlink": "EACCES EBUSY EROFS EIO",
    "wait4": "EINTR ECHILD",
    "write": "ENOSPC EIO EINTR EAGAIN EPIPE EFBIG",
}
# syscalls(2) knows no failure of these, or there is nobody any more who could see it.
CANNOT_FAIL = {"clock_gettime", "clock_nanosleep", "exit_group", "futex", "getegid", "geteuid", "getgid", "getpid",
               "getppid", "gettid", "getuid", "madvise", "mprotect", "restart_syscall", "rt_sigreturn", "set_robust_list",
               "setitimer", "umask"}
# Of these what was asked for may be done in part.
CUT = {"read": (1, 7), "pread64": (1, 300), "write": (1, 9), "pwrite64": (1, 100), "getdents64": (), "sendto": (3,)}
NOTHING_WRITTEN = {"write", "pwrite64"}
MAY_BLOCK = {"clone", "close", "connect", "fdatasync", "fsync", "openat", "poll", "pwrite64", "read", "rename", "sendmsg",
             "sendto", "unlink", "wait4", "write"}
# What goes on failing once it has begun to.
LASTING = {"openat": "EMFILE", "write": "ENOSPC", "pwrite64": "EIO", "read": "EIO", "poll": "ENOMEM", "socket": "EMFILE",
           "newfstatat": "EIO", "fdatasync": "EIO", "mmap": "ENOMEM", "connect": "EACCES", "sendmsg": "ENOBUFS",
           "sendto": "ENOBUFS", "close": "EIO", "pread64": "EIO", "lseek": "EIO", "rename": "EROFS", "unlink": "EROFS", "getrusage": "EPERM",
           "fcntl": "ENOLCK", "timerfd_settime": "EINVAL"}


@dataclasses.dataclass(frozen=True)
class Site:
    """A call that a program makes: the how manieth of its name, by which of its processes and when."""

    process: int
    call: str
    number: int
    phase: str


@dataclasses.dataclass(frozen=True)
class Fault:
    site: Site
    how: str
    words: str
    late: bool = False
    lasting: bool = False

    def __str__(self):
        site = self.site
        return f"{site.call} number {site.number} of process {site.process} ({site.phase}): {self.words}"

    def argument(self):
        return f"{self.site.process}:{self.site.call}:{self.site.number}:{self.how}"


def errors(site):
    """The call fails once: with three of the errors that it can have, and the call of that name after it with those
    from the next on."""
    if site.call in CANNOT_FAIL:
        return
    if site.call not in ERRORS:
        raise AssertionError(f"{site.call}: say in ERRORS what can go wrong with it")
    names = ERRORS[site.call].split()
    for name in (names * 2)[site.number % len(names):][:min(len(names), 3)]:
        yield Fault(site, f"error={getattr(errno, name)}", name)


def lasting_errors(site):
    """It fails, and so does each call of that name from then on."""
    if site.call in LASTING:
        name = LASTING[site.call]
        yield Fault(site, f"errors={getattr(errno, name)}", f"{name} from there on", lasting=True)


def cuts(site):
    for count in CUT.get(site.call, ()):
        yield Fault(site, f"short={count}", f"{count} bytes at most")
    if site.call in NOTHING_WRITTEN:
        yield Fault(site, "nothing", "0 bytes written")


def delays_of_what_can_block(site):
    if site.call in MAY_BLOCK:
        yield from delays(site)


def delays(site):
    yield Fault(site, f"late={LATE_USEC}", f"{LATE_USEC // 1000} ms late", late=True)


@dataclasses.dataclass
class Report:
    """What the injector tells."""

    exits: dict
    kills: dict
    words: dict
    busy: bool
    hangs: list
    calls: list

    def how(self):
        ends = [f"process {p} exit status {c}" for p, c in self.exits.items()]
        ends += [f"process {p} killed by signal {s}" for p, s in self.kills.items()]
        return ", ".join(ends + (["busy"] if self.busy else []) + [f"hangs in {c}" for c in self.hangs])


def parse_report(text):
    report = Report({}, {}, {}, False, [], [])
    for line in text.splitlines():
        word, *rest = line.split()
        if word == "call":
            report.calls.append(Site(int(rest[0]), rest[1], int(rest[2]), rest[3]))
        elif word == "exit":
            report.exits[int(rest[0])] = int(rest[1])
        elif word == "killed":
            report.kills[int(rest[0])] = int(rest[1])
        elif word == "busy":
            report.busy = True
        elif word == "hangs":
            report.hangs.append(rest[0])
        else:
            report.words[word] = int(rest[0])
    return report


def inject(command, fault=None, *, signals=(), trace=False, clocks=False, calls_max=20_000, **options):
    """Runs a command under the injector: its report. clocks: reading one is a system call, too; options: as for
    subprocess.run()."""
    wrapper = [str(INJECTOR), "-i", str(INTERVAL_USEC), "-l", str(HANGS_AFTER), "-m", str(calls_max)]
    wrapper += ["-s", ",".join(str(int(signal)) for signal in signals)] if signals else []
    wrapper += ["-f", fault.argument()] if fault else []
    wrapper += ["-t"] if trace else []
    for name, value in options.pop("env", {}).items():
        wrapper += ["-e", f"{name}={value}"]
    wrapper += ["-c"] if clocks or fault and fault.site.call == "clock_gettime" else []
    with tempfile.TemporaryFile() as file:
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([*wrapper, "-r", str(file.fileno()), *map(str, command)], pass_fds=[file.fileno()], env={},
                              timeout=HANGS_AFTER + 30, check=False, **options)
        assert done.returncode == 0, f"the injector: exit status {done.returncode}"
        file.seek(0)
        return parse_report(file.read().decode())


class FaultCase(harness.Case):
    """Runs a scenario once for each of many faults. A scenario is a method that takes a Fault or None, and a
    directory of its own that is empty, and returns the Report and what there is to complain of."""

    time_limit = 900

    def setUp(self):
        super().setUp()
        if not INJECTOR.exists():
            self.skipTest("needs x86-64")
        self.reached = self.number = 0
        self.runs = self.dir
        if harness.ROOT:
            self.private_mounts()
            self.runs = self.mount_tmpfs(self.dir / "runs")  # where no other disk is waited for

    def fresh_directory(self):
        self.number += 1
        path = self.runs / str(self.number)
        path.mkdir()
        return path

    def sites(self, scenario, **options):
        """The calls of an undisturbed run: of the shortest of three, for a slow machine makes more."""
        found = []
        for _ in range(3):
            directory = self.fresh_directory()
            report, complaints = scenario(None, directory, trace=True, **options)
            self.assertEqual(complaints, [], report.how())
            found.append(report.calls)
            shutil.rmtree(directory)
        return min(found, key=len)

    def once(self, scenario, fault):
        """One run with a fault, and again where it was not reached. What there is to complain of."""
        for _ in range(TRIES):
            directory = self.fresh_directory()
            report, complaints = scenario(fault, directory)
            shutil.rmtree(directory, ignore_errors=True)
            if report.words["done"] > 0:
                self.reached += 1
                break
        return [f"{fault}: {complaint}" for complaint in complaints]

    def each(self, scenario, faults, what):
        complaints = []
        faults = list(faults)
        for fault in faults:
            complaints += self.once(scenario, fault)
        shown = [complaint[:400] for complaint in complaints[:SHOWN]]
        self.assertFalse(complaints, "\n".join(["", *shown, f"{len(complaints)} complaints after {len(faults)} faults"]))
        self.assertGreater(self.reached, len(faults) * 0.95)
        tried(what, self.reached)
        print(f"note: {self.reached} of {len(faults)} injected: {what}")


def ended_well(report, process, codes=frozenset(EXIT_CODES)):
    """Complaints of how a process has ended."""
    if report.busy:
        yield f"busy: {report.words['calls']} calls, {report.words['waits']} waits"
    for call in report.hangs:
        yield f"hangs in {call}"
    for number, signal in report.kills.items():
        if not (report.busy or report.hangs):
            yield f"process {number} was killed by signal {signal}"
    code = report.exits.get(process)
    if code is not None and code not in codes:
        yield f"exit status {code}"


def needs_injector(test):
    return unittest.skipUnless(INJECTOR.exists(), "needs x86-64")(test)

