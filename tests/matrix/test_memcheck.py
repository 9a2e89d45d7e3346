# SPDX-License-Identifier: MIT
"""The built programs under valgrind's memcheck: a life of the daemon in each way to run, and each question to it.

What memcheck has to say goes to a file for each process, whatever becomes of its stderr, and a file with something
in it is a failure. A start takes seconds there: nothing here depends on how long anything takes.
"""

import pathlib
import signal
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import harness  # noqa: E402
from table import tried  # noqa: E402

PATIENCE = 120  # seconds for what takes one of them elsewhere


class Memcheck(harness.Case):
    time_limit = 900  # on a machine that has much else to do

    def setUp(self):
        super().setUp()
        self.findings = self.make_directory("findings", 0o1777)
        self.wrapper = ["valgrind", "--quiet", "--vgdb=no", "--trace-children=yes", "--leak-check=full",
                        "--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite,indirect",
                        f"--log-file={self.findings}/%p"]

    def assert_nothing_found(self):
        files = list(self.findings.iterdir())
        self.assertEqual({path.name: path.read_text() for path in files if path.stat().st_size}, {})
        self.assertTrue(files, "memcheck was not there")
        tried("processes under memcheck", len(files))

    def check(self, *args, code, program=None, **options):
        """Runs a program with these arguments to its end, which is one with this exit status."""
        binary, self.binary = self.binary, str(program or self.binary)
        result = self.run_command(*args, seconds=PATIENCE, wrapper=self.wrapper, **options)
        self.binary = binary
        self.assertEqual(result.code, code, result)
        return result

    def live(self, *args):
        """Starts a daemon in the foreground, and waits for beats, and for others after a reload."""
        past = len(self.beats())
        daemon = self.start(f"--output={self.log}", "--output=stdout", *args, wrapper=self.wrapper)
        self.wait_for_beats(past + 3, seconds=PATIENCE, daemon=daemon)
        daemon.signal(signal.SIGHUP)
        self.wait_for_beats(len(self.beats()) + 3, seconds=PATIENCE, daemon=daemon)
        return daemon

    def test_a_life_in_the_foreground(self):
        config = self.config(f"[Heartbeat]\nInterval=200ms\nMetrics={self.state}/heartbeat.prom\nMessage=%n %t %H %u\n")
        self.assertEqual(self.live(f"--config={config}").stop(PATIENCE), 0)
        daemon = self.live(f"--config={config}")  # that has a past
        self.config("[Heartbeat]\nInterval=0\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words("not reloaded", seconds=PATIENCE)
        daemon.pause()
        daemon.signal(signal.SIGCONT)
        self.wait_for_beats(len(self.beats()) + 3, seconds=PATIENCE)
        self.assertEqual(daemon.stop(PATIENCE), 0)
        self.assert_nothing_found()

    def test_a_life_as_a_daemon(self):
        args = self.common([f"--pid-file={self.pid_file}"])
        self.check("--fork", f"--output={self.log}", "--interval=200ms", *args, code=0)
        daemon = harness.ForkedDaemon(int(self.pid_file.read_text()))
        self.wait_for_beats(3, seconds=PATIENCE)
        self.assertEqual(int(self.check("--running", *args, code=0).out), daemon.pid)
        self.check("--fork", f"--output={self.log}", *args, code=150)
        daemon.signal(signal.SIGHUP)
        self.wait_for_beats(len(self.beats()) + 3, seconds=PATIENCE)
        self.assertEqual(daemon.stop(PATIENCE), 0)
        self.check("--running", *args, code=3)
        self.check("--stop", *args, code=0)
        self.assert_nothing_found()

    def test_what_is_refused_and_what_is_printed(self):
        bad = self.config("[Heartbeat]\nInterval=10s\nOutput=/nowhere/x\nNonsense=1\n")
        for args, code in ((["--check-config", f"--config={bad}"], 6), (["--interval=never"], 2), (["--help"], 0),
                           (["--version"], 0), (["--print-config", *self.common([])], 0),
                           (self.common([f"--output={self.dir}/none/beats"]), 6)):
            with self.subTest(args):
                self.check(*args, code=code)
        self.assert_nothing_found()

    def test_each_command_of_heartbeatctl(self):
        ctl = pathlib.Path(self.binary).with_name("heartbeatctl")
        if self.binary != harness.BINARY:
            ctl.write_bytes(pathlib.Path(harness.BINARY).with_name("heartbeatctl").read_bytes())
            ctl.chmod(0o755)
        for _ in range(2):  # a gap lies between them
            past = len(self.beats())
            daemon = self.start(f"--output={self.log}", "--interval=50ms")
            self.wait_for_beats(past + 3, daemon=daemon)  # the second is made when the first has been stored
            daemon.signal(signal.SIGKILL)
            daemon.ended()
        state = f"--state-dir={self.state}"
        for args, code in ((["status"], 1), (["status", "--output=json"], 1), (["check"], 2), (["gaps"], 0),
                           (["gaps", "--output=json"], 0), (["explain"], 0), (["report", "--by=month"], 0),
                           (["report", "--exclude=Sun 02:00..04:00", "--output=json"], 0), (["timeline"], 0),
                           (["timeline", "--output=svg"], 0), (["metrics"], 0)):
            with self.subTest(args):
                self.check(*args, state, code=code, program=ctl, stdin=subprocess.DEVNULL)
        self.assert_nothing_found()
