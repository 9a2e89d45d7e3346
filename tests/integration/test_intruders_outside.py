# SPDX-License-Identifier: MIT
"""What other users, a hostile parent and hostile words can do to the daemon: nothing but what is said."""

import ctypes
import fcntl
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import unicodedata
import xml.etree.ElementTree

import harness
import intruder
import prometheus
import records
import statedir
from intruder import INTRUDER
from statedir import SECOND
from table import tried

TRUST = r"root takes no orders from there; chown root and chmod go-w would mend it"
WRITABLE, FOREIGN = rf"can be written to by others than its owner, and {TRUST}", rf"does not belong to root, and {TRUST}"


class Configuration(intruder.IntruderCase):
    """Root takes none that others could have written. Whose daemon is another's reads what it may."""

    def commands(self, config):
        base = [f"--config={config}"]
        return [base, [*base, "--check-config"], [*base, "--print-config"], [*base, "--running"], [*base, "--stop"],
                [*base, "--fork", f"--pid-file={self.pid_file}"], [*base, "--check-config", "--user=nobody"],
                [*base, "--fork", f"--pid-file={self.pid_file}", "--user=nobody"]]

    def refused(self, config, pattern, path=None):
        for args in self.commands(config):
            with self.subTest(args=args):
                result = self.run_command(*args, user="root")
                self.one_error(result, 6, rf"\Aheartbeatd: {path or config}: {pattern}\n\Z")
        self.assertFalse(self.pid_file.exists())
        self.assertEqual(list(self.state.iterdir()), [])
        tried("configurations that others can write to", len(self.commands(config)))

    def accepted(self, config, user="root"):
        result = self.run_command(f"--config={config}", "--check-config", user=user)
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), result)

    def write(self, mode=0o644, owner=0, directory_mode=0o755, directory_owner=0):
        directory = self.dir / f"etc.{len(list(self.dir.glob('etc.*')))}"
        directory.mkdir()
        path = directory / "heartbeatd.conf"
        path.write_text(f"[Heartbeat]\nStateDir={self.state}\nOutput=/dev/null\n")
        path.chmod(mode)
        os.chown(path, owner, owner)
        directory.chmod(directory_mode)
        os.chown(directory, directory_owner, directory_owner)
        return path

    def test_a_file_that_others_can_write_to(self):
        for mode in (0o664, 0o646, 0o622, 0o666):
            self.refused(self.write(mode), WRITABLE)

    def test_a_file_of_another_user(self):
        for owner in (INTRUDER, harness.NOBODY.pw_uid):
            self.refused(self.write(owner=owner), FOREIGN)
        self.refused(self.write(0o666, owner=INTRUDER), WRITABLE)

    def test_a_directory_that_others_can_write_to(self):
        for mode in (0o775, 0o757, 0o777):
            path = self.write(directory_mode=mode)
            self.refused(path, WRITABLE, path.parent)
        path = self.write(directory_owner=INTRUDER)
        self.refused(path, FOREIGN, path.parent)

    def test_a_link_to_what_others_can_write_to(self):
        bad = self.write(directory_mode=0o777)
        link = self.write().with_name("link.conf")
        link.symlink_to(bad)
        self.refused(link, WRITABLE, bad.parent)
        planted = self.write(directory_mode=0o777).with_name("link.conf")
        planted.symlink_to(self.write())
        self.refused(planted, WRITABLE, planted.parent)

    def test_what_only_root_can_write_to_is_taken(self):
        for path in (self.write(), self.write(0o600), self.write(0o444), self.write(directory_mode=0o1777),
                     "/dev/null"):
            self.accepted(path)
        link = self.write().with_name("link.conf")
        link.symlink_to(self.write())
        self.accepted(link)

    def test_other_users_are_not_asked(self):
        for path in (self.write(), self.write(0o666), self.write(owner=INTRUDER), self.write(directory_mode=0o777),
                     self.write(owner=harness.NOBODY.pw_uid)):
            self.accepted(path, user=None)

    def test_a_reload_of_what_others_can_write_to_by_now(self):
        path = self.write()
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"Interval=50ms\nOutput={self.log}\n")
        daemon = self.start(f"--config={path}", user="root")
        self.wait_for_beats(1)
        for number, mode in enumerate((0o664, 0o646), 1):
            path.chmod(mode)
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_words(rf"not reloaded, everything stays as it was: {path}: {WRITABLE}\Z", times=number)
        path.chmod(0o644)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_words(": reloaded")
        self.wait_for_more_beats(2)

    def test_etc_and_its_drop_ins(self):
        self.private_mounts()
        etc = self.mount_tmpfs("/etc")
        (etc / "passwd").write_text("nobody:x:65534:65534::/:\n")
        main, drop_ins = etc / "heartbeatd.conf", etc / "heartbeatd.conf.d"
        drop_ins.mkdir()
        part = drop_ins / "a.conf"
        for path in (main, part):
            path.write_text("[Heartbeat]\n")
        good = {main: 0o644, drop_ins: 0o755, part: 0o644, etc: 0o755}
        for path, mode in ((main, 0o664), (drop_ins, 0o775), (drop_ins, 0o1777), (part, 0o646), (etc, 0o777)):
            path.chmod(mode)
            for args in (["--check-config"], [f"--state-dir={self.state}"]):
                self.one_error(self.run_command(*args, user="root"), 6, rf"\Aheartbeatd: {path}: {WRITABLE}\n\Z")
            path.chmod(good[path])
        os.chown(drop_ins, INTRUDER, 0)
        self.one_error(self.run_command("--check-config", user="root"), 6, rf"{drop_ins}: {FOREIGN}\n\Z")
        os.chown(drop_ins, 0, 0)
        self.assertEqual(self.run_command("--check-config", user="root").code, 0)
        tried("configurations that others can write to", 11)


