# SPDX-License-Identifier: MIT
"""--metrics: the file that a collector reads, from the daemon and from heartbeatctl."""

import os
import re
import signal
import stat
import time

import harness
import prometheus
import records
from statedir import OTHER_BOOT, RUN, SECOND, CtlCase, realtime

CAUSES = """unknown suspend cpu-throttled cpu-starved busy process-stopped frozen output-blocked host-paused
    service-crashed service-oom-killed service-watchdog-killed service-killed service-failed service-stopped
    host-shutdown host-down""".split()


class MetricsCase(CtlCase):
    def setUp(self):
        super().setUp()
        self.metrics = self.make_directory("collected") / "heartbeat.prom"

    def read(self):
        return prometheus.parse(self.metrics.read_text())

    def value(self, name, **labels):
        return prometheus.value(self.read(), f"heartbeat_{name}", **labels)

    def wait_for_value(self, name, expected, seconds=15, **labels):
        """Waits until a sample is at least so much."""

        def there():
            return self.metrics.exists() and (self.value(name, **labels) or 0) >= expected

        return harness.wait_until(there, seconds, lambda: f"{name} {expected} in {self.metrics.read_text()}")

    def start_measured(self, *args, **options):
        daemon = self.start_beating(f"--metrics={self.metrics}", *args, **options)
        harness.wait_until(self.metrics.exists, 10, "the first metrics")
        return daemon


class Written(MetricsCase):
    def test_the_first_beat_writes_them_for_everyone_whatever_the_umask(self):
        for umask in (0, 0o022, 0o077):
            with self.subTest(oct(umask)):
                daemon = self.start_measured("--interval=1d", preexec_fn=lambda value=umask: os.umask(value))
                self.assertEqual(stat.S_IMODE(self.metrics.stat().st_mode), 0o644)
                self.assertEqual(self.value("beats_total"), 1)
                self.assertEqual(daemon.stop(), 0)
                self.metrics.unlink()
                self.log.unlink()

    def test_each_figure_is_that_of_the_pulse(self):
        daemon = self.start_measured("--interval=1d")
        pulse = records.wait_for_rest(self.state, daemon.pid)
        families = self.read()
        for name, key, scale in (("last_beat_timestamp_seconds", "real", 1e6), ("interval_seconds", "interval", 1e6),
                                 ("start_time_seconds", "started", 1e6), ("max_lateness_seconds", "late_max", 1e6),
                                 ("beats_total", "seq", 1), ("missed_beats_total", "missed", 1),
                                 ("messages_lost_total", "lost", 1), ("outputs_failing", "failing", 1),
                                 ("lateness_seconds_count", "seq", 1)):
            found = prometheus.value(families, f"heartbeat_{name}")
            self.assertAlmostEqual(found, int(pulse[key]) / scale, places=5, msg=name)
        self.assertEqual(prometheus.value(families, "heartbeat_run_info", run=pulse["run"], boot=pulse["boot"]), 1)
        for cause in CAUSES:
            self.assertEqual(prometheus.value(families, "heartbeat_gaps_total", cause=cause), 0)
        manual = (harness.SOURCE / "src/heartbeatd.8").read_text()
        self.assertIn(f"\nA host has {prometheus.count_samples(families)} series", manual)

    def test_a_reader_never_finds_a_part_and_nothing_else_lies_there(self):
        daemon = self.start_measured("--interval=20ms")
        until, times = time.monotonic() + 3, set()
        while time.monotonic() < until:
            times.add(self.value("last_beat_timestamp_seconds"))
            self.assertLessEqual({p.name for p in self.metrics.parent.iterdir()},
                                 {"heartbeat.prom", "heartbeat.prom.new"})
        self.assertIn(len(times), range(2, 6), "once a second at most")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual([p.name for p in self.metrics.parent.iterdir()], ["heartbeat.prom"], "the last ones stay")

    def test_heartbeatctl_prints_the_same(self):
        daemon = self.start_measured("--interval=1s")
        self.wait_for_value("beats_total", 2)
        self.stop_for(daemon, 2.5)
        self.wait_for_value("gaps_total", 1, cause="process-stopped")
        self.assertEqual(daemon.stop(), 0)
        result = self.ctl("metrics")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.out, self.metrics.read_text())

    def stop_for(self, daemon, seconds):
        daemon.pause()
        harness.hold(lambda: harness.state_of(daemon.pid) == "T", seconds, "it is stopped")
        daemon.signal(signal.SIGCONT)

    def test_gaps_are_counted_over_runs(self):
        daemon = self.start_measured("--interval=1s")
        for number in (1, 2):
            daemon.signal(signal.SIGKILL)
            daemon.ended()
            daemon = self.start_measured("--interval=1s")
            self.wait_for_value("gaps_total", number, cause="service-killed")
            self.assertEqual(self.value("beats_total"), 1, "of its run")
        gap = records.events(self.state, "gap")[-1]
        self.assertAlmostEqual(self.value("last_gap_timestamp_seconds", cause="service-killed"),
                               int(gap["to"]) / 1e6, places=5)
        self.assertIsNone(self.value("last_gap_timestamp_seconds", cause="suspend"))

    @harness.needs_strace
    def test_a_step_is_marked_while_they_are_written(self):
        trace = self.make_directory("traced") / "trace"
        self.start_measured("--interval=1d", wrapper=harness.tracing("pwrite64,rename,renameat,renameat2", trace))
        harness.wait_until(lambda: "heartbeat.prom" in trace.read_text(), 10, "the rename")
        lines = trace.read_text().splitlines()
        renamed = next(i for i, line in enumerate(lines) if "heartbeat.prom.new" in line)
        self.assertRegex(lines[renamed - 1], r'pwrite64\(\d+, "write metrics ')

    def test_what_a_killed_one_left_and_what_somebody_planted_is_no_obstacle(self):
        planted = self.metrics.with_name("heartbeat.prom.new")
        victim = self.dir / "victim"
        victim.write_text("kept")
        self.give(victim)
        for make in (lambda: planted.write_text("half"), lambda: planted.symlink_to(victim),
                     lambda: os.link(victim, planted), lambda: os.mkfifo(planted)):
            make()
            daemon = self.start_measured("--interval=1d")
            self.assertEqual(self.value("beats_total"), 1)
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(victim.read_text(), "kept")
            self.metrics.unlink()
            self.log.unlink()


