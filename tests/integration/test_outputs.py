# SPDX-License-Identifier: MIT
"""Outputs: what a file is given, what is refused at start, rotation, and all that can fail and recover.

Wherever an output fails, another one is there to show that the beats go on; every report is counted.
"""

import errno
import os
import pathlib
import re
import shutil
import signal
import socket
import stat

import harness
import records

NO_SPACE = harness.words_of(errno.ENOSPC)


class Report:
    """The daemon's two sentences on an output that failed."""

    def __init__(self, daemon, output):
        self.daemon = daemon
        self.output = re.escape(str(output))

    def failed(self, why, seconds=15):
        pattern = rf"\Aheartbeatd: output {self.output}: {why}; its messages are lost until it works again\Z"
        return self.daemon.wait_for_words(pattern, seconds)

    def works_again(self, seconds=15):
        """How many messages it says were lost, and from when to when."""
        line = self.daemon.wait_for_words(rf"\Aheartbeatd: output {self.output} works again: ", seconds)
        time = f"({harness.TIMESTAMP})"
        match = re.search(rf": (\d+) messages? lost from {time} to {time}\Z", line)
        assert match, line
        return int(match[1]), match[2], match[3]


class OutputCase(harness.Case):
    def setUp(self):
        super().setUp()
        self.other = self.log.with_name("other")

    def numbers(self, path):
        return [int(line.split()[-1]) for line in self.beats(path)]

    def assert_no_torn_lines(self, path, allowed=0):
        torn = [line for line in self.beats(path)
                if not re.fullmatch(rf"{harness.TIMESTAMP} \S+ ?\d+", line)]
        self.assertLessEqual(len(torn), allowed, torn)

    def assert_loss_is_exact(self, path, lost):
        """Every number is in the file once, or among the lost."""
        numbers = self.numbers(path)
        missing = set(range(numbers[0], numbers[-1] + 1)) - set(numbers)
        self.assertEqual(len(missing), lost)


class Files(OutputCase):
    def test_created_0640_and_appended_to(self):
        def no_umask():
            os.umask(0)

        daemon = self.start_beating(preexec_fn=no_umask)
        self.assertEqual(stat.S_IMODE(self.log.stat().st_mode), 0o640)
        flags = harness.proc_fd_flags(daemon.pid, self.log)
        self.assertTrue(flags)
        wanted = os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        for value in flags:
            self.assertEqual(value & wanted, wanted, oct(value))

    def test_a_tighter_umask_is_kept(self):
        def tight():
            os.umask(0o077)

        self.start_beating(preexec_fn=tight)
        self.assertEqual(stat.S_IMODE(self.log.stat().st_mode), 0o600)

    def test_an_existing_file_keeps_its_content_and_mode(self):
        self.log.write_text("old line\n")
        self.give(self.log)
        self.log.chmod(0o600)
        self.start(f"--output={self.log}")
        self.assertEqual(self.wait_for_beats(3)[0], "old line")
        self.assertEqual(stat.S_IMODE(self.log.stat().st_mode), 0o600)

    def test_a_line_torn_before_the_start_is_ended_first(self):
        self.log.write_text("whole\n2026-11-22T13:00:10.123Z heartb")
        self.give(self.log)
        self.start(f"--output={self.log}")
        beats = self.wait_for_beats(4)
        self.assertEqual(beats[:2], ["whole", "2026-11-22T13:00:10.123Z heartb"])
        self.assertRegex(beats[2], r"Z heartbeat 1\Z")

    @harness.needs_strace
    def test_one_write_for_each_beat(self):
        trace = self.make_directory("trace") / "calls"
        strace = [*harness.tracing("write,writev,pwrite64,pwritev", trace), "-y", "-s", "200"]
        self.start(f"--output={self.log}", wrapper=strace, env=harness.without_leak_check())
        count = len(self.wait_for_beats(4))
        file = f"<{self.log}>"  # its name alone also stands in the pulse, as that of a step
        calls = [line for line in lines_when(trace, count, file) if file in line and " gap: " not in line]
        for call in calls[:count]:
            self.assertRegex(call, r'write\(\d+<.*>, "[^"]*heartbeat \d+\\n", \d+\)')

    def test_devices_take_beats(self):
        self.start("--output=/dev/null", f"--output={self.log}")
        self.wait_for_beats(3)


def lines_when(path, count, text):
    def enough():
        lines = harness.lines_of(path)
        return lines if sum(text in line for line in lines) >= count else None

    return harness.wait_until(enough, 10, f"{count} lines with {text} in {path}")


