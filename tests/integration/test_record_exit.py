# SPDX-License-Identifier: MIT
"""--record-exit, as the unit's ExecStopPost= runs it: what systemd saw of the end of a run, for the next one.
And what --stop records of a daemon that it had to kill."""

import os
import shutil
import signal

import harness
import records

KILLED = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}
KEYS = "v t boottime boot run ev result code status".split()


class RecordCase(harness.Case):
    def environment(self, extra=None):
        """--stop sends SIGCONT after SIGTERM, and so while a leak check may be at work."""
        return super().environment({**harness.without_leak_check(), **(extra or {})})

    def record(self, *args, **options):
        """Runs it, which never fails a unit."""
        result = self.run_command("--record-exit", *self.common(args), **options)
        self.assertEqual((result.code, result.out), (0, ""), result)
        return result

    def record_silently(self, *args, **options):
        self.assertEqual(self.record(*args, **options).err, "")

    def assert_records_nothing(self, *args, **options):
        before = harness.tree(self.state)
        self.record_silently(*args, **options)
        self.assertEqual(harness.tree(self.state), before)

    def exits(self):
        return records.events(self.state, "exit")

    def a_killed_run(self):
        daemon = self.start_beating("--interval=1d")
        pulse = records.wait_for_rest(self.state, daemon.pid)
        daemon.signal(signal.SIGKILL)
        daemon.ended()
        return pulse

    def next_gap(self):
        """The gap that another run closes."""
        known = len(records.events(self.state, "gap"))
        daemon = self.start(f"--output={self.log}", "--interval=1d")
        gap = records.wait_for_event(self.state, "gap", number=known + 1)
        records.wait_for_event(self.state, "start")
        records.wait_for_rest(self.state)
        self.assertEqual(daemon.stop(), 0)
        return gap


class Records(RecordCase):
    def test_the_end_of_a_run_that_was_killed(self):
        pulse = self.a_killed_run()
        self.record_silently(env=KILLED)
        event, = self.exits()
        self.assertEqual(list(event), KEYS)
        self.assertEqual((event["run"], event["boot"]), (pulse["run"], pulse["boot"]))
        self.assertEqual((event["result"], event["code"], event["status"]), ("signal", "killed", "KILL"))
        self.assertGreater(int(event["boottime"]), int(pulse["boottime"]))
        gap = self.next_gap()
        self.assertEqual((gap["cause"], gap["confidence"], gap["host"]), ("service-killed", "high", "up"))
        self.assertEqual((gap["result"], gap["code"], gap["status"]), ("signal", "killed", "KILL"))
        self.assertRegex(self.warnings()[-1], r": service-killed \(ended by SIGKILL\)\Z")

    def test_what_each_end_is_called(self):
        ends = [("signal", "killed", "TERM", "service-killed"),
                ("core-dump", "dumped", "SEGV", "service-crashed"),
                ("signal", "killed", "SEGV", "service-crashed"),
                ("core-dump", "dumped", "ABRT", "service-crashed"),
                ("oom-kill", "killed", "KILL", "service-oom-killed"),
                ("watchdog", "dumped", "ABRT", "service-watchdog-killed"),
                ("watchdog", "killed", "KILL", "service-watchdog-killed"),
                ("exit-code", "exited", "1", "service-failed"),
                ("timeout", "killed", "KILL", "service-killed"),
                ("success", "exited", "0", "service-stopped"), ("resources", "killed", "", "service-killed"),
                ("", "killed", "KILL", "service-killed"), ("something-new", "exited", "99", "service-failed")]
        for result, code, status, cause in ends:
            with self.subTest(result=result, status=status):
                self.a_killed_run()
                self.record_silently(env={"SERVICE_RESULT": result, "EXIT_CODE": code, "EXIT_STATUS": status})
                gap = self.next_gap()
                self.assertEqual((gap["cause"], gap["confidence"], gap["host"]), (cause, "high", "up"))
                self.log.unlink()
        self.assertEqual(len(self.exits()), len(ends))

    def test_a_refused_start_is_not_the_end_of_the_run_before_it(self):
        self.a_killed_run()
        for status in (2, 4, 6, 150):
            refused = {"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": str(status)}
            self.assert_records_nothing(env=refused)

    def test_a_watchdogs_kill_names_the_step_that_hung(self):
        """As the pulse has it: here with what a path may hold."""
        for step, shown in (("write /a b", "hung in: write /a b"), ("sync pulse", "hung in: sync pulse"),
                            ('write /"x"=', 'hung in: write /"x"='), ("", "hung, but in no step of a beat"),
                            ("write /" + "x" * 200, "hung in: write /" + "x" * 56)):
            with self.subTest(step):
                records.write_pulse(self.state / "pulse", self.a_killed_run(), step)
                self.record_silently(
                    env={"SERVICE_RESULT": "watchdog", "EXIT_CODE": "dumped", "EXIT_STATUS": "ABRT"})
                gap = self.next_gap()
                self.assertEqual((gap["cause"], gap.get("step", "")), ("service-watchdog-killed", step[:63]))
                self.assertIn(f": service-watchdog-killed ({shown})\n", self.warnings()[-1] + "\n")
                self.log.unlink()

    def test_an_end_with_an_exit_line_after_a_stop_line_is_none_to_record(self):
        """As systemd runs it after each stop, too."""
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state, daemon.pid)
        self.assertEqual(daemon.stop(), 0)
        self.assert_records_nothing(
            env={"SERVICE_RESULT": "success", "EXIT_CODE": "exited", "EXIT_STATUS": "0"})

    def test_a_run_has_one_end(self):
        self.a_killed_run()
        self.record_silently(env=KILLED)
        self.assert_records_nothing(env=KILLED)
        self.assert_records_nothing(env={**KILLED, "EXIT_STATUS": "SEGV"})

    def test_a_later_run_has_its_own(self):
        for count in (1, 2, 3):
            self.a_killed_run()
            self.record_silently(env=KILLED)
            self.assertEqual(len(self.exits()), count)
            self.log.unlink()
        self.assertEqual(len({event["run"] for event in self.exits()}), 3)

    def test_a_run_that_was_killed_before_its_first_pulse_was_stored(self):
        """Its start line is there, and it is later than the pulse of the run before."""
        old = self.a_killed_run()
        data = records.raw_pulse(self.state)
        self.record_silently(env=KILLED)
        self.log.unlink()
        new = self.a_killed_run()
        (self.state / "pulse").write_bytes(data)
        self.record_silently(env={**KILLED, "EXIT_STATUS": "SEGV"})
        first, second = self.exits()
        self.assertEqual((first["run"], second["run"]), (old["run"], new["run"]))
        self.assertEqual(second["status"], "SEGV")

    def test_values_of_any_sort_make_one_line(self):
        hostile = {"SERVICE_RESULT": 'a "b" = c\nv=1 ev=stop', "EXIT_CODE": "\x01\x1b[31m\\",
                   "EXIT_STATUS": "9" * 5000}
        self.a_killed_run()
        self.record_silently(env=hostile)
        event, = self.exits()
        self.assertEqual(list(event), KEYS)
        for key, name in (("result", "SERVICE_RESULT"), ("code", "EXIT_CODE"), ("status", "EXIT_STATUS")):
            self.assertTrue(hostile[name].startswith(event[key]) and event[key], (name, event[key]))
        gap = self.next_gap()
        self.assertEqual((gap["cause"], gap["result"]), ("service-failed", event["result"]))
        for line in [*harness.lines_of(self.log), *records.lines(self.state)]:
            self.assertRegex(line, r"\A[^\x00-\x1f\x7f]+\Z")

    def test_only_the_code_is_needed(self):
        """By hand, or by a supervisor that knows no more."""
        self.a_killed_run()
        self.record_silently(env={"EXIT_CODE": "exited"})
        event, = self.exits()
        self.assertEqual(list(event), [key for key in KEYS if key not in ("result", "status")])
        self.assertEqual(self.next_gap()["cause"], "service-failed")


