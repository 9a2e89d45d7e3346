# SPDX-License-Identifier: MIT
"""The history: a line for each thing that happens, what becomes of it on a bad disk, and what a new run makes
of what it finds, however damaged."""

import errno
import os
import pathlib
import re
import shutil
import signal
import stat
import time

import harness
import records

NO_SPACE = harness.words_of(errno.ENOSPC)
STAMP = "v t boottime boot run ev".split()
GAP_OF_RUN = [*STAMP, *"cause confidence host interval from to lasted missed step longest steps suspended "
              "throttled starved cpu frozen switches polls faults continued".split()]
GAP_OF_PAST = [*STAMP, *"cause confidence host interval past from to lasted missed".split()]


class HistoryCase(harness.Case):
    def events(self, kind=None):
        return records.events(self.state, kind)

    def kinds(self):
        return [event["ev"] for event in self.events()]

    def history(self):
        return self.state / "history"

    def killed(self, daemon):
        daemon.signal(signal.SIGKILL)
        daemon.ended()

    def restart(self, *args):
        """Starts another run with a beat a day, and returns it and its first pulse."""
        before = records.raw_pulse(self.state) if (self.state / "pulse").exists() else b""
        run = (records.parse_pulse(before) or {}).get("run")
        daemon = self.start(f"--output={self.log}", "--interval=1d", *args)

        def other():
            fields = records.wait_for_pulse(self.state)
            return fields if fields["run"] != run else None

        return daemon, harness.wait_until(other, 10, lambda: f"another run; {daemon.words()}")


