# SPDX-License-Identifier: MIT
"""heartbeatctl timeline: in the terminal, as JSON, and as a picture that is one file."""

import datetime
import os
import pathlib
import pty
import re
import unicodedata
import xml.etree.ElementTree

import harness
import picture
import year
from statedir import SECOND, CtlCase, World, realtime, stamp

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
BEGIN = 1763942400 * SECOND  # Monday, 24 November 2025, midnight in UTC
BLOCKS, LETTERS = "█▄▁░▒·", "#-_z?."
SVG = "{http://www.w3.org/2000/svg}"
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
SPRING, AUTUMN = 1774746000 * SECOND, 1792890000 * SECOND  # when the clocks are changed there in 2026
PICTURE = pathlib.Path(__file__).with_name("year.svg")


class TimelineCase(CtlCase):
    def days(self):
        """Three days with one of each, and the beginning of a fourth."""
        world = World(self, BEGIN)
        world.live(6 * HOUR)
        world.stall("suspend", 4 * HOUR)
        world.live(BEGIN + DAY + 3 * HOUR - world.at)
        world.reboot("host-down", 30 * SECOND, up=5 * SECOND)
        world.live(BEGIN + 2 * DAY + HOUR - world.at)
        world.restart("service-killed", 2 * HOUR)
        world.live(2 * HOUR)
        world.reboot("service-failed", 6 * HOUR, host="unknown", result="exit-code", code="exited", status="1")
        world.live(BEGIN + 3 * DAY + HOUR - world.at)
        world.stop()
        return world

    def rows(self, *args, **env):
        lines = self.ctl("timeline", *args, "--until=2025-11-27", env=env).out.splitlines()
        return lines[0], [line for line in lines if re.match(r"\d{4}-", line)], lines[-1]


