# SPDX-License-Identifier: MIT
"""heartbeatctl report: sums, rows, what is left out, and what is never claimed."""

import json
import random
import re

import harness
import year
from statedir import SECOND, CtlCase, World, realtime, stamp

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
BEGIN = 1763942400 * SECOND  # Monday, 24 November 2025, midnight in UTC
SUMS = ("up_usec", "down_usec", "suspended_usec", "unknown_usec", "excluded_usec")


class ReportCase(CtlCase):
    def world(self, begin=BEGIN):
        return World(self, begin)

    def total(self, *args, **options):
        return self.ask("report", *args, **options)["total"]

    def until(self, world):
        """The time of the world, which goes on unseen: nothing is known after the last line."""
        return f"--until={stamp(world.at)}"

    def week(self):
        """Monday's hour of sleep, Wednesday's two hours of power cut, and Friday's killed daemon."""
        world = self.world()
        world.live(10 * HOUR)
        world.stall("suspend", HOUR)
        world.live(BEGIN + 2 * DAY + 12 * HOUR - world.at)
        world.reboot("host-down", 2 * HOUR - 40 * SECOND)
        world.live(BEGIN + 4 * DAY + 8 * HOUR - world.at)
        world.restart("service-killed", 30 * MINUTE, result="signal", code="killed", status="KILL")
        world.live(BEGIN + 7 * DAY - world.at)
        world.stop()
        return world