class RefusedAtStart(OutputCase):
    """What an administrator must mend fails the start, with other outputs there or not."""

    def assert_refused(self, path, reason, code=6, **options):
        before = harness.tree(self.dir)
        for others in ([], [f"--output={self.other}"]):
            result = self.run_command(*self.common([f"--output={path}", *others]), **options)
            self.one_error(result, code, rf"{re.escape(str(path))}: .*{reason}")
            check = self.run_command("--check-config", *self.common([f"--output={path}", *others]), **options)
            self.assertEqual((check.code, check.err), (result.code, result.err), "and --check-config knew it")
        after = {name: value for name, value in harness.tree(self.dir).items() if name.startswith(str(path))}
        self.assertEqual(after, {name: value for name, value in before.items() if name.startswith(str(path))})

    def test_a_symlink_is_refused(self):
        target = self.log.with_name("target")
        target.write_text("precious\n")
        self.give(target)
        self.log.symlink_to(target)
        self.assert_refused(self.log, harness.words_of(errno.ELOOP))
        self.assertEqual(target.read_text(), "precious\n")

    def test_a_dangling_symlink_is_refused(self):
        self.log.symlink_to(self.log.with_name("nowhere"))
        self.assert_refused(self.log, harness.words_of(errno.ELOOP))
        self.assertFalse(self.log.with_name("nowhere").exists())

    def test_a_directory_is_refused(self):
        self.assert_refused(self.log.parent, harness.words_of(errno.EISDIR))

    def test_a_missing_directory_is_named(self):
        self.assert_refused(self.log.parent / "none" / "beats", harness.words_of(errno.ENOENT))

    def test_a_file_in_place_of_a_directory_is_named(self):
        self.config("", "file")
        self.assert_refused(self.dir / "file" / "beats", harness.words_of(errno.ENOTDIR))

    def test_a_socket_is_refused(self):
        self.log_socket(self.log)
        self.assert_refused(self.log, ".+")

    def test_a_block_device_is_refused(self):
        if not harness.ROOT:
            self.skipTest("needs root")
        self.private_mounts()
        device = self.mount_tmpfs(self.dir / "nodes") / "block"
        try:
            os.mknod(device, 0o666 | stat.S_IFBLK, os.makedev(7, 255))
        except PermissionError:
            self.skipTest("may not make a device node here")
        device.chmod(0o666)
        self.assert_refused(device, ".+")

    @harness.needs_root
    def test_no_privilege_is_exit_code_4(self):
        directory = self.dir / "roots"
        directory.mkdir(0o700)
        self.assert_refused(directory / "beats", harness.words_of(errno.EACCES), code=4)

    @harness.needs_root
    def test_a_read_only_file_system_is_named(self):
        disk = self.small_disk()
        harness.mount("none", disk, flags=harness.MS_REMOUNT | harness.MS_RDONLY)
        self.assert_refused(disk / "beats", harness.words_of(errno.EROFS))
        result = self.run_command(*self.common([f"--output={disk}/beats"]), env={"INVOCATION_ID": "0" * 32})
        self.one_error(result, 6, rf"{harness.words_of(errno.EROFS)}.*ReadWritePaths=")

    def test_every_output_has_to_be_right(self):
        result = self.run_command(*self.common([f"--output={self.log}", "--output=/nonexistent/beats"]))
        self.one_error(result, 6, "/nonexistent/beats")

    @harness.needs_root
    def test_a_first_beat_that_nothing_takes_fails_the_start(self):
        self.state_on_a_full_disk()
        before = self.everything()
        result = self.run_command(*self.common(["--output=/dev/full"]))
        self.assertEqual(result.code, 1, result)
        state = re.escape(str(self.state))
        waits = "what happens is kept until it can be written"
        self.assertRegex(result.err, rf"\Aheartbeatd: {state}/history: {NO_SPACE}; {waits}\n"
                         rf"heartbeatd: {state}/pulse: {NO_SPACE}; the beats are not stored until it works "
                         rf"again\nheartbeatd: output /dev/full: {NO_SPACE}; nothing took the first beat, "
                         r"the pulse neither\n\Z")
        made = {str(self.state / name) for name in ("lock", "pulse", "history")}
        self.assertEqual(self.everything() - before, made)

    def everything(self):
        return set(harness.tree(self.dir))

    @harness.needs_root
    def test_of_several_outputs_that_all_fail_with_the_pulse_the_first_is_named(self):
        self.state_on_a_full_disk()
        result = self.run_command(*self.common([f"--output={self.state}/beats", "--output=/dev/full"]))
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err, rf"\nheartbeatd: output {self.state}/beats: {NO_SPACE}; nothing else "
                                     r"took the first beat, the pulse neither\n\Z")

    def test_the_pulse_alone_is_enough_for_a_start(self):
        daemon = self.start("--output=/dev/full")
        Report(daemon, "/dev/full").failed(NO_SPACE)
        records.wait_for_pulse(self.state, seq=3)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(daemon.words()), 2, daemon.words())
        self.assertRegex(daemon.words()[1], r"/dev/full still fails: \d+ messages lost from \S+ to \S+\Z")


