# SPDX-License-Identifier: MIT
"""A daemon that beats every 10 ms for long while much happens to it, and the account of all its beats.

`Endurance` starts it with three outputs: `log`, which is rotated and never fails; `fifo`, whose reader comes and
goes; and `away/beats`, whose directory does. What it does to the daemon meanwhile waits until that had its effect.
In the end each beat that was due must be accounted for, in each output: written there, or lost by it and reported
so, or missed in a gap.
"""

import collections
import contextlib
import os
import pathlib
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import harness  # noqa: E402
import records  # noqa: E402

LONG = os.environ.get("HEARTBEATD_LONG", "") == "1"
INTERVAL_USEC = 10_000
HUNDRED = 100
HISTORY_MAX = 65536
PATIENCE = 60  # seconds for what takes a beat or two
MESSAGE = re.compile(rf"{harness.TIMESTAMP} heartbeat (\d+)")
LOST = "messages that outputs could not take, each reported"
PIPE_BYTES = 8192  # some hundred messages
# Pages of the stack, the heap, or of libc's data that nothing had touched before: a few, once. The least that can be
# kept takes 32 bytes: of each beat that would be hundreds of kB.
RARE_KB = 16


def boottime_usec():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def holdings(pid):
    """What a process holds: descriptors, threads, and its memory in kB. Anonymous memory that the kernel has put
    elsewhere for now is still its own."""
    rollup = dict(re.findall(r"^(\w+): +(\d+) kB$", harness.proc(pid, "smaps_rollup").read_text(), re.M))
    return (len(harness.proc_fds(pid)), len(list(harness.proc(pid, "task").iterdir())),
            int(harness.proc_status(pid)["VmData"].split()[0]), int(rollup["Anonymous"]) + int(rollup["Swap"]))


def usual_holdings(pid):
    """Those between two beats, within which a file may be open for a moment."""
    return collections.Counter(holdings(pid) for _ in range(50)).most_common(1)[0][0]


