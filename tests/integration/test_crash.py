# SPDX-License-Identifier: MIT
"""Whatever ends the daemon at whatever instant: the next start works, and its records are the truth.

`Killed` stops it at each single system call. What the files hold there is what a kill there leaves, for a process
that is killed does nothing more; so each such state is started from, once, and at every seventh call it is killed
indeed. The truth is what the outputs took and what the test did; what the records must say follows from it and from
the manual.
"""

import contextlib
import itertools
import os
import random
import re
import signal
import subprocess
import zlib

from harness import (MS_BIND, Case, moment, mount, needs_root, umount, wait_until,
                     without_leak_check)
from killing import Tracee, boottime_usec, content_of, events_of, fields_of, pulse_of

HOUR = 3600 * 10**6
KILLED_EVERY = 7  # calls


def gaps_in(events):
    return [event for event in events if event["ev"] == "gap"]


def gaps_counted(events):
    """Of each cause, those in lines and those that a trim has summed up."""
    counts = {}
    for event in events:
        if event["ev"] == "gap":
            counts[event["cause"]] = counts.get(event["cause"], 0) + 1
        for part in event.get("gaps", "").split(","):
            if part:
                cause, number = part.split(":")
                counts[cause] = counts.get(cause, 0) + int(number)
    return counts


class Crash(Case):
    time_limit = 240

    def setUp(self):
        super().setUp()
        self.said = self.dir / "said"

    def put(self, content):
        """Makes the state directory hold these files and no others."""
        for path in self.state.iterdir():
            path.unlink()
        for name, data in content.items():
            path = self.state / name
            path.write_bytes(data)
            path.chmod(0o600 if name == "lock" else 0o644)
            self.give(path)

    def command(self, *args):
        return [self.binary, *self.common(args), "--format=plain", "--message=%n"]

    def live_briefly(self, *args, signal_number=signal.SIGTERM):
        """Starts the daemon, ends it after its first beat, and returns what it wrote to stderr. It does not
        wait for the disk: what it reads of the run before is in the cache."""
        command = self.command("--output=stdout", "--interval=1h", "--sync=never", *args)
        with open(self.said, "wb") as said, subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, cwd=self.dir,
                env=self.environment(), **self.identity(None)) as process:
            first = process.stdout.readline()
            process.send_signal(signal_number)
            rest = process.stdout.read()
            code = process.wait(10)
        words = self.said.read_text()
        beats = [int(line) for line in (first + rest).splitlines()]
        self.assertEqual(beats, list(range(1, max(len(beats), 1) + 1)), words)
        self.assertEqual(code, 0 if signal_number == signal.SIGTERM else -signal_number, words)
        return words

    def history(self):
        return events_of((self.state / "history").read_bytes())

    def pulse(self):
        with contextlib.suppress(FileNotFoundError):
            return pulse_of((self.state / "pulse").read_bytes())
        return None

    # One beat and none to come: it is killed while it waits, and not between a gap's line and the pulse behind it.
    AT_REST = (1, "--interval=10s")

    def leave_beats(self, count=2, *args):
        """A run that is killed after so many beats, 10 ms apart unless told otherwise; its last pulse."""
        options = args or ("--interval=10ms",)
        daemon = self.start("--output=/dev/null", *options)
        wait_until(lambda: (self.pulse() or {"seq": 0})["seq"] >= count, 10, "its beats")
        daemon.process.kill()
        daemon.process.wait()
        return self.pulse()


def last_beat(run, pulses, events):
    """What the records hold of a run's last beat: its instant by both clocks, when it was due, and interval.

    None when they hold nothing. The instant of a line is known to the millisecond only."""
    own = [event for event in events if event["run"] == run]
    beats, interval, first = [], None, None
    for event in own:
        if event["ev"] == "start":
            interval, first = event["interval"], event["boottime"]
            beats.append((event["boottime"], moment(event["t"]), 999))
        elif event["ev"] == "gap":
            first = event["boottime"] if first is None else first
            told = (event["to"], 0) if "to" in event else (moment(event["t"]), 999)
            beats.append((event["boottime"], *told))
    for pulse in pulses:
        if pulse and pulse["run"] == run:
            interval, first = pulse["interval"], pulse["due"]
            beats.append((pulse["boottime"], pulse["real"], 0))
    if not beats:
        return None
    boottime, realtime, vague = max(beats, key=lambda beat: (beat[0], -beat[2]))
    due = boottime - (boottime - first) % interval if interval else boottime
    return {"boottime": boottime, "real": realtime, "vague": vague, "due": due, "interval": interval}


