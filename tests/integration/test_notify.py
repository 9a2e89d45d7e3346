# SPDX-License-Identifier: MIT
"""A notify socket that plays the service manager: what it is told, when, and that it is never waited for."""

import errno
import os
import re
import signal
import socket
import time

import harness
import records

STATUS = rf"\d+ beats?, last at {harness.TIMESTAMP}"
QUICK = 10 if harness.SANITIZED else 1.5  # seconds; "within a second", and a little for a loaded machine


class NotifyCase(harness.Case):
    def start_notifying(self, notify, *args, **more_env):
        env = {"NOTIFY_SOCKET": notify.address, **{key: str(value) for key, value in more_env.items()}}
        return self.start(f"--output={self.log}", *args, env=env)

    @staticmethod
    def lines(text):
        return text.rstrip("\n").split("\n")


class Ready(NotifyCase):
    def assert_ready(self, address):
        notify = self.notify_socket(address)
        daemon = self.start_notifying(notify)
        first = sorted(self.lines(notify.wait_for(".")))
        self.assertEqual([first[0], first[2]], ["READY=1", "WATCHDOG=1"])
        self.assertRegex(first[1], rf"\ASTATUS=1 beats?, last at {harness.TIMESTAMP}\Z")
        self.assertEqual(len(first), 3)
        self.assertEqual(daemon.stop(), 0)
        notify.wait_for("^STOPPING=1$")
        self.assertEqual(notify.count("READY=1"), 1)
        self.assertEqual(notify.count("STOPPING=1"), 1)
        self.assertIn("STOPPING=1", notify.texts()[-1])

    def test_by_path(self):
        self.assert_ready(self.dir / "notify")

    def test_by_abstract_name(self):
        self.assert_ready(f"@{self.dir.name}")

    def test_by_an_abstract_name_of_the_greatest_length(self):
        """That libsystemd 252 takes: the kernel has room for one byte more."""
        self.assert_ready(f"@{self.dir.name}".ljust(107, "x"))

    def test_by_a_path_of_the_greatest_length(self):
        room = 107 - len(str(self.dir)) - 1
        self.assert_ready(self.dir / ("n" * room))

    def test_the_first_beat_is_written_before_ready_is_said(self):
        """The file is looked at as soon as READY=1 is there, many times."""
        for _ in range(10):
            address = self.dir / f"notify{time.monotonic_ns()}"
            notify = self.notify_socket(address, reading=False)
            daemon = self.start_notifying(notify, "--interval=1d")
            self.assertIn("READY=1", notify.socket.recv(4096).decode())
            self.assertEqual(len(self.beats()), 1, "READY=1 before the first beat")
            self.assertEqual(daemon.stop(), 0)
            self.log.unlink()

    def test_the_message_comes_from_the_main_process(self):
        notify = self.notify_socket(reading=False)
        notify.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        daemon = self.start_notifying(notify, "--interval=1d")
        _, control, _, _ = notify.socket.recvmsg(4096, 256)
        self.assertEqual(int.from_bytes(control[0][2][:4], "little"), daemon.pid)

    def test_the_status_follows_the_beats(self):
        notify = self.notify_socket()
        self.start_notifying(notify, "--interval=50ms")
        text = notify.wait_for(r"STATUS=([2-9]|\d\d+) beats")
        number, when = re.search(rf"STATUS=(\d+) beats, last at ({harness.TIMESTAMP})", text).groups()
        self.assertIn(f"{when} heartbeat {number}", self.beats())

    def test_the_status_names_the_last_gap(self):
        """From the run before, and then the one that this run has had since, also after a reload."""
        first = self.start_beating("--interval=100ms")
        records.wait_for_pulse(self.state)
        first.signal(signal.SIGKILL)
        first.ended()
        notify = self.notify_socket()
        daemon = self.start_notifying(notify, "--interval=100ms")
        text = notify.wait_for("^READY=1$")
        last = rf"last gap: service-killed, (\d+) beats? missed, until ({harness.TIMESTAMP})"
        missed, until = re.search(rf"^STATUS=1 beat, last at \S+; {last}$", text, re.M).groups()
        gap = records.wait_for_event(self.state, "gap")
        self.assertEqual((gap["missed"], gap["t"]), (missed, until))
        self.wait_for_more_beats(2)
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", 0.6, "it is stopped")
        daemon.signal(signal.SIGCONT)
        last = r"last gap: process-stopped, (\d+) beats missed, until (\S+)"
        status = rf"^STATUS=\d+ beats, last at \S+; {last}$"
        match = re.search(status, notify.wait_for(status), re.M)
        told = [(gap["cause"], gap["missed"], gap["t"]) for gap in records.events(self.state, "gap")]
        self.assertIn(("process-stopped", *match.groups()), told)
        before = len(notify.received)
        daemon.signal(signal.SIGHUP)
        self.assertRegex(notify.wait_for("^READY=1$", after=before), "; last gap: ")

    def test_at_most_one_message_a_second(self):
        """Half a second is let pass, for the reader may be late for one and in time for the next."""
        notify = self.notify_socket()
        self.start_notifying(notify, "--interval=20ms")
        harness.wait_until(lambda: len(notify.received) >= 4, 15, "four messages")
        times = [when for when, _ in notify.received]
        self.assertGreater(times[3] - times[0], 2.5)


