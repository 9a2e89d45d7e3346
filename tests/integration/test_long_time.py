# SPDX-License-Identifier: MIT
"""Hosts that are old, or live in another century: long uptimes, large counters, other zones, slow beats."""

import datetime
import functools
import os
import pathlib
import re
import signal
import subprocess
import time

import harness
import records
from statedir import OTHER_BOOT, OTHER_RUN, SECOND, CtlCase, World, boottime, realtime, start_ticks

DAY = 86400
YEAR = 365 * DAY
UTC = datetime.timezone.utc


def time_namespace():
    """Whether a time namespace can be made here."""
    return harness.ROOT and os.path.exists("/proc/self/timens_offsets") and subprocess.run(
        ["unshare", "--time", "--boottime", "1", "--fork", "true"], capture_output=True).returncode == 0


class LongUptime(CtlCase):
    """Boot-time clocks that read as after 500 days, and after 140 years: as far as a namespace can move them."""

    time_limit = 180

    def setUp(self):
        super().setUp()
        if not time_namespace():
            self.skipTest("needs time namespaces")

    def long_after(self, seconds):
        return ["unshare", "--time", "--monotonic", str(seconds), "--boottime", str(seconds), "--fork", "--kill-child"]

    def ctl_there(self, pid, *args):
        """heartbeatctl in the namespace of the daemon."""
        command = ["nsenter", "-t", str(pid), "--time", str(self.program), f"--state-dir={self.state}", *args]
        done = subprocess.run(command, env=self.environment({"TZ": "UTC", "LC_ALL": "C.UTF-8"}), timeout=60,
                              capture_output=True, text=True, check=False)
        return harness.Result(done.returncode, done.stdout, done.stderr)

    def pulse_of(self, run):
        pulse = records.wait_for_pulse(self.state)
        return pulse if pulse["run"] == run and int(pulse["seq"]) >= 4 else None

    def beat_long_after(self, seconds):
        """Some beats of two runs."""
        for run in (1, 2):
            daemon = self.start(f"--output={self.log}", user="root", wrapper=self.long_after(seconds))
            start = records.wait_for_event(self.state, "start", run)
            pulse = harness.wait_until(lambda: self.pulse_of(start["run"]), 15, lambda: f"beats; {daemon.words()}")
            pid = int(pulse["pid"])
            self.assertGreaterEqual(int(pulse["due"]), seconds * SECOND)
            self.assertEqual((int(pulse["due"]) - int(start["boottime"])) % 100_000, 0)
            self.check_there(pid, seconds)
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(daemon.ended(), 0, daemon.words())

    def check_there(self, pid, seconds):
        for args in ((), ("check",)):
            self.assertEqual(self.ctl_there(pid, *args).code, 0, self.ctl_there(pid, *args))
        self.assertEqual(self.ctl_there(pid, "report").code, 0)
        self.assertGreaterEqual(boottime_of(pid), seconds)

    def test_500_days_and_140_years(self):
        for seconds in (500 * DAY, 140 * YEAR):
            with self.subTest(days=seconds // DAY):
                self.beat_long_after(seconds)
                events = records.events(self.state)
                kinds = [event["ev"] for event in events if event["ev"] != "gap"]
                self.assertEqual(kinds, ["start", "stop", "start", "stop"])
                for gap in events:  # none between the two runs, if the second came before its first beat was due
                    if "past" in gap:
                        self.assertEqual(gap["cause"], "service-stopped")
                        self.assertLess(int(gap["lasted"]), 60 * SECOND)
                for name in ("pulse", "history"):
                    (self.state / name).unlink()

    def test_a_boot_that_began_before_1970_is_another_boot_all_the_same(self):
        """By its own clocks: 140 years before now there was no time that could be written down."""
        self.pulse(age=60 * SECOND, boot=OTHER_BOOT, run=OTHER_RUN)
        self.start(f"--output={self.log}", user="root", wrapper=self.long_after(140 * YEAR))
        gap = records.wait_for_event(self.state, "gap")
        self.assertEqual((gap["cause"], gap["host"]), ("host-down", "down"), gap)
        pid = int(records.wait_for_pulse(self.state)["pid"])
        for args in (("gaps",), ("explain",), ("report",), ("timeline",)):
            result = self.ctl_there(pid, *args)
            self.assertEqual((result.code, result.err), (0, ""), args)


def boottime_of(pid):
    """Seconds, as a process has them: those of its namespace are in /proc/uptime, too."""
    done = subprocess.run(["nsenter", "-t", str(pid), "--time", "cat", "/proc/uptime"], capture_output=True, text=True,
                          check=True)
    return float(done.stdout.split()[0])


class SlowBeats(CtlCase):
    """A beat a day: one is on its way for two of them, and silent after three."""

    def test_a_pulse_of_a_day_is_judged_by_days(self):
        if not time_namespace():
            self.skipTest("needs time namespaces")
        interval, ahead = DAY * SECOND, 500 * DAY
        for days, state, code in ((0.5, "alive", 0), (1.5, "alive", 0), (2.5, "late", 1), (3.5, "silent", 2)):
            now = boottime() + ahead * SECOND - int(days * interval)
            ticks = start_ticks(os.getpid()) + ahead * os.sysconf("SC_CLK_TCK")  # as seen from there
            self.pulse(age=int(days * interval), interval=interval, due=now, boottime=now, mono=now, start_ticks=ticks)
            command = ["unshare", "--time", "--boottime", str(ahead), "--fork", self.program, f"--state-dir={self.state}"]
            for args, exit_status, found in ((["--output=json"], {"alive": 0, "late": 0, "silent": 4}[state], state),
                                             (["check"], code, "HEARTBEAT")):
                done = subprocess.run([*command, *args], env=self.environment({"TZ": "UTC"}), capture_output=True,
                                      text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, exit_status, done.stdout)
                self.assertIn(found, done.stdout)

    def test_the_first_beat_of_a_day_is_there_and_the_second_is_not_awaited(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state)
        self.assertEqual((self.ctl().code, self.ctl("check").code), (0, 0))
        self.assertEqual(self.ask()["interval_usec"], DAY * SECOND)
        self.assertEqual(len(self.beats()), 1)
        self.assertEqual(daemon.stop(), 0)


class LargeCounters(CtlCase):
    """Whole numbers of 64 bits, in JSON too: a reader that makes doubles of them rounds those beyond 2^53."""

    time_limit = 180

    def test_every_digit_is_there(self):
        for number in (2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64 - 2):
            self.pulse(seq=number, missed=number, lost=number, gaps=number, last_cause="suspend")
            answer = self.ask()
            self.assertEqual([answer[key] for key in ("beat", "missed", "lost", "gaps")], [number] * 4)
            for args in ((), ("check", "--output=json"), ("metrics",)):
                self.assertIn(str(number), self.ctl(*args).out, args)

    def test_a_run_goes_on_from_none(self):
        """What an earlier run has counted is in its record only."""
        self.pulse(seq=2**63, missed=2**63, lost=2**63, gaps=2**63, last_cause="suspend",
                   pid=harness.free_pid())
        self.start_beating(user="root")
        pulse = harness.wait_until(lambda: (records.pulse(self.state) if int(records.pulse(self.state)["seq"]) < 2**32
                                            else None), 15, "a pulse of the new run")
        self.assertLess(int(pulse["missed"]), 2**32)


@functools.cache
def dynamic():
    return b"libc.so.6" in pathlib.Path(harness.BINARY).read_bytes()


class OtherCenturies(CtlCase):
    """Seconds that 32 bits have no room for: signed, not signed, and centuries later."""

    time_limit = 180

    def setUp(self):
        super().setUp()
        if not dynamic() or harness.SANITIZED:
            self.skipTest("needs a binary that takes a preloaded library")
        self.wall_clock = self.dir / "wall-clock.so"
        source = harness.SOURCE / "tests/integration/wall-clock.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.wall_clock, source], check=True)
        self.wall_clock.chmod(0o755)

    def at(self, when):
        """The environment of a host where it is that time now."""
        return {"LD_PRELOAD": str(self.wall_clock), "WALL_CLOCK_AHEAD": str(int(when - time.time()))}

    def test_beats_go_on_over_the_last_second_of_32_bits(self):
        for last in (2**31 - 1, 2**32 - 1):
            with self.subTest(last=last):
                here = self.at(last)
                daemon = self.start(f"--output={self.log}", env=here)
                begin = realtime()
                harness.wait_until(lambda: realtime() > begin + 2 * SECOND and len(self.beats()) > 5, 30, "some beats")
                pulse = records.pulse(self.state)
                self.assertGreater(int(pulse["real"]), last * SECOND)
                self.assertEqual(self.ctl("check", env=here).code, 0, self.ctl("check", env=here))
                self.assertIn(f"{datetime.datetime.fromtimestamp(last, UTC):%Y-%m-%d}", self.ctl(env=here).out)
                self.assertRegex(self.ctl("metrics", env=here).out, rf"(?m)^heartbeat_\w+_seconds {last // 1000}\d\d\d\.\d+$")
                report = self.ctl("report", "--by=year", env=here)
                self.assertEqual((report.code, report.err), (0, ""))
                self.assertIn(f"{datetime.datetime.fromtimestamp(last, UTC):%Y}", report.out)
                self.assertEqual(daemon.stop(), 0)
                times = [harness.moment(line.split()[0]) for line in self.beats()]
                self.assertEqual(times, sorted(times))
                self.assertGreater(times[-1], last * SECOND)
                self.assertEqual(records.events(self.state, "clock"), [])
                for path in (self.log, self.state / "pulse", self.state / "history"):
                    path.unlink()

    def test_records_of_other_centuries_are_told(self):
        for year in (2038, 2106, 2500, 9000):
            begin = int(datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp())
            world = World(self, (begin - 30 * DAY) * SECOND)
            world.live(60 * DAY * SECOND)
            world.stall("suspend", 3600 * SECOND)
            world.live(60 * DAY * SECOND)
            world.stop()
            here = self.at(begin + 200 * DAY)
            gap = self.ask("gaps", env=here)[0]
            self.assertTrue(gap["from"].startswith(f"{year}-01-31T"), gap)
            rows = self.ask("report", "--by=year", env=here)["periods"]
            self.assertLessEqual({str(year - 1), str(year)}, {row["period"] for row in rows})
            explained = self.ask("explain", f"{year}-01-31 00:30", env=here)
            self.assertIn("suspend", str(explained))
            self.assertEqual(self.ctl("timeline", env=here).code, 0)
            (self.state / "history").unlink()


class LeapSecond(CtlCase):
    """No clock of the system shows 23:59:60; what is typed or stored as that is refused, and not taken for another."""

    def test_a_time_that_is_typed_is_refused(self):
        self.pulse()
        for text in ("2016-12-31 23:59:60", "2016-12-31T23:59:60.500Z"):
            self.assertEqual(self.ctl("explain", text).code, 2, text)
        self.assertNotEqual(self.ctl("explain", "2016-12-31 23:59:59").code, 2)

    def test_a_line_with_such_a_time_is_passed_over(self):
        self.pulse()
        line = records.lines(self.state)[0]
        with open(self.state / "history", "a", encoding="utf-8") as file:
            file.write(re.sub(r"t=\S+", "t=2016-12-31T23:59:60.000Z", line) + "\n")
        result = self.ctl("gaps")
        self.assertEqual(result.code, 0, result)
        self.assertNotIn("2016", result.out)


class Zones(CtlCase):
    """A zone that is changed while the daemon runs: it writes UTC whatever the zone, and heartbeatctl the new one."""

    def zone_of_the_host(self, name):
        """As when an administrator has set it, in a namespace of this test's own."""
        harness.mount(f"/usr/share/zoneinfo/{name}", "/etc/localtime", flags=harness.MS_BIND)
        self.addCleanup(harness.umount, "/etc/localtime")

    def test_the_host_s_zone_changes_at_run_time(self):
        if not os.path.exists("/usr/share/zoneinfo/Asia/Kathmandu") or not os.path.exists("/etc/localtime"):
            self.skipTest("needs tzdata")
        self.private_mounts()
        self.zone_of_the_host("Asia/Kathmandu")
        daemon = self.start_beating("--message=%t")
        shown = []
        for name in ("Asia/Kathmandu", "America/New_York"):
            self.zone_of_the_host(name)
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_words("reloaded", times=len(shown) + 1)
            line = self.wait_for_more_beats()[-1]
            self.assertLess(abs(harness.moment(line.split()[0]) - realtime()), 600 * SECOND, line)
            self.assertRegex(line.split()[1], rf"\A{harness.TIMESTAMP}\Z")
            shown.append(self.ctl("status", env={"TZ": ":/etc/localtime"}).out)
        self.assertIn("+0545", shown[0])
        self.assertRegex(shown[1], r"\bE[SD]T\b")
        for event in records.events(self.state):
            self.assertLess(abs(harness.moment(event["t"]) - realtime()), 600 * SECOND)

    def test_a_zone_in_the_environment_changes_no_record(self):
        self.start_beating("--message=%t", env={"TZ": "Asia/Kathmandu"})
        line = self.wait_for_beats(2)[-1]
        self.assertLess(abs(harness.moment(line.split()[0]) - realtime()), 600 * SECOND, line)
        self.assertIn("+0545", self.ctl(env={"TZ": "Asia/Kathmandu"}).out)
