# SPDX-License-Identifier: MIT
"""heartbeatctl and the world: terminals, full disks, hostile files, its manual."""

import json
import os
import pty
import random
import re
import subprocess
import unicodedata

import harness
import prometheus
from statedir import SECOND, CtlCase, realtime

COMMANDS = (["status"], ["check"], ["gaps"], ["gaps", "--cause=output-failed,clock-step"], ["explain"],
            ["explain", "2h ago"], ["report"], ["report", "--by=year", "--exclude=2h ago..now"],
            ["timeline", "--by=month"], ["metrics"])
MANUAL = harness.SOURCE / "src/heartbeatctl.1"
OPTIONS = {"output", "state-dir", "user", "utc", "help", "version", "warning", "critical", "since", "until",
           "cause", "by", "exclude"}


def is_clean(text):
    """Whether no character in it moves a terminal, and each byte was UTF-8."""
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in text)


class Streams(CtlCase):
    def test_nothing_is_written_anywhere(self):
        self.pulse(age=45 * SECOND)
        self.gap(realtime() - 100 * SECOND, realtime() - 60 * SECOND)
        before = harness.tree(self.dir)
        for command in COMMANDS:
            self.ctl(*command)
        self.assertEqual(harness.tree(self.dir), before)

    def test_output_that_is_not_taken_is_a_failure(self):
        self.pulse()
        self.gap(realtime() - 100 * SECOND, realtime() - 60 * SECOND)
        for command in ([*COMMANDS, ["--help"], ["--version"]]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                result = self.ctl(*command, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(result.code, 1, command)
            self.assertRegex(result.err, r"heartbeatctl: standard output: No space left on device\n\Z")

    def test_closed_output_is_a_failure(self):
        self.pulse()
        done = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', self.program, f"--state-dir={self.record}"],
                              env=self.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output: ", done.stderr)

    def on_terminal(self, *args, **env):
        """What a command writes to a terminal."""
        main, slave = pty.openpty()
        self.ctl(*args, stdout=slave, env={"TERM": "xterm", **env})
        os.close(slave)
        data = b""
        try:
            while piece := os.read(main, 65536):
                data += piece
        except OSError:  # what the end of a pseudo-terminal looks like
            pass
        os.close(main)
        return data.decode()

    def test_colours_are_for_terminals_that_want_them(self):
        self.pulse()
        self.assertTrue(self.on_terminal().startswith("\x1b[1;32m\u25cf\x1b[0m "))
        self.assertIn("\x1b[", self.on_terminal(NO_COLOR=""))
        self.assertNotIn("\x1b", self.on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_terminal(TERM="dumb"))
        self.assertNotIn("\x1b", self.on_terminal(TERM=""))
        self.assertNotIn("\x1b", self.on_terminal("check"))
        self.assertNotIn("\x1b", self.ctl(env={"TERM": "xterm"}).out)

    def test_unhindered_by_a_small_stack_of_resources(self):
        self.pulse()
        for number in range(3):
            done = subprocess.run(["sh", "-c", f'exec "$0" "$@" {number}<&-', self.program, "--version"],
                                  env=self.environment(), capture_output=True, check=False)
            self.assertEqual(done.returncode, 1 if number == 1 else 0)


class Hostile(CtlCase):
    time_limit = 120

    def check_all(self):
        for command in COMMANDS:
            result = self.ctl(*command)
            self.assertIn(result.code, range(5))
            self.assertTrue(is_clean(result.out) and is_clean(result.err), result)
            if command == ["metrics"]:
                self.assertEqual(result.out == "", result.code == 1, result)
                if result.code == 0:
                    prometheus.parse(result.out)
                continue
            result = self.ctl("--output=json", *command)
            self.assertIn(result.code, range(5))
            self.assertTrue(is_clean(result.out), result)
            json.loads(result.out)

    def test_texts_of_the_files_move_no_terminal(self):
        nasty = "\x1b[31m\x9b2J\"|\\\u202e\udc80"
        step = "output \x1b]0;x\x07"
        self.pulse(age=45 * SECOND, step=step)
        path = self.record / "history"
        now = realtime()
        self.gap(now - 3 * 3600 * SECOND, now - 3600 * SECOND, "output-blocked", step="\x1b[2J\n", longest=1)
        self.event("output", output="/x\x1b[m\x9b", errno=2**64 - 2, lost=2**64 - 2, **{"from": 0, "to": now})
        with open(path, "ab") as file:
            file.write(path.read_bytes().replace(b"/x", nasty.encode(errors="surrogateescape").replace(b'"', b"")
                                                 .replace(b"\\", b"").replace(b"\x1b", b"")))
        self.check_all()

    def test_numbers_as_large_as_they_come(self):
        most = 2**64 - 1
        now = realtime()
        for number in (0, 1, most - 1, most, 2**63, 10**15):
            self.pulse(seq=max(number, 1), interval=max(number, 1), late=number, late_max=number, missed=number,
                       failing=number, lost=number, started=number, real=number, pid=number, step="x")
            self.gap(number, number, "suspend", lasted=number, missed=number, suspended=number, at=now,
                     boot_began=number, stopped=number, longest=number)
            self.gap(0, now, "host-down", at=now, host="down", lasted=number, missed=number)
            self.check_all()

    def test_random_bytes(self):
        chance = random.Random(4)
        self.event("start", pid=1, interval=10)
        self.gap(realtime() - 3 * 3600 * SECOND, realtime() - 3600 * SECOND)
        self.pulse()
        pulse, history = ((self.record / name).read_bytes() for name in ("pulse", "history"))
        for _ in range(12):
            for name, whole in (("pulse", pulse), ("history", history)):
                data = bytearray(whole)
                for _ in range(chance.choice((0, 1, 3, 50))):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                (self.record / name).write_bytes(data[:chance.choice((len(data), chance.randrange(len(data))))])
            self.check_all()

    def test_arguments_move_no_terminal(self):
        for args in (["\x1b[2J"], ["--\x1b"], ["--output=\x1b\n"], ["explain", "\x9b"], ["gaps", "--cause=\x07"],
                     ["check", "-w\x1b"], ["--state-dir=/\x1b[2J\n"], [b"\xff\xfe"]):
            command = [str(self.program), *args]
            done = subprocess.run(command, env=self.environment(), capture_output=True, check=False)
            for text in (done.stdout, done.stderr):
                self.assertTrue(is_clean(text.decode()), done)


class Agree(CtlCase):
    """Help, manual and program know the same options, commands and causes."""

    def test_options(self):
        self.assertEqual(set(re.findall(r"--([a-z-]+)", self.ctl("--help").out)), OPTIONS)
        text = MANUAL.read_text()
        self.assertEqual(set(re.findall(r"^\.It .*Fl -([a-z-]+)", text, re.M)), OPTIONS)
        self.assertEqual(set(re.findall(r"\bFl -([a-z-]+)", text)), OPTIONS)
        synopsis = re.search(r"(?s)^\.Sh SYNOPSIS\n(.*?)^\.Sh", text, re.M)[1]
        self.assertEqual(set(re.findall(r"Fl -([a-z-]+)", synopsis)), OPTIONS)
        for option in OPTIONS:
            result = self.ctl(f"--{option}=", state_dir=False)
            self.assertEqual(result.code, 2)
            self.assertNotIn("unknown option", result.err)
            self.assertIn("unknown option", self.ctl(f"--{option[:-1]}", state_dir=False).err)

    def test_commands(self):
        text, manual = self.ctl("--help").out, MANUAL.read_text()
        for command in ("status", "check", "gaps", "explain", "report", "timeline", "metrics"):
            self.assertIn(command, text)
            self.assertRegex(manual, rf"(?m)^\.It Cm {command}\b")
        for program in ("--help", "--version"):
            self.assertEqual((self.ctl(program).code, self.ctl(program).err), (0, ""))

    def test_causes(self):
        refusal = self.ctl("gaps", "--cause=x").err
        names = re.search(r"expected some of (.*)$", refusal, re.M)[1].split(", ")
        manual = MANUAL.read_text()
        for name in names:
            self.assertRegex(manual, rf"(?m)^(\.It Cm|\.Cm) {name}$")
        self.assertEqual(len(names), 19)

    def test_states(self):
        manual = MANUAL.read_text()
        for state in ("alive", "late", "silent", "gone", "stopped", "never-ran", "unreadable"):
            self.assertRegex(manual, rf"(?m)^\.It {state}$")

    def test_keys(self):
        section = re.search(r"(?s)^\.Sh JSON\n(.*?)^\.Sh", MANUAL.read_text(), re.M)[1]
        described = set(re.findall(r"^\.Va (\w+)", section, re.M))
        source = "".join(path.read_text() for path in (harness.SOURCE / "src/ctl").glob("*.c"))
        gaps = (harness.SOURCE / "src/ctl/gaps.c").read_text()
        written = set(re.findall(r'json_(?:text|bool|number|time)\(&?json, "(\w+)"', source))
        written |= set(re.findall(r'json_begin\(&?json, "(\w+)"', source))
        written |= set(re.findall(r'write_outages\(json, "(\w+)"', source))
        written |= set(re.findall(r'\{ "(\w+)", gap->', gaps)) | {"ongoing_gap", "last_gap", "gap"}
        self.assertEqual(written - described, set())
        self.assertEqual(described - written - {"_usec"}, set())