class Terminal(TimelineCase):
    def test_a_row_for_each_day(self):
        self.days()
        axis, rows, legend = self.rows()
        self.assertEqual(axis, "            " + "  ".join(f"{hour:02}" for hour in range(0, 24, 2)))
        self.assertEqual(rows, ["2025-11-24  " + "█" * 12 + "░" * 8 + "█" * 28, "2025-11-25  " + "█" * 6 + "▁" + "█" * 41,
                                "2025-11-26  " + "█" * 2 + "▄" * 4 + "█" * 4 + "▒" * 12 + "▄" + "█" * 25])
        self.assertEqual(legend, "█ beating   ▄ no beat   ▁ host down   ░ suspended   ▒ unknown   · no data")

    def test_letters_where_there_are_no_blocks(self):
        self.days()
        blocks, letters = self.rows()[1], self.rows(LC_ALL="C")[1]
        self.assertEqual([row.translate(str.maketrans(BLOCKS, LETTERS)) for row in blocks], letters)
        self.assertTrue(self.ctl("timeline", env={"LC_ALL": "C"}).out.isascii())

    def test_it_fits_at_any_width(self):
        self.days()
        for columns in [1, 5, 13, 14, *range(20, 100), 156, *range(299, 304), 1000]:
            for unit, names in (("day", 12), ("month", 9)):
                out = self.ctl("timeline", f"--by={unit}", "--since=2025-01-01", "--until=2025-11-27",
                               env={"COLUMNS": str(columns)}).out
                lines = out.splitlines()
                rows = [line for line in lines if re.match(r"\d{4}-", line)]
                self.assertEqual(lines[1], "...")
                self.assertEqual(len([line for line in lines if line == "..."]), 1)
                self.assertEqual(re.findall(r"[█▄▁░▒·] [a-z ]*[a-z]", "\n".join(lines[2 + len(rows):])),
                                 ["█ beating", "▄ no beat", "▁ host down", "░ suspended", "▒ unknown", "· no data"])
                if columns >= 20:
                    self.assertLessEqual(max(map(len, lines)), columns, (columns, unit))
                self.assertEqual(len(rows), 3 if unit == "day" else 1)
                self.assertEqual(len({len(row) for row in rows}), 1)
                self.assertLessEqual(max(map(len, [lines[0], *rows])), max(columns, names + 1), (columns, unit))
                self.assertIn("▁", "".join(rows), "the worst is seen, however small it is")

    def test_a_minute_in_a_year_is_seen(self):
        year.write(self)
        rows = [line for line in self.ctl("timeline", "--until=2026-01-01").out.splitlines() if line[0] == "2"]
        self.assertEqual(len(rows), 12)
        self.assertEqual(rows[10][:8] + rows[10][9:].replace("█", ""), "2025-11 ▁··")
        for row in rows:
            self.assertLessEqual(len(row), 80)

    def test_days_are_chosen_while_they_can_be_looked_at(self):
        year.write(self)
        for args, pattern in ((["--since=2025-06-01", "--until=2025-07-15"], r"^2025-06-01"),
                              (["--since=2025-01-01", "--until=2025-07-15"], r"^2025-01  "),
                              (["--since=2025-01-01", "--until=2025-07-15", "--by=day"], r"^2025-01-01")):
            self.assertRegex(self.ctl("timeline", *args).out.splitlines()[1], pattern)

    def test_time_without_data_has_no_row_but_is_not_hidden(self):
        world = World(self, BEGIN)
        world.live(HOUR)
        world.set_clock(40 * DAY)
        world.live(HOUR)
        world.stop()
        out = self.ctl("timeline", "--by=day", f"--until={stamp(world.at)}").out.splitlines()
        self.assertEqual([line.split()[0] for line in out[1:-1]], ["2025-11-24", "...", "2026-01-03"])
        self.assertEqual(out[1][12:], "██" + "·" * 46)

    def test_time_without_data_around_the_rows_is_not_hidden_either(self):
        world = self.days()
        until = f"--until={stamp(world.at)}"
        days = ["2025-11-24", "2025-11-25", "2025-11-26", "2025-11-27"]
        for args, rows, error in (([until], days, ""), (["--since=2025-11-24", until], days, ""),
                                  (["--since=2025-11-23 23:59:59", until], ["...", *days], "no data before"),
                                  (["--since=2025-11-25 12:00", until], days[1:], ""),
                                  (["--until=2025-11-26"], days[:2], "")):
            result = self.ctl("timeline", "--by=day", *args)
            self.assertEqual([line.split()[0] for line in result.out.splitlines()[1:-1]], rows, args)
            self.assertRegex(result.err, rf"\A(heartbeatctl: {error}[^\n]*\n)\Z" if error else r"\A\Z")
        out = self.ctl("timeline", "--by=month", "--since=2025-01-01", "--until=2100-01-01").out.splitlines()
        self.assertEqual((out[1], out[2][:7], out[-2]), ("...", "2025-11", "..."))

    def test_what_was_thrown_away_is_said(self):
        self.event("trim", BEGIN, gaps="suspend:3", **{"from": BEGIN - DAY})
        world = self.days()
        self.assertRegex(self.ctl("timeline", f"--until={stamp(world.at)}").err, "thrown away; gaps among them: 3")
        self.assertRegex(self.ctl("timeline", "--since=2025-01-01").err, "no data before .*, where older lines were")

    def test_hours_stand_where_the_clock_on_the_wall_shows_them(self):
        berlin = {"TZ": BERLIN}
        for begin, cells in ((1774738800, "█" * 4 + "··" + "█" * 42), (1792879200, "█" * 48)):
            (self.record / "history").unlink(missing_ok=True)
            world = World(self, begin * SECOND)
            world.live(25 * HOUR)
            world.stop()
            row = self.ctl("timeline", "--by=day", f"--until={stamp(begin * SECOND + 23 * HOUR)}", env=berlin).out
            self.assertEqual(row.splitlines()[1][12:], cells if begin == 1774738800 else "█" * 44 + "····")

    def test_colours_are_for_terminals(self):
        self.days()
        main, slave = pty.openpty()
        self.ctl("timeline", "--until=2025-11-27", stdout=slave, env={"TERM": "xterm", "COLUMNS": "80"})
        os.close(slave)
        data = b""
        try:
            while piece := os.read(main, 65536):
                data += piece
        except OSError:
            pass
        os.close(main)
        for colour, block in ((32, "█"), (31, "▁"), (33, "▄"), (34, "░"), (35, "▒")):
            self.assertRegex(data.decode(), f"\x1b\\[1;{colour}m{block}+\x1b\\[0m")
        self.assertNotIn("\x1b", self.ctl("timeline", env={"TERM": "xterm"}).out)

    def test_no_record_is_no_answer(self):
        for args in ([], ["--output=svg"], ["--output=json"]):
            result = self.ctl("timeline", *args)
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, "no record in")
        self.assertEqual(self.ctl("timeline", "--output=json").out, "[]\n")

    def test_time_asked_for_without_data(self):
        world = World(self, BEGIN)
        world.live(HOUR)
        world.set_clock(40 * DAY)  # and nothing of the time in between
        world.live(HOUR)
        world.stop()
        for args, error in ((["--until=2025-11-01"], "no data before Mon 2025-11-24 00:00:00 UTC"),
                            (["--since=2025-12-10", "--until=2025-12-20"], "no data of that time")):
            for output, wanted in (("text", r"\A\Z"), ("json", r"\A\[\]\n\Z"), ("svg", r"\A<svg (?!.*<g)")):
                result = self.ctl("timeline", f"--output={output}", *args)
                self.assertEqual((result.code, result.err), (1, f"heartbeatctl: {error}\n"))
                self.assertRegex(result.out, wanted)


