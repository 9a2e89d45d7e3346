# SPDX-License-Identifier: MIT
"""All the CPU and disk that there is, taken by processes that end by themselves at last."""

import os
import time

BLOCK = b"\0" * 65536
FILE_BLOCKS = 128  # 8 MiB, written over and over


def spin(deadline, niceness):
    os.nice(niceness)
    while time.monotonic() < deadline:
        pass


def write(path, deadline):
    with open(path, "wb", buffering=0) as file:
        while time.monotonic() < deadline:
            file.seek(0)
            for _ in range(FILE_BLOCKS):
                file.write(BLOCK)
                os.fsync(file.fileno())


def fork(work, *args):
    pid = os.fork()
    if pid == 0:
        try:
            work(*args)
        finally:
            os._exit(0)
    return pid


def begin(directory, seconds, niceness):
    """One busy process more than there are CPUs for this one, and one that keeps the disk busy. Their pids."""
    deadline = time.monotonic() + seconds
    cpus = len(os.sched_getaffinity(0))
    return [fork(write, directory / "load", deadline), *(fork(spin, deadline, niceness) for _ in range(cpus + 1))]


def end(pids):
    """They must have worked to the end."""
    for pid in pids:
        assert os.waitpid(pid, os.WNOHANG)[0] == 0, "a process that was to be busy has ended"
        os.kill(pid, 9)
        os.waitpid(pid, 0)
