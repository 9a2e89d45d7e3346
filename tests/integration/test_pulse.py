# SPDX-License-Identifier: MIT
"""The pulse: what stands in it, that it is stored at each beat whatever becomes of the messages, and when the
disk is made to take it."""

import errno
import os
import pathlib
import re
import signal
import stat
import time
import zlib

import harness
import records

KEYS = ("v run boot machine pid start_ticks started seq due real boottime mono interval late late_max missed "
        "failing lost gaps last_cause lateness sum").split()


def boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")


def machine():
    """What stands for this machine; None where it has no id that outlives a boot."""
    path = pathlib.Path("/etc/machine-id")
    text = path.read_text()[:32] if path.exists() and not os.path.exists("/run/machine-id") else ""
    return f"{zlib.crc32(text.encode()):08x}" if re.fullmatch("[0-9a-f]{32}", text) else None


class PulseCase(harness.Case):
    def pulse(self):
        return records.pulse(self.state)

    def numbers(self, fields=None):
        fields = fields or self.pulse()
        return {key: int(value) for key, value in fields.items() if value.isdigit() and key != "run"}

    def stop_for(self, daemon, seconds):
        """Stops it, and lets it go on."""
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", seconds, "it is stopped")
        daemon.signal(signal.SIGCONT)


class Layout(PulseCase):
    def test_it_is_1024_bytes_of_two_lines(self):
        self.start_beating("--interval=1d")
        records.wait_for_rest(self.state)
        data = records.raw_pulse(self.state)
        self.assertEqual(len(data), 1024)
        self.assertEqual([i for i, byte in enumerate(data) if byte == 0x0a], [511, 1023])
        self.assertRegex(data[:511].decode(), r"\Av=1 run=[^\n]* sum=[0-9a-f]{8} +\Z")
        self.assertEqual(data[512:1023], b" " * 511, "no step is at hand")

    def test_others_may_read_it_whatever_the_umask(self):
        for umask in (0, 0o022, 0o077):
            with self.subTest(oct(umask)):
                daemon = self.start_beating(preexec_fn=lambda value=umask: os.umask(value))
                records.wait_for_pulse(self.state)
                for name in ("pulse", "history"):
                    info = (self.state / name).stat()
                    self.assertEqual(stat.S_IMODE(info.st_mode), 0o644, name)
                    self.assertEqual(info.st_uid, self.state.stat().st_uid, name)
                self.assertEqual(daemon.stop(), 0)
                for name in ("pulse", "history"):
                    (self.state / name).unlink()
                self.log.unlink()

    @harness.needs_root
    def test_what_root_makes_belongs_to_the_directorys_owner(self):
        """So that a run as root does not keep the service's own user out afterwards."""
        daemon = self.start(f"--output={self.log}", user="root")
        records.wait_for_pulse(self.state)
        self.assertEqual(daemon.stop(), 0)
        for name in ("lock", "pulse", "history"):
            self.assertEqual((self.state / name).stat().st_uid, harness.NOBODY.pw_uid, name)

    def test_it_is_written_in_place(self):
        self.start_beating("--interval=20ms")
        before = records.wait_for_pulse(self.state)
        inode = (self.state / "pulse").stat().st_ino
        records.wait_for_pulse(self.state, seq=int(before["seq"]) + 20)
        self.assertEqual((self.state / "pulse").stat().st_ino, inode)
        self.assertEqual(sorted(os.listdir(self.state)), ["history", "lock", "pulse"])


