# SPDX-License-Identifier: MIT
"""heartbeatctl gaps: the table, what is chosen for it, and what is said beside it."""

import re

import harness
from statedir import OTHER_RUN, SECOND, CtlCase, realtime, stamp

HOUR = 3600 * SECOND


class GapsCase(CtlCase):
    def setUp(self):
        super().setUp()
        self.now = realtime() // SECOND * SECOND
        self.env = {"TZ": "UTC"}

    def history(self):
        """Two gaps, a failed output and a clock step, in a run that goes on."""
        self.event("start", self.now - 10 * HOUR, pid=1, interval=10 * SECOND)
        self.gap(self.now - 8 * HOUR, self.now - 8 * HOUR + 40 * SECOND, suspended=31_400_000, cpu=7)
        self.event("clock", self.now - 6 * HOUR, forward=90 * SECOND)
        self.event("output", self.now - 5 * HOUR, output="/x/y", errno=28, lost=7,
                   **{"from": self.now - 5 * HOUR - 60 * SECOND, "to": self.now - 5 * HOUR})
        self.gap(self.now - 4 * HOUR, self.now - 3 * HOUR, "service-killed", 359, "low", past=OTHER_RUN)
        self.pulse()

    def causes(self, *args):
        return [gap["cause"] for gap in self.ask("gaps", *args)]


class Table(GapsCase):
    def test_a_row_for_each_gap_and_a_hint_at_the_rest(self):
        self.history()
        result = self.ctl("gaps")
        self.assertEqual((result.code, result.err), (0, ""))
        lines = result.out.splitlines()
        self.assertEqual(lines[0].split(), "FROM TO LASTED MISSED CAUSE HOST EVIDENCE".split())
        self.assertEqual(len(lines), 4, result)
        self.assertRegex(lines[1], r" 40s +3  suspend +up +suspended for 31.4s$")
        self.assertRegex(lines[2], r" 1h +359  perhaps service-killed +up +ended without a word")
        self.assertRegex(lines[3], r"outputs \(1\).*clock \(1\).*--cause=output-failed,clock-step")

    def test_columns_stand_below_each_other(self):
        self.history()
        lines = self.ctl("gaps").out.splitlines()[:3]
        for heading in ("TO", "CAUSE", "HOST", "EVIDENCE"):
            column = lines[0].index(heading)
            for line in lines[1:]:
                self.assertEqual(line[column - 1], " ")
                self.assertNotEqual(line[column], " ", heading)

    def test_times_can_be_given_back(self):
        self.history()
        row = self.ctl("gaps", "--utc").out.splitlines()[2]
        times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", row)
        self.assertEqual(len(times), 2)
        self.assertIn("perhaps service-killed", self.ctl("explain", times[0]).out)
        self.assertEqual(self.causes(f"--since={times[0]}"), ["service-killed"])

    def test_width_cuts_the_evidence_only(self):
        self.history()
        uncut = self.ctl("gaps").out.splitlines()
        for columns in (110, 100, 60):
            cut = self.ctl("gaps", env={"COLUMNS": str(columns)}).out.splitlines()
            for before, after in zip(uncut[:3], cut[:3]):
                self.assertLessEqual(len(after), max(columns, uncut[0].index("EVIDENCE")))
                self.assertTrue(before.startswith(after.removesuffix("...")), after)

    def test_going_on_is_the_last_row(self):
        self.history()
        self.pulse(age=65 * SECOND, step="sync pulse")
        row = self.ctl("gaps").out.splitlines()[3]
        self.assertRegex(row, r"^\S+ \S+  - +1min \d+s +\d  unknown +up +the process is there.*in: sync pulse$")
        self.assertTrue(self.ask("gaps")[-1]["ongoing"])
        self.assertIsNone(self.ask("gaps")[-1]["to"])
        self.pulse(age=65 * SECOND, pid=harness.free_pid())
        self.assertRegex(self.ctl("gaps").out.splitlines()[3], r"  -  +1min \d+s +\d  perhaps service-killed ")

    def test_without_gaps_there_is_no_heading(self):
        self.event("start", self.now - HOUR, pid=1, interval=10 * SECOND)
        self.pulse()
        result = self.ctl("gaps")
        self.assertRegex(result.out, r"\ANo gaps since \w{3} [\d-]+ [\d:]+ UTC\.\n\Z")
        self.assertEqual(result.code, 0)
        self.assertEqual(self.ask("gaps"), [])

    def test_no_record_is_no_answer(self):
        result = self.ctl("gaps")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertRegex(result.err, r"\Aheartbeatctl: no record in [^\n]+\n\Z")
        self.pulse(start=False)
        self.assertRegex(self.ctl("gaps").err, "no history in")
        self.assertEqual(self.ctl("gaps", "--output=json").out, "[]\n")

    def test_time_before_the_record_is_no_data(self):
        """And never a time without gaps."""
        self.event("start", self.now - HOUR, pid=1, interval=10 * SECOND)
        self.pulse()
        for args in (("--until=-2h",), ("--since=2020-01-01", "--until=2020-02-01")):
            with self.subTest(args):
                result = self.ctl("gaps", *args)
                self.assertEqual((result.code, result.out), (1, ""))
                self.assertRegex(result.err, r"\Aheartbeatctl: no data before [^\n]+\n\Z")
                result = self.ctl("gaps", "--output=json", *args)
                self.assertEqual((result.code, result.out), (1, "[]\n"))
        result = self.ctl("gaps", "--since=tomorrow")
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertRegex(result.err, r'\Aheartbeatctl: --since: "tomorrow" is still to come; expected [^\n]+\n\Z')

    def test_record_that_could_not_be_read_has_no_beginning(self):
        self.event("gap", self.now - HOUR, cause="unknown", confidence="low", host="unknown")
        self.pulse()
        row = self.ctl("gaps").out.splitlines()[1]
        self.assertRegex(row, r"^- +\S+ \S+ +- +-  unknown +unknown +the record of what was before could not")


