# SPDX-License-Identifier: MIT
"""--ready-fd: a newline when the daemon is ready, and the end of the file without one when it is not."""

import os
import re
import select

import harness


class ReadyFd(harness.Case):
    def setUp(self):
        super().setUp()
        self.reader, self.writer = os.pipe()
        self.addCleanup(os.close, self.reader)

    def start_telling(self, *args, fd=7, **options):
        """Starts a daemon that has the writing end, and nobody else has it, as descriptor `fd`."""
        daemon = self.start(f"--ready-fd={fd}", *args, pass_fds=(fd,), **options,
                            preexec_fn=lambda: os.dup2(self.writer, fd))
        self.close_writer()
        return daemon

    def close_writer(self):
        os.close(self.writer)

    def told(self, seconds=10):
        """What has been written up to the end of the file; fails when neither comes."""
        text = b""
        while True:
            readable, _, _ = select.select([self.reader], [], [], seconds)
            self.assertTrue(readable, f"the descriptor is still open; it has told {text!r}")
            part = os.read(self.reader, 16)
            text += part
            if not part:
                return text

    def test_a_newline_comes_with_the_first_beat_and_the_descriptor_is_closed(self):
        daemon = self.start_telling(f"--output={self.log}")
        self.assertEqual(self.told(), b"\n")
        self.assertGreaterEqual(len(self.beats()), 1, "ready only after a beat")
        self.assertNotIn(7, harness.proc_fds(daemon.pid))
        self.wait_for_more_beats()
        self.assertEqual(daemon.stop(), 0)

    @harness.needs_strace
    def test_it_is_told_after_the_first_message_is_written(self):
        trace = self.make_directory("trace") / "calls"
        self.start_telling("--output=stdout", wrapper=harness.tracing("write,pwrite64", trace))
        # To the end of its line; the tracer, too, has the descriptor, and no end of the file comes.
        harness.wait_until(lambda: [line for line in harness.lines_of(trace) if "write(7," in line], 20, "it")
        lines = harness.lines_of(trace)
        message = next(i for i, line in enumerate(lines) if re.search(r"write\(1, ", line))
        pulse = next(i for i, line in enumerate(lines) if re.search(r'pwrite64\(\d+, "v=1 run=', line))
        told = next(i for i, line in enumerate(lines) if re.search(r'write\(7, "\\n", 1\) += 1', line))
        self.assertLess(message, pulse)
        self.assertLess(pulse, told)

    def assert_refused(self, argument, code):
        self.reader, self.writer = os.pipe()
        self.addCleanup(os.close, self.reader)
        daemon = self.start_telling(argument)
        self.assertEqual(self.told(), b"")
        self.assertEqual(daemon.ended(), code)

    def test_a_start_that_is_refused_ends_without_a_newline(self):
        for argument in ("--output=/nowhere/x", f"--state-dir={self.dir}/none"):
            with self.subTest(argument):
                self.assert_refused(argument, 6)

    @harness.needs_root
    def test_a_first_beat_that_nothing_takes_is_told_by_no_newline(self):
        self.state_on_a_full_disk()
        self.assert_refused("--output=/dev/full", 1)

    def test_a_first_beat_that_only_the_pulse_takes_is_ready_too(self):
        daemon = self.start_telling("--output=/dev/full")
        self.assertEqual(self.told(), b"\n")
        daemon.wait_for_words("output /dev/full: ")
        self.assertEqual(daemon.stop(), 0)

    def test_nobody_who_reads_is_a_warning_and_the_beats_go_on(self):
        os.close(self.reader)
        self.reader = os.open("/dev/null", os.O_RDONLY)  # for the cleanup
        daemon = self.start_telling(f"--output={self.log}")
        daemon.wait_for_words(r"descriptor 7 of --ready-fd: Broken pipe")
        self.wait_for_beats(3)
        self.assertEqual(daemon.stop(), 0)

    def test_a_full_pipe_is_not_waited_for(self):
        os.set_blocking(self.writer, False)
        try:
            while True:
                os.write(self.writer, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(self.writer, True)
        daemon = self.start_telling(f"--output={self.log}")
        daemon.wait_for_words(r"descriptor 7 of --ready-fd: Resource temporarily unavailable")
        self.wait_for_beats(3)

    def test_a_regular_file_takes_the_newline(self):
        path = self.give(self.config("", "ready"))
        os.close(self.writer)
        self.writer = os.open(path, os.O_WRONLY | os.O_APPEND)
        self.start_telling(f"--output={self.log}")
        harness.wait_until(lambda: path.read_bytes() == b"\n", 10, "the newline is in the file")

    def test_a_reload_tells_nothing_again(self):
        path = self.config(f"[Heartbeat]\nOutput={self.log}\nInterval=100ms\n")
        daemon = self.start_telling(f"--config={path}")
        self.assertEqual(self.told(), b"\n")
        daemon.signal(1)
        daemon.wait_for_words(r"reloaded")
        self.wait_for_more_beats()
        self.assertEqual([words for words in daemon.words() if "ready" in words], [])

    def test_without_a_descriptor_to_write_to_the_beats_go_on(self):
        """A supervisor may have it for the first start only; the beats matter more."""
        for fd, inherited in ((7, ()), (self.reader, (self.reader,))):
            with self.subTest(fd):
                daemon = self.start(f"--ready-fd={fd}", f"--output={self.log}", pass_fds=inherited)
                daemon.wait_for_words(f'--ready-fd: "{fd}": is not open for writing; nobody is told')
                self.wait_for_more_beats()
                self.assertEqual(daemon.stop(), 0)
        self.close_writer()

    def test_a_check_of_the_configuration_takes_the_option_and_tells_nothing(self):
        result = self.run_command("--check-config", "--ready-fd=7", "--config=/dev/null")
        self.assertEqual((result.code, result.out, result.err), (0, "", ""))
        self.close_writer()
