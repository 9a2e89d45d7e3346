# SPDX-License-Identifier: MIT
"""Traps at every path that the programs open, put there before the start, between two beats and before a reload."""

import contextlib
import fcntl
import itertools
import os
import pathlib
import signal
import subprocess
import threading
import time

import harness
import intruder
import records
import statedir
from intruder import INTRUDER, KINDS
from table import tried

# What lies there makes the start fail, whatever else it is; a FIFO, a device and another user's file apart.
NEEDED = ("lock", "pulse", "history", "beats")
# Made anew or given up, so that the daemon beats in any case.
SPARE = ("history.new", "pulse.unreadable", "history.unreadable", "x.prom.new")


def may_be_output(kind):
    return kind.startswith("FIFO") or kind == "character device"


class BeforeTheStart(intruder.IntruderCase):
    def run_all(self, user, mode):
        number = 0
        for name, kind in itertools.product((*NEEDED, *SPARE, "x.prom"), self.kinds()):
            with self.subTest(name=name, kind=kind):
                self.start_with(name, kind, user, mode, f"place.{number}")
            number += 1
        tried("starts with a link, FIFO, directory or device planted where a file is opened", number)

    def start_with(self, name, kind, user, mode, directory):
        place = self.place(directory, mode)
        if name.endswith(".unreadable"):
            damaged = place / name.removesuffix(".unreadable")
            damaged.write_text("damaged\n" * 100)
            os.chown(damaged, place.stat().st_uid, -1)
        self.plant(kind, place / name)
        process, beats = self.attempt("--config=/dev/null", f"--state-dir={place}", f"--output={place}/beats",
                                      f"--metrics={place}/x.prom", "--interval=1d", user=user)
        what = f"{kind} at {name}: {self.words()}"
        if beats and name != "lock":
            self.assertEqual(intruder.lock_holder(place / "lock"), process.pid, what)
        self.assert_untouched(what)
        self.judge(name, kind, mode, beats, what)
        if beats:
            process.terminate()
        code = process.wait(20)
        self.assertIn(code, (0,) if beats else (4, 6), what)
        if not beats:
            self.assert_clear(self.words(), what)
        self.assert_untouched(what)

    def judge(self, name, kind, mode, beats, what):
        if name in SPARE:
            self.assertTrue(beats, what)
        elif kind == "file of another user":
            self.assertEqual(beats, not mode & 0o1000 or name == "x.prom", what)
        elif name == "beats" and may_be_output(kind):
            self.assertEqual(beats, kind != "FIFO of another user" or not mode & 0o1000, what)
        elif kind == "hard link" and name in ("x.prom", "pulse"):
            # The one is renamed over, the other renamed away, as damaged; nothing is written through it.
            self.assertEqual(beats, name == "x.prom" or mode != 0o755, what)
        else:
            self.assertFalse(beats, what)

    def test_by_root_in_a_sticky_directory_of_everybody(self):
        self.run_all("root", 0o1777)

    def test_by_root_in_a_directory_of_everybody(self):
        self.run_all("root", 0o777)

    def test_by_another_user_in_its_own_directory(self):
        self.run_all(None, 0o755)


