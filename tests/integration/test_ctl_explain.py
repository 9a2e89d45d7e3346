# SPDX-License-Identifier: MIT
"""heartbeatctl explain: the last gap, and what was at a time, in sentences."""

import harness
from statedir import OTHER_BOOT, OTHER_RUN, RUN, SECOND, CtlCase, realtime

HOUR = 3600 * SECOND
CAUSES = """unknown suspend cpu-throttled cpu-starved busy process-stopped frozen output-blocked host-paused
    service-crashed service-oom-killed service-watchdog-killed service-killed service-failed service-stopped
    host-shutdown host-down""".split()


class ExplainCase(CtlCase):
    def setUp(self):
        super().setUp()
        self.now = realtime() // SECOND * SECOND

    def at(self, usec):
        return f"@{usec // SECOND}"

    def says(self, *patterns, args=(), code=0):
        result = self.ctl("explain", *args)
        self.assertEqual((result.code, result.err), (code, ""), result)
        for pattern in patterns:
            self.assertRegex(result.out, f"(?m){pattern}")
        return result.out


class LastGap(ExplainCase):
    def test_nothing_is_known_without_a_record(self):
        self.says("no record in", code=1)
        self.says("no record in", args=["yesterday"], code=1)
        self.assertEqual(self.ask("explain")["answer"], "no-data")

    def test_no_gap_on_record(self):
        self.event("start", self.now - HOUR, pid=1, interval=10 * SECOND)
        self.pulse()
        self.says("no gap on record since ")
        self.assertEqual(self.ask("explain")["answer"], "no-gap")

    def test_everything_known_is_told(self):
        self.gap(self.now - HOUR, self.now - HOUR + 40 * SECOND, "cpu-starved", suspended=0, throttled=SECOND,
                 starved=31 * SECOND, cpu=2000, longest=30 * SECOND, steps=31 * SECOND, step="output /x", switches=5, polls=4,
                 faults=3, continued=0)
        self.pulse()
        self.says("^No beat from .* to .*, 40s.$", "^Cause: cpu-starved. ", "host was up, and the service's process",
                  "^Beats missed: 3; one was due every 10s.$", "^Evidence: waited for a CPU for 31s$",
                  "held back by a CPU quota: 1s$", "without a CPU: 31s$", "longest step: 30s, of: output /x$",
                  "page faults: 3$", "^Confidence: high", "a clock that nobody can set", "^What to do: ")

    def test_host_and_service_are_told_apart(self):
        for host, fields, words in (("up", {"past": OTHER_RUN}, "The host was up; the service was not."),
                                    ("up", {}, "The host was up, and the service's process was there"),
                                    ("suspended", {}, "The host was suspended, and the service with it."),
                                    ("down", {"past": OTHER_RUN, "boot_began": self.now - HOUR + SECOND},
                                     "The host was down until it booted at "),
                                    ("unknown", {"past": OTHER_RUN, "boot_began": self.now - HOUR + SECOND},
                                     "whether the host was, until it booted at "),
                                    ("unknown", {}, "Whether host and service were up is not known.")):
            self.gap(self.now - HOUR, self.now - HOUR + 40 * SECOND, "unknown", host=host, **fields)
            self.pulse()
            self.says(words)

    def test_boot_before_the_last_beat_is_not_told_as_an_end(self):
        self.gap(self.now - HOUR, self.now - HOUR + 40 * SECOND, "host-down", host="down", past=OTHER_RUN,
                 boot_began=self.now - 9 * HOUR)
        self.pulse()
        self.says("^The host was down, and the service with it.$")

    def test_low_confidence_is_said(self):
        self.gap(self.now - HOUR, self.now - HOUR + 40 * SECOND, "service-killed", confidence="low", past=OTHER_RUN)
        self.pulse()
        self.says("^Cause: perhaps service-killed", "^Confidence: low: .*nothing proves it")

    def test_every_cause_has_a_meaning_and_an_advice(self):
        texts = set()
        for cause in CAUSES:
            self.gap(self.now - HOUR, self.now - HOUR + 40 * SECOND, cause)
            self.pulse()
            texts.add(self.says(rf"^Cause: {cause}\. \w.*\.$", r"^What to do: \w.*\.$"))
        self.assertEqual(len(texts), len(CAUSES))

    def test_wall_clock_that_ran_backwards_is_said(self):
        self.event("gap", self.now - HOUR, cause="host-down", confidence="high", host="down", past=OTHER_RUN,
                   **{"from": self.now, "to": self.now - HOUR})
        self.pulse()
        self.says("How many beats were missed is not known", "ran backwards")

    def test_ongoing_comes_first(self):
        self.gap(self.now - HOUR, self.now - HOUR + 40 * SECOND)
        self.pulse(age=65 * SECOND, step="output /x")
        self.says(r"^No beat since .*, 1min \d+s, until now\.$", "not known yet", "it is in: output /x",
                  "What to do: see what the step writes to; the process is ")
        self.assertTrue(self.ask("explain")["gap"]["ongoing"])
        self.pulse(age=65 * SECOND, pid=harness.free_pid())
        self.says("^Cause: perhaps service-killed", "The service is still down")


