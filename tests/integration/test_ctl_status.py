# SPDX-License-Identifier: MIT
"""heartbeatctl status and check: every state, from records written by hand."""

import contextlib
import os
import re

import harness
from statedir import OTHER_BOOT, OTHER_RUN, RUN, SECOND, CtlCase, boottime, realtime

MINUTE = 60 * SECOND

# Those of the Monitoring Plugins Development Guidelines: 'label'=value[UOM];[warn];[crit];[min];[max]
NUMBER = r"\d+(\.\d+)?"
FIGURE = rf"[a-z_]+={NUMBER}(s|c)?(;({NUMBER})?){{0,4}}"
LINE = re.compile(rf"\AHEARTBEAT (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+)( \|( {FIGURE})+)?\n\Z")
SEVERITIES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]


class StateCase(CtlCase):
    def expect(self, state, status_code, severity, words="", check_words=""):
        """Both commands, in both formats."""
        text = self.ctl()
        self.assertEqual(text.code, status_code, text)
        self.assertEqual(text.err, "")
        self.assertRegex(text.out, rf"(?m)^ +State: {state.replace('never-ran', 'never ran')}\b.*{words}", text)
        self.assertEqual(self.ctl("status", "--output=json").code, status_code)
        self.assertEqual(self.ask()["state"], state)
        line = self.ctl("check")
        self.assertEqual(line.err, "")
        match = LINE.match(line.out)
        self.assertTrue(match, line)
        self.assertEqual((match[1], line.code), (severity, SEVERITIES.index(severity)), line)
        self.assertIn(check_words, match[2])
        self.assertEqual(self.ctl("check", "--output=json").code, line.code)
        self.assertEqual(self.ask("check")["severity"], severity)
        return match

    def gone_pulse(self, **changes):
        return self.pulse(pid=harness.free_pid(), **changes)


class States(StateCase):
    def test_alive(self):
        self.pulse(age=200 * SECOND, interval=10 * MINUTE)
        self.expect("alive", 0, "OK", "since ", "beat 42 was made 3min")

    def test_late(self):
        self.pulse(age=25 * MINUTE, interval=10 * MINUTE, step="sync pulse")
        self.expect("late", 0, "WARNING", "no beat for 25min", "no beat for 25min")

    def test_silent(self):
        self.pulse(age=45 * MINUTE, interval=10 * MINUTE, step="output /mnt/x")
        self.expect("silent", 4, "CRITICAL", "the process is there", "in: output /mnt/x")
        self.assertRegex(self.ctl().out, r"(?m)^ +Step: output /mnt/x$")
        self.assertEqual(self.ask()["step"], "output /mnt/x")
        self.assertEqual(self.ask()["ongoing_gap"]["missed"], 3)

    def test_silence_counts_in_intervals(self):
        for interval, state in ((MINUTE, "silent"), (7 * MINUTE, "late"), (15 * MINUTE, "alive")):
            self.pulse(age=16 * MINUTE, interval=interval)
            self.assertEqual(self.ask()["state"], state)

    def test_gone(self):
        self.gone_pulse(age=45 * SECOND)
        self.expect("gone", 1, "CRITICAL", "nobody told it to stop", "the process is gone")
        self.assertEqual(self.ask()["ongoing_gap"]["cause"], "service-killed")

    def test_pid_that_somebody_else_has_is_gone(self):
        self.pulse(start_ticks=1)
        self.expect("gone", 1, "CRITICAL")

    def test_how_it_ended_is_told_when_it_was_recorded(self):
        self.gone_pulse(age=SECOND)
        self.event("exit", result="oom-kill", code="killed", status="KILL")
        self.expect("gone", 1, "CRITICAL")
        self.assertEqual(self.ask()["ongoing_gap"]["cause"], "service-oom-killed")
        self.assertIn("killed because memory was short", self.ctl().out)

    def test_stopped(self):
        self.gone_pulse(age=SECOND)
        self.event("stop", seq=42)
        self.expect("stopped", 3, "CRITICAL", "since ", "stopped")
        self.assertIsNone(self.ask()["ongoing_gap"])

    def test_gone_with_the_boot_before(self):
        self.pulse(age=45 * SECOND, boot=OTHER_BOOT, boottime=boottime() + 10**15, due=boottime() + 10**15)
        self.expect("gone", 1, "CRITICAL", "no beat since this boot began", "no beat since this boot began")
        self.assertIsNone(self.ask()["age_usec"])
        self.assertEqual(self.ask()["ongoing_gap"]["cause"], "host-down")

    def test_stopped_in_the_boot_before(self):
        self.pulse(boot=OTHER_BOOT, age=45 * SECOND)
        self.event("stop", realtime() - 40 * SECOND, boot=OTHER_BOOT)
        self.expect("stopped", 3, "CRITICAL", "in an earlier boot", "stopped before it")

    def test_never_ran(self):
        self.expect("never-ran", 3, "UNKNOWN", "no record", "no record in")
        self.record = self.dir / "nowhere"
        self.expect("never-ran", 3, "UNKNOWN", "no record", "no record in")

    def test_begun_and_no_beat_yet(self):
        self.gone_pulse(age=1000 * SECOND)
        self.event("stop")
        self.event("start", run=OTHER_RUN, pid=os.getpid(), interval=10 * SECOND)
        self.expect("alive", 0, "OK")

    def test_interval_that_is_not_known_is_no_number(self):
        """A run that got no further than its first line, which lacks it: no figure can be made of that."""
        self.gone_pulse(age=1000 * SECOND)
        self.event("stop")
        self.event("start", realtime() - 60 * SECOND, run=OTHER_RUN, pid=1)
        self.expect("silent", 4, "CRITICAL", "no beat for 1min", "no beat for 1min")
        text = self.ctl().out
        self.assertRegex(text, r"(?m)^ +Interval: not known$")
        self.assertRegex(text, r"(?m)^ +nobody knows how many beats missed so far$")
        self.assertNotRegex(text + self.ctl("check").out, r"\b18446744073709551615\b|due every")
        self.assertIsNone(self.ask()["interval_usec"])
        self.assertIsNone(self.ask()["ongoing_gap"]["missed"])


