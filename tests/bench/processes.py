# SPDX-License-Identifier: MIT
"""Processes that the benchmark has started: what /proc says of them, and their end. No other is ever signalled."""

import ctypes
import os
import pathlib
import re
import signal
import subprocess
import time

import figures

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 30  # seconds for what a machine does at once

known = set()  # children that are no orphan of a program's


class BenchError(Exception):
    """What is to be measured cannot be: one line says why."""


def adopt_orphans():
    """What daemons leave behind becomes a child of this process, with a pid that stays its own until it is waited
    for."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise BenchError(f"prctl: {os.strerror(ctypes.get_errno())}")


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise BenchError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.002)
    return value


def children(pid):
    found = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


def family(pid):
    """A process and those below it."""
    return [pid, *(below for child in children(pid) for below in family(child))]


def of_family(pid, function):
    """What a function says of a process and those below it, of which one may end meanwhile: then once more."""
    def told():
        try:
            return (function(family(pid)),)
        except (FileNotFoundError, ProcessLookupError):
            return None
    return wait_for(told, f"a look at process {pid}")[0]


def threads(pids):
    return {int(task.name) for pid in pids for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def spent(pids):
    """CPU time in ns, and how often they have waited for something: all threads of some processes."""
    cpu = waits = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            cpu += int((task / "schedstat").read_text().split()[0])
            waits += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", (task / "status").read_text(), re.M)[1])
    return cpu, waits


def memory(pids):
    """Anonymous memory and the unique set size in kB."""
    found = [figures.smaps(pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in pids]
    return sum(kb for kb, _ in found), sum(kb for _, kb in found)


def start(command, **options):
    """A child that orphans are told apart from."""
    try:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options)
    except OSError as error:
        raise BenchError(f"cannot run {command[0]}: {error.strerror}") from None
    known.add(process.pid)
    return process


def end(process):
    """Tells a child of start()'s to end, and waits until it has."""
    process.terminate()
    process.wait()
    known.discard(process.pid)


def reap(pid):
    """Kills a child; CPU time in ns and waits of it and of the children that it has waited for, in all its life."""
    os.kill(pid, signal.SIGKILL)
    _, _, used = os.wait4(pid, 0)
    known.discard(pid)
    return round((used.ru_utime + used.ru_stime) * 1e9), used.ru_nvcsw


def orphans():
    return [pid for pid in children(os.getpid()) if pid not in known]


def end_all():
    """Whatever there still is of it, however the benchmark ends."""
    while left := children(os.getpid()):
        for pid in left:
            reap(pid)


def output_of(command, seconds=600, **options):
    """What a command that ends well prints."""
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{' '.join(map(str, command))}: not done within {seconds} s") from None
    known.discard(process.pid)
    if process.returncode != 0:
        lines = ((err + out).strip() or "no word of it").splitlines()
        why = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise BenchError(f"{' '.join(map(str, command))}: exit status {process.returncode}: {why}")
    return out