class Fields(PulseCase):
    def test_a_first_beat(self):
        daemon = self.start_beating("--interval=1d")
        fields = records.wait_for_pulse(self.state)
        absent = {"last_cause"} | ({"machine"} if machine() is None else set())
        self.assertEqual(list(fields), [key for key in KEYS if key not in absent] + ["step"])
        self.assertRegex(fields["run"], r"\A[0-9a-f]{32}\Z")
        self.assertEqual((fields["v"], fields["boot"], fields.get("machine")), ("1", boot_id(), machine()))
        self.assertEqual(int(fields["pid"]), daemon.pid)
        ticks = harness.proc(daemon.pid, "stat").read_text().rpartition(")")[2].split()[19]
        self.assertEqual(fields["start_ticks"], ticks)
        zero = {key: "0" for key in ("late", "late_max", "missed", "failing", "lost", "gaps")}
        self.assertEqual({key: fields[key] for key in zero}, zero)
        self.assertEqual((fields["seq"], fields["interval"]), ("1", "86400000000"))
        self.check_times(fields)

    def check_times(self, fields):
        """The beat's own line has the same time, to the millisecond."""
        self.assertEqual(fields["started"], fields["real"])
        self.assertEqual(harness.moment(self.beats()[0].split()[0]), int(fields["real"]) // 1000 * 1000)
        self.assertEqual(fields["due"], fields["boottime"], "the first beat is due when it is made")
        for key, clock in (("boottime", time.CLOCK_BOOTTIME), ("mono", time.CLOCK_MONOTONIC)):
            age = time.clock_gettime_ns(clock) // 1000 - int(fields[key])
            self.assertTrue(0 <= age < 60_000_000, (key, age))

    def test_from_beat_to_beat(self):
        """Each that is seen: its number, its due instant and what was missed account for one another."""
        self.start_beating("--interval=30ms")
        seen = {}

        def enough():
            fields = self.numbers()
            seen[fields["seq"]] = fields
            return len(seen) >= 40

        harness.wait_until(enough, 20, "40 pulses")
        pulses = [seen[seq] for seq in sorted(seen)]
        for before, after in zip(pulses, pulses[1:]):
            made = after["seq"] - before["seq"]
            self.assertEqual(after["due"] - before["due"],
                             30_000 * (made + after["missed"] - before["missed"]))
            self.assertGreaterEqual(after["late_max"], max(before["late_max"], after["late"]))
            self.assertGreater(after["boottime"], before["boottime"])
            self.assertGreater(after["mono"], before["mono"])
        for fields in pulses:
            self.assertEqual(fields["boottime"] - fields["due"], fields["late"])
            self.assertLess(fields["late"], 30_000, "later than that, it would be the next one")
        for key in ("pid", "start_ticks", "started", "interval"):
            self.assertEqual(len({fields[key] for fields in pulses}), 1, key)

    def test_a_gap_is_counted_and_named(self):
        daemon = self.start_beating("--interval=100ms")
        records.wait_for_pulse(self.state, seq=3)
        self.stop_for(daemon, 0.65)
        gap = records.wait_for_gap(self.state, "process-stopped")
        self.assertGreaterEqual(int(gap["missed"]), 4)
        records.wait_for_pulse(self.state, seq=int(self.pulse()["seq"]) + 1)  # the line is there before the beat
        daemon.pause()
        every = records.events(self.state, "gap")
        fields = self.pulse()
        self.assertEqual((int(fields["gaps"]), fields["last_cause"]), (len(every), every[-1]["cause"]))
        self.assertEqual(int(fields["missed"]), sum(int(event["missed"]) for event in every))

    def test_a_gap_before_the_run_counts_and_the_beats_missed_in_it_are_not_its_own(self):
        daemon = self.start_beating("--interval=50ms")
        before = records.wait_for_pulse(self.state, seq=2)
        daemon.signal(signal.SIGKILL)
        daemon.ended()
        self.start("--interval=1d", f"--output={self.log}")
        after = harness.wait_until(
            lambda: fields if (fields := self.pulse())["run"] != before["run"] else None, 10, "another run")
        self.assertEqual((after["gaps"], after["last_cause"]), ("1", "service-killed"))
        self.assertEqual((after["seq"], after["missed"], after["late_max"]), ("1", "0", "0"))

    def test_outputs_that_fail_are_counted(self):
        daemon = self.start_beating("--output=/dev/full", "--interval=50ms")
        fields = records.wait_for_pulse(self.state, seq=5)
        self.assertEqual((fields["failing"], fields["lost"]), ("1", fields["seq"]))
        self.assertEqual(daemon.stop(), 0)
        before = self.pulse()
        self.start("--output=/dev/full", "--output=/dev/full", "--interval=1d")
        after = harness.wait_until(
            lambda: fields if (fields := self.pulse())["run"] != before["run"] else None, 10, "another run")
        self.assertEqual((after["failing"], after["lost"]), ("1", "1"), "one output given twice is one")

    def test_a_new_interval_is_in_the_next_beat(self):
        path = self.config("[Heartbeat]\nInterval=1d\n")
        daemon = self.start_beating(f"--config={path}")
        records.wait_for_pulse(self.state)
        self.config("[Heartbeat]\nInterval=40ms\n")
        daemon.signal(signal.SIGHUP)
        self.assertEqual(records.wait_for_pulse(self.state, seq=3)["interval"], "40000")

    @harness.needs_strace
    def test_the_step_in_which_it_hangs(self):
        """The message's: the pulse is still that of the beat before."""
        hang = harness.tracing("write", path=self.log, inject="write:delay_enter=60s:when=4+")
        self.start(f"--output={self.log}", "--interval=50ms", wrapper=hang, env=harness.without_leak_check())
        self.wait_for_beats(3)
        step = f"write {self.log}"
        harness.wait_until(lambda: self.pulse()["step"] == step, 10,
                           lambda: f"the step {step}; it is {self.pulse()['step']}")
        harness.hold(lambda: self.pulse()["step"] == step and self.pulse()["seq"] == "3", 0.4, "it hangs")

    @harness.needs_strace
    def test_the_sync_in_which_it_hangs(self):
        """The pulse's own: that is the one of the beat at hand."""
        hang = harness.tracing("fdatasync", path=self.state / "pulse",
                               inject="fdatasync:delay_enter=60s:when=1+")
        self.start(f"--output={self.log}", "--interval=50ms", wrapper=hang, env=harness.without_leak_check())
        harness.wait_until(lambda: records.wait_for_pulse(self.state)["step"] == "sync pulse", 10, "the step")
        harness.hold(lambda: (self.pulse()["step"], self.pulse()["seq"]) == ("sync pulse", "1"), 0.4, "it is")

    def test_the_steps_name_of_a_long_path_is_cut(self):
        """What is written stays in its half of the file."""
        name = "x" * 120
        self.make_directory("log/" + name)
        log = self.log.parent / name / "beats"
        self.start(f"--output={log}", "--interval=10ms")
        self.wait_for_beats(20, log)
        for _ in range(200):
            data = records.raw_pulse(self.state)
            self.assertEqual(len(data), 1024)
            self.assertLessEqual(len(data[512:].decode().rstrip()), 63)


def syncs(trace):
    """What was done to the pulse: (due instant, whether a sync follows) of each beat, and the calls that
    synced, each by the name of the file."""
    beats, calls = [], []
    for line in harness.lines_of(trace):
        if match := re.search(r'pwrite64\(\d+<[^>]*>, "v=1 [^"]* due=(\d+) [^"]*", 1024, 0\)', line):
            beats.append((int(match[1]), "sync pulse" in line))
        elif match := re.search(r"\b(fdatasync|fsync|sync_file_range|syncfs|sync)\((?:\d+<([^>]*)>)?", line):
            calls.append(os.path.basename(match[2] or ""))
    return beats, calls


@harness.needs_strace
class Sync(PulseCase):
    CALLS = "pwrite64,fdatasync,fsync,sync,syncfs,sync_file_range"

    def trace(self, *args, **options):
        trace = self.make_directory("trace") / "calls"
        strace = [*harness.tracing(self.CALLS, trace), "-y", "-s", "1100"]
        daemon = self.start(f"--output={self.log}", *args, wrapper=strace, env=harness.without_leak_check(),
                            **options)
        return daemon, trace

    def finish(self, daemon, trace):
        """Ends the daemon, of which its tracer has seen all by then."""
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(records.events(self.state)[-1]["ev"], "stop")
        return syncs(trace)

    def stop_for(self, daemon, seconds):
        """Under a tracer a stop is another state, that of each traced call, too: by the beats, then."""
        daemon.signal(signal.SIGSTOP)
        seen = [time.monotonic(), self.pulse()["seq"]]

        def quiet():
            if self.pulse()["seq"] != seen[1]:
                seen[:] = time.monotonic(), self.pulse()["seq"]
            return time.monotonic() - seen[0] > seconds

        harness.wait_until(quiet, 10, "it is stopped")
        daemon.signal(signal.SIGCONT)

    def test_at_each_beat_is_at_most_once_a_second(self):
        """Of those that are due within a second of the last sync none, and the first one after it."""
        daemon, trace = self.trace("--interval=100ms")
        records.wait_for_pulse(self.state, seq=32, seconds=40)
        beats, calls = self.finish(daemon, trace)
        self.assertGreater(len(beats), 30)
        gaps = records.events(self.state, "gap")  # those that a slow machine makes are synced as well
        self.assertTrue(beats[0][1])
        last, early = beats[0][0], 0
        for due, synced in beats[1:]:
            self.assertTrue(synced or due < last + 1_000_000, (due, last))
            early += synced and due < last + 1_000_000
            last = due if synced else last
        self.assertLessEqual(early, len(gaps))
        self.assertEqual(calls.count("pulse"), sum(synced for _, synced in beats))
        self.assertGreaterEqual(calls.count("pulse"), 3)
        self.assertEqual(calls.count("history"), 2 + len(gaps), "one for the start, one for the stop")

    def test_beats_a_second_apart_are_each_synced(self):
        daemon, trace = self.trace("--interval=1s")
        records.wait_for_pulse(self.state, seq=3, seconds=40)
        beats, calls = self.finish(daemon, trace)
        self.assertEqual({synced for _, synced in beats}, {True})
        self.assertEqual(calls.count("pulse"), len(beats))

    def test_at_gaps_is_at_the_start_after_a_gap_and_at_the_end(self):
        daemon, trace = self.trace("--interval=100ms", "--sync=gap")
        records.wait_for_pulse(self.state, seq=14)
        self.stop_for(daemon, 0.65)
        records.wait_for_gap(self.state, "process-stopped")
        records.wait_for_pulse(self.state, seq=18)
        beats, calls = self.finish(daemon, trace)
        gaps = records.events(self.state, "gap")
        self.assertTrue(beats[0][1])
        self.assertEqual(sum(synced for _, synced in beats), 1 + len(gaps))
        after = next(i for i in range(1, len(beats)) if beats[i][0] - beats[i - 1][0] > 400_000)
        self.assertTrue(beats[after][1], "the beat that ended the gap")
        self.assertEqual(calls.count("pulse"), 2 + len(gaps), "the end's has no beat of its own")
        self.assertEqual(calls.count("history"), 2 + len(gaps))
        self.assertEqual(calls[-1], "pulse")

    def test_never_is_never(self):
        daemon, trace = self.trace("--interval=100ms", "--sync=never")
        records.wait_for_pulse(self.state, seq=14)
        self.stop_for(daemon, 0.65)
        records.wait_for_gap(self.state, "process-stopped")
        beats, calls = self.finish(daemon, trace)
        self.assertGreater(len(beats), 10)
        self.assertEqual({synced for _, synced in beats}, {False})
        self.assertEqual(calls, [])

    def test_a_reload_changes_it(self):
        path = self.config("[Heartbeat]\nInterval=100ms\nSync=never\n")
        daemon, trace = self.trace(f"--config={path}")
        records.wait_for_pulse(self.state, seq=2)
        self.config("[Heartbeat]\nInterval=100ms\nSync=beat\n")
        daemon.signal(signal.SIGHUP)
        records.wait_for_event(self.state, "reload")
        seq = int(self.pulse()["seq"])
        records.wait_for_pulse(self.state, seq=seq + 2)
        beats, calls = self.finish(daemon, trace)
        self.assertFalse(beats[0][1])
        self.assertTrue(any(synced for _, synced in beats))
        self.assertIn("history", calls)

    def test_a_sync_that_fails_is_said_once_and_the_beats_go_on(self):
        inject = harness.tracing("fdatasync", path=self.state / "pulse",
                                 inject="fdatasync:error=EIO:when=1..2")
        daemon = self.start(f"--output={self.log}", "--interval=1s", wrapper=inject,
                            env=harness.without_leak_check())
        daemon.wait_for_words(rf"/pulse: {harness.words_of(errno.EIO)}; the beats are not stored until it works again\Z")
        daemon.wait_for_words(r"/pulse: is written again\Z")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(daemon.words()), 2, daemon.words())


