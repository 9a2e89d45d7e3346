# SPDX-License-Identifier: MIT
"""The beat of a daemon in the foreground: when it comes, what a line holds, what stops it and what does not.

On a shared machine any beat may be late, so nothing here asserts lateness: only that no beat comes before it
is due, that they stay on the grid of the first one, and that none is made up for.
"""

import datetime
import os
import re
import resource
import signal
import socket
import subprocess
import time

import harness
import records

INTERVAL = 200_000  # microseconds, of the tests that look at the grid


def seconds_of(lines):
    return [harness.moment(line.split()[0]) for line in lines]


class Grid(harness.Case):
    def assert_never_early(self, moments, interval=INTERVAL):
        """The timestamps hold milliseconds, and the wall clock may be slewed: two of them are let pass."""
        for number, moment in enumerate(moments):
            self.assertGreaterEqual(moment - moments[0] + 2000, number * interval, "a beat before it was due")

    def assert_on_grid(self, moments, interval=INTERVAL):
        """The beats that were hardly late show the grid; it must still be that of the first beat."""
        phases = sorted((moment - moments[0] + 2000) % interval for moment in moments[1:])
        self.assertLess(phases[len(phases) // 4], interval // 4, f"off the grid: {phases}")

    def test_the_first_beat_comes_at_once(self):
        self.start_beating("--interval=1d")

    def test_beats_keep_to_the_grid_of_the_first(self):
        self.start_beating("--interval=200ms")
        moments = seconds_of(self.wait_for_beats(16))
        self.assert_never_early(moments)
        self.assert_on_grid(moments)

    def test_beats_missed_while_stopped_are_not_made_up_for(self):
        """Stopped over five beats, it makes one late one and then goes on with the old grid."""
        daemon = self.start_beating("--interval=200ms")
        before = len(self.wait_for_beats(3))
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 1.1, "it is stopped")
        daemon.signal(signal.SIGCONT)
        lines = self.wait_for_beats(before + 8)
        self.check_warning(lines)
        moments = seconds_of(lines)
        self.assert_never_early(moments)
        self.assert_on_grid(moments)
        gap = max(range(1, len(moments)), key=lambda i: moments[i] - moments[i - 1])
        self.assertGreater(moments[gap] - moments[gap - 1], 4 * INTERVAL)
        due = (moments[-1] - moments[0]) // INTERVAL
        self.assertLessEqual(len(moments), due + 1 - 4, "missed beats were made up for")
        self.assertEqual([int(line.split()[-1]) for line in lines], list(range(1, len(lines) + 1)))

    def check_warning(self, lines):
        """It stands right before the beat that ended the gap, and has the same time."""
        warning, = (line for line in self.warnings() if "process-stopped" in line)
        self.assertRegex(warning, rf"\A{harness.WARNING}\d+ beats missed, \d+\.\ds without one: "
                                  r"process-stopped \(a SIGCONT ended a stop\)\Z")
        every = harness.lines_of(self.log)
        after = every[every.index(warning) + 1]
        self.assertEqual(warning.split()[0], after.split()[0])
        self.assertEqual(int(warning.split()[2]), self.missed_before(after, lines))

    @staticmethod
    def missed_before(line, lines):
        """By the wall clock: the beats that were due between the one before this line and it."""
        before, after = seconds_of([lines[lines.index(line) - 1], line])
        first = seconds_of(lines)[0] - 2000
        return (after - first) // INTERVAL - (before - first) // INTERVAL - 1

    def test_a_plain_file_is_told_of_no_gap(self):
        """Nothing but messages ever stands there."""
        daemon = self.start_beating("--interval=100ms", "--format=plain")
        self.wait_for_beats(2)
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 0.5, "it is stopped")
        daemon.signal(signal.SIGCONT)
        records.wait_for_gap(self.state, "process-stopped")
        self.wait_for_more_beats(3)
        lines = harness.lines_of(self.log)
        self.assertEqual(lines, [f"heartbeat {number}" for number in range(1, len(lines) + 1)])

    @harness.needs_root
    @harness.needs_libsystemd
    def test_due_instants_are_exact_multiples_of_the_interval(self):
        """As the journal's fields have them, lateness apart."""
        self.private_dev_and_run()
        journal = self.log_socket("/run/systemd/journal/socket")
        self.start("--output=journal", "--interval=70ms")
        entries = [dict(line.split(b"=", 1) for line in entry.splitlines() if b"=" in line)
                   for entry in journal.wait_for(20)]
        entries = [entry for entry in entries if b"HEARTBEAT_SEQ" in entry]  # a slow machine makes gaps
        due = [int(entry[b"HEARTBEAT_DUE_USEC"]) for entry in entries]
        late = [int(entry[b"HEARTBEAT_LATE_USEC"]) for entry in entries]
        self.assertEqual({(d - due[0]) % 70_000 for d in due}, {0})
        self.assertEqual(sorted(set(due)), due)
        self.assertGreaterEqual(min(late), 0)
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        self.assertLess(abs(now - due[-1]), 30_000_000, "not on CLOCK_BOOTTIME")