class Lines(HistoryCase):
    def test_start_and_stop(self):
        daemon = self.start_beating("--interval=50ms")
        records.wait_for_pulse(self.state, seq=2)
        self.assertEqual(daemon.stop(), 0)
        pulse, events = records.pulse(self.state), [e for e in self.events() if e["ev"] != "gap"]
        self.assertEqual([list(event) for event in events],
                         [[*STAMP, "pid", "interval", "latest"], [*STAMP, "seq"]])
        start, stop = events
        self.assertEqual((start["ev"], stop["ev"]), ("start", "stop"))
        self.assertEqual((start["pid"], start["interval"]), (pulse["pid"], "50000"))
        self.assertEqual(start["t"], self.beats()[0].split()[0])
        self.assertEqual(start["boottime"], str(int(pulse["boottime"]) - self.since_first_beat(pulse)))
        self.assertEqual(stop["seq"], pulse["seq"])
        for event in events:
            self.assertEqual((event["v"], event["run"], event["boot"]), ("1", pulse["run"], pulse["boot"]))

    @staticmethod
    def since_first_beat(pulse):
        """By due instants, for the first beat was made when it was due."""
        return int(pulse["late"]) + 50_000 * (int(pulse["seq"]) - 1 + int(pulse["missed"]))

    def test_a_stop_and_a_start_that_miss_nothing_are_no_gap(self):
        first = self.start_beating("--interval=1d")
        records.wait_for_pulse(self.state)
        self.assertEqual(first.stop(), 0)
        second, _ = self.restart()
        self.assertEqual(second.stop(), 0)
        self.assertEqual(self.kinds(), ["start", "stop", "start", "stop"])
        self.assertEqual(len({event["run"] for event in self.events()}), 2)
        self.assertEqual([line.split(" ", 1)[1] for line in self.beats()], ["heartbeat 1", "heartbeat 1"])

    def assert_gap_of_past(self, before, after, **wanted):
        """The one gap line, its figures reckoned from the last pulse of the one run and the first of the
        other."""
        gap, = (event for event in self.events("gap") if event["run"] == after["run"])
        self.assertEqual({key: gap[key] for key in wanted}, wanted)
        self.assertEqual(gap["past"], before["run"])
        self.assertEqual((gap["from"], gap["to"]), (before["real"], after["real"]))
        self.assertEqual(int(gap["lasted"]), int(after["boottime"]) - int(before["boottime"]))
        due = (int(after["boottime"]) - int(before["due"])) // int(before["interval"])
        self.assertEqual(int(gap["missed"]), max(0, due - 1))
        self.assertEqual(gap["interval"], before["interval"])
        return gap

    def test_a_stop_that_misses_beats(self):
        daemon = self.start_beating("--interval=50ms")
        records.wait_for_pulse(self.state, seq=2)
        self.assertEqual(daemon.stop(), 0)
        before, stop = records.pulse(self.state), self.events("stop")[0]
        self.let_pass(0.3)
        _, after = self.restart()
        gap = self.assert_gap_of_past(before, after, cause="service-stopped", confidence="high", host="up")
        self.assertEqual(list(gap), [*GAP_OF_PAST, "stopped"])
        self.assertEqual(gap["stopped"][:-3], str(harness.moment(stop["t"]))[:-3])
        self.assertGreaterEqual(int(gap["missed"]), 4)
        self.assertRegex(self.warnings()[-1], rf" gap: {gap['missed']} beats missed, \S+ without one: "
                                              r"service-stopped \(told to stop\)\Z")
        self.assertEqual(self.kinds()[-3:], ["stop", "gap", "start"])

    def let_pass(self, seconds):
        """Time in which beats are missed."""
        harness.hold(lambda: True, seconds, "time passes")

    def test_a_kill_is_a_gap_even_if_no_beat_was_missed(self):
        daemon = self.start_beating("--interval=1d")
        before = records.wait_for_pulse(self.state)
        self.killed(daemon)
        _, after = self.restart()
        gap = self.assert_gap_of_past(before, after, cause="service-killed", confidence="low", host="up",
                                      missed="0")
        self.assertEqual(list(gap), GAP_OF_PAST)
        self.assertRegex(self.warnings()[0], r" gap: no beat missed, \S+ without one: perhaps service-killed "
                                             r"\(ended without a word, and nobody recorded how\)\Z")

    def test_a_stop_of_the_process_within_a_run(self):
        daemon = self.start_beating("--interval=100ms")
        records.wait_for_pulse(self.state, seq=3)
        daemon.pause()
        before = records.pulse(self.state)
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 0.65, "it is stopped")
        daemon.signal(signal.SIGCONT)
        gap = harness.wait_until(lambda: [e for e in self.events("gap") if e["from"] == before["real"]], 10,
                                 "the gap")[0]
        # Counters that this kernel has not are not in the line.
        self.assertEqual(list(gap), [key for key in GAP_OF_RUN if key in gap])
        self.assertLessEqual({"interval", "missed", "suspended", "cpu", "switches", "polls"}, set(gap))
        self.assertEqual((gap["cause"], gap["confidence"], gap["host"]), ("process-stopped", "high", "up"))
        self.assertEqual((gap["continued"], gap["run"]), ("1", before["run"]))
        self.assertLess(int(gap["suspended"]), 100_000, "two clocks are not read in the same instant")
        lasted = int(gap["lasted"])
        self.assertGreaterEqual(lasted, 600_000)
        self.assertEqual(int(gap["boottime"]), int(before["boottime"]) + lasted)
        due = (int(gap["boottime"]) - int(before["due"])) // 100_000
        self.assertEqual(int(gap["missed"]), due - 1)
        self.assertLess(int(gap["cpu"]), lasted // 2)

    @harness.needs_strace
    def test_an_output_that_blocks_is_named(self):
        slow = harness.tracing("write", path=self.log, inject="write:delay_enter=900ms:when=3")
        self.start(f"--output={self.log}", "--interval=100ms", wrapper=slow, env=harness.without_leak_check())
        gap = records.wait_for_gap(self.state, "output-blocked")
        self.assertEqual((gap["confidence"], gap["host"]), ("high", "up"))
        self.assertEqual(gap["step"], f"write {self.log}")
        self.assertGreaterEqual(int(gap["longest"]), 900_000)
        def told():
            return [line for line in self.warnings() if "output-blocked" in line]

        line = harness.wait_until(told, 10, "a warning")[0]
        self.assertRegex(line, rf": output-blocked \(write {self.log} took \S+\)\Z")

    def test_a_reload_and_none_that_was_refused(self):
        path = self.config("[Heartbeat]\nInterval=1d\n")
        daemon = self.start_beating(f"--config={path}")
        records.wait_for_pulse(self.state)
        self.config("[Heartbeat]\nInterval=0\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words("not reloaded")
        self.config("[Heartbeat]\nInterval=12h\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words(r"heartbeatd: reloaded\Z")
        reload = records.wait_for_event(self.state, "reload")
        self.assertEqual(list(reload), [*STAMP, "interval"])
        self.assertEqual(reload["interval"], str(12 * 3600 * 1_000_000))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kinds(), ["start", "reload", "stop"])

    def test_a_reload_is_no_gap(self):
        """Also where many beats of the new interval would have been due since the last one."""
        path = self.config("[Heartbeat]\nInterval=1d\n")
        daemon = self.start_beating(f"--config={path}")
        records.wait_for_pulse(self.state)
        self.let_pass(1.7)
        self.config("[Heartbeat]\nInterval=500ms\n")
        daemon.signal(signal.SIGHUP)
        pulse = records.wait_for_pulse(self.state, seq=2)
        self.assertEqual((pulse["missed"], self.kinds()[:2]), ("0", ["start", "reload"]))

    def test_an_output_that_recovers(self):
        fifo = self.log.with_name('a "fifo" = x')
        os.mkfifo(fifo, 0o666)
        fifo.chmod(0o666)
        daemon = self.start(f"--output={fifo}", f"--output={self.log}", "--interval=100ms")
        self.wait_for_beats(3)
        reader = os.open(fifo, os.O_RDONLY)
        self.addCleanup(os.close, reader)
        words = daemon.wait_for_words("works again: ")
        event = records.wait_for_event(self.state, "output")
        self.assertEqual(list(event), [*STAMP, "output", "errno", "lost", "from", "to"])
        lost, start, end = re.search(r"again: (\d+) messages? lost from (\S+) to (\S+)\Z", words).groups()
        self.assertEqual([event[key] for key in ("output", "errno", "lost")],
                         [str(fifo), str(errno.ENXIO), lost])
        self.assertEqual([int(event[key]) // 1000 * 1000 for key in ("from", "to")],
                         [harness.moment(start), harness.moment(end)])
        self.assertRegex(records.lines(self.state)[self.kinds().index("output")],
                         r' output="/\S+/a \\"fifo\\" = x" errno=')

    def test_an_output_that_still_fails_at_the_end(self):
        """Its loss is told before the stop; one that is given up by a reload is told then."""
        path = self.config(f"[Heartbeat]\nInterval=1d\nOutput=/dev/full\nOutput={self.log}\n")
        daemon = self.start(f"--config={path}")
        records.wait_for_pulse(self.state)
        self.config(f"[Heartbeat]\nInterval=1d\nOutput={self.log}\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words(r"output /dev/full is given up: 1 message lost")
        records.wait_for_event(self.state, "reload")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kinds(), ["start", "output", "reload", "stop"])
        second, _ = self.restart("--output=/dev/full")
        self.assertEqual(second.stop(), 0)
        self.assertEqual(self.kinds()[4:], ["start", "output", "stop"])
        self.assertEqual({event["errno"] for event in self.events("output")}, {str(errno.ENOSPC)})

    def test_a_refused_start_leaves_it_as_it_is(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state, daemon.pid)
        before = harness.tree(self.state)
        for args, code in (([f"--output={self.dir}/none/x"], 150), (["--interval=0"], 2)):
            self.assertEqual(self.run_command(*self.common(args)).code, code)
        self.assertEqual(harness.tree(self.state), before)
        self.assertEqual(daemon.stop(), 0)
        before = harness.tree(self.state)
        self.assertEqual(self.run_command(*self.common([f"--output={self.dir}/none/x"])).code, 6)
        self.assertEqual(harness.tree(self.state), before)


class Bound(HistoryCase):
    """HistoryMax="""

    def write_history(self, count, cause="suspend"):
        """A line of the same length for each second from 2001 on."""
        lines = []
        for i in range(count):
            t = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_000_000_000 + i))
            lines.append(f"v=1 t={t}.000Z boottime={i + 1} boot={'b' * 32} run={'a' * 32} ev=gap "
                         f"cause={cause} confidence=high host=up missed={i:06}\n")
        self.history().write_text("".join(lines))
        self.give(self.history())
        return lines

    def test_a_long_one_is_cut_by_the_first_event(self):
        written = self.write_history(1000)
        self.assertGreater(self.history().stat().st_size, 2 * 65536)
        inode = self.history().stat().st_ino
        daemon = self.start_beating("--interval=1d", "--history-max=64K")
        records.wait_for_rest(self.state, daemon.pid)
        lines = [line + "\n" for line in records.lines(self.state)]
        self.assertLess(self.history().stat().st_size, 65536)
        self.assertNotEqual(self.history().stat().st_ino, inode)
        self.assertEqual(stat.S_IMODE(self.history().stat().st_mode), 0o644)
        trim, kept = self.events("trim"), [line for line in lines if line in set(written)]
        self.assertEqual((len(trim), self.kinds()[0]), (1, "trim"))
        self.assertEqual(kept, written[-len(kept):], "the newer part, whole lines of it")
        self.assertGreater(len(kept), 32768 // len(written[0]) - 5)
        self.assertEqual(trim[0]["gaps"], f"suspend:{1000 - len(kept)}")
        self.assertEqual(int(trim[0]["from"]), (1_000_000_000 + 1000 - len(kept)) * 1_000_000)
        self.assertEqual(list(trim[0]), [*STAMP, "gaps", "from"])
        self.assertEqual(self.kinds()[-1], "start")
        self.assertEqual(sorted(os.listdir(self.state)), ["history", "lock", "pulse"])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kinds()[-1], "stop", "it goes on in the new file")

    def reload_until(self, daemon, condition):
        """Each reload is an event. Only from its line to the cut it may be longer, by that line."""
        for turn in range(2000):
            seen = len(daemon.words())
            daemon.signal(signal.SIGHUP)
            harness.wait_until(lambda n=seen: len(daemon.words()) > n, 10, f"reload {turn}")
            self.assertLessEqual(self.history().stat().st_size, 65536 + 2048)
            harness.wait_until(lambda: self.history().stat().st_size <= 65536, 10, "it is cut")
            if condition():
                return turn
        raise AssertionError("2000 reloads were not enough")

    def gaps(self, cause):
        return sum(event["cause"] == cause for event in self.events("gap"))

    def test_it_stays_within_its_bound_while_it_runs(self):
        """What the first cut counted, the second one adds up."""
        line = self.write_history(1)[0]
        self.write_history(65536 // len(line) - 8)
        total = 65536 // len(line) - 8
        daemon = self.start_beating("--interval=1d", "--history-max=64K", "--sync=never")
        records.wait_for_pulse(self.state)
        self.assertEqual(self.events("trim"), [])
        self.reload_until(daemon, lambda: self.kinds()[0] == "trim")
        first = self.events("trim")[0]
        self.assertEqual(first["gaps"], f"suspend:{total - self.gaps('suspend')}")
        self.assertEqual(self.gaps("unknown"), 1, "of the time before this run, by a history without a pulse")
        self.reload_until(daemon, lambda: self.events()[0]["from"] != first["from"])
        trim = self.events("trim")
        self.assertEqual(len(trim), 1, "the line of the first cut is among what was thrown away")
        counts = dict(item.split(":") for item in trim[0]["gaps"].split(","))
        self.assertEqual(counts.pop("suspend"), str(total - self.gaps("suspend")))
        self.assertEqual(int(counts.pop("unknown", 0)) + self.gaps("unknown"), 1)
        self.assertEqual(counts, {})
        self.assertEqual(daemon.stop(), 0)

    def test_a_reload_can_lower_it(self):
        self.write_history(1000)
        path = self.config("[Heartbeat]\nInterval=1d\n")
        daemon = self.start_beating(f"--config={path}")
        records.wait_for_pulse(self.state)
        self.assertGreater(self.history().stat().st_size, 2 * 65536, "4M by default")
        self.config("[Heartbeat]\nInterval=1d\nHistoryMax=64K\n")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: self.history().stat().st_size < 65536, 10, "it is cut")
        harness.wait_until(lambda: (self.kinds()[0], self.kinds()[-1]) == ("trim", "reload"), 10, "both")

    def test_what_a_cut_that_was_interrupted_left_is_no_obstacle(self):
        self.write_history(1000)
        left = self.state / "history.new"
        left.write_text("half a li")
        self.give(left)
        self.start_beating("--interval=1d", "--history-max=64K")
        records.wait_for_rest(self.state)
        self.assertEqual(self.kinds()[0], "trim")
        self.assertFalse(left.exists())

    def test_damaged_lines_are_no_obstacle(self):
        self.write_history(500)
        with self.history().open("ab") as file:
            file.write(b"\xff\x00noise\n" * 50 + b"v=1 t=\n" * 50 + b"x" * 5000 + b"\n")
        self.write_more(500)
        daemon = self.start_beating("--interval=1d", "--history-max=64K")
        records.wait_for_rest(self.state, daemon.pid)
        self.assertLess(self.history().stat().st_size, 65536)
        kinds = [event["ev"] for event in map(records.pairs, records.lines(self.state)) if event]
        self.assertEqual((kinds[0], kinds[-1]), ("trim", "start"))
        daemon.wait_for_words(r"/history: \d+ lines cannot be read and are passed over\Z")

    def write_more(self, count):
        before = self.history().read_bytes()
        self.write_history(count)
        self.history().write_bytes(before + self.history().read_bytes())


class Removed(HistoryCase):
    """While it runs."""

    def test_a_pulse_is_made_again_by_the_next_beat(self):
        daemon = self.start_beating("--interval=50ms")
        before = records.wait_for_pulse(self.state, seq=2)
        (self.state / "pulse").unlink()
        after = records.wait_for_pulse(self.state, seq=int(before["seq"]) + 1)
        self.assertEqual((after["run"], after["started"]), (before["run"], before["started"]))
        info = (self.state / "pulse").stat()
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_size), (0o644, 1024))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.words(), [])

    def test_a_history_is_made_again_by_the_next_event(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_pulse(self.state)
        self.history().unlink()
        daemon.signal(signal.SIGHUP)
        records.wait_for_event(self.state, "reload")
        self.assertEqual(stat.S_IMODE(self.history().stat().st_mode), 0o644)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kinds(), ["reload", "stop"])
        self.assertEqual(daemon.words(), ["heartbeatd: reloaded"])

    def test_no_descriptor_is_lost_by_it(self):
        daemon = self.start_beating("--interval=20ms", "--sync=never")
        records.wait_for_pulse(self.state, seq=2)
        before = len(harness.proc_fds(daemon.pid))
        for _ in range(10):
            (self.state / "pulse").unlink()
            harness.wait_until((self.state / "pulse").exists, 10, "it is made again")
        records.wait_for_pulse(self.state)
        self.assertEqual(len(harness.proc_fds(daemon.pid)), before)

    def test_a_directory_that_goes_and_comes_back(self):
        """The files are still the open ones, wherever they lie."""
        daemon = self.start_beating("--interval=50ms")
        records.wait_for_pulse(self.state, seq=2)
        away = self.state.with_name("away")
        os.rename(self.state, away)
        seq = int(records.pulse(away)["seq"])
        records.wait_for_pulse(away, seq=seq + 2)
        os.rename(away, self.state)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.words(), [])
        self.assertEqual((self.kinds()[0], self.kinds()[-1]), ("start", "stop"))

    def test_a_directory_that_is_removed_is_said_once_and_the_messages_go_on(self):
        daemon = self.start_beating("--interval=50ms")
        records.wait_for_pulse(self.state, seq=2)
        shutil.rmtree(self.state)
        daemon.wait_for_words(r"/pulse: No such file or directory; the beats are not stored until it works "
                              r"again\Z")
        self.wait_for_more_beats(5)
        self.make_directory("state")
        daemon.wait_for_words(r"/pulse: is written again\Z")
        records.wait_for_pulse(self.state, seq=5)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len([line for line in daemon.words() if "/pulse: " in line]), 2, daemon.words())

    def test_a_symbolic_link_in_its_place_is_not_followed(self):
        target = self.give(self.config("precious\n", "target"))
        daemon = self.start_beating("--interval=50ms")
        records.wait_for_pulse(self.state, seq=2)
        (self.state / "link").symlink_to(target)
        os.rename(self.state / "link", self.state / "pulse")
        daemon.wait_for_words(rf"/pulse: {harness.words_of(errno.ELOOP)}; the beats")
        self.wait_for_more_beats(3)
        (self.state / "pulse").unlink()
        daemon.wait_for_words("/pulse: is written again")
        self.assertEqual(target.read_text(), "precious\n")


