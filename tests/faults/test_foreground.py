# SPDX-License-Identifier: MIT
"""The daemon in the foreground with all that it can write to: a start, three beats, a reload and a stop, in which
one system call after the other fails, is cut short or comes late."""

import itertools
import os
import re
import signal
import socket
import subprocess

from faulty import (INTERVAL_USEC, FaultCase, cuts, delays, ended_well, errors, harness, inject, killing,
                    lasting_errors)

# What may be true of any gap on a machine that has other work, and of one whose calls are held up by a tracer.
CAUSES = {"output-blocked", "process-stopped", "unknown", "cpu-starved", "cpu-throttled", "busy"}
JOURNAL, SYSLOG = "/run/systemd/journal/socket", "/dev/log"
LOSS = r"output {}\b.*: (\d+) messages? lost from "


class Foreground(FaultCase):
    """self.journal: the socket of a journal, where there is one."""

    outputs = ("file", "stdout", "fifo")
    notifies = metrics = True

    def settings(self, directory):
        """The lines of its configuration."""
        yield f"Interval={INTERVAL_USEC}us"
        yield f"StateDir={directory}/state"
        yield from (f"Output={self.name_of(output, directory)}" for output in self.outputs)
        if self.metrics:
            yield f"Metrics={directory}/beats.prom"

    def arguments(self, directory):
        """Those of the command line, and what they name is there."""
        (directory / "conf").write_text("\n".join(["[Heartbeat]", *self.settings(directory)]) + "\n")
        return [f"--config={directory}/conf"]

    def leave_records(self, directory):
        """Of a run before, where there was one."""

    def run_of(self, *args):
        return Run(self, *args)

    @staticmethod
    def name_of(output, directory):
        return output if output in ("stdout", "journal", "syslog") else str(directory / output)

    def scenario(self, fault, directory, trace=False, clocks=False):
        (directory / "state").mkdir()
        self.leave_records(directory)
        os.mkfifo(directory / "fifo")
        with open(os.open(directory / "fifo", os.O_RDONLY | os.O_NONBLOCK), "rb") as fifo, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
            manager.bind(str(directory / "notify"))
            reader, writer = os.pipe()
            try:
                report = self.run_daemon(fault, directory, writer, trace=trace, clocks=clocks)
            finally:
                os.close(writer)
            with open(reader, "rb") as file:
                texts = {"stdout": file.read().decode(), "fifo": (fifo.read() or b"").decode()}
            path = directory / "file"
            texts["file"] = path.read_text() if path.exists() else ""
            texts.update(self.told_by_sockets())
            run = self.run_of(fault, directory, report, texts, drain(manager))
            return report, list(run.complaints())

    def told_by_sockets(self):
        return {}

    def run_daemon(self, fault, directory, writer, **options):
        environment = {"PATH": "/usr/bin:/bin"}
        if self.notifies:
            environment["NOTIFY_SOCKET"] = str(directory / "notify")
        with open(directory / "stderr", "wb") as stderr:
            return inject([harness.BINARY, *self.arguments(directory)], fault, env=environment, stdout=writer,
                          stderr=stderr, signals=(signal.SIGHUP, signal.SIGTERM), **options)


def drain(server):
    received = []
    try:
        while True:
            received.append(server.recv(65536).decode())
    except BlockingIOError:
        return received