class Lines(harness.Case):
    def first(self, *args, **options):
        self.start_beating(*args, **options)
        return self.wait_for_beats(2)

    def test_a_full_line(self):
        lines = self.first()
        self.assertRegex(lines[0], rf"\A{harness.TIMESTAMP} heartbeat 1\Z")
        self.assertRegex(lines[1], rf"\A{harness.TIMESTAMP} heartbeat 2\Z")
        self.assertLess(abs(time.time() * 1e6 - harness.moment(lines[0].split()[0])), 60e6)

    def test_a_plain_line(self):
        self.assertEqual(self.first("--format=plain")[:2], ["heartbeat 1", "heartbeat 2"])

    def test_specifiers(self):
        lines = self.first("--format=plain", "--message=%n|%t|%H|%b|%u|%%|100%%")
        fields = lines[0].split("|")
        self.assertEqual(fields[0], "1")
        self.assertRegex(fields[1], rf"\A{harness.TIMESTAMP}\Z")
        self.assertEqual(fields[2], socket.gethostname())
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            self.assertEqual(fields[3], file.read().strip().replace("-", ""))
        self.assertRegex(fields[4], r"\A(\d+d ?)?(\d+h ?)?(\d+min ?)?(\d+s)?\Z")
        self.assertLess(abs(self.uptime(fields[4]) - time.clock_gettime(time.CLOCK_BOOTTIME)), 60)
        self.assertEqual(fields[5:], ["%", "100%"])

    @staticmethod
    def uptime(text):
        units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
        return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(min|[dhs])", text))

    @harness.needs_root
    def test_the_host_name_is_that_of_the_start_and_of_each_reload(self):
        """And whatever it holds, a beat stays one line."""
        self.private_host_name()
        socket.sethostname("first")
        daemon = self.start_beating("--format=plain", "--message=%n on %H")
        self.assertEqual(self.wait_for_beats(1)[0], "1 on first")
        socket.sethostname("sec\nond\x1b")
        self.assertRegex(self.wait_for_more_beats(3)[-1], r"\A\d+ on first\Z")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: self.beats()[-1].endswith(r" on sec\nond\x1b"), 10, "the new name")

    @harness.needs_strace
    def test_a_reload_during_the_start_is_one_after_it(self):
        """In the foreground whoever started it knows its pid at once, and may have changed what it has read."""
        config = self.config("[Heartbeat]\nMessage=before\n")
        slow = harness.tracing("fcntl", path=self.state / "lock", inject="fcntl:delay_enter=2s")
        daemon = self.start(f"--config={config}", f"--output={self.log}", "--interval=50ms", wrapper=slow,
                            env=harness.without_leak_check())
        harness.wait_until((self.state / "lock").exists, 10, "it has read its configuration")
        self.config("[Heartbeat]\nMessage=after\n")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: self.log.exists() and self.beats()[-1:] and self.beats()[-1].endswith(" after"), 15,
                           "what was changed since")
        self.assertTrue(self.beats()[0].endswith(" before"), "the reload came later than the test wants it")

    def test_control_characters_are_escaped(self):
        lines = self.first("--format=plain", "--message=a\nb\tc\x01d\x7fe\x1b[31mkäse")
        self.assertEqual(lines[0], r"a\nb\tc\x01d\x7fe\x1b[31mkäse")

    def test_the_time_is_utc_whatever_the_zone(self):
        lines = self.first(env={"TZ": "Pacific/Kiritimati"})
        now = datetime.datetime.now(datetime.timezone.utc).timestamp() * 1e6
        self.assertLess(abs(now - harness.moment(lines[0].split()[0])), 60e6)

    def test_the_longest_message(self):
        lines = self.first("--message=" + "ä" * 512)
        self.assertEqual(lines[0].split()[1], "ä" * 512)

    def test_several_outputs_get_the_same_beats(self):
        other = self.log.with_name("other")
        daemon = self.start_beating("--output=stdout", f"--output={other}", f"--output={other}")
        count = len(self.wait_for_beats(3))
        self.wait_for_beats(count, daemon.stdout)
        self.wait_for_beats(count, other)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.beats(), self.beats(other))
        self.assertEqual(self.beats(), self.beats(daemon.stdout))

    def test_stdout_is_the_default(self):
        daemon = self.start()
        self.assertRegex(self.wait_for_beats(1, daemon.stdout)[0], r"Z heartbeat 1\Z")
        self.assertEqual(daemon.words(), [])

    def test_beats_on_the_terminal(self):
        terminal = self.terminal()
        process = self.start_on_terminal(terminal, self.common(["--interval=50ms"]))
        harness.wait_until(lambda: terminal.read().count("\n") >= 3, 10, "three beats on the terminal")
        for line in terminal.read().splitlines():
            self.assertRegex(line, rf"\A({harness.WARNING}.*|{harness.TIMESTAMP} heartbeat \d+)\Z")
        os.write(terminal.master, b"\x03")
        self.assertEqual(process.wait(10), 0, "Ctrl-C ends it cleanly")