class WithoutLibsystemd(NotifyCase):
    def test_it_says_if_it_cannot_notify_and_beats(self):
        daemon = self.start(f"--output={self.log}", env={"NOTIFY_SOCKET": "/nonexistent"})
        self.wait_for_beats(2)
        words = [line for line in daemon.words() if "without libsystemd" in line]
        self.assertEqual(len(words), 0 if harness.has_libsystemd() else 1, daemon.words())
        self.assertEqual(daemon.stop(), 0)


class Watchdog(NotifyCase):
    def test_fed_by_beats(self):
        notify = self.notify_socket()
        self.start_notifying(notify, "--interval=100ms", WATCHDOG_USEC=2_000_000)
        harness.wait_until(lambda: notify.count("WATCHDOG=1") >= 4, 15, "four times WATCHDOG=1")
        times = notify.times("WATCHDOG=1")
        self.assertLess((times[3] - times[0]) / 3, 2, "too seldom for this watchdog")

    def test_a_watchdog_shorter_than_the_interval_is_fed(self):
        self.assert_fed_often_enough("--interval=30s", 1_000_000)

    def test_a_watchdog_shorter_than_two_intervals_is_fed(self):
        self.assert_fed_often_enough("--interval=700ms", 1_000_000)

    def assert_fed_often_enough(self, interval, usec):
        """On average: a single feed may be late on a shared machine."""
        notify = self.notify_socket()
        self.start_notifying(notify, interval, WATCHDOG_USEC=usec)
        harness.wait_until(lambda: notify.count("WATCHDOG=1") >= 6, 20, "six times WATCHDOG=1")
        times = notify.times("WATCHDOG=1")
        self.assertLess((times[5] - times[0]) / 5, usec / 1e6 * 0.9)

    def test_not_fed_while_stopped(self):
        notify = self.notify_socket()
        daemon = self.start_notifying(notify, "--interval=100ms", WATCHDOG_USEC=500_000)
        notify.wait_for("WATCHDOG=1")
        daemon.pause()
        harness.wait_until(lambda: time.monotonic() - notify.received[-1][0] > 0.3, 5, "the queue is read")
        before = len(notify.received)
        harness.hold(lambda: len(notify.received) == before, 1.5, "silence while stopped")
        daemon.signal(signal.SIGCONT)
        harness.wait_until(lambda: len(notify.received) > before, 5, "fed again")

    @harness.needs_strace
    def test_not_fed_while_a_write_hangs(self):
        """The fifth write to the file is held up for ever: then it is the watchdog's turn."""
        notify = self.notify_socket()
        hang = harness.tracing("write", path=self.log, inject="write:delay_enter=60s:when=5+")
        env = {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "400000", **harness.without_leak_check()}
        self.start(f"--output={self.log}", "--interval=100ms", env=env, wrapper=hang)
        self.wait_for_beats(4)
        harness.wait_until(lambda: time.monotonic() - notify.received[-1][0] > 1.5, 15, "silence")
        self.assertEqual(len(self.beats()), 4)

    def test_a_watchdog_of_another_process_is_not_fed_more_often(self):
        """WATCHDOG_PID names the test: then WATCHDOG_USEC is not meant for the daemon."""
        notify = self.notify_socket()
        self.start_notifying(notify, "--interval=20s", WATCHDOG_USEC=400_000, WATCHDOG_PID=os.getpid())
        notify.wait_for("READY=1")
        harness.hold(lambda: len(notify.received) == 1, 1.5, "nothing after READY=1")

    def test_its_own_pid_is_believed(self):
        notify = self.notify_socket()
        own_pid = ["sh", "-c", 'WATCHDOG_PID=$$; export WATCHDOG_PID; exec "$0" "$@"']
        env = {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "400000"}
        self.start(f"--output={self.log}", "--interval=20s", env=env, wrapper=own_pid)
        harness.wait_until(lambda: notify.count("WATCHDOG=1") >= 5, 15, "fed between beats")

    def test_bad_values_are_survived(self):
        for usec in ("0", "-1", "garbage", "", "99999999999999999999999", "1"):
            with self.subTest(usec):
                notify = self.notify_socket(self.dir / f"notify{time.monotonic_ns()}")
                daemon = self.start_notifying(notify, WATCHDOG_USEC=usec)
                notify.wait_for("READY=1")
                self.wait_for_more_beats(3)
                self.assertEqual(daemon.stop(), 0)


