# SPDX-License-Identifier: MIT
"""What is measured of the programs, one round at a time. A round adds one number to each column of each row."""

import collections
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import figures
import processes
from running import Place, Running, at_their_times

SECOND_MSEC, FAST_MSEC = 1000, 10
BEFORE = 2  # beats of warming up
CAP_SYS_RESOURCE = 24
VERY_MANY = {"no gap": 0, "history at its bound": 50}  # a gap each so many beats
WANTED_DESCRIPTORS, USUAL_DESCRIPTORS = 2**30, 1024


class Rounds:
    def __init__(self, workshop, programs, results):
        self.tool = workshop.tool
        self.programs, self.results = programs, results
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=workshop.directory))
        self.number = 0
        self.calls = {}  # row: calls of all beats by name, number of beats

    def close(self):
        processes.end_all()
        shutil.rmtree(self.directory)

    def in_turn(self, programs):
        """In another order in each round: none is always behind the same one."""
        self.number += 1
        turn = self.number % len(programs)
        return programs[turn:] + programs[:turn]

    # All side by side, at an interval of a second.

    def start_all(self, programs, places):
        """Started within one interval, each at a moment of its own."""
        running, begin = [], time.monotonic()
        for index, program in enumerate(programs):
            time.sleep(max(0, begin + index / len(programs) - time.monotonic()))
            running.append(Running(program, places[index], SECOND_MSEC))
        return running

    def side_by_side(self, beats):
        """Memory, CPU time, wake-ups and drift."""
        programs = self.in_turn(self.programs)
        places = [Place(self.directory, program) for program in programs]
        seconds = 1 + BEFORE + beats + 0.5
        watch = processes.start([self.tool("watch"), seconds, *(place.lines for place in places)],
                                stdout=subprocess.PIPE, text=True)
        running = self.start_all(programs, places)
        first, pulses = {}, {}

        def look(one):
            first[one] = one.look()
            if one.program.grid == "pulse":
                pulses[one] = one.place.pulse()

        def settle(one):
            self.settle(one, first[one], pulses.get(one))

        at_their_times(running, [(BEFORE, look), (BEFORE + 1, self.add_memory), (BEFORE + beats, settle)])
        self.add_drifts(running, watch)

    def add_memory(self, one):
        """While all the others run, with whom it may share."""
        anonymous, unique = processes.of_family(one.pid, processes.memory)
        self.results.add(one.program.name, "anonymous", anonymous)
        self.results.add(one.program.name, "unique", unique)

    def settle(self, one, first, pulse):
        name = one.program.name
        if one.program.starts_others:  # of those that have ended only the end tells
            last = one.end()
        else:
            last = one.look()
        if pulse:
            now = one.place.pulse()
            self.results.add(name, "off grid", (now["due"] - pulse["due"]) % (SECOND_MSEC * 1000))
        if not one.program.starts_others:
            one.end()
        cpu, waits, lines = (after - before for after, before in zip(last, first))
        if lines <= 0:
            raise processes.BenchError(f"{name} has written no line in all that time: {one.words()}")
        self.results.add(name, "cpu", cpu / lines / 1000)
        self.results.add(name, "wakeups", waits / lines)

    def add_drifts(self, running, watch):
        out, _ = watch.communicate()
        processes.known.discard(watch.pid)
        times = collections.defaultdict(list)
        for line in out.splitlines():
            index, nsec = map(int, line.split())
            times[index].append(nsec)
        for index, one in enumerate(running):
            if len(times[index]) < BEFORE + 2:
                raise processes.BenchError(f"{one.program.name}: {len(times[index])} lines were seen")
            drift = figures.drift(times[index], SECOND_MSEC * 1e6, BEFORE)
            self.results.add(one.program.name, "drift", drift / 1000)

    def trace_all(self, beats):
        """System calls."""
        programs = self.in_turn(self.programs)
        places = [Place(self.directory, program) for program in programs]
        running = self.start_all(programs, places)
        traces, waiting, first = {}, {}, {}

        def attach(one):
            pids = processes.family(one.pid)
            waiting[one] = processes.threads(pids)
            traces[one] = processes.start(["strace", "-f", "-q", "-q", "-o", one.place.path / "trace",
                                           *(word for pid in pids for word in ("-p", pid))], stderr=subprocess.DEVNULL)
            status = pathlib.Path(f"/proc/{one.pid}/status")
            processes.wait_for(lambda: f"TracerPid:\t{traces[one].pid}\n" in status.read_text(),
                               f"strace of {one.program.name}")
            first[one] = one.place.count()

        def detach(one):
            lines = one.place.count() - first[one]
            processes.end(traces[one])
            one.end()
            self.add_calls(one, lines, waiting[one])

        at_their_times(running, [(BEFORE, attach), (BEFORE + beats, detach)])

    def add_calls(self, one, lines, waiting):
        counts = figures.calls_of((one.place.path / "trace").read_text(), waiting)
        if lines <= 0 or not counts:
            raise processes.BenchError(f"{one.program.name}: {lines} lines and {len(counts)} calls under strace")
        self.results.add(one.program.name, "calls", sum(counts.values()) / lines)
        self.calls[one.program.name] = (counts, lines)

    # One after the other.

    def latenesses(self, seconds):
        """At an interval of 10 ms, of those that have a grid: alone, for two on the same grid would always meet."""
        offset = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        for program in self.in_turn([program for program in self.programs if program.grid]):
            place = Place(self.directory, program)
            one = Running(program, place, FAST_MSEC)
            processes.wait_for(lambda: place.count() > 10, f"10 lines of {program.name}: {one.words()}")
            out = processes.output_of([self.tool("watch"), seconds, place.lines])
            grid = place.pulse()["due"] * 1000 if program.grid == "pulse" else offset
            one.end()
            late = figures.lateness([int(line.split()[1]) for line in out.splitlines()], grid, FAST_MSEC * 10**6)
            if not late:
                raise processes.BenchError(f"{program.name} has written nothing in {seconds} s")
            self.results.add(program.name, "late", statistics.median(late) / 1000)

    def starts(self, times):
        """From exec to the first line, and of a daemon to the end of its parent: the median of some times."""
        most = most_descriptors()
        found = collections.defaultdict(list)
        for _ in range(times):
            for program in self.in_turn(self.programs):
                name, many = program.name, min(most, program.most_descriptors)
                found[name, "first"].append(self.first_line(program, USUAL_DESCRIPTORS, program.command)["line"])
                found[name, "first, many"].append(self.first_line(program, many, program.command)["line"])
                if program.forked:
                    forked = self.first_line(program, USUAL_DESCRIPTORS, program.forked)
                    found[name, "fork"].append(forked["exit"])
                if many < most:
                    self.results.note(name, "first, many", f"{found[name, 'first, many'][-1] / 1e6:.0f} with {many:,}")
        for (row, column), values in found.items():
            self.results.add(row, column, statistics.median(values) / 1e6)

    def first_line(self, program, limit, command):
        place = Place(self.directory, program)
        ends = program.daemonizes or command is program.forked
        flags = ["-n", limit, *(["-o"] if program.takes_output else []), *(["-x"] if ends else [])]
        words = [self.tool("first-line"), *flags, place.lines, *command(place.path, SECOND_MSEC)]
        out = processes.output_of(words, env=place.environment, cwd=place.path)
        place.close()
        return {what: int(nsec) for what, nsec in (line.split() for line in out.splitlines())}

    def very_many(self, beats):
        """What a beat costs and the daemon holds early, and after so many, without a gap and with very many."""
        for row, gap_every in VERY_MANY.items():
            with tempfile.TemporaryDirectory(dir=self.directory) as place:
                for line in processes.output_of([self.tool("million"), beats, gap_every], cwd=place).splitlines():
                    when, nsec, kilobytes = line.split()
                    self.results.add(row, f"{when} ns", int(nsec))
                    self.results.add(row, f"{when} kB", int(kilobytes))


def most_descriptors():
    """2^30, or as many as this machine lets a process have, which is left as it is."""
    status = dict(line.split(":\t", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
    if int(status["CapEff"], 16) >> CAP_SYS_RESOURCE & 1:
        return min(WANTED_DESCRIPTORS, int(pathlib.Path("/proc/sys/fs/nr_open").read_text()))
    return min(WANTED_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