class Unreadable(StateCase):
    def expect_unreadable(self, words):
        self.expect("unreadable", 4, "UNKNOWN", words, words)
        self.assertRegex(self.ask()["why_unreadable"], words)

    def test_damaged(self):
        self.pulse()
        data = (self.record / "pulse").read_bytes()
        for bad in (b"\n", data[:511], data.replace(b"seq=42", b"seq=43"), os.urandom(1024), b"\0" * 1024):
            (self.record / "pulse").write_bytes(bad)
            self.expect_unreadable("damaged")

    def test_newer(self):
        self.pulse(v=2)
        self.expect_unreadable("newer version")

    def test_ahead_of_the_clock(self):
        self.pulse(boottime=boottime() + 3600 * SECOND)
        self.expect_unreadable("ahead of this boot")

    def test_a_little_ahead_is_now(self):
        self.pulse(boottime=boottime() + SECOND // 2)
        self.expect("alive", 0, "OK")

    @harness.needs_root
    def test_not_permitted(self):
        self.pulse()
        (self.record / "pulse").chmod(0)
        self.expect_unreadable("Permission denied")

    def test_traps_are_not_waited_for_and_not_followed(self):
        path = self.record / "pulse"
        for make in (os.mkfifo, os.mkdir, lambda p: os.symlink("/dev/zero", p)):
            make(path)
            self.expect("unreadable", 4, "UNKNOWN")
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def test_history_that_lost_its_pulse(self):
        self.event("stop")
        self.expect_unreadable("no last beat")

    def test_history_alone_may_be_a_trap_too(self):
        self.pulse(start=False)
        os.mkfifo(self.record / "history")
        result = self.ctl()
        self.assertEqual(result.code, 0, result)
        self.assertRegex(result.err, r"\Aheartbeatctl: the history: [^\n]+\n\Z")

    def test_record_of_another_machine(self):
        machine_id = harness.pathlib.Path("/etc/machine-id")
        with contextlib.suppress(OSError):
            if re.fullmatch(r"[0-9a-f]{32}\n?", machine_id.read_text()):
                self.pulse(machine="00000000")
                self.expect_unreadable("another machine")
                return
        self.pulse(machine="00000000")  # a host without an id of its own cannot tell
        self.expect("alive", 0, "OK")


class Status(CtlCase):
    def test_everything_is_in_it(self):
        self.pulse(age=3 * SECOND, missed=5, gaps=2, lost=12, failing=1, late=1500, late_max=70000,
                   last_cause="suspend")
        self.gap(realtime() - 3000 * SECOND, realtime() - 2960 * SECOND, suspended=31_400_000)
        text = self.ctl("--utc").out
        for pattern in (r"Last beat: \w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+(\.\d)?s ago$",
                        "Beat: 42 of its run, 1ms late; at most 70ms late", "Interval: 10s$",
                        rf"Run: {RUN}, pid {os.getpid()}$", "Started: ", "Missed: 5 beats in 2 gaps of this run$",
                        "Outputs: 1 fails; 12 messages lost", r"Last gap: .* to .*$",
                        r"3 beats missed, 40s without one: suspend \(suspended for 31.4s\)$"):
            self.assertRegex(text, re.compile(rf"^ +{pattern}", re.M))
        found = self.ask()
        self.assertEqual((found["missed"], found["gaps"], found["lost"], found["failing"], found["beat"]),
                         (5, 2, 12, 1, 42))
        self.assertEqual(found["last_gap"]["suspended_usec"], 31_400_000)
        self.assertTrue(3 * SECOND <= found["age_usec"] < 20 * SECOND)
        self.assertRegex(found["last_beat"], rf"\A{harness.TIMESTAMP}\Z")

    def test_keys_are_the_same_in_every_state(self):
        self.pulse()
        keys = list(self.ask())
        (self.record / "pulse").unlink()
        self.assertEqual(list(self.ask()), keys)

    def test_bullet_is_of_the_locale(self):
        self.assertTrue(self.ctl(env={"LC_ALL": "C.UTF-8"}).out.startswith("\u25cf heartbeatd"))
        self.assertTrue(self.ctl(env={"LC_ALL": "C"}).out.startswith("* heartbeatd"))

    def test_user_reads_ones_own(self):
        self.record = self.home / ".local/state/heartbeatd"
        self.record.mkdir(parents=True)
        self.pulse()
        self.assertEqual(self.ctl("--user", state_dir=False).code, 0)
        self.assertEqual(self.ctl("--user", state_dir=False, env={"XDG_STATE_HOME": "/nowhere"}).code, 3)

    def test_local_zone_is_used(self):
        self.pulse()
        self.assertRegex(self.ctl(env={"TZ": "XYZ-5"}).out, r"Last beat: .* XYZ, ")
        self.assertRegex(self.ctl("--utc", env={"TZ": "XYZ-5"}).out, r"Last beat: .* UTC, ")


class Check(StateCase):
    def test_failing_output_is_a_warning(self):
        self.pulse(failing=2)
        self.expect("alive", 0, "WARNING", check_words="2 outputs fail")

    def test_figures(self):
        self.pulse(age=3 * SECOND, late_max=1500, missed=4, gaps=2, lost=9, last_cause="busy")
        self.assertRegex(self.ctl("check").out, r" \| age=\d+\.\d+s;21;31;0; late_max=0\.0015s;;;0; missed=4c "
                                                r"gaps=2c lost=9c failing=0;0;;0;\n\Z")

    def test_thresholds_replace_those_of_the_interval(self):
        self.pulse(age=25 * MINUTE, interval=10 * MINUTE)
        for args, code in (([], 1), (["-w", "40min"], 0), (["-w1s"], 1), (["-c20min"], 2), (["-w", "1", "-c", "2"], 2),
                           (["--warning=1h", "--critical=2h"], 0), (["--critical=1h"], 1)):
            self.assertEqual(self.ctl("check", *args).code, code, args)
        self.assertRegex(self.ctl("check", "-w1.5s", "-c", "1min").out, r"age=15\d\d\.?\d*s;1\.5;60;0;")

    def test_no_threshold_makes_a_stopped_one_ok(self):
        self.gone_pulse()
        self.assertEqual(self.ctl("check", "-w1d", "-c1d").code, 2)

    def test_bad_arguments_are_unknown_on_both_streams(self):
        for args in (["--foo"], ["-w", "soon"], ["-w2", "-c1"], ["--since=now"], ["twice"], ["--output=|"]):
            result = self.ctl("check", *args)
            self.assertEqual(result.code, 3, result)
            self.assertRegex(result.out, r"\AHEARTBEAT UNKNOWN - [^|\n]+\n\Z")
            self.assertRegex(result.err, r"\Aheartbeatctl: [^\n]+\n\Z")
        self.assertEqual(self.ctl("--foo", "check").code, 3)

    def test_bar_in_a_step_does_not_begin_the_figures(self):
        self.pulse(age=60 * SECOND, step="output /x|y=1")
        self.expect("silent", 4, "CRITICAL", check_words="output /x/y=1")