class Rotation(OutputCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.start_beating(f"--output={self.other}", "--interval=50ms")
        self.wait_for_beats(5)
        self.old = self.log.with_name("beats.1")

    def assert_goes_on(self, *files):
        """Beats go on in the new file, and all files together have every beat once, in whole lines."""
        self.wait_for_beats(5)
        self.assertEqual(self.daemon.stop(), 0)
        numbers = sorted(number for path in [*files, self.log] for number in self.numbers(path))
        self.assertEqual(numbers, self.numbers(self.other))
        self.assertLessEqual(set(self.daemon.words()), {"heartbeatd: reloaded"})

    def test_renamed(self):
        os.rename(self.log, self.old)
        self.assert_goes_on(self.old)
        self.assertEqual(stat.S_IMODE(self.log.stat().st_mode), 0o640)

    def test_removed(self):
        before = len(self.beats(self.other))
        self.log.unlink()
        self.wait_for_beats(5)
        self.assertGreaterEqual(self.numbers(self.log)[0], before)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.daemon.words(), [])

    def test_replaced_by_another_file(self):
        """As by a rename onto the path: the new file keeps what it had, and its mode."""
        fresh = self.log.with_name("fresh")
        fresh.touch()
        fresh.chmod(0o600)
        self.give(fresh)
        os.link(self.log, self.old)
        os.rename(fresh, self.log)
        self.assert_goes_on(self.old)
        self.assertEqual(stat.S_IMODE(self.log.stat().st_mode), 0o600)

    def test_copied_and_truncated(self):
        """Between the copy and the truncation logrotate itself can lose lines: only holes are looked for."""
        shutil.copy(self.log, self.old)
        os.truncate(self.log, 0)
        self.wait_for_beats(5)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertNotIn(b"\0", self.log.read_bytes())
        self.assert_no_torn_lines(self.log)
        self.assertEqual(self.daemon.words(), [])

    def test_reopened_on_sighup(self):
        os.rename(self.log, self.old)
        self.daemon.signal(signal.SIGHUP)
        self.assert_goes_on(self.old)

    def test_replaced_by_a_symlink_is_not_followed(self):
        target = self.give(self.config("", "target"))
        self.old.symlink_to(target)
        os.rename(self.old, self.log)  # at once, for between two calls the daemon may make the file anew
        report = Report(self.daemon, self.log)
        report.failed(harness.words_of(errno.ELOOP))
        self.wait_for_more_beats(3, self.other)
        self.log.unlink()
        report.works_again()
        self.assertEqual(target.read_bytes(), b"")

    def test_a_directory_that_goes_and_comes_back(self):
        gone = self.log.parent.with_name("gone")
        self.daemon.stop()
        inner = self.log.parent / "inner"
        inner.mkdir()
        self.give(inner)
        daemon = self.start(f"--output={inner}/beats", f"--output={self.other}", "--interval=50ms")
        self.wait_for_beats(2, inner / "beats")
        os.rename(inner, gone)
        report = Report(daemon, inner / "beats")
        report.failed(harness.words_of(errno.ENOENT))
        self.wait_for_more_beats(3, self.other)
        os.rename(gone, inner)
        lost, _, _ = report.works_again()
        self.wait_for_more_beats(2, inner / "beats")
        self.assert_loss_is_exact(inner / "beats", lost)


class FullDisk(OutputCase):
    @harness.needs_root
    def test_losses_are_counted_exactly_and_reported_once(self):
        """Twice over, for the second failure is a new one."""
        disk = self.small_disk()
        log = disk / "beats"
        daemon = self.start(f"--output={log}", f"--output={self.other}", "--interval=20ms",
                            "--message=" + "x" * 300 + "%n")
        self.wait_for_beats(3, log)
        for turn in (1, 2):
            filler = harness.fill(disk)
            daemon.wait_for_words(rf"beats: {NO_SPACE}; its messages are lost", times=turn)
            self.wait_for_more_beats(20, self.other)
            filler.unlink()
            daemon.wait_for_words("beats works again", times=turn)
            self.wait_for_more_beats(3, log)
        self.assertEqual(daemon.stop(), 0)
        self.check_losses(daemon, log)

    @harness.needs_root
    def test_standard_output_torn_by_it_begins_a_new_line_also_after_a_reload(self):
        disk = self.small_disk()
        out = disk / "out"
        with open(self.give_new(out), "ab") as stdout:
            daemon = self.start("--output=stdout", f"--output={self.other}", "--interval=20ms",
                                "--message=" + "x" * 300, stdout=stdout)
        self.wait_for_beats(3, out)
        filler = harness.fill(disk)
        daemon.wait_for_words(rf"stdout: {NO_SPACE}")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words("reloaded")
        filler.unlink()
        daemon.wait_for_words("stdout works again")
        self.assertEqual(daemon.stop(), 0)
        glued = [line for line in self.beats(out) if line.count("Z ") > 1]
        self.assertEqual(glued, [])
        self.assertTrue([line for line in self.beats(out) if not line.endswith("x" * 300)], "none was torn")

    def give_new(self, path):
        path.touch()
        return self.give(path)

    def check_losses(self, daemon, log):
        words = daemon.words()
        self.assertEqual(len(words), 4, words)
        self.assertRegex(words[0], rf"\Aheartbeatd: output {log}: {NO_SPACE}; its messages are lost until")
        counts = [int(re.search(r": (\d+) messages? lost", line)[1]) for line in words[1::2]]
        whole = set(re.findall(r"^\S+ x{300}(\d+)$", log.read_text(), re.M))
        every = set(re.findall(r"^\S+ x{300}(\d+)$", self.other.read_text(), re.M))
        self.assertEqual(sum(counts), len(every - whole), words)
        torn = [line for line in self.beats(log) if not re.fullmatch(r"\S+ x{300}\d+", line)]
        self.assertLessEqual(len(torn), 2, "what the full disk tore stands on lines of its own")
        self.check_span(words[1], log, whole, every)

    def check_span(self, words, log, whole, every):
        """From when to when is that of the first stretch of missing beats."""
        beats = re.findall(r"^(\S+) x{300}(\d+)$", self.other.read_text(), re.M)
        times = {number: when for when, number in beats}
        missing = sorted(map(int, every - whole))
        first = [n for i, n in enumerate(missing) if n - missing[0] == i]
        self.assertTrue(words.endswith(f"lost from {times[str(first[0])]} to {times[str(first[-1])]}"),
                        (words, times[str(first[0])], times[str(first[-1])]))

    @harness.needs_root
    def test_a_disk_full_at_the_start_is_a_warning_with_another_output(self):
        disk = self.small_disk()
        filler = harness.fill(disk)
        log = disk / "beats"
        daemon = self.start(f"--output={log}", f"--output={self.other}")
        report = Report(daemon, log)
        report.failed(NO_SPACE)
        self.wait_for_beats(3, self.other)
        filler.unlink()
        lost, _, _ = report.works_again()
        self.wait_for_beats(2, log)
        self.assertEqual(self.numbers(log)[0], lost + 1)

    @harness.needs_root
    def test_a_disk_full_at_the_start_is_a_warning_when_only_the_pulse_takes_the_beat(self):
        disk = self.small_disk()
        filler = harness.fill(disk)
        log = disk / "beats"
        daemon = self.start(f"--output={log}")
        report = Report(daemon, log)
        report.failed(NO_SPACE)
        records.wait_for_pulse(self.state, seq=3)
        self.assertEqual(records.pulse(self.state)["failing"], "1")
        filler.unlink()
        lost, _, _ = report.works_again()
        self.wait_for_beats(2, log)
        self.assertEqual(self.numbers(log)[0], lost + 1)

    def test_a_device_that_is_always_full(self):
        daemon = self.start(f"--output={self.log}", "--output=/dev/full")
        Report(daemon, "/dev/full").failed(NO_SPACE)
        self.wait_for_beats(5)
        self.assertEqual(len(daemon.words()), 1)

    def test_the_status_says_what_is_wrong(self):
        notify = self.notify_socket()
        self.start(f"--output={self.log}", "--output=/dev/full", env={"NOTIFY_SOCKET": notify.address})
        problem = f"output /dev/full: {NO_SPACE}"
        notify.wait_for(rf"^STATUS=1 beat, last at {harness.TIMESTAMP}; {problem} \(1 message lost\)$")
        text = notify.wait_for(r"^STATUS=\d+ beats, ")
        match = re.search(rf"STATUS=(\d+) beats, .*; {problem} \((\d+) messages lost\)$", text, re.M)
        self.assertEqual(match[1], match[2])

    @harness.needs_strace
    def test_an_input_output_error(self):
        """Injected into the writes to this file alone."""
        inject = harness.tracing("write", path=self.log, inject="write:error=EIO:when=3..5")
        daemon = self.start(f"--output={self.log}", f"--output={self.other}", wrapper=inject,
                            env=harness.without_leak_check())
        report = Report(daemon, self.log)
        report.failed(harness.words_of(errno.EIO))
        lost, _, _ = report.works_again()
        self.wait_for_more_beats(2)
        self.assert_loss_is_exact(self.log, lost)