class Run:
    """One run of it, and what there is to complain of."""

    def __init__(self, case, fault, directory, report, texts, notifications):
        self.case, self.fault, self.directory, self.report = case, fault, directory, report
        self.texts, self.notifications = texts, notifications
        self.words = (directory / "stderr").read_text(errors="replace")
        self.code = report.exits.get(0)
        self.lines = []

    def is_mute(self):
        """Whether the fault may have hit the one word that there was to say, or all of them."""
        fault = self.fault
        return fault is not None and fault.site.call in ("write", "newfstatat", "poll") and not fault.late

    def complaints(self):
        bad = list(ended_well(self.report, 0))
        yield from bad
        if bad or self.code is None:
            return
        yield from self.complaints_of_words()
        yield from self.complaints_of_history()
        if self.code == 0:
            yield from self.complaints_of_outputs()
            yield from self.complaints_of_manager()
        yield from self.complaints_of_metrics()
        yield from self.complaints_of_the_next_start()

    def complaints_of_words(self):
        if self.code != 0 and not re.search(r"^heartbeatd: .", self.words, re.M) and not self.fault.lasting:
            yield f"exit status {self.code} without a word"
        if not self.is_mute():
            for line in self.words.splitlines():
                if not line.startswith("heartbeatd: "):
                    yield f"said {line!r}"

    def events(self):
        path = self.directory / "state/history"
        return killing.events_of(path.read_bytes()) if path.exists() else []

    def complaints_of_history(self):
        try:
            events = self.events()
        except ValueError as error:
            if "/history: " not in self.words and not self.fault.lasting:
                yield f"history: {error}"
            return
        kinds = [event["ev"] for event in events]
        if self.code == 0 and "/history: " not in self.words and not self.is_mute():
            if kinds[:1] == ["gap"] and events[0]["cause"] == "unknown" and "cannot be read: " in self.words:
                kinds = kinds[1:]  # nobody knows whether there was a run before
            if kinds[:1] != ["start"] or kinds[-1:] != ["stop"] or kinds.count("start") != 1 or kinds.count("stop") != 1:
                yield f"history of {kinds}"
            if "reload" not in kinds and "not reloaded" not in self.words:
                yield f"a reload without a word: {kinds}"
        for event in events:
            if event["ev"] == "gap" and event["cause"] not in CAUSES:
                yield f"a gap by {event['cause']}: {event}"
            if event["ev"] in ("clock", "exit", "trim"):
                yield f"what did not happen: {event}"
        self.lines = events

    def last_beat(self):
        path = self.directory / "state/pulse"
        pulse = killing.pulse_of(path.read_bytes()) if path.exists() else None
        stops = [event["seq"] for event in self.lines if event["ev"] == "stop"]
        found = [int(n) for text in self.texts.values() for n in re.findall(r"heartbeat (\d+)\n", text)]
        return max(stops + found + ([pulse["seq"]] if pulse else []), default=0)

    def complaints_of_outputs(self):
        last = self.last_beat()
        if last < 3 and not self.fault.lasting:
            yield f"{last} beats"
        for output in self.case.outputs:
            found = [int(n) for n in re.findall(r"heartbeat (\d+)\n", self.texts[output])]
            missing = set(range(1, last + 1)) - set(found)
            name = re.escape(self.case.name_of(output, self.directory))
            told = sum(map(int, re.findall(LOSS.format(name), self.words)))
            recorded = sum(event.get("lost", 0) for event in self.lines if event["ev"] == "output" and
                           event["output"] == self.case.name_of(output, self.directory))
            if len(missing) not in (told, recorded) and not (self.fault and self.fault.lasting and self.is_mute()):
                yield f"{output} has {found} of {last} beats; told of {told}, recorded {recorded}"
            if len(found) != len(set(found)) or any(n > last for n in found):
                yield f"{output} has {found} of {last} beats"

    def complaints_of_manager(self):
        if not self.case.notifies or "no notification" in self.words:
            return
        flat = "\n".join(self.notifications).split("\n")
        unsaid = self.fault and self.fault.site.call in ("socket", "connect", "poll", "sendmsg", "sendto")
        for state in ("READY=1", "RELOADING=1", "STOPPING=1"):
            if state not in flat and not unsaid:
                yield f"the manager has not heard of {state}: {self.notifications}"

    def complaints_of_metrics(self):
        path = self.directory / "beats.prom"
        if path.exists():
            text = path.read_text()
            if not text.endswith("\n") or "heartbeatd_build_info" not in text and "# TYPE" not in text:
                yield f"metrics of {len(text)} bytes"
        elif self.case.metrics and self.code == 0 and "metrics " not in self.words and not self.is_mute():
            yield "no metrics, and no word of it"

    def to_mend(self):
        """What the next start has to say, as a pattern."""
        torn = self.fault is not None and self.fault.site.call in ("write", "pwrite64") and not self.fault.late
        return r"(heartbeatd: \S+/history: \d+ lines? cannot be read and \w+ passed over\n)?" if torn else ""

    def complaints_of_the_next_start(self):
        """It works, has nothing to mend that was not told of, and knows how the run before it ended."""
        path, before, to_mend = self.directory / "next", len(self.lines), self.to_mend()
        with open(self.directory / "next-words", "wb") as stderr:
            command = [harness.BINARY, "--config=/dev/null", f"--state-dir={self.directory}/state", f"--output={path}"]
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr, env={}) as daemon:
                try:
                    harness.wait_until(lambda: b"heartbeat 1\n" in path.read_bytes() or daemon.poll() is not None, 20,
                                       "the next start beats")
                finally:
                    daemon.terminate()
                code = daemon.wait(20)
        words = (self.directory / "next-words").read_text()
        if code != 0 or not re.fullmatch(to_mend, words):
            yield f"the next start: exit status {code}, {words!r}"
            return
        for event in self.events()[before:]:
            causes = {"service-stopped"} if self.code == 0 else {"service-stopped", "service-killed", "unknown"}
            if self.fault and self.fault.lasting:
                causes.add("unknown")
            if event["ev"] == "gap" and event["cause"] not in causes:
                yield f"the next start: a gap by {event['cause']}"


