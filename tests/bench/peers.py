# SPDX-License-Identifier: MIT
"""The programs that are measured beside one another, each with the least that makes it write a line at each beat."""

import dataclasses
import shutil
import typing

import histories

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
WATCHDOG_USEC = 30_000_000  # fed by beats alone


@dataclasses.dataclass
class Program:
    """command(place, interval_msec): what is executed, with the file `lines` in the directory `place` for its
    output."""

    name: str
    command: typing.Callable
    forked: typing.Callable = None  # the command that makes a daemon of it; its process ends then
    takes_output: bool = False  # what it prints are its lines
    daemonizes: bool = False  # always
    starts_others: bool = False  # whose cost is its own
    most_descriptors: int = 2**31  # with a higher limit it takes minutes to start
    grid: str = ""  # where one learns when its beats are due: "clock", "pulse"; empty: nowhere, it drifts
    notified: bool = False  # a service manager listens
    environment: dict = dataclasses.field(default_factory=dict)
    prepare: typing.Callable = lambda place: None  # before it is started there


def shell_loop(shell, sleep):
    def command(place, msec):
        return [*shell, "-c", f'while :; do echo "I am Dameon" >>{place}/lines; {sleep} {msec / 1000:g}; done']
    return command


def peers(workshop):
    packages = workshop.packages
    busybox = packages.program("busybox")

    def immark(place, msec):
        (place / "rsyslog.conf").write_text(
            f'global(workDirectory="{place}" processInternalMessages="on")\n'
            f'module(load="immark" interval="{msec // 1000}")\n'
            f'*.* action(type="omfile" file="{place}/lines")\n')
        return [packages.program("rsyslogd"), "-n", "-iNONE", f"-f{place}/rsyslog.conf",
                f"-M{packages.rsyslog_modules}"]

    def tutorial(place, msec):
        return [workshop.tool("tutorial"), place / "lines", msec]

    return [
        Program("floor", lambda place, msec: [workshop.tool("floor"), place / "lines", msec], grid="clock"),
        Program("tutorial", tutorial, forked=tutorial, daemonizes=True, most_descriptors=2**20),
        Program("dash loop", shell_loop([shutil.which("dash")], "sleep"), starts_others=True),
        Program("busybox loop", shell_loop([busybox, "sh"], f"{busybox} sleep"), starts_others=True),
        Program("earlyoom", lambda place, msec: [packages.program("earlyoom"), "-r", f"{msec / 1000:g}", "--dryrun"],
                takes_output=True),
        Program("rsyslog immark", immark, environment=packages.environment),
    ]


def heartbeatd(name, daemon, *options, printing=False, past=0, **properties):
    """past: the lines that its history has from before."""
    def prepare(place):
        histories.write(place / "state", past)

    def command(place, msec):
        return [daemon, "--config=/dev/null", f"--state-dir={place}/state", f"--interval={msec}ms",
                f"--output={place}/lines", *(option.format(place=place) for option in options),
                *(["--output=stdout"] if printing else [])]

    def forked(place, msec):  # which has no standard output
        return [*(word for word in command(place, msec) if word != "--output=stdout"), "--fork",
                f"--pid-file={place}/pid"]

    return Program(name, command, forked, grid="pulse", prepare=prepare, **properties)


LINE = ("--format=plain", "--message=I am Dameon", "--sync=never")
ALL = ("--output={place}/more",)
SORTS = {"line": "appends a line", "all": "all duties but sync", "sync": "all duties", "past": "the same, history full"}
HISTORY_LINES = 4 * 1024 * 1024 // histories.LINE_BYTES - 10  # as many as the default bound lets there be
LABELS = {"libsystemd": "heartbeatd", "without": "without libsystemd", "musl": "static musl"}


def own_name(build, sort):
    return f"{LABELS[build]}: {SORTS[sort]}"


def own(workshop):
    """heartbeatd built in each way: with the duties that the peers have, which still has its pulse written; with all
    of its own but sync, which costs what the disk does; the same with a history at its bound; and with sync."""
    programs = []
    for build, made in workshop.builds.items():
        notified = build == "libsystemd"
        programs += [
            heartbeatd(own_name(build, "line"), made.daemon, *LINE),
            heartbeatd(own_name(build, "all"), made.daemon, *ALL, "--sync=never", printing=True, notified=notified),
        ]
        if notified:
            programs += [
                heartbeatd(own_name(build, "past"), made.daemon, *ALL, "--sync=never", printing=True, notified=True,
                           past=HISTORY_LINES),
                heartbeatd(own_name(build, "sync"), made.daemon, *ALL, printing=True, notified=True),
            ]
    return programs