class Readers(OutputCase):
    """Pipes, FIFOs and terminals whose reader does not come, does not read, or goes."""

    def fifo(self):
        path = self.log.with_name("fifo")
        os.mkfifo(path, 0o666)
        path.chmod(0o666)
        return path

    def test_a_fifo_without_a_reader_stops_nothing_and_recovers(self):
        fifo = self.fifo()
        daemon = self.start(f"--output={fifo}", f"--output={self.log}")
        report = Report(daemon, fifo)
        report.failed(".+")
        self.wait_for_beats(4)
        reader = os.open(fifo, os.O_RDONLY)
        self.addCleanup(os.close, reader)
        lost, _, _ = report.works_again()
        text = os.read(reader, 200).decode()
        self.assertRegex(text, rf"\A{harness.TIMESTAMP} heartbeat {lost + 1}\n")

    def test_a_fifo_whose_reader_goes_and_comes_back(self):
        fifo = self.fifo()
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        daemon = self.start(f"--output={fifo}", f"--output={self.log}")
        self.wait_for_beats(3)
        os.close(reader)
        report = Report(daemon, fifo)
        report.failed(".+")
        self.wait_for_more_beats(3)
        reader = os.open(fifo, os.O_RDONLY)
        self.addCleanup(os.close, reader)
        report.works_again()

    def test_a_fifo_without_a_reader_alone_is_a_warning(self):
        """The pulse takes the beats, and the one who comes to read gets the later ones."""
        fifo = self.fifo()
        daemon = self.start(f"--output={fifo}")
        report = Report(daemon, fifo)
        report.failed("nobody reads")
        records.wait_for_pulse(self.state, seq=3)
        reader = os.open(fifo, os.O_RDONLY)
        self.addCleanup(os.close, reader)
        lost, _, _ = report.works_again()
        self.assertGreaterEqual(lost, 3)

    @harness.needs_root
    def test_a_fifo_without_a_reader_alone_fails_the_start_where_the_pulse_fails_too(self):
        self.state_on_a_full_disk()
        fifo = self.fifo()
        result = self.run_command(*self.common([f"--output={fifo}"]))
        self.assertEqual(result.code, 1, result)
        self.assertIn(f"output {fifo}: nobody reads; nothing took the first beat", result.err)

    def beats_past_a_stuck_reader(self, daemon, name):
        report = Report(daemon, name)
        report.failed(".+", seconds=30)
        self.wait_for_more_beats(20)
        self.assertEqual(len(daemon.words()), 1, "said once")
        return report

    def test_a_pipe_on_stdout_that_is_never_read(self):
        """Then it is read: what came through is whole lines, and the loss is exact."""
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        daemon = self.start(f"--output={self.log}", "--output=stdout", "--interval=10ms",
                            "--message=" + "x" * 1000 + " %n", stdout=write)
        report = self.beats_past_a_stuck_reader(daemon, "stdout")
        self.assertTrue(os.get_blocking(write), "O_NONBLOCK would be the caller's too")
        os.close(write)
        chunks = [os.read(read, 1 << 20)]
        lost, _, _ = report.works_again()
        self.assertEqual(daemon.stop(), 0)
        while chunk := os.read(read, 1 << 20):
            chunks.append(chunk)
        lines = b"".join(chunks).decode().split("\n")
        self.assertEqual(lines.pop(), "")
        lines = [line for line in lines if not re.match(harness.WARNING, line)]
        numbers = [int(re.fullmatch(rf"{harness.TIMESTAMP} x{{1000}} (\d+)", line)[1]) for line in lines]
        self.assertEqual(len(set(range(1, numbers[-1] + 1)) - set(numbers)), lost)

    def test_a_fifo_that_is_never_read(self):
        fifo = self.fifo()
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        daemon = self.start(f"--output={self.log}", f"--output={fifo}", "--interval=10ms",
                            "--message=" + "x" * 1000)
        self.beats_past_a_stuck_reader(daemon, fifo)
        self.assertEqual(daemon.stop(), 0)

    def terminal_never_read(self, length, own):
        terminal = self.terminal()
        if own:
            self.give(terminal.path)
        args = [f"--output={self.log}", "--output=stdout", "--interval=10ms", "--message=" + "x" * length]
        with self.start(*args, stdout=terminal.slave) as daemon:
            line = Report(daemon, "stdout").failed(".+", seconds=12)
            self.assertNotIn(NO_SPACE, line, "the reason is another one")
            self.wait_for_more_beats(20)
            self.assertEqual(daemon.stop(), 0)

    def test_a_terminal_that_is_never_read(self):
        """Lines of several lengths, so that the terminal's last room is smaller than a line at some time."""
        for length in (900, 333, 70):
            with self.subTest(length=length):
                self.terminal_never_read(length, own=True)

    @harness.needs_root
    def test_a_terminal_of_another_user_that_is_never_read(self):
        """As after su(1) or sudo(8): it can be written to, but not opened anew."""
        self.terminal_never_read(900, own=False)

    def test_a_stopped_terminal(self):
        """As by Ctrl-S."""
        terminal = self.terminal()
        daemon = self.start(f"--output={self.log}", "--output=stdout", stdout=terminal.slave)
        self.wait_for_beats(2)
        os.write(terminal.master, b"\x13")
        report = Report(daemon, "stdout")
        report.failed(".+")
        self.wait_for_more_beats(5)
        os.write(terminal.master, b"\x11")
        report.works_again()
        self.assertEqual(daemon.stop(), 0)

    def test_a_stderr_that_is_never_read(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"\n" * 4096)
        except BlockingIOError:
            os.set_blocking(write, True)
        daemon = self.start(f"--output={self.log}", "--output=/dev/full", stderr=write)
        self.wait_for_beats(5)
        self.assertEqual(daemon.stop(), 0)

    def test_a_socket_on_stdout_that_is_never_read(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        daemon = self.start(f"--output={self.log}", "--output=stdout", "--interval=10ms",
                            "--message=" + "x" * 1000, stdout=theirs)
        self.beats_past_a_stuck_reader(daemon, "stdout")
        self.assertTrue(theirs.getblocking())
        self.assertEqual(daemon.stop(), 0)

    def test_sigterm_ends_it_while_the_only_output_is_stuck(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        daemon = self.start("--output=stdout", "--interval=10ms", "--message=" + "x" * 1000, stdout=write)
        Report(daemon, "stdout").failed(".+", seconds=30)
        self.assertEqual(daemon.stop(10 if harness.SANITIZED else 2), 0)


class Syslog(OutputCase):
    @harness.needs_root
    def test_messages_reach_syslog(self):
        self.private_dev_and_run()
        log = self.log_socket("/dev/log")
        daemon = self.start("--output=syslog", "--message=I am here %n")
        log.wait_for_text("here 3")
        records = [record for record in log.received if b" gap: " not in record]
        tag = rf"<30>\w+ +\d+ [\d:]+ heartbeatd(\[{daemon.pid}\])?"
        for number, record in enumerate(records[:3], 1):
            self.assertRegex(record.decode(), rf"\A{tag}: I am here {number}\n?\Z")  # as the libc has it

    @harness.needs_root
    def test_no_syslog_is_an_error_where_nothing_else_takes_the_beat(self):
        self.private_dev_and_run()
        self.state_on_a_full_disk()
        result = self.run_command(*self.common(["--output=syslog"]))
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err, r"\nheartbeatd: output syslog: there is none on this host, [^\n]*; "
                                     r"nothing took the first beat, the pulse neither\n\Z")

    @harness.needs_root
    def test_no_syslog_is_a_warning_with_another_output_and_recovers(self):
        self.private_dev_and_run()
        daemon = self.start("--output=syslog", f"--output={self.log}")
        report = Report(daemon, "syslog")
        report.failed(".+")
        self.wait_for_beats(3)
        log = self.log_socket("/dev/log")
        lost, _, _ = report.works_again()
        log.wait_for_text(rf"heartbeat {lost + 1}\b")

    @harness.needs_root
    def test_a_syslog_that_never_reads_stops_nothing(self):
        self.private_dev_and_run()
        self.log_socket("/dev/log", reading=False)
        daemon = self.start("--output=syslog", f"--output={self.log}", "--interval=10ms")
        Report(daemon, "syslog").failed(".+")
        self.wait_for_more_beats(20)
        self.assertEqual(daemon.stop(10 if harness.SANITIZED else 2), 0)

    @harness.needs_root
    def test_a_syslog_of_the_stream_kind_that_never_reads_stops_nothing(self):
        """As some configurations of syslog-ng have it; libc falls back to it by itself."""
        self.private_dev_and_run()
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(server.close)
        server.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        server.listen(0)
        daemon = self.start("--output=syslog", f"--output={self.log}", "--interval=10ms",
                            "--message=" + "x" * 1000)
        self.wait_for_beats(1)
        self.wait_for_more_beats(400)
        self.assertEqual(daemon.stop(10 if harness.SANITIZED else 2), 0)

    @harness.needs_root
    def test_a_restarted_syslog_is_found_again(self):
        self.private_dev_and_run()
        first = self.log_socket("/dev/log")
        self.start("--output=syslog", f"--output={self.log}")
        first.wait_for(2)
        pathlib.Path("/dev/log").unlink()
        first.server.shutdown(socket.SHUT_RDWR)
        first.server.close()
        self.log_socket("/dev/log").wait_for_text("heartbeat")

    @harness.needs_root
    def test_own_words_go_to_syslog_after_fork(self):
        self.private_dev_and_run()
        log = self.log_socket("/dev/log")
        self.fork(f"--output={self.log}", f"--output={self.other}")
        self.log.unlink()
        self.log.symlink_to(self.other)
        record = log.wait_for_text("messages are lost").decode()
        why = harness.words_of(errno.ELOOP)
        self.assertRegex(record, rf"\A<28>\w+ +\d+ [\d:]+ heartbeatd\[?.*: output {self.log}: {why}; its")


class Journal(OutputCase):
    """A socket that plays journald: the native protocol of systemd's documentation."""

    FIELDS = {"MESSAGE": r"heartbeat \d+", "PRIORITY": "6", "MESSAGE_ID": "d1ff8d0b2c834e1ab9a8a7bd0e9e4c11",
              "SYSLOG_IDENTIFIER": "heartbeatd", "HEARTBEAT_SEQ": r"\d+", "HEARTBEAT_DUE_USEC": r"\d+",
              "HEARTBEAT_LATE_USEC": r"\d+", "HEARTBEAT_MISSED": r"\d+", "HEARTBEAT_INTERVAL_USEC": "100000"}

    def journal(self, **options):
        return self.log_socket("/run/systemd/journal/socket", **options)

    @staticmethod
    def fields(entry):
        """An entry's fields; a value with a newline would come with a length of 64 bits before it."""
        fields = {}
        while entry:
            line, _, entry = entry.partition(b"\n")
            if b"=" in line:
                key, _, value = line.partition(b"=")
            else:
                key, length = line, int.from_bytes(entry[:8], "little")
                value, entry = entry[8:8 + length], entry[9 + length:]
            fields[key.decode()] = value.decode()
        return fields

    @harness.needs_root
    @harness.needs_libsystemd
    def test_beats_are_structured(self):
        self.private_dev_and_run()
        journal = self.journal()
        self.start("--output=journal")
        journal.wait_for_text("HEARTBEAT_SEQ=3")
        entries = [entry for entry in map(self.fields, journal.received) if "HEARTBEAT_SEQ" in entry]
        for number, entry in enumerate(entries[:3], 1):
            for key, pattern in self.FIELDS.items():
                self.assertRegex(entry.get(key, "(none)"), rf"\A{pattern}\Z", key)
            self.assertEqual(entry["HEARTBEAT_SEQ"], str(number))
            self.assertEqual(entry["MESSAGE"], f"heartbeat {number}")
        self.assertEqual(entries[0]["HEARTBEAT_MISSED"], "0")

    @harness.needs_root
    @harness.needs_libsystemd
    def test_missed_beats_are_in_the_fields(self):
        self.private_dev_and_run()
        journal = self.journal()
        daemon = self.start("--output=journal")
        journal.wait_for(3)
        daemon.pause()
        before = len(journal.received)
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 0.65, "it is stopped")
        daemon.signal(signal.SIGCONT)
        journal.wait_for_text("process-stopped")
        entries = [self.fields(entry) for entry in journal.wait_for(before + 6)]
        beats = [entry for entry in entries if "HEARTBEAT_SEQ" in entry]
        missed = [int(entry["HEARTBEAT_MISSED"]) for entry in beats]
        due = [int(entry["HEARTBEAT_DUE_USEC"]) for entry in beats]
        self.assertGreaterEqual(max(missed), 4)
        for i in range(1, len(due)):
            self.assertEqual(due[i] - due[i - 1], (missed[i] + 1) * 100_000)

    GAP = {"MESSAGE": r"gap: \d+ beats missed, .+ without one: process-stopped \(a SIGCONT ended a stop\)",
           "PRIORITY": "4", "MESSAGE_ID": "c3378d648c7b4d1f952a085735da6e5b",
           "SYSLOG_IDENTIFIER": "heartbeatd", "HEARTBEAT_GAP_CAUSE": "process-stopped",
           "HEARTBEAT_GAP_CONFIDENCE": "high", "HEARTBEAT_GAP_HOST": "up",
           "HEARTBEAT_GAP_EVIDENCE": "a SIGCONT ended a stop",
           "HEARTBEAT_GAP_MISSED": r"\d+", "HEARTBEAT_GAP_LASTED_USEC": r"\d+",
           "HEARTBEAT_GAP_FROM_USEC": r"\d+", "HEARTBEAT_GAP_TO_USEC": r"\d+"}

    @harness.needs_root
    @harness.needs_libsystemd
    def test_a_gap_is_an_entry_of_its_own(self):
        """With the figures that the history has, before the beat that ends it."""
        self.private_dev_and_run()
        journal = self.journal()
        daemon = self.start("--output=journal")
        journal.wait_for(3)
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 0.65, "it is stopped")
        daemon.signal(signal.SIGCONT)
        journal.wait_for_text("GAP_CAUSE=process-stopped")
        self.assertEqual(daemon.stop(), 0)
        entries = [self.fields(entry) for entry in journal.received]
        at = next(i for i, entry in enumerate(entries)
                  if entry.get("HEARTBEAT_GAP_CAUSE") == "process-stopped")
        gap = entries[at]
        self.assertEqual(set(gap), set(self.GAP))
        for key, pattern in self.GAP.items():
            self.assertRegex(gap[key], rf"\A{pattern}\Z", key)
        gaps = records.events(self.state, "gap")
        line = next(event for event in gaps if event["cause"] == "process-stopped")
        for key in ("missed", "lasted", "from", "to"):
            name = f"HEARTBEAT_GAP_{key.upper()}" + ("" if key == "missed" else "_USEC")
            self.assertEqual(gap[name], line[key])
        self.assertEqual(entries[at + 1]["HEARTBEAT_MISSED"], line["missed"])

    @harness.needs_root
    @harness.needs_libsystemd
    def test_figures_of_a_gap_that_nobody_knows_are_unknown(self):
        """The catalog has a place for each of them."""
        self.private_dev_and_run()
        journal = self.journal()
        self.give(self.config("garbage\n", "state/pulse"))
        self.start("--output=journal")
        gap = self.fields(journal.wait_for_text("GAP_CAUSE="))
        self.assertEqual(set(gap), set(self.GAP))
        self.assertEqual((gap["HEARTBEAT_GAP_CAUSE"], gap["HEARTBEAT_GAP_CONFIDENCE"],
                          gap["HEARTBEAT_GAP_HOST"]), ("unknown", "low", "unknown"))
        for key in ("MISSED", "LASTED_USEC", "FROM_USEC", "TO_USEC"):
            self.assertEqual(gap[f"HEARTBEAT_GAP_{key}"], "unknown")

    @harness.needs_root
    @harness.needs_libsystemd
    def test_a_journal_is_told_of_no_gap_with_the_plain_format(self):
        self.private_dev_and_run()
        journal = self.journal()
        daemon = self.start("--output=journal", "--format=plain")
        journal.wait_for(2)
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 0.65, "it is stopped")
        daemon.signal(signal.SIGCONT)
        records.wait_for_gap(self.state, "process-stopped")
        entries = [self.fields(entry) for entry in journal.wait_for(len(journal.received) + 2)]
        self.assertEqual({entry["MESSAGE_ID"] for entry in entries}, {self.FIELDS["MESSAGE_ID"]})

    @harness.needs_root
    @harness.needs_libsystemd
    def test_no_journal_is_an_error_where_nothing_else_takes_the_beat(self):
        self.private_dev_and_run()
        self.state_on_a_full_disk()
        result = self.run_command(*self.common(["--output=journal"]))
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.err, r"\nheartbeatd: output journal: there is none on this host, [^\n]*; "
                                     r"nothing took the first beat, the pulse neither\n\Z")

    @harness.needs_root
    @harness.needs_libsystemd
    def test_no_journal_is_a_warning_with_another_output_and_recovers(self):
        self.private_dev_and_run()
        daemon = self.start("--output=journal", f"--output={self.log}")
        report = Report(daemon, "journal")
        report.failed(".+")
        self.wait_for_beats(3)
        journal = self.journal()
        lost, _, _ = report.works_again()
        self.assertEqual(self.fields(journal.wait_for(1)[0])["HEARTBEAT_SEQ"], str(lost + 1))

    @harness.needs_root
    @harness.needs_libsystemd
    def test_a_journal_that_never_reads_stops_nothing(self):
        self.private_dev_and_run()
        self.journal(reading=False)
        daemon = self.start("--output=journal", f"--output={self.log}", "--interval=10ms")
        Report(daemon, "journal").failed(".+")
        self.wait_for_more_beats(20)
        self.assertEqual(daemon.stop(10 if harness.SANITIZED else 2), 0)

    @harness.needs_root
    @harness.needs_libsystemd
    def test_the_default_when_stderr_is_connected_to_the_journal(self):
        self.private_dev_and_run()
        journal = self.journal()
        for name in ("stdout", "stderr"):
            with self.subTest(name):
                read, write = os.pipe()
                self.addCleanup(os.close, read)
                info = os.fstat(write)
                before = len(journal.received)
                daemon = self.start(env={"JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"}, **{name: write})
                journal.wait_for(before + 2)
                self.assertEqual(daemon.stop(), 0)
                self.assertEqual(daemon.stdout.read_text(), "")
                os.close(write)

    def test_a_journal_stream_of_somebody_else_is_not_believed(self):
        for value in ("1:1", "garbage", "", "99999999999999999999:1", ":", "1:2:3"):
            with self.subTest(value):
                daemon = self.start(env={"JOURNAL_STREAM": value})
                self.wait_for_beats(1, daemon.stdout)
                self.assertEqual(daemon.stop(), 0)

    def test_words_carry_their_level_when_stderr_is_the_journal(self):
        path = self.give(self.config("", "stream"))
        with open(path, "wb") as stream:
            info = os.fstat(stream.fileno())
            self.start(f"--output={self.log}", "--output=/dev/full", stderr=stream,
                       env={"JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"})
        line = harness.wait_until(lambda: harness.lines_of(path), 10, "a word on stderr")[0]
        self.assertRegex(line, rf"\A<4>output /dev/full: {NO_SPACE}; its")