class Chosen(GapsCase):
    def test_by_time(self):
        self.history()
        for args, causes in ((["--since=-9h"], ["suspend", "service-killed"]), (["--since=-5h"], ["service-killed"]),
                             (["--until=-5h"], ["suspend"]), (["--since=-3h30min", "--until=-3h20min"],
                                                              ["service-killed"]),
                             (["--since=-7h", "--until=-5h"], [])):
            self.assertEqual(self.causes(*args), causes, args)
        self.assertRegex(self.ctl("gaps", "--since=-7h", "--until=-5h").out, r"\ANo gaps since .* until .*\.\n")

    def test_by_cause(self):
        self.history()
        for args, causes in ((["--cause=suspend"], ["suspend"]), (["--cause=host-down"], []),
                             (["--cause=host-down,suspend"], ["suspend"]),
                             (["--cause=host-down", "--cause=service-killed"], ["service-killed"]),
                             (["--cause=output-failed,clock-step"], ["clock-step", "output-failed"])):
            self.assertEqual(self.causes(*args), causes, args)

    def test_ongoing_one_too(self):
        self.pulse(age=65 * SECOND)
        self.assertEqual(self.causes("--cause=unknown"), ["unknown"])
        self.assertEqual(self.causes("--cause=suspend"), [])
        self.assertEqual(self.causes("--until=-1h"), [])

    def test_what_is_no_gap_has_words_of_its_own(self):
        self.history()
        lines = self.ctl("gaps", "--cause=output-failed", "--cause=clock-step").out.splitlines()
        self.assertRegex(lines[1], r"^- .* clock-step +up +the wall clock was set forward by 1min 30s$")
        self.assertRegex(lines[2], r" output-failed +up +/x/y: No space left on device; 7 messages lost$")
        self.assertEqual(len(lines), 3)
        clock, output = self.ask("gaps", "--cause=output-failed,clock-step")
        self.assertEqual((clock["moved"], clock["moved_usec"]), ("forward", 90 * SECOND))
        self.assertEqual((output["errno"], output["lost"], output["to"]), (28, 7, stamp(self.now - 5 * HOUR)))

    def test_wrong_words_are_refused_with_the_right_ones(self):
        for arg, pattern in (("--cause=lazy", '--cause: "lazy": .*suspend.*host-down.*clock-step'),
                             ("--since=soon", '--since: "soon": .*2h ago'), ("-w1", "--warning: goes with check"),
                             ("--since=1\x1b", r'"1\\x1b"')):
            result = self.ctl("gaps", arg)
            self.assertEqual((result.code, result.out), (2, ""), result)
            self.assertRegex(result.err, rf"\Aheartbeatctl: .*{pattern}.*\n\Z")


class Holes(GapsCase):
    def test_time_before_the_record_is_no_data(self):
        self.history()
        result = self.ctl("gaps", "--since=-20h")
        self.assertRegex(result.err, r"\Aheartbeatctl: no data before \w{3} [^\n]+\n\Z")
        self.assertEqual(self.ctl("gaps", "--since=-9h").err, "")

    def test_what_was_thrown_away_is_said(self):
        self.event("trim", self.now - HOUR, gaps="suspend:3,busy:1", **{"from": self.now - 9 * HOUR})
        self.history()
        self.assertIn("gaps among them, before ", self.ctl("gaps").out)
        self.assertRegex(self.ctl("gaps", "--since=-20h").err, "no data before .*thrown away")
        self.assertEqual(self.ctl("gaps", "--since=-8h").err, "")

    def test_damage_is_said_once_and_is_no_failure(self):
        self.history()
        with open(self.record / "history", "ab") as file:
            file.write(b"nonsense\n\x1b[31m\nv=7 ev=new\nv=1 t=20")
        result = self.ctl("gaps")
        self.assertEqual(result.code, 0)
        self.assertEqual(len(result.out.splitlines()), 4)
        self.assertRegex(result.err, r"\Aheartbeatctl: damaged lines .*: 3\nheartbeatctl: .* newer .*: 1\n\Z")


class Json(GapsCase):
    def test_evidence_is_there_as_far_as_it_is_known(self):
        self.history()
        suspend, killed = self.ask("gaps")
        self.assertEqual((suspend["suspended_usec"], suspend["cpu_usec"], suspend["confidence"]),
                         (31_400_000, 7, "high"))
        self.assertNotIn("throttled_usec", suspend)
        self.assertEqual((killed["past_run"], killed["confidence"], killed["missed"]), (OTHER_RUN, "low", 359))
        self.assertEqual((killed["from"], killed["to"]), (stamp(self.now - 4 * HOUR), stamp(self.now - 3 * HOUR)))

    def test_a_long_history_is_read_through(self):
        for i in range(5000):
            self.gap(self.now - (5000 - i) * 60 * SECOND, self.now - (5000 - i) * 60 * SECOND + 20 * SECOND)
        self.pulse()
        self.assertEqual(len(self.ask("gaps")), 5000)
        self.assertEqual(len(self.ctl("gaps").out.splitlines()), 5001)