class ReloadProtocol(NotifyCase):
    def reload(self, daemon, notify):
        """The datagrams of one reload: RELOADING=1 and the READY=1 after it."""
        before = len(notify.received)
        earliest = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        daemon.signal(signal.SIGHUP)
        reloading = self.lines(notify.wait_for("^RELOADING=1$", after=before))
        notify.wait_for("^READY=1$", after=before)
        latest = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        stamp = next(line for line in reloading if line.startswith("MONOTONIC_USEC="))
        self.assertLessEqual(earliest, int(stamp.partition("=")[2]))
        self.assertLessEqual(int(stamp.partition("=")[2]), latest)
        texts = notify.texts()[before:]
        order = [next(i for i, text in enumerate(texts) if word in self.lines(text))
                 for word in ("RELOADING=1", "READY=1")]
        self.assertLess(order[0], order[1])
        return texts[order[1]]

    def test_reloading_then_ready(self):
        notify = self.notify_socket()
        path = self.config("[Heartbeat]\nInterval=100ms\n")
        daemon = self.start_notifying(notify, f"--config={path}")
        notify.wait_for("READY=1")
        for _ in range(3):
            self.assertRegex(self.reload(daemon, notify), "STATUS=")
        self.assertEqual(daemon.stop(), 0)

    def test_ready_is_said_after_a_bad_config_too(self):
        notify = self.notify_socket()
        path = self.config("[Heartbeat]\nInterval=100ms\n")
        daemon = self.start_notifying(notify, f"--config={path}")
        notify.wait_for("READY=1")
        self.config("[Heartbeat]\nInterval=0\n")
        self.reload(daemon, notify)
        daemon.wait_for_words(r"heartbeatd\.conf:2: Interval: ")
        self.wait_for_more_beats(2)
        self.assertEqual(daemon.stop(), 0)