class OtherUsers(intruder.IntruderCase):
    """They may look at what is for everybody, and neither stop nor starve nor disguise anything."""

    def as_intruder(self, attempt):
        """What a function has to say as another user: its value, or the name of its OSError."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setresgid(INTRUDER, INTRUDER, INTRUDER)
                os.setresuid(INTRUDER, INTRUDER, INTRUDER)
                try:
                    answer = str(attempt())
                except OSError as error:
                    answer = type(error).__name__
                os.write(writer, answer.encode())
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(pid, 0)
        with os.fdopen(reader) as file:
            return file.read()

    def test_the_files_of_state_are_out_of_their_reach(self):
        """In a state directory where everybody can make files: those of the daemon stay its own."""
        self.state.chmod(0o1777)
        daemon = self.start_beating()
        records.wait_for_pulse(self.state)
        lock, theirs = self.state / "lock", self.state / "theirs"
        attempts = 0
        for mode in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            self.assertEqual(self.as_intruder(lambda m=mode: os.open(lock, m)), "PermissionError")
            attempts += 1
        for name in ("lock", "pulse", "history"):
            path = self.state / name
            for attempt in (lambda p=path: os.unlink(p), lambda p=path: os.rename(p, theirs), lambda p=path: os.chmod(p, 0o666),
                            lambda p=path: os.open(p, os.O_WRONLY), lambda p=path: os.truncate(p, 0),
                            lambda p=path: os.chown(p, INTRUDER, INTRUDER)):
                self.assertEqual(self.as_intruder(attempt), "PermissionError", name)
                attempts += 1
        self.wait_for_more_beats(2)
        self.assertEqual(intruder.lock_holder(lock), daemon.pid)
        tried("attempts of another user on lock, pulse and history", attempts)

    def test_what_everybody_may_read_can_be_locked_and_nobody_waits_for_it(self):
        daemon = self.start_beating()
        records.wait_for_pulse(self.state)

        def lock_all():
            for name in ("pulse", "history"):
                fd = os.open(self.state / name, os.O_RDONLY)
                fcntl.flock(fd, fcntl.LOCK_EX)
                fcntl.lockf(fd, fcntl.LOCK_SH)
            before = int(records.pulse(self.state)["seq"])
            records.wait_for_pulse(self.state, before + 3)
            return "beats"

        self.assertEqual(self.as_intruder(lock_all), "beats")
        self.assertEqual(daemon.stop(), 0)
        tried("attempts of another user on lock, pulse and history", 4)

    def test_a_lock_that_another_user_has_made_is_no_lock(self):
        """In a state directory of everybody: neither is the start blocked by it, nor believed by who asks."""
        self.state.chmod(0o1777)
        os.chown(self.state, 0, 0)
        lock = self.state / "lock"
        self.as_intruder(lambda: os.close(os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)))
        with open(lock, "r+b") as held:
            fcntl.lockf(held, fcntl.LOCK_EX)
            for user in ("root", None):
                result = self.run_command(*self.common(["--output=/dev/null"]), user=user)
                self.assertIn(result.code, (4, 6, 150), result)
                self.assertRegex(result.err, r"\Aheartbeatd: [^\n]*lock[^\n]*\n\Z")
        tried("attempts of another user on lock, pulse and history", 2)

    def test_they_cannot_stop_it(self):
        forked = self.fork()
        for args in (["--stop"], ["--running"], ["--record-exit"]):
            done = subprocess.run([self.binary, *args, "--config=/dev/null", f"--state-dir={self.state}"], check=False,
                                  env=self.environment({"EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}),
                                  user=INTRUDER, group=INTRUDER, extra_groups=[], capture_output=True, timeout=30)
            self.assertEqual(done.returncode, 0 if args == ["--record-exit"] else 4, done)
        self.assertEqual(records.events(self.state, "exit"), [])
        self.wait_for_more_beats(2)
        self.assertEqual(forked.stop(), 0)
        tried("attempts of another user on lock, pulse and history", 3)

    def test_a_pid_file_is_none_of_the_files_of_state(self):
        for name in ("lock", "pulse", "history"):
            result = self.run_command("--fork", *self.common([f"--pid-file={self.state}/{name}", "--output=/dev/null"]))
            self.one_error(result, 2, rf'--pid-file: "{self.state}/{name}": is one of the daemon\'s own files of state')
        self.assertEqual(list(self.state.iterdir()), [])


TIMERS = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")


class HostileParent(harness.Case):
    """Whatever it leaves to its child: the daemon beats and can be stopped, or says in one line why not."""

    time_limit = 300

    def judge(self, what, fork, code, words):
        self.assertIn(code, (0, 1, 2, 4, 6), f"{what}, fork={fork}: {words}")
        if code != 0:
            self.assertRegex(words, r"\A(heartbeatd: [^\x00-\x1f\x7f]+\n)+\Z", f"{what}, fork={fork}")

    def try_both(self, what, beats=True, env=None, count=2, **options):
        """In the foreground and by --fork. beats: whether it has to; count: how many are waited for."""
        for fork in (False, True):
            with self.subTest(what=what, fork=fork):
                state = self.make_directory(f"state.{len(list(self.dir.glob('state.*')))}")
                log = self.log.with_name(state.name)
                args = ["--config=/dev/null", f"--state-dir={state}", f"--output={log}", "--interval=50ms"]
                if fork:
                    self.run_forked(what, args, log, beats, env, count, options)
                else:
                    self.run_in_foreground(what, args, log, beats, env, count, options)
        tried("starts by a hostile parent", 2)

    def run_forked(self, what, args, log, beats, env, count, options):
        result = self.run_command("--fork", *args, f"--pid-file={self.pid_file}", env=env, seconds=40, **options)
        self.judge(what, True, result.code, result.err)
        if beats:
            self.assertEqual(result.code, 0, result)
        if result.code == 0:
            self.wait_for_beats(count, log)
            self.assertEqual(harness.ForkedDaemon(int(self.pid_file.read_text())).stop(), 0)

    def run_in_foreground(self, what, args, log, beats, env, count, options):
        err = self.dir / "err"
        with open(err, "wb") as file:
            process = self.spawn(args, env=env, stdout=subprocess.DEVNULL, stderr=file, **options)
        try:
            harness.wait_until(lambda: process.poll() is not None or len(self.beats(log)) >= count, 30,
                               lambda: f"{what}: beats or an end; {err.read_text()}")
            ended = process.poll() is not None
            if not ended:
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(20), 0, what)
            self.judge(what, False, process.returncode, err.read_text())
            self.assertFalse(beats and ended, f"{what}: {err.read_text()}")
        finally:
            process.kill()
            process.wait()

    @harness.needs_strace
    def test_timers_of_the_one_before(self):
        """setitimer(2) outlives execve(2), and SIGALRM ends whoever does nothing about it: each is disarmed, first of
        all. No timer runs out here, for a machine that is slow for a moment would make any come too early."""

        def arm():
            for name in TIMERS:
                signal.setitimer(getattr(signal, name), 3600)

        trace = self.dir / "trace"
        result = self.run_command("--check-config", "--config=/dev/null", wrapper=harness.tracing("setitimer", trace),
                                  env=harness.without_leak_check(), user="root", preexec_fn=arm)
        self.assertEqual(result.code, 0, result)
        text = harness.wait_until(lambda: trace.read_text() if trace.read_text().count("setitimer(") >= 3 else None, 20,
                                  "the calls that disarm the timers")
        for name in TIMERS:
            self.assertRegex(text, rf"setitimer\({name}, \{{it_interval=\{{tv_sec=0, tv_usec=0\}}, "
                                   rf"it_value=\{{tv_sec=0, tv_usec=0\}}\}}, NULL\) += 0")
        self.try_both("timers", preexec_fn=arm)

    def test_signals_blocked_and_ignored(self):
        everything = set(range(1, signal.SIGRTMAX)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}

        def block():
            signal.pthread_sigmask(signal.SIG_SETMASK, everything)

        def ignore():
            for number in everything:
                signal.signal(number, signal.SIG_IGN)

        self.try_both("all signals blocked", preexec_fn=block)
        self.try_both("all signals ignored", preexec_fn=ignore)
        self.try_both("both", preexec_fn=lambda: (ignore(), block()))

    def test_limits(self):
        limits = [(resource.RLIMIT_NOFILE, value) for value in (8, 16)]
        limits += [(resource.RLIMIT_FSIZE, value) for value in (0, 511, 1024)]
        limits += [(resource.RLIMIT_NPROC, 0), (resource.RLIMIT_MEMLOCK, 0), (resource.RLIMIT_SIGPENDING, 0)]
        if not harness.SANITIZED:  # which map terabytes, and need files of their own
            limits += [(resource.RLIMIT_NOFILE, value) for value in (0, 3, 4, 6)]
            limits += [(resource.RLIMIT_AS, megabytes << 20) for megabytes in (8, 16)]
            limits += [(resource.RLIMIT_DATA, kilobytes << 10) for kilobytes in (64, 256)]
            limits += [(resource.RLIMIT_STACK, 1 << 18)]
        fatal = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_AS,
                 resource.RLIMIT_DATA, resource.RLIMIT_STACK)
        for which, value in limits:
            self.try_limit(which, value, which not in fatal)

    def try_limit(self, which, value, beats):
        result = self.run_command("--version", env=harness.without_leak_check(),
                                  preexec_fn=lambda: resource.setrlimit(which, (value, value)))
        if result.code not in (0, 1):  # not even the loader can do with so little
            return
        self.try_both(f"limit {which} of {value}", beats, env=harness.without_leak_check(),
                      preexec_fn=lambda: resource.setrlimit(which, (value, value)))

    def test_masks_and_a_working_directory_that_is_gone(self):
        for mask in (0, 0o777):
            self.try_both(f"umask {mask:o}", preexec_fn=lambda m=mask: os.umask(m))

        def leave():
            gone = self.dir / "home" / f"gone.{os.getpid()}"
            gone.mkdir()
            os.chdir(gone)
            gone.rmdir()

        self.try_both("no working directory", preexec_fn=leave)
        result = self.run_command("--state-dir=here", "--config=/dev/null", preexec_fn=leave)
        self.one_error(result, 1, "working directory: No such file or directory")

    def test_an_environment_of_rubbish(self):
        rubbish = {"LANG": "../../x", "LC_ALL": "x" * 5000, "TZ": ":/etc/passwd", "NOTIFY_SOCKET": "x" * 3000,
                   "JOURNAL_STREAM": "1:\x1b[2J", "WATCHDOG_USEC": "-1", "WATCHDOG_PID": "x", "COLUMNS": "9" * 400,
                   "NO_COLOR": "x" * 100_000, "MALLOC_ARENA_MAX": "x", "MALLOC_PERTURB_": "165", "XDG_STATE_HOME": "rel",
                   "XDG_RUNTIME_DIR": "\n", "HOME": "", "PATH": "", "LISTEN_FDS": "3000000000", "LISTEN_PID": "1",
                   "EXIT_CODE": "killed", "INVOCATION_ID": "x", "POSIXLY_CORRECT": "1", "_1_GNU_nonoption_argv_flags_": "1",
                   "GETCONF_DIR": "/", "TMPDIR": "/nowhere", "SYSTEMD_LOG_LEVEL": "debug", "GCONV_PATH": "."}
        names = sorted(rubbish)
        for part in (names[::3], names[1::3], names[2::3], names):
            self.try_both(part, env={name: rubbish[name] for name in part})

    def test_given_directories_of_rubbish(self):
        """What names a directory is refused if it cannot be used, and is no way to another one."""
        for name in ("STATE_DIRECTORY", "LOGS_DIRECTORY"):
            for value in (":", "/", "/dev/null", "/x" * 3000, "relative", "/nowhere:/tmp", "/\x1b[2J\n"):
                result = self.run_command("--config=/dev/null", "--check-config", env={name: value})
                self.judge(f"{name}={value[:40]!r}", False, result.code, result.err)
        tried("starts by a hostile parent", 14)

    def test_thousands_of_variables(self):
        many = {f"VARIABLE_{number}": "x" * 50 for number in range(10_000)}
        self.try_both("10,000 variables", env=many)

    def test_no_arguments_not_even_a_name(self):
        """execve(2) with an empty list, and with names that are none."""
        for name in (None, "", "\x1b[2J\n", "x" * 5000, "-", "--help"):
            argv = [] if name is None else [name]
            self.start_with_argv(argv)
        tried("starts by a hostile parent", 6)

    def start_with_argv(self, argv):
        environment = self.environment({"STATE_DIRECTORY": str(self.state)})
        out, err = self.dir / "argv.out", self.dir / "argv.err"
        out.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            try:
                for number, path in ((1, out), (2, err)):
                    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666), number)
                if harness.ROOT:
                    os.setgroups([])
                    os.setresgid(*[harness.NOBODY.pw_gid] * 3)
                    os.setresuid(*[harness.NOBODY.pw_uid] * 3)
                pointers = (ctypes.c_char_p * (len(argv) + 1))(*map(os.fsencode, argv), None)
                variables = [f"{key}={value}".encode() for key, value in environment.items()]
                block = (ctypes.c_char_p * (len(variables) + 1))(*variables, None)
                harness.libc.execve(os.fsencode(self.binary), pointers, block)
            finally:
                os._exit(99)
        self.wait_for_beats(1, out)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, argv)
        self.assertEqual(err.read_text(), "", argv)


# Terminal, logfmt, XML, JSON, Prometheus, syslog and C each have something in it that they would obey.
NASTY = ("\x1b]0;title\x07", "\x1b[2J\x1b[31m", "\x9b2J", "a\nb\r\nc", "\t\v\f\b", '" x="1', "k=v ev=stop", "\\n\\x1b",
         "</title><script>alert(1)</script>", "]]>&amp;<!--", "{label=\"x\"} 1", "%s%n%d", "<3>emergency", "\x7f",
         "\u202eevil\u2066", "\u2028\u2029\u0085", "$(id)`id`;id|id", "'; DROP TABLE", "\ufeff\ufffe", "\udcff\udcc0\udcaf")


def is_one_clean_text(text):
    """Nothing in it that moves a cursor, ends a line or is no text."""
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


class Words(harness.Case):
    time_limit = 300

    def test_messages(self):
        """What cannot be a message is refused, and what can is one line wherever it goes."""
        number = 0
        for text in NASTY:
            message = text.replace("%", "%%")
            log = self.log.with_name(f"log.{number}")
            process = self.spawn(self.common([f"--message={message}", f"--output={log}", "--interval=1d", "--format=plain"]),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            harness.wait_until(lambda p=process, l=log: p.poll() is not None or harness.lines_of(l), 20, "beats or ends")
            process.terminate()
            _, err = process.communicate(timeout=20)
            self.assertIn(process.returncode, (0, 2), err)
            self.assertTrue(is_one_clean_text(err.decode().rstrip("\n")), err)
            if process.returncode == 0:
                content = log.read_bytes().decode()
                self.assertEqual(content.count("\n"), 1, content)
                self.assertTrue(is_one_clean_text(content[:-1]), content)
            number += 1
        tried("messages, host names and settings that hold commands for terminals and parsers", number)

    @harness.needs_root
    def test_host_names(self):
        self.private_host_name()
        names = [os.fsencode(text)[:64] for text in NASTY] + [b"\xff" * 64, b"\x1b" * 64, b" ", b"\n"]
        harness.check_libc(harness.libc.sethostname(b"first", 5), "sethostname")
        daemon = self.start_beating("--message=%H", "--format=plain", "--interval=20ms")
        for number, name in enumerate(names, 1):
            harness.check_libc(harness.libc.sethostname(name, len(name)), "sethostname")
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_words(": reloaded", 20, number)
            self.wait_for_more_beats(2)
        content = self.log.read_bytes().decode()
        for line in content.split("\n"):
            self.assertTrue(is_one_clean_text(line), line)
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn(None, map(records.pairs, records.lines(self.state)))
        tried("messages, host names and settings that hold commands for terminals and parsers", len(names))

    def test_settings(self):
        """A hostile file of configuration is refused in one line that can be shown anywhere."""
        number = 0
        for text in NASTY:
            raw = os.fsencode(text)
            for line in (b"%s=1", b"Interval=%s", b"[%s]", b"Output=%s", b"Metrics=/%s.prom", b"StateDir=/%s", b"%s"):
                path = self.config(b"[Heartbeat]\n" + line % raw + b"\n")
                result = self.run_command(f"--config={path}", "--check-config")
                self.assertIn(result.code, (0, 4, 6), result)
                lines = result.err.split("\n")[:-1]
                self.assertLessEqual(len(lines), 1, result)
                self.assertTrue(is_one_clean_text("".join(lines)), result)
                number += 1
        tried("messages, host names and settings that hold commands for terminals and parsers", number)

    def test_paths_of_outputs_that_fail(self):
        """They are named in warnings, in the history, and in what the pulse says of the step."""
        log = self.log.with_name('x" ev=stop k=\\x1b ä')
        daemon = self.start(f"--output={log}", f"--output={self.log}", "--interval=20ms", "--message=x")
        self.wait_for_beats(2)
        log.unlink(missing_ok=True)
        log.mkdir()
        daemon.wait_for_words("messages are lost")
        log.rmdir()
        daemon.wait_for_words("works again")
        event = records.wait_for_event(self.state, "output")
        self.assertEqual(event["output"], str(log)[:len(event["output"])])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(records.events(self.state, "stop")), 1)


class Records(statedir.CtlCase):
    """heartbeatctl on files that somebody else has written or planted."""

    commands = ("status", "check", "gaps", "explain", "report", "timeline", "metrics")
    time_limit = 300

    def nasty_record(self, text):
        """Every field of pulse and history that holds words, with these for words."""
        now = statedir.realtime()
        (self.record / "history").unlink(missing_ok=True)
        self.pulse(age=45 * SECOND, step="STEP", last_cause="CAUSE")
        hour = 3600 * SECOND
        for number, cause in enumerate(("output-blocked", "service-failed", "service-crashed", "CAUSE", "suspend")):
            begin = now - (20 - 2 * number) * hour
            self.gap(begin, begin + hour, cause, step="STEP", result="RESULT", code="exited", status="STATUS", at=begin + hour,
                     longest=hour, signal="SIGNAL")
        self.event("exit", now - hour, result="RESULT", code="CODE", status="STATUS")
        self.event("output", now - hour, output="/OUTPUT", errno=28, lost=1, **{"from": now - hour, "to": now})
        self.event("WORDS", now - hour, words="WORDS")
        for name in ("pulse", "history"):
            path = self.record / name
            data = path.read_bytes()
            for word in (b"STEP", b"RESULT", b"CODE", b"STATUS", b"OUTPUT", b"SIGNAL", b"CAUSE", b"WORDS"):
                data = data.replace(word, self.put(name, word, os.fsencode(text)))
            path.write_bytes(data)

    @staticmethod
    def put(name, word, raw):
        """In the history quoted, as the daemon would write it, and in the pulse, whose size is fixed, raw."""
        if name == "pulse":
            return (raw + word)[:len(word)]
        return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'

    def test_words_for_terminals_and_parsers(self):
        number = 0
        for text in NASTY:
            self.nasty_record(text)
            for command in self.commands:
                number += self.look(command, text)
        tried("looks at a record made to deceive", number)

    def look(self, command, text):
        plain = self.ctl(command, env={"TERM": "xterm"})
        self.assert_clean(plain, f"{command} of {text!r}")
        if command == "metrics":
            if plain.code == 0:
                prometheus.parse(plain.out)
            return 1
        answer = self.ctl("--output=json", command)
        self.assert_clean(answer, f"{command} in JSON of {text!r}")
        json.loads(answer.out)
        if command != "timeline":
            return 2
        picture = self.ctl("--output=svg", command)
        self.assert_clean(picture, f"a picture of {text!r}")
        xml.etree.ElementTree.fromstring(picture.out)
        self.assertNotRegex(picture.out, r"(?i)<script|<!--|\]\]>")
        return 3

    def assert_clean(self, result, what):
        self.assertIn(result.code, range(5), f"{what}: {result}")
        for line in (result.out + result.err).split("\n"):
            self.assertTrue(is_one_clean_text(line), f"{what}: {line!r}")

    def test_traps_in_place_of_pulse_and_history(self):
        """Nobody waits for a FIFO, reads a device to its end, or follows a link."""
        number = 0
        case = intruder.IntruderCase()
        victim = self.record / "victim"
        for name in ("pulse", "history"):
            for kind in intruder.KINDS:
                if kind in ("file of another user", "hard link", *intruder.LINKS[:1]) or not harness.ROOT:
                    continue
                self.trap(case, name, kind, victim)
                number += len(self.commands)
        tried("looks at a record made to deceive", number)

    def trap(self, case, name, kind, victim):
        for other in ("pulse", "history"):
            intruder.clear(self.record / other)
        if name == "history":
            self.pulse(start=False)
        case.treasury, case.inner = self.record, self.make_inner()
        try:
            case.make(kind, self.record / name, victim)
        except PermissionError:  # a device, in a container
            return
        for command in self.commands:
            self.assert_clean(self.ctl(command), f"{command} with a {kind} at {name}")
        intruder.clear(self.record / name)

    def make_inner(self):
        path = self.dir / "inner"
        path.mkdir(exist_ok=True)
        return path