class Failing(MetricsCase):
    def words(self, daemon):
        return [line for line in daemon.words() if "metrics " in line]

    def test_a_full_disk_is_reported_once_and_its_recovery_once(self):
        disk = self.small_disk()
        self.metrics = disk / "heartbeat.prom"
        daemon = self.start_measured("--interval=1s")
        filler = harness.fill(disk)
        daemon.wait_for_words(f"metrics {self.metrics}: No space left on device; they are not written")
        before = self.metrics.read_text()
        self.wait_for_more_beats(3)
        self.assertEqual(self.metrics.read_text(), before, "the last ones stay")
        filler.unlink()
        daemon.wait_for_words(f"metrics {self.metrics}: are written again")
        self.wait_for_more_beats(2)
        self.assertEqual(len(self.words(daemon)), 2)
        self.assertEqual(daemon.stop(), 0)

    def test_a_directory_that_goes_and_comes_back(self):
        daemon = self.start_measured("--interval=1s")
        gone = self.metrics.parent.rename(self.dir / "gone")
        daemon.wait_for_words("No such file or directory; they are not written")
        gone.rename(self.metrics.parent)
        daemon.wait_for_words("are written again")

    def test_a_start_is_refused_where_somebody_has_to_mend_it(self):
        directory = self.metrics.parent
        (directory / "dir.prom").mkdir()
        (directory / "link.prom").symlink_to(self.dir / "x")
        os.mkfifo(directory / "fifo.prom")
        for path, words in ((self.dir / "nowhere/x.prom", "its directory must exist"),
                            (directory / "dir.prom", "expected a regular file"),
                            (directory / "link.prom", "expected a regular file"),
                            (directory / "fifo.prom", "expected a regular file")):
            for command in ((), ("--check-config",)):
                result = self.run_command(*self.common([f"--metrics={path}", f"--output={self.log}", *command]))
                self.one_error(result, 6, rf"metrics {re.escape(str(path))}: .*{words}")
        self.assertFalse(self.log.exists(), "nothing was begun")

    @harness.needs_root
    def test_a_directory_that_is_not_ours_is_exit_code_4(self):
        os.chown(self.metrics.parent, 0, 0)
        result = self.run_command(*self.common([f"--metrics={self.metrics}", f"--output={self.log}"]))
        self.one_error(result, 4, "metrics .*Permission denied")

    def test_a_path_that_is_none_is_refused(self):
        for path in ("/x/heartbeat", "/x/heartbeat.prom.new", "/x/.prom", "/x/prom"):
            self.one_error(self.run_command(f"--metrics={path}"), 2, "ends in .prom")
        bad = self.config("[Heartbeat]\nMetrics=relative.prom\n")
        self.one_error(self.run_command("--check-config", f"--config={bad}"), 6, ":2: Metrics: .*absolute path")

    def test_an_output_is_not_taken_for_them(self):
        for output in (self.metrics, self.metrics.with_name("heartbeat.prom.new")):
            result = self.run_command(*self.common([f"--metrics={self.metrics}", f"--output={output}"]))
            self.one_error(result, 6, "is an output, too")