class InTheForeground(Foreground):
    first = True

    def faults(self, make, phases=("start", "beat2", "beat3", "reload", "stop"), **options):
        for site in self.sites(self.scenario, **options):
            if site.phase in phases:
                yield from make(site)

    def test_a_call_of_the_start_fails(self):
        self.each(self.scenario, self.faults(errors, ["start"]), "system calls of a start that fail")

    def test_a_call_of_a_beat_fails(self):
        self.each(self.scenario, self.faults(errors, ["beat2", "beat3"]), "system calls of a beat that fail")

    def test_a_call_of_a_reload_fails(self):
        self.each(self.scenario, self.faults(errors, ["reload"]), "system calls of a reload that fail")

    def test_a_call_of_a_stop_fails(self):
        self.each(self.scenario, self.faults(errors, ["stop"]), "system calls of a stop that fail")

    def test_a_call_fails_and_goes_on_failing(self):
        self.each(self.scenario, self.faults(lasting_errors), "system calls that fail from some time on")

    def test_a_call_is_cut_short(self):
        self.each(self.scenario, self.faults(cuts), "system calls that are cut short")

    def test_a_call_comes_late(self):
        self.each(self.scenario, self.faults(delays, ["start", "beat3", "reload", "stop"], clocks=True),
                  "system calls that come late")


class WithALog(Foreground):
    """The socket of a log daemon is all that there is of it, in a /run and a /dev of the test's own."""

    metrics = False

    def open_log(self, path):
        self.private_dev_and_run()
        self.path, self.reader = path, self.log_socket(path)
        self.runs_told = 0

    def received(self):
        """What has come since the last time, up to a mark of our own."""
        self.runs_told += 1
        mark = f"MARK={self.runs_told}".encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto(mark, self.path)
        harness.wait_until(lambda: mark in self.reader.received, 20, "the mark")
        entries = self.reader.received[:self.reader.received.index(mark)]
        del self.reader.received[:len(entries) + 1]
        return entries

    def messages(self, pattern):
        found = [re.match(pattern, entry) for entry in self.received()]
        return "".join(match[1].decode() + "\n" for match in found if match)

    def faults(self, make, calls):
        return (fault for site in self.sites(self.scenario) if site.call in calls for fault in make(site))


class WithAJournal(WithALog):
    outputs = ("journal", "file")
    calls = "socket", "connect", "poll", "sendmsg", "getsockopt", "setsockopt", "memfd_create"

    def setUp(self):
        super().setUp()
        if not harness.has_libsystemd():
            self.skipTest("needs libsystemd in the binary")
        self.open_log(JOURNAL)

    def told_by_sockets(self):
        return {"journal": self.messages(rb"MESSAGE=(heartbeat \d+)\n")}

    def test_a_call_on_a_socket_fails(self):
        self.each(self.scenario, self.faults(errors, self.calls), "system calls on sockets that fail")

    def test_a_call_on_a_socket_fails_and_goes_on_failing(self):
        self.each(self.scenario, self.faults(lasting_errors, self.calls), "system calls that fail from some time on")

    def test_a_call_on_a_socket_comes_late(self):
        self.each(self.scenario, self.faults(delays, self.calls), "system calls that come late")


class WithASyslog(WithALog):
    """syslog(3) tries once more when it could not send, and tells nobody when that failed, too, nor when it gets no
    socket. It is asked only when another could be connected a moment before."""

    outputs = ("syslog", "file")
    notifies = False
    calls = "socket", "connect", "poll", "sendto", "fcntl"

    def setUp(self):
        super().setUp()
        self.open_log(SYSLOG)

    def told_by_sockets(self):
        return {"syslog": self.messages(rb"<30>.*: (heartbeat \d+)\Z")}

    def test_a_call_on_a_socket_fails(self):
        """But for the two of the library by which its first message goes."""
        faults = [fault for fault in self.faults(errors, self.calls) if not (
            fault.site.call in ("socket", "connect") and fault.site.number == 2)]
        self.each(self.scenario, faults, "system calls on sockets that fail")

    def test_a_call_on_a_socket_comes_late(self):
        self.each(self.scenario, self.faults(delays, self.calls), "system calls that come late")


@harness.needs_root
class WithDropIns(Foreground):
    """The configuration that it reads by itself, and what goes on top of it, in an /etc of the test's own."""

    outputs = ("file", "stdout")
    notifies = metrics = False

    def setUp(self):
        super().setUp()
        self.private_mounts()
        self.drop_ins = self.mount_tmpfs("/etc") / "heartbeatd.conf.d"
        self.drop_ins.mkdir()

    def arguments(self, directory):
        settings = list(self.settings(directory))
        paths = self.drop_ins / "../heartbeatd.conf", self.drop_ins / "10-a.conf", self.drop_ins / "20-b.conf"
        for number, path in enumerate(paths):
            path.write_text("\n".join(["[Heartbeat]", *settings[number::len(paths)]]) + "\n")
        return []

    def faults(self, make):
        """Each time it reads them: before it takes the lock, and in a reload."""
        sites = self.sites(self.scenario)
        first = itertools.takewhile(lambda site: site.call not in ("flock", "fcntl"), sites)
        for site in [*first, *(site for site in sites if site.phase == "reload")]:
            if site.call in ("openat", "newfstatat", "read", "getdents64", "close"):
                yield from make(site)

    def test_a_call_that_reads_them_fails(self):
        self.each(self.scenario, self.faults(errors), "system calls of a start that fail")

    def test_a_call_that_reads_them_is_cut_short(self):
        self.each(self.scenario, self.faults(cuts), "system calls that are cut short")