class Reload(OutputCase):
    """SIGHUP: what changes, what does not, and that anything wrong refuses all of it."""

    def reload(self, daemon, text):
        self.config(text)
        daemon.signal(signal.SIGHUP)

    def start_with(self, text):
        path = self.config(text)
        return self.start(f"--config={path}")

    def conf(self, *lines):
        return "\n".join(["[Heartbeat]", "Interval=50ms", *lines, ""])

    def test_everything_in_the_file_changes(self):
        daemon = self.start_with(self.conf(f"Output={self.log}"))
        self.wait_for_beats(2)
        self.reload(daemon, self.conf(f"Output={self.other}", "Message=new %n", "Format=plain",
                                      "Interval=20ms"))
        beats = self.wait_for_beats(3, self.other)
        numbers = [int(line.removeprefix("new ")) for line in beats]
        self.assertGreater(numbers[0], 2, "one run, one count")
        self.assertEqual(numbers[0], self.numbers(self.log)[-1] + 1)
        self.assertNotIn(str(self.log), harness.proc_fds(daemon.pid).values())
        self.assertEqual(daemon.stop(), 0)

    def test_a_bad_file_changes_nothing_and_is_named(self):
        daemon = self.start_with(self.conf(f"Output={self.log}"))
        self.wait_for_beats(2)
        for text, error in ((self.conf("Interval=0"), r"heartbeatd\.conf:3: Interval: "),
                            (self.conf("Output=/nonexistent/x", "Message=new"), "/nonexistent/x"),
                            ("Message=new\n", r"heartbeatd\.conf:1: ")):
            with self.subTest(text):
                self.reload(daemon, text)
                daemon.wait_for_words(error)
                beats = self.wait_for_more_beats(2)
                self.assertRegex(beats[-1], r"Z heartbeat \d+\Z")
        self.assertEqual(len(daemon.words()), 3, daemon.words())

    def test_another_state_directory_is_reported_and_ignored(self):
        self.state_dir_in_config = True
        daemon = self.start_with(self.conf(f"Output={self.log}", f"StateDir={self.state}"))
        self.wait_for_beats(2)
        other = self.make_directory("state2")
        self.reload(daemon, self.conf(f"Output={self.other}", f"StateDir={other}"))
        daemon.wait_for_words("StateDir")
        self.wait_for_beats(2, self.other)
        self.assertEqual(list(other.iterdir()), [])

    def test_the_command_line_still_wins(self):
        path = self.config(self.conf("Message=one %n"))
        daemon = self.start(f"--config={path}", f"--output={self.log}", "--format=plain")
        self.wait_for_beats(2)
        self.reload(daemon, self.conf("Message=two %n", f"Output={self.other}", "Format=full"))
        harness.wait_until(lambda: any(b.startswith("two ") for b in self.beats()), 10, "the new message")
        self.assertFalse(self.other.exists())

    def test_a_new_interval_starts_from_the_last_due_instant(self):
        daemon = self.start_with(self.conf(f"Output={self.log}", "Interval=1d"))
        self.wait_for_beats(1)
        self.reload(daemon, self.conf(f"Output={self.log}", "Interval=100ms"))
        moments = [harness.moment(line.split()[0]) for line in self.wait_for_beats(9)]
        phases = sorted((moment - moments[0] + 2000) % 100_000 for moment in moments[1:])
        self.assertLess(phases[2], 30_000, phases)
        self.assertEqual(self.numbers(self.log)[:9], list(range(1, 10)))

    @harness.needs_root
    @harness.needs_libsystemd
    def test_nothing_is_missed_by_a_reload(self):
        """As the journal's fields have it, also where the new interval is much shorter than the old one."""
        self.private_dev_and_run()
        journal = self.log_socket("/run/systemd/journal/socket")
        daemon = self.start_with(self.conf("Output=journal", "Interval=300ms"))
        journal.wait_for(2)
        self.reload(daemon, self.conf("Output=journal", "Interval=20ms"))
        entries = [entry for entry in map(Journal.fields, journal.wait_for(16)) if "HEARTBEAT_SEQ" in entry]
        due = [int(entry["HEARTBEAT_DUE_USEC"]) for entry in entries]
        change = next(i for i, entry in enumerate(entries) if entry["HEARTBEAT_INTERVAL_USEC"] == "20000")
        self.assertEqual(entries[change]["HEARTBEAT_MISSED"], "0")
        self.assertEqual((due[change] - due[change - 1]) % 20_000, 0, "counted from the last due instant")

    def test_a_full_reload_under_way_does_not_lose_sigterm(self):
        daemon = self.start_with(self.conf(f"Output={self.log}"))
        self.wait_for_beats(1)
        for _ in range(20):
            daemon.signal(signal.SIGHUP)
        self.assertEqual(daemon.stop(), 0)


class Privileges(OutputCase):
    @harness.needs_root
    def test_a_file_made_unwritable_fails_and_recovers(self):
        """Opened anew after a rotation, as an unprivileged daemon would."""
        inner = self.log.parent / "inner"
        inner.mkdir()
        self.give(inner)
        daemon = self.start(f"--output={inner}/beats", f"--output={self.other}", "--interval=50ms")
        self.wait_for_beats(2, inner / "beats")
        os.chown(inner, 0, 0)
        os.rename(inner / "beats", inner / "beats.1")
        report = Report(daemon, inner / "beats")
        report.failed(harness.words_of(errno.EACCES))
        self.give(inner)
        report.works_again()
        self.assertEqual(daemon.stop(), 0)