class Stopping(NotifyCase):
    def failed_start(self, code, *args, user=None):
        notify = self.notify_socket(self.dir / f"notify{time.monotonic_ns()}")
        result = self.run_command(*self.common(args), env={"NOTIFY_SOCKET": notify.address}, user=user)
        self.assertEqual(result.code, code, result)
        text = self.lines(notify.wait_for("STOPPING=1"))
        self.assertEqual(notify.count("READY=1"), 0)
        status = next(line for line in text if line.startswith("STATUS="))
        self.assertIn(status.removeprefix("STATUS="), result.err)
        return int(next(line for line in text if line.startswith("ERRNO=")).removeprefix("ERRNO="))

    def test_a_failed_start_says_why(self):
        bad = self.config("[Heartbeat]\nInterval=0\n")
        self.assertEqual(self.failed_start(6, f"--output={self.dir}/none/x"), 2)
        self.assertGreater(self.failed_start(6, f"--config={bad}"), 0)
        self.assertGreater(self.failed_start(2, "--interval=0"), 0)

    @harness.needs_root
    def test_a_start_whose_first_beat_nothing_takes_says_why(self):
        self.state_on_a_full_disk()
        self.assertEqual(self.failed_start(1, "--output=/dev/full"), errno.ENOSPC)

    def test_a_start_whose_beat_only_the_pulse_takes_is_ready_and_says_what_fails(self):
        notify = self.notify_socket()
        daemon = self.start("--output=/dev/full", env={"NOTIFY_SOCKET": notify.address})
        text = notify.wait_for("^READY=1$")
        self.assertRegex(text, r"(?m)^STATUS=1 beat, last at \S+; output /dev/full: .+ \(1 message lost\)$")
        self.assertEqual(daemon.stop(), 0)

    def test_a_second_start_says_so(self):
        self.start_beating()
        self.assertGreater(self.failed_start(150, f"--output={self.log}"), 0)

    def test_questions_and_help_say_nothing(self):
        notify = self.notify_socket()
        for args in (["--help"], ["--version"], ["--check-config"], ["--print-config"],
                     ["--running", f"--state-dir={self.state}"], ["--stop", f"--state-dir={self.state}"]):
            self.run_command(*args, env={"NOTIFY_SOCKET": notify.address})
        harness.hold(lambda: not notify.received, 0.3, "nothing said")

    def test_a_closed_terminal_is_a_way_out_too(self):
        notify = self.notify_socket()
        terminal = self.terminal()
        args = self.common([f"--output={self.log}", "--interval=50ms"])
        process = self.start_on_terminal(terminal, args, env={"NOTIFY_SOCKET": notify.address})
        notify.wait_for("READY=1")
        terminal.close()
        self.assertEqual(process.wait(10), 0)
        notify.wait_for("^STOPPING=1$")

    def test_sigint_says_stopping(self):
        notify = self.notify_socket()
        daemon = self.start_notifying(notify)
        notify.wait_for("READY=1")
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.ended(), 0)
        notify.wait_for("^STOPPING=1$")


