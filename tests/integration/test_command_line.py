# SPDX-License-Identifier: MIT
"""Command lines and config files in tables, friendly and hostile side by side, against the built binary.

Each row says what the exit code, stdout and stderr must be. Whatever the row, the binary must end by itself
and leave its directory as it was; an error must be one line that names the option or file:line and the value.
In a row, {dir} stands for the test's directory and {conf} for the config file that holds the row's `conf`.
"""

import dataclasses
import os
import re
import subprocess

import harness

ACCEPTED = "expected a time span from 10ms to 1d, such as 10s or 1min 30s"
LONG = "x" * 5000


@dataclasses.dataclass
class Row:
    """One command line. `out` is exact; `err` is a regular expression for the whole line, or empty."""

    args: list
    code: int = 0
    out: str | None = ""
    err: str = ""
    conf: str | bytes | None = None
    env: dict = dataclasses.field(default_factory=dict)
    user: str | None = None


def refused(*args, err, code=2, **more):
    return Row(list(args), code, "", err, **more)


def printed(*args, out, **more):
    """What --print-config must print; `out` holds the lines that differ from the defaults."""
    effective = {"Interval": "10s", "Message": "heartbeat %n", "Output": "stdout", "Format": "full",
                 "LogEvery": "0", "Sync": "beat", "HistoryMax": "4M", "Metrics": "",
                 "StateDir": "{dir}/home/.local/state/heartbeatd"}
    effective.update(out)
    lines = ["[Heartbeat]"]
    for key, value in effective.items():
        lines += [f"{key}={item}" for item in ([value] if isinstance(value, str) else value)]
    return Row(["--print-config", *args], 0, "\n".join(lines) + "\n", **more)


def bad_interval(value, shown=None):
    return refused(f"--interval={value}", err=rf'--interval: "{re.escape(shown or value)}": {ACCEPTED}')


def bad_config(conf, err, *args):
    """A config file that is refused. `err` follows the file's name and colon."""
    return refused("--config={conf}", "--check-config", *args, code=6, conf=conf, err=r"{conf}:" + err)


def in_section(text):
    return "[Heartbeat]\n" + text


class CommandLineCase(harness.Case):
    """Runs rows and compares."""

    def check_rows(self, rows):
        for row in rows:
            with self.subTest(args=[a[:80] for a in row.args], conf=(row.conf or "")[:80]):
                self.check_row(row)

    def fill(self, text, quote=str):
        return text.replace("{dir}", quote(str(self.dir))).replace("{conf}", quote(str(self.dir / "a.conf")))

    def check_row(self, row):
        if row.user == "root" and not harness.ROOT:
            return
        if row.conf is not None:
            self.config(self.fill(row.conf) if isinstance(row.conf, str) else row.conf, "a.conf")
        before = harness.tree(self.dir)
        environment = {key: self.fill(value) for key, value in row.env.items()}
        result = self.run_command(*map(self.fill, row.args), env=environment, user=row.user, seconds=10)
        self.assertEqual(harness.tree(self.dir), before, "something was created or changed")
        self.compare(row, result)

    def compare(self, row, result):
        self.assertEqual(result.code, row.code, result)
        if row.out is not None:
            self.assertEqual(result.out, self.fill(row.out), result)
        if row.err:
            pattern = self.fill(row.err, re.escape)
            self.assertRegex(result.err, rf"\Aheartbeatd: {pattern}\n\Z", result)
            self.assertEqual(result.err.count("\n"), 1, result)
            self.assertLess(len(result.err), 1000, "a line to be read by people")
            self.assertNotRegex(result.err[:-1], r"[\x00-\x1f\x7f]", "raw control characters")
        else:
            self.assertEqual(result.err, "", result)