class Sums(ReportCase):
    def test_host_and_pulse_are_told_apart(self):
        found = self.total(self.until(self.week()))
        self.assertEqual({key: found[key] for key in SUMS}, {
            "up_usec": 7 * DAY - 2 * HOUR + 40 * SECOND - HOUR + SECOND, "down_usec": 2 * HOUR - 40 * SECOND,
            "suspended_usec": HOUR - SECOND, "unknown_usec": 0, "excluded_usec": 0})
        self.assertEqual(found["outages"]["count"], 1)
        self.assertEqual(found["outages"]["longest_usec"], 2 * HOUR - 40 * SECOND)
        self.assertEqual(found["silences"]["count"], 3)
        self.assertEqual(found["silent_usec"], 2 * HOUR + 30 * MINUTE + SECOND)
        self.assertEqual([(cause["cause"], cause["count"], cause["lasted_usec"]) for cause in found["causes"]],
                         [("suspend", 1, HOUR), ("service-killed", 1, 30 * MINUTE), ("host-down", 1, 2 * HOUR)])
        self.assertEqual(found["availability_ppm"],
                         found["up_usec"] * 10**6 // (found["up_usec"] + found["down_usec"]))

    def test_means(self):
        found = self.total(self.until(self.week()))
        self.assertEqual(found["outages"]["mean_between_usec"], found["up_usec"])
        self.assertEqual(found["outages"]["mean_repair_usec"], found["down_usec"])
        self.assertEqual(found["silences"]["mean_between_usec"], found["beating_usec"] // 3)
        self.assertEqual(found["silences"]["mean_repair_usec"], (3 * HOUR + 30 * MINUTE) // 3)

    def test_text_says_the_same(self):
        text = self.ctl("report", "--utc", self.until(self.week())).out
        self.assertRegex(text, r"(?m)^From: +Mon 2025-11-24 00:00:00 UTC$")
        self.assertRegex(text, r"(?m)^To: +Mon 2025-12-01 00:00:00 UTC$")
        self.assertRegex(text, r"(?m)^Host: +98\.\d{4}% available: up 6d 21h, down 1h 59min$")
        self.assertRegex(text, r"(?m)^ +beside that suspended 59min 59s, unknown 0, excluded 0$")
        self.assertRegex(text, r"(?m)^ +1 outage, the longest 1h 59min; mean time between them 6d 21h, to repair 1h 59min$")
        self.assertRegex(text, r"(?m)^Pulse: +98\.\d{4}% covered: beating 6d 20h, silent 2h 30min$")
        self.assertRegex(text, r"(?m)^Causes: +suspend +1 +1h$")
        self.assertRegex(text, r"(?m)^ +host-down +1 +2h$")

    def test_figures_of_each_cause(self):
        year.write(self)
        found = self.total("--until=2026-01-01")
        down = next(cause for cause in found["causes"] if cause["cause"] == "host-down")
        sum_usec = 40 * HOUR + MINUTE + 80 * SECOND  # with the time until the first beat of each boot
        self.assertEqual(down, {"cause": "host-down", "count": 2, "lasted_usec": sum_usec, "longest_usec": 40 * HOUR + 40 * SECOND,
                                "mean_between_usec": found["beating_usec"] // 2, "mean_repair_usec": sum_usec // 2})
        for cause in found["causes"]:
            self.assertEqual(cause["mean_repair_usec"], cause["lasted_usec"] // cause["count"])
        text = self.ctl("report", "--until=2026-01-01").out
        self.assertRegex(text, r"(?m)^ +host-down +2 +1d 16h, the longest 1d 16h$")
        self.assertLessEqual(max(map(len, text[text.index("Causes:"):].splitlines())), 80)

    def test_never_whole_while_something_is_missing(self):
        world = self.world(BEGIN - 1500 * DAY)
        world.live(1500 * DAY)
        world.reboot("host-down", SECOND, up=SECOND)
        world.stop()
        text = self.ctl("report", "--by=year", self.until(world)).out
        self.assertIn("Host:      99.9999% available", text)
        self.assertRegex(text, r"(?m)^2025 +99\.9999%")
        self.assertRegex(text, r"(?m)^2024 +100\.0000%")

    def test_gap_that_goes_on_counts(self):
        now = realtime()
        self.event("start", now - HOUR, up=0, pid=1, interval=10 * SECOND)
        self.pulse(age=5 * MINUTE)
        found = self.total()
        self.assertEqual(found["silences"]["count"], 1)
        self.assertTrue(5 * MINUTE <= found["silent_usec"] < 6 * MINUTE)

    def test_year_of_every_cause(self):
        year.write(self)
        found = self.total("--since=2025-01-01", "--until=2026-01-01")
        self.assertEqual(sum(found[key] for key in SUMS), 365 * DAY)
        self.assertEqual({cause["cause"]: cause["count"] for cause in found["causes"]},
                         {**{cause: 1 for _, _, cause, _, _ in year.events()}, "host-down": 2})
        self.assertEqual(found["suspended_usec"], 9 * HOUR - SECOND)
        self.assertEqual(found["unknown_usec"], 3 * DAY)
        self.assertEqual(found["down_usec"], 47 * HOUR + MINUTE)


class Rows(ReportCase):
    def test_each_row_is_what_a_report_of_it_alone_says(self):
        world = self.week()
        for unit, count in (("day", 7), ("week", 1), ("month", 1), ("year", 1)):
            found = self.ask("report", f"--by={unit}", self.until(world), "--exclude=13:00..13:30")
            self.assertEqual(len(found["periods"]), count, unit)
            for row in found["periods"]:
                alone = self.total(f"--since={row['from']}", f"--until={min(row['to'], stamp(world.at))}",
                                   "--exclude=13:00..13:30")
                self.assertEqual({key: row[key] for key in alone}, alone)
            for key in SUMS + ("beating_usec", "silent_usec"):
                self.assertEqual(sum(row[key] for row in found["periods"]), found["total"][key])

    def test_rows_stand_below_each_other(self):
        lines = self.ctl("report", "--by=day", self.until(self.week())).out.splitlines()[:9]
        self.assertEqual(lines[0].split(), "PERIOD HOST DOWN SUSPENDED UNKNOWN EXCLUDED OUTAGES LONGEST MTBF MTTR "
                                           "PULSE SILENT GAPS".split())
        self.assertEqual([line.split()[0] for line in lines[1:]],
                         [f"2025-11-{day}" for day in range(24, 31)] + ["total"])
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertRegex(lines[3], r"^2025-11-26 +91\.7\d+% +1h 59min +- +- +- +1 +1h 59min +22h")

    def test_names_of_the_units(self):
        world = self.week()
        for unit, names in (("week", ["2025-W48"]), ("month", ["2025-11", "2025-12"]), ("year", ["2025"])):
            rows = self.ask("report", f"--by={unit}", "--until=2025-12-01 00:00:01")["periods"]
            self.assertEqual([row["period"] for row in rows], names if unit != "week" else names + ["2025-W49"])
        self.assertGreater(world.at, BEGIN)

    def test_days_of_23_and_of_25_hours(self):
        for begin, day, hours in ((1774652400, "2026-03-29", 23), (1792792800, "2026-10-25", 25)):
            (self.record / "history").unlink(missing_ok=True)
            world = self.world(begin * SECOND)  # the midnight before
            world.live(72 * HOUR)
            world.stop()
            rows = self.ask("report", "--by=day", self.until(world), env={"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"})["periods"]
            self.assertEqual({row["period"]: row["up_usec"] for row in rows}[day], hours * HOUR)

    def test_set_clock_neither_makes_time_nor_takes_it_away(self):
        world = self.world()
        world.live(12 * HOUR)
        world.set_clock(3 * DAY)
        world.live(HOUR)
        world.set_clock(-3 * DAY)
        world.live(5 * HOUR)
        world.stop()
        found = self.ask("report", "--by=day", "--until=2025-11-28")
        self.assertEqual(found["total"]["up_usec"], 18 * HOUR)
        self.assertEqual([(row["period"], row["up_usec"]) for row in found["periods"] if row["up_usec"]],
                         [("2025-11-24", 17 * HOUR), ("2025-11-27", HOUR)])

    def test_too_many_rows_are_refused(self):
        self.event("start", SECOND, up=0, boot="1" * 32, pid=1, interval=10 * SECOND)
        self.event("reload", 200 * 365 * DAY, up=200 * 365 * DAY, boot="1" * 32, interval=10 * SECOND)
        result = self.ctl("report", "--by=day")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertRegex(result.err, "more than 40000 rows; choose a longer --by or a later --since")
        self.assertEqual(self.ctl("report", "--by=month").code, 0)


class Excluded(ReportCase):
    def excluded(self, world, *spans):
        found = self.total("--utc", self.until(world), *(f"--exclude={span}" for span in spans))
        self.assertEqual(sum(found[key] for key in SUMS), 7 * DAY)
        return found

    def test_outage_in_a_window_is_none(self):
        found = self.excluded(self.week(), "Wed 11:00..15:00")
        self.assertEqual((found["excluded_usec"], found["down_usec"], found["outages"]["count"]), (4 * HOUR, 0, 0))
        self.assertEqual(found["availability_ppm"], 10**6)
        self.assertEqual([cause["cause"] for cause in found["causes"]], ["suspend", "service-killed"])

    def test_what_reaches_beyond_the_window_counts(self):
        found = self.excluded(self.week(), "2025-11-26 11:00..2025-11-26 13:00")
        self.assertEqual((found["excluded_usec"], found["down_usec"], found["outages"]["count"]),
                         (2 * HOUR, HOUR - 40 * SECOND, 1))

    def test_windows_that_overlap_count_once(self):
        world = self.week()
        for spans, hours in ((["02:00..03:00"], 7), (["02:00..03:00", "02:30..03:30"], 10.5),
                             (["02:00..03:00", "Mon..Sun 02:15..02:45"], 7), (["Mon..Fri 22:00..02:00"], 20),
                             (["Sun 22:00..02:00"], 4), (["00:00..24:00"], 168)):
            self.assertEqual(self.excluded(world, *spans)["excluded_usec"], hours * HOUR, spans)
        self.assertIsNone(self.excluded(world, "00:00..24:00")["availability_ppm"])
        self.assertIn("Host:      n/a available", self.ctl("report", self.until(world), "--exclude=00:00..24:00").out)

    def test_wrong_ones_are_refused(self):
        result = self.ctl("report", "--exclude=tonight")
        self.assertEqual(result.code, 2)
        self.assertRegex(result.err, r'--exclude: "tonight": expected "TIME\.\.TIME", "02:00\.\.04:00" or')


class Holes(ReportCase):
    def test_no_record_is_no_answer(self):
        result = self.ctl("report")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertRegex(result.err, r"\Aheartbeatctl: no record in [^\n]+\n\Z")
        self.pulse(start=False)
        self.assertEqual(self.ctl("report").code, 1)
        found = self.ask("report")
        self.assertIsNone(found["total"]["availability_ppm"])
        self.assertIsNone(found["from"])

    def test_time_before_the_record_is_never_up(self):
        world = self.week()
        result = self.ctl("report", "--since=2025-11-01", self.until(world))
        self.assertRegex(result.err, r"no data before Mon 2025-11-24")
        self.assertIn("From:      Mon 2025-11-24", result.out)
        self.assertEqual(self.total("--since=2025-11-01", self.until(world)), self.total(self.until(world)))

    def test_what_was_thrown_away_is_no_data(self):
        self.event("trim", BEGIN + 30 * DAY, gaps="suspend:3", **{"from": BEGIN})
        world = self.week()
        result = self.ctl("report", self.until(world))
        self.assertRegex(result.err, "no data before .* thrown away; gaps among them: 3")
        self.assertEqual(self.total(self.until(world))["silences"]["count"], 3)

    def test_time_asked_for_without_data(self):
        world = World(self, BEGIN)
        world.live(HOUR)
        world.set_clock(40 * DAY)  # and nothing of the time in between
        world.live(HOUR)
        world.stop()
        for args, pattern in ((["--until=2025-11-01"], "no data before Mon 2025-11-24 00:00:00 UTC"),
                              (["--since=2025-10-01", "--until=2025-11-01"], "no data before Mon 2025-11-24 00:00:00 UTC"),
                              (["--since=2025-12-10", "--until=2025-12-20"], "no data of that time")):
            result = self.ctl("report", *args)
            self.assertEqual((result.code, result.out, result.err), (1, "", f"heartbeatctl: {pattern}\n"))
            result = self.ctl("report", "--output=json", "--by=day", *args)
            self.assertEqual((result.code, result.err), (1, f"heartbeatctl: {pattern}\n"))
            found = json.loads(result.out)
            self.assertEqual((found["from"], found["periods"], found["total"]["availability_ppm"]), (None, [], None))

    def test_nothing_is_claimed_after_an_unreadable_beat(self):
        world = self.week()
        found = self.total()
        self.assertEqual(found["beating_usec"], self.total(self.until(world))["beating_usec"])


class Hostile(ReportCase):
    time_limit = 120

    def check(self, *args):
        found = self.ask("report", *args)
        rows = [found["total"], *found["periods"]]
        for row in rows:
            share = row["availability_ppm"]
            self.assertEqual(share is None, row["up_usec"] + row["down_usec"] == 0)
            self.assertTrue(share is None or 0 <= share <= 10**6)
            self.assertFalse(share == 10**6 and row["down_usec"] > 0)
            for outages in (row["outages"], row["silences"]):
                self.assertLessEqual(outages["longest_usec"] or 0, sum(row[key] for key in SUMS))

    def test_any_order_of_any_lines(self):
        chance = random.Random(5)
        times = (0, SECOND, BEGIN, BEGIN + DAY, (2**31 - 1) * SECOND, (2**32 - 1) * SECOND, realtime() + DAY)
        numbers = (0, 1, HOUR, 60 * DAY, 2**63, 2**64 - 2)
        for _ in range(4 if harness.SANITIZED else 12):  # some are thousands of years long
            (self.record / "history").unlink(missing_ok=True)
            for _ in range(chance.randrange(1, 12)):
                at, boot = chance.choice(times), chance.choice(("1" * 32, "2" * 32, self.here))
                kind = chance.choice(("start", "stop", "clock", "gap", "gap", "trim", "output", "reload", "exit"))
                fields = {"from": chance.choice(times + numbers), "to": chance.choice(times)}
                if kind == "gap":
                    fields |= {"cause": chance.choice(("suspend", "host-down", "unknown")), "confidence": "low",
                               "host": chance.choice(("up", "down", "suspended", "unknown")), "missed": 3,
                               "lasted": chance.choice(numbers), "suspended": chance.choice(numbers),
                               "boot_began": chance.choice(times + numbers)}
                if kind == "clock":
                    fields = {chance.choice(("back", "forward")): chance.choice(numbers[:-2])}
                self.event(kind, at, boot=boot, up=chance.choice(numbers), **fields)
            self.pulse(age=chance.choice((0, 100 * SECOND)))
            self.check()
            self.check("--by=year", "--exclude=Mon 02:00..04:00", "--until=now")
            self.assertIn(self.ctl("report", "--by=month").code, (0, 1))

    def test_one_pass_over_a_long_history(self):
        world = self.world(BEGIN - 3000 * DAY)
        lines = []
        for i in range(20000):
            world.live(3 * HOUR)
            lines.append(f"v=1 t={stamp(world.at)} boottime={world.up} boot={'0' * 31}1 run={'0' * 31}1 ev=gap "
                         f"cause=busy confidence=high host=up from={world.at - MINUTE} to={world.at} lasted={MINUTE} "
                         f"missed={i % 7 + 1}\n")
        with open(self.record / "history", "a", encoding="utf-8") as file:
            file.writelines(lines)
        found = self.ask("report", "--by=day", self.until(world))
        self.assertEqual(found["total"]["silences"]["count"], 20000)
        self.assertEqual(found["total"]["silences"]["mean_repair_usec"], MINUTE)
        self.assertEqual(len(found["periods"]), 2500)


class Words(ReportCase):
    def test_options_go_with_what_they_mean_something_to(self):
        for args, pattern in ((["report", "--output=svg"], "goes with timeline only"),
                              (["report", "--cause=busy"], "goes with gaps only"),
                              (["report", "--by=hour"], "expected day, week, month or year"),
                              (["status", "--by=day"], "goes with report and timeline only")):
            result = self.ctl(*args)
            self.assertEqual((result.code, result.out), (2, ""))
            self.assertRegex(result.err, re.escape(pattern))
