# SPDX-License-Identifier: MIT
"""Completion in bash, zsh and fish: the shells themselves are asked what they offer for half a command line.

What they must offer is taken from the built programs: commands and options from --help, words that are values from
what the programs say when they refuse another. The files lie where `meson install` puts them, and each shell finds
them by itself. A line of --help that a shell does not know fails here, and is shown.
"""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from test_build import Build

COMPLETE, DUMP = b"\x14", b"\x0f"  # the keys ^T and ^O, bound below
PROMPT = "ready> "
SECONDS = 30  # that a shell may take for one line, on a busy host

# What follows an option, where that is no word of a list.
NOTHING, DIRECTORY, FILE, USER, TIME, OUTPUT, WORD = "nothing", "directory", "file", "user", "time", "output", "word"
VALUES = {
    "heartbeatctl": {"output": WORD, "state-dir": DIRECTORY, "warning": NOTHING, "critical": NOTHING, "since": TIME,
                     "until": TIME, "cause": WORD, "by": WORD, "exclude": NOTHING},
    "heartbeatd": {"interval": NOTHING, "message": NOTHING, "output": OUTPUT, "format": WORD, "log-every": NOTHING,
                   "sync": WORD, "history-max": NOTHING, "metrics": FILE, "state-dir": DIRECTORY, "config": FILE, "pid-file": FILE,
                   "user": USER, "ready-fd": NOTHING},
}
TIMES = ["today", "yesterday"]
# The directory that the shells are in: names of files, and of directories behind a "/".
FILES = ["beats.log", "heart.conf", "hollow/", "logs/", "logs/old.log", "two words/"]
DIRECTORIES = ["hollow", "logs", "two words"]

BASH_RC = """
unset HISTFILE
PS1='{prompt}'
. /usr/share/bash-completion/bash_completion
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
dump() {{
    printf %s "$READLINE_LINE" >{answer}.new && mv {answer}.new {answer}
    READLINE_LINE= READLINE_POINT=0
}}
bind '"\\C-t": insert-completions'
bind -x '"\\C-o": dump'
"""

# Each directory that zsh looks in, below the root of the installation.
ZSH_RC = """
unset HISTFILE
PROMPT='{prompt}' RPROMPT=
fpath=({root}${{^fpath}} $fpath)
autoload -Uz compinit && compinit -u -D
unsetopt beep
unset zle_bracketed_paste
everything() {{
    _main_complete
    compstate[insert]=all compstate[list]=
}}
dump() {{
    print -rn -- "$BUFFER" >{answer}.new && mv {answer}.new {answer}
    BUFFER=
}}
zle -C everything complete-word everything
zle -N dump
bindkey -e
bindkey '^T' everything
bindkey '^O' dump
"""