class Options(CommandLineCase):
    def test_unknown_and_misused_options_are_refused(self):
        unknown = r"unknown option; see heartbeatd --help"
        self.check_rows([
            refused("--foo", err=rf"--foo: {unknown}"),
            refused("--foo=bar", err=rf"--foo(=bar)?: {unknown}"),
            refused("--inter=1s", err=rf"--inter(=1s)?: {unknown}"),
            refused("--print", err=rf"--print: {unknown}"),
            refused("--vers", err=rf"--vers: {unknown}"),
            refused("--Interval=1s", err=rf"--Interval(=1s)?: {unknown}"),
            refused("-h", err=rf"-h: {unknown}"),
            refused("-V", err=rf"-V: {unknown}"),
            refused("-foo", err=rf"-f(oo)?: {unknown}"),
            refused("--=x", err=rf"--(=x)?: {unknown}"),
            refused("--" + LONG, err=rf"--x+[^x].*{unknown}"),
            refused("--f\x01o\x1b[31m", err=rf"--f\\x01o\\x1b\[31m: {unknown}"),
            refused("foo", err=r'"foo": unexpected argument.*'),
            refused("", err=r'"": unexpected argument.*'),
            refused("-", err=r'"-": unexpected argument.*'),
            refused("--", "foo", err=r'"foo": unexpected argument.*'),
            refused("--", "--help", err=r'"--help": unexpected argument.*'),
            refused("--check-config", "now", err=r'"now": unexpected argument.*'),
            refused("a\nb\tc\x7f", err=r'"a\\nb\\tc\\x7f": unexpected argument.*'),
            refused(os.fsdecode(b"\xff\xfe"), err=r'"[^"]+": unexpected argument.*'),
            refused("--fork=yes", err=r"--fork: .*"),
            refused("--help=me", err=r"--help: .*"),
            refused("--running=1", err=r"--running: .*"),
            refused("--record-exit=1", err=r"--record-exit: .*"),
            refused("--record-exi", err=rf"--record-exi: {unknown}"),
            refused("--history=1M", err=rf"--history(=1M)?: {unknown}"),
            refused("--log=1h", err=rf"--log(=1h)?: {unknown}"),
        ])

    def test_options_without_their_value_are_refused(self):
        names = "interval message output format log-every sync history-max state-dir config".split()
        rows = [refused(f"--{name}", err=rf"--{name}: .+") for name in names]
        rows += [refused(f"--{name}=", err=rf"--{name}=?: expected .+") for name in names]
        rows += [refused(f"--{name}", "", err=rf"--{name}: expected .+") for name in names]
        rows += [refused("--fork", f"--{name}", err=rf"--{name}: .+") for name in ("pid-file", "user")]
        rows += [refused("--fork", f"--{name}=", err=rf"--{name}=?: expected .+")
                 for name in ("pid-file", "user")]
        self.check_rows(rows)

    def test_options_that_exclude_or_need_each_other(self):
        self.check_rows([
            refused("--running", "--stop", err=r"--stop: cannot be combined .*"),
            refused("--stop", "--running", err=r"--running: cannot be combined .*"),
            refused("--check-config", "--print-config", err=r"--print-config: cannot be combined .*"),
            refused("--check-config", "--stop", err=r"--stop: cannot be combined .*"),
            refused("--record-exit", "--running", err=r"--running: cannot be combined .*"),
            refused("--stop", "--record-exit", err=r"--record-exit: cannot be combined .*"),
            refused("--pid-file={dir}/p", err=r"--pid-file: .*--fork.*"),
            refused("--user=nobody", err=r"--user: .*--fork.*"),
            refused("--ready-fd=3", "--fork", err=r"--ready-fd: not with --fork.*"),
            refused("--fork", "--output=stdout", err=r'--output: "?stdout"?: .+'),
            refused("--fork", "--config={conf}", conf=in_section("Output=stdout\n"), code=6,
                    err=r'{conf}:2: Output: "?stdout"?: .+'),
        ])

    def test_users(self):
        self.check_rows([
            refused("--fork", "--user=no-such-user", err=r'--user: "no-such-user": .+', user="root"),
            refused("--fork", "--user=no\nbody", err=r'--user: "no\\nbody": .+', user="root"),
            refused("--fork", "--user=nobody", code=4, err=r"--user: .*root.*"),
        ])

    def test_bad_values_are_refused(self):
        self.check_rows([
            *(refused(f"--ready-fd={value}", err=rf'--ready-fd: "{value}": expected .*, 3 or more')
              for value in ("0", "1", "2", "-3", "x", "3x", "2147483648", "99999999999999999999")),
            refused("--format=fancy", err=r'--format: "fancy": .*full.*plain.*'),
            refused("--format=FULL", err=r'--format: "FULL": .*full.*plain.*'),
            *(refused(f"--sync={value}", err=rf'--sync: "{value}": expected beat, gap or never')
              for value in ("BEAT", "always", "yes", "0", "beat,gap", "unset")),
            refused("--sync= beat", err=r'--sync: " beat": expected beat, gap or never'),
            refused("--output=beats", err=r'--output: "beats": .*journal.*stdout.*syslog.*'),
            refused("--output=JOURNAL", err=r'--output: "JOURNAL": .*journal.*stdout.*syslog.*'),
            refused("--output=stderr", err=r'--output: "stderr": .*journal.*stdout.*syslog.*'),
            refused("--output=/" + LONG, err=r'--output: "/xxx[^"]*"?.*: .+'),
            refused("--state-dir=/" + LONG, err=r'--state-dir: "/xxx[^"]*"?.*: .+'),
            refused("--message=100%", err=r'--message: "100%": .*%%.*'),
            refused("--message=%q", err=r'--message: "%q": .*%%.*'),
            refused("--message=% n", err=r'--message: "% n": .*%%.*'),
            refused("--message=" + "x" * 1025, err=r'--message: "xxx.*1024.*'),
            refused("--message=" + LONG, err=r'--message: "xxx.*1024.*'),
            refused("--message=" + "%t" * 50, err=r'--message: "%t%t.*1024.*'),
            refused("--message=" + os.fsdecode(b"a\xffb"), err=r"--message: .*UTF-8.*"),
            refused("--message=" + os.fsdecode(b"\xc0\xaf"), err=r"--message: .*UTF-8.*"),
            refused("--message=" + os.fsdecode(b"\xed\xa0\x80"), err=r"--message: .*UTF-8.*"),
        ])

    def test_bad_time_spans_are_refused(self):
        values = ["0", "-1", "5ms", "9ms", "9999us", "2d", "1d 1us", "86401", "1e9", "infinity", "NaN",
                  "10 parsecs", "999999999999999999999y", "18446744073709551616", "18446744073709551626us",
                  "0x10", "10s;", "s", "ten", "+10s", "10,5s", "10s -1s", "1..5s", "1.", "1. 5s", ".", "٣s"]
        self.check_rows([bad_interval(value) for value in values])
        self.check_rows([
            bad_interval("5ms\x1b[2J", r"5ms\x1b[2J"),
            bad_interval("1\n0q", r"1\n0q"),
            bad_interval(" "),
            refused("--interval=" + LONG, err=rf'--interval: "xxx[^"]*".*: {ACCEPTED}'),
            refused("--interval=" + "9" * 5000, err=rf'--interval: "999[^"]*".*: {ACCEPTED}'),
        ])

    def test_bad_spans_between_messages_are_refused(self):
        expected = "expected a time span to 1y, such as 1h; 0 for each message"
        self.check_rows([refused(f"--log-every={value}",
                                 err=rf'--log-every: "{re.escape(value)}": {expected}')
                         for value in ("-1", "2y", "366d", "1y 1us", "31557601", "never", "infinity", "1 eon",
                                       "18446744073709551616", "18446744073709551615us", " ")])

    def test_good_spans_between_messages_are_understood(self):
        """Whatever the interval: one that is shorter means each beat."""
        spans = {"0": "0", "0s": "0", "1": "1s", "1us": "1us", "1h": "1h", "90min": "1h 30min",
                 "365d": "365d", "1d 12h": "1d 12h"}
        self.check_rows([printed(f"--log-every={given}", out={"LogEvery": shown})
                         for given, shown in spans.items()])
        self.check_rows([printed("--log-every=1y", out={"LogEvery": "365d 6h"})])

    def test_bad_sizes_are_refused(self):
        expected = "expected a size from 64K to 1G, such as 4M"
        self.check_rows([refused(f"--history-max={value}",
                                 err=rf'--history-max: "{re.escape(value)}": {expected}')
                         for value in ("0", "63K", "65535", "1025M", "2G", "1073741825", "1T", "-1", "-4M",
                                       "+4M", "4 M", "4MB", "4m", "4k", "M", "4M ", " 4M", "4.5M", "0x10000",
                                       "infinity", "18446744073709551616", "17179869184G", "16384P")])

    def test_good_sizes_are_understood(self):
        sizes = {"64K": "64K", "65536": "64K", "4096K": "4M", "1048577": "1048577", "1500K": "1500K",
                 "1G": "1G", "1073741824": "1G", "1024M": "1G", "0000064K": "64K"}
        self.check_rows([printed(f"--history-max={given}", out={"HistoryMax": shown})
                         for given, shown in sizes.items()])

    def test_when_to_sync_is_understood(self):
        self.check_rows([printed(f"--sync={value}", out={"Sync": value})
                         for value in ("beat", "gap", "never")])

    def test_good_time_spans_are_understood(self):
        spans = {"10ms": "10ms", "10": "10s", "10s": "10s", "10sec": "10s", "10 seconds": "10s",
                 "500ms": "500ms", "1.5s": "1s 500ms", "1min 30s": "1min 30s", "1min30s": "1min 30s",
                 "90": "1min 30s",
                 "1h": "1h", "60m": "1h", "1d": "1d", "24h": "1d", "86400": "1d", " 10s ": "10s",
                 "100000us": "100ms", "0.01": "10ms"}
        self.check_rows([printed(f"--interval={given}", out={"Interval": shown})
                         for given, shown in spans.items()])


