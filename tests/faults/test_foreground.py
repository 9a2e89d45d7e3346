# SPDX-License-Identifier: MIT
"""The daemon in the foreground with all that it can write to: a start, three beats, a reload and a stop, in which
one system call after the other fails, is cut short or comes late."""

import os
import re
import signal
import socket
import subprocess

from faulty import (INTERVAL_USEC, FaultCase, cuts, delays, ended_well, errors, harness, inject, killing,
                    lasting_errors)

# What may be true of any gap on a machine that has other work, and of one whose calls are held up by a tracer.
CAUSES = {"output-blocked", "process-stopped", "unknown", "cpu-starved", "cpu-throttled", "busy"}
JOURNAL = "/run/systemd/journal/socket"
LOSS = r"output {}\b.*: (\d+) messages? lost from "


class Foreground(FaultCase):
    """self.journal: the socket of a journal, where there is one."""

    outputs = ("file", "stdout", "fifo")
    notifies = metrics = True

    def arguments(self, directory):
        config = ["[Heartbeat]", f"Interval={INTERVAL_USEC}us", f"StateDir={directory}/state"]
        config += [f"Output={self.name_of(output, directory)}" for output in self.outputs]
        config += [f"Metrics={directory}/beats.prom"] if self.metrics else []
        (directory / "conf").write_text("\n".join(config) + "\n")
        return [f"--config={directory}/conf"]

    @staticmethod
    def name_of(output, directory):
        return output if output in ("stdout", "journal", "syslog") else str(directory / output)

    def scenario(self, fault, directory, trace=False, clocks=False):
        (directory / "state").mkdir()
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
            run = Run(self, fault, directory, report, texts, drain(manager))
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
        for state in ("READY=1", "RELOADING=1", "STOPPING=1"):
            if state not in flat and not (self.fault and self.fault.site.call in ("socket", "connect", "poll", "sendmsg")):
                yield f"the manager has not heard of {state}: {self.notifications}"

    def complaints_of_metrics(self):
        path = self.directory / "beats.prom"
        if path.exists():
            text = path.read_text()
            if not text.endswith("\n") or "heartbeatd_build_info" not in text and "# TYPE" not in text:
                yield f"metrics of {len(text)} bytes"
        elif self.case.metrics and self.code == 0 and "metrics " not in self.words and not self.is_mute():
            yield "no metrics, and no word of it"

    def complaints_of_the_next_start(self):
        """It works, has nothing to mend that was not told of, and knows how the run before it ended."""
        path, before = self.directory / "next", len(self.lines)
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
        torn = self.fault is not None and self.fault.site.call in ("write", "pwrite64") and not self.fault.late
        expected = r"\A(heartbeatd: \S+/history: \d+ lines? cannot be read and \w+ passed over\n)?\Z" if torn else r"\A\Z"
        if code != 0 or not re.match(expected, words):
            yield f"the next start: exit status {code}, {words!r}"
            return
        for event in self.events()[before:]:
            causes = {"service-stopped"} if self.code == 0 else {"service-stopped", "service-killed", "unknown"}
            if self.fault and self.fault.lasting:
                causes.add("unknown")
            if event["ev"] == "gap" and event["cause"] not in causes:
                yield f"the next start: a gap by {event['cause']}"


class InTheForeground(Foreground):
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


class WithAJournal(Foreground):
    """Its socket is all that there is of it, in a /run of the test's own."""

    outputs = ("journal", "file")
    metrics = False

    def setUp(self):
        super().setUp()
        if not harness.has_libsystemd():
            self.skipTest("needs libsystemd in the binary")
        self.private_dev_and_run()
        self.reader = self.log_socket(JOURNAL)
        self.runs_told = 0

    def told_by_sockets(self):
        """What has come since the last time, up to a mark of our own."""
        self.runs_told += 1
        mark = f"MARK={self.runs_told}".encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto(mark, JOURNAL)
        harness.wait_until(lambda: mark in self.reader.received, 20, "the mark")
        entries = self.reader.received[:self.reader.received.index(mark)]
        del self.reader.received[:len(entries) + 1]
        found = [re.match(rb"MESSAGE=(heartbeat \d+)\n", entry) for entry in entries]
        return {"journal": "".join(match[1].decode() + "\n" for match in found if match)}

    def faults(self, make):
        for site in self.sites(self.scenario):
            if site.call in ("socket", "connect", "poll", "sendmsg", "getsockopt", "setsockopt", "memfd_create"):
                yield from make(site)

    def test_a_call_on_a_socket_fails(self):
        self.each(self.scenario, self.faults(errors), "system calls on sockets that fail")

    def test_a_call_on_a_socket_fails_and_goes_on_failing(self):
        self.each(self.scenario, self.faults(lasting_errors), "system calls that fail from some time on")

    def test_a_call_on_a_socket_comes_late(self):
        self.each(self.scenario, self.faults(delays), "system calls that come late")