class Ends(harness.Case):
    def test_sigterm_and_sigint_end_it_cleanly_and_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                daemon = self.start_beating("--interval=1d")
                daemon.signal(number)
                self.assertEqual(daemon.ended(2 if not harness.SANITIZED else 10), 0)
                self.assertEqual(daemon.words(), [])
                self.assertEqual(records.events(self.state)[-1]["ev"], "stop")
                self.log.unlink()

    def test_signals_of_readers_and_limits_do_not_end_it(self):
        daemon = self.start_beating()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            daemon.signal(number)
        self.wait_for_more_beats()
        self.assertEqual(daemon.stop(), 0)

    def test_a_reader_that_went_does_not_end_it(self):
        read, write = os.pipe()
        daemon = self.start(f"--output={self.log}", "--output=stdout", stdout=write)
        os.close(write)
        self.wait_for_beats(1)
        os.close(read)
        daemon.wait_for_words("stdout: Broken pipe")
        self.wait_for_more_beats(3)
        self.assertEqual(len(daemon.words()), 1, "said once")
        self.assertEqual(daemon.stop(), 0)

    def test_a_file_size_limit_does_not_end_it(self):
        other = self.log.with_name("other")
        limit = ["prlimit", "--fsize=4096", "--"]
        daemon = self.start("--output=stdout", f"--output={other}", "--message=" + "x" * 500, wrapper=limit,
                            stdout=self.pipe_to_nowhere())
        daemon.wait_for_words(r"other: File too large")
        size = other.stat().st_size
        self.assertLessEqual(size, 4096)
        self.assertIsNone(daemon.process.poll())
        self.assertEqual(daemon.stop(), 0)

    def pipe_to_nowhere(self):
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(reader.stdin.close)
        return reader.stdin

    def test_a_terminal_that_hangs_up_ends_it(self):
        terminal = self.terminal()
        process = self.start_on_terminal(terminal, self.common([f"--output={self.log}", "--interval=50ms"]))
        self.wait_for_beats(2)
        terminal.close()
        self.assertEqual(process.wait(10), 0)

    def test_a_hangup_that_is_not_the_terminals_is_a_reload(self):
        terminal = self.terminal()
        process = self.start_on_terminal(terminal, self.common([f"--output={self.log}", "--interval=50ms"]))
        self.wait_for_beats(2)
        os.kill(process.pid, signal.SIGHUP)
        self.wait_for_more_beats(5)
        self.assertIsNone(process.poll())

    def test_nohup_outlives_its_terminal(self):
        terminal = self.terminal()
        process = self.start_on_terminal(terminal, self.common([f"--output={self.log}", "--interval=50ms"]),
                                         wrapper=["sh", "-c", 'trap "" HUP; exec "$0" "$@"'])
        self.wait_for_beats(2)
        terminal.close()
        self.wait_for_more_beats(5)
        self.assertIsNone(process.poll())