class FullDisk(HistoryCase):
    def reload(self, daemon, minutes):
        """An event that can be told from others."""
        self.config(f"[Heartbeat]\nInterval={minutes}min\n")
        seen = len([line for line in daemon.words() if line.endswith(" reloaded")])
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words(r" reloaded\Z", times=seen + 1)

    def reloads(self):
        """Of which minutes the history tells; a line that the full disk tore is passed over."""
        found = [records.pairs(line) for line in records.lines(self.state)]
        return [int(event["interval"]) // 60_000_000 for event in found
                if event and event.get("ev") == "reload"]

    def fill_until_it_waits(self):
        """A daemon whose events go as far as the last page has room, and then wait."""
        self.state = self.small_disk()
        path = self.config("[Heartbeat]\nInterval=30min\n")
        daemon = self.start_beating(f"--config={path}")
        records.wait_for_pulse(self.state)
        filler = harness.fill(self.state)
        minutes = 30
        while not [line for line in daemon.words() if "/history: " in line]:
            minutes += 1
            self.assertLess(minutes, 200, "the disk takes all of it")
            self.reload(daemon, minutes)
            self.settled(daemon)
        return daemon, filler, minutes

    def settled(self, daemon):
        """A reload's line, or the warning, comes after its word: when it waits again, both are there."""
        harness.wait_until(lambda: harness.state_of(daemon.pid) == "S", 10, "it waits")

    @harness.needs_root
    def test_events_wait_and_are_written_in_order(self):
        daemon, filler, minutes = self.fill_until_it_waits()
        state = re.escape(str(self.state))
        daemon.wait_for_words(rf"\Aheartbeatd: {state}/history: {NO_SPACE}; what happens is kept until it "
                              r"can be written\Z")
        for more in (minutes + 1, minutes + 2):
            self.reload(daemon, more)
        filler.unlink()
        self.config("[Heartbeat]\nInterval=50ms\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words(rf"\Aheartbeatd: {state}/history: is written again; 0 events lost\Z")
        harness.wait_until(lambda: self.reloads() and self.reloads()[-1] == 0, 10, "the last reload")
        self.assertEqual(self.reloads(), [*range(31, minutes + 3), 0])
        self.assertEqual(len([line for line in daemon.words() if "/history: " in line]), 2, daemon.words())
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(records.pairs(records.lines(self.state)[-1])["ev"], "stop")

    @harness.needs_root
    def test_a_stop_that_cannot_be_recorded_is_a_stop_all_the_same(self):
        """The pulse has room for that word, and no reboot is taken for the end of the run."""
        daemon, filler, _ = self.fill_until_it_waits()
        self.assertEqual(daemon.stop(), 0)
        self.assertRegex(daemon.words()[-1], rf"/history: {NO_SPACE}; 2 events lost\Z")
        self.assertEqual(records.wait_for_pulse(self.state)["step"], "stopped")
        self.assertEqual(self.run_command("--record-exit", *self.common(()), env={"EXIT_CODE": "exited"}).code, 0)
        filler.unlink()
        daemon, _ = self.restart()
        self.assertEqual(daemon.stop(), 0)
        kinds = re.findall(r" ev=(\w+)", "\n".join(records.lines(self.state)))
        self.assertEqual(kinds[-2:], ["start", "stop"])
        self.assertFalse({"gap", "exit"} & set(kinds), kinds)

    @harness.needs_root
    def test_what_there_is_no_room_to_keep_is_counted(self):
        daemon, filler, minutes = self.fill_until_it_waits()
        for _ in range(10):
            self.reload(daemon, 1000)
        filler.unlink()
        self.config("[Heartbeat]\nInterval=50ms\n")
        daemon.signal(signal.SIGHUP)
        line = daemon.wait_for_words(r"/history: is written again; \d+ events? lost\Z")
        lost = int(re.search(r"(\d+) events? lost", line)[1])
        harness.wait_until(lambda: self.reloads() and self.reloads()[-1] == 0, 10, "the last reload")
        self.assertEqual(self.reloads(), [*range(31, minutes + 1), *[1000] * (10 - lost), 0])
        self.assertEqual(lost, 3, "one waits already, and there is room for seven more")

    @harness.needs_root
    def test_one_that_is_full_at_the_start(self):
        """The start line is written when there is room, with its own time."""
        filler = self.state_on_a_full_disk()
        daemon = self.start_beating("--interval=50ms")
        for name, what in (("history", "what happens is kept until it can be written"),
                           ("pulse", "the beats are not stored until it works again")):
            daemon.wait_for_words(rf"/{name}: {NO_SPACE}; {what}\Z")
        beats = self.wait_for_more_beats(3)
        filler.unlink()
        daemon.wait_for_words("/history: is written again; 0 events lost")
        daemon.wait_for_words(r"/pulse: is written again\Z")
        start = records.wait_for_event(self.state, "start")
        self.assertEqual(start["t"], beats[0].split()[0])
        pulse = records.wait_for_pulse(self.state, seq=4)
        self.assertEqual(harness.moment(start["t"]), int(pulse["started"]) // 1000 * 1000)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(daemon.words()), 4, daemon.words())


class OwnFiles(HistoryCase):
    """None of them is an output: two writers would spoil it, and the lock would be lost."""

    NAMES = ("lock", "pulse", "history", "history.new")

    def assert_refused(self, path):
        before = harness.tree(self.state)
        result = self.run_command(*self.common([f"--output={path}"]))
        self.one_error(result, 6, rf"output {re.escape(str(path))}: is one of the daemon's own files of "
                                  r"state; expected another file")
        check = self.run_command("--check-config", *self.common([f"--output={path}"]))
        self.assertEqual((check.code, check.err), (result.code, result.err), "and --check-config knew it")
        after = harness.tree(self.state)
        after.pop(f"{self.state}/lock")
        self.assertEqual(after, {name: before[name] for name in after}, "nothing was made or changed")

    def test_by_name_before_there_are_any(self):
        for name in self.NAMES:
            with self.subTest(name):
                self.assert_refused(self.state / name)

    def test_by_another_spelling(self):
        (self.dir / "link").symlink_to("state")
        (self.dir / "other").mkdir()
        for name in self.NAMES:
            for spelling in ("state//{}", "state/./{}", "log/../state/{}", "link/{}", "other/../link/./{}"):
                with self.subTest(spelling.format(name)):
                    self.assert_refused(f"{self.dir}/{spelling.format(name)}")

    def test_by_another_name_of_the_same_file(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_pulse(self.state)
        self.assertEqual(daemon.stop(), 0)
        for name in ("lock", "pulse", "history"):
            with self.subTest(name):
                link = self.log.with_name(name)
                os.link(self.state / name, link)
                self.assert_refused(link)

    def test_at_a_reload(self):
        path = self.config(f"[Heartbeat]\nInterval=50ms\nOutput={self.log}\n")
        daemon = self.start(f"--config={path}")
        self.wait_for_beats(1)
        os.link(self.state / "pulse", self.log.with_name("pulse"))
        for own in (self.state / "history", self.log.with_name("pulse")):
            self.config(f"[Heartbeat]\nInterval=50ms\nOutput={self.log}\nOutput={own}\n")
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_words(rf"not reloaded, .*{own}: is one of the daemon's own files of state")
            self.wait_for_more_beats(2)
        self.assertEqual(self.events("reload"), [])
        records.pulse(self.state)

    def test_files_that_only_look_like_them_will_do(self):
        for path in (self.log.with_name("pulse"), self.log.with_name("history"), self.state / "pulse.log"):
            with self.subTest(path.name):
                daemon = self.start(f"--output={path}")
                self.wait_for_beats(2, path)
                self.assertEqual(daemon.stop(), 0)


class Found(HistoryCase):
    """What a new run finds in the state directory stops no start and makes no false line."""

    def a_run(self):
        """Leaves the files of a run that ended cleanly, and returns its pulse."""
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state, daemon.pid)
        self.assertEqual(daemon.stop(), 0)
        self.log.unlink()
        return records.pulse(self.state)

    def assert_moved(self, name, why, content):
        """One line says it, the start works, and the gap is one of which nothing is known."""
        daemon, pulse = self.restart()
        path = self.state / name
        self.assertEqual(daemon.words(), [f"heartbeatd: {path}: {why}; moved aside to {name}.unreadable"])
        self.assertEqual((self.state / f"{name}.unreadable").read_bytes(), content)
        self.assertEqual(daemon.stop(), 0)
        return pulse

    def assert_unknown(self, pulse):
        gap = [event for event in self.events("gap") if event["run"] == pulse["run"]]
        self.assertEqual(len(gap), 1)
        self.assertEqual(list(gap[0]), [*STAMP, "cause", "confidence", "host"])
        self.assertEqual([gap[0][key] for key in ("cause", "confidence", "host")],
                         ["unknown", "low", "unknown"])
        self.assertRegex(self.warnings()[-1], r" gap: nobody knows how many beats missed: unknown "
                                              r"\(the record of what was before could not be read\)\Z")

    def test_damaged_pulses_are_moved_aside(self):
        self.a_run()
        whole = records.raw_pulse(self.state)
        for content in (whole[:511], whole[:100], whole[:1], b"\0" * 1024, b"noise" * 300,
                        whole.replace(b" seq=1 ", b" seq=2 "), whole[1:], b"\xff" * 512):
            with self.subTest(content[:40]):
                (self.state / "pulse").write_bytes(content)
                pulse = self.assert_moved("pulse", "damaged", content)
                self.assert_unknown(pulse)

    def test_a_pulse_of_a_newer_version_is_moved_aside(self):
        fields = self.a_run()
        records.write_pulse(self.state / "pulse", {**fields, "v": "2", "new": "thing"})
        pulse = self.assert_moved("pulse", "written by a newer version", records.raw_pulse(self.state))
        self.assert_unknown(pulse)

    def test_a_pulse_without_the_steps_half_is_read(self):
        fields = self.a_run()
        records.write_pulse(self.state / "pulse", fields, size=512)
        daemon, _ = self.restart()
        self.assertEqual(daemon.words(), [])
        self.assertEqual(self.events("gap"), [])

    def test_another_machines_files_are_moved_aside(self):
        """As in an image that was copied: what that machine went through is not ours."""
        fields = self.a_run()
        if "machine" not in fields:
            self.skipTest("this machine has no id that outlives a boot")
        records.write_pulse(self.state / "pulse", {**fields, "machine": "00000000"})
        old = [records.raw_pulse(self.state), self.history().read_bytes()]
        daemon, _ = self.restart()
        why = "written on another machine; moved aside to"
        self.assertEqual(daemon.words(), [f"heartbeatd: {self.state}/{name}: {why} {name}.unreadable"
                                          for name in ("pulse", "history")])
        for name, content in zip(("pulse", "history"), old):
            self.assertEqual((self.state / f"{name}.unreadable").read_bytes(), content)
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn(fields["run"], self.history().read_text())

    def test_a_history_of_a_newer_version_is_moved_aside(self):
        """What the pulse says counts: no gap is made up for the lines that cannot be read."""
        self.a_run()
        with self.history().open("a") as file:
            file.write(f"v=2 t=2026-11-22T00:00:00.000Z boot={'b' * 32} run={'a' * 32} ev=dance\n")
        content = self.history().read_bytes()
        self.assert_moved("history", "written by a newer version", content)
        self.assertEqual(self.kinds()[-2:], ["start", "stop"])

    def test_lines_that_cannot_be_read_are_counted_and_stay(self):
        self.a_run()
        before = self.history().read_bytes()
        for bad, said in ((b"noise\n", "1 line cannot be read and is passed over"),
                          (b"\xff\x00\n\nv=1 ev=gap\n", "3 lines cannot be read and are passed over")):
            with self.history().open("ab") as file:
                file.write(bad)
            daemon, _ = self.restart()
            self.assertEqual(daemon.words(), [f"heartbeatd: {self.history()}: {said}"])
            self.assertEqual(daemon.stop(), 0)
        content = self.history().read_bytes()
        self.assertTrue(content.startswith(before + b"noise\n"))
        events = [event for event in map(records.pairs, content.decode(errors="replace").splitlines())
                  if event and "t" in event]
        self.assertEqual([event["ev"] for event in events], ["start", "stop"] * 3)

    def test_a_torn_last_line_is_ended_as_torn(self):
        self.a_run()
        whole = self.history().read_bytes()
        self.history().write_bytes(whole[:-10])
        daemon, _ = self.restart()
        self.assertEqual(daemon.stop(), 0)
        lines = records.lines(self.state)
        self.assertEqual(lines[1], whole.decode().split("\n")[1][:-9] + " !torn")
        later = [records.pairs(line)["ev"] for line in lines[2:]]
        self.assertEqual(later, ["gap", "start", "stop"], "of the stop nothing is known any more")
        self.assertEqual(records.pairs(lines[2])["cause"], "service-killed")

    @harness.needs_strace
    def test_a_run_that_was_killed_in_its_first_step_has_left_no_beat(self):
        """Nor a pulse that would have to be called damaged."""
        hang = harness.tracing("write", path=self.log, inject="write:signal=KILL:when=1")
        daemon = self.start(f"--output={self.log}", "--interval=1d", wrapper=hang)
        self.assertEqual(daemon.ended(), -signal.SIGKILL)
        self.assertEqual((self.state / "pulse").stat().st_size, 0, "steps are marked beside a beat")
        daemon, _ = self.restart()
        self.assertEqual(daemon.words(), [])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kinds(), ["start", "stop"])

    def test_empty_files_are_none(self):
        for name in ("pulse", "history", "lock"):
            self.give(self.config("", f"state/{name}"))
        daemon, _ = self.restart()
        self.assertEqual(daemon.words(), [])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kinds(), ["start", "stop"])

    def test_a_time_to_come_makes_no_figure(self):
        """A pulse of this boot that says it was made later than now."""
        fields = self.a_run()
        times = ("due", "real", "boottime", "mono", "started")
        ahead = {key: str(int(fields[key]) + 10**15) for key in times}
        records.write_pulse(self.state / "pulse", {**fields, **ahead})
        daemon, pulse = self.restart()
        self.assertEqual(daemon.stop(), 0)
        gap = [event for event in self.events("gap") if event["run"] == pulse["run"]]
        self.assertEqual(len(gap), 1)
        self.assertEqual(set(gap[0]) & {"lasted", "missed"}, set())

    def test_figures_of_any_size_stop_nothing(self):
        fields = self.a_run()
        largest = str(2**64 - 1)
        numbers = "seq due real boottime mono interval late late_max missed failing lost gaps started"
        for key in numbers.split():
            with self.subTest(key):
                more = {"last_cause": "suspend"} if key == "gaps" else {}
                records.write_pulse(self.state / "pulse", {**fields, key: largest, **more})
                daemon, _ = self.restart()
                self.assertEqual(daemon.stop(), 0)
        for event in self.events("gap"):
            for key in ("missed", "lasted"):
                self.assertLess(int(event.get(key, 0)), 10**17, event)

    def test_another_boot_without_a_stop_is_a_host_that_went_down(self):
        fields = self.a_run()
        hour_ago = str(int(fields["real"]) - 3600 * 1_000_000)
        start = self.history().read_text().splitlines()[0].replace(fields["boot"], "b" * 32)
        self.history().write_text(f"{start}\n")
        records.write_pulse(self.state / "pulse",
                            {**fields, "boot": "b" * 32, "interval": "10000000", "real": hour_ago})
        daemon, pulse = self.restart()
        self.assertEqual(daemon.stop(), 0)
        gap, = self.events("gap")
        self.assertEqual((gap["cause"], gap["host"], gap["from"]), ("host-down", "down", hour_ago))
        self.assertEqual(int(gap["lasted"]), int(pulse["real"]) - int(hour_ago))
        boot_began = int(pulse["real"]) - int(pulse["boottime"])
        self.assertEqual(int(gap["boot_began"]), boot_began)
        self.assertRegex(self.warnings()[0], r"host-down \(the host went down without a word\)\Z")

    def test_without_a_history_nobody_knows_how_a_run_ended(self):
        """It may have been told to stop: a guess would be worse than none. How long it is ago is known."""
        for boot in ("b" * 32, None):
            with self.subTest(boot):
                fields = self.a_run()
                hour_ago = str(int(fields["real"]) - 3600 * 1_000_000)
                self.history().unlink()
                records.write_pulse(self.state / "pulse", {**fields, "boot": boot or fields["boot"], "real": hour_ago})
                daemon, _ = self.restart()
                self.assertEqual(daemon.stop(), 0)
                gap, = self.events("gap")
                self.assertEqual((gap["cause"], gap["host"]), ("unknown", "unknown"))
                self.assertGreaterEqual(int(gap["lasted"]), 0)
                self.history().unlink()

    def test_a_failing_machine_id_is_no_obstacle(self):
        fields = self.a_run()
        fields.pop("machine", None)
        records.write_pulse(self.state / "pulse", fields)
        daemon, _ = self.restart()
        self.assertEqual(daemon.words(), [])


