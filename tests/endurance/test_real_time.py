# SPDX-License-Identifier: MIT
"""20,000 beats in real time, through all that can happen to outputs, files and a process."""

import itertools

import account
from table import tried

BEATS = 20_000


class RealTime(account.Endurance):
    time_limit = 600

    def gap_of(self, begin, end):
        """The gap that a stop lies in."""
        for gap in self.events("gap"):
            if int(gap["boottime"]) - int(gap["lasted"]) <= begin and end <= int(gap["boottime"]):
                return gap
        raise AssertionError(f"nothing tells of the stop from {begin} to {end}")

    def test_each_of_20000_beats_is_accounted_for(self):
        self.begin()
        happenings = itertools.cycle([self.rotate_by_rename, self.reload, self.stop_shortly, self.reader_goes,
                                      self.rotate_by_copy, self.reader_stalls, self.directory_goes, self.stop_long])
        while self.due() < BEATS:
            next(happenings)()
            self.beats_pass(account.HUNDRED)
        due, missed, lost = self.settle()
        for begin, end in self.stops:
            if end - begin > 2 * account.INTERVAL_USEC:
                self.assertIn(self.gap_of(begin, end)["cause"], ("process-stopped", "cpu-starved"))
        print(f"note: {due} beats due in real time, {missed} missed in {len(self.events('gap'))} gaps, "
              f"{lost} messages lost to outputs that failed, {self.reloads} reloads, {len(self.rotated)} rotations")
        tried("beats in real time, with rotations, reloads, stops, and outputs that fail", due, account.LOST)