class Killed(Crash):
    """At each single system call."""

    def setUp(self):
        super().setUp()
        self.points = self.kills = self.starts = 0
        self.addCleanup(self.tell)
        self.output = self.dir / "log" / "killed"

    def tell(self):
        print(f"note: stopped at {self.points} calls, killed at {self.kills}, started again from {self.starts} states")

    # How it is killed.

    def calls(self, template, args, drive, umask):
        """Starts it from this state, and yields at each call that counts the one that is about to make it. `drive`
        is told of each call, and says from which on they count and when there are enough."""
        self.put(template)
        self.output.unlink(missing_ok=True)
        command = self.command(f"--output={self.output}", *args)
        tracee = Tracee(command, self.environment(without_leak_check()), self.said, umask)
        try:
            while tracee.next_call():
                counts = drive(tracee)
                if counts is None:
                    return
                if counts:
                    yield tracee
        finally:
            tracee.kill()

    def kill_everywhere(self, template, args, drive, check, umask=0o022):
        """`check` is given what the files hold at each call of a start from this state, where that is anything new,
        and what is left at every seventh call."""
        states = []
        for last, _ in enumerate(self.calls(template, args, drive(), umask), 1):
            state = self.state_on_disk()
            if not states or state != states[-1][1]:
                states.append((last, state))
        self.points += last
        for number, state in states:
            self.restore(state)
            self.check_at(number, args, check)
        for number in range(1, last, KILLED_EVERY):
            self.kill_at(number, template, args, drive(), umask)
            self.check_at(number, args, check)

    def kill_at(self, number, template, args, drive, umask):
        with contextlib.closing(self.calls(template, args, drive, umask)) as calls:
            for tracee in itertools.islice(calls, number - 1, number):
                tracee.kill()
                self.assertEqual(tracee.status, -signal.SIGKILL)
                self.kills += 1

    def check_at(self, number, args, check):
        self.starts += 1
        with self.subTest(call=number, args=args):
            check(content_of(self.state))

    def state_on_disk(self):
        """Content and mode of each file that it writes to."""
        paths = [*self.state.iterdir(), *([self.output] if self.output.exists() else [])]
        return {path: (path.read_bytes(), path.stat().st_mode & 0o7777) for path in paths}

    def restore(self, state):
        self.put({})
        self.output.unlink(missing_ok=True)
        for path, (data, mode) in state.items():
            path.write_bytes(data)
            path.chmod(mode)
            self.give(path)

    @staticmethod
    def all_of_it():
        """From the exec to where it waits for a second beat."""
        return lambda tracee: 1

    def until_beat(self, number):
        """From the exec to where the pulse tells that this beat was made."""

        def drive(tracee):
            pulse = self.pulse() if self.output.exists() else None
            return None if pulse and pulse["seq"] == number else 1

        return lambda: drive

    def during_stop(self, prepare=lambda: None):
        """From SIGTERM, which comes right after the first pulse, to the end."""

        def make():
            told = []

            def drive(tracee):
                if not told:
                    pulse = self.pulse() if self.output.exists() else None
                    if not pulse or pulse["pid"] != tracee.pid:
                        return 0
                    prepare()
                    os.kill(tracee.pid, signal.SIGTERM)
                    told.append(True)
                return 1

            return drive

        return make

    def during_late_beat(self, interval_usec):
        """From three intervals after the first beat to the end of the beat that comes so late."""

        def make():
            held = []

            def drive(tracee):
                pulse = self.pulse() if self.output.exists() else None
                if not pulse:
                    return 0
                if not held:
                    held.append(pulse["due"] + 3 * interval_usec)
                    wait_until(lambda: boottime_usec() > held[0], 5, "beats are missed")
                return None if pulse["seq"] >= 3 else 1

            return drive

        return make

    # What is left must be true.

    def messages(self):
        """How many the killed run wrote, in order from 1."""
        text = self.output.read_text() if self.output.exists() else ""
        numbers = [int(line) for line in text.split("\n")[:-1] if line.isdigit()]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertTrue(text == "" or text.endswith("\n"), text)
        return len(numbers)

    def accounted(self, run, pulse, events):
        """How many of its beats the records hold."""
        if not run:
            return 0
        stored = pulse["seq"] if pulse and pulse["run"] == run else 0
        since = pulse["boottime"] if stored else 0
        late = [e for e in gaps_in(events) if e["run"] == run and e["boottime"] > since]
        return stored + len(late) if stored else 1

    def killed_run(self, known, pulse, events):
        """The id of the run that was killed, None when it left no trace."""
        runs = [event["run"] for event in events if event["ev"] != "trim"] + ([pulse["run"]] if pulse else [])
        new = set(runs) - known
        self.assertLessEqual(len(new), 1, runs)
        return next(iter(new), None)

    def check_gap(self, gap, run, pulses, events):
        """That the gap between a run and the next one has the figures that the records give."""
        beat = last_beat(run, pulses, events)
        self.assertEqual(gap["past"], run)
        self.assertEqual(gap["lasted"], gap["boottime"] - beat["boottime"])
        self.assertIn(gap["from"] - beat["real"], range(beat["vague"] + 1))
        # Two clocks are read one after the other, by a process that may have to wait in between.
        self.assertAlmostEqual(gap["to"] - gap["from"], gap["lasted"], delta=100000)
        if beat["interval"]:
            missed = max((gap["boottime"] - beat["due"]) // beat["interval"] - 1, 0)
            self.assertEqual((gap["missed"], gap["interval"]), (missed, beat["interval"]))
        else:
            self.assertFalse({"missed", "interval"} & set(gap), "nobody knows its interval")

    def check_late_beat(self, gap, interval_usec):
        """That a gap within a run is one that can have been."""
        self.assertGreaterEqual(gap["missed"], 1)
        self.assertGreaterEqual(gap["lasted"], gap["missed"] * interval_usec)
        self.assertLess(gap["lasted"], (gap["missed"] + 2) * interval_usec)
        self.assertNotIn("past", gap)

    def recover(self, left, *args):
        """The next start: it works, has nothing to complain of, and leaves what is there as it is. Returns
        the events it added."""
        words = self.live_briefly(*args)
        self.assertEqual(words, "")
        self.assertEqual(set(content_of(self.state)), {"pulse", "history", "lock"})
        pulse = self.pulse()
        self.assertEqual(pulse["seq"], 1)
        before, after = events_of(left.get("history", b"")), self.history()
        added = [event for event in after if event["run"] == pulse["run"] and event["ev"] != "trim"]
        self.assertEqual([e["ev"] for e in added if e["ev"] != "gap"], ["start", "stop"])
        kept = [e for e in after if e["run"] != pulse["run"] and e["ev"] != "trim"]
        old = [e for e in before if e["ev"] != "trim"]
        self.assertEqual(kept, old[len(old) - len(kept):])
        if not any(event["ev"] == "trim" for event in after):
            self.assertEqual(after, before + added)
        self.assertLessEqual(len(gaps_in(added)), 1)
        return added

    def check_modes(self):
        modes = {path.name: path.stat().st_mode & 0o7777 for path in self.state.iterdir()}
        self.assertEqual(modes, {"pulse": 0o644, "history": 0o644, "lock": 0o600})

    def check_under_reported(self, run, pulse, events):
        """By one beat at most; a gap's line tells of a beat a moment before its message is written."""
        messages, accounted = self.messages(), self.accounted(run, pulse, events)
        self.assertLessEqual(messages - accounted, 1)
        late = [e for e in gaps_in(events) if e["run"] == run and "past" not in e]
        self.assertLessEqual(accounted - messages, 1 if late else 0)

    def check_gap_after_kill(self, added, run, pulse, events):
        """The gap that the next start recorded behind a run that was killed."""
        gaps = gaps_in(added)
        if not run:
            return self.assertEqual(gaps, [])
        self.assertEqual(len(gaps), 1, "a run that was killed, and has left a trace")
        verdict = [gaps[0][key] for key in ("cause", "confidence", "host")]
        if pulse:
            self.assertEqual(verdict, ["service-killed", "low", "up"])
            return self.check_gap(gaps[0], run, [pulse], events)
        self.assertEqual(verdict, ["unknown", "low", "unknown"], "a line and no pulse")
        return self.assertFalse({"from", "lasted", "missed", "past"} & set(gaps[0]))

    def after_first_start(self, interval_usec):
        def check(left):
            events, pulse = events_of(left.get("history", b"")), pulse_of(left.get("pulse", b""))
            run = self.killed_run(set(), pulse, events)
            for gap in gaps_in(events):
                self.check_late_beat(gap, interval_usec)
            self.check_under_reported(run, pulse, events)
            added = self.recover(left)
            self.check_modes()
            self.check_gap_after_kill(added, run, pulse, events)

        return check

    def test_at_a_first_start_and_the_beats_after_it(self):
        for sync in ("--sync=beat", "--sync=never"):
            self.kill_everywhere({}, ["--interval=10ms", sync], self.until_beat(4),
                                 self.after_first_start(10000), umask=0o077)

    def test_at_a_beat_that_ends_a_gap(self):
        for sync in ("--sync=beat", "--sync=never"):
            self.kill_everywhere({}, ["--interval=20ms", sync], self.during_late_beat(20000),
                                 self.after_first_start(20000))

    def after_start_behind(self, pulse_before, cause, *args):
        """Behind a run that a start, which was killed in its turn, had to close: by a gap of this cause, or
        without one."""

        def check(left):
            events, pulse = events_of(left["history"]), pulse_of(left["pulse"])
            old = pulse_before["run"]
            known = {event["run"] for event in self.events_before} | {old}
            run = self.killed_run(known, pulse, events)
            if not run:
                self.assertLessEqual(self.messages(), 1)
            else:
                self.assertEqual(self.messages(), 1)
            added = self.recover(left, *args)
            everything = self.history()
            closing = [e for e in gaps_in(events + added) if e.get("past") == old]
            self.assertEqual([gap["cause"] for gap in closing], [cause] if cause else [])
            for gap in closing:
                self.check_gap(gap, old, [pulse_before], self.events_before)
                self.assertEqual(gap["step"] if "step" in gap else None, self.step_before)
            if run:
                own = [e for e in gaps_in(added) if e["past"] == run]
                self.assertEqual(gaps_in(added), own)
                self.check_gap_after_kill(own, run, pulse, events)
            self.check_counts(events, added, everything)

        return check

    def check_counts(self, events, added, everything):
        """No gap is lost, and none counted twice, whatever was trimmed."""
        expected = gaps_counted(events)
        for gap in gaps_in(added):
            expected[gap["cause"]] = expected.get(gap["cause"], 0) + 1
        self.assertEqual(gaps_counted(everything), expected)

    def start_behind(self, pulse, cause, *args, step=None):
        template = content_of(self.state)
        self.events_before, self.step_before = events_of(template["history"]), step
        self.kill_everywhere(template, ["--interval=1h", *args], self.all_of_it,
                             self.after_start_behind(pulse, cause, *args))

    def test_at_a_start_behind_a_run_that_was_killed(self):
        for sync in ("--sync=beat", "--sync=never"):
            self.put({})
            self.start_behind(self.leave_beats(), "service-killed", sync)

    def test_at_a_start_behind_a_run_that_was_stopped(self):
        self.live_briefly("--interval=10ms")
        pulse = self.pulse()
        wait_until(lambda: boottime_usec() > pulse["due"] + 30000, 5, "beats are missed")
        self.start_behind(pulse, "service-stopped")

    def test_at_a_start_behind_a_stop_that_missed_nothing(self):
        self.live_briefly()
        self.start_behind(self.pulse(), None)

    def test_at_a_start_behind_a_run_whose_watchdog_named_a_step(self):
        """What the new run does is not taken for what the old one hung in."""
        pulse = self.leave_beats()
        with open(self.state / "pulse", "r+b") as file:
            file.seek(512)
            file.write(b"sync pulse".ljust(511) + b"\n")
        self.run_command("--record-exit", *self.common(()), env={
            "SERVICE_RESULT": "watchdog", "EXIT_CODE": "killed", "EXIT_STATUS": "ABRT"})
        self.start_behind(pulse, "service-watchdog-killed", step="sync pulse")

    def after_move(self, old):
        """Behind a start, which was killed, that had to move one of the files of an older run aside."""

        def check(left):
            pulse = pulse_of(left.get("pulse", b""))
            words = self.live_briefly().splitlines()
            aside = [name for name in left if name.endswith(".unreadable")]
            self.assertEqual(len(words) + len(aside), 1, (words, aside))
            events = self.history()
            runs = {event["run"] for event in events} - {old["run"], self.pulse()["run"]}
            if pulse and pulse["run"] != old["run"]:
                runs.add(pulse["run"])
            self.assertLessEqual(len(runs), 1)
            # The old run may have gaps of its own, on a machine that is busy.
            gaps = [gap for gap in gaps_in(events) if gap["run"] != old["run"]]
            self.assertEqual(len(gaps), 1 + len(runs), "each run has ended once")
            self.assertEqual(gaps[0]["cause"], "unknown")
            if "past" in gaps[0]:
                self.check_gap(gaps[0], old["run"], [old], [])
            for gap, run in zip(gaps[1:], runs):
                self.assertEqual(gap["cause"], "service-killed" if "past" in gap else "unknown")
                self.assertEqual(gap.get("past", run), run)

        return check

    def test_at_a_start_that_moves_a_file_aside(self):
        pulse = self.leave_beats()
        content = content_of(self.state)
        newer = {**content, "history": content["history"] + b"v=2 what=ever\n"}
        for template in (newer, {**content, "pulse": b"noise" * 200}):
            self.kill_everywhere(template, ["--interval=1h"], self.all_of_it, self.after_move(pulse))

    def after_stop(self, *args):
        def check(left):
            events, pulse = events_of(left["history"]), pulse_of(left["pulse"])
            run = pulse["run"]
            self.assertEqual(self.messages(), 1)
            added = self.recover(left, *args)
            if any(event["ev"] == "stop" and event["run"] == run for event in events):
                self.assertEqual(gaps_in(added), [], "it has ended as it was told to")
            else:
                self.check_gap_after_kill(added, run, pulse, events)
            self.check_counts(events, added, self.history())

        return check

    def test_at_a_stop(self):
        for sync in ("--sync=beat", "--sync=gap", "--sync=never"):
            self.kill_everywhere({}, ["--interval=1h", sync], self.during_stop(), self.after_stop())

    def write_long_history(self, run, boot, boottime, length=66000):
        """Appends lines of gaps within a run to the history until they are as long as this."""
        causes, lines, at = ["suspend", "cpu-starved", "output-blocked"], [], 1795352400000000
        while sum(map(len, lines)) < length:
            lines.append(f"v=1 t=2026-11-22T13:00:00.000Z boottime={boottime} boot={boot} run={run} ev=gap "
                         f"cause={causes[len(lines) % 3]} confidence=high host=up interval=10000 from={at} "
                         f"to={at + 50000} lasted=50000 missed=4\n")
            at += 60000
        with open(self.state / "history", "a") as history:
            history.write("".join(lines))

    def test_at_a_start_that_trims_the_history(self):
        boot = self.leave_beats()["boot"]
        self.put({})
        self.write_long_history("f" * 32, boot, 1)
        (self.state / "history").chmod(0o666)
        self.give(self.state / "history")
        pulse = self.leave_beats(2, "--interval=10ms", "--history-max=1M")
        self.start_behind(pulse, "service-killed", "--history-max=64K")
        self.assertLess((self.state / "history").stat().st_size, 40000)

    def test_at_a_stop_that_trims_the_history(self):
        def prepare():
            pulse = self.pulse()
            self.write_long_history(pulse["run"], pulse["boot"], pulse["boottime"] - 1)

        args = ["--history-max=64K"]
        self.kill_everywhere({}, ["--interval=1h", *args], self.during_stop(prepare), self.after_stop(*args))
        self.assertLess((self.state / "history").stat().st_size, 40000)


def with_sum(text):
    """A pulse's record, as long as one is."""
    line = text.encode()
    return (line + b" sum=%08x" % zlib.crc32(line)).ljust(511) + b"\n"


def record_with(record, **fields):
    """A pulse's record with some of its fields replaced."""
    text = record[:512].rstrip(b" \n").rpartition(b" sum=")[0].decode()
    for key, value in fields.items():
        text, count = re.subn(rf"\b{key}=\S+", f"{key}={value}", text)
        assert count == 1, key
    return with_sum(text) + b" " * 511 + b"\n"


def mixed(old, new, mix):
    """Each 64 bytes of the one or the other."""
    blocks = range(0, len(old), 64)
    return b"".join((new if mix >> at // 64 & 1 else old)[at:at + 64] for at in blocks)


def mended(history):
    """As the next writer leaves it: its last line marked, if that was torn."""
    return history if history.endswith(b"\n") or not history else history + b" !torn\n"


class Damaged(Crash):
    """Whatever the files hold, the next start works and makes nothing up."""

    MOVED = r"heartbeatd: {}/{}: {}; moved aside to {}\.unreadable"

    def setUp(self):
        super().setUp()
        self.pulse_before = self.leave_beats(*self.AT_REST)
        self.content = content_of(self.state)
        self.old_run = self.pulse_before["run"]

    def start_from(self, expected_words=(), **files):
        """Starts from the files of a run that was killed, with some of them replaced; the gap, None for none.
        Exactly these complaints come, each of them once."""
        self.put({name: data for name, data in {**self.content, **files}.items() if data is not None})
        words = self.live_briefly().splitlines()
        self.assertEqual(len(words), len(expected_words), words)
        for pattern in expected_words:
            self.assertTrue(any(re.fullmatch(pattern, line) for line in words), (pattern, words))
        pulse = self.pulse()
        self.assertEqual(pulse["seq"], 1)
        own = [e for e in self.events_that_parse() if e["run"] == pulse["run"]]
        self.assertEqual([e["ev"] for e in own if e["ev"] != "gap"], ["start", "stop"])
        self.assertLessEqual(len(gaps_in(own)), 1)
        return gaps_in(own)[0] if gaps_in(own) else None

    def events_that_parse(self):
        found = []
        for line in (self.state / "history").read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError, UnicodeDecodeError):
                event = fields_of(line.decode())
                if event.get("v") == 1 and {"t", "boottime", "boot", "run", "ev"} <= event.keys():
                    found.append(event)
        return found

    def moved(self, name, why):
        """The complaint of a file that was moved aside."""
        return self.MOVED.format(re.escape(str(self.state)), name, why, name)

    def check_moved(self, **files):
        aside = {name: data for name, data in content_of(self.state).items() if "." in name}
        self.assertEqual(aside, {f"{name}.unreadable": data for name, data in files.items()})

    def check_nothing_known(self, gap):
        self.assertEqual([gap[key] for key in ("cause", "confidence", "host")], ["unknown", "low", "unknown"])
        self.assertFalse({"from", "lasted", "missed", "past", "interval"} & set(gap))

    def check_figures(self, gap, pulse, cause):
        """That it is the gap behind this beat of the run that was killed."""
        self.assertEqual((gap["cause"], gap["past"], gap["from"]), (cause, self.old_run, pulse["real"]))
        self.assertEqual(gap["lasted"], gap["boottime"] - pulse["boottime"])
        missed = max((gap["boottime"] - pulse["due"]) // pulse["interval"] - 1, 0)
        self.assertEqual(gap["missed"], missed)

    def check_damaged(self, gap, data):
        self.check_nothing_known(gap)
        self.check_moved(pulse=data)

    def test_prefixes_of_the_pulse(self):
        """Each one is a unit test's; here some with the program, both ends of the record among them."""
        for length in (0, 1, 37, 128, 255, 448, 510, 511, 512, 513, 520, 576, 1000, 1023):
            with self.subTest(length=length):
                data = self.content["pulse"][:length]
                damaged = 0 < length < 512
                gap = self.start_from([self.moved("pulse", "damaged")] if damaged else [], pulse=data)
                if damaged:
                    self.check_damaged(gap, data)
                elif length:
                    self.check_figures(gap, self.pulse_before, "service-killed")
                else:
                    self.check_nothing_known(gap)

    def test_prefixes_of_the_history(self):
        self.live_briefly()
        self.content, self.pulse_before = content_of(self.state), self.pulse()
        self.old_run = self.pulse_before["run"]
        whole = self.content["history"]
        ends = [match.end() for match in re.finditer(b"\n", whole)]
        for length in sorted({1, *range(0, len(whole), 61), *ends, *(end - 1 for end in ends)}):
            with self.subTest(length=length):
                data = whole[:length]
                known = events_of(data[:data.rfind(b"\n") + 1])
                gap = self.start_from(history=data)
                after = (self.state / "history").read_bytes()
                self.assertTrue(after.startswith(mended(data)))
                self.assertEqual(events_of(after)[:len(known)], known)
                ended = [e["ev"] for e in known if e["run"] == self.old_run]
                if "stop" in ended:
                    self.assertIsNone(gap)
                else:
                    self.check_figures(gap, self.pulse_before, "service-killed" if ended else "unknown")

    def test_mixes_of_two_pulses(self):
        """And of the steps behind them, at each 64 bytes; the second one longer than the first. All mixes are a unit
        test's; here some with the program, both pulses among them."""
        old = record_with(self.content["pulse"], seq=9, late_max=99)[:512]
        new = record_with(old, seq=10, late_max=4321, real=self.pulse_before["real"] + 1,
                          boottime=self.pulse_before["boottime"] + 1)[:512]
        steps = [step.ljust(511) + b"\n" for step in (b"write /var/log/beats", b"sync pulse")]
        self.run_command("--record-exit", *self.common(()), env={
            "SERVICE_RESULT": "watchdog", "EXIT_CODE": "killed", "EXIT_STATUS": "ABRT"})
        self.content = content_of(self.state)
        counts = {"old": 0, "new": 0, "damaged": 0}
        for mix in range(0, 256, 5):
            with self.subTest(mix=mix):
                record = mixed(old, new, mix)
                data = record + mixed(*steps, mix ^ mix << 1)
                kind = {old: "old", new: "new"}.get(record, "damaged")
                counts[kind] += 1
                words = [self.moved("pulse", "damaged")] if kind == "damaged" else []
                gap = self.start_from(words, pulse=data)
                if kind == "damaged":
                    self.check_damaged(gap, data)
                else:
                    self.check_figures(gap, pulse_of(record), "service-watchdog-killed")
                    self.assertIn(gap["step"], ("write /var/log/beats", "sync pulse"))
        self.assertGreaterEqual(min(counts.values()), 1)
        print(f"note: started from {counts} pulses")

    def test_random_bytes(self):
        noise = random.Random(1)
        for round_number in range(20):
            with self.subTest(round=round_number):
                pulse = noise.randbytes(noise.randrange(1, 3000))
                history = noise.randbytes(noise.randrange(1, 9000))
                lines = history.count(b"\n")
                name = re.escape(str(self.state / "history"))
                bad = f"heartbeatd: {name}: {lines} lines? cannot be read and .*"
                words = [self.moved("pulse", "damaged"), *([bad] if lines else [])]
                gap = self.start_from(words, pulse=pulse, history=history)
                self.check_damaged(gap, pulse)
                after = (self.state / "history").read_bytes()
                self.assertTrue(after.startswith(mended(history)))
        for byte in b"\0", b" ", b"\n", b"\xff":
            with self.subTest(byte=byte):
                data = byte * 1024
                self.check_damaged(self.start_from([self.moved("pulse", "damaged")], pulse=data), data)

    def test_a_pulse_of_a_newer_version(self):
        for text in "v=2 run=other format=yes", "v=99", 'v=2 {"json": "too"}':
            with self.subTest(text):
                data = with_sum(text) + b" " * 511 + b"\n"
                gap = self.start_from([self.moved("pulse", "written by a newer version")], pulse=data)
                self.check_damaged(gap, data)

    def test_a_history_of_a_newer_version(self):
        for line in b"v=2 ev=gap cause=magic\n", b"v=2\n":
            for stopped in (False, True):
                with self.subTest(line=line, stopped=stopped):
                    stop = (f"v=1 t=2026-11-22T13:00:00.000Z boottime=1 boot={self.pulse_before['boot']} "
                            f"run={self.old_run} ev=stop seq=2\n").encode()
                    data = self.content["history"] + (stop if stopped else b"") + line
                    gap = self.start_from([self.moved("history", "written by a newer version")], history=data)
                    self.check_figures(gap, self.pulse_before, "unknown")
                    self.check_moved(history=data)

    def test_what_was_moved_aside_is_not_told_of_again(self):
        self.start_from([self.moved("pulse", "damaged")], pulse=b"nonsense")
        before = self.history()
        self.assertEqual(self.live_briefly(), "")
        self.assertEqual([event["ev"] for event in self.history()[len(before):]], ["start", "stop"])
        self.check_moved(pulse=b"nonsense")

    def take_machine_id(self, path):
        mount(path, "/etc/machine-id", flags=MS_BIND)
        self.addCleanup(umount, "/etc/machine-id")

    @needs_root
    def test_records_of_another_machine(self):
        """And then those of this machine again, which has got an id of its own."""
        self.private_mounts()
        self.mount_tmpfs("/run")
        ids = [self.dir / name for name in ("one", "other")]
        for number, path in enumerate(ids, 1):
            path.write_text(f"{number:032x}\n")
        self.take_machine_id(ids[0])
        self.put({})
        pulse = self.leave_beats(*self.AT_REST)
        self.old_run, self.content = pulse["run"], content_of(self.state)
        self.check_figures(self.start_from(), pulse, "service-killed")
        self.take_machine_id(ids[1])
        words = [self.moved(name, "written on another machine") for name in ("pulse", "history")]
        self.check_nothing_known(self.start_from(words))
        self.check_moved(pulse=self.content["pulse"], history=self.content["history"])
        self.assertEqual({event["run"] for event in self.history()}, {self.pulse()["run"]})

    def test_time_that_runs_backwards(self):
        """A beat that is still to come, by either clock or by both: that it was the last one stands."""
        pulse, boot = self.pulse_before, "0" * 32
        ahead = {key: pulse[key] + HOUR for key in ("boottime", "due", "mono")}
        real = {key: pulse[key] + HOUR for key in ("real", "started")}
        for fields, unknown in ((ahead, {"lasted", "missed"}), ({**ahead, **real}, {"lasted", "missed"}),
                                (real, set()), ({**real, "boot": boot}, {"lasted", "missed"})):
            with self.subTest(fields=fields):
                data = record_with(self.content["pulse"], **fields)
                gap = self.start_from(pulse=data)
                self.assertEqual(gap["from"], pulse_of(data)["real"])
                self.assertEqual({"lasted", "missed"} - set(gap), unknown)
                self.assertEqual(gap["cause"], "host-down" if "boot" in fields else "service-killed")
                self.assertLess(gap.get("lasted", 0), 60 * 10**6)

    def test_files_that_are_missing(self):
        self.check_nothing_known(self.start_from(pulse=None))
        self.check_figures(self.start_from(history=None), self.pulse_before, "unknown")
        self.assertIsNone(self.start_from(pulse=None, history=None))
        self.assertIsNone(self.start_from(pulse=b"", history=b""))