class RecordsNothing(RecordCase):
    def test_a_start_that_was_refused_before_there_was_a_process(self):
        self.a_killed_run()
        for env in ({}, {"EXIT_CODE": ""}, {"EXIT_CODE": "", "SERVICE_RESULT": "exec-condition"},
                    {"SERVICE_RESULT": "signal", "EXIT_STATUS": "KILL"}):
            self.assert_records_nothing(env=env)

    def test_while_a_daemon_runs(self):
        self.start_beating("--interval=1d")
        records.wait_for_rest(self.state)
        self.assert_records_nothing(env=KILLED)

    def test_where_none_has_ever_run(self):
        """It makes no file, not even the lock."""
        self.assert_records_nothing(env=KILLED)
        self.assertEqual(list(self.state.iterdir()), [])

    def test_a_run_of_another_boot(self):
        """That one was ended by the shutdown, or by nothing that anybody saw."""
        fields = self.a_killed_run()
        (self.state / "history").unlink()
        records.write_pulse(self.state / "pulse", {**fields, "boot": "b" * 32})
        self.assert_records_nothing(env=KILLED)

    def test_of_a_pulse_that_cannot_be_read(self):
        self.a_killed_run()
        for content in (b"", b"noise", b"\0" * 1024):
            (self.state / "pulse").write_bytes(content)
            self.assert_records_nothing(env=KILLED)
        self.assertFalse((self.state / "pulse.unreadable").exists(), "that is the next start's business")

    def test_of_another_machines_files(self):
        fields = self.a_killed_run()
        if "machine" not in fields:
            self.skipTest("this machine has no id that outlives a boot")
        records.write_pulse(self.state / "pulse", {**fields, "machine": "00000000"})
        self.assert_records_nothing(env=KILLED)