def installed():
    """The root of an installation for prefix /usr, made once for all tests of a run."""
    notes = pathlib.Path(os.environ["SUITE_NOTES"])
    root = notes / "completion"
    with open(notes / "completion.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            with Build("--prefix=/usr") as build:
                shutil.move(build.install(), root)
    return root


@dataclasses.dataclass
class Option:
    """An option as --help has it: how it is typed ("--name=" with a value), the line, and the commands under whose
    heading it stands (None: all)."""

    typed: str
    line: str
    commands: list | None = None

    @property
    def name(self):
        return self.typed.strip("-=")


class Program:
    """A built program, and what it says of itself."""

    def __init__(self, path):
        self.path, self.name = path, path.name
        self.help = subprocess.run([path, "--help"], text=True, capture_output=True, check=True).stdout
        usage = re.findall(rf"^({self.name} .*)$", self.help.partition("\n")[2], re.M)
        self.commands = {m[1]: line for line in usage if (m := re.match(rf"{self.name} \[?([a-z]+)\b", line))}
        self.options = list(self.read_options())
        known = {option.typed for option in self.options}
        self.options += [Option(word, line) for line in usage for word in re.findall(r"(--[a-z-]+)", line)
                         if not {word, word + "="} & known]

    def read_options(self):
        commands = None
        for line in self.help.splitlines():
            if heading := re.match(r"([a-z]+(?:, [a-z]+)*):$", line):
                commands = heading[1].split(", ")
            if spelled := re.match(r"  (-[\w-]+(?:=\S+)?(?:, -[\w-]+(?:=\S+)?)*)", line):
                for word in spelled[1].split(", "):
                    name, value, _ = word.partition("=")
                    yield Option(name + value, line, commands)

    def takes(self, *arguments):
        """Whether the command line is a good one, whatever comes of it."""
        with tempfile.TemporaryDirectory() as state:
            done = self.run("--state-dir=" + state, *arguments)
        return not re.search("expected|goes with", done.stderr)

    def run(self, *arguments):
        return subprocess.run([self.path, *arguments], text=True, capture_output=True, timeout=SECONDS)

    def words(self, option):
        """The words that an option takes, from what is said of another."""
        said = re.search(r"expected (?:some of )?(.*)$", self.run(f"--{option}=x").stderr)[1]
        listed = re.split(r", or |, | or ", said.partition(" (")[0])
        return [word.split()[0] for word in listed if not word.startswith("the path")]


class Typist:
    """A shell at a terminal, to which half a line is typed, then the key that inserts all that it offers, then one that
    writes the line to a file and empties it."""

    def __init__(self, command, answer, environment, directory):
        self.answer = answer
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, environment)
        self.screen = ""
        self.wait(lambda: self.screen.endswith(PROMPT), "no prompt")

    def wait(self, condition, what):
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: {self.screen!r}")
            if select.select([self.terminal], [], [], 0.005)[0]:
                with contextlib.suppress(OSError):  # EIO: it has ended
                    self.screen += os.read(self.terminal, 65536).decode(errors="replace")

    def complete(self, line):
        os.write(self.terminal, line.encode() + COMPLETE + DUMP)
        self.wait(self.answer.exists, f"no answer for {line!r}")
        text = self.answer.read_text()
        self.answer.unlink()
        if text == line:
            return []
        start = line.rindex(" ") + 1
        return shlex.split(text[start:])

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Fish:
    """fish says itself what it would offer."""

    def __init__(self, environment, directory):
        self.arguments = {"env": environment, "cwd": directory, "text": True, "capture_output": True}

    def complete(self, line):
        done = subprocess.run(["fish", "-c", "complete -C $argv[1]", line], **self.arguments, timeout=SECONDS)
        assert done.returncode == 0 and not done.stderr, done
        return [row.partition("\t")[0] for row in done.stdout.splitlines()]

    def close(self):
        pass


