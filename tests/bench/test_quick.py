# SPDX-License-Identifier: MIT
"""The benchmark itself, with few rounds: that each program runs and each figure is found, whatever it is."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import peers

RUN = pathlib.Path(__file__).with_name("run")
BUILD = os.environ.get("HEARTBEATD_BENCH") or RUN.parents[2] / "build-bench"
COLUMNS = {"anonymous", "unique", "first", "first, many", "wakeups", "calls", "cpu", "drift"}
PEERS = ["floor", "tutorial", "dash loop", "busybox loop", "earlyoom", "rsyslog immark"]


class Quick(unittest.TestCase):
    alone = True
    time_limit = 600  # it builds heartbeatd three times where nobody has before

    def run_it(self, *arguments):
        """Told to end before the test has to, it ends what it has started."""
        process = subprocess.Popen([RUN, "--quick", *arguments], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=self.time_limit - 30)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        return out

    def test_it_measures_each_program(self):
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place) / "found.json"
            out = self.run_it(f"--build={BUILD}", f"--json={path}")
            found = json.loads(path.read_text())
        own = [peers.own_name(build, sort) for build, sort in
               [("libsystemd", sort) for sort in ("line", "all", "past", "sync")] +
               [(build, sort) for build in ("without", "musl") for sort in ("line", "all")]]
        for name in PEERS + own:
            with self.subTest(name):
                self.assertEqual(COLUMNS - set(found[name]), set())
        for name in own:
            with self.subTest(name):
                self.assertEqual({"fork", "late", "off grid"} - set(found[name]), set())
                self.assertEqual(found[name]["off grid"], [0])
        self.assertIn("Figures to reach:", out)
        for left in ("run-*", "histories-*"):
            self.assertEqual(list(pathlib.Path(BUILD).glob(left)), [])

    def test_it_says_in_one_line_what_is_missing(self):
        with tempfile.TemporaryDirectory() as place:
            done = subprocess.run([RUN, "--quick", f"--build={place}"], env={"PATH": "/nowhere"}, text=True,
                                  capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Abuilds and packages\ntests/bench/run: to be installed first: .*meson.*\n\Z")