class Trouble(RecordCase):
    """It is said, and the exit status is 0 all the same."""

    UNRECORDED = "the end of the service is not recorded"

    def test_a_state_directory_that_is_missing(self):
        self.record_silently(f"--state-dir={self.dir}/none", env=KILLED)
        self.assertFalse((self.dir / "none").exists())

    @harness.needs_root
    def test_a_state_directory_without_permission(self):
        self.a_killed_run()
        os.chown(self.state / "lock", 0, 0)
        self.assertEqual(self.record(env=KILLED).err,
                         f"heartbeatd: {self.state}: Permission denied; {self.UNRECORDED}\n")
        self.assertEqual(self.exits(), [])

    @harness.needs_root
    def test_a_read_only_state_directory(self):
        self.state = self.small_disk()
        self.a_killed_run()
        harness.mount("none", self.state, flags=harness.MS_REMOUNT | harness.MS_RDONLY)
        self.assertEqual(self.record(env=KILLED).err,
                         f"heartbeatd: {self.state}: Read-only file system; {self.UNRECORDED}\n")

    @harness.needs_root
    def test_a_full_disk(self):
        """The history ends with its page there, so that no line has room."""
        self.state = self.small_disk()
        self.a_killed_run()
        history = self.state / "history"
        size = history.stat().st_size
        with history.open("ab") as file:
            file.write(b"#" * (4095 - size) + b"\n")
        harness.fill(self.state)
        self.assertEqual(self.record(env=KILLED).err,
                         f"heartbeatd: {self.state}: No space left on device; {self.UNRECORDED}\n")

    def test_a_configuration_without_a_state_directory(self):
        result = self.run_command("--record-exit", env={**KILLED, "HOME": ""})
        self.assertEqual((result.code, result.out), (0, ""), result)
        self.assertRegex(result.err, rf"\Aheartbeatd: no state directory: [^\n]*; {self.UNRECORDED}\n\Z")

    def test_the_state_directory_of_the_configuration_is_used(self):
        """And whatever else may be wrong in it is passed over."""
        self.a_killed_run()
        self.state_dir_in_config = True
        path = self.config(f"[Heartbeat]\nStateDir={self.state}\nInterval=0\nNoSuchKey=1\n")
        self.record_silently(f"--config={path}", env=KILLED)
        self.assertEqual(len(self.exits()), 1)

    @harness.needs_root
    def test_what_root_records_the_services_user_can_write_to(self):
        self.a_killed_run()
        (self.state / "history").unlink()
        self.record_silently(env=KILLED, user="root")
        self.assertEqual((self.state / "history").stat().st_uid, harness.NOBODY.pw_uid)
        self.assertEqual(len(self.exits()), 1)

    def test_bad_arguments_are_bad_arguments(self):
        """A mistake in the unit is to be seen."""
        self.one_error(self.run_command("--record-exit", "now", env=KILLED), 2, '"now": unexpected argument')


class Stop(RecordCase):
    def stop(self):
        return self.run_command("--stop", *self.common([f"--pid-file={self.pid_file}"]), seconds=25)

    def test_a_daemon_that_had_to_be_killed(self):
        daemon = self.start_beating("--interval=1d")
        pulse = records.wait_for_rest(self.state, daemon.pid)
        harness.hang(daemon.pid)
        result = self.stop()
        self.assertEqual((result.code, result.out), (0, ""), result)
        self.assertEqual(daemon.ended(), -signal.SIGKILL)
        event, = self.exits()
        self.assertEqual(event["run"], pulse["run"])
        self.assertEqual((event["result"], event["code"], event["status"]), ("timeout", "killed", "KILL"))
        self.assert_records_nothing(env=KILLED)
        gap = self.next_gap()
        self.assertEqual((gap["cause"], gap["confidence"]), ("service-killed", "high"))

    def test_a_daemon_that_had_gone_before(self):
        """Without it, a reboot now would be taken for what ended it."""
        self.a_killed_run()
        for _ in range(2):
            self.assertEqual(self.stop().code, 0)
        event, = self.exits()
        self.assertEqual((event["result"], "code" in event, "status" in event), ("gone", False, False))
        gap = self.next_gap()
        self.assertEqual((gap["cause"], gap["confidence"], gap["host"]), ("service-killed", "low", "up"))

    def test_a_daemon_that_ended_by_itself_has_no_end_to_record(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state, daemon.pid)
        daemon.pause()
        self.assertEqual(self.stop().code, 0)
        self.assertEqual(daemon.ended(), 0)
        self.assertEqual([event["ev"] for event in records.events(self.state)], ["start", "stop"])

    def test_a_killed_daemon_whose_state_directory_is_gone_is_stopped_all_the_same(self):
        daemon = self.start_beating("--interval=1d")
        records.wait_for_rest(self.state, daemon.pid)
        harness.hang(daemon.pid)
        (self.state / "pulse").unlink()
        (self.state / "history").unlink()
        self.assertEqual(self.stop().code, 0)
        self.assertEqual(daemon.ended(), -signal.SIGKILL)
        self.assertEqual(os.listdir(self.state), ["lock"])
        shutil.rmtree(self.state)