class WhileItBeats(intruder.IntruderCase):
    def setUp(self):
        super().setUp()
        self.place_ = self.place("everybodys", 0o1777)
        self.lock = self.place_ / "lock"

    def start_in(self, *args, config="/dev/null", interval="20ms"):
        options = [] if interval is None else [f"--interval={interval}"]
        daemon = self.start(f"--config={config}", f"--state-dir={self.place_}", *options, *args, user="root")
        records.wait_for_pulse(self.place_)
        return daemon

    def assert_held(self, daemon, what):
        self.assertTrue(harness.alive(daemon.pid), f"{what}: {daemon.words()}")
        self.assertEqual(intruder.lock_holder(self.lock), daemon.pid, what)
        self.assert_untouched(what)

    def wait_for_beats_after(self, count=3):
        """Beats that begin from now on."""
        records.wait_for_pulse(self.place_, int(records.pulse(self.place_)["seq"]) + count)

    def test_an_output_is_swapped(self):
        log = self.place_ / "beats"
        daemon = self.start_in(f"--output={log}", "--format=plain")
        own = [("hard link", self.place_ / name) for name in ("lock", "pulse", "history")]
        plants = [(kind, None) for kind in self.kinds()] + own
        for kind, to in plants:
            with self.subTest(kind=kind, to=to):
                self.swap_output(daemon, log, kind, to)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual((self.lock.read_text(), records.pulse(self.place_)["v"]), ("", "1"))
        self.assertNotIn(None, map(records.pairs, records.lines(self.place_)))
        tried("swaps of an output for a link, FIFO, directory or device between two beats", len(plants))

    def swap_output(self, daemon, log, kind, to):
        said = len(daemon.words())
        self.plant(kind, log, to)
        what = f"{kind} to {to}"
        if kind != "character device":
            harness.wait_until(lambda: any(f"output {log}: " in line for line in daemon.words()[said:]), 20,
                               lambda: f"a warning of {what}; {daemon.words()[said:]}")
        self.wait_for_beats_after()
        self.assert_held(daemon, what)
        intruder.clear(log)
        self.wait_for_beats(2, log)
        self.assert_held(daemon, f"{what}, gone again")

    def test_the_metrics_are_swapped(self):
        """They are written once a second; in each place another plant at once, and each lasts two writes."""
        count = len(self.kinds())
        metrics = self.place_ / "x.prom"
        daemon = self.start_in("--output=/dev/null", f"--metrics={metrics}")
        for kind, to in [*((kind, None) for kind in self.kinds() if kind != "block device"),
                         ("hard link", self.lock)]:
            with self.subTest(kind=kind, to=to):
                self.plant(kind, metrics, to)
                self.plant("hard link" if kind in intruder.LINKS else kind, metrics.with_name("x.prom.new"), to)
                if "directory" in kind and "symlink" not in kind:
                    harness.wait_until(lambda: any("metrics " in line for line in daemon.words()), 20, "a warning")
                    intruder.clear(metrics)
                    intruder.clear(metrics.with_name("x.prom.new"))
                self.wait_for_file(metrics)
                self.assert_held(daemon, kind)
        self.assertEqual(self.lock.read_text(), "")
        self.assertEqual(daemon.stop(), 0)
        tried("swaps of the metrics or of what they are written to first", 2 * count)

    def wait_for_file(self, metrics):
        harness.wait_until(lambda: metrics.lstat().st_nlink == 1 and metrics.is_file() and not metrics.is_symlink() and
                           metrics.read_text().startswith("# HELP"), 20, "metrics in a file of their own")

    def test_pulse_and_history_are_swapped(self):
        """A file that has lost its name is made anew, and what lies there by then is a trap."""
        log = self.place_ / "beats"
        config = self.config(f"[Heartbeat]\nInterval=20ms\nOutput={log}\n")
        daemon = self.start_in(config=config, interval=None)
        plants = [(name, kind, None) for name in ("pulse", "history") for kind in self.kinds()]
        plants += [(name, "hard link", self.lock) for name in ("pulse", "history")]
        for name, kind, to in plants:
            with self.subTest(name=name, kind=kind, to=to):
                self.swap_state(daemon, log, name, kind, to)
        self.assertEqual(daemon.stop(), 0)
        tried("swaps of pulse or history for a link, FIFO, directory or device between two beats", len(plants))

    def swap_state(self, daemon, log, name, kind, to):
        path, said = self.place_ / name, len(daemon.words())
        what = f"{kind} at {name}, to {to}"
        self.plant(kind, path, to)
        daemon.signal(signal.SIGHUP)  # which the history has a line of
        harness.wait_until(lambda: any(f"/{name}: " in line for line in daemon.words()[said:]), 20,
                           lambda: f"a warning of {what}; {daemon.words()[said:]}")
        self.wait_for_more_beats(2, log)
        self.assert_held(daemon, what)
        self.assertEqual(self.lock.read_text(), "", what)
        intruder.clear(path)
        harness.wait_until(lambda: any(f"/{name}: is written again" in line for line in daemon.words()[said:]), 20,
                           lambda: f"the end of {what}; {daemon.words()[said:]}")
        self.assert_held(daemon, f"{what}, gone again")

    def test_a_config_is_swapped_before_a_reload(self):
        log = self.place_ / "beats"
        text = f"[Heartbeat]\nInterval=20ms\nOutput={log}\n"
        config = self.config(text)
        daemon = self.start_in(config=config, interval=None)
        plants = [(kind, None) for kind in self.kinds()]
        plants += [(kind, self.place_ / name) for kind in ("symlink", "hard link")
                   for name in ("lock", "pulse", "history")]
        for number, (kind, to) in enumerate(plants):
            with self.subTest(kind=kind, to=to):
                self.plant(kind, config, to)
                daemon.signal(signal.SIGHUP)
                daemon.wait_for_words(r"not reloaded, everything stays as it was: ", 20, number + 1)
                self.wait_for_more_beats(2, log)
                self.assert_held(daemon, f"{kind} to {to}")
        intruder.clear(config)
        self.config(text)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words(": reloaded")
        self.assertEqual(daemon.stop(), 0)
        tried("swaps of the configuration file before a reload", len(plants))

    def test_an_output_changes_all_the_time(self):
        """Between its own file and the traps, much faster than it beats; whatever comes between the two looks at it."""
        log = self.place_ / "beats"
        daemon = self.start_in(f"--output={log}", interval="10ms")
        traps = [self.place_ / f"trap.{number}" for number in range(6)]
        for trap, kind, to in zip(traps, ("hard link", "symlink", "hard link", "hard link", "FIFO", "symlink"),
                                  (self.lock, self.victim, self.victim, self.place_ / "pulse", None, self.lock)):
            self.plant(kind, trap, to)
        swaps, deadline = 0, time.monotonic() + 20
        beats = int(records.pulse(self.place_)["seq"])
        while time.monotonic() < deadline and (swaps < 1500 or
                                               int(records.pulse(self.place_)["seq"]) < beats + 100):
            trap = traps[swaps % len(traps)]
            with contextlib.suppress(FileNotFoundError):
                os.rename(trap, log)
                swaps += 1
                os.rename(log, trap)
            if swaps % 50 == 0:
                self.assert_held(daemon, f"after {swaps} swaps")
        self.assert_held(daemon, f"after {swaps} swaps")
        self.assertEqual(self.lock.read_text(), "")
        intruder.clear(log)
        self.wait_for_beats(2, log)
        self.assertLess(len(harness.proc_fds(daemon.pid)), 40, "few descriptors stay open in a race that was lost")
        self.assertEqual(daemon.stop(), 0)
        tried("swaps of an output while it is opened", swaps)