class Reload(MetricsCase):
    def test_they_come_move_and_go(self):
        text = f"[Heartbeat]\nInterval=200ms\nOutput={self.log}\n"
        config, other = self.config(text), self.metrics.with_name("other.prom")
        daemon = self.start(f"--config={config}")
        self.wait_for_beats(2)
        self.assertEqual(list(self.metrics.parent.iterdir()), [])
        config.write_text(f"{text}Metrics={self.metrics}\n")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(self.metrics.exists, 10, "the metrics")
        config.write_text(f"{text}Metrics={other}\n")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(other.exists, 10, "the others")
        self.assertFalse(self.metrics.exists(), "that file would say that the host is silent")
        config.write_text(f"{text}Metrics={self.dir}/nowhere/x.prom\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words("not reloaded, everything stays as it was: metrics ")
        self.assertTrue(other.exists())
        config.write_text(text)
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: not other.exists(), 10, "none")
        self.wait_for_more_beats(2)
        self.assertEqual(list(self.metrics.parent.iterdir()), [])
        self.assertEqual(daemon.stop(), 0)

    def test_a_relative_path_begins_where_it_was_started(self):
        self.give(self.dir)
        daemon = self.fork("--metrics=collected/heartbeat.prom")
        self.assertTrue(self.metrics.exists())
        self.assertEqual(daemon.stop(), 0)


class Printed(MetricsCase):
    """heartbeatctl metrics on records written by hand."""

    def ask_metrics(self, code=0):
        result = self.ctl("metrics")
        self.assertEqual((result.code, result.err), (code, ""))
        return prometheus.parse(result.out)

    def test_counts_go_on_from_what_was_trimmed(self):
        now = realtime()
        self.event("trim", now - 900 * SECOND, gaps="host-down:40,suspend:1", **{"from": now - 800 * SECOND})
        self.event("start", now - 800 * SECOND, pid=1, interval=10 * SECOND)
        self.gap(now - 700 * SECOND, now - 600 * SECOND, "host-down")
        self.pulse(lateness="1500000,20,3,1,0")
        found = self.ask_metrics()
        self.assertEqual(prometheus.value(found, "heartbeat_gaps_total", cause="host-down"), 41)
        self.assertEqual(prometheus.value(found, "heartbeat_gaps_total", cause="suspend"), 1)
        self.assertAlmostEqual(prometheus.value(found, "heartbeat_last_gap_timestamp_seconds", cause="host-down"),
                               now / 1e6 - 600, places=5)
        self.assertIsNone(prometheus.value(found, "heartbeat_last_gap_timestamp_seconds", cause="suspend"))
        for bound, count in (("0.001", 22), ("0.01", 39), ("0.1", 41), ("1", 42), ("+Inf", 42)):
            self.assertEqual(prometheus.value(found, "heartbeat_lateness_seconds_bucket", le=bound), count)
        self.assertEqual(prometheus.value(found, "heartbeat_lateness_seconds_sum"), 1.5)

    def test_what_an_older_version_wrote_has_no_histogram(self):
        self.pulse()
        found = self.ask_metrics()
        self.assertNotIn("heartbeat_lateness_seconds", found)
        self.assertEqual(prometheus.value(found, "heartbeat_beats_total"), 42)

    def test_a_record_of_an_earlier_boot_has_its_figures(self):
        self.pulse(boot=OTHER_BOOT)
        self.assertEqual(prometheus.value(self.ask_metrics(), "heartbeat_run_info", run=RUN, boot=OTHER_BOOT), 1)

    def test_labels_hold_whatever_a_record_has(self):
        hostile = 'a"b\\c}' + "x" * 26
        self.pulse(run=hostile)
        self.assertEqual(prometheus.value(self.ask_metrics(), "heartbeat_run_info", run=hostile, boot=self.here), 1)

    def test_without_data_says_so(self):
        result = self.ctl("metrics")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertEqual(result.err, f"heartbeatctl: no record in {self.record}\n")
        (self.record / "pulse").write_text("noise")
        result = self.ctl("metrics")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertIn("the last beat's record is damaged", result.err)

    def test_gaps_that_cannot_be_counted_are_not_said_to_be_none(self):
        self.pulse()
        (self.record / "history").unlink()
        (self.record / "history").mkdir()
        result = self.ctl("metrics")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertRegex(result.err, r"\Aheartbeatctl: the history: .+\n\Z")

    def test_has_one_format(self):
        self.pulse()
        result = self.ctl("metrics", "--output=json")
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertIn('--output: "json": expected text for metrics', result.err)
        self.assertEqual(self.ctl("metrics", "--output=text").out, self.ctl("metrics").out)