NOISE = b"noise" * 200
OLD_RUN, OLD_BOOT, OLD_LINES = "f" * 32, "e" * 32, 330


def old_history():
    """More than fits into 64 KiB: gaps within a run of an earlier boot."""
    return "".join(f"v=1 t=2026-11-22T13:00:00.000Z boottime={n} boot={OLD_BOOT} run={OLD_RUN} ev=gap cause=suspend "
                   f"confidence=high host=up interval=10000 from={n} to={n + 50000} lasted=50000 missed=4\n"
                   for n in range(1795352400000000, 1795352400000000 + OLD_LINES))


class MendingRun(Run):
    """The records of the run before are too long, or damaged: nothing of them is lost, whatever fails."""

    def events(self):
        """The events of this run, but for the gap before it; and how many there are of the other, in lines or in the
        line of the trim."""
        found = super().events()
        trimmed = sum(int(count) for event in found if event["ev"] == "trim"
                      for count in re.findall(r"\bsuspend:(\d+)", event.get("gaps", "")))
        self.old = trimmed + sum(event["run"] == OLD_RUN for event in found)
        self.trimmed = trimmed > 0
        own = [event for event in found if event["run"] != OLD_RUN and event["ev"] != "trim"]
        known = own and own[0]["ev"] == "gap" and own[0]["cause"] == "unknown"
        return own[1:] if known else own

    def complaints(self):
        yield from super().complaints()
        if self.report.busy or self.report.hangs or self.code is None:
            return
        yield from self.complaints_of_what_was_there()

    def to_mend(self):
        """What was refused before it came to that is left to the next start."""
        left = self.content_of("pulse") == NOISE
        return (r"heartbeatd: \S+/pulse: damaged; moved aside to pulse\.unreadable\n" if left else "") + super().to_mend()

    def content_of(self, name):
        path = self.directory / "state" / name
        return path.read_bytes() if path.exists() else b""

    def complaints_of_what_was_there(self):
        kept = NOISE in (self.content_of("pulse"), self.content_of("pulse.unreadable"))
        if not kept and not re.search(r"/state/pulse: cannot be \w+", self.words) and not self.is_mute():
            yield f"what was damaged is gone, and no word of it: {self.words!r}"
        if self.content_of("history.unreadable"):
            yield "the history was moved aside"
            return
        self.events()
        if self.old != OLD_LINES:
            yield f"{self.old} of {OLD_LINES} gaps are left"
        if self.code == 0 and not self.trimmed and "/history: " not in self.words and not self.is_mute():
            yield f"not trimmed, and no word of it: {self.words!r}"


class BehindRecordsToMend(Foreground):
    first = True
    outputs = ("file",)
    notifies = metrics = False
    calls = ("close", "fchmod", "fdatasync", "fsync", "ftruncate", "lseek", "newfstatat", "openat", "pread64", "pwrite64",
             "rename", "unlink", "write")

    def settings(self, directory):
        yield from super().settings(directory)
        yield "HistoryMax=64K"

    def leave_records(self, directory):
        (directory / "state/pulse").write_bytes(NOISE)
        (directory / "state/history").write_text(old_history())

    def run_of(self, *args):
        return MendingRun(self, *args)

    def faults(self, make):
        """Those on files behind the call that makes the run's id: it has not looked at any record before. A damaged pulse
        is read 300 times: of those a few."""
        behind = list(itertools.dropwhile(lambda site: site.call != "getrandom", self.sites(self.scenario)))
        for call in self.calls:
            sites = [site for site in behind if site.phase == "start" and site.call == call]
            if call == "pread64":
                del sites[5:-40]
            for site in sites:
                yield from make(site)

    def test_a_call_of_such_a_start_fails(self):
        self.each(self.scenario, self.faults(errors), "system calls of a start that fail")

    def test_a_call_of_such_a_start_fails_and_goes_on_failing(self):
        self.each(self.scenario, self.faults(lasting_errors), "system calls that fail from some time on")

    def test_a_call_of_such_a_start_is_cut_short(self):
        self.each(self.scenario, self.faults(cuts), "system calls that are cut short")