class Endurance(harness.Case):
    def setUp(self):
        super().setUp()
        self.fifo = self.dir / "fifo"
        os.mkfifo(self.fifo)
        self.give(self.fifo)
        self.away = self.make_directory("away")
        self.reader, self.read, self.stalled = None, b"", False
        self.history, self.seen = {}, None  # line to event
        self.rotated, self.stops, self.reloads = [], [], 0

    def fill_history(self):
        """An earlier run, that leaves so long a history that the next one trims it at once. Of what it would have
        had to do meanwhile the next one missed nothing."""
        daemon = self.start("--interval=1d", f"--output={self.home}/earlier", "--sync=never")
        records.wait_for_rest(self.state)
        while (self.state / "history").stat().st_size < HISTORY_MAX:
            count = len(records.lines(self.state))
            daemon.signal(signal.SIGHUP)
            harness.wait_until(lambda: len(records.lines(self.state)) > count, PATIENCE, "a reload")
        self.assertEqual(daemon.stop(), 0)
        self.history = dict.fromkeys(records.lines(self.state))  # which are none of the run's

    def begin(self):
        """The first hundred beats, among which all that takes memory has happened once."""
        self.fill_history()
        path = self.config(f"[Heartbeat]\nInterval=10ms\nHistoryMax={HISTORY_MAX}\nMetrics={self.state}/x.prom\n"
                           f"Output={self.log}\nOutput={self.fifo}\nOutput={self.away}/beats\n")
        self.open_reader()
        self.daemon = self.start(f"--config={path}")
        self.until(lambda: self.events("trim"), "a history that was trimmed")
        for happening in (self.reload, self.stop_shortly, self.reader_goes, self.directory_goes):
            happening()
        self.until(lambda: self.seq() >= HUNDRED, "the first hundred beats")
        self.first = usual_holdings(self.daemon.pid)

    # What goes on all the time.

    def pulse(self):
        with contextlib.suppress(FileNotFoundError):
            return records.parse_pulse(records.raw_pulse(self.state))

    def figure(self, key):
        pulse = self.pulse()
        return int(pulse[key]) if pulse else -1

    def seq(self):
        return self.figure("seq")

    def due(self):
        """How many beats were due, by the grid that began with the first."""
        return (self.figure("due") - int(self.events("start")[0]["boottime"])) // INTERVAL_USEC + 1

    def drain(self):
        if self.reader is not None and not self.stalled:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(self.reader, 65536):
                    self.read += chunk

    def collect(self):
        """Each line of the history, before a trim drops it: no two are alike."""
        with contextlib.suppress(FileNotFoundError):
            info = os.stat(self.state / "history")
            if self.seen != (info.st_ino, info.st_size):
                for line in records.lines(self.state):
                    if line not in self.history:
                        self.history[line] = records.pairs(line)
                        self.assertTrue(self.history[line], line)
                self.seen = (info.st_ino, info.st_size)

    def events(self, kind):
        """Those of the run."""
        return [event for event in self.history.values() if event and event["ev"] == kind]

    def until(self, condition, what, seconds=PATIENCE):
        def look():
            self.drain()
            self.collect()
            return condition()

        return harness.wait_until(look, seconds, lambda: f"{what}; pulse {self.pulse()}, words {self.daemon.words()[-9:]}")

    def beats_pass(self, count):
        last = self.seq() + count
        self.until(lambda: self.seq() >= last, f"{count} more beats")

    # What happens to it.

    def open_reader(self):
        self.reader = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        harness.fcntl.fcntl(self.reader, 1031, PIPE_BYTES)  # F_SETPIPE_SZ

    @contextlib.contextmanager
    def stopped(self):
        """Within, nothing moves: what is done to an output loses no message that it has taken."""
        self.daemon.signal(signal.SIGSTOP)
        self.until(lambda: harness.state_of(self.daemon.pid) == "T", "a daemon that is stopped")
        begin = boottime_usec()
        yield
        self.stops.append((begin, boottime_usec()))
        self.daemon.signal(signal.SIGCONT)

    def stop_for(self, usec):
        with self.stopped():
            end = boottime_usec() + usec
            self.until(lambda: boottime_usec() >= end, "the end of a stop")

    def stop_shortly(self):
        self.stop_for(3 * INTERVAL_USEC)

    def stop_long(self):
        self.stop_for(30 * INTERVAL_USEC)

    def rotate_by_rename(self):
        self.rotated.append(self.log.with_name(f"beats.{len(self.rotated)}"))
        self.log.rename(self.rotated[-1])
        self.until(self.log.exists, "a new log")

    def rotate_by_copy(self):
        self.rotated.append(self.log.with_name(f"beats.{len(self.rotated)}"))
        with self.stopped():
            shutil.copyfile(self.log, self.rotated[-1])
            os.truncate(self.log, 0)

    def reload(self):
        self.reloads += 1
        self.daemon.signal(signal.SIGHUP)
        self.until(lambda: len(self.events("reload")) == self.reloads, f"reload {self.reloads}")

    def reader_goes(self):
        with self.stopped():
            self.drain()
            os.close(self.reader)
            self.reader = None
        self.until(lambda: self.figure("failing") == 1, "a FIFO without a reader")
        self.open_reader()
        self.until(lambda: self.figure("failing") == 0, "a FIFO that is read again")

    def reader_stalls(self):
        self.stalled = True
        self.until(lambda: self.figure("failing") == 1, "a FIFO that is full")
        self.stalled = False
        self.until(lambda: self.figure("failing") == 0, "a FIFO that is read on")

    def directory_goes(self):
        elsewhere = self.dir / "elsewhere"
        self.away.rename(elsewhere)
        self.until(lambda: self.figure("failing") == 1, "an output without a directory")
        elsewhere.rename(self.away)
        self.until(lambda: self.figure("failing") == 0, "an output with its directory")

    # What there is to show for it.

    def holds_no_more(self):
        *counts, anonymous = holdings(self.daemon.pid)
        *first_counts, first_anonymous = self.first
        return counts == first_counts and anonymous <= first_anonymous + RARE_KB

    def end(self):
        self.until(self.holds_no_more, f"descriptors, threads and memory as after the first hundred beats, {self.first}")
        self.assertEqual(self.daemon.stop(60), 0)
        self.drain()
        self.collect()
        return records.pulse(self.state)

    def numbers(self, text, output):
        """Of the messages in an output, each of which has one that is higher than all before it."""
        lines = text.split("\n")
        self.assertEqual(lines.pop(), "", f"a line of {output} has no end")
        lines = [line for line in lines if not re.match(harness.WARNING, line)]
        for line in lines:
            self.assertRegex(line, rf"\A{MESSAGE.pattern}\Z", output)
        found = [int(MESSAGE.match(line)[1]) for line in lines]
        self.assertTrue(all(a < b for a, b in zip(found, found[1:])), f"{output} is not in order")
        return found

    def written(self):
        """Output to the numbers of the messages in it."""
        paths = [*self.rotated, self.log]
        return {str(self.log): self.numbers("".join(path.read_text() for path in paths), "log"),
                str(self.fifo): self.numbers(self.read.decode(), "fifo"),
                f"{self.away}/beats": self.numbers((self.away / "beats").read_text(), "away")}

    def settle(self):
        """The account. Returns how many beats were due, how many of them missed, and the messages lost."""
        pulse = self.end()
        seq, missed, lost = (int(pulse[key]) for key in ("seq", "missed", "lost"))
        start, stop = self.events("start"), self.events("stop")
        self.assertEqual((len(start), len(stop)), (1, 1))
        due, rest = divmod(int(pulse["due"]) - int(start[0]["boottime"]), INTERVAL_USEC)
        self.assertEqual(rest, 0, "the grid has moved")
        self.assertEqual(seq + missed, due + 1)
        self.assertEqual(int(stop[0]["seq"]), seq)
        gaps = self.events("gap")
        self.assertEqual((len(gaps), sum(int(gap["missed"]) for gap in gaps)), (int(pulse["gaps"]), missed))
        losses = collections.Counter()
        for event in self.events("output"):
            losses[event["output"]] += int(event["lost"])
        for output, numbers in self.written().items():
            self.assertEqual(len(numbers) + losses[output] + missed, due + 1, output)
            self.assertTrue(losses[output] or numbers == list(range(1, seq + 1)), output)
        self.assertEqual(sum(losses.values()), lost)
        self.assertEqual((losses[str(self.log)], int(pulse["failing"])), (0, 0))
        self.assertEqual(len(self.events("reload")), self.reloads)
        return due + 1, missed, lost