class DeafManager(NotifyCase):
    """The manager's queue is full, or it is gone: beats go on, and SIGTERM still ends the daemon at once."""

    @staticmethod
    def fill(address):
        target = "\0" + address[1:] if address.startswith("@") else address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            try:
                while True:
                    filler.sendto(b"filled", target)
            except BlockingIOError:
                pass

    def assert_undisturbed(self, address, *args, full_at_start):
        notify = self.notify_socket(address, reading=False)
        if full_at_start:
            self.fill(notify.address)
        daemon = self.start_notifying(notify, *args, WATCHDOG_USEC=200_000)
        self.wait_for_beats(3, daemon=daemon)
        if not full_at_start:
            self.fill(notify.address)
        self.wait_for_more_beats(30)
        self.assertEqual(daemon.stop(QUICK), 0)
        self.assertIn("filled", notify.drain())

    def test_a_full_queue_by_path(self):
        self.assert_undisturbed(self.dir / "notify", "--interval=20ms", full_at_start=False)

    def test_a_full_queue_by_abstract_name(self):
        self.assert_undisturbed(f"@{self.dir.name}", "--interval=20ms", full_at_start=False)

    def test_a_full_queue_from_the_start(self):
        self.assert_undisturbed(self.dir / "notify", "--interval=20ms", full_at_start=True)

    def test_a_reload_with_a_full_queue(self):
        notify = self.notify_socket(reading=False)
        self.fill(notify.address)
        daemon = self.start_notifying(notify, "--interval=50ms")
        self.wait_for_beats(2)
        daemon.signal(signal.SIGHUP)
        self.wait_for_more_beats(5)
        self.assertEqual(daemon.stop(QUICK), 0)

    def test_fed_again_when_the_manager_reads_again(self):
        notify = self.notify_socket(reading=False)
        self.start_notifying(notify, "--interval=50ms", WATCHDOG_USEC=200_000)
        self.wait_for_beats(2)
        self.fill(notify.address)
        self.wait_for_more_beats(10)
        notify.drain()
        text = harness.wait_until(lambda: [t for t in notify.drain() if "WATCHDOG=1" in t], 10, "fed again")
        self.assertRegex(text[0], STATUS)

    def test_a_socket_that_vanishes(self):
        notify = self.notify_socket()
        daemon = self.start_notifying(notify, "--interval=50ms", WATCHDOG_USEC=200_000)
        notify.wait_for("READY=1")
        notify.close()
        self.wait_for_more_beats(10)
        os.unlink(notify.address)
        self.wait_for_more_beats(10)
        self.assertEqual(daemon.stop(QUICK), 0)

    def test_bad_addresses_stop_nothing(self):
        addresses = ["", "relative", "./x", "/", "@", "/nonexistent/socket", "/dev/null", "/" + "x" * 107,
                     "/" + "x" * 5000, "@" + "x" * 108, "@" + "x" * 5000, "vsock:2:1234", str(self.dir),
                     "\x01"]
        for address in addresses:
            with self.subTest(address[:40]):
                daemon = self.start(f"--output={self.log}", "--interval=20ms", env={"NOTIFY_SOCKET": address})
                self.wait_for_beats(3, daemon=daemon)
                self.assertEqual(daemon.stop(), 0)
                self.log.unlink()

    def test_a_stream_socket_stops_nothing(self):
        path = self.dir / "stream"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.bind(str(path))
            os.chmod(path, 0o666)
            server.listen(0)
            daemon = self.start(f"--output={self.log}", env={"NOTIFY_SOCKET": str(path)})
            self.wait_for_beats(3, daemon=daemon)
            self.assertEqual(daemon.stop(), 0)

    def test_programs_started_by_nobody_inherit_nothing(self):
        """What is scrubbed is scrubbed from the start of the first beat on."""
        notify = self.notify_socket()
        daemon = self.start_notifying(notify, WATCHDOG_USEC=60_000_000, WATCHDOG_PID=1)
        notify.wait_for("READY=1")
        environ = harness.proc_environ(daemon.pid)
        for word in (b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"WATCHDOG_PID", notify.address.encode()):
            self.assertNotIn(word, environ)

    def test_the_notify_socket_is_not_left_open(self):
        notify = self.notify_socket()
        daemon = self.start_notifying(notify, "--interval=20ms", WATCHDOG_USEC=40_000)
        self.wait_for_beats(5)
        before = sorted(harness.proc_fds(daemon.pid))
        self.wait_for_more_beats(30)
        # One is open while it is used; of those left open there would be more each time.
        harness.wait_until(lambda: sorted(harness.proc_fds(daemon.pid)) == before, 10,
                           lambda: f"descriptors {before}; there are {sorted(harness.proc_fds(daemon.pid))}")
