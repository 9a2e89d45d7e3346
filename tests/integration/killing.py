# SPDX-License-Identifier: MIT
"""Kills the daemon at one system call, and reads what it has left on disk without any of its own code.

A `Tracee` is stopped before each system call that it makes, from its exec on; one that is killed there never
makes that call. So killing it before the first, the second, and so on to the last leaves every state that a
kill at any instant can leave, each exactly once.
"""

import ctypes
import os
import pathlib
import re
import signal
import time
import zlib

from harness import NOBODY, ROOT, check_libc, libc, state_of

PTRACE_TRACEME, PTRACE_SYSCALL, PTRACE_SETOPTIONS = 0, 24, 0x4200
PTRACE_O_TRACESYSGOOD, PTRACE_O_EXITKILL = 1, 1 << 20
SYSCALL_STOP = signal.SIGTRAP | 0x80

libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def boottime_usec():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Tracee:
    """A child that stands still before each of its system calls; `calls`: how many it was stopped before."""

    def __init__(self, command, environment, output, umask=0o022):
        self.calls, self.status = 0, None
        self.entering, self.passing = True, 0
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        self.pid = os.fork()
        if self.pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            self.become(command, environment, output, umask)
        os.waitpid(self.pid, 0)  # it has done its exec
        check_libc(libc.ptrace(PTRACE_SETOPTIONS, self.pid, None, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
                   "ptrace")

    @staticmethod
    def become(command, environment, output, umask):
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 1)
            os.dup2(1, 2)
            if ROOT:
                os.setgroups([])
                os.setgid(NOBODY.pw_gid)
                os.setuid(NOBODY.pw_uid)
            os.umask(umask)
            libc.ptrace(PTRACE_TRACEME, 0, None, None)
            os.execve(command[0], command, environment)
        finally:
            os._exit(127)

    def wait(self):
        """Until it stops or ends. None when it sleeps instead, which no call does but the one that waits for
        the next beat: those that wait for a disk cannot be interrupted."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
            if not signal.sigtimedwait({signal.SIGCHLD}, 0.1) and state_of(self.pid) == "S":
                return None

    def go_on(self):
        """Until the next stop; false when the process has ended, or waits for long."""
        libc.ptrace(PTRACE_SYSCALL, self.pid, None, self.passing)
        status = self.wait()
        if status is None:
            return False
        if not os.WIFSTOPPED(status):
            self.status = os.waitstatus_to_exitcode(status)
            return False
        stop = os.WSTOPSIG(status)
        self.passing = 0 if stop == SYSCALL_STOP else stop
        return True

    def next_call(self):
        """Until it is about to make its next system call; false as for go_on()."""
        while self.go_on():
            if self.passing:
                continue
            self.entering = not self.entering
            if not self.entering:
                self.calls += 1
                return True
        return False

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


# The files of a state directory, by the manual and not by the program's own reader.


PAIR = r'(\w+)=("[^"\\]*"|[^ "]+)'
IDS = {"run", "past", "boot", "machine"}


def fields_of(line):
    """The pairs of a logfmt line whose values have no escapes in them."""
    pairs = re.findall(PAIR, line)
    if " ".join(f"{key}={value}" for key, value in pairs) != line or len(dict(pairs)) != len(pairs):
        raise ValueError(f"no record: {line!r}")
    return {key: int(value) if value.isdigit() and key not in IDS else value.strip('"')
            for key, value in pairs}


def pulse_of(data):
    """The record of a pulse file's content; None when there is none or it is damaged."""
    line = data[:512].rstrip(b" \n")
    body, _, sum_ = line.rpartition(b" sum=")
    if len(data) < 512 or data[511:512] != b"\n" or sum_ != b"%08x" % zlib.crc32(body):
        return None
    return fields_of(body.decode())


def events_of(data):
    """The events of a history's content, in order. Lines marked as torn are none; any other is an error."""
    lines = data.decode().split("\n")
    if lines.pop() != "":
        raise ValueError(f"a last line without its end: {data[-80:]!r}")
    events = [fields_of(line) for line in lines if not line.endswith(" !torn")]
    for event in events:
        if event.get("v") != 1 or not {"t", "boottime", "boot", "run", "ev"} <= event.keys():
            raise ValueError(f"no event: {event}")
    return events


def content_of(directory):
    """Name to content of the plain files in a directory."""
    return {path.name: path.read_bytes() for path in pathlib.Path(directory).iterdir()}