class Refused(HistoryCase):
    """What an administrator has to mend: one line, and no daemon."""

    def assert_refused(self, code, pattern):
        """No file is made but the lock, and a pulse without a beat in it, which is none."""
        for extra in ([], ["--fork", f"--pid-file={self.pid_file}"]):
            before = harness.tree(self.dir)
            result = self.run_command(*self.common([f"--output={self.log}", *extra]))
            self.assertEqual((result.code, result.out), (code, ""), result)
            self.assertRegex(result.err.splitlines()[-1], rf"\Aheartbeatd: {pattern}\Z", result)
            self.assertIsNone(self.lock_holder())
            made = set(harness.tree(self.dir)) - set(before)
            self.assertLessEqual(made, {str(self.state / name) for name in ("lock", "pulse")})
            self.assertFalse(any(os.path.getsize(path) for path in made))

    def clear(self):
        shutil.rmtree(self.state)
        self.make_directory("state")

    @harness.needs_root
    def test_a_read_only_state_directory(self):
        self.state = self.small_disk()
        harness.mount("none", self.state, flags=harness.MS_REMOUNT | harness.MS_RDONLY)
        before = harness.tree(self.dir)
        result = self.run_command(*self.common([f"--output={self.log}"]))
        self.one_error(result, 6, rf"lock {self.state}/lock: {harness.words_of(errno.EROFS)}")
        self.assertEqual(harness.tree(self.dir), before)

    @harness.needs_root
    def test_a_state_directory_of_somebody_else(self):
        os.chown(self.state, 0, 0)
        result = self.run_command(*self.common([f"--output={self.log}"]))
        self.one_error(result, 4, rf"lock {self.state}/lock: {harness.words_of(errno.EACCES)}")

    @harness.needs_root
    def test_files_of_somebody_else(self):
        for name in ("pulse", "history"):
            for mode in (0o600, 0o644):
                with self.subTest(f"{name} {mode:o}"):
                    path = self.config("", f"state/{name}")
                    path.chmod(mode)
                    self.assert_refused(4, rf"{path}: {harness.words_of(errno.EACCES)}")
                    self.clear()

    def test_things_that_are_no_regular_file(self):
        target = self.give(self.config("precious\n", "target"))
        for name in ("pulse", "history"):
            path = self.state / name
            plants = {"directory": path.mkdir, "fifo": lambda p=path: os.mkfifo(p, 0o666),
                      "symlink": lambda p=path: p.symlink_to(target),
                      "dangling": lambda p=path: p.symlink_to(self.dir / "nowhere")}
            for kind, plant in plants.items():
                with self.subTest(f"{name} {kind}"):
                    plant()
                    self.give(path)
                    why = {"directory": "(Is a directory|expected a regular file)",
                           "fifo": "expected a regular file"}.get(kind, harness.words_of(errno.ELOOP))
                    self.assert_refused(6, rf"{path}: {why}")
                    self.clear()
        self.assertEqual(target.read_text(), "precious\n")
        self.assertFalse((self.dir / "nowhere").exists())