class Surroundings(harness.Case):
    def test_the_environment_of_the_manager_is_forgotten(self):
        notify = self.notify_socket()
        env = {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "60000000", "KEEP": "me"}
        daemon = self.start_beating(env=env)
        environ = harness.proc_environ(daemon.pid)
        for word in (b"NOTIFY_SOCKET", b"WATCHDOG", notify.address.encode(), b"60000000"):
            self.assertNotIn(word, environ)
        self.assertIn(b"KEEP=me", environ)

    def test_standard_descriptors_closed_in_every_combination(self):
        """No output or lock may land on 0 to 2, where other words would be written into it."""
        for bits in range(8):
            with self.subTest(closed=[fd for fd in range(3) if bits >> fd & 1]):
                closing = " ".join(f"{fd}>&-" for fd in range(3) if bits >> fd & 1)
                log = self.log.with_name(f"beats{bits}")
                wrapper = ["sh", "-c", f'exec "$0" "$@" {closing}']
                daemon = self.start(f"--output={log}", "--format=plain", wrapper=wrapper)
                beats = self.wait_for_beats(3, log)
                self.assertEqual(beats[:3], ["heartbeat 1", "heartbeat 2", "heartbeat 3"])
                fds = harness.proc_fds(daemon.pid)
                self.assertLessEqual({0, 1, 2}, set(fds), fds)
                for fd in range(3):
                    self.assertFalse(fds[fd].startswith((str(self.state), str(log.parent))), fds)
                self.assertEqual(daemon.stop(), 0)

    def test_a_closed_stdout_is_an_error_where_something_is_to_be_written_there(self):
        close = ["sh", "-c", 'exec "$0" "$@" >&-']
        starts = [self.common([]), self.common(["--output=stdout"])]
        for args in (["--help"], ["--version"], ["--print-config"], *starts):
            with self.subTest(args=args):
                self.one_error(self.run_command(*args, wrapper=close), 1, "(?i)standard output|stdout")

    def test_the_callers_descriptions_stay_blocking(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        daemon = self.start(f"--output={self.log}", "--output=stdout", stdout=write, stderr=write)
        self.wait_for_beats(3)
        self.assertTrue(os.get_blocking(write))
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(os.get_blocking(write))

    def test_inherited_blocked_and_ignored_signals_are_no_obstacle(self):
        def block_all():
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM):
                signal.signal(number, signal.SIG_IGN)

        daemon = self.start_beating(preexec_fn=block_all, restore_signals=False)
        self.wait_for_beats(2)
        self.assertEqual(daemon.stop(), 0)

    def test_a_low_descriptor_limit_is_enough(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

        daemon = self.start_beating("--output=stdout", preexec_fn=limit)
        self.wait_for_beats(3)
        self.assertEqual(daemon.stop(), 0)


class SecondStart(harness.Case):
    def everything(self):
        places = (self.state, self.pid_file.parent, self.log.parent)
        return [harness.tree(place) for place in places]

    def test_it_names_the_first_and_disturbs_nothing(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state, daemon.pid)
        self.pid_file.write_text("what another wrote\n")
        self.give(self.pid_file)
        before = self.everything()
        other, lock = self.log.with_name("other"), self.state / "lock"
        for args in ([], ["--fork", f"--pid-file={self.pid_file}"]):
            with self.subTest(args=args):
                result = self.run_command(*self.common([f"--output={other}", f"--output={self.log}", *args]))
                self.one_error(result, 150, rf"already running with pid {daemon.pid} \(lock {lock}\)")
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.lock_holder(), daemon.pid)
        self.assertEqual(daemon.stop(), 0)

    def test_another_state_directory_is_another_daemon(self):
        self.start_beating()
        other = self.make_directory("state2")
        log = self.log.with_name("other")
        self.start(f"--output={log}", f"--state-dir={other}")
        self.wait_for_beats(2, log)
        self.wait_for_more_beats(2)