class Configuration(CommandLineCase):
    def test_bad_lines_are_refused_with_file_and_line(self):
        self.check_rows([
            bad_config(in_section("Intervall=1s\n"), r"2: Intervall: unknown key.*"),
            bad_config(in_section("interval=1s\n"), r"2: interval: unknown key.*"),
            bad_config(in_section("Fork=yes\n"), r"2: Fork: unknown key.*"),
            bad_config("[Heart]\nInterval=1s\n", r"1: \[Heart\]: unknown section.*"),
            bad_config("[Heart]\n", r"1: \[Heart\]: unknown section.*"),
            bad_config("[]\nInterval=1s\n", r"1: .+"),
            bad_config("[Heartbeat]\n\n[Service]\nType=simple\n", r"3: \[Service\]: unknown section.*"),
            bad_config("[Heartbeat\nInterval=1s\n", r"1: .+"),
            bad_config("# x\nInterval=1s\n", r"2: .*section.*|2: .*\[Heartbeat\].*"),
            bad_config(in_section("Interval 1s\n"), r"2: .*=.*"),
            bad_config(in_section("=1s\n"), r"2: .+"),
            bad_config(in_section("Message=a\0b\n"), r"2: .*NUL.*"),
            bad_config(b"[Heartbeat]\nMessage=a\xffb\n", r"2: .*UTF-8.*"),
            bad_config(b"[Heartbeat]\n# caf\xe9\nInterval=1s\n", r"2: .*UTF-8.*"),
            bad_config(in_section("Message=" + "x" * 4089 + "\n"), r"2: .*4096.*"),
            bad_config(in_section("#" * 4097 + "\n"), r"2: .*4096.*"),
            bad_config("\ufeff\ufeff[Heartbeat]\nInterval=1s\n", r"1: .+"),
            bad_config(in_section("Key\x1b[31m=1\n"), r"2: Key\\x1b\[31m: unknown key.*"),
            bad_config(in_section(LONG[:4000] + "=1\n"), r"2: xxx.*: unknown key.*"),
        ])

    def test_bad_values_are_refused_with_file_and_line(self):
        self.check_rows([
            bad_config(in_section("Interval=5ms\n"), rf'2: Interval: "5ms": {ACCEPTED}'),
            bad_config(in_section("Interval=10s ; fast\n"), rf'2: Interval: "10s ; fast": {ACCEPTED}'),
            bad_config(in_section("Interval=10s\nInterval=0\n"), rf'3: Interval: "0": {ACCEPTED}'),
            bad_config(in_section("Message=%q\n"), r'2: Message: "%q": .+'),
            bad_config(in_section("Message=" + "x" * 1025 + "\n"), r"2: Message: .*1024.*"),
            bad_config(in_section("Format=fancy\n"), r'2: Format: "fancy": .*full.*plain.*'),
            bad_config(in_section("LogEvery=2y\n"), r'2: LogEvery: "2y": expected a time span to 1y.*'),
            bad_config(in_section("Sync=Beat\n"), r'2: Sync: "Beat": expected beat, gap or never'),
            bad_config(in_section("HistoryMax=1K\n"), r'2: HistoryMax: "1K": expected a size from 64K.*'),
            bad_config(in_section("Metrics=x.prom\n"), r'2: Metrics: "x.prom": expected the absolute path .*\.prom'),
            bad_config(in_section("Metrics=/x\n"), r'2: Metrics: "/x": expected .*\.prom'),
            bad_config(in_section("RecordExit=1\n"), r"2: RecordExit: unknown key.*"),
            bad_config(in_section("Output=beats\n"), r'2: Output: "beats": .+'),
            bad_config(in_section("Output=./beats\n"), r'2: Output: "./beats": .+'),
            bad_config(in_section("StateDir=state\n"), r'2: StateDir: "state": .*absolute.*'),
            bad_config(in_section("\r\n\r\nInterval=5ms\r\n"), rf'4: Interval: "5ms": {ACCEPTED}'),
        ])

    def test_a_bad_config_fails_every_way_to_use_it(self):
        bad = in_section("Interval=5ms\n")
        err = rf'{{conf}}:2: Interval: "5ms": {ACCEPTED}'
        self.check_rows([refused("--config={conf}", *args, code=6, conf=bad, err=err)
                         for args in ([], ["--print-config"], ["--fork"], ["--interval=1s"],
                                      ["--fork", "--pid-file={dir}/run/pid", "--output={dir}/log/beats"])])

    def test_things_that_are_no_config_file(self):
        os.mkfifo(self.dir / "fifo", 0o666)
        self.config("#" * 100 + "\n" + ("# " + "x" * 1000 + "\n") * 1100, "big.conf")
        os.symlink("loop", self.dir / "loop")
        self.check_rows([
            refused("--config={dir}/missing", code=6, err=r"{dir}/missing: .*No such file or directory.*"),
            refused("--config={dir}", code=6, err=r"{dir}: .+"),
            refused("--config={dir}/fifo", code=6, err=r"{dir}/fifo: .+"),
            refused("--config={dir}/loop", code=6, err=r"{dir}/loop: .+"),
            refused("--config={dir}/big.conf", code=6, err=r"{dir}/big\.conf: .*(1M|1 M|1048576).*"),
            refused("--config=/dev/zero", code=6, err=r"/dev/zero: .+|/dev/zero:1: .+"),
            refused("--config={dir}/home/\x01", code=6, err=r"{dir}/home/\\x01: .+"),
        ])

    @harness.needs_root
    def test_a_config_that_may_not_be_read_is_refused(self):
        self.config("", "secret.conf").chmod(0o600)
        self.check_rows([refused("--config={dir}/secret.conf", code=6, err=r"{dir}/secret\.conf: .+")])

    def test_good_config_files_say_what_is_effective(self):
        self.check_rows([
            printed("--config=/dev/null", out={}),
            printed("--config={conf}", conf="", out={}),
            printed("--config={conf}", conf="\ufeff[Heartbeat]\r\nInterval=5s\r\n", out={"Interval": "5s"}),
            printed("--config={conf}", conf="# only a comment", out={}),
            printed("--config={conf}", conf="  # blank first\n\t; and this\n\n[Heartbeat]", out={}),
            printed("--config={conf}", conf=in_section("Interval=5s"), out={"Interval": "5s"}),
            printed("--config={conf}", conf=in_section("  Interval =\t 5s \t\n"), out={"Interval": "5s"}),
            printed("--config={conf}", conf="[Heartbeat]\r\nInterval=5s\r\n", out={"Interval": "5s"}),
            printed("--config={conf}", conf=in_section("Interval=5s\nInterval=6s\n"), out={"Interval": "6s"}),
            printed("--config={conf}", conf=in_section("Interval=5s\nInterval=\n"), out={}),
            printed("--config={conf}", conf=in_section("Message=hi\nMessage=\n"), out={}),
            printed("--config={conf}", conf=in_section("Format=plain\nFormat=\n"), out={}),
            printed("--config={conf}", conf=in_section("LogEvery=1h\nSync=never\nHistoryMax=1M\n"),
                    out={"LogEvery": "1h", "Sync": "never", "HistoryMax": "1M"}),
            printed("--config={conf}", conf=in_section("LogEvery=1h\nSync=gap\nHistoryMax=1M\n"
                                                       "LogEvery=\nSync=\nHistoryMax=\n"), out={}),
            printed("--config={conf}", conf=in_section("Metrics=/m.prom\n"), out={"Metrics": "/m.prom"}),
            printed("--config={conf}", conf=in_section("Metrics=/m.prom\nMetrics=\n"), out={}),
            printed("--config={conf}", conf=in_section("Message=a # b ; c\n"), out={"Message": "a # b ; c"}),
            printed("--config={conf}", conf=in_section("Message=a=b\n"), out={"Message": "a=b"}),
            printed("--config={conf}", conf=in_section("Message=\" a \"\n"), out={"Message": '" a "'}),
            printed("--config={conf}", conf=in_section("Message=käse ☃\n"), out={"Message": "käse ☃"}),
            printed("--config={conf}", conf=in_section("#" * 4096 + "\nFormat=plain\n"),
                    out={"Format": "plain"}),
            printed("--config={conf}", conf=in_section("Output=/a\nOutput=/b\nOutput=/a\n"),
                    out={"Output": ["/a", "/b"]}),
            printed("--config={conf}", conf=in_section("Output=/a\nOutput=\nOutput=/b\n"),
                    out={"Output": "/b"}),
            printed("--config={conf}", conf=in_section("Output=/a\nOutput=\n"), out={}),
            printed("--config={conf}", conf=in_section("StateDir=/s\nFormat=plain\n"),
                    out={"StateDir": "/s", "Format": "plain"}),
            printed("--config={conf}", conf="[Heartbeat]\nInterval=5s\n[Heartbeat]\nFormat=plain\n",
                    out={"Interval": "5s", "Format": "plain"}),
        ])

    def test_the_command_line_wins_over_the_config_file(self):
        conf = in_section("Interval=5s\nMessage=hi\nOutput=/a\nOutput=/b\nFormat=plain\nLogEvery=1h\n"
                          "Sync=gap\nHistoryMax=1M\nMetrics=/m.prom\nStateDir=/s\n")
        self.check_rows([
            printed("--config={conf}", "--interval=7s", "--message=ho", "--output=/c", "--format=full",
                    "--log-every=0", "--sync=never", "--history-max=2M", "--metrics=/n.prom",
                    "--state-dir=/t", conf=conf,
                    out={"Interval": "7s", "Message": "ho", "Output": "/c", "Sync": "never",
                         "HistoryMax": "2M", "Metrics": "/n.prom", "StateDir": "/t"}),
            printed("--interval=7s", "--config={conf}", conf=conf,
                    out={"Interval": "7s", "Message": "hi", "Output": ["/a", "/b"], "Format": "plain",
                         "LogEvery": "1h", "Sync": "gap", "HistoryMax": "1M", "Metrics": "/m.prom",
                         "StateDir": "/s"}),
        ])

    def test_friendly_command_lines_say_what_is_effective(self):
        self.check_rows([
            printed(out={}),
            printed("--interval", "5s", out={"Interval": "5s"}),
            printed("--message=%n %t %H %b %u %%", out={"Message": "%n %t %H %b %u %%"}),
            printed("--message=" + "x" * 1024, out={"Message": "x" * 1024}),
            printed("--message=--help", out={"Message": "--help"}),
            printed("--message", "--help", out={"Message": "--help"}),
            printed("--output=stdout", "--output=syslog", "--output=/x/y",
                    out={"Output": ["stdout", "syslog", "/x/y"]}),
            printed("--output=/x", "--output=/x", out={"Output": "/x"}),
            printed("--output=./beats", out={"Output": "{dir}/beats"}),
            printed("--output=log/beats", out={"Output": "{dir}/log/beats"}),
            printed("--state-dir=state", out={"StateDir": "{dir}/state"}),
            printed("--metrics=heart.prom", out={"Metrics": "{dir}/heart.prom"}),
            printed("--format=plain", "--format=full", out={}),
            printed("--fork", out={"Output": "{dir}/home/.local/state/heartbeatd/heartbeat.log"}),
            printed("--fork", out={"Output": "/var/log/heartbeatd/heartbeat.log",
                                   "StateDir": "/var/lib/heartbeatd"}, user="root"),
        ])

    def test_the_environment_names_the_state_directory(self):
        self.check_rows([
            printed(env={"STATE_DIRECTORY": "/s"}, out={"StateDir": "/s"}),
            printed(env={"STATE_DIRECTORY": "/s:/t"}, out={"StateDir": "/s"}),
            printed(env={"XDG_STATE_HOME": "/x"}, out={"StateDir": "/x/heartbeatd"}),
            printed(env={"XDG_STATE_HOME": ""}, out={}),
            printed(env={"XDG_STATE_HOME": "relative"}, out={}),
            printed(env={"STATE_DIRECTORY": "relative"}, out={}),
            printed("--state-dir=/t", env={"HOME": ""}, out={"StateDir": "/t"}),
            printed("--config={conf}", conf=in_section("StateDir=/t\n"), env={"HOME": ""},
                    out={"StateDir": "/t"}),
            refused("--print-config", env={"HOME": ""}, code=6, err=r".*--state-dir.*"),
            printed("--state-dir=/t", env={"STATE_DIRECTORY": "/s"}, out={"StateDir": "/t"}),
        ])

    def test_the_environment_names_the_log_directory(self):
        self.check_rows([
            printed("--fork", env={"LOGS_DIRECTORY": "/l"}, out={"Output": "/l/heartbeat.log"}),
            printed("--fork", env={"LOGS_DIRECTORY": "/l:/m"}, out={"Output": "/l/heartbeat.log"}),
            printed("--fork", env={"LOGS_DIRECTORY": "relative"},
                    out={"Output": "{dir}/home/.local/state/heartbeatd/heartbeat.log"}),
            printed("--fork", "--output=syslog", env={"LOGS_DIRECTORY": "/l"}, out={"Output": "syslog"}),
            printed(env={"LOGS_DIRECTORY": "/l"}, out={}),
        ])

    def test_the_log_directory_takes_what_would_go_nowhere(self):
        logs = self.make_directory("logs")
        environment = {"LOGS_DIRECTORY": str(logs)}
        daemon = self.start(stdout=subprocess.DEVNULL, env=environment)
        self.wait_for_beats(2, logs / "heartbeat.log")
        self.assertEqual(daemon.stop(), 0)
        (logs / "heartbeat.log").unlink()
        daemon = self.start(env=environment)
        self.wait_for_beats(2, daemon.stdout)
        self.assertEqual(list(logs.iterdir()), [])

    @harness.needs_root
    def test_check_config_looks_with_the_eyes_of_the_user(self):
        private = self.make_directory("private", 0o700)
        for user, code in ((None, 0), ("nobody", 4)):
            os.chown(private, 0, 0)
            options = [f"--user={user}"] if user else []
            result = self.run_command("--check-config", f"--output={private}/log", *options, user="root")
            self.assertEqual(result.code, code, result)
        self.one_error(result, 4, r"output .*/private/log: Permission denied")
        unreadable = self.config("[Heartbeat]\n")
        os.chown(unreadable, 0, 0)
        os.chmod(unreadable, 0o600)
        result = self.run_command("--check-config", f"--config={unreadable}", "--user=nobody", user="root")
        self.one_error(result, 6, r"heartbeatd.conf: cannot be read: Permission denied")

    def test_check_config_is_silent(self):
        self.check_rows([Row(["--check-config"]),
                         Row(["--check-config", "--config={conf}"], conf=in_section("Interval=1min\n")),
                         Row(["--check-config", "--config=/dev/null", "--interval=1s"])])

    def test_what_print_config_prints_gives_the_same_again(self):
        """Also for messages that hold what the file's syntax would take away."""
        messages = ["plain", " blanks around ", '"quoted"', '"', '""', "\\n", "a\\x41", "a=b", "# no comment",
                    "[Heartbeat]", "%%", "käse", "tab\there", "line\nbreak", "bell\x07", 'end "', "  "]
        for message in messages:
            with self.subTest(message=message):
                first = self.run_command("--print-config", f"--message={message}", "--interval=1.5s",
                                         "--output=syslog", "--output=/x y", "--log-every=1.5h",
                                         "--sync=gap", "--history-max=1500000", "--state-dir=/s")
                self.assertEqual((first.code, first.err), (0, ""), first)
                path = self.config(first.out, "again.conf")
                second = self.run_command("--print-config", f"--config={path}")
                self.assertEqual((second.code, second.out), (0, first.out), second)

    def test_paths_are_printed_so_that_they_can_be_read_again_or_refused(self):
        paths = ["/x y", "/x ", '/"x"', '/x"', "/x=y", "/x#y;z", "/x\\y", "/käse", "/a\nStateDir=/b", "/x\r",
                 "/x\t", "/\x01", os.fsdecode(b"/x\xff")]
        for path in paths:
            for option in ("output", "state-dir"):
                with self.subTest(option=option, path=path):
                    self.check_path(f"--{option}={path}")

    def check_path(self, argument):
        first = self.run_command("--print-config", "--config=/dev/null", argument)
        if first.code == 2:
            self.one_error(first, 2, "--(output|state-dir): ")
            return
        second = self.run_command("--print-config", f"--config={self.config(first.out, 'again.conf')}")
        self.assertEqual((second.code, second.out), (0, first.out), second)
        self.assertEqual(first.out.count("\n"), 10)

    @harness.needs_root
    def test_etc_and_its_drop_ins_are_read_in_order(self):
        """heartbeatd.conf, then heartbeatd.conf.d/*.conf in the C locale's order; --config in their place."""
        self.private_mounts()
        self.mount_tmpfs("/etc")
        drop_ins = harness.pathlib.Path("/etc/heartbeatd.conf.d")
        drop_ins.mkdir()
        files = {"../heartbeatd.conf": "Interval=1s\nMessage=main\nOutput=/a\n",
                 "10-a.conf": "Interval=2s\n", "9-b.conf": "Interval=3s\nOutput=/b\n",
                 "Z.conf": "Format=plain\n", "a.conf": "Format=full\n", "ignored.txt": "Bad\n",
                 ".hidden.conf": "Interval=9s\n"}
        for name, text in files.items():
            (drop_ins / name).write_text(in_section(text))
        self.check_rows([
            printed(out={"Interval": "3s", "Message": "main", "Output": ["/a", "/b"]}),
            printed("--config={conf}", conf=in_section("Interval=5s\n"), out={"Interval": "5s"}),
        ])
        (drop_ins / "zz.conf").write_text("[Heartbeat]\nInterval=0\n")
        self.check_rows([refused("--check-config", code=6,
                                 err=rf'/etc/heartbeatd.conf.d/zz.conf:2: Interval: "0": {ACCEPTED}')])


