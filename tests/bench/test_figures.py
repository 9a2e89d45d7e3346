# SPDX-License-Identifier: MIT
"""The numbers and tables that the benchmark makes of what it has observed."""

import unittest

import figures
import histories
import peers
import report
import results
import targets

SECOND = 10**9


class Numbers(unittest.TestCase):
    def test_memory_is_what_is_anonymous_and_what_is_not_shared(self):
        text = ("00400000-7ffd [rollup]\nRss:      1200 kB\nPrivate_Clean:      8 kB\nPrivate_Dirty:     96 kB\n"
                "Anonymous:     100 kB\n")
        self.assertEqual(figures.smaps(text), (100, 104))

    def test_calls_are_counted_where_they_begin(self):
        trace = ("41 restart_syscall(<... resuming interrupted poll ...>) = 0\n41 write(3, \"x(\", 2) = 2\n"
                 "42 clock_nanosleep(CLOCK_MONOTONIC, 0, <unfinished ...>\n41 vfork( <unfinished ...>\n"
                 "42 <... clock_nanosleep resumed>) = 0\n43 write(3, \"y\", 1) = 1\n41 <... vfork resumed>) = 43\n"
                 "43 +++ exited with 0 +++\n41 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
                 "41 poll([{fd=3}], 1, -1 <detached ...>\n")
        self.assertEqual(figures.calls_of(trace, {41, 42}), {"write": 2, "vfork": 1, "poll": 1})

    def test_a_missed_beat_has_a_number_and_two_writes_of_one_have_one(self):
        times = [0, 100, 1000, 3010, 4000]
        self.assertEqual(figures.beat_numbers(times, 1000), ([0, 1, 3, 4], [0, 1000, 3010, 4000]))

    def test_drift_is_what_each_beat_adds(self):
        self.assertAlmostEqual(figures.drift([beat * (SECOND + 700) for beat in range(20)], SECOND), 700)
        late = [beat * SECOND + (beat == 10) * 50000 for beat in range(21)]
        self.assertAlmostEqual(figures.drift(late, SECOND), 0, places=3)
        first = [0, *(beat * SECOND + 5000 for beat in range(1, 10))]
        self.assertAlmostEqual(figures.drift(first, SECOND, before=1), 0, places=3)

    def test_too_few_beats_have_none(self):
        with self.assertRaises(ValueError):
            figures.drift([0, SECOND], SECOND, before=2)

    def test_lateness_is_from_the_grid_on(self):
        self.assertEqual(figures.lateness([1005, 2007, 990], 5, 100), [0, 2, 85])

    def test_words(self):
        self.assertEqual(figures.words([3, 1, 2]), "2 (1–3)")
        self.assertEqual(figures.words([1.0001, 1.0002]), "1")
        self.assertEqual([figures.digits(number) for number in (0.0123, 1.234, 12.34, 1234.5)],
                         ["0.0123", "1.23", "12.3", "1,234"])
        self.assertEqual(figures.per_beat({"write": 4, "poll": 2}, 2), "poll 1, write 2")


class Tables(unittest.TestCase):
    def setUp(self):
        self.results = results.Results()

    def test_a_row_for_each_program(self):
        self.results.add("floor", "cpu", 1)
        self.results.add("floor", "cpu", 3)
        self.results.note("other", "cpu", "words")
        self.assertEqual(results.by_program(self.results, "program", ["floor", "other", "none"], [("cpu", "CPU")]),
                         "| program | CPU     |\n| ------- | ------- |\n| floor   | 2 (1–3) |\n"
                         "| other   | words   |\n| none    | –       |")

    def outcomes(self):
        rows = targets.rows(self.results, [report.over(10), report.over(20)], 1024)
        return {what: outcome for what, _, _, outcome in rows}

    def test_what_was_not_measured_is_neither_reached_nor_short(self):
        self.assertEqual(set(self.outcomes().values()), {"not measured"})

    def test_figures_are_held_against_those_of_the_same_round(self):
        name = peers.own_name("libsystemd", "all")
        for floor, found in ((100, 240), (200, 501), (1000, 2490)):
            self.results.add("floor", "cpu", floor)
            self.results.add(name, "cpu", found)
        self.assertEqual(self.outcomes()["CPU time per beat, all duties but sync"], "reached")
        for _ in range(3):
            self.results.add("floor", "cpu", 100)
            self.results.add(name, "cpu", 251)
        self.assertEqual(self.outcomes()["CPU time per beat, all duties but sync"], "short")

    def test_what_may_be_so_much_may_not_be_more(self):
        name = peers.own_name("libsystemd", "line")
        self.results.add(name, "calls", 5)
        self.assertEqual(self.outcomes()["system calls per beat, appending a line"], "reached")
        for _ in range(2):
            self.results.add(name, "calls", 6)
        self.assertEqual(self.outcomes()["system calls per beat, appending a line"], "short")

    def test_a_report_is_as_fast_as_the_slower_of_two(self):
        for row, speed in ((report.over(20), 0.5), ("wc -l", 0.4)):
            self.results.add(row, "GB/s", speed)
        self.assertEqual(self.outcomes()["report, over the longest history"], "reached")

    def test_who_keeps_to_the_grid_has_no_drift(self):
        self.results.add("floor", "drift", 0.3)
        name = peers.own_name("libsystemd", "line")
        self.results.add(name, "drift", 0.3)
        self.results.add(name, "off grid", 0)
        self.assertEqual([report.short_cell(self.results, row, "drift") for row in ("floor", name)], ["0.3", "none"])


class Histories(unittest.TestCase):
    def test_a_line_for_each_event(self):
        self.assertEqual(histories.gap(1).split()[1:3], ["t=2014-05-13T16:58:20.000Z", "boottime=600000000"])
        self.assertEqual(len(histories.gap(10**6)), len(histories.gap(10**6 + len(histories.CAUSES))))