class Completion(unittest.TestCase):
    time_limit = 180

    @classmethod
    def setUpClass(cls):
        cls.root = installed()
        cls.programs = {name: Program(cls.root / "usr/bin" / name) for name in VALUES}

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="heartbeatd-completion-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.here = self.directory / "here"
        for name in FILES:
            path = self.here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir()
            else:
                path.touch()

    def start(self, shell):
        environment = {"HOME": str(self.directory), "TERM": "dumb", "LC_ALL": "C.UTF-8",
                       "PATH": f"{self.root}/usr/bin:/usr/bin:/bin",
                       "XDG_DATA_DIRS": f"{self.root}/usr/share:/usr/share", "ZDOTDIR": str(self.directory)}
        answer = self.directory / "answer"
        texts = {"prompt": PROMPT, "answer": answer, "root": self.root}
        (self.directory / ".bashrc").write_text(BASH_RC.format(**texts))
        (self.directory / ".zshrc").write_text(ZSH_RC.format(**texts))
        if shell == "fish":
            self.shell = Fish(environment, self.here)
        else:
            command = {"bash": ["bash", "--noprofile", "-i"], "zsh": ["zsh", "-o", "no_global_rcs", "-i"]}[shell]
            self.shell = Typist(command, answer, environment, self.here)
        self.addCleanup(self.shell.close)
        self.name = shell

    def offered(self, line):
        """What could stand in place of the last word, without a leading --name= or list, without a closing "/"."""
        typed = line.rpartition(" ")[2]
        before = re.match(r"(--[a-z-]+=)?(.*,)?", typed)
        found = []
        for word in self.shell.complete(line):
            for part in before.groups(default=""):
                word = word.removeprefix(part)
            # What zsh puts behind the last one goes again with the next character.
            found.append(word.rstrip("=,/" if self.name == "zsh" else "/"))
        return sorted(found)

    def expect(self, line, expected, lines=None):
        """Fails where not exactly these are offered. `lines`: where in --help something expected comes from."""
        offered = self.offered(line)
        problems = [f"does not offer {word}" + (f", of --help: {lines[word].strip()}" if lines else "")
                    for word in sorted(set(expected) - set(offered))]
        problems += [f"offers {word}" for word in sorted(set(offered) - set(expected))]
        problems += [f"offers {word} twice" for word in set(offered) if offered.count(word) > 1]
        with self.subTest(shell=self.name, line=line):
            if problems:
                self.fail(f'behind "{line}" {self.name}\n' + "\n".join(f"    {problem}" for problem in problems))

    def expect_options(self, program, line, known):
        """What --help has of options that begin with the last word, where `known` says so of one."""
        typed = line.rpartition(" ")[2]
        options = [o for o in program.options if o.typed.startswith(typed) and known(o)]
        # A shell may leave short options out where a long one stands for the same.
        if self.name == "bash":
            self.expect(line, [o.typed for o in options], {o.typed: o.line for o in options})
        else:  # which put the "=" behind it as something that goes again, or not at all
            self.expect(line, [o.typed.rstrip("=") for o in options], {o.typed.rstrip("="): o.line for o in options})

    # What each shell has to offer.

    def check_commands(self):
        ctl = self.programs["heartbeatctl"]
        self.expect("heartbeatctl ", list(ctl.commands), ctl.commands)
        self.expect("heartbeatctl --utc --output json --cause=busy ", list(ctl.commands), ctl.commands)
        self.expect("heartbeatctl ex", ["explain"])
        for line in ("--help ", "--version gaps ", "zz"):  # fish takes "x" for a part of explain
            self.expect(f"heartbeatctl {line}", [])
        self.expect("heartbeatctl explain ", TIMES)
        self.expect("heartbeatctl explain today ", [])

    def check_options(self):
        ctl, daemon = self.programs["heartbeatctl"], self.programs["heartbeatd"]
        self.expect_options(ctl, "heartbeatctl --", lambda option: True)
        self.expect_options(ctl, "heartbeatctl nothing --", lambda option: not option.commands)
        for command in ctl.commands:
            here = lambda option: option.commands is None or command in option.commands
            self.expect_options(ctl, f"heartbeatctl {command} --", here)
            self.expect_options(ctl, f"heartbeatctl {command} -", here)
            self.expect_options(ctl, f"heartbeatctl --state-dir gaps {command} --",
                                lambda option: here(option) and option.name not in ("state-dir", "user"))
        self.expect_options(daemon, "heartbeatd --", lambda option: True)
        # Where no word can follow, options are offered before a dash is typed. fish waits for the dash.
        if self.name != "fish":
            self.expect_options(ctl, "heartbeatctl report ", lambda o: not o.commands or "report" in o.commands)
            self.expect_options(daemon, "heartbeatd ", lambda option: True)
        self.expect_options(daemon, "heartbeatd --re", lambda option: True)

    def check_options_that_exclude(self):
        ctl, daemon = self.programs["heartbeatctl"], self.programs["heartbeatd"]
        commands = ["running", "stop", "check-config", "print-config", "record-exit", "help", "version"]
        for line, gone in {
            "gaps --utc --user --since=today": ["utc", "user", "state-dir", "since"],
            "gaps --until today --cause=busy": ["until"],
        }.items():
            self.expect_options(ctl, f"heartbeatctl {line} --",
                                lambda o: (not o.commands or "gaps" in o.commands) and o.name not in gone)
        self.expect_options(ctl, "heartbeatctl check -w 3 -", lambda o: (not o.commands or "check" in o.commands) and
                            o.name not in ("w", "warning"))
        self.expect("heartbeatctl --help --", [])
        self.expect("heartbeatctl gaps -- --", [])
        for line, gone in {
            "--interval=5s --output=stdout": ["interval"],
            "--sync never --message hi --config=x": ["sync", "message", "config"],
            "--fork": ["fork", "ready-fd"],
            "--user=root --fork": ["user", "fork", "ready-fd"],
            "--ready-fd=3": ["ready-fd", "fork", "pid-file", "user"],
            "--stop": commands,
            "--config /x --print-config": ["config", *commands],
        }.items():
            self.expect_options(daemon, f"heartbeatd {line} --", lambda o: o.name not in gone)
        self.expect("heartbeatd --version --", [])

    def check_values(self):
        for program in self.programs.values():
            for option in program.options:
                if option.typed.endswith("="):
                    self.assertIn(option.name, VALUES[program.name], f"a value that no completion knows: {option.line}")
                    self.check_value(program, option, VALUES[program.name][option.name])

    def check_value(self, program, option, kind):
        """All that stands behind one option; words behind each command, as far as the program takes them there."""
        commands = option.commands or list(program.commands) or [""]
        for command in commands if kind == WORD else commands[:1]:
            before = f"{program.name} {command} ".replace("  ", " ")
            expected = {NOTHING: [], DIRECTORY: DIRECTORIES, TIME: TIMES, USER: ["root"],
                        FILE: [name.rstrip("/") for name in FILES if "/" not in name.rstrip("/")]}.get(kind)
            if kind == WORD:
                arguments = [command, "--check-config"] if program.name == "heartbeatd" else [command]
                expected = [word for word in program.words(option.name)
                            if program.takes(*filter(None, arguments), f"--{option.name}={word}")]
                self.assertGreater(len(expected), command != "metrics", option.line)  # which is text and nothing else
            elif kind == OUTPUT:
                expected = DIRECTORIES + program.words(option.name)
            beginning = "roo" if kind == USER else ""
            for between in ("=", " "):
                self.expect(f"{before}{option.typed.rstrip('=')}{between}{beginning}", expected,
                            dict.fromkeys(expected, option.line))

    def check_beginnings_of_values(self):
        causes = self.programs["heartbeatctl"].words("cause")
        for line, expected in {
            "heartbeatctl --output=j": ["json"],
            "heartbeatctl --output=s": ["svg"],
            "heartbeatctl report --output sv": [],
            "heartbeatctl --by=": ["day", "week", "month", "year"],
            "heartbeatctl gaps --cause=cpu": ["cpu-throttled", "cpu-starved"],
            "heartbeatctl gaps --cause=busy,host-down,": [c for c in causes if c not in ("busy", "host-down")],
            "heartbeatctl gaps --cause busy,host-": ["host-paused", "host-shutdown", "host-down"],
            "heartbeatctl check -w ": [],
            "heartbeatctl --utc=": [],
            "heartbeatd --stop=": [],
            "heartbeatd --state-dir=l": ["logs"],
            "heartbeatd --state-dir=logs/": [],
            "heartbeatd --config=heart": ["heart.conf"],
            "heartbeatd --output=b": [],
            "heartbeatd --output=./b": ["./beats.log"],
            "heartbeatd --output ./b": ["./beats.log"],
            "heartbeatd --output=sy": ["syslog"],
            "heartbeatd --output=nowhere/": [],
            "heartbeatd zz": [],
        }.items():
            self.expect(line, expected)

    def check_hostile_lines(self):
        """A line is text: nothing in it is run."""
        for word in ("--$(touch {here}/ran)", "--output=$(touch {here}/ran)", "--x[$(touch {here}/ran)]",
                     "'`touch {here}/ran`'", "--cause=`touch {here}/ran`,", "--[", "--]", "--=", "*", "--*=", "''"):
            for program in VALUES:
                self.offered(f"{program} {word.format(here=self.here)} --")
                self.offered(f"{program} {word.format(here=self.here)}")
        self.assertFalse((self.here / "ran").exists())

    def check(self, shell):
        self.start(shell)
        self.check_commands()
        self.check_options()
        self.check_options_that_exclude()
        self.check_values()
        self.check_beginnings_of_values()
        self.check_hostile_lines()

    def test_bash(self):
        self.check("bash")

    def test_zsh(self):
        self.check("zsh")

    def test_fish(self):
        self.check("fish")


if __name__ == "__main__":
    unittest.main()