class AtATime(ExplainCase):
    def history(self):
        self.event("start", self.now - 10 * HOUR, pid=1, interval=30 * SECOND)
        self.gap(self.now - 8 * HOUR, self.now - 7 * HOUR, run=RUN)
        self.event("clock", self.now - 6 * HOUR, forward=900 * SECOND)
        self.event("output", self.now - 5 * HOUR, output="/x/y", errno=28, lost=7,
                   **{"from": self.now - 5 * HOUR - 60 * SECOND, "to": self.now - 5 * HOUR})
        self.event("stop", self.now - 3 * HOUR, seq=9)
        self.event("start", self.now - 3 * HOUR + 4 * SECOND, run=OTHER_RUN, pid=1, interval=10 * SECOND)
        self.pulse(age=2 * SECOND, run=OTHER_RUN)

    def test_in_a_gap(self):
        self.history()
        for usec in (self.now - 8 * HOUR, self.now - 7 * HOUR - SECOND):
            self.says("^No beat from ", args=[self.at(usec)])
        for usec in (self.now - 8 * HOUR - SECOND, self.now - 7 * HOUR):
            self.says("^Yes: ", args=[self.at(usec)])

    def test_in_a_run(self):
        self.history()
        self.says("^Yes: beats were made every 30s.$", f"^Run {RUN}, since ", args=[self.at(self.now - 9 * HOUR)])
        self.says("^Yes: beats were made every 10s.$", f"^Run {OTHER_RUN}, since ", args=["2h", "ago"])
        self.assertEqual(self.ask("explain", "2h ago")["answer"], "alive")

    def test_between_a_stop_and_a_start(self):
        self.history()
        self.says("told to stop at ", "began again at .*no beat was missed",
                  args=[self.at(self.now - 3 * HOUR + SECOND)])

    def test_stopped_and_nothing_due_yet(self):
        self.pulse(age=SECOND, pid=harness.free_pid())
        self.event("start", self.now - HOUR, pid=1, interval=10 * SECOND)
        self.event("stop", realtime() - SECOND // 2)
        self.says("told to stop at ", "No beat was missed so far", args=["now"])

    def test_before_any_record(self):
        self.history()
        self.says("^There is no data before ", args=["-20h"], code=1)
        (self.record / "history").unlink()
        self.event("trim", self.now - HOUR, gaps="suspend:3,busy:1", **{"from": self.now - 9 * HOUR})
        self.says("no data before ", "gaps among them: 4", args=["-20h"], code=1)
        self.says("^Yes: ", "began before|since", args=["-8h"])

    def test_without_a_history_the_run_is_the_record(self):
        self.pulse(age=2 * SECOND)
        self.says(r"^There is no data before \w{3} ", args=["-20h"], code=1)
        self.says("^Yes: beats were made every 10s.$", args=["-1min"])

    def test_after_the_last_beat(self):
        self.history()
        self.says("^The last beat was made at .*since then none was missed", args=["now"])
        self.pulse(age=65 * SECOND, run=OTHER_RUN)
        self.says("^No beat since ", args=["-10s"])
        self.says("^Yes: ", args=["-90s"])

    def test_to_come(self):
        self.history()
        result = self.ctl("explain", "+1h")
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertRegex(result.err, r'\Aheartbeatctl: explain: "\+1h" is still to come[^\n]*\n\Z')

    def test_failed_output_and_clock_step_are_told_too(self):
        self.history()
        self.says("^Yes: ", "An output failed from .* to .*: /x/y: No space left on device; 7 messages lost",
                  args=[self.at(self.now - 5 * HOUR - 30 * SECOND)])
        self.says("the wall clock was set forward by 15min", args=[self.at(self.now - 6 * HOUR - 600 * SECOND)])
        self.assertIsNone(self.ask("explain", "-4h")["clock_step"])
        self.assertIn("15min", self.ask("explain", self.at(self.now - 6 * HOUR))["clock_step"])

    def test_after_a_record_that_cannot_be_read(self):
        self.history()
        (self.record / "pulse").write_bytes(b"x" * 1024)
        self.says("^Not known: .*damaged", args=["-1h"], code=1)
        self.says("^Yes: ", args=["-9h"])

    def test_before_a_record_that_could_not_be_read(self):
        self.event("start", self.now - 10 * HOUR, pid=1, interval=10 * SECOND)
        self.event("gap", self.now - HOUR, run=OTHER_RUN, cause="unknown", confidence="low", host="unknown")
        self.event("start", self.now - HOUR, run=OTHER_RUN, pid=1, interval=10 * SECOND)
        self.pulse(run=OTHER_RUN)
        self.says("what was before it is not known", args=["-2h"])
        self.says("^Yes: ", args=["-30min"])

    def test_in_a_gap_whose_end_was_recorded_later(self):
        """An exit line is no sign of life: it is written when somebody notices."""
        self.event("start", self.now - HOUR, pid=1, interval=10 * SECOND)
        self.pulse(age=600 * SECOND, pid=0)
        self.event("exit", self.now - 60 * SECOND, result="gone")
        self.says("^No beat since ", "^Cause: perhaps service-killed", "found to be gone", args=["-5min"])

    def test_over_a_boot(self):
        self.event("start", self.now - 5 * HOUR, boot=OTHER_BOOT, pid=1, interval=10 * SECOND)
        self.pulse(age=2 * HOUR, boot=OTHER_BOOT)
        self.says("^No beat since ", "^Cause: host-down", "by the wall clock: another boot", args=["-1h"])
        self.says("^Yes: ", args=["-3h"])