class Clocks(TimelineCase):
    """Days of 23 and of 25 hours, against what a walk through all minutes of them comes to."""

    def outage(self, begin, from_usec, to_usec, end):
        """A host that was down for a while, and came back within a minute."""
        (self.record / "history").unlink(missing_ok=True)
        world = World(self, begin, up=DAY)
        world.live(from_usec - begin)
        world.reboot("host-down", to_usec - from_usec, up=MINUTE)
        world.live(end - world.at)
        world.stop()

    def wall(self, usec):
        """(day of the month, minutes since midnight) there; March or October, and then not the last day."""
        moment = datetime.datetime.fromtimestamp(usec // SECOND, datetime.timezone.utc)
        moment += datetime.timedelta(hours=2 if SPRING <= usec < AUTUMN else 1)
        return moment.day, 60 * moment.hour + moment.minute

    def worst(self, unit, cells, begin, from_usec, to_usec, end):
        """The cells of each row."""
        rows = {}
        for usec in range(begin, end, MINUTE):
            day, minute = self.wall(usec)
            place, whole = (minute, 1440) if unit == "day" else (1440 * (day - 1) + minute, 31 * 1440)
            row = rows.setdefault(day if unit == "day" else 0, ["·"] * cells)
            seen = "▁" if from_usec <= usec < to_usec else "▄" if to_usec <= usec < to_usec + MINUTE else "█"
            row[place * cells // whole] = max(row[place * cells // whole], seen, key="·█▄▁".index)
        return ["".join(row) for row in rows.values()]

    def test_cells_are_those_of_the_clock_on_the_wall(self):
        for change, cases in ((SPRING, ((-2 * HOUR, 21 * HOUR + 30 * MINUTE), (-2 * HOUR, 30 * MINUTE),
                                        (-30 * MINUTE, 0), (0, 30 * MINUTE), (-20 * HOUR, -HOUR))),
                              (AUTUMN, ((-50 * MINUTE, 5 * MINUTE), (-3 * HOUR, 22 * HOUR + 30 * MINUTE),
                                        (-MINUTE, 0), (0, MINUTE), (30 * MINUTE, 90 * MINUTE)))):
            begin, end = change - 26 * HOUR, change + 30 * HOUR
            for case in cases:
                self.outage(begin, change + case[0], change + case[1], end)
                for unit, names in (("day", 12), ("month", 9)):
                    for columns in (20, 40, 80):
                        lines = self.ctl("timeline", f"--by={unit}", f"--until={stamp(end)}",
                                         env={"TZ": BERLIN, "COLUMNS": str(columns)}).out.splitlines()
                        rows = [line[names:] for line in lines if re.match(r"\d{4}-", line)]
                        self.assertEqual(rows, self.worst(unit, len(rows[0]), begin, change + case[0],
                                                          change + case[1], end), (change, case, unit, columns))

    def test_shapes_are_as_long_as_what_they_show(self):
        """An hour that comes twice lies twice in the same place; one that never was is under no shape."""
        two, three = 2 * 60, 3 * 60
        for change, case, day, expected in (
                (AUTUMN, (-50, 5), 25, [(two, two + 5), (two + 10, three)]),
                (AUTUMN, (-60, 60), 25, [(two, three), (two, three)]),
                (AUTUMN, (-90, -30), 25, [(90, two + 30)]),
                (SPRING, (-30, 45), 29, [(90, two), (three, three + 45)]),
                (SPRING, (0, 45), 29, [(three, three + 45)])):
            begin, end = change - 26 * HOUR, change + 30 * HOUR
            self.outage(begin, change + case[0] * MINUTE, change + case[1] * MINUTE, end)
            for unit in ("day", "month"):
                found = picture.Picture(self.ctl("timeline", f"--by={unit}", "--output=svg", f"--until={stamp(end)}",
                                                 env={"TZ": BERLIN}).out)
                offset = 0 if unit == "day" else 1440 * (day - 1)
                shapes = [(found.x(60 * (offset + a)), max(60 * (b - a) * found.scale, 2)) for a, b in expected]
                self.assertEqual([row[-2:] for row, _, _ in found.shapes("down")],
                                 [str(day) if unit == "day" else f"{10 if change == AUTUMN else 3:02}"] * len(expected))
                for (_, x, width), wanted in zip(found.shapes("down"), shapes):
                    self.assertAlmostEqual(x, wanted[0], delta=0.1)
                    self.assertAlmostEqual(width, wanted[1], delta=0.1)


class Json(TimelineCase):
    def test_segments_follow_each_other(self):
        self.days()
        found = self.ask("timeline", "--until=2025-11-27")
        for before, after in zip(found, found[1:]):
            self.assertEqual(before["to"], after["from"])
        self.assertEqual([segment["state"] for segment in found],
                         ["beating", "suspended", "suspended", "beating", "down", "silent", "beating", "silent",
                          "beating", "unknown", "silent", "beating"])
        self.assertEqual((found[4]["from"], found[4]["to"]),
                         (stamp(BEGIN + DAY + 3 * HOUR), stamp(BEGIN + DAY + 3 * HOUR + 30 * SECOND)))
        self.assertRegex(found[4]["text"], "^3 beats missed, 35s without one: host-down")
        self.assertEqual((found[4]["cause"], found[4]["host"], found[0]["text"]), ("host-down", "down", None))

    def test_what_goes_on_is_said(self):
        now = realtime()
        self.event("start", now - HOUR, up=0, pid=1, interval=10 * SECOND)
        self.pulse(age=90 * SECOND, step="sync pulse")
        last = self.ask("timeline")[-1]
        self.assertEqual((last["state"], last["ongoing"]), ("silent", True))
        self.assertIn("in: sync pulse", last["text"])


class Svg(TimelineCase):
    def svg(self, *args):
        result = self.ctl("timeline", "--output=svg", *args)
        self.assertEqual(result.code, 0, result)
        return xml.etree.ElementTree.fromstring(result.out), result.out

    def test_each_gap_is_a_shape_with_its_explanation(self):
        year.write(self)
        root, _ = self.svg("--until=2026-01-01")
        titles = [group.find(f"{SVG}title").text for group in root.iter(f"{SVG}g")]
        for _, _, cause, _, _ in year.events():
            self.assertTrue(any(f": {cause} (" in title or f": perhaps {cause} (" in title for title in titles), cause)
        self.assertTrue(all(group.findall(f"{SVG}rect") for group in root.iter(f"{SVG}g")))
        self.assertTrue(all(float(rect.get("width")) >= 2 for group in root.iter(f"{SVG}g")
                            for rect in group.iter(f"{SVG}rect")))
        down = [title for title in titles if ": host-down (" in title]
        self.assertIn("10 beats missed, 1min 40s without one: host-down (the host went down without a word)\n"
                      "from Thu 2025-11-27 06:00:00 UTC to Thu 2025-11-27 06:01:40 UTC", down)

    def test_nothing_is_drawn_outside(self):
        year.write(self)
        for args in (["--by=month"], ["--by=day"], ["--by=day", "--since=2025-11-01"]):
            root, _ = self.svg(*args)
            width, height = float(root.get("width")), float(root.get("height"))
            for rect in root.iter(f"{SVG}rect"):
                if rect.get("class") != "page":
                    self.assertLessEqual(float(rect.get("x")) + float(rect.get("width")), width)
                    self.assertLessEqual(float(rect.get("y")) + float(rect.get("height")), height)
            for text in root.iter(f"{SVG}text"):
                if text.get("text-anchor") == "middle":
                    self.assertLessEqual(float(text.get("x")) + 4 * len(text.text), width, text.text)

    def test_it_refers_to_nothing_outside_itself(self):
        year.write(self)
        root, text = self.svg()
        self.assertEqual(re.findall(r"\w+:[^\s<]*//[^\s\"<]*", text), ["http://www.w3.org/2000/svg"])
        self.assertNotRegex(text, r"(?i)<script|\bon\w+=|@import|@font-face|url\(|href|<!|<\?")
        self.assertIn("@media(prefers-color-scheme:dark)", text)
        self.assertEqual({element.tag.removeprefix(SVG) for element in root.iter()},
                         {"svg", "title", "style", "rect", "text", "g"})

    def test_texts_of_the_history_are_escaped(self):
        nasty = ("</title><script>alert(1)</script>", "]]>&amp;&\"'<!--", "\x1b[31m\x07", "\ufffe\uffff\u202e",
                 "ä€💓" * 5)
        for text in nasty:
            (self.record / "history").unlink(missing_ok=True)
            world = World(self, BEGIN)
            world.live(HOUR)
            world.stall("output-blocked", HOUR, step=text[:40], longest=HOUR)
            world.live(HOUR)
            world.restart("service-failed", HOUR, result="exit-code", code="exited", status=text[:4])
            world.stop()
            root, found = self.svg(f"--until={stamp(world.at)}")
            self.assertTrue(all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in found), found)
            self.assertNotIn("<script", found)
            self.assertEqual(len(list(root.iter(f"{SVG}g"))), 2)
            if text.isprintable() and text[:40] == text:
                self.assertTrue(any(text in title.text for title in root.iter(f"{SVG}title")), found)

    def test_bytes_that_are_no_text_are_no_harm(self):
        world = World(self, BEGIN)
        world.live(HOUR)
        world.stall("output-blocked", HOUR, step="STEP" * 10, longest=HOUR)
        world.stop()
        path = self.record / "history"
        for junk in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\xc2\x9b", b"\xf4\x90\x80\x80"):
            path.write_bytes(path.read_bytes().replace(b"STEP", junk + b"STEP"[len(junk):], 1))
            self.svg(f"--until={stamp(world.at)}")

    def test_picture_of_the_year_is_the_one_in_the_tree(self):
        """HEARTBEATD_DRAW=1 writes it anew, when it is meant to look differently."""
        year.write(self)
        _, text = self.svg("--utc", "--since=2025-01-01", "--until=2026-01-01")
        if os.environ.get("HEARTBEATD_DRAW") == "1":
            PICTURE.write_text(text)
        self.assertEqual(text, PICTURE.read_text())

    def test_output_that_is_not_taken_is_a_failure(self):
        year.write(self)
        for output in ("text", "svg", "json"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                result = self.ctl("timeline", f"--output={output}", stdout=full, stderr=-1)
            self.assertEqual(result.code, 1, output)


class Words(TimelineCase):
    def test_what_it_does_not_know_is_refused(self):
        for args, pattern in ((["--by=week"], "expected day or month for timeline"),
                              (["--exclude=02:00..03:00"], "goes with report only"), (["today"], "unexpected argument")):
            result = self.ctl("timeline", *args)
            self.assertEqual((result.code, result.out), (2, ""))
            self.assertIn(pattern, result.err)

    def test_manual_and_program_have_the_same_states(self):
        manual = (harness.SOURCE / "src/heartbeatctl.1").read_text()
        for state in ("beating", "silent", "down", "suspended", "unknown"):
            self.assertRegex(manual, rf"(?m)^\.It Cm {state}$")