class Starts(CommandLineCase):
    """Starts that are refused for what they find in the file system."""

    def test_a_named_state_directory_must_be_there(self):
        self.config("", "file")
        self.check_rows([
            refused("--state-dir={dir}/none", "--output={dir}/log/x", code=6,
                    err=r".*{dir}/none.*: No such file or directory.*"),
            refused("--state-dir={dir}/file", "--output={dir}/log/x", code=6,
                    err=r".*{dir}/file.*: Not a directory.*"),
            refused("--config={conf}", conf=in_section("StateDir={dir}/none\n"), code=6,
                    err=r".*{dir}/none.*: No such file or directory.*"),
        ])

    @harness.needs_root
    def test_no_privilege_is_exit_code_4(self):
        (self.dir / "secret").mkdir(mode=0o700)
        self.check_rows([
            refused("--state-dir={dir}/secret", "--output={dir}/log/x", code=4,
                    err=r".*{dir}/secret.*: Permission denied.*"),
            refused("--state-dir={dir}/secret/x", "--output={dir}/log/x", code=4,
                    err=r".*{dir}/secret/x.*: Permission denied.*"),
        ])


class Prints(CommandLineCase):
    def test_help_fits_on_a_screen(self):
        result = self.run_command("--help")
        self.assertEqual((result.code, result.err), (0, ""))
        lines = result.out.splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertIn("--interval=", result.out)

    def test_version_says_whether_libsystemd_is_in(self):
        result = self.run_command("--version")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertRegex(result.out, r"\Aheartbeatd \d+\S*.*\bwith(out)? libsystemd\b")

    def test_output_that_cannot_be_written_is_a_failure(self):
        for args in (["--help"], ["--version"], ["--print-config"]):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                process = self.spawn(args, stdout=full, stderr=subprocess.PIPE)
                _, err = process.communicate(timeout=10)
                self.assertEqual(process.returncode, 1, err)
                self.assertRegex(err.decode(), r"\Aheartbeatd: [^\n]*No space left on device[^\n]*\n\Z")

    def test_an_error_without_stderr_still_has_its_exit_code(self):
        close = ["sh", "-c", 'exec "$0" "$@" 2>&-']
        self.assertEqual(self.spawn(["--foo"], wrapper=close, stdout=subprocess.DEVNULL).wait(10), 2)