class LogEvery(PulseCase):
    def lines(self):
        """Warnings of gaps included, without their times."""
        return [line.split(" ", 1)[1] for line in harness.lines_of(self.log)]

    def test_messages_come_that_often_and_the_pulse_at_each_beat(self):
        self.start_beating("--log-every=500ms", "--interval=50ms")
        seen = set()

        def enough():
            seen.add(int(self.pulse()["seq"]))
            return max(seen) >= 32

        harness.wait_until(enough, 20, "32 beats in the pulse")
        self.assertGreater(len(seen), 16, "the pulse was stored at other beats, too")
        self.assert_ten_apart(self.lines())

    def assert_ten_apart(self, lines):
        """By due instants; where a slow machine has made a gap, the next message is counted from there."""
        last = None
        for i, line in enumerate(lines):
            if line.startswith("gap: "):
                continue
            number = int(line.split()[-1])
            if last is not None and not lines[i - 1].startswith("gap: "):
                self.assertEqual(number, last + 10, lines)
            last = number
        self.assertEqual(lines[0], "heartbeat 1")
        self.assertGreaterEqual(len(lines), 4)

    def test_a_gap_is_told_at_once_with_a_message(self):
        daemon = self.start_beating("--log-every=1h", "--interval=100ms")
        records.wait_for_pulse(self.state, seq=4)
        self.stop_for(daemon, 0.65)
        records.wait_for_gap(self.state, "process-stopped")
        seq = int(self.pulse()["seq"])
        records.wait_for_pulse(self.state, seq=seq + 5)
        self.assertEqual(len(self.beats()), 1 + len(self.warnings()))
        self.assertRegex(self.lines()[1], r"\Agap: \d+ beats? missed, ")
        self.assertRegex(self.lines()[2], r"\Aheartbeat \d+\Z")

    def test_in_a_plain_file_a_gap_shows_by_its_message_alone(self):
        daemon = self.start_beating("--log-every=1h", "--interval=100ms", "--format=plain")
        records.wait_for_pulse(self.state, seq=3)
        self.stop_for(daemon, 0.65)
        records.wait_for_gap(self.state, "process-stopped")
        self.wait_for_beats(2)
        for line in harness.lines_of(self.log):
            self.assertRegex(line, r"\Aheartbeat \d+\Z")

    def test_a_run_begins_with_a_message(self):
        for count in (1, 2):
            daemon = self.start("--log-every=1y", "--interval=1d", f"--output={self.log}")
            self.assertEqual(len(self.wait_for_beats(count)), count)
            self.assertEqual(daemon.stop(), 0)

    def test_a_span_shorter_than_the_interval_means_each_beat(self):
        self.start_beating("--log-every=1us", "--interval=50ms")
        lines = [line.split(" ", 1)[1] for line in self.wait_for_beats(5)]
        self.assertEqual(lines[:5], [f"heartbeat {number}" for number in range(1, 6)])

    def test_a_reload_changes_it(self):
        path = self.config("[Heartbeat]\nInterval=50ms\nLogEvery=1h\n")
        daemon = self.start_beating(f"--config={path}")
        records.wait_for_pulse(self.state, seq=4)
        self.assertEqual(len(self.beats()), 1 + len(self.warnings()))
        self.config("[Heartbeat]\nInterval=50ms\n")
        daemon.signal(signal.SIGHUP)
        self.wait_for_more_beats(5)

    def test_the_watchdog_is_fed_by_each_beat(self):
        notify = self.notify_socket()
        self.start(f"--output={self.log}", "--log-every=1h", "--interval=100ms",
                   env={"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "600000"})
        harness.wait_until(lambda: notify.count("WATCHDOG=1") >= 6, 15, "six times WATCHDOG=1")
        self.assertLessEqual(len(self.beats()), 1 + len(records.events(self.state, "gap")))
